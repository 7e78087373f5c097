"""The provenance: read back by the library of the format, and counted against the log."""

import json
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from prov.constants import PROV_TYPE
from prov.model import (
    ProvActivity,
    ProvDerivation,
    ProvDocument,
    ProvEntity,
    ProvGeneration,
    ProvInvalidation,
    ProvUsage,
)

from fixtures.lived import NOON, counted

SCHEMA = Draft7Validator(
    json.loads((Path(__file__).parents[2] / "schemas/prov-json.schema.json").read_text())
)


@pytest.fixture(scope="module")
def exported(lived, tmp_path_factory):
    out = tmp_path_factory.mktemp("prov") / "prov.json"
    lived.export("prov", out=out)
    return json.loads(out.read_text(encoding="utf-8"))


def test_the_librarys_reader_finds_what_the_log_counts(exported, lived):
    document = ProvDocument.deserialize(content=json.dumps(exported), format="json")
    types = Counter(str(one) for record in document.get_records(ProvEntity)
                    for one in record.get_attribute(PROV_TYPE))  # fmt: skip
    kinds = (ProvUsage, ProvGeneration, ProvInvalidation, ProvActivity)
    used, made, ended, runs = (len(list(document.get_records(kind))) for kind in kinds)
    derived = [one.get_attribute(PROV_TYPE) for one in document.get_records(ProvDerivation)]
    revised = sum("prov:Revision" in map(str, types) for types in derived)
    found = {
        "models": types["unweave:Model"], "deletions": types["unweave:Certificate"],
        "runs": runs, "used": used, "made": made, "ended": ended,
        "derived": len(derived) - revised, "revised": revised,
    }  # fmt: skip
    expected = counted(lived.root)
    assert found == {**expected} and expected["models"] == 4 and expected["deletions"] == 2


def test_it_tells_what_became_of_whom(exported):
    named = {values["unweave:of"]: name for name, values in exported["activity"].items()
             if values["prov:type"]["$"] == "unweave:Deletion"}  # fmt: skip
    ends = {one["prov:entity"]: one for one in exported["wasInvalidatedBy"].values()}
    assert {*ends} == {f"ws:{one}{what}" for one in ("m1", "m2", "m3") for what in ("", ".data")}
    assert ends["ws:m1"]["prov:activity"] == ends["ws:m1.data"]["prov:activity"] == named["r1"]
    assert ends["ws:m1"]["prov:time"] == NOON.isoformat()
    revisions = {(one["prov:generatedEntity"], one["prov:usedEntity"])
                 for one in exported["wasDerivedFrom"].values() if "prov:type" in one}  # fmt: skip
    assert ("ws:m2", "ws:m1") in revisions and ("ws:m4.data", "ws:m2.data") in revisions
    entities = exported["entity"]
    assert {"unweave:weights", "unweave:ledger", "unweave:served"} <= entities["ws:m1"].keys()
    with_data = [name for name, one in entities.items() if "unweave:commitment" in one]
    assert with_data == ["ws:m4.data"], "a ledger that is gone says nothing"


def required(exported):
    """Each kind of place of which the format asks for a field."""
    yield from (((), name) for name in ("prefix", "entity", "activity"))
    for relation in ("used", "wasGeneratedBy", "wasInvalidatedBy"):
        yield from (((relation, f"_:{relation}1"), end) for end in ("prov:entity", "prov:activity"))
    for end in ("prov:generatedEntity", "prov:usedEntity"):
        yield ("wasDerivedFrom", "_:wasDerivedFrom1"), end
    yield ("entity", "ws:m1", "prov:type"), "$"


def test_the_schema_takes_it_and_refuses_it_without_any_required_field(exported):
    SCHEMA.validate(exported)
    for path, name in required(exported):
        copy = json.loads(json.dumps(exported))
        at = copy
        for step in path:
            at = at[step]
        del at[name]
        assert not SCHEMA.is_valid(copy), (path, name)
