"""What a request said in words leaves the index when it ends, also while somebody reads it.

A reader keeps the old pages alive: it delays the end of a run with a sentence, and nothing worse,
and when it is gone nothing is left of the words, sealed as they were.
"""

import csv
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lineage_store.errors import WorkspaceBusy
from lineage_store.index import database
from pipelines.backends.direct import DirectBackend
from unweave import Project


class Meanwhile(DirectBackend):
    """Lets something happen when a deletion is done, but for the very last step."""

    def __init__(self, happens):
        self.happens = happens

    def record_deletion(self, job):
        super().record_deletion(job)
        self.happens()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace with two requests of many words; never written to after this."""
    here = tmp_path_factory.mktemp("words")
    with (here / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "label"])
        out.writerows([f"p{n % 12}", n % 7, "ab"[n % 2]] for n in range(120))
    project = Project(here / "ws", backend=DirectBackend())
    project.train(
        here / "t.csv", label="label", subject="person", model_family="naive-bayes", shards=1
    )
    for number in range(2):
        project.requests.add([f"p{number}"], reason="because " * 900, requester="Dora Ost")
    return here / "ws"


@pytest.fixture
def root(original, tmp_path, monkeypatch):
    monkeypatch.setattr(database, "PATIENCE", 0.5)  # of a reader that closes in time nobody hears
    return Path(shutil.copytree(original, tmp_path / "ws"))


def reading(root):
    """Somebody who reads the index, and keeps it as it is now for as long as that takes."""
    index = sqlite3.connect(root / "unweave.sqlite", isolation_level=None)
    index.execute("BEGIN")
    assert index.execute("SELECT count(*) FROM models").fetchone()
    return closing(index)


def sealed(root):
    with closing(sqlite3.connect(root / "unweave.sqlite")) as index:
        return [row[0] for row in index.execute("SELECT sealed FROM queue ORDER BY ordinal")]


def is_left(root, words):
    """Whether a piece of the sealed words is in any file of the workspace."""
    pieces = [words[n : n + 32] for n in range(0, len(words), 256)]
    files = [file.read_bytes() for file in root.rglob("*") if file.is_file()]
    return any(piece in data for data in files for piece in pieces)


def test_a_reader_at_the_end_of_a_run_delays_it_and_nothing_of_the_words_stays(root):
    words, others = sealed(root)
    readers = []
    backend = Meanwhile(lambda: readers.append(reading(root)) if not readers else None)
    project = Project(root, backend=backend)
    project.requests.cancel("q2")
    assert not is_left(root, others)
    ran = project.requests.run()
    assert "Another program is reading the index" in str(ran)
    for one in readers:
        one.__exit__(None, None, None)
    again = Project(root, backend=DirectBackend())
    again.requests.run()
    assert again.requests.show("q1")["state"] == "done"
    assert not is_left(root, words) and again.audit()["ok"]
    assert not (root / "requests" / "r1" / "open.sealed").exists()


def test_a_reader_while_a_request_is_taken_back_is_told(root):
    words, _ = sealed(root)
    project = Project(root, backend=DirectBackend())
    with reading(root):
        answer = project.requests.cancel("q1")
        assert "reading the index" in answer["warnings"][-1] and is_left(root, words)
    assert project.requests.show("q1")["state"] == "cancelled"
    assert not is_left(root, words)


def test_a_run_without_words_waits_for_nobody(root):
    project = Project(root, backend=Meanwhile(lambda: reading(root).__enter__()))
    assert project.forget(["p5"])["guarantee"] == "exact"


def test_a_run_that_was_killed_before_its_last_step_says_the_same(root):
    words, _ = sealed(root)

    def power_cut():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Project(root, backend=Meanwhile(power_cut)).requests.run()
    project = Project(root, backend=DirectBackend())
    with reading(root), pytest.raises(WorkspaceBusy, match="reading the index"):
        project.requests.run()
    project.requests.run()
    assert not is_left(root, words) and project.audit()["ok"]
