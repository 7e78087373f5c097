"""Rows as a model reads them: arrays of keys, numbers, hash buckets and labels.

`Rows` holds them in memory. `RowSet` is what training asks of the rows of a stage, wherever they
lie: their keys, and those of a batch. `sorted_rows.SortedRows` answers from files.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array

Indices = npt.NDArray[np.int64]


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


class RowSet(Protocol):
    """Rows in row-key order, in memory or on disk."""

    @property
    def row_keys(self) -> npt.NDArray[np.uint8]:
        """The row keys, (n, 16) uint8."""

    def __len__(self) -> int:
        """The number of rows."""

    def take(self, indices: npt.NDArray[Any]) -> Rows:
        """Return the rows at these places, in this order, in memory."""

    def digest(self) -> str:
        """Return the digest of all keys and contents: equal rows give equal digests."""


def pieces(rows: RowSet, size: int) -> Iterator[Rows]:
    """Yield the rows in order, at most `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows.take(np.arange(start, min(start + size, len(rows))))


def key_order(row_keys: npt.NDArray[np.uint8]) -> Indices:
    """Return the places of row keys (n, 16) in ascending order; keys are never equal."""
    halves = np.ascontiguousarray(row_keys).view(">u8").astype(np.uint64)
    order: Indices = np.lexsort((halves[:, 1], halves[:, 0]))
    return order


def in_key_order(rows: Rows) -> Rows:
    """Return the rows sorted by row key."""
    return rows.take(key_order(rows.row_keys))


def joined(parts: Sequence[Rows]) -> Rows:
    """Return several rows, one after another, as one."""
    return Rows(
        np.concatenate([part.row_keys for part in parts]),
        np.concatenate([part.numbers for part in parts]),
        np.concatenate([part.categories for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )
