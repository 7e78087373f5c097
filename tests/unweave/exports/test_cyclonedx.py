"""The bill of materials: valid for the library of the format, and counted against the log."""

import json
from collections import Counter

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import ComponentType
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from fixtures.lived import counted

VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


@pytest.fixture(scope="module")
def bill(lived, tmp_path_factory):
    out = tmp_path_factory.mktemp("cyclonedx") / "bom.json"
    lived.export("cyclonedx", out=out)
    return json.loads(out.read_text(encoding="utf-8"))


def workflows(bill):
    (formula,) = bill["formulation"]
    return formula["workflows"]


def test_models_deletions_and_edges_are_those_of_the_log(bill, lived):
    expected = counted(lived.root)
    (formula,) = bill["formulation"]
    types = Counter(one["type"] for one in [*bill["components"], *formula["components"]])
    names = Counter(one["name"] for one in workflows(bill))
    counts = Counter(one["name"] for run in workflows(bill) for one in run["properties"])
    assert types == {one: expected["models"] for one in ("machine-learning-model", "data")}
    assert names == {"training": 2, "deletion": expected["deletions"], "retirement": 1}
    assert len(workflows(bill)) == expected["runs"]
    assert {
        "used": sum(len(run["inputs"]) for run in workflows(bill)),
        "made": sum(len(run["outputs"]) for run in workflows(bill)),
        "derived": sum(len(one["dependsOn"]) for one in bill["dependencies"]),
        "ended": counts["unweave:ended"],
        "revised": counts["unweave:revised"],
    } == {one: expected[one] for one in ("used", "made", "derived", "ended", "revised")}


def test_the_library_reads_the_live_model_with_what_it_came_from(bill):
    read = Bom.from_json(bill)
    (model,) = (one for one in read.components if one.type is ComponentType.MACHINE_LEARNING_MODEL)
    assert (model.name, model.version) == ("churn", "m4")
    said = {one.name: one.value for one in model.properties}
    assert said["unweave:state"] == "live" and said["unweave:guarantee"] == "exact"
    assert len(said["unweave:commitment:weights"]) == 64
    (made,) = (one for one in bill["components"] if one["bom-ref"] == "m4")
    assert made["modelCard"]["modelParameters"] == {
        "approach": {"type": "supervised"}, "task": "classification",
        "architectureFamily": "naive-bayes", "datasets": [{"ref": "m4.data"}],
    }  # fmt: skip
    hashes = [one for one in json.dumps(bill).split('"hashes"')[1:]]
    assert len(hashes) == 2, "those of the certificates, and of no weights"


def test_it_is_valid_and_is_not_without_any_required_field(bill):
    assert VALIDATOR.validate_str(json.dumps(bill)) is None
    for path in (
        "bomFormat", "specVersion", "components.0.type", "components.0.name",
        "components.1.data.0.type", "dependencies.0.ref", "formulation.0.workflows.0.uid",
        "formulation.0.workflows.0.bom-ref", "formulation.0.workflows.0.taskTypes",
        "formulation.0.workflows.1.inputs.0.resource",
        "formulation.0.workflows.1.outputs.2.resource.externalReference.url",
        "formulation.0.workflows.1.outputs.2.resource.externalReference.hashes.0.content",
    ):  # fmt: skip
        copy = json.loads(json.dumps(bill))
        *steps, name = path.split(".")
        at = copy
        for step in steps:
            at = at[int(step) if step.isdigit() else step]
        del at[name]
        assert VALIDATOR.validate_str(json.dumps(copy)) is not None, path
