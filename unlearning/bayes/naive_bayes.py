"""Naive Bayes in integer sums: the family whose deletion is a subtraction, exact in bits.

A part's state is how many of its rows have each class, and each value of each column with each
class (Cao and Yang 2015, summation form). Counts are integers, so a row is taken out by subtracting
its own sums, whatever the order: the result is the state that was never given the row, and its
bytes are, since entries that fall to zero are dropped and all others stand sorted by their keys.

Classes and values are named by keys, a hash of column and text, and never numbered by appearance.
A number is known by its place on a public grid, four steps an octave: the upper 11 bits of a
float32 in numeric order. So nothing of the encoding depends on the data.

A row with a weight is so many equal rows, and the sums are those of that many: weights are whole
numbers (`row_weights`), so that all of it stays exact. A row of weight 0 adds nothing.

    P(class) = (n_class + 1) / (n + classes)
    P(value of a column | class) = (n_value,class + 1) / (n_class + values of the column + 1)

The last term keeps a share for values that the part never saw (Laplace's rule).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.tensors import State

Keys = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]

MOST_ROWS = (1 << 53) - 1
"""Counts up to here are exact as float64, in which probabilities are computed."""

SMALL, FEW = 1 << 12, 1 << 8
"""Values that are sooner summed all at once than by column; entries that are looked up singly."""

SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")

NAMES = ("classes", "class_counts", "columns", "keys", "counts")


@dataclass(frozen=True)
class Sums:
    """The sums of a part's rows.

    `classes` (K,) are the sorted keys of the classes, `class_counts` (K,) their rows. Each of the m
    entries has a column's number in `columns` (m,), a value's key in `keys` (m,) and its rows by
    class in `counts` (m, K); entries stand sorted by column and key. All are int64. No class and no
    entry is without rows.
    """

    classes: Keys
    class_counts: Counts
    columns: Counts
    keys: Keys
    counts: Counts

    @property
    def rows(self) -> int:
        """How many rows were summed, each as often as it counts."""
        return int(self.class_counts.sum())

    def arrays(self) -> State:
        """Return the arrays in their canonical form."""
        return {name: getattr(self, name) for name in NAMES}

    def to_state(self) -> State:
        """Return the arrays; none if there is no row."""
        return self.arrays() if self.rows else {}

    @classmethod
    def from_state(cls, state: State) -> "Sums":
        """Read the arrays back."""
        return cls(*(state[name] for name in NAMES)) if state else nothing()


def nothing() -> Sums:
    """Return the sums of no rows."""
    none = np.zeros(0, np.int64)
    return Sums(none, none, none, none, np.zeros((0, 0), np.int64))


def sums_of(values: Keys, labels: Keys, weights: Counts | None = None) -> Sums:
    """Sum rows: `values` (n, C) are the keys of each column's values, `labels` (n,) of classes.

    `weights` (n,) are whole numbers from 0 on, what each row counts for; without them it is 1.
    """
    if weights is not None:
        counting = weights > 0
        values, labels, weights = values[counting], labels[counting], weights[counting]
    if not len(labels):
        return nothing()
    classes, which = np.unique(labels, return_inverse=True)
    which = which.reshape(-1)
    if values.size <= SMALL:
        return _summed_at_once(values, classes, which, weights)
    columns, keys, counts = [], [], []
    for column in range(values.shape[1]):
        found, place = np.unique(values[:, column], return_inverse=True)
        cells = place.reshape(-1) * len(classes) + which
        table = np.bincount(cells, weights, len(found) * len(classes))  # floats, but exact
        columns.append(np.full(len(found), column, np.int64))
        keys.append(found)
        counts.append(table.reshape(len(found), len(classes)).astype(np.int64))
    return Sums(
        classes,
        np.bincount(which, weights, len(classes)).astype(np.int64),
        np.concatenate([np.zeros(0, np.int64), *columns]),
        np.concatenate([np.zeros(0, np.int64), *keys]),
        np.concatenate([np.zeros((0, len(classes)), np.int64), *counts]),
    )


def _summed_at_once(values: Keys, classes: Keys, which: Counts, weights: Counts | None) -> Sums:
    """Sum a few rows, whose classes are at `which` (n,) places; the same as column by column."""
    columns = np.tile(np.arange(values.shape[1]), len(values))
    order = np.lexsort((values.reshape(-1), columns))
    columns, keys = columns[order], values.reshape(-1)[order]
    first = np.ones(len(keys), np.bool_)
    first[1:] = (columns[1:] != columns[:-1]) | (keys[1:] != keys[:-1])
    each = np.ones(len(values), np.int64) if weights is None else weights.astype(np.int64)
    counts = np.zeros((int(np.count_nonzero(first)), len(classes)), np.int64)
    row = order // values.shape[1] if len(order) else order
    np.add.at(counts, (np.cumsum(first) - 1, which[row]), each[row])
    totals = np.zeros(len(classes), np.int64)
    np.add.at(totals, which, each)
    return Sums(classes, totals, columns[first], keys[first], counts)


def added(one: Sums, other: Sums) -> Sums:
    """Return the sums of two sets of rows together.

    Raises BadInput if they are more rows than sums can hold exactly.
    """
    if one.rows + other.rows > MOST_ROWS:
        raise BadInput(
            f"The rows of a part count for more than {MOST_ROWS:,}, which its sums cannot hold "
            f"exactly: train with more shards."
        )
    return _combined(one, other, sign=1)


def subtracted(all_rows: Sums, gone: Sums) -> Sums:
    """Return the sums without those of some of the rows, which must be among them.

    Raises CheckFailed if they are not: the sums or the rows are not those that were recorded.
    """
    left = _without_few(all_rows, gone) or _combined(all_rows, gone, sign=-1)
    if (left.class_counts < 0).any() or (left.counts < 0).any():
        raise CheckFailed(
            "The rows to be taken out are not among those that were summed: nothing was changed; "
            "restore the workspace from a backup, or ask for `strategy` retrain-shards."
        )
    return left


def _without_few(one: Sums, gone: Sums) -> Sums | None:
    """Subtract a few entries where they stand; None if they are many, or not all are there."""
    if len(gone.keys) > FEW:
        return None
    classes = np.searchsorted(one.classes, gone.classes)
    starts, ends = (np.searchsorted(one.columns, gone.columns, side) for side in SIDES)
    spans = zip(starts.tolist(), ends.tolist(), gone.keys, strict=True)
    at = np.array([start + one.keys[start:end].searchsorted(key) for start, end, key in spans], int)
    if (at >= ends).any() or (classes >= len(one.classes)).any():
        return None
    if (one.keys[at] != gone.keys).any() or (one.classes[classes] != gone.classes).any():
        return None
    counts, class_counts = one.counts.copy(), one.class_counts.copy()
    counts[at[:, np.newaxis], classes] -= gone.counts
    class_counts[classes] -= gone.class_counts
    if not class_counts[classes].all():
        return None  # a class goes, and with it a column of all counts
    empty = at[~counts[at].any(axis=1)]
    columns, keys = one.columns, one.keys
    if len(empty):
        columns, keys = np.delete(columns, empty), np.delete(keys, empty)
        counts = np.delete(counts, empty, axis=0)
    return Sums(one.classes, class_counts, columns, keys, counts)


def _combined(one: Sums, other: Sums, *, sign: int) -> Sums:
    """Add the sums of one and, times `sign`, the other; drop classes and entries without rows."""
    classes = np.union1d(one.classes, other.classes)
    pairs = np.concatenate([_entries(one), _entries(other)])
    entries = np.unique(pairs)
    class_counts = np.zeros(len(classes), np.int64)
    counts = np.zeros((len(entries), len(classes)), np.int64)
    for sums, factor in ((one, 1), (other, sign)):
        at = np.searchsorted(classes, sums.classes)
        class_counts[at] += factor * sums.class_counts
        counts[np.ix_(np.searchsorted(entries, _entries(sums)), at)] += factor * sums.counts
    kept = class_counts != 0
    counts = counts[:, kept]
    there = (counts != 0).any(axis=1)
    return Sums(
        classes[kept],
        class_counts[kept],
        np.ascontiguousarray(entries["column"][there]),
        np.ascontiguousarray(entries["key"][there]),
        np.ascontiguousarray(counts[there]),
    )


def is_whole(sums: Sums) -> bool:
    """Say whether the arrays are of one set of sums: there is a count for each entry and class."""
    entries, classes = len(sums.keys), len(sums.classes)
    return (len(sums.columns), len(sums.class_counts), sums.counts.shape) == (
        entries,
        classes,
        (entries, classes),
    )


def difference(one: Sums, other: Sums) -> float | None:
    """Return the Euclidean distance of all counts of two sets of sums; None if one is damaged."""
    if not (is_whole(one) and is_whole(other)):
        return None
    apart = _combined(one, other, sign=-1)
    squares = float((apart.class_counts.astype(np.float64) ** 2).sum())
    return float(np.sqrt(squares + float((apart.counts.astype(np.float64) ** 2).sum())))


def _entries(sums: Sums) -> npt.NDArray[np.void]:
    """Return columns and keys as records, which sort by column and then by key."""
    entries = np.empty(len(sums.keys), [("column", "<i8"), ("key", "<i8")])
    entries["column"], entries["key"] = sums.columns, sums.keys
    return entries


def probabilities(sums: Sums, values: Keys, *, classes: Sequence[int] | Keys) -> Probabilities:
    """Return the probability of each class for rows of values (n, C), as (n, classes) float64.

    `classes` are the keys of all classes of the model, in its order; one that the part never saw
    has the share that Laplace's rule leaves it.
    """
    wanted = np.asarray(classes, np.int64)
    priors = np.zeros(len(wanted), np.int64)
    place = {int(key): at for at, key in enumerate(sums.classes)}
    known = [(at, place[int(key)]) for at, key in enumerate(wanted) if int(key) in place]
    for at, mine in known:
        priors[at] = sums.class_counts[mine]
    total = np.log(priors + 1.0) - np.log(sums.rows + float(len(wanted)))
    logs = np.tile(total, (len(values), 1))
    for column in range(values.shape[1]):
        start, end = np.searchsorted(sums.columns, [column, column + 1])
        keys, counts = sums.keys[start:end], np.zeros((end - start + 1, len(wanted)), np.int64)
        for at, mine in known:
            counts[:-1, at] = sums.counts[start:end, mine]
        found = np.searchsorted(keys, values[:, column])
        near = np.minimum(found, max(len(keys) - 1, 0))
        hit = (keys[near] == values[:, column]) if len(keys) else np.zeros(len(values), bool)
        rows = np.where(hit, near, end - start)  # the last one is of values that were never seen
        logs += np.log(counts[rows] + 1.0) - np.log(priors + float(len(keys) + 1))
    logs -= logs.max(axis=1, keepdims=True)
    shares = np.exp(logs)
    normalised: Probabilities = shares / shares.sum(axis=1, keepdims=True)
    return normalised
