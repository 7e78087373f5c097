"""Which features a linear model reads, told from sums of the rows and computed again with them.

A feature is a number, or an entry. Its score is how well it alone tells the label: of n rows, with
S for sums over them,

    classes   sum over classes k of (n S_xk - S_x n_k)^2 / (n_k (n S_xx - S_x^2))
    values    (n S_xy - S_x S_y)^2 / (n S_xx - S_x^2)

For an entry and classes that is Pearson's chi-square of its table, for values the squared
correlation, but for a factor that all have. Scores are quotients of whole numbers, each rounded
once; of equal ones the first is taken, numbers before entries. So the selection is a function of
the rows that are there: one that was told from rows that went, and kept, would tell of them (Cao
and Yang 2015, section 6, select features anew for this reason).

Sums of all pairs are kept of the entries that are chosen alone; of the others, how many rows have
them and with which labels (`Marginals`).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lineage_store.errors import CheckFailed
from lineage_store.tensors import State
from unlearning.linear.gram import GramSums, Integers, Wide, from_words, in_words, named
from unlearning.linear.row_sums import RowSteps, entries_of, labels_by_entry

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Marginals:
    """Of every entry (E,): its `columns` and `keys`, sorted so, its `rows`, and what their labels
    sum to, `labels` (E, K), by the sorted keys of `classes` (K,), or of values (K is one).
    """

    columns: Integers
    keys: Integers
    rows: Integers
    classes: Integers
    labels: Wide

    def to_state(self) -> State:
        """Return the arrays by name."""
        return {
            "marginal_columns": self.columns,
            "marginal_keys": self.keys,
            "marginal_rows": self.rows,
            "marginal_classes": self.classes,
            "marginal_labels": in_words(self.labels),
        }

    @classmethod
    def from_state(cls, state: State) -> "Marginals":
        """Read the arrays back."""
        return cls(
            columns=state["marginal_columns"],
            keys=state["marginal_keys"],
            rows=state["marginal_rows"],
            classes=state["marginal_classes"],
            labels=from_words(state["marginal_labels"]),
        )


def marginals_of(rows: RowSteps) -> Marginals:
    """Return the marginals of rows, at least one."""
    columns, keys, codes = entries_of(rows)
    classes, labels = labels_by_entry(rows, codes, len(keys))
    there = codes[codes >= 0]
    return Marginals(columns, keys, np.bincount(there, minlength=len(keys)), classes, labels)


def marginals_combined(one: Marginals, other: Marginals, *, sign: int = 1) -> Marginals:
    """Return the marginals of two sets of rows, or of one without the other, which it holds.

    Raises CheckFailed if it does not.
    """
    entries = np.unique(np.concatenate([named(it.columns, it.keys) for it in (one, other)]))
    classes = np.union1d(one.classes, other.classes)
    rows = np.zeros(len(entries), np.int64)
    labels = np.zeros((len(entries), len(classes) or 1), object)
    for marginals, factor in ((one, 1), (other, sign)):
        at = np.searchsorted(entries, named(marginals.columns, marginals.keys))
        of = np.searchsorted(classes, marginals.classes) if len(classes) else np.zeros(1, np.int64)
        rows[at] += factor * marginals.rows
        labels[np.ix_(at, of)] += factor * marginals.labels
    if (rows < 0).any():
        raise CheckFailed("The rows to be taken out are not among those that were summed.")
    kept = rows != 0
    return Marginals(
        np.ascontiguousarray(entries["column"][kept]),
        np.ascontiguousarray(entries["key"][kept]),
        rows[kept],
        classes,
        labels[kept],
    )


def without_classes(marginals: Marginals, classes: Integers) -> Marginals:
    """Return marginals of the classes that are left alone."""
    if not len(marginals.classes):
        return marginals
    kept = np.isin(marginals.classes, classes)
    return replace(marginals, classes=marginals.classes[kept], labels=marginals.labels[:, kept])


def chosen(numbers: GramSums, marginals: Marginals, *, most: int) -> tuple[Mask, Mask]:
    """Return which numbers (M,) and which entries (E,) are chosen, at most so many together.

    Of `numbers` the sums of numbers and labels are read.
    """
    of_numbers = scores_of(
        numbers, numbers.number_totals, np.diagonal(numbers.number_pairs), numbers.label_numbers
    )
    rows = marginals.rows.astype(object)
    of_entries = scores_of(numbers, rows, rows, marginals.labels)
    best = np.argsort(-np.concatenate([of_numbers, of_entries]), kind="stable")[:most]
    mask = np.zeros(len(of_numbers) + len(of_entries), np.bool_)
    mask[best] = True
    return mask[: len(of_numbers)], mask[len(of_numbers) :]


def scores_of(
    sums: GramSums, totals: Wide, squares: Wide, by_label: Wide
) -> npt.NDArray[np.float64]:
    """Return the scores of features with these sums, of squares and with labels (n, K)."""
    apart = sums.rows * by_label - np.multiply.outer(totals, sums.label_totals)
    spread = sums.rows * squares - totals * totals
    weights = sums.label_totals if len(sums.classes) else np.ones(1, object)
    found = np.zeros(len(totals))
    for place, width in enumerate(spread):
        if width:
            each = zip(apart[place], weights, strict=True)
            found[place] = sum(int(one) ** 2 / int(width * weight) for one, weight in each)
    return found


def only(rows: RowSteps, columns: Integers, keys: Integers) -> RowSteps:
    """Return rows without the entries that are not among some, sorted by column and key."""
    there = rows.there.copy()
    for place, column in enumerate(rows.columns.tolist()):
        start, end = np.searchsorted(columns, [column, column + 1])
        there[:, place] &= np.isin(rows.entries[:, place], keys[start:end])
    return replace(rows, there=there)


def without_entries(sums: GramSums, kept: Mask) -> GramSums:
    """Return sums without the entries that a mask (E,) does not keep."""
    return replace(
        sums,
        columns=sums.columns[kept],
        keys=sums.keys[kept],
        pairs=sums.pairs[np.ix_(kept, kept)],
        number_entries=sums.number_entries[:, kept],
        label_entries=sums.label_entries[kept],
    )
