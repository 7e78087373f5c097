"""Workspaces: one writer, nothing left of what failed, nothing touched that is not one's own."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import lineage_store
from lineage_store.errors import BadInput, NothingFound, WorkspaceBusy
from lineage_store.keys.secret import create_secret, derive
from lineage_store.workspace.folder import FORMAT, open_workspace, writing

HOLD = """
import sys
from pathlib import Path
from lineage_store.workspace.folder import writing

with writing(Path(sys.argv[1]), create=True):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def root(tmp_path):
    return tmp_path / "here" / "workspace"


@pytest.fixture
def made(root):
    """The root of a workspace that was made and left."""
    with writing(root, create=True):
        pass
    return root


@pytest.fixture
def hold():
    """Return a function that lets another process hold a workspace."""
    started = []

    def start(root):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(root)],
            env={**os.environ, "PYTHONPATH": str(Path(lineage_store.__file__).parents[1])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.communicate()


def refused(error, message, root, **options):
    """Assert that a workspace cannot be held for writing."""
    with pytest.raises(error, match=message), writing(root, **options):
        pytest.fail("it was opened")


def content(folder):
    """Every file below a folder with its bytes, and every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def test_a_workspace_is_made_where_there_is_none(root):
    with writing(root, create=True) as workspace:
        assert workspace.root == root.resolve()
        assert workspace.temporary.is_dir()
        assert stat.S_IMODE(workspace.temporary.stat().st_mode) == 0o700
        assert stat.S_IMODE(workspace.secret_file.stat().st_mode) == 0o600
        keys = workspace.keys()
    assert open_workspace(root) == workspace
    assert open_workspace(root).keys() == keys
    assert json.loads((root / "format.json").read_bytes()) == {
        "format": FORMAT,
        "manifest_key": True,
    }
    assert sorted(path.name for path in root.iterdir() if path.is_dir()) == [
        "data", "keys", "modules", "requests", "serving", "tfx",
    ]  # fmt: skip


def test_an_empty_folder_becomes_a_workspace(root):
    root.mkdir(parents=True)
    with writing(root, create=True):
        pass
    assert open_workspace(root).secret_file.exists()


def test_a_workspace_is_opened_again_as_it_was_left(made):
    (made / "data" / "m1").mkdir()
    before = content(made)
    for create in (True, False):
        with writing(made, create=create) as workspace:
            assert workspace == open_workspace(made)
        assert content(made) == before


def test_every_workspace_has_a_secret_of_its_own(tmp_path):
    key_ids = set()
    for name in ("one", "two"):
        with writing(tmp_path / name, create=True) as workspace:
            key_ids.add(workspace.keys().key_id)
    assert len(key_ids) == 2


def test_a_workspace_is_made_with_the_secret_that_is_given(root, tmp_path):
    create_secret(tmp_path / "secret", bytes(32))
    with writing(root, key_file=tmp_path / "secret", create=True) as workspace:
        assert workspace.keys().row == derive(bytes(32)).row
    with writing(root, key_file=tmp_path / "secret", create=False) as workspace:
        assert workspace.keys().row == derive(bytes(32)).row


def test_another_secret_is_refused_and_changes_nothing(made, tmp_path):
    create_secret(tmp_path / "secret", bytes(32))
    before = content(made)
    refused(
        BadInput,
        "was made with another secret than",
        made,
        key_file=tmp_path / "secret",
        create=True,
    )
    assert content(made) == before


def test_a_secret_file_that_does_not_do_is_found_before_a_folder_is_made(root, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(32))
    (tmp_path / "secret").chmod(0o644)
    refused(BadInput, "can be read by others", root, key_file=tmp_path / "secret", create=True)
    assert not root.parent.exists()


def test_where_there_is_no_workspace_nothing_is_found_and_nothing_made(root):
    with pytest.raises(NothingFound, match="There is no workspace in"):
        open_workspace(root)
    refused(NothingFound, "There is no workspace in", root, create=False)
    assert not root.parent.exists()


def test_a_second_writer_is_told_that_the_workspace_is_busy(made, hold):
    holder = hold(made)
    (made / "tmp" / "of the holder").write_text("in use")
    for create in (True, False):
        refused(WorkspaceBusy, "in use by another unweave command", made, create=create)
    assert open_workspace(made).keys(), "to read, no lock is needed"
    holder.communicate()
    with writing(made, create=False):
        pass


def test_the_second_writer_leaves_the_first_one_s_temporary_files_alone(made, hold):
    hold(made)
    (made / "tmp" / "of the holder").write_text("in use")
    refused(WorkspaceBusy, "in use", made, create=False)
    assert (made / "tmp" / "of the holder").read_text() == "in use"


def test_a_workspace_that_another_process_just_made_is_busy_and_survives(root, hold):
    hold(root)
    refused(WorkspaceBusy, "in use", root, create=True)
    assert open_workspace(root).secret_file.exists()


def test_a_killed_writer_leaves_no_lock(made, hold):
    holder = hold(made)
    holder.kill()
    holder.wait()
    with writing(made, create=False) as workspace:
        assert list(workspace.temporary.iterdir()) == []


def test_a_newer_format_is_refused_to_readers_and_writers(made):
    (made / "format.json").write_text(json.dumps({"format": FORMAT + 1}))
    before = content(made)
    with pytest.raises(BadInput, match=f"has format {FORMAT + 1}.* up to {FORMAT}"):
        open_workspace(made)
    refused(BadInput, f"has format {FORMAT + 1}", made, create=True)
    assert content(made) == before


@pytest.mark.parametrize("error", [BadInput("no"), KeyboardInterrupt(), SystemExit(1)])
def test_a_first_command_that_fails_leaves_no_folder_behind(root, tmp_path, error):
    with pytest.raises(type(error)), writing(root, create=True) as workspace:
        workspace.snapshot("m1").mkdir()
        raise error
    assert list(tmp_path.iterdir()) == []


def test_a_later_command_that_fails_leaves_the_workspace(made):
    before = content(made)
    with pytest.raises(BadInput), writing(made, create=True) as workspace:
        (workspace.temporary / "rows").write_text("half")
        raise BadInput("no")
    assert content(made) == before


def test_a_folder_that_holds_something_else_is_refused_and_not_touched(root):
    (root / "photos").mkdir(parents=True)
    (root / "photos" / "cat").write_text("meow")
    before = content(root)
    refused(BadInput, "is not empty and is no workspace", root, create=True)
    assert content(root) == before


def test_temporary_files_are_gone_before_and_after_every_command(made):
    with writing(made, create=False) as workspace:
        (workspace.temporary / "deep").mkdir()
        (workspace.temporary / "deep" / "rows").write_text("raw")
    assert not (made / "tmp").exists()
    (made / "tmp").mkdir()
    (made / "tmp" / "of a killed command").write_text("raw")
    with writing(made, create=False) as workspace:
        assert list(workspace.temporary.iterdir()) == []


def test_a_secret_that_is_gone_or_open_to_all_is_named(made):
    workspace = open_workspace(made)
    workspace.secret_file.chmod(0o644)
    with pytest.raises(BadInput, match="can be read by others"):
        workspace.keys()
    workspace.secret_file.unlink()
    with pytest.raises(BadInput, match="cannot be read"):
        workspace.keys()


def test_recorded_paths_survive_a_move_of_the_workspace(made, tmp_path):
    workspace = open_workspace(made)
    folder = workspace.snapshot("m1")
    folder.mkdir()
    recorded = workspace.relative(folder)
    assert recorded == "data/m1"
    made.rename(tmp_path / "moved")
    assert open_workspace(tmp_path / "moved").absolute(recorded).is_dir()
    with pytest.raises(ValueError):
        workspace.relative(tmp_path)
