"""What a workspace rarely sees is a valid document of every kind, too, and says what happened."""

import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft7Validator, Draft202012Validator

from fixtures.told_log import exported_of, made
from lineage_store.log.kinds import DeletionAsked, DeletionTakenBack, ModelRetired, RowsDeleted
from unweave.exports.cyclonedx import CycloneDx
from unweave.exports.log_tables import CSV, PARQUET
from unweave.exports.mlflow import Mlflow
from unweave.exports.openlineage import OpenLineage
from unweave.exports.prov import Prov

SCHEMAS = Path(__file__).parents[2] / "schemas"
STORIES = {
    "nothing": (),
    "of an earlier unweave": (
        made("m1", "m1", served=None), RowsDeleted("r1", "c1" * 32, {"m1": None}, {}),
    ),
    "taken back, and begun again": (
        made("m1", "m1"), DeletionAsked("r1", "d"), DeletionTakenBack("r1", "d"),
        DeletionAsked("r1", "e"), made("m2", "m1", "r1"),
    ),
    "a base and what came of it": (
        made("m1", "m1"), made("m2", "m2", base="m1"), DeletionAsked("r1", "d"),
        made("m3", "m1", "r1"), made("m4", "m2", "r1", base="m3"),
        RowsDeleted("r1", "c1" * 32, {"m1": "m3", "m2": "m4"}, {}), ModelRetired("m4"),
    ),
}  # fmt: skip


def written(export, exported):
    return {name: data.decode("utf-8") for name, data in export.written(exported, None).items()}


@pytest.mark.parametrize("story", STORIES)
def test_every_document_of_it_is_valid(tmp_path, story):
    exported = exported_of(tmp_path, *STORIES[story])
    prov = json.loads((SCHEMAS / "prov-json.schema.json").read_text())
    Draft7Validator(prov).validate(json.loads(written(Prov(), exported)["."]))
    events = written(OpenLineage(), exported)["."].splitlines()
    openlineage = json.loads((SCHEMAS / "openlineage-2-0-2.schema.json").read_text())
    for event in events:
        Draft202012Validator(openlineage).validate(json.loads(event))
    bill = JsonStrictValidator(SchemaVersion.V1_6)
    assert bill.validate_str(written(CycloneDx(), exported)["."]) is None
    rows = [text.count("\n") - 1 for text in written(CSV, exported).values()]
    assert rows[0] == len(STORIES[story]) and len(PARQUET.written(exported, None)) == len(rows)
    assert json.loads(written(Mlflow(), exported)["."])["registered_models"] or not rows[1]


def test_a_run_that_was_taken_back_failed_and_one_that_goes_on_has_no_end(tmp_path):
    exported = exported_of(tmp_path, *STORIES["taken back, and begun again"])
    events = map(json.loads, written(OpenLineage(), exported)["."].splitlines())
    ends = [(one["job"]["name"], one["eventType"]) for one in events]
    assert ends == [
        ("training", "START"), ("training", "COMPLETE"), ("deletion", "START"),
        ("deletion", "FAIL"), ("deletion", "START"),
    ]  # fmt: skip


@pytest.mark.parametrize("export", [Prov(), OpenLineage(), CycloneDx(), CSV, Mlflow()])
def test_no_digest_of_an_earlier_unweave_is_in_any(tmp_path, export):
    exported = exported_of(tmp_path, *STORIES["of an earlier unweave"])
    for text in written(export, exported).values():
        assert not any(one * 32 in text for one in ("e1", "1e", "c1"))
