"""Rows as histories: of each person, or basket, which items there are and how strongly.

An item is in a history once, however many rows say so: as strongly as the strongest of them, which
is its weight, or 1 where rows have none. Rows of weight 0, and those without an item, say nothing.

A history adds to the sums of all its pairs of items, so what it costs grows with the square of its
length. Of one with more than MOST_ITEMS items so many count: those of the smallest draws, which are
hashes of the history and the item. So which they are depends on that history alone.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lineage_store.placement import U64, mix
from lineage_store.rows import Rows
from unlearning.encoding.item_encoding import ITEM

MOST_ITEMS = 1_000

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Histories:
    """What some histories hold.

    `names` are the items, sorted. Each of the n entries is an item, by its place in `names`
    (`items`), of a history (`who`), and its strength; they stand sorted by history and item.
    """

    names: Sequence[bytes]
    who: U64
    items: Integers
    strengths: Integers

    @property
    def bounds(self) -> Integers:
        """Where each history begins among the entries, and where the last one ends."""
        firsts = np.flatnonzero(np.diff(self.who, prepend=~self.who[:1]))
        return np.append(firsts, len(self.who))

    def draws(self) -> U64:
        """Return a draw (n,) for each entry: a hash of its history and its item."""
        hashed = [int.from_bytes(hashlib.sha256(name).digest()[:8], "big") for name in self.names]
        return mix(self.who ^ mix(np.array(hashed, np.uint64)[self.items]))

    @property
    def spans(self) -> Iterator[tuple[int, int]]:
        """Where each history begins, and ends, among the entries."""
        return pairwise(self.bounds.tolist())


def histories_of(rows: Iterable[Rows]) -> Histories:
    """Return the histories of rows, given in pieces, in whatever order."""
    known: dict[bytes, int] = {}
    found: list[tuple[U64, Integers, Integers]] = []
    for piece in rows:
        texts = piece[ITEM][:, 0]
        weights = np.ones(len(piece), np.int64) if piece.weights is None else piece.weights
        there = np.flatnonzero((weights > 0) & (texts != b""))
        codes = [known.setdefault(text, len(known)) for text in texts[there].tolist()]
        found.append((piece.batch_bits[there], np.array(codes, np.int64), weights[there]))
    if not known:
        none = np.zeros(0, np.int64)
        return Histories([], none.view(np.uint64), none, none)
    names = sorted(known)
    rank = np.empty(len(names), np.int64)
    rank[[known[name] for name in names]] = np.arange(len(names))
    who, items, strengths = (np.concatenate(one) for one in zip(*found, strict=True))
    return _bounded(_once(Histories(names, who, rank[items], strengths)))


def _once(given: Histories) -> Histories:
    """Return each item of a history once, as its strongest, and all in order."""
    order = np.lexsort((given.items, given.who))
    who, items, strengths = (one[order] for one in (given.who, given.items, given.strengths))
    first = np.append(True, (who[1:] != who[:-1]) | (items[1:] != items[:-1]))
    strongest = np.maximum.reduceat(strengths, np.flatnonzero(first))
    return Histories(given.names, who[first], items[first], strongest)


def _bounded(given: Histories) -> Histories:
    """Return histories of at most MOST_ITEMS items each; an item that is in none is no name."""
    lengths = np.diff(given.bounds)
    if lengths.max() <= MOST_ITEMS:
        return given
    order = np.lexsort((given.draws(), given.who))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(given.bounds[:-1], lengths)
    kept = place < MOST_ITEMS
    used, items = np.unique(given.items[kept], return_inverse=True)
    names = [given.names[one] for one in used.tolist()]
    return Histories(names, given.who[kept], items.reshape(-1), given.strengths[kept])
