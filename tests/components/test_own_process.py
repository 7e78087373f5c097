"""What components start in a process of its own, through the module that pipelines name."""

import csv
import json
import os
import subprocess

import pytest

from components import own_process
from components.own_process import answer_of, carried_out
from fixtures.warm_python import WarmSys, warm_python
from lineage_store.errors import CheckFailed
from lineage_store.workspace.folder import MARKER
from pipelines.backends.direct import DirectBackend
from unweave import Project

ENTRY = "unweave.scheduled"  # as `pipelines.definitions.scheduled` names it, which loads TFX
RECORDING = "unweave.recording"  # as `pipelines.definitions.training` does


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A model of sums of 60 rows, of which one has a label that the others contradict."""
    here = tmp_path_factory.mktemp("scheduled")
    rows = [[str(n), "ab"[n % 2], "xy"[n % 2 if n else 1]] for n in range(60)]
    with (here / "rows.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["ref", "sign", "label"], *rows])
    made = Project(here / "ws", backend=DirectBackend())
    made.train(here / "rows.csv", label="label", row_id="ref", model_family="naive-bayes")
    return made


@pytest.fixture(autouse=True)
def warm(monkeypatch):
    """Let the processes be forks."""
    monkeypatch.setitem(vars(own_process), "sys", WarmSys())


def test_a_search_files_a_request_and_a_run_without_due_ones_says_so(project):
    asked = {"csv": str(project.root.parent / "rows.csv"), "row_id_column": "ref", "share": 0.04}
    (project.root / "detect.json").write_text(json.dumps(asked))
    found = json.loads(answer_of(ENTRY, {"job": "detect", "workspace": str(project.root)}))
    assert (found["request"], found["state"]) == ("q1", "proposal")
    assert "0" in project.requests.show("q1")["named"]
    asked = {"job": "run requests", "workspace": str(project.root), "due": "2031-05-17"}
    ran = json.loads(answer_of(ENTRY, asked))
    assert (ran["runs"], ran["left"], ran["exit_status"]) == ([], {"proposal": 1}, 0)


def test_what_went_wrong_is_the_sentence_of_the_error(project):
    asked = {"job": "run requests", "workspace": str(project.root), "due": "someday"}
    with pytest.raises(CheckFailed, match="unweave.scheduled ended with status 2: The day of .*"):
        answer_of(ENTRY, asked)


def test_what_records_a_run_says_why_it_cannot(tmp_path):
    asked = {"workspace": str(tmp_path / "none"), "ahead": 0, "awaited": 1, "stand_ins": 0}
    with pytest.raises(
        CheckFailed, match="unweave.recording ended with status 3: There is no works"
    ):
        carried_out(RECORDING, asked)


def test_what_records_a_run_goes_with_whoever_started_it(tmp_path):
    os.mkfifo(tmp_path / MARKER)  # it waits there, for ever
    process = subprocess.Popen(
        [*warm_python(), "-m", RECORDING], stdin=subprocess.PIPE, env=own_process._environment()
    )
    asked = {"workspace": str(tmp_path), "ahead": 0, "awaited": 1, "stand_ins": 0}
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    process.stdin.flush()
    with (tmp_path / MARKER).open("wb"):  # which opens once it waits to read
        process.stdin.close()
        assert process.wait() == 1


def test_pipelines_name_the_modules_that_are_there():
    from pipelines.definitions import scheduled, training

    assert (scheduled.ENTRY, training.RECORDING) == (ENTRY, RECORDING)
