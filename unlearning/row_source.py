"""From gated records to the arrays of a row store.

The same function serves records read from the gate's CSV and records read from ExampleGen's
Examples: both hold the same text, so both give the same bytes.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from lineage_store.gate import EVAL, TRAIN, Record, Snapshot, describe, read_snapshot
from lineage_store.inference import Inference
from lineage_store.placement import U64, Partition
from lineage_store.row_store import Rows, RowStore, write_rows
from unlearning.contract import ModelSpec, spec_of
from unlearning.encoding import encode_strings

PIECE = 50_000


def encode(records: Sequence[Record], inference: Inference, spec: ModelSpec) -> Rows:
    """Encode records as arrays, in the order given."""
    at = {name: place for place, (name, _) in enumerate(inference.features)}
    number_places = [at[name] for name in spec.numbers]
    string_places = [at[name] for name in spec.strings]
    numbers = [
        [float(r.values[p]) if r.values[p] else np.nan for p in number_places] for r in records
    ]
    strings = [[r.values[p] for p in string_places] for r in records]
    label_type = np.int32 if inference.task == "classification" else np.float32
    keys = np.frombuffer(b"".join(r.row_key for r in records), dtype=np.uint8)
    return Rows(
        keys.reshape(-1, 16),
        np.array(numbers, dtype=np.float64).reshape(len(records), -1).astype(np.float32),
        encode_strings(strings, columns=spec.strings, buckets=spec.buckets),
        np.array([inference.label_value(r.label) for r in records], dtype=label_type),
    )


def encode_all(records: Iterable[Record], inference: Inference) -> tuple[Rows, U64]:
    """Encode a stream of records piece by piece; return the rows and their places (n,) uint64."""
    spec = spec_of(inference)
    parts: list[Rows] = []
    places: list[int] = []
    piece: list[Record] = []
    for record in records:
        piece.append(record)
        places.append(int.from_bytes(record.place, "big"))
        if len(piece) == PIECE:
            parts.append(encode(piece, inference, spec))
            piece = []
    parts.append(encode(piece, inference, spec))
    rows = Rows(
        np.concatenate([part.row_keys for part in parts]),
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.categories for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
    return rows, np.array(places, dtype=np.uint64)


def build_store(
    folder: Path,
    *,
    train: Iterable[Record],
    evaluation: Iterable[Record],
    snapshot: Snapshot,
    partition: Partition,
) -> RowStore:
    """Encode a snapshot's records and write its row store."""
    train_rows, places = encode_all(train, snapshot.inference)
    evaluation_rows, eval_places = encode_all(evaluation, snapshot.inference)
    return write_rows(
        folder,
        train=train_rows,
        places=places,
        evaluation=evaluation_rows,
        eval_places=eval_places,
        partition=partition,
        description=describe(snapshot),
    )


def store_from_snapshot(folder: Path, snapshot: Snapshot, partition: Partition) -> RowStore:
    """Write the row store straight from the gate's files."""
    return build_store(
        folder,
        train=read_snapshot(snapshot, TRAIN),
        evaluation=read_snapshot(snapshot, EVAL),
        snapshot=snapshot,
        partition=partition,
    )
