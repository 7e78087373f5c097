"""What failed and killed runs leave: nothing that names a person, and no key of one."""

import csv
import gzip
import os
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.cell_files import lines_of_data
from fixtures.warm_python import warm_python
from lineage_store.errors import CheckFailed, NothingFound, ResidueFound
from lineage_store.index.failures import record_failure
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project

TOP = Path(__file__).parents[2]
NAMED = "ottilie.von.hohenlinden@example.org"
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "model_family": "naive-bayes",
    "shards": 2,
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
    copy.write_bytes(gzip.compress(lines_of_data(workspace, "m1")))
    with pytest.raises(CheckFailed, match="1 file still holds"):
        project_in(workspace).forget([NAMED])
    assert project_in(workspace).ask.failures()["failures"] == []  # nothing was begun
    copy.unlink()
    assert project_in(workspace).forget([NAMED])["model_after"] == "m2"


def test_the_words_of_a_residue_are_not_kept_since_they_name_files(workspace):
    index = workspace / "unweave.sqlite"
    error = ResidueFound(f"1 file still holds it: notes/{NAMED}.gz")
    record_failure(index, run="forget-r1", error=error, time="2031-01-01")
    (kept,) = project_in(workspace).ask.failures()["failures"]
    assert kept["error"] == "ResidueFound" and NAMED not in str(kept)


def test_a_failure_that_cannot_be_written_down_does_not_hide_the_error(tmp_path):
    index = tmp_path / "unweave.sqlite"
    index.write_bytes(b"no database at all" * 100)
    record_failure(index, run="train-m1", error=KeyError("x"), time="2031-01-01")


KILL = """
import importlib, os, signal, sys
root, table, module, name = sys.argv[1:5]
module = importlib.import_module(module)
whole, killed = getattr(module, name), lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
for each in list(sys.modules.values()):  # whoever has imported it by its name has it, too
    if getattr(each, "__dict__", {}).get(name) is whole:
        setattr(each, name, killed)
from tests.faults.test_failures import OPTIONS, project_in
project_in(root).train(table, **OPTIONS)
"""


def train_killed_at(root, table, module, name):
    done = subprocess.run(
        [*warm_python(), "-c", KILL, str(root), str(table), module, name],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TOP), str(TOP / "tests")])},
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def keys_in(root):
    with closing(sqlite3.connect(root / "keys" / "pseudonyms.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM drawn").fetchone() in [(0,), (4,)]
        return set(connection.execute("SELECT lookup, key FROM keys"))


def test_a_killed_training_leaves_nobody_a_key_once_another_command_has_run(workspace, tmp_path):
    """Nobody could have asked for its end: who is in no model is nothing found."""
    before = keys_in(workspace)
    table = write(tmp_path / "two.csv", ["p1", "new-1", "new-2", "new-3", "new-4"])
    train_killed_at(workspace, table, "pipelines.backends.direct", "describe_model")
    assert len(keys_in(workspace)) == len(before) + 4
    with pytest.raises(NothingFound):
        project_in(workspace).forget(["new-1"])
    assert keys_in(workspace) == before
    assert project_in(workspace).trace_subject("p1")["models"]


def test_a_training_killed_after_its_model_is_registered_keeps_the_keys(workspace, tmp_path):
    table = write(tmp_path / "two.csv", ["p1", "new-1", "new-2", "new-3", "new-4"])
    train_killed_at(workspace, table, "lineage_store.index.signed_log", "sign_log")
    kept = keys_in(workspace)
    assert project_in(workspace).forget(["new-1"])["model_after"] == "m3"
    left = keys_in(workspace)
    assert left < kept and len(left) == len(kept) - 1
    assert project_in(workspace).trace_subject("new-2")["models"]


def test_keys_are_taken_back_of_the_run_alone_that_drew_them(workspace):
    opened = open_workspace(workspace)
    for run in ("m7", "m8"):
        with closing(Pseudonyms(opened.pseudonym_file, opened.keys(), run=run)) as store:
            store.get(f"new in {run}")
            store.commit()
    with closing(Pseudonyms(opened.pseudonym_file, opened.keys(), run="m7")) as store:
        store.take_back()
        assert store.find("new in m7") is None and store.find("new in m8") is not None
        assert store.find("p1") is not None
