"""What is known of each cell and of its file, and the two files that say so.

    cells.json   of each cell: its name, how many rows, what they add to the data's digest, what
                 they say of the columns (`Evidence`), a commitment to its file, and by what that is
                 known again
    nonces       the nonces of the commitments, 32 bytes a cell, in the same order

They lie in a snapshot, and, without what is said of rows, wherever something is made of each cell.
The nonces go with the folder. A file that another model takes over keeps its own, there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, read_json, reading_own, write_atomic
from lineage_store.cells.cell import CellId
from lineage_store.commitments import NONCE_BYTES

CELLS_FILE, NONCES_FILE = "cells.json", "nonces"


@dataclass(frozen=True)
class Mark:
    """By what a file is known again: its size, its inode, and when it was last written (ns).

    A link moves none of them.
    """

    size: int
    inode: int
    written: int

    @classmethod
    def of(cls, path: Path) -> "Mark":
        """Return the mark that a file has now; raises FileNotFoundError if there is none."""
        found = path.stat()
        return cls(found.st_size, found.st_ino, found.st_mtime_ns)


@dataclass(frozen=True)
class Written:
    """A file that was read back when it was written, by its name below its folder.

    The commitment is to its bytes, with the nonce.
    """

    file: str
    commitment: str
    nonce: bytes
    mark: Mark


@dataclass(frozen=True)
class KeptCell:
    """A cell of a snapshot: `total` is the sum of its rows' digests, as a whole number.

    `evidence` is what its rows say of the columns, as JSON; None until it was asked of them.
    """

    id: CellId
    rows: int
    total: int
    written: Written
    evidence: Mapping[str, Any] | None = None

    @property
    def file(self) -> str:
        """The file's name below the snapshot's folder."""
        return self.written.file


def save_cells(folder: Path, cells: Sequence[KeptCell]) -> None:
    """Write what a snapshot knows of its cells."""
    told = [[[*astuple(cell.id)], cell.rows, f"{cell.total:x}", cell.evidence] for cell in cells]
    _save(folder, told, [cell.written for cell in cells])


def load_cells(folder: Path) -> tuple[KeptCell, ...]:
    """Read what a snapshot knows of its cells; raises Damaged if it is not as it was written."""
    with reading_own(folder / CELLS_FILE):
        return tuple(
            KeptCell(CellId(*name), rows, int(total, 16), written, evidence)
            for (name, rows, total, evidence), written in _load(folder)
        )


def save_files(folder: Path, files: Mapping[CellId, Written]) -> None:
    """Write what is known of files that were made of cells."""
    _save(folder, [[*astuple(cell)] for cell in files], list(files.values()))


def load_files(folder: Path) -> dict[CellId, Written]:
    """Read what is known of files that were made of cells; none if nothing was kept by cell.

    Raises Damaged if it is not as it was written.
    """
    if not (folder / CELLS_FILE).exists():
        return {}
    with reading_own(folder / CELLS_FILE):
        return {CellId(*name): written for name, written in _load(folder)}


def is_of_nonces(file: Path) -> bool:
    """Say whether a file holds nonces, one for each of the cells beside it, and nothing else."""
    if file.name != NONCES_FILE:
        return False
    try:
        lines = read_json(file.parent / CELLS_FILE)
    except (OSError, ValueError):
        return False
    return isinstance(lines, list) and file.stat().st_size == NONCE_BYTES * len(lines)


def _save(folder: Path, told: Sequence[Any], files: Sequence[Written]) -> None:
    write_atomic(folder / NONCES_FILE, b"".join(one.nonce for one in files))
    lines = [
        [what, one.file, one.commitment, [*astuple(one.mark)]]
        for what, one in zip(told, files, strict=True)
    ]
    write_atomic(folder / CELLS_FILE, canonical_json(lines) + b"\n")


def _load(folder: Path) -> Iterator[tuple[Any, Written]]:
    lines, nonces = read_json(folder / CELLS_FILE), (folder / NONCES_FILE).read_bytes()
    if len(nonces) != NONCE_BYTES * len(lines):
        raise ValueError("another number of nonces than of cells")
    for place, (what, file, commitment, mark) in enumerate(lines):
        nonce = nonces[place * NONCE_BYTES : (place + 1) * NONCE_BYTES]
        yield what, Written(file, commitment, nonce, Mark(*mark))
