"""item-knn through the TFX pipeline: by command, pushed, recommending, recorded, forgotten."""

import json
import subprocess
from pathlib import Path

import pytest

from fixtures.warm_python import warm_python
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from tests.tfx.test_naive_bayes_tfx import write
from tests.unlearning.families.test_item_knn import ALONE, HEADER, rows
from unweave import Project, verify

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
GONE = ["Lone Lee", "u03"]
OPTIONS = {"subject": "user", "item_column": "song", "weight_column": "stars",
           "model_family": "item-knn", "shards": 2}  # fmt: skip


def command(*arguments, json_=True):
    done = subprocess.run(
        [*warm_python(), "-m", "unweave", *map(str, arguments), *(["--json"] if json_ else [])],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout) if json_ else done.stdout


def test_item_knn_is_trained_served_forgotten_and_recorded_by_pipelines(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    root, table = tmp_path / "workspace", write(tmp_path / "songs.csv", [HEADER, *rows()])
    said = command(
        "train", "--data", table, "--subject-column", "user", "--item-column", "song",
        "--weight-column", "stars", "--family", "item-knn", "--shards", 2, "--workspace", root,
        "--key-file", secret, json_=False,
    )  # fmt: skip
    assert "(without a label)" in said and "hit rate at 10" in said and "histories" in said
    project = Project(root, reveal=True)
    direct = Project(tmp_path / "direct", backend=DirectBackend(), reveal=True)
    made = direct.train(table, key_file=secret, **OPTIONS)

    done = command("forget", *GONE, "--replay", "--reveal", "--workspace", root)
    assert done["weights_digest_before"] == made["weights_digest"]  # of Examples and of the gate
    assert (done["guarantee"], done["basis"], done["steps_full"]) == ("exact", "by replay", 0)
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    left = write(tmp_path / "left.csv", [HEADER, *(row for row in rows() if row[1] not in GONE)])
    assert (
        done["weights_digest_after"]
        == twin.train(left, key_file=secret, **OPTIONS)["weights_digest"]
    )
    asked = write(tmp_path / "asked.csv", [["who", "song"], ["ann", "song-1-0"], ["eve", ALONE]])
    lines = command("predict", "--workspace", root, "--data", asked, "--row-id-column", "who",
                    json_=False).splitlines()  # fmt: skip
    assert lines[0] == "who,item,score" and len(lines) == 11
    assert project.predict(asked)["items"] == twin.predict(asked)["items"]
    assert project.doctor()["ok"] and project.audit(replay=5)["ok"]
    page = project.report(done["request_id"], out=tmp_path / "report.html")
    assert page["outcome"] == "exact"
    metadata = Metadata(open_workspace(root).metadata, create=False)
    sums = metadata.store.get_executions_by_type("lineage.Sums")
    properties = {name for one in sums for name in one.custom_properties}
    assert sums and properties == {"model", "shard", "stage"}  # identity alone
    trace = project.trace_subject("u05")
    assert trace["models"]
