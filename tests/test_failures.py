"""What failed and killed runs leave: nothing that names a person, and no key of one."""

import csv
import gzip
from pathlib import Path

import pytest

from lineage_store.errors import CheckFailed
from lineage_store.failures import record_failure
from pipelines.direct import DirectBackend
from unweave import Project

TOP = Path(__file__).parent.parent
NAMED = "ottilie.von.hohenlinden@example.org"
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "shards": 2, "slices": 2,
    "epochs": 1, "batch_size": 32,
}  # fmt: skip


def project_in(root):
    return Project(root, backend=DirectBackend())


def write(path, people, rows=120):
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "age", "label"])
        for n in range(rows):
            out.writerow([f"{path.stem}-{n}", people[n % len(people)], n % 37, "ab"[n % 37 > 18]])
    return path


@pytest.fixture
def workspace(tmp_path):
    root = tmp_path / "workspace"
    project_in(root).train(write(tmp_path / "one.csv", [NAMED, "p1", "p2", "p3"]), **OPTIONS)
    return root


def test_a_residue_that_is_named_after_the_person_does_not_put_the_name_on_record(workspace):
    """Else the index itself would hold the name, and the deletion could never end."""
    copy = workspace / "notes" / f"{NAMED}.gz"
    copy.parent.mkdir()
    copy.write_bytes(gzip.compress((workspace / "data/m1/train/rows.csv").read_bytes()))
    with pytest.raises(CheckFailed, match="1 files still hold"):
        project_in(workspace).forget([NAMED])
    (failure,) = project_in(workspace).ask.failures()["failures"]
    assert (failure["run"], failure["message"]) == ("forget-r1", None)
    copy.unlink()
    assert project_in(workspace).forget([NAMED])["model_after"] == "m2"


def test_a_failure_that_cannot_be_written_down_does_not_hide_the_error(tmp_path):
    index = tmp_path / "unweave.sqlite"
    index.write_bytes(b"no database at all" * 100)
    record_failure(index, run="train-m1", error=KeyError("x"), time="2031-01-01")
