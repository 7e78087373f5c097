"""The evaluator in the deletion pipeline: what it refuses is not pushed, what it judges is kept."""

import csv
import json
import random
from pathlib import Path

import pytest

from fixtures import SMALL_MODEL
from lineage_store.canonical import digest_file
from lineage_store.errors import CheckFailed
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.tfx_local import TfxBackend
from unweave import Project

pytestmark = pytest.mark.tfx

FORGOTTEN = [f"person-{n}" for n in range(6)]


def test_the_verdict_gates_the_push_and_is_an_artifact_of_the_lineage(tmp_path):
    draw = random.Random(1)
    file = tmp_path / "people.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        rows = ([f"person-{n % 40}", f"{draw.random():.3f}", "yn"[n % 3 == 0]] for n in range(300))
        csv.writer(stream).writerows([["person", "size", "label"], *rows])
    project = Project(tmp_path / "ws", backend=TfxBackend())
    project.train(file, label="label", subject="person", module=SMALL_MODEL, shards=1,
                  slices=1, epochs=1)  # fmt: skip
    served = sorted(project.root.glob("serving/m1/*"))
    policy = project.root / "evaluation.json"
    policy.write_text('{"at_least": "bits", "refuse_uninformative": true}')

    with pytest.raises(CheckFailed, match="evaluated as uninformative"):
        project.forget(FORGOTTEN)  # without a twin
    assert [model["state"] for model in project.models()] == ["live"]
    assert sorted(project.root.glob("serving/m1/*")) == served

    answer = project.forget(FORGOTTEN, replay=True)
    assert (answer["evaluation"]["outcome"], answer["evaluation"]["rung"]) == ("passed", "bits")
    kept = project.root / "requests/r1/evaluation-m1.json"
    assert digest_file(kept) == answer["evaluation"]["digest"]
    metadata = Metadata(open_workspace(project.root).metadata, create=False)
    written = {
        digest_file(Path(one.uri) / "evaluation.json")
        for one in metadata.store.get_artifacts_by_type("components.Evaluation")
        if (Path(one.uri) / "evaluation.json").exists()
    }
    assert answer["evaluation"]["digest"] in written
    assert answer["evaluated"]["rungs"][0]["values"]["untouched"] == 0
    assert json.loads(kept.read_bytes())["rungs"][0]["values"]["untouched"] is None
    # A later deletion has a verdict for it.
    kinds = {v["kind"] for v in project.plan(["person-7"])["plans"][0]["verdicts"]}
    assert {"components.Evaluation", "components.Ledger"} <= kinds
