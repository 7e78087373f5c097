"""From what the gate let through to tf.Examples, in gzipped TFRecords.

TFX's CsvExampleGen reads the same file by lines of Python and infers types again: of a deletion's
time it took more than all learning. Here the types are the gate's; Arrow parses whole blocks, and
tfx_bsl's encoder, the one that TFX reads and writes with, makes the Examples. They are equal to
what CsvExampleGen makes, value for value: a number is a float32, read as a float64 first; a text is
as the gate wrote it; a missing value is an empty list. Of a column without any value CsvExampleGen
knows no type; here it has the gate's, so that no Example depends on another row.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import KEYED, Snapshot

BLOCK = 1 << 22
"""Bytes of text that are parsed at once, or one row if that is more."""
LEVEL = 1  # of gzip: five times as fast as the usual one, on files that live as long as a model


def write_examples(snapshot: Snapshot, split: str, path: Path) -> None:
    """Write the rows of a split of a snapshot, one tf.Example each, in the order of its file."""
    import tensorflow as tf
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    encoder = RecordBatchToExamplesEncoder()
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=LEVEL)
    with tf.io.TFRecordWriter(str(path), options) as writer:
        for batch in _batches(snapshot, split):
            for example in encoder.encode(batch):
                writer.write(example)


def _batches(snapshot: Snapshot, split: str) -> Iterator[Any]:
    """Yield record batches of lists, as tfx_bsl has them: of one value each, or empty."""
    import pyarrow as pa
    from pyarrow import csv

    columns = snapshot.schema.all
    kinds = {name: pa.large_binary() for name in KEYED}
    for column in columns:
        kinds[column.name] = pa.large_binary() if column.kept == "text" else pa.float64()
    read = csv.ReadOptions(column_names=list(kinds), block_size=1 << 30, use_threads=False)
    convert = csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True)
    with snapshot.csv_file(split).open("rb") as stream:
        next(stream)
        while lines := stream.readlines(BLOCK):  # a row is one line
            source = pa.BufferReader(b"".join(lines))
            table = csv.read_csv(source, read, convert_options=convert)
            (batch,) = table.combine_chunks().to_batches()
            yield pa.RecordBatch.from_arrays(
                [_listed(pa, values) for values in batch.columns], names=list(kinds)
            )


def _listed(pa: Any, values: Any) -> Any:
    """Return an array as one of lists of one value, or empty ones where it is null."""
    if pa.types.is_floating(values.type):
        values = values.cast(pa.float32())
    there = values.is_valid().to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(there)]), pa.int64())
    return pa.LargeListArray.from_arrays(offsets, values.drop_null())
