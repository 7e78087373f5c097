"""Rows as a model reads them: an array of keys, and named arrays in the family's own encoding.

`Rows` holds them in memory. `RowSet` is what training asks of the rows of a stage, wherever they
lie: their keys, and those of a batch. `slice_set.SortedRows` answers from files.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.placement import U64, row_bits
from lineage_store.tensors import Array

Indices = npt.NDArray[np.int64]

LABEL, WEIGHT, GROUP = "label", "weight", "group"


def label_name(place: int) -> str:
    """Return the name of the array with a label: of the first, of the second, ..."""
    return LABEL if not place else f"{LABEL} {place + 1}"


@dataclass(frozen=True)
class Rows:
    """Rows in row-key order.

    `row_keys` (n, 16) uint8; `columns` are arrays of n rows by name, in the order of the encoding
    (`slice_file.Field`), with the labels, if there are any, under `label_name`, and what each row
    counts for under `WEIGHT`, if they do not all count alike; and 64 bits of each row's group under
    `GROUP`, if they have groups. Texts are bytes.
    """

    row_keys: npt.NDArray[np.uint8]
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.row_keys)

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    @property
    def labels(self) -> Array:
        """The labels (n,), or the first ones; raises KeyError if the rows have none."""
        return self.columns[LABEL]

    @property
    def weights(self) -> Array | None:
        """What each row counts for (n,); None if all count alike."""
        return self.columns.get(WEIGHT)

    @property
    def batch_bits(self) -> U64:
        """What places each row in batches (n,): its group's bits, or those of its own key."""
        groups = self.columns.get(GROUP)
        return row_bits(self.row_keys) if groups is None else groups.view(np.uint64)

    @property
    def group_numbers(self) -> npt.NDArray[np.int32] | None:
        """The number of each row's group among the groups of these rows (n,); None without groups.

        It means something in one batch alone, which has every row of its groups.
        """
        if GROUP not in self.columns:
            return None
        _, numbers = np.unique(self.batch_bits, return_inverse=True)
        return numbers.reshape(-1).astype(np.int32)

    def take(self, indices: npt.NDArray[Any]) -> "Rows":
        """Return the rows at these places, in this order."""
        columns = {name: array[indices] for name, array in self.columns.items()}
        return Rows(self.row_keys[indices], columns)

    def digest(self) -> str:
        """Return the SHA-256 over the arrays' little-endian bytes."""
        state = hashlib.sha256()
        for array in (self.row_keys, *self.columns.values()):
            state.update(content(array))
        return state.hexdigest()


def content(array: Array) -> memoryview | bytes:
    """Return what a digest covers of an array: its bytes; of texts, each after its length."""
    if array.dtype != np.object_:
        return np.ascontiguousarray(array).data
    return b"".join(len(text).to_bytes(8, "little") + text for text in array.flat)


class RowSet(Protocol):
    """Rows in row-key order, in memory or on disk."""

    @property
    def row_keys(self) -> npt.NDArray[np.uint8]:
        """The row keys, (n, 16) uint8."""

    @property
    def batch_bits(self) -> U64:
        """What places each row in batches, (n,)."""

    def __len__(self) -> int:
        """The number of rows."""

    def take(self, indices: npt.NDArray[Any]) -> Rows:
        """Return the rows at these places, in this order, in memory."""

    def digest(self) -> str:
        """Return the digest of all keys and contents: equal rows give equal digests."""


def without_contents(rows: RowSet) -> Rows:
    """Return rows of which nothing is left but their keys and what places them in batches."""
    return Rows(rows.row_keys, {GROUP: rows.batch_bits.view(np.int64)})


def pieces(rows: RowSet, size: int) -> Iterator[Rows]:
    """Yield the rows in order, at most `size` at a time."""
    for start in range(0, len(rows), size):
        yield rows.take(np.arange(start, min(start + size, len(rows))))


def group_pieces(rows: RowSet, size: int) -> Iterator[Rows]:
    """Yield the rows by their groups, each whole: about `size` at a time, more if one is larger."""
    if not len(rows):
        return
    bits = rows.batch_bits
    order: Indices = np.argsort(bits, kind="stable")
    ends = [*(np.flatnonzero(np.diff(bits[order])) + 1).tolist(), len(order)]
    start = 0
    for end, after in pairwise([*ends, ends[-1] + size + 1]):
        if after - start > size:
            yield rows.take(np.sort(order[start:end]))
            start = end


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
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0].columns}
    return Rows(np.concatenate([part.row_keys for part in parts]), columns)
