"""What a part of a ridge model is: its sums, what its selection is told from, and its weights.

Where features are selected, rows are read twice: for the marginals of all entries, and for the sums
of pairs of those that are chosen. Rows are taken out by subtraction as long as no other entry is
chosen after it; of one that was not, there are no sums, and the rows are read again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from lineage_store.tensors import State
from unlearning.linear.gram import GramSums, gram_added, gram_subtracted, named, no_gram
from unlearning.linear.ridge_solve import RidgeWeights, solved
from unlearning.linear.row_sums import RowSteps, gram_of
from unlearning.linear.selection import (
    Marginals,
    Mask,
    chosen,
    marginals_combined,
    marginals_of,
    only,
    without_classes,
    without_entries,
)

Read = Callable[[], Iterable[RowSteps]]
"""Reads rows from their beginning, at most MOST_AT_ONCE at a time and none of them empty."""


@dataclass(frozen=True)
class RidgePart:
    """The sums of a part of at least one row, and its weights.

    `marginals` are those of all entries where features are selected, and None where all are read.
    """

    sums: GramSums
    weights: RidgeWeights
    marginals: Marginals | None = None

    def to_state(self) -> State:
        """Return the arrays by name."""
        selected = {} if self.marginals is None else self.marginals.to_state()
        return {**self.sums.to_state(), **self.weights.to_state(), **selected}

    @classmethod
    def from_state(cls, state: State) -> "RidgePart":
        """Read the arrays of a part with rows back."""
        marginals = Marginals.from_state(state) if "marginal_rows" in state else None
        return cls(GramSums.from_state(state), RidgeWeights.from_state(state), marginals)


@dataclass(frozen=True)
class RidgeRule:
    """How weights follow from rows: `penalty` holds them small, `features` are the most chosen."""

    penalty: float
    features: int | None = None

    def part_of(self, read: Read) -> RidgePart | None:
        """Return the part of some rows; None of none."""
        if self.features is None:
            sums = _summed(read())
            return RidgePart(sums, solved(sums, penalty=self.penalty)) if sums.rows else None
        numbers, marginals = no_gram(), None
        for rows in read():
            none = np.zeros_like(rows.there)
            numbers = gram_added(numbers, gram_of(replace(rows, there=none)))
            found = marginals_of(rows)
            marginals = found if marginals is None else marginals_combined(marginals, found)
        if marginals is None:
            return None
        mask, entries = chosen(numbers, marginals, most=self.features)
        columns, keys = marginals.columns[entries], marginals.keys[entries]
        sums = _summed(only(rows, columns, keys) for rows in read())
        return self._solved(sums, marginals, mask)

    def less(self, part: RidgePart, read: Read) -> RidgePart | None:
        """Return a part without rows that are in it, but not all; None if rows must be read again.

        Raises CheckFailed if they are not in it.
        """
        if self.features is None:
            sums = gram_subtracted(part.sums, _summed(read()))
            return RidgePart(sums, solved(sums, penalty=self.penalty))
        marginals = part.marginals
        if marginals is None:
            return None
        columns, keys = part.sums.columns, part.sums.keys
        gone = _summed(only(rows, columns, keys) for rows in read())
        sums = gram_subtracted(part.sums, gone)
        for rows in read():
            marginals = marginals_combined(marginals, marginals_of(rows), sign=-1)
        marginals = without_classes(marginals, sums.classes)
        mask, entries = chosen(sums, marginals, most=self.features)
        wanted = named(marginals.columns[entries], marginals.keys[entries])
        there = named(sums.columns, sums.keys)
        if not np.isin(wanted, there).all():
            return None
        return self._solved(without_entries(sums, np.isin(there, wanted)), marginals, mask)

    def _solved(self, sums: GramSums, marginals: Marginals, numbers: Mask) -> RidgePart:
        return RidgePart(sums, solved(sums, penalty=self.penalty, chosen=numbers), marginals)


def _summed(pieces: Iterable[RowSteps]) -> GramSums:
    total = no_gram()
    for rows in pieces:
        total = gram_added(total, gram_of(rows))
    return total
