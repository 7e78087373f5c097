"""From what the gate let through to tf.Examples, in gzipped TFRecords, and to their statistics.

TFX's CsvExampleGen reads the same file by lines of Python and infers types again: of a deletion's
time it took more than all learning. Here the types are the gate's; Arrow parses whole blocks, and
tfx_bsl's encoder, the one that TFX reads and writes with, makes the Examples. They are equal to
what CsvExampleGen makes, value for value: a number is a float32; a text is as the gate wrote it; a
missing value is an empty list. Of a column without any value CsvExampleGen knows no type; here it
has the gate's, so that no Example depends on another row.

What the columns hold is counted from the same blocks, in summation form. TFX's StatisticsGen starts
a Beam pipeline, decodes the Examples again, and looks at every number with a sketch.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.cells import (
    NumberSummary,
    Snapshot,
    Statistics,
    Summary,
    TextSummary,
    read_blocks,
    statistics_of,
    summary_of_numbers,
    summary_of_texts,
)

LEVEL = 1  # of gzip: five times as fast as the usual one, on files that live as long as a model


def write_examples(snapshot: Snapshot, split: str, path: Path) -> None:
    """Write the rows of a split of a snapshot, one tf.Example each, in the order of its file."""
    import pyarrow as pa
    import tensorflow as tf
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    encoder = RecordBatchToExamplesEncoder()
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=LEVEL)
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for block in read_blocks(snapshot, split):
            columns = [_listed(pa, values) for values in block.columns]
            batch = pa.RecordBatch.from_arrays(columns, names=block.schema.names)
            for example in encoder.encode(batch):
                writer.write(example)


def gated_statistics(snapshot: Snapshot, split: str) -> Statistics:
    """Count what the columns of a split's Examples hold.

    Keys and pseudonyms are no columns: statistics of them would only spread them.
    """
    found: dict[str, Summary] = {
        column.name: NumberSummary() if column.kept == "number" else TextSummary()
        for column in snapshot.schema.all
    }
    for block in read_blocks(snapshot, split):
        for name, summary in found.items():
            values = block.column(name).drop_null()
            if isinstance(summary, NumberSummary):
                numbers = values.to_numpy(zero_copy_only=False)
                found[name] = summary.merged(summary_of_numbers(numbers, rows=block.num_rows))
            else:
                texts = summary_of_texts(_counts(values), rows=block.num_rows)
                found[name] = summary.merged(texts)
    return statistics_of(found, rows=snapshot.rows[split])


def _counts(values: Any) -> Mapping[bytes, int]:
    counted = values.value_counts()
    texts, numbers = (counted.field(name).to_pylist() for name in ("values", "counts"))
    return dict(zip(texts, numbers, strict=True))


def _listed(pa: Any, values: Any) -> Any:
    """Return an array as one of lists of one value, or empty ones where it is null."""
    there = values.is_valid().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(there)]), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, values.drop_null())
