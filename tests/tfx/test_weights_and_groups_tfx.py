"""Rows with weights and groups through the TFX pipeline: the bits of the direct backend."""

import csv
import json
import random
import subprocess
from pathlib import Path

import pytest

from fixtures import SMALL_MODEL
from fixtures.warm_python import warm_python
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
GONE = "person-03"
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "weight_column": "weight",
    "group_column": "query", "module": SMALL_MODEL, "shards": 2, "slices": 2, "epochs": 2,
    "batch_size": 16,
}  # fmt: skip
FLAGS = [
    "--label-column", "label", "--subject-column", "person", "--row-id-column", "row",
    "--weight-column", "weight", "--group-column", "query", "--module", SMALL_MODEL,
    "--shards", 2, "--slices", 2, "--epochs", 2, "--batch-size", 16,
]  # fmt: skip


def lines(without=()):
    draw = random.Random(4)
    yield ["row", "person", "query", "weight", "town", "age", "label"]
    for number in range(160):
        row = [str(number), f"person-{draw.randrange(12):02d}", f"query-{draw.randrange(30)}",
               draw.choice(["0", "0.25", "1", "3.5"]), draw.choice(["Ulm", "Trier", ""]),
               f"{draw.gauss(40, 12):.1f}", draw.choice(["old", "young"])]  # fmt: skip
        if row[1] not in without:
            yield row


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


def test_weights_and_groups_go_through_examples_as_through_the_gate(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(range(32)))
    (tmp_path / "secret").chmod(0o600)
    root, table = tmp_path / "workspace", write(tmp_path / "people.csv", lines())
    answer = command(
        "train", "--csv", table, *FLAGS, "--workspace", root, "--key-file", tmp_path / "secret",
        "--reveal",
    )  # fmt: skip
    assert answer["understood"]["weight_column"] == "weight"
    assert answer["understood"]["group_column"] == "query"
    direct = Project(tmp_path / "direct", backend=DirectBackend(), reveal=True)
    made = direct.train(table, key_file=tmp_path / "secret", **OPTIONS)
    assert answer["weights_digest"] == made["weights_digest"]
    assert answer["metrics"] == made["metrics"]

    done = command("forget", GONE, "--replay", "--reveal", "--workspace", root)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    rest = write(tmp_path / "without.csv", lines([GONE]))
    made = twin.train(rest, key_file=tmp_path / "secret", **OPTIONS)
    assert done["weights_digest_after"] == made["weights_digest"]
    project = Project(root, reveal=True)
    assert project.doctor()["ok"]
    assert project.audit(replay=3)["ok"]
