"""A snapshot's rows as blocks of columns, parsed by Arrow: for whoever needs no records.

Numbers are float32, read as a float64 first, and so are dates, as numbers of days; texts are bytes
as the gate wrote them, escapes and all; a missing value is null.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.cells.cell import CellId
from lineage_store.cells.lines import BREAK
from lineage_store.cells.snapshot import Snapshot
from lineage_store.data.number_arrays import date_numbers
from lineage_store.data.record import KEYED
from lineage_store.data.schema import Schema

BLOCK = 1 << 22
"""Bytes of text that are parsed at once, or one row if that is more."""


def read_blocks(snapshot: Snapshot, split: str) -> Iterator[Any]:
    """Yield the rows of a split in pyarrow RecordBatches, in the order of its files.

    The columns are the three keys, as the gate wrote them, and then those of the schema.
    """
    for text in _texts(snapshot.files(split)):
        yield parse_block(text, snapshot.schema)


def read_cell(snapshot: Snapshot, cell: CellId) -> bytes:
    """Read the lines of a cell's rows."""
    _, _, text = (snapshot.folder / f"{cell}.csv").read_bytes().partition(BREAK)
    return text


def parse_block(text: bytes, schema: Schema) -> Any:
    """Parse the lines of some rows as `read_blocks` does."""
    import pyarrow as pa
    from pyarrow import csv

    kinds = {name: pa.large_binary() for name in KEYED}
    for column in schema.all:
        kinds[column.name] = pa.float64() if column.written == "number" else pa.large_binary()
    read = csv.ReadOptions(column_names=list(kinds), block_size=1 << 30, use_threads=False)
    convert = csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True)
    table = csv.read_csv(pa.BufferReader(text), read, convert_options=convert)
    (batch,) = table.combine_chunks().to_batches()
    dates = {column.name for column in schema.columns if column.kind == "date"}
    columns = [
        _days(pa, one) if name in dates else _narrow(pa, one)
        for name, one in zip(kinds, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(kinds))


def _narrow(pa: Any, array: Any) -> Any:
    return array.cast(pa.float32()) if pa.types.is_floating(array.type) else array


def _days(pa: Any, array: Any) -> Any:
    """Return dates as they are written as numbers of days, null where one is missing."""
    days = date_numbers(array.cast(pa.string()))
    return pa.array(days.astype(np.float32), mask=np.isnan(days))


def _texts(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield whole lines, without the first of each file, about as many bytes as a block has."""
    gathered: list[bytes] = []
    size = 0
    for file in files:
        with file.open("rb") as stream:
            next(stream)
            while lines := stream.readlines(BLOCK):  # a row is one line
                gathered += lines
                size += sum(map(len, lines))
                if size >= BLOCK:
                    yield b"".join(gathered)
                    gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
