"""Who was forgotten and agreed anew: trained on again, forgotten again, and no other way in."""

import json
import shutil
import subprocess

import pytest

from fixtures.warm_python import warm_python
from lineage_store.errors import NothingFound
from lineage_store.index.database import open_index, read_index
from lineage_store.log import events
from pipelines.backends.direct import DirectBackend
from unweave import Project

OPTIONS = {"label": "label", "subject": "person", "row_id": "row",
           "model_family": "naive-bayes", "shards": 2}  # fmt: skip
LINES = [["row", "person", "x", "label"]]
LINES += [[f"row-{n}", f"person-{n % 20}", f"{n % 7}.5", "ab"[n % 2]] for n in range(200)]


@pytest.fixture(scope="module")
def original(tmp_path_factory, write_csv):
    """A workspace in which two people and a row were forgotten; never written to after this."""
    root, table = tmp_path_factory.mktemp("original") / "ws", write_csv(LINES)
    project = Project(root, backend=DirectBackend())
    project.train(table, **OPTIONS)
    project.forget(["person-3", "person-4"])
    project.forget(["row-5"], rows=True)
    return root, table


@pytest.fixture
def forgotten(original, tmp_path):
    """A copy of that workspace, and the file that has all of them."""
    root, table = original
    return Project(shutil.copytree(root, tmp_path / "ws"), backend=DirectBackend()), table


def excluded(project, table):
    return project.train(table, **OPTIONS)["excluded"]


def test_who_agreed_anew_is_trained_on_again_and_can_be_forgotten_again(forgotten):
    project, table = forgotten
    assert excluded(project, table) == 21
    assert project.readmit(["person-3"]) == {
        "readmitted": 1, "requests": ["r1"], "deletions": ["r1"]
    }  # fmt: skip
    assert excluded(project, table) == 11
    assert len(project.trace_subject("person-3")["models"]) == 1
    done = project.forget(["person-3"])
    assert done["request_id"] == "r3" and done["rows_found"] == 10
    assert excluded(project, table) == 21
    assert project.doctor()["differences"] == []


def test_a_row_is_let_in_by_its_id(forgotten):
    project, table = forgotten
    with pytest.raises(NothingFound, match="The id given is not kept out"):
        project.readmit(["row-5"])
    project.readmit(["row-5"], rows=True)
    assert excluded(project, table) == 20


def test_where_one_of_several_is_not_kept_out_nothing_is_changed(forgotten):
    project, table = forgotten
    for ids in (["person-3", "person-9"], ["person-3", "nobody"]):
        with pytest.raises(NothingFound, match="The id 2 of 2 given is not kept out"):
            project.readmit(ids)
    assert excluded(project, table) == 21


def test_the_log_says_how_many_and_nothing_of_whom(forgotten):
    project, _ = forgotten
    project.readmit(["person-3", "person-4"])
    connection = read_index(project.root / "unweave.sqlite")
    try:
        event = list(events.events(connection))[-1]
    finally:
        connection.close()
    assert (event.kind, event.body) == ("exclusion lifted", {"request": "r1", "ids": 2})
    assert project.doctor()["differences"] == []


def test_an_entry_that_vanished_is_told_though_others_were_lifted(forgotten):
    project, _ = forgotten
    project.readmit(["person-3"])
    connection = open_index(project.root / "unweave.sqlite")
    try:
        with connection:
            connection.execute("DELETE FROM exclusions WHERE request = 'r1'")
    finally:
        connection.close()
    (difference,) = project.doctor()["differences"]
    assert "the exclusion manifest lacks entries of it" in difference["what"]


def test_the_command_says_what_was_lifted(forgotten):
    project, _ = forgotten
    command = [*warm_python(), "-m", "unweave", "readmit", "--workspace", str(project.root)]
    done = subprocess.run([*command, "person-3"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 id is no longer kept out; forgotten by r1.")
    again = subprocess.run([*command, "person-3", "--json"], capture_output=True, text=True)
    assert again.returncode == json.loads(again.stdout)["exit_status"] == 3
    assert "Traceback" not in again.stderr
    other = subprocess.run([*command, "person-4", "--json"], capture_output=True, text=True)
    assert json.loads(other.stdout) == {
        "ok": True, "readmitted": 1, "requests": ["r1"], "deletions": ["r1"]
    }  # fmt: skip
