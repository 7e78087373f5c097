"""MNIST as a row store: 784 numbers a row, the row's number in the file as its id.

The training images are the training rows and the test images the evaluation rows, so accuracies
can be compared with other people's. The files are read from ../shared/data/mnist.
"""

import functools
import gzip
from pathlib import Path

import numpy as np

from lineage_store.cells.cell import CellLayout
from lineage_store.data.schema import Column, Label, Schema
from lineage_store.keys.secret import derive
from lineage_store.placement import Partition
from lineage_store.rows.arrays import Rows
from lineage_store.rows.row_store import RowStore
from lineage_store.rows.writer import write_rows
from unlearning.encoding.keras_encoding import keras_rows

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "mnist"
PIXELS = 784
SECRET = b"the secret of all benchmarks, 32"
KEYS = derive(SECRET)

MODULE = '''
import keras


def build_model(spec):
    """The perceptron 784-256-256-10."""
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Dense(256, activation="relu")(numbers)
    hidden = keras.layers.Dense(256, activation="relu")(hidden)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model({"numbers": numbers}, output)
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=spec.loss)
    return model
'''


def missing() -> str | None:
    """Say why a benchmark on MNIST cannot run, or None if it can."""
    if (FOLDER / "train-images-idx3-ubyte.gz").exists():
        return None
    return f"Skipped: it needs MNIST's four idx files (gz) in {FOLDER}."


@functools.cache  # a process that writes several stores reads the images once
def read_rows(name: str, *, limit: int) -> Rows:
    """Read the first images of "train" or "t10k"; pixels from 0 to 1, keys from their numbers."""
    images = _read(f"{name}-images-idx3-ubyte.gz", header=16).reshape(-1, PIXELS)[:limit]
    labels = _read(f"{name}-labels-idx1-ubyte.gz", header=8)[:limit]
    keys = b"".join(row_key(name, number) for number in range(len(labels)))
    return keras_rows(
        np.frombuffer(keys, dtype=np.uint8).reshape(-1, 16),
        images.astype(np.float32) / np.float32(255),
        np.zeros((len(labels), 0), np.int32),
        labels.astype(np.int32),
    )


def row_key(name: str, number: int) -> bytes:
    """Return the key of one image."""
    return KEYS.row_key(kind="id", value=f"{name}-{number}".encode())


def places_of(rows: Rows) -> np.ndarray:
    """Return what places each row in a shard and a slice (n,): every row is its own subject."""
    return KEYS.places(kind="row", values=map(bytes, rows.row_keys))


def write_store(
    folder: Path, partition: Partition, *, limit: int, without: frozenset[bytes] = frozenset()
) -> RowStore:
    """Write the row store of the first `limit` images, without the rows of some keys."""
    rows = read_rows("train", limit=limit)
    if without:
        stay = [place for place, key in enumerate(rows.row_keys) if key.tobytes() not in without]
        rows = rows.take(np.array(stay))
    columns = tuple(Column(f"p{number:03d}", "number") for number in range(PIXELS))
    classes = tuple(str(number) for number in range(10))
    schema = Schema(columns, (Label("digit", "number", "classification", classes),))
    evaluation = read_rows("t10k", limit=10_000)
    return write_rows(
        folder,
        train=[(rows, places_of(rows))],
        evaluation=[(evaluation, places_of(evaluation))],
        layout=CellLayout(partition, 1),
        description={"inference": schema.to_json()},
    )


def _read(name: str, *, header: int) -> np.ndarray:
    with gzip.open(FOLDER / name) as stream:
        return np.frombuffer(stream.read(), dtype=np.uint8, offset=header)
