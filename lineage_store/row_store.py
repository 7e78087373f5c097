"""The rows as a model reads them: arrays on disk, one file for each slice of each shard.

    rows.json                    what the columns are, and how many rows lie where
    train/s003-r01.safetensors   the training rows of slice 1 of shard 3, in row-key order
    eval.safetensors             the evaluation rows, in row-key order, and their shards and slices

Strings are kept as hash buckets (the learner's fixed encoding), so this holds no raw text.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.placement import Partition, cells_of
from lineage_store.tensors import Array, State, load_state, save_state

FORMAT = 1
EVAL_FILE = "eval.safetensors"


@dataclass(frozen=True)
class Rows:
    """Rows in row-key order.

    `row_keys` (n, 16) uint8; `numbers` (n, N) float32, NaN where missing; `categories` (n, M)
    int32 hash buckets; `labels` (n,) int32 class indices or float32 values.
    """

    row_keys: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.float32]
    categories: npt.NDArray[np.int32]
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.NDArray[Any]) -> "Rows":
        """Return the rows at these places, in this order."""
        return Rows(
            self.row_keys[indices],
            self.numbers[indices],
            self.categories[indices],
            self.labels[indices],
        )

    def digest(self) -> str:
        """Return the SHA-256 over the arrays' little-endian bytes."""
        state = hashlib.sha256()
        for array in (self.row_keys, self.numbers, self.categories, self.labels):
            state.update(np.ascontiguousarray(array).data)
        return state.hexdigest()


def in_key_order(rows: Rows) -> Rows:
    """Return the rows sorted by row key."""
    return rows.take(key_order(rows))


def key_order(rows: Rows) -> npt.NDArray[np.int64]:
    """Return the places (n,) of the rows, the one with the lowest row key first."""
    names = np.ascontiguousarray(rows.row_keys).view("S16").reshape(-1)
    # A NumPy string drops zero bytes at its end, and equal keys cannot be: the order is the same.
    return np.argsort(names, kind="stable")


def merged(parts: Sequence[Rows]) -> Rows:
    """Return several slices' rows as one, in row-key order."""
    return in_key_order(
        Rows(
            np.concatenate([part.row_keys for part in parts]),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.categories for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )
    )


@dataclass(frozen=True)
class RowStore:
    """An open row store; `counts[shard][slice]` is the number of training rows there."""

    folder: Path
    counts: tuple[tuple[int, ...], ...]
    evaluation_rows: int
    description: Mapping[str, Any]

    def slice_rows(self, shard: int, slice_: int) -> Rows:
        """Read the rows of one slice."""
        return _load(self.folder / "train" / slice_file(shard, slice_))

    def stage_rows(self, shard: int, stage: int) -> Rows:
        """Read the rows of slices 0 to `stage` of a shard, as one, in row-key order."""
        return merged([self.slice_rows(shard, index) for index in range(stage + 1)])

    def evaluation(self) -> Rows:
        """Read the evaluation rows."""
        return _load(self.folder / EVAL_FILE)

    def evaluation_of(self, shard: int, stage: int) -> Rows:
        """Read the evaluation rows whose places fall into slices 0 to `stage` of a shard."""
        state = load_state(self.folder / EVAL_FILE)
        here = np.flatnonzero((state["shard"] == shard) & (state["slice"] <= stage))
        return _rows(state).take(here)


def slice_file(shard: int, slice_: int) -> str:
    """Return the file name of a slice."""
    return f"s{shard:03d}-r{slice_:02d}.safetensors"


def write_rows(
    folder: Path,
    *,
    train: Rows,
    places: npt.NDArray[np.uint64],
    evaluation: Rows,
    eval_places: npt.NDArray[np.uint64],
    partition: Partition,
    description: Mapping[str, Any],
) -> RowStore:
    """Cut the training rows into shards and slices and write the store.

    `places` (n,) belongs to the training rows as given, in any order; `eval_places` to the
    evaluation rows likewise.
    """
    (folder / "train").mkdir(parents=True)
    shard, slice_ = cells_of(places, partition)
    counts = []
    for shard_number in range(partition.shards):
        row = []
        for slice_number in range(partition.slices):
            here = np.flatnonzero((shard == shard_number) & (slice_ == slice_number))
            part = in_key_order(train.take(here))
            save_state(folder / "train" / slice_file(shard_number, slice_number), _tensors(part))
            row.append(len(part))
        counts.append(row)
    order = key_order(evaluation)
    shard, slice_ = cells_of(eval_places, partition)
    placed = {"shard": shard[order], "slice": slice_[order]}
    save_state(folder / EVAL_FILE, _tensors(evaluation.take(order)) | placed)
    header = {
        "format": FORMAT,
        "counts": counts,
        "evaluation_rows": len(evaluation),
        "description": description,
    }
    write_atomic(folder / "rows.json", canonical_json(header) + b"\n")
    return open_rows(folder)


def open_rows(folder: Path) -> RowStore:
    """Open a row store."""
    header = read_json(folder / "rows.json")
    return RowStore(
        folder=folder,
        counts=tuple(tuple(row) for row in header["counts"]),
        evaluation_rows=header["evaluation_rows"],
        description=header["description"],
    )


def _tensors(rows: Rows) -> State:
    return {
        "row_keys": rows.row_keys,
        "numbers": rows.numbers,
        "categories": rows.categories,
        "labels": rows.labels,
    }


def _load(path: Path) -> Rows:
    return _rows(load_state(path))


def _rows(state: State) -> Rows:
    return Rows(state["row_keys"], state["numbers"], state["categories"], state["labels"])
