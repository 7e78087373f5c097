"""An estimator through the TFX pipeline: by command, pushed as its file, recorded, forgotten."""

import pytest

from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from tests.tfx.test_item_knn_tfx import command
from tests.tfx.test_naive_bayes_tfx import write
from tests.unlearning.families.test_estimator import HEADER, TREE, rows
from unweave import Project, verify

pytestmark = pytest.mark.tfx

GONE = ["p07", "p31"]


def test_an_estimator_is_trained_pushed_forgotten_and_recorded_by_pipelines(tmp_path):
    secret, module = tmp_path / "secret", tmp_path / "mine.py"
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    module.write_text(TREE)
    options = {"subject": "who", "label": "kind", "model_family": "estimator", "shards": 2,
               "module": module}  # fmt: skip
    root, table = tmp_path / "workspace", write(tmp_path / "people.csv", [HEADER, *rows()])
    command(
        "train", "--data", table, "--subject-column", "who", "--label-column", "kind",
        "--family", "estimator", "--module", module, "--shards", 2, "--workspace", root,
        "--key-file", secret,
    )  # fmt: skip
    project = Project(root, reveal=True)
    direct = Project(tmp_path / "direct", backend=DirectBackend(), reveal=True)
    made = direct.train(table, key_file=secret, **options)

    done = command("forget", *GONE, "--replay", "--reveal", "--workspace", root)
    assert done["weights_digest_before"] == made["weights_digest"]  # of Examples and of the gate
    assert (done["guarantee"], done["basis"], done["strategy"]) == (
        "exact",
        "by replay",
        "retrain-whole-shards",
    )
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    left = write(tmp_path / "left.csv", [HEADER, *rows(without=GONE)])
    learnt = twin.train(left, key_file=secret, **options)
    assert done["weights_digest_after"] == learnt["weights_digest"]
    assert project.predict(left)["predictions"] == twin.predict(left)["predictions"]
    assert project.doctor()["ok"] and project.audit(replay=5)["ok"]
    page = project.report(done["request_id"], out=tmp_path / "report.html")
    assert page["outcome"] == "exact"
    metadata = Metadata(open_workspace(root).metadata, create=False)
    found = metadata.store.get_executions_by_type("lineage.Fit")
    properties = {name for one in found for name in one.custom_properties}
    assert found and properties == {"model", "shard", "stage"}  # identity alone
    assert project.trace_subject("p05")["models"]
