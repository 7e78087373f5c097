"""The sums of a part's histories: by item, and by pair of items; histories are taken out exactly.

A history that has items a, b, ... with strengths x adds x_a * x_b to the sum of each pair, and
x_a^2 to that of each item; without weights these are the histories with both items, and with one
(Schelter 2020, "Amnesia", section 2). They are whole numbers, so a history is taken out by
subtracting what it added, whatever the order. An item or a pair whose sum falls to zero is no
longer there: a key that is kept at zero tells that somebody once had both (as Amnesia's code keeps
it).

Items are named by their texts, and stand sorted by these; a pair stands once, with the item first
that sorts first. Sums stay below 2^30, so that shares of them are told exactly (`neighbours`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.tensors import Array, State
from unlearning.items.histories import Histories, Integers

MOST = (1 << 30) - 1
"""What an item's squares may sum to; no sum of a pair is more than the greater of its items'."""

PAIRS_AT_ONCE = 1 << 21

NOT_THERE = (
    "The rows to be taken out are not among those that were summed: nothing was changed; restore "
    "the workspace from a backup, or ask for `strategy` retrain-shards."
)


@dataclass
class ItemCounts:
    """Sums of I items and of P pairs of them, from which histories are taken out in place.

    `names` (I,) are sorted, `squares` (I,) their sums; `codes` (P,) are sorted: a pair's is the
    place of its first item times I, and that of its second; `shared` (P,) the sums of pairs.
    """

    names: Sequence[bytes]
    squares: Integers
    codes: Integers
    shared: Integers
    _places: dict[bytes, int] = field(default_factory=dict, repr=False)

    @property
    def pairs(self) -> tuple[Integers, Integers]:
        """The places of the first and the second item of each pair."""
        width = max(len(self.names), 1)
        return self.codes // width, self.codes % width

    def subtract(self, gone: Histories) -> None:
        """Take out histories; what falls to zero stands until `cleared`.

        Raises CheckFailed, and changes nothing, if they are not among those that were summed.
        """
        if not self._places:
            self._places = {name: place for place, name in enumerate(self.names)}
        own = np.array([self._places.get(name, -1) for name in gone.names], np.int64)
        if (own < 0).any():
            raise CheckFailed(NOT_THERE)
        items = own[gone.items]
        codes, shared = _pair_sums(gone, items, width=len(self.names))
        at = np.searchsorted(self.codes, codes)
        squares = gone.strengths**2
        if len(codes) and (at[-1] == len(self.codes) or (self.codes[at] != codes).any()):
            raise CheckFailed(NOT_THERE)
        left = self.shared[at] - shared
        np.subtract.at(self.squares, items, squares)
        if (left < 0).any() or (self.squares[items] < 0).any():
            np.add.at(self.squares, items, squares)
            raise CheckFailed(NOT_THERE)
        self.shared[at] = left

    def cleared(self) -> "ItemCounts":
        """Return the sums without those that are zero."""
        there, together = self.squares > 0, self.shared > 0
        if there.all() and together.all():
            return self
        first, second = (one[together] for one in self.pairs)
        if not (there[first] & there[second]).all():
            raise CheckFailed(NOT_THERE)
        place = np.cumsum(there) - 1
        names = [name for name, kept in zip(self.names, there.tolist(), strict=True) if kept]
        codes = place[first] * len(names) + place[second]
        return ItemCounts(names, self.squares[there], codes, self.shared[together])

    def to_state(self) -> State:
        """Return the arrays of sums none of which is zero, in their canonical form."""
        own = self.cleared()
        first, second = own.pairs
        return {
            "names": np.frombuffer(b"".join(own.names), np.uint8),
            "name_ends": np.cumsum([len(name) for name in own.names], dtype=np.int64),
            "squares": own.squares.astype(np.int32),
            "pair_ends": np.cumsum(np.bincount(first, minlength=len(own.names)), dtype=np.int64),
            "others": second.astype(np.int32),
            "shared": own.shared.astype(np.int32),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Array]) -> "ItemCounts":
        """Read the arrays back; raises CheckFailed if they are not of one set of sums."""
        blob, ends = state["names"].tobytes(), state["name_ends"].tolist()
        names = [blob[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        others = state["others"].astype(np.int64)
        squares, shared = (state[one].astype(np.int64) for one in ("squares", "shared"))
        lengths = np.diff(state["pair_ends"], prepend=0)
        known = [len(one) for one in (names, lengths, squares, others, shared)]
        wanted = [len(names)] * 3 + [int(lengths.sum())] * 2
        if known != wanted or (others >= len(names)).any() or (lengths < 0).any():
            raise CheckFailed(
                "The sums of items are damaged: restore the workspace from a backup, or ask for "
                "`strategy` retrain-shards."
            )
        first = np.repeat(np.arange(len(names)), lengths)
        return cls(names, squares, first * len(names) + others, shared)


def counts_of(histories: Histories) -> ItemCounts:
    """Sum histories.

    Raises BadInput if an item's squares sum to more than MOST.
    """
    names, items = list(histories.names), histories.items
    if len(items) and int(histories.strengths.max()) ** 2 > MOST:
        raise BadInput(_TOO_MUCH)
    squares = np.zeros(len(names), np.int64)
    np.add.at(squares, items, histories.strengths**2)
    _must_fit(squares)
    return ItemCounts(names, squares, *_pair_sums(histories, items, width=len(names)))


def added(one: ItemCounts, other: ItemCounts) -> ItemCounts:
    """Return the sums of two sets of histories together; raises as `counts_of`."""
    found = _combined(one, other, sign=1)
    _must_fit(found.squares)
    return found


def difference(one: ItemCounts, other: ItemCounts) -> float:
    """Return the Euclidean distance of all sums of two sets of histories."""
    apart = _combined(one, other, sign=-1)
    sums = np.concatenate([apart.squares, apart.shared]).astype(np.float64)
    return float(np.sqrt((sums**2).sum()))


_TOO_MUCH = (
    f"The squares of an item's weights sum to more than {MOST:,} in one part, which its sums "
    f"cannot hold exactly: give smaller weights (`weight_column`), or train with more shards."
)


def _combined(one: ItemCounts, other: ItemCounts, *, sign: int) -> ItemCounts:
    """Add the sums of one and, times `sign`, the other; none is left out that is zero."""
    names = sorted({*one.names, *other.names})
    place = {name: at for at, name in enumerate(names)}
    squares = np.zeros(len(names), np.int64)
    codes, shared = [], []
    for sums, factor in ((one, 1), (other, sign)):
        own = np.array([place[name] for name in sums.names], np.int64)
        squares[own] += factor * sums.squares
        first, second = sums.pairs
        codes.append(own[first] * len(names) + own[second])
        shared.append(factor * sums.shared)
    return ItemCounts(names, squares, *_summed(codes, shared))


def _must_fit(squares: Integers) -> None:
    if len(squares) and squares.max() > MOST:
        raise BadInput(_TOO_MUCH)


def _pair_sums(given: Histories, items: Integers, *, width: int) -> tuple[Integers, Integers]:
    """Return the codes of all pairs of some histories, sorted, and what they sum to.

    `items` (n,) are the places of their entries, in the same order, among `width` items.
    """
    codes, shared = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    waiting = 0
    for some in _alike(given.bounds):
        one, other = np.triu_indices(some.shape[1], 1)
        who, strong = items[some], given.strengths[some]
        codes.append((who[:, one] * width + who[:, other]).reshape(-1))
        shared.append((strong[:, one] * strong[:, other]).reshape(-1))
        waiting += len(codes[-1])
        if waiting > max(PAIRS_AT_ONCE, len(codes[0])):
            found = _summed(codes, shared)
            codes, shared, waiting = [found[0]], [found[1]], 0
    return _summed(codes, shared)


def _alike(bounds: Integers) -> Iterator[Integers]:
    """Yield the places (h, m) of the entries of histories of the same length, some at a time."""
    lengths = np.diff(bounds)
    for length in np.unique(lengths[lengths > 1]).tolist():
        starts = bounds[:-1][lengths == length]
        step = max(1, PAIRS_AT_ONCE // (length * (length - 1) // 2))
        for at in range(0, len(starts), step):
            yield starts[at : at + step, np.newaxis] + np.arange(length)


def _summed(codes: Sequence[Integers], values: Sequence[Integers]) -> tuple[Integers, Integers]:
    """Return codes, each once and sorted, and what their values sum to."""
    every, each = np.concatenate(codes), np.concatenate(values)
    order = np.argsort(every, kind="stable")
    every, each = every[order], each[order]
    first = np.flatnonzero(np.diff(every, prepend=-1))
    return every[first], np.add.reduceat(each, first) if len(first) else each
