"""What a snapshot knows of each of its cells, and the file that says so.

    cells.json   of each cell: its name, how many rows, what they add to the data's digest, what
                 they say of the columns (`Evidence`), a commitment to its file, and by what that is
                 known again
    nonces       the nonces of the commitments, 32 bytes a cell, in the same order

The nonces go with the snapshot. A cell that another model's data take over keeps its own, there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
class KeptCell:
    """A cell of a snapshot: `total` is the sum of its rows' digests, as a whole number.

    `evidence` is what its rows say of the columns, as JSON; None until it was asked of them.
    """

    id: CellId
    rows: int
    total: int
    commitment: str
    nonce: bytes
    mark: Mark
    evidence: Mapping[str, Any] | None = None

    @property
    def file(self) -> str:
        """The file's name below the snapshot's folder."""
        return f"{self.id}.csv"


def save_cells(folder: Path, cells: Sequence[KeptCell]) -> None:
    """Write what a snapshot knows of its cells."""
    write_atomic(folder / NONCES_FILE, b"".join(cell.nonce for cell in cells))
    told = [
        [
            [cell.id.split, cell.id.shard, cell.id.slice, cell.id.bucket],
            cell.rows,
            f"{cell.total:x}",
            cell.commitment,
            [cell.mark.size, cell.mark.inode, cell.mark.written],
            cell.evidence,
        ]
        for cell in cells
    ]
    write_atomic(folder / CELLS_FILE, canonical_json(told) + b"\n")


def load_cells(folder: Path) -> tuple[KeptCell, ...]:
    """Read what a snapshot knows of its cells; raises Damaged if it is not as it was written."""
    file = folder / CELLS_FILE
    with reading_own(file):
        told, nonces = read_json(file), (folder / NONCES_FILE).read_bytes()
        if len(nonces) != NONCE_BYTES * len(told):
            raise ValueError("another number of nonces than of cells")
        return tuple(
            KeptCell(
                CellId(*name),
                rows,
                int(total, 16),
                commitment,
                nonces[place * NONCE_BYTES : (place + 1) * NONCE_BYTES],
                Mark(*mark),
                evidence,
            )
            for place, (name, rows, total, commitment, mark, evidence) in enumerate(told)
        )
