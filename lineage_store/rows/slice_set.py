"""The rows of several slices as one set in row-key order, read from their files as they are asked.

Nothing is merged: of each row 24 bytes are held, its key and its place among the slices' rows, and
8 more if rows have groups.
What `take` returns stands in the order asked for, whichever slices it comes from, so a batch has
the same bytes as one cut from a merged copy.
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.placement import U64, row_bits
from lineage_store.rows.arrays import GROUP, Indices, Rows, content, key_order, pieces
from lineage_store.rows.slice_file import (
    Records,
    Slice,
    column_names,
    empty_rows,
    renumbered,
    text_names,
    texts_of,
    to_rows,
)

# A page that is touched brings up to fifteen neighbours with it: at most 256 MiB of them are held.
TOUCHED_AT_ONCE = 4096
PIECE_BYTES = 1 << 24


class SortedRows:
    """Rows on disk as a `RowSet`; the slices may hold them in any order."""

    def __init__(self, slices: Sequence[Slice]) -> None:
        kind = slices[0].records.dtype
        # Without its fields a record is copied at once, not field by field.
        self._bare = np.dtype((np.void, kind.itemsize))
        self._kind = kind
        self._texts = text_names(kind)
        self._slices = slices
        self._bytes = [part.records.view(self._bare) for part in slices]
        self._starts = np.cumsum([0, *(len(part) for part in slices)])
        keys = np.concatenate([part.row_keys() for part in slices])
        self._order = key_order(keys)
        self._row_keys: npt.NDArray[np.uint8] = keys[self._order]
        self._groups: U64 | None = None
        if GROUP in column_names(kind):
            groups = np.concatenate([part.values(GROUP) for part in slices])
            self._groups = groups.view(np.uint64)[self._order]
        self._touched = 0

    @property
    def row_keys(self) -> npt.NDArray[np.uint8]:
        """The row keys in ascending order, (n, 16) uint8."""
        return self._row_keys

    @property
    def batch_bits(self) -> U64:
        """What places each row in batches, (n,)."""
        return row_bits(self._row_keys) if self._groups is None else self._groups

    def __len__(self) -> int:
        return len(self._order)

    @property
    def nbytes(self) -> int:
        """What the rows take in memory."""
        return sum(part.nbytes for part in self._slices)

    def take(self, indices: npt.NDArray[Any]) -> Rows:
        """Return the rows at these places, in this order."""
        places = self._order[indices]
        records = self.records(places)
        if not self._texts:
            return to_rows(records)
        rows = empty_rows(self._kind, len(places))
        for number, where in self._by_owner(places):
            here = to_rows(records[where], self._slices[number].texts)
            rows.row_keys[where] = here.row_keys
            for name, array in rows.columns.items():
                array[where] = here[name]
        return rows

    def records_in_order(self) -> Iterator[Records]:
        """Yield all records in row-key order, in pieces; their texts stand in this order too."""
        before = 0
        for start in range(0, len(self), self._piece):
            records = renumbered(
                self.records(self._order[start : start + self._piece]), start=before
            )
            before += sum(int(records[name][..., 1].sum()) for name in self._texts)
            yield records

    def texts_in_order(self) -> Iterator[bytes]:
        """Yield the texts of all records in row-key order, in pieces."""
        for piece in pieces(self, self._piece) if self._texts else ():
            yield texts_of(piece, self._kind)

    def whole(self) -> Rows:
        """Return all rows, in memory; beside them, no more than a piece is held."""
        rows = empty_rows(self._kind, len(self))
        for start in range(0, len(self), self._piece):
            piece = self.take(np.arange(start, min(start + self._piece, len(self))))
            here = slice(start, start + len(piece))
            rows.row_keys[here] = piece.row_keys
            for name, array in rows.columns.items():
                array[here] = piece[name]
        return rows

    def digest(self) -> str:
        """Return the digest that `Rows.digest` gives of the same rows, read in pieces."""
        state = hashlib.sha256(self._row_keys.data)
        for name in column_names(self._kind):
            for piece in pieces(self, self._piece):
                state.update(content(piece[name]))
        return state.hexdigest()

    @property
    def _piece(self) -> int:
        return max(1, PIECE_BYTES // self._kind.itemsize)

    def records(self, places: Indices) -> Records:
        """Return the records at these places among the slices' rows, one slice after another."""
        found = np.empty(len(places), self._bare)
        for start in range(0, len(places), TOUCHED_AT_ONCE):
            here = places[start : start + TOUCHED_AT_ONCE]
            self._gather(here, found[start : start + TOUCHED_AT_ONCE])
        return found.view(self._kind)

    def _gather(self, places: Indices, found: npt.NDArray[np.void]) -> None:
        for number, where in self._by_owner(places):
            found[where] = self._bytes[number][places[where] - self._starts[number]]
        self._touched += len(places)
        if self._touched >= TOUCHED_AT_ONCE:
            self._touched = 0
            for part in self._slices:
                part.drop()

    def _by_owner(self, places: Indices) -> Iterator[tuple[int, Indices]]:
        """Yield the number of each slice that places lie in, and which of them do."""
        owner = np.searchsorted(self._starts, places, side="right") - 1
        order = np.argsort(owner, kind="stable")
        there, starts = np.unique(owner[order], return_index=True)
        yield from zip(there.tolist(), np.split(order, starts)[1:], strict=True)
