"""Where commands that only read keep what they make for a while: inside, and not for long."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lineage_store.workspace.while_reading import (
    FOLDER,
    reading_folder,
    sweep_reading_folders,
)

TOP = Path(__file__).parents[3]
KILLED = """
import os, signal, sys
from pathlib import Path
from lineage_store.workspace.while_reading import reading_folder
with reading_folder(Path(sys.argv[1])) as folder:
    (folder / "rows").write_text("somebody's")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_folder_is_inside_for_its_owner_alone_and_goes(tmp_path):
    with reading_folder(tmp_path) as folder:
        assert tmp_path in folder.parents
        assert not list(folder.iterdir())
        assert (tmp_path / FOLDER).stat().st_mode & 0o077 == 0
        with tempfile.TemporaryDirectory() as other:
            assert folder in Path(other).parents
    assert not list(tmp_path.iterdir())
    assert tmp_path not in Path(tempfile.gettempdir()).parents


def test_it_goes_if_the_command_fails(tmp_path):
    with pytest.raises(ValueError, match="failed"), reading_folder(tmp_path) as folder:
        (folder / "rows").write_text("somebody's")
        raise ValueError("failed")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_command_left_is_swept_and_what_is_in_use_stays(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path], env={**os.environ, "PYTHONPATH": str(TOP)}
    )
    assert done.returncode < 0
    (left,) = (tmp_path / FOLDER).glob("*/files/rows")
    with reading_folder(tmp_path) as folder:
        sweep_reading_folders(tmp_path)
        assert folder.exists() and not left.exists()
    assert not list(tmp_path.iterdir())


def test_there_is_nothing_to_sweep_in_a_new_workspace(tmp_path):
    sweep_reading_folders(tmp_path)
    assert not list(tmp_path.iterdir())
