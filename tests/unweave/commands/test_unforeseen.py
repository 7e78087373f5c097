"""What nobody foresaw, a workspace in use, bytes that are no text: a status and a sentence."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from fixtures.warm_python import warm_python
from lineage_store.errors import WorkspaceBusy
from lineage_store.workspace.folder import writing
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.options.shared import workspace_of
from unweave.session.unforeseen import sentence, write_details

TOP = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with the workspace `ws`, in which one small model is."""
    here = tmp_path_factory.mktemp("unforeseen")
    rows = "".join(f"p{n % 6},{n % 5},{'ab'[n % 2]}\n" for n in range(60))
    (here / "t.csv").write_text("who,age,y\n" + rows, encoding="utf-8")
    project = Project(here / "ws", backend=DirectBackend())
    project.train(here / "t.csv", label="y", subject="who", model_family="naive-bayes", shards=1)
    return here


def start(folder, *arguments, python=(sys.executable,)):
    return subprocess.Popen(
        [*python, "-m", "unweave", *arguments], cwd=folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(TOP)},
    )  # fmt: skip


def run(folder, *arguments, python=(sys.executable,)):
    process = start(folder, *arguments, python=python)
    out, err = process.communicate(timeout=120)
    return process.returncode, out.decode("utf-8"), err.decode("utf-8")


NAME = "annegret.mueller"


@pytest.fixture
def broken(prepared):
    """A workspace with a folder where its table of pseudonyms was: nothing expects that."""
    table = prepared / "ws/keys/pseudonyms.sqlite"
    before = table.read_bytes()
    table.unlink()
    table.mkdir()
    yield prepared
    table.rmdir()
    table.write_bytes(before)
    for file in (prepared / "ws").glob("unforeseen-*"):
        file.unlink()


def test_what_nobody_foresaw_has_a_status_of_its_own_and_no_values(broken):
    status, out, err = run(broken, "trace", "subject", NAME, "--workspace", "ws", "--json")
    answer = json.loads(out)
    assert status == answer["exit_status"] == 4 and answer["ok"] is False and err == ""
    (file,) = (broken / "ws").glob("unforeseen-*.txt")
    assert answer["error"].endswith(f"Where it happened is written in {file}.")
    assert "OperationalError" in answer["error"] and answer["error"].count(". ") == 1
    assert file.stat().st_mode & 0o777 == 0o600
    details = file.read_text(encoding="utf-8")
    assert "trace\n" in details and "lineage_store/own_files/own_tables.py, line" in details
    for told in (out, details):
        assert NAME not in told and "unable to open" not in told


def test_as_text_it_is_one_line_on_standard_error(broken):
    status, out, err = run(broken, "trace", "subject", NAME, "--workspace=ws")
    assert (status, out, err.count("\n")) == (4, "", 1)
    assert err.startswith("unweave: Something that nobody foresaw went wrong (sqlite3.")


def test_details_hold_places_and_neither_messages_nor_variables(tmp_path, monkeypatch):
    def inner(secret):
        raise KeyError(secret)

    def outer():
        secret = NAME
        try:
            inner(secret)
        except KeyError:
            raise FileNotFoundError(2, f"no {secret}", secret) from None

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        outer()
    file = write_details(caught.value, workspace=tmp_path / "none", command="train")
    assert file is not None and file.parent == tmp_path
    told = file.read_text(encoding="utf-8") + sentence(caught.value, file)
    assert "in outer" in told and "FileNotFoundError, ENOENT" in told and NAME not in told


@pytest.mark.parametrize("given", [["--workspace", "a b"], ["x", "--workspace=a b", "--json"]])
def test_the_workspace_is_found_in_arguments_that_nobody_has_read(given):
    assert workspace_of(given) == Path("a b")
    assert workspace_of([*given[:-2], "--workspace"]) == Path()
    assert workspace_of(["status"]) == Path("workspace")


COMMANDS = [
    ["trace", "subject", "NAME"],
    ["trace", "subject", "NAME", "--export", "out.json"],
    ["trace", "model", "NAME"],
    ["query", "models-of", "NAME"],
    ["graph", "--subject", "NAME"],
    ["graph", "--model", "NAME"],
    ["request", "show", "NAME"],
    ["request", "add", "p1", "--reason", "NAME"],
    ["forget", "p1", "--dry-run", "--workspace", "NAME"],
    ["verify", "NAME"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda a: " ".join(a))
def test_arguments_that_are_not_utf_8_are_one_sentence(prepared, arguments):
    given = [b"M\xfcller" if one == "NAME" else one for one in arguments]
    place = [] if "--workspace" in arguments else ["--workspace", "ws"]
    python = (sys.executable,) if arguments == COMMANDS[0] else warm_python()
    status, out, err = run(prepared, *given, *place, "--json", python=python)
    answer = json.loads(out)
    assert (status, answer["exit_status"], err) == (2, 2, "")
    assert f"Argument {arguments.index('NAME') + 1} is not text in UTF-8" in answer["error"]


def test_a_workspace_in_use_is_status_75(prepared):
    with writing(prepared / "ws", create=False):
        status, out, _ = run(prepared, "readmit", "p1", "--workspace", "ws", "--json")
        assert (status, json.loads(out)["exit_status"]) == (75, 75)
        assert "--wait" in json.loads(out)["error"]
        status, _, _ = run(prepared, "doctor", "--repair", "--workspace", "ws", "--wait", "1")
        assert status == 75


def test_a_command_waits_for_a_workspace_in_use(prepared):
    with writing(prepared / "ws", create=False):
        waiting = start(prepared, "readmit", "p1", "--workspace", "ws", "--wait", "100")
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=4)
    waiting.communicate(timeout=100)
    assert waiting.returncode == 3  # p1 was never forgotten: it was asked, after the wait


def test_whoever_waits_while_a_new_workspace_is_taken_away_makes_it_anew(tmp_path):
    root, inside = tmp_path / "ws", threading.Event()

    def fail():
        with pytest.raises(ZeroDivisionError), writing(root, create=True):
            inside.set()
            time.sleep(0.5)
            raise ZeroDivisionError

    first = threading.Thread(target=fail)
    first.start()
    inside.wait()
    with pytest.raises(WorkspaceBusy), writing(root, create=True):
        pass
    with writing(root, create=True, wait=30) as workspace:
        assert (root / "lock").exists() and workspace.secret_file.exists()
    first.join()
    assert (root / "format.json").exists()
