"""Naive Bayes through the TFX pipeline: pushed, answering, recorded in MLMD, forgotten, clean."""

import csv
import json
import random
import subprocess
from pathlib import Path

import pytest

from fixtures.warm_python import warm_python
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
GONE = ["person-03", "person-11"]
OPTIONS = {"label": "label", "subject": "person", "row_id": "row", "model_family": "naive-bayes"}


def lines(without=()):
    draw = random.Random(4)
    yield ["row", "person", "town", "age", "label"]
    for number in range(160):
        age, person = draw.gauss(40, 12), f"person-{number % 20:02d}"
        town = draw.choice(["Ulm", "Trier", ""])
        if person not in without:
            yield [str(number), person, town, f"{age:.1f}", "old" if age > 40 else "young"]


def write(path, table):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)
    return path


def command(*arguments):
    done = subprocess.run(
        [*warm_python(), "-m", "unweave", *map(str, arguments), "--json"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_naive_bayes_is_trained_served_forgotten_and_recorded_by_pipelines(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(range(32)))
    (tmp_path / "secret").chmod(0o600)
    root, table = tmp_path / "workspace", write(tmp_path / "people.csv", lines())
    answer = command(
        "train", "--csv", table, "--label-column", "label", "--subject-column", "person",
        "--row-id-column", "row",
        "--family", "naive-bayes", "--workspace", root, "--key-file", tmp_path / "secret",
        "--reveal",
    )  # fmt: skip
    assert (answer["shards"], answer["slices"], answer["steps"]) == (1, 1, 0)
    direct = Project(tmp_path / "direct", backend=DirectBackend(), reveal=True)
    made = direct.train(table, key_file=tmp_path / "secret", **OPTIONS)
    assert (
        answer["weights_digest"] == made["weights_digest"]
    )  # read from Examples and from the gate

    done = command("forget", *GONE, "--replay", "--reveal", "--workspace", root)
    assert (done["guarantee"], done["basis"], done["steps_full"]) == ("exact", "by replay", 0)
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    made = twin.train(
        write(tmp_path / "without.csv", lines(GONE)), key_file=tmp_path / "secret", **OPTIONS
    )
    assert done["weights_digest_after"] == made["weights_digest"]

    project = Project(root, reveal=True)
    answers, others = (one.predict(table) for one in (project, twin))
    assert answers["predictions"] == others["predictions"]
    right = [line[-1] for line in list(lines())[1:]]
    hits = sum(a == b for a, b in zip(answers["predictions"], right, strict=True))
    assert hits / len(right) > 0.8
    assert project.doctor()["ok"]
    assert project.audit(replay=5)["ok"]
    metadata = Metadata(open_workspace(root).metadata, create=False)
    sums = metadata.store.get_executions_by_type("lineage.Sums")
    properties = {name for one in sums for name in one.custom_properties}
    assert sums and properties == {"model", "shard", "stage"}  # identity alone
