"""From gated records to the arrays of a row store, piece by piece.

The same encoding serves records read from the gate's CSV and records read from ExampleGen's
Examples: both hold the same text, so both give the same bytes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from lineage_store.cells import CellLayout, Snapshot, describe, read_snapshot
from lineage_store.data import EVAL, TRAIN, Column, Record, Schema, days_of
from lineage_store.placement import U64, Partition
from lineage_store.rows import NO_CELLS, Rows, RowStore, Unchanged, write_rows
from lineage_store.tensors import Array
from unlearning.encoding.keras_encoding import KerasEncoding
from unlearning.encoding.row_encoding import RowEncoding, TypedRows

PIECE_VALUES, PIECE_ROWS = 500_000, 50_000


def typed(records: Sequence[Record], schema: Schema) -> TypedRows:
    """Return records, whose values are in their one spelling, as arrays in the order given."""
    keys = np.frombuffer(b"".join(record.row_key for record in records), dtype=np.uint8)
    columns = {
        column.name: _array(column, [record.values[place] for record in records])
        for place, column in enumerate(schema.all)
    }
    return TypedRows(keys.reshape(-1, 16), columns)


def _array(column: Column, texts: Sequence[str]) -> Array:
    if column.kept == "text":
        return np.array(texts, dtype=object)
    read = days_of if column.written == "text" else float
    numbers = [read(text) if text else np.nan for text in texts]
    return np.array(numbers, dtype=np.float64).astype(np.float32)


def _pieces(records: Iterable[Record], schema: Schema) -> Iterator[list[Record]]:
    """Cut a stream of records into pieces that hold about as much, however many columns it has."""
    size = max(1, min(PIECE_ROWS, PIECE_VALUES // max(1, len(schema.columns))))
    stream = iter(records)
    while piece := list(islice(stream, size)):
        yield piece


def encode_pieces(
    records: Iterable[Record], schema: Schema, *, encoding: RowEncoding
) -> Iterator[tuple[Rows, U64]]:
    """Encode a stream of records; yield pieces of rows with their places (n,) uint64."""
    for piece in _pieces(records, schema):
        together = b"".join(record.place for record in piece)
        places = np.frombuffer(together, dtype=">u8").astype(np.uint64)
        yield encoding.encode(typed(piece, schema)), places


def store_from_snapshot(
    folder: Path,
    snapshot: Snapshot,
    partition: Partition,
    *,
    encoding_of: Callable[[Schema], RowEncoding] = KerasEncoding,
    unchanged: Unchanged = NO_CELLS,
) -> RowStore:
    """Write a row store in a family's encoding, or in Keras's, straight from the gate's files.

    The cells in `unchanged` are links to these files, and not read here.
    """
    schema = snapshot.schema
    encoding = encoding_of(schema)
    train, evaluation = (
        encode_pieces(read_snapshot(snapshot, split, without=unchanged), schema, encoding=encoding)
        for split in (TRAIN, EVAL)
    )
    return write_rows(
        folder,
        train=train,
        evaluation=evaluation,
        layout=CellLayout(partition, snapshot.buckets),
        description=describe(snapshot),
        fields=encoding.fields,
        unchanged=unchanged,
    )
