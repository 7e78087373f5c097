"""Whichever file of a workspace is gone: a sentence names it if wanted; nothing breaks."""

import shutil

import pytest

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import FileGone, UnweaveError
from pipelines.backends.direct import DirectBackend
from unweave import Project

WANTED = {
    "gate.json": "data/m2/gate.json",
    "header.json": "tfx/forget-r1/m1/ledger/header.json",
    "module.py": "tfx/forget-r1/m1/ledger/module.py",
    "state": "tfx/forget-r1/m1/ledger/shards/001/stage-00.safetensors",
    "rows": "tfx/forget-r1/m1/rows/train/s000-r00-b00000.npy",
}
ASKED = {
    "plan": lambda project: project.plan(["p3"]),
    "forget": lambda project: project.forget(["p3"]),
    "audit": lambda project: project.audit(),
    "doctor": lambda project: project.doctor(),
    "status": lambda project: project.status(),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace from which somebody was forgotten."""
    here = tmp_path_factory.mktemp("gone")
    project = Project(here / "ws", backend=DirectBackend())
    project.train(write_people(here / "t.csv"), **OPTIONS)
    project.forget(["p5"])
    return here / "ws"


def said(workspace, file, asked, copy):
    """The error of what was asked of a copy without a file, or None."""
    shutil.copytree(workspace, copy)
    (copy / file).unlink()
    try:
        ASKED[asked](Project(copy, backend=DirectBackend()))
    except UnweaveError as error:
        return error
    finally:
        shutil.rmtree(copy)
    return None


@pytest.mark.parametrize("name", WANTED)
def test_a_deletion_names_the_file_that_is_gone(workspace, tmp_path, name):
    error = said(workspace, WANTED[name], "forget", tmp_path / "ws")
    assert isinstance(error, FileGone) and error.exit_status == 1
    file = tmp_path / "ws" / WANTED[name]
    assert str(error) == f"The file {file} is gone: restore the workspace from a backup."


def test_a_state_that_is_gone_is_made_again_where_it_loses_rows(workspace, tmp_path):
    state = WANTED["state"].replace("001", "000")
    assert said(workspace, state, "forget", tmp_path / "ws") is None


@pytest.mark.parametrize("asked", ASKED)
def test_whichever_file_is_gone_nobody_meets_an_error_of_python(workspace, tmp_path, asked):
    files = [file for file in workspace.rglob("*") if file.is_file()]
    assert len(files) > 40
    for number, file in enumerate(sorted(files)):
        name = file.relative_to(workspace)
        error = said(workspace, name, asked, tmp_path / str(number))
        assert not isinstance(error, FileGone) or file.name in str(error), name
