"""A temporary folder for commands that only read and hold no lock: the audit, the doctor.

What they make for a while holds people's rows, so it lies inside the workspace, where a scan sees
it and a command that writes sweeps what was left by one that was killed. Who may not write to the
workspace has a folder of the system's instead.

    tmp-reading/<name>/lock    held while the folder is in use
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

FOLDER = "tmp-reading"
LOCK = "lock"


@contextmanager
def reading_folder(root: Path) -> Iterator[Path]:
    """Yield an empty folder inside a workspace, and take it away at the end.

    Meanwhile it is where this process keeps its temporary files.
    """
    if not os.access(root, os.W_OK):
        with TemporaryDirectory() as outside:
            yield Path(outside)
        return
    (root / FOLDER).mkdir(mode=0o700, exist_ok=True)
    folder, before = Path(mkdtemp(dir=root / FOLDER)), tempfile.tempdir
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        inner = folder / "files"
        inner.mkdir(mode=0o700)
        tempfile.tempdir = str(inner)
        yield inner
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
        _remove_if_empty(root / FOLDER)


def sweep_reading_folders(root: Path) -> None:
    """Remove what killed commands left; a folder that is in use stays."""
    for folder in (root / FOLDER).glob("*"):
        try:
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            continue  # gone since
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
    _remove_if_empty(root / FOLDER)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # another command has one, or there is none
