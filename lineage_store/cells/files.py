"""Files that are kept by cell: written once, and taken over as links where nothing changed.

A file is for its owner to read, and for nobody to write: another model may have a link to it. It is
read back and compared when it was written, and then described: a commitment to its bytes, and the
size, inode and time by which it is known again without reading it.

A file is linked if it is, by these, the one that was written. One that is not (in a workspace that
was moved, or restored) is read, and must have the bytes that its commitment is to. Where a file
system has no links the file is copied, which costs its bytes and nothing else.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lineage_store.cells.cell import CellId
from lineage_store.cells.kept import (
    KeptCell,
    Mark,
    Written,
    load_files,
    save_cells,
    save_files,
)
from lineage_store.cells.snapshot import Snapshot
from lineage_store.commitments import NONCE_BYTES, commitment
from lineage_store.errors import CheckFailed

READ_ONLY = 0o400
Random = Callable[[int], bytes]


def write_file(folder: Path, name: str, content: bytes, random_bytes: Random) -> Written:
    """Write a file and return what is known of it.

    Raises CheckFailed if the disk gives other bytes back.
    """
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # what a killed run left
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, READ_ONLY)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    if path.read_bytes() != content:
        raise CheckFailed(
            f"The disk does not give back what was written to {path}: nothing was changed; "
            f"check the disk, and run the same command again."
        )
    nonce = random_bytes(NONCE_BYTES)
    return Written(name, commitment(nonce, content), nonce, Mark.of(path))


def describe_file(folder: Path, name: str, random_bytes: Random = secrets.token_bytes) -> Written:
    """Return what is known of a file that was just written, and make it one for reading only."""
    path = folder / name
    path.chmod(READ_ONLY)
    nonce = random_bytes(NONCE_BYTES)
    return Written(name, commitment(nonce, path.read_bytes()), nonce, Mark.of(path))


def is_as_written(written: Written, file: Path) -> bool:
    """Say whether a file is there and is, byte for byte, the one that was written."""
    try:
        return Mark.of(file) == written.mark or (
            commitment(written.nonce, file.read_bytes()) == written.commitment
        )
    except FileNotFoundError:
        return False


def take_over(written: Written, source: Path, target: Path) -> Written:
    """Take a file over into another folder, and return what is known of it there.

    Raises CheckFailed if it is gone, or is not the file that was written.
    """
    file, new = source / written.file, target / written.file
    must_be_as_written(written, file)
    new.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    try:
        os.link(file, new)
    except OSError:
        shutil.copyfile(file, new)
        new.chmod(READ_ONLY)
        must_be_as_written(written, new)
    return replace(written, mark=Mark.of(new))


def must_be_as_written(written: Written, file: Path) -> None:
    """Raise CheckFailed if a file is gone, or has other bytes than were written."""
    if not is_as_written(written, file):
        raise CheckFailed(
            f"The file {written.file} of a model's data is gone, or is not as it was written: "
            f"nothing was changed; restore the workspace from a backup."
        )


def same_cells(one: Snapshot, other: Snapshot) -> frozenset[CellId]:
    """Return the cells that two snapshots share: the same file, in the same terms."""
    if one.schema != other.schema or one.layout != other.layout:
        return frozenset()
    known = {cell.id: cell.written.commitment for cell in other.cells}
    return frozenset(cell.id for cell in one.cells if known.get(cell.id) == cell.written.commitment)


def keep_once(snapshot: Snapshot, others: Iterable[Snapshot]) -> int:
    """Keep the cells of a new snapshot that others have, byte for byte, as links to theirs.

    A table that is trained on twice, or that grew, costs its bytes once. Only data that are laid
    out alike are looked at. Returns how many cells were found.
    """
    alike = [one for one in others if one.layout == snapshot.layout and one.cells]
    known = [{cell.id: cell for cell in one.cells} for one in alike]
    cells, found = [], 0
    for cell in snapshot.cells:
        for other, home in zip(known, alike, strict=True):
            if cell.id in other and _is_copy(snapshot.folder, cell, home.folder, other[cell.id]):
                links = take_over(other[cell.id].written, home.folder, snapshot.folder)
                cell, found = replace(cell, written=links), found + 1
                break
        cells.append(cell)
    if found:
        save_cells(snapshot.folder, cells)
    return found


def _is_copy(folder: Path, cell: KeptCell, home: Path, other: KeptCell) -> bool:
    one, two = (
        (known.rows, known.total, known.written.mark.size, known.evidence)
        for known in (cell, other)
    )
    file = home / other.file
    return one == two and file.exists() and file.read_bytes() == (folder / cell.file).read_bytes()


def keep_by_cell(
    folder: Path,
    cells: Iterable[CellId],
    *,
    make: Callable[[CellId], tuple[str, bytes]],
    old: Path | None = None,
    same: frozenset[CellId] = frozenset(),
    random_bytes: Random = secrets.token_bytes,
) -> Mapping[CellId, Written]:
    """Keep a file of each cell in a folder, and say there what is known of them.

    `make` gives a cell's file: its name below the folder, and its bytes. The cells in `same` have
    what the folder `old` keeps of them, if it does.
    """
    known = {} if old is None else load_files(old)
    files: dict[CellId, Written] = {}
    for cell in cells:
        if old is not None and cell in same and cell in known:
            files[cell] = take_over(known[cell], old, folder)
        else:
            files[cell] = write_file(folder, *make(cell), random_bytes)
    save_files(folder, files)
    return files
