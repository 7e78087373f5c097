"""From what the gate let through to tf.Examples, in a gzipped TFRecord a cell, and to statistics.

TFX's CsvExampleGen reads the same rows by lines of Python and infers types again: of a deletion's
time it took more than all learning. Here the types are the gate's; Arrow parses whole blocks, and
tfx_bsl's encoder, the one that TFX reads and writes with, makes the Examples. They are equal to
what CsvExampleGen makes, value for value: a number is a float32; a text is as the gate wrote it; a
missing value is an empty list. Of a column without any value CsvExampleGen knows no type; here it
has the gate's, so that no Example depends on another row.

What the columns hold is counted from the same blocks, in summation form. TFX's StatisticsGen starts
a Beam pipeline, decodes the Examples again, and looks at every number with a sketch.

Both are kept cell by cell, so that a deletion makes those of the cells that lose rows, and takes
over the others. What is counted is merged group by group (`cells.cell_groups`), and merges are kept
as well: after a deletion one path is merged again, to the same bits as all cells made anew. (An
Example is a map, and a map has no order: of equal Examples the bytes may differ.)
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.canonical import canonical_json, read_json
from lineage_store.cells import (
    CellId,
    NumberSummary,
    Snapshot,
    Statistics,
    Summary,
    TextSummary,
    keep_by_cell,
    parse_block,
    read_cell,
    same_cells,
    statistics_of,
    summary_from_json,
    summary_of_numbers,
    summary_of_texts,
)
from lineage_store.data import SPLITS, Schema
from unlearning.encoding.cell_groups import Groups, same_groups

GZIP = 1  # its level: five times as fast as the usual one, on files that live as a model does
SUMMARIES, MERGED = "cells", "merged"


def write_examples(
    snapshot: Snapshot, folder: Path, *, old: Path | None = None, before: Snapshot | None = None
) -> None:
    """Write the Examples of a snapshot's rows, `Split-*/data_tfrecord-*.gz`, a file a cell.

    What the folder `old` keeps of the cells that `before` shares is taken over.
    """

    def make(cell: CellId) -> tuple[str, bytes]:
        text = read_cell(snapshot, cell)
        return example_file(cell), examples_of(text, snapshot.schema, folder / "partial.gz")

    _keep(snapshot, folder, make=make, old=old, before=before)


def example_file(cell: CellId) -> str:
    """Return the name of the file of a cell's Examples, below the artifact's folder."""
    return f"Split-{cell.split}/data_tfrecord-{cell.place}.gz"


def example_files(
    folder: Path, snapshot: Snapshot, split: str, without: Container[CellId]
) -> list[Path]:
    """Return the files of a split's Examples, but for those of some cells."""
    cells = (cell.id for cell in snapshot.cells if cell.id.split == split)
    return [folder / example_file(cell) for cell in cells if cell not in without]


def examples_of(text: bytes, schema: Schema, scratch: Path) -> bytes:
    """Return the Examples of some lines as the bytes of a gzipped TFRecord.

    `scratch` is a file that is written on the way.
    """
    import pyarrow as pa
    import tensorflow as tf
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    block = parse_block(text, schema)
    columns = [_listed(pa, values) for values in block.columns]
    batch = pa.RecordBatch.from_arrays(columns, names=block.schema.names)
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=GZIP)
    with tf.io.TFRecordWriter(str(scratch), options) as writer:
        for example in RecordBatchToExamplesEncoder().encode(batch):
            writer.write(example)
    written = scratch.read_bytes()
    scratch.unlink()
    return written


def write_summaries(
    snapshot: Snapshot, folder: Path, *, old: Path | None = None, before: Snapshot | None = None
) -> dict[str, Statistics]:
    """Keep what the columns of each cell hold, and return the statistics of each split.

    What the folder `old` keeps of the cells that `before` shares is taken over.
    """

    def make(cell: CellId) -> tuple[str, bytes]:
        summaries = summaries_of(read_cell(snapshot, cell), snapshot.schema)
        return f"{SUMMARIES}/{cell}.json", _as_json(summaries)

    _keep(snapshot, folder, make=make, old=old, before=before)
    at, cells = _keep_merged(snapshot, folder, old=old, before=before)
    return {
        split: statistics_of(
            _merged(at, [cell for cell in cells if cell.split == split], snapshot.schema),
            rows=snapshot.rows[split],
        )
        for split in snapshot.splits
    }


def summaries_of(text: bytes, schema: Schema) -> dict[str, Summary]:
    """Count what the columns of some lines hold.

    Keys and pseudonyms are no columns: statistics of them would only spread them.
    """
    block = parse_block(text, schema)
    found: dict[str, Summary] = {}
    for column in schema.all:
        values = block.column(column.name).drop_null()
        if column.kept == "number":
            numbers = values.to_numpy(zero_copy_only=False)
            found[column.name] = summary_of_numbers(numbers, rows=block.num_rows)
        else:
            found[column.name] = summary_of_texts(_counts(values), rows=block.num_rows)
    return found


def _keep_merged(
    snapshot: Snapshot, folder: Path, *, old: Path | None, before: Snapshot | None
) -> tuple[Path, Sequence[CellId]]:
    """Keep what the summaries of groups come to; return where those at the top lie, and which."""
    assert snapshot.layout is not None
    at, cells = folder / SUMMARIES, _cells(snapshot)
    same = frozenset() if before is None else same_cells(snapshot, before)
    were = [] if before is None else _cells(before)
    grouped = same_groups(snapshot.layout, cells, before=were, same=same)
    for level, (groups, kept) in enumerate(grouped):
        below, at, cells = at, folder / MERGED / str(level), list(groups)

        def make(group: CellId, below: Path = below, groups: Groups = groups) -> tuple[str, bytes]:
            return f"{group}.json", _as_json(_merged(below, groups[group], snapshot.schema))

        at.mkdir(parents=True, exist_ok=True)
        there = None if old is None else old / MERGED / str(level)
        keep_by_cell(at, cells, make=make, old=there, same=kept)
    return at, cells


def _merged(folder: Path, cells: Sequence[CellId], schema: Schema) -> dict[str, Summary]:
    """Merge the summaries of cells, or of groups, which lie in a folder; in the schema's order."""
    names = [column.name for column in schema.all]
    kept = [_summaries(folder / f"{cell}.json") for cell in cells]
    return {name: _all_merged([one[name] for one in kept]) for name in names}


def _summaries(file: Path) -> dict[str, Summary]:
    return {name: summary_from_json(value) for name, value in read_json(file).items()}


def _as_json(summaries: Mapping[str, Summary]) -> bytes:
    return canonical_json({name: summary.to_json() for name, summary in summaries.items()})


def _all_merged(summaries: Sequence[Any]) -> Summary:
    """Merge two by two, so that what is large is not copied for every cell."""
    while len(summaries) > 1:
        pairs = zip(summaries[::2], summaries[1::2], strict=False)
        rest = summaries[len(summaries) // 2 * 2 :]
        summaries = [*(one.merged(other) for one, other in pairs), *rest]
    (merged,) = summaries
    found: NumberSummary | TextSummary = merged
    return found


def _cells(snapshot: Snapshot) -> list[CellId]:
    return [cell.id for cell in snapshot.cells if cell.id.split in SPLITS]


def _keep(
    snapshot: Snapshot, folder: Path, *, make: Any, old: Path | None, before: Snapshot | None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    same = frozenset() if before is None else same_cells(snapshot, before)
    keep_by_cell(folder, _cells(snapshot), make=make, old=old, same=same)


def _counts(values: Any) -> Mapping[bytes, int]:
    counted = values.value_counts()
    texts, numbers = (counted.field(name).to_pylist() for name in ("values", "counts"))
    return dict(zip(texts, numbers, strict=True))


def _listed(pa: Any, values: Any) -> Any:
    """Return an array as one of lists of one value, or empty ones where it is null."""
    there = values.is_valid().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(there)]), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, values.drop_null())
