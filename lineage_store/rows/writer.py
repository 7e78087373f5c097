"""Writing a row store from a stream of rows, in any order and cut into any pieces.

Each piece's rows are appended to their slices' parts on disk; each part is then sorted by row key
into its slice's file. Memory holds one piece, and of the largest slice about 50 bytes a row. The
files depend on the rows alone: they do not tell how the stream was cut or ordered.
"""

import shutil
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lineage_store.canonical import canonical_json, link_or_copy, sync_folder, write_atomic
from lineage_store.data.schema import Schema
from lineage_store.placement import U64, Partition, cells_of
from lineage_store.rows.arrays import GROUP, Rows
from lineage_store.rows.row_store import (
    EVALUATION,
    FORMAT,
    HEADER_FILE,
    TRAINING,
    RowStore,
    fields_of,
    open_rows,
    slice_name,
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
Files: TypeAlias = Mapping[tuple[int, int], Path]


@dataclass(frozen=True)
class Unchanged:
    """The files of slices that a store takes over from another, by shard and slice."""

    train: Files = field(default_factory=dict)
    evaluation: Files = field(default_factory=dict)


NO_SLICES = Unchanged()


def write_rows(
    folder: Path,
    *,
    train: Iterable[tuple[Rows, U64]],
    evaluation: Iterable[tuple[Rows, U64]],
    partition: Partition,
    description: Mapping[str, Any],
    fields: Sequence[Field] | None = None,
    unchanged: Unchanged = NO_SLICES,
) -> RowStore:
    """Cut the training rows into shards and slices and write the store.

    `train` and `evaluation` give pieces of rows with their places (n,) uint64, and `fields` say
    what a row holds, if it is not `fields_of` the described schema. The slices in `unchanged` are
    taken over from these files as links, and none of their rows may be given. Raises ValueError if
    one is.
    """
    usual = fields_of(Schema.from_json(description["inference"]))
    kind = record_type(usual if fields is None else fields)
    parts = folder / PARTS
    for base in (folder, parts):
        (base / TRAINING).mkdir(parents=True)
        (base / EVALUATION).mkdir()
    for split, given, same in (
        (TRAINING, train, unchanged.train),
        (EVALUATION, evaluation, unchanged.evaluation),
    ):
        _spread(parts, given, partition=partition, kind=kind, split=split, unchanged=same)
    counts, evaluation_counts = (
        [[0] * partition.slices for _ in range(partition.shards)] for _ in range(2)
    )
    for shard in range(partition.shards):
        for slice_ in range(partition.slices):
            name = slice_name(shard, slice_)
            target = folder / f"{name}.npy"
            if (shard, slice_) in unchanged.train:
                counts[shard][slice_] = _take_over(unchanged.train[shard, slice_], target)
            else:
                counts[shard][slice_] = _sort(parts / name, target, kind)
            name = slice_name(shard, slice_, split=EVALUATION)
            if (shard, slice_) in unchanged.evaluation:
                file = unchanged.evaluation[shard, slice_]
                evaluation_counts[shard][slice_] = _take_over(file, folder / f"{name}.npy")
            elif (parts / name).exists():
                found = _sort(parts / name, folder / f"{name}.npy", kind)
                evaluation_counts[shard][slice_] = found
    shutil.rmtree(parts)
    header = {
        "format": FORMAT,
        "counts": counts,
        "evaluation_counts": evaluation_counts,
        "evaluation_rows": sum(map(sum, evaluation_counts)),
        "description": description,
    }
    if fields is not None and tuple(fields) != usual:
        header["fields"] = [list(astuple(one)) for one in fields]
    write_atomic(folder / HEADER_FILE, canonical_json(header) + b"\n")
    return open_rows(folder)


def _spread(
    parts: Path,
    pieces: Iterable[tuple[Rows, U64]],
    *,
    partition: Partition,
    kind: RecordType,
    split: str,
    unchanged: Container[tuple[int, int]],
) -> None:
    """Append the rows of each piece to the parts of their slices."""
    for given, places in pieces:
        rows = _grouped(given, places) if GROUP in column_names(kind) else given
        shards, slices = cells_of(places, partition)
        for shard, slice_ in sorted(set(zip(shards.tolist(), slices.tolist(), strict=True))):
            if (shard, slice_) in unchanged:
                raise ValueError(f"slice {slice_} of shard {shard} is said not to change")
            here = np.flatnonzero((shards == shard) & (slices == slice_))
            _append(parts / slice_name(shard, slice_, split=split), rows.take(here), kind)


def _grouped(rows: Rows, places: U64) -> Rows:
    """Return rows with the bits of their groups, which are their places, unless they have them."""
    if GROUP in rows.columns:
        return rows
    return Rows(rows.row_keys, {**rows.columns, GROUP: places.view(np.int64)})


def _append(part: Path, rows: Rows, kind: RecordType) -> None:
    texts, beside = texts_of(rows, kind), texts_file(part)
    before = beside.stat().st_size if beside.exists() else 0
    with part.open("ab") as stream:  # not kept open: there may be more slices than open files
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
    """Link a slice's file and return the number of its rows."""
    link_or_copy(source, target)
    sync_folder(target.parent)
    return len(open_slice(target))
