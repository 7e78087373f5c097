"""Taking over a file that does not change: as a link, where its bytes were verified.

A file is linked if it is, by its size, inode and time, the one that was read back and compared when
it was written. One that is not (a workspace that was moved, or restored) is read, and must have the
bytes that its commitment is to. Where a file system has no links the file is copied, which costs
its bytes and nothing else.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from lineage_store.cells.kept import KeptCell, Mark
from lineage_store.cells.writer import READ_ONLY
from lineage_store.commitments import commitment
from lineage_store.errors import CheckFailed


def take_over(cell: KeptCell, source: Path, target: Path) -> KeptCell:
    """Take a cell's file over into another snapshot's folder, and return what is known of it there.

    Raises CheckFailed if it is gone, or is not the file that was written.
    """
    file, new = source / cell.file, target / cell.file
    must_be_as_written(cell, file)
    new.parent.mkdir(exist_ok=True)
    new.unlink(missing_ok=True)
    try:
        os.link(file, new)
    except OSError:
        shutil.copyfile(file, new)
        new.chmod(READ_ONLY)
        must_be_as_written(cell, new)
    return replace(cell, mark=Mark.of(new))


def must_be_as_written(cell: KeptCell, file: Path) -> None:
    """Raise CheckFailed if a cell's file is gone, or has other bytes than were written."""
    try:
        if Mark.of(file) == cell.mark:
            return
        same = commitment(cell.nonce, file.read_bytes()) == cell.commitment
    except FileNotFoundError:
        same = False
    if not same:
        raise CheckFailed(
            f"The file {cell.file} of a model's data is gone, or is not as it was written: nothing "
            f"was changed; restore the workspace from a backup."
        )
