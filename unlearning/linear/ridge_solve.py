"""The weights of ridge regression, as a function of exact sums: the same bits on every processor.

With rows x of M numbers and E entries (one or zero), labels y, means x' and y', the weights are

    argmin_w  sum (y - y' - (x - x') w)^2 + penalty * sum (w_j s_j)^2

where s_j is the standard deviation of a number, and one for an entry (Hoerl and Kennard 1970, on
standardized numbers). Scatters, sum (x_i - x'_i)(x_j - x'_j) = S_ij - S_i S_j / n, are computed in
integers as n S_ij - S_i S_j, so nothing cancels, and each is rounded once. The system is positive
definite, since the penalty is above zero; it is solved by elimination without pivots, of products
and differences of single numbers alone: no sum whose order a processor chooses. A number that does
not vary has no weight, nor has one that was not chosen (`selection`).

For classes there is a label for each, one or zero; what is told of a row is cut to at least LEAST
and scaled to sum to one (linear probabilities).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import State
from unlearning.linear.gram import GramSums, Integers, Wide
from unlearning.linear.row_sums import RowSteps

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEAST = 2.0**-10


@dataclass(frozen=True)
class RidgeWeights:
    """Weights by step of a number (M, K), of entries (E, K), and intercepts (K,), float64."""

    numbers: Floats
    entries: Floats
    intercepts: Floats

    def to_state(self) -> State:
        """Return the arrays by name."""
        return {
            "number_weights": self.numbers,
            "entry_weights": self.entries,
            "intercepts": self.intercepts,
        }

    @classmethod
    def from_state(cls, state: State) -> "RidgeWeights":
        """Read the arrays back."""
        return cls(state["number_weights"], state["entry_weights"], state["intercepts"])


def solved(sums: GramSums, *, penalty: float, chosen: Mask | None = None) -> RidgeWeights:
    """Return the weights of the sums of at least one row; `penalty` is above zero.

    `chosen` are the numbers (M,) that may have weights, all if it is None.
    """
    numbers, rows = sums.numbers, sums.rows
    scatter = np.empty((numbers + len(sums.keys),) * 2, np.float64)
    totals = np.concatenate([sums.number_totals, sums.entry_rows.astype(object)])
    of_entries = sums.entry_rows
    scatter[numbers:, numbers:] = rows * sums.pairs - np.multiply.outer(of_entries, of_entries)
    wide = np.concatenate([sums.number_pairs, sums.number_entries], axis=1)
    wide = rows * wide - np.multiply.outer(sums.number_totals, totals)
    scatter[:numbers] = wide.astype(np.float64)
    scatter[numbers:, :numbers] = scatter[:numbers, numbers:].T
    scatter /= rows
    labels = np.concatenate([sums.label_numbers, sums.label_entries])
    labels = rows * labels - np.multiply.outer(totals, sums.label_totals)
    spread = np.ones(len(scatter), np.float64)
    spread[:numbers] = np.sqrt(np.diagonal(scatter)[:numbers] / rows)
    varies = spread > 0
    if chosen is not None:
        varies[:numbers] &= chosen
    spread[~varies] = 1.0
    scatter[~varies] = scatter[:, ~varies] = 0.0
    system = scatter / spread / spread[:, np.newaxis]
    system[np.diag_indices(len(system))] += penalty
    wanted = labels.astype(np.float64) / rows / spread[:, np.newaxis]
    weights = _eliminated(system, wanted) / spread[:, np.newaxis]
    weights[~varies] = 0.0
    return RidgeWeights(weights[:numbers], weights[numbers:], _intercepts(sums, totals, weights))


def _intercepts(sums: GramSums, totals: Wide, weights: Floats) -> Floats:
    """Return the mean label less what the weights say of the mean row."""
    told = _quotients(sums.label_totals, sums.rows)
    for mean, weight in zip(_quotients(totals, sums.rows), weights, strict=True):
        told = told - mean * weight
    return told


def _quotients(wide: Wide, divisor: int) -> Floats:
    """Return whole numbers divided, each rounded once."""
    return np.array([int(one) / divisor for one in wide], np.float64)


def _eliminated(system: Floats, wanted: Floats) -> Floats:
    """Solve a symmetric positive definite system (d, d) for columns (d, K)."""
    size = len(system)
    both = np.concatenate([system, wanted], axis=1)
    for place in range(size - 1):
        row, below = both[place, place + 1 :], both[place + 1 :]
        below[:, place + 1 :] -= np.multiply.outer(below[:, place] / both[place, place], row)
    found = both[:, size:]
    for place in reversed(range(size)):
        found[place] /= both[place, place]
        found[:place] -= np.multiply.outer(both[:place, place], found[place])
    return found


def answers_of(
    sums: GramSums, weights: RidgeWeights, rows: RowSteps, *, classes: Sequence[int] | None
) -> Floats:
    """Return what the weights say of rows: values (n, 1) as steps, or shares (n, classes).

    `classes` are the keys of all classes of the model in its order, or None for values; one that
    the part never saw has the least share.
    """
    told = told_by(weights, sums.columns, sums.keys, rows)
    if classes is None:
        return told
    shares = np.full((len(told), len(classes)), LEAST)
    at = {int(key): place for place, key in enumerate(sums.classes)}
    for place, key in enumerate(classes):
        if int(key) in at:
            shares[:, place] = np.maximum(told[:, at[int(key)]], LEAST)
    scaled: Floats = shares / shares.sum(axis=1, keepdims=True)
    return scaled


def told_by(weights: RidgeWeights, columns: Integers, keys: Integers, rows: RowSteps) -> Floats:
    """Return what weights of numbers, and of entries by their names, sum to of rows, (n, K)."""
    told = np.tile(weights.intercepts, (len(rows.numbers), 1))
    for steps, weight in zip(rows.numbers.T, weights.numbers, strict=True):
        told += np.multiply.outer(steps.astype(np.float64), weight)
    for place, column in enumerate(rows.columns.tolist()):
        start, end = np.searchsorted(columns, [column, column + 1])
        found = _places(keys[start:end], rows.entries[:, place])
        known = np.flatnonzero((found >= 0) & rows.there[:, place])
        told[known] += weights.entries[start + found[known]]
    return told


def _places(keys: Integers, wanted: Integers) -> Integers:
    """Return the places of keys in sorted ones, -1 where they are not among them."""
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    near = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[near] == wanted, near, -1)
