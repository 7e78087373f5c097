"""Writing a row store from a stream of rows, in any order and cut into any pieces.

Each piece's rows are appended to their cells' parts on disk; each part is then sorted by row key
into its cell's file. Memory holds one piece, and of the largest cell about 50 bytes a row. The
files depend on the rows alone: they do not tell how the stream was cut or ordered.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lineage_store.canonical import canonical_json, link_or_copy, sync_folder, write_atomic
from lineage_store.cells.cell import KEPT, CellId, CellLayout
from lineage_store.data.schema import Schema
from lineage_store.placement import U64
from lineage_store.rows.arrays import GROUP, Rows
from lineage_store.rows.row_store import (
    EVALUATION,
    FORMAT,
    HEADER_FILE,
    TRAINING,
    RowStore,
    fields_of,
    open_rows,
)
from lineage_store.rows.slice_file import (
    Field,
    RecordType,
    column_names,
    open_part,
    open_slice,
    record_type,
    texts_file,
    texts_of,
    to_records,
    write_slice,
)
from lineage_store.rows.slice_set import SortedRows

PARTS = "parts"
Unchanged: TypeAlias = Mapping[CellId, Path]
"""The files of cells that a store takes over from another."""
NO_CELLS: Unchanged = {}


def write_rows(
    folder: Path,
    *,
    train: Iterable[tuple[Rows, U64]],
    evaluation: Iterable[tuple[Rows, U64]],
    layout: CellLayout,
    description: Mapping[str, Any],
    fields: Sequence[Field] | None = None,
    unchanged: Unchanged = NO_CELLS,
) -> RowStore:
    """Cut the rows into the cells of a layout and write the store.

    `train` and `evaluation` give pieces of rows with their places (n,) uint64, and `fields` say
    what a row holds, if it is not `fields_of` the described schema. The cells in `unchanged` are
    taken over from these files as links, and none of their rows may be given. Raises ValueError if
    one is.
    """
    usual = fields_of(Schema.from_json(description["inference"]))
    kind = record_type(usual if fields is None else fields)
    parts = folder / PARTS
    for base in (folder, parts):
        (base / TRAINING).mkdir(parents=True)
        (base / EVALUATION).mkdir()
    for split, given in ((TRAINING, train), (EVALUATION, evaluation)):
        for rows, places in given:
            _spread(parts, rows, places, split=split, layout=layout, kind=kind, unchanged=unchanged)
    counts: dict[CellId, int] = {}
    for cell, file in unchanged.items():
        counts[cell] = _take_over(file, folder / f"{cell}.npy")
    for split in (TRAINING, EVALUATION):
        sync_folder(folder / split)  # once, for all links
    for split in (TRAINING, EVALUATION):
        for part in (parts / split).glob("s*[0-9]"):
            cell = CellId.from_name(f"{split}/{part.name}")
            counts[cell] = _sort(part, folder / f"{cell}.npy", kind)
    shutil.rmtree(parts)
    header = {
        "format": FORMAT,
        "counts": _nested(counts, TRAINING, layout),
        "evaluation_counts": _nested(counts, EVALUATION, layout),
        "evaluation_rows": sum(n for cell, n in counts.items() if cell.split == EVALUATION),
        "description": description,
    }
    if fields is not None and tuple(fields) != usual:
        header["fields"] = [list(astuple(one)) for one in fields]
    write_atomic(folder / HEADER_FILE, canonical_json(header) + b"\n")
    return open_rows(folder)


def _nested(counts: Mapping[CellId, int], split: str, layout: CellLayout) -> list[list[list[int]]]:
    cut = layout.partition
    return [
        [
            [counts.get(CellId(split, shard, slice_, n), 0) for n in range(layout.buckets)]
            for slice_ in range(cut.slices)
        ]
        for shard in range(cut.shards)
    ]


def _spread(
    parts: Path,
    given: Rows,
    places: U64,
    *,
    split: str,
    layout: CellLayout,
    kind: RecordType,
    unchanged: Unchanged,
) -> None:
    """Append the rows of a piece to the parts of their cells."""
    rows = _grouped(given, places) if GROUP in column_names(kind) else given
    numbers = layout.numbers(places, np.full(len(rows), KEPT.index(split)))
    order = np.argsort(numbers, kind="stable")
    there, starts = np.unique(numbers[order], return_index=True)
    for number, here in zip(there.tolist(), np.split(order, starts)[1:], strict=True):
        cell = layout.cell(number)
        if cell in unchanged:
            raise ValueError(f"cell {cell} is said not to change")
        _append(parts / str(cell), rows.take(here), kind)


def _grouped(rows: Rows, places: U64) -> Rows:
    """Return rows with the bits of their groups, which are their places, unless they have them."""
    if GROUP in rows.columns:
        return rows
    return Rows(rows.row_keys, {**rows.columns, GROUP: places.view(np.int64)})


def _append(part: Path, rows: Rows, kind: RecordType) -> None:
    texts, beside = texts_of(rows, kind), texts_file(part)
    before = beside.stat().st_size if beside.exists() else 0
    with part.open("ab") as stream:  # not kept open: there may be more cells than open files
        stream.write(to_records(rows, kind, start=before).data)
    if texts:
        with beside.open("ab") as stream:
            stream.write(texts)


def _sort(part: Path, target: Path, kind: RecordType) -> int:
    """Write a part's rows in row-key order, remove it, and return their number."""
    rows = SortedRows([open_part(part, kind)])
    write_slice(
        target, rows.records_in_order(), count=len(rows), kind=kind, texts=rows.texts_in_order()
    )
    for file in (part, texts_file(part)):
        file.unlink(missing_ok=True)
    return len(rows)


def _take_over(source: Path, target: Path) -> int:
    """Link a cell's file and return the number of its rows."""
    link_or_copy(source, target)
    return len(open_slice(target))
