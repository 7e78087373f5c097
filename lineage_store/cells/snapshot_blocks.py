"""A snapshot's rows as blocks of columns, parsed by Arrow: for whoever needs no records.

Numbers are float32, read as a float64 first; texts are bytes as the gate wrote them, escapes and
all; a missing value is null.
"""

from collections.abc import Iterator
from typing import Any

from lineage_store.cells.snapshot import Snapshot
from lineage_store.data.record import KEYED

BLOCK = 1 << 22
"""Bytes of text that are parsed at once, or one row if that is more."""


def read_blocks(snapshot: Snapshot, split: str) -> Iterator[Any]:
    """Yield the rows of a split in pyarrow RecordBatches, in the order of its file.

    The columns are the three keys, as the gate wrote them, and then those of the schema.
    """
    import pyarrow as pa
    from pyarrow import csv

    kinds = {name: pa.large_binary() for name in KEYED}
    for column in snapshot.schema.all:
        kinds[column.name] = pa.large_binary() if column.kept == "text" else pa.float64()
    read = csv.ReadOptions(column_names=list(kinds), block_size=1 << 30, use_threads=False)
    convert = csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True)
    with snapshot.csv_file(split).open("rb") as stream:
        next(stream)
        while lines := stream.readlines(BLOCK):  # a row is one line
            source = pa.BufferReader(b"".join(lines))
            table = csv.read_csv(source, read, convert_options=convert)
            (batch,) = table.combine_chunks().to_batches()
            columns = [
                one.cast(pa.float32()) if pa.types.is_floating(one.type) else one
                for one in batch.columns
            ]
            yield pa.RecordBatch.from_arrays(columns, names=list(kinds))
