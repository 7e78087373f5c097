"""A model's data without the rows that go: the cells that lose rows are written, others linked.

Which cells these are is computed from the rows' places, and each of the rows must be found there.
What the rows that remain say of the columns is merged from what the cells say; if it is not what
all rows said, values may have other kinds, and all of it is written anew. So it is of a snapshot of
format 1, which has no cells. Both ways give the same files (`tests/lineage_store/cells`).
"""

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import reading_own
from lineage_store.cells.cell import CellId, CellLayout
from lineage_store.cells.cell_evidence import evidence_of, evidence_of_records, merged_evidence
from lineage_store.cells.files import must_be_as_written, take_over, write_file
from lineage_store.cells.gate import close_snapshot, let_through
from lineage_store.cells.kept import CELLS_FILE, KeptCell
from lineage_store.cells.lines import BREAK, by_key, line_digest
from lineage_store.cells.snapshot import GATE_FILE, Snapshot, retained
from lineage_store.data.evidence import Evidence
from lineage_store.data.inference import in_terms_of
from lineage_store.data.record import UNLABELLED, in_blocks
from lineage_store.data.schema import Schema
from lineage_store.errors import CheckFailed
from lineage_store.placement import U64, Partition

Going: TypeAlias = Mapping[CellId, Set[bytes]]
"""The keys of the rows that go, by cell."""


class GoingRows(Protocol):
    """The rows that go: keys (n, 16) uint8, places (n,) uint64, the name of a split each."""

    @property
    def row_keys(self) -> npt.NDArray[np.uint8]:
        """The keys."""

    @property
    def places(self) -> U64:
        """The places."""

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits."""


def evidence_without(snapshot: Snapshot, rows: GoingRows) -> Evidence:
    """Return what the rows that remain say of the columns.

    Raises CheckFailed if a row that goes is not in its cell, or a cell is not as it was written.
    """
    roles = snapshot.schema.roles
    if snapshot.layout is None:
        return evidence_of_records(retained(snapshot, _keys(rows)), roles)
    going = _by_cell(snapshot.layout, rows)
    with reading_own(snapshot.folder / CELLS_FILE):
        found = merged_evidence((cell for cell in snapshot.cells if cell.id not in going), roles)
    with reading_own(snapshot.folder / GATE_FILE):  # which says how whole cells are read
        for cell in _losing(snapshot, going):
            if cell.id.split != UNLABELLED:
                left = b"".join(_remaining(snapshot, cell, going[cell.id])[1:])
                found = found.merged(evidence_of(left, snapshot.schema))
    return found


def write_without(
    snapshot: Snapshot,
    rows: GoingRows,
    *,
    folder: Path,
    partition: Partition,
    cut_anew: bool = False,
    like: Schema | None = None,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> Snapshot:
    """Write the data of a model without the rows that go, in the terms of a base's data.

    The layout stays; of a snapshot without cells, or with `cut_anew`, it becomes that of the
    partition. The folder must not exist; it is complete when this returns, and gone if it raises.
    Raises what `evidence_without` and `let_through` do.
    """
    schema = in_terms_of(evidence_without(snapshot, rows).conclude(), like)
    layout = snapshot.layout
    if cut_anew:
        layout = None
    if layout is None or schema != snapshot.schema:
        return let_through(
            in_blocks(retained(snapshot, _keys(rows)), len(snapshot.schema.all)),
            snapshot.schema.roles,
            folder=folder,
            like=like,
            partition=partition,
            layout=layout,
        )
    going = _by_cell(layout, rows)
    folder.mkdir(parents=True, mode=0o700)
    try:
        cells = list(_new_cells(snapshot, going, folder, random_bytes))
        return close_snapshot(folder, schema, layout, cells)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _by_cell(layout: CellLayout, rows: GoingRows) -> Going:
    return layout.by_cell(rows.row_keys, rows.places, rows.splits)


def _keys(rows: GoingRows) -> frozenset[bytes]:
    return frozenset(key.tobytes() for key in rows.row_keys)


def _new_cells(
    snapshot: Snapshot, going: Going, folder: Path, random_bytes: Callable[[int], bytes]
) -> Iterator[KeptCell]:
    for cell in snapshot.cells:
        if cell.id not in going:
            yield replace(cell, written=take_over(cell.written, snapshot.folder, folder))
            continue
        header, *lines = _remaining(snapshot, cell, going[cell.id])
        if not lines:
            continue  # nothing is left of it
        of_values = cell.id.split != UNLABELLED
        yield KeptCell(
            id=cell.id,
            rows=len(lines),
            total=sum(map(line_digest, lines)),
            written=write_file(folder, cell.file, b"".join([header, *lines]), random_bytes),
            evidence=evidence_of(b"".join(lines), snapshot.schema).to_json() if of_values else None,
        )


def _losing(snapshot: Snapshot, going: Going) -> Iterator[KeptCell]:
    known = {cell.id: cell for cell in snapshot.cells}
    for name in going:
        if name not in known:
            raise CheckFailed(
                f"Rows that go should lie in cell {name} of a model's data, and there is no such "
                f"cell: nothing was changed; run `unweave doctor`."
            )
        yield known[name]


def _remaining(snapshot: Snapshot, cell: KeptCell, going: Set[bytes]) -> list[bytes]:
    """Return the first line of a cell's file, and those of the rows that remain."""
    file = snapshot.folder / cell.file
    must_be_as_written(cell.written, file)
    header, *lines = file.read_bytes().split(BREAK)[:-1]
    gone, left = by_key(lines, going)
    if len(gone) != len(going):
        raise CheckFailed(
            f"Of {len(going)} rows that go, cell {cell.id} of a model's data has "
            f"{len(gone)}: nothing was changed; run `unweave doctor`."
        )
    return [line + BREAK for line in (header, *left)]
