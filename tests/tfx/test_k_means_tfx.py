"""k-means through the TFX pipeline: by command, without a label, pushed, telling, forgotten."""

import pytest

from pipelines.backends.direct import DirectBackend
from tests.tfx.test_item_knn_tfx import command
from tests.tfx.test_naive_bayes_tfx import write
from tests.unlearning.families.test_k_means import HEADER, SCALED, rows
from unweave import Project, verify

pytestmark = pytest.mark.tfx

GONE = ["p07", "p31"]
OPTIONS = {"subject": "who", "model_family": "k-means", "shards": 2, **SCALED}


def test_k_means_is_trained_served_and_forgotten_by_pipelines(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    root, table = tmp_path / "workspace", write(tmp_path / "people.csv", [HEADER, *rows()])
    scales = [part for scale in SCALED["scales"] for part in ("--scale", scale)]
    said = command(
        "train", "--data", table, "--subject-column", "who", "--family", "k-means", "--shards", 2,
        "--clusters", 3, *scales, "--workspace", root, "--key-file", secret, json_=False,
    )  # fmt: skip
    assert "(without a label)" in said and "share of the spread that clusters explain" in said
    project = Project(root, reveal=True)
    direct = Project(tmp_path / "direct", backend=DirectBackend(), reveal=True)
    made = direct.train(table, key_file=secret, **OPTIONS)

    done = command("forget", *GONE, "--replay", "--reveal", "--workspace", root)
    assert done["weights_digest_before"] == made["weights_digest"]  # of Examples and of the gate
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    left = write(tmp_path / "left.csv", [HEADER, *rows(without=GONE)])
    learnt = twin.train(left, key_file=secret, **OPTIONS)
    assert done["weights_digest_after"] == learnt["weights_digest"]
    assert project.predict(left)["predictions"] == twin.predict(left)["predictions"]
    assert project.doctor()["ok"] and project.audit(replay=5)["ok"]
    page = project.report(done["request_id"], out=tmp_path / "report.html")
    assert page["outcome"] == "exact"
    assert project.trace_subject("p05")["models"]
