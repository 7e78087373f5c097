"""Gram sums of a part's rows: what linear regression asks of them, in integers, exactly.

A row has numbers, as steps of the grid, and *entries*: one for each text, and one for each number
that is missing, named by the key of its value (`value_keys`) and never numbered by appearance. Its
label is a number, or an entry, too. Kept are the sums of all products of two of these (Cao and Yang
2015, summation form): how many rows have both of two entries, and in whole numbers of 128 bits what
the steps of numbers sum to, alone, beside an entry, and times one another. All are integers, so
what a row added is subtracted exactly, whatever the order, and an entry without rows is dropped.
How rows are summed says `row_sums`.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.tensors import State

Integers = npt.NDArray[np.int64]
Wide = npt.NDArray[np.object_]
"""Whole numbers of up to 128 bits, as Python has them."""

MOST_ROWS = (1 << 31) - 1
MOST_ENTRIES = 4_096
WORD = 1 << 64


@dataclass(frozen=True)
class GramSums:
    """The sums of a part's rows, of M numbers, E entries and K labels (classes, or one value).

    `columns` and `keys` (E,) name the entries, sorted so; `pairs` (E, E) counts rows by two of
    them. `number_totals` (M,), `number_pairs` (M, M) and `number_entries` (M, E) are sums of steps.
    `classes` (K,) are the sorted keys of the classes, none for values; `label_totals` (K,),
    `label_numbers` (M, K) and `label_entries` (E, K) are what labels sum to, alone, times numbers,
    and beside entries: for a class, of ones.
    """

    rows: int
    columns: Integers
    keys: Integers
    pairs: Integers
    number_totals: Wide
    number_pairs: Wide
    number_entries: Wide
    classes: Integers
    label_totals: Wide
    label_numbers: Wide
    label_entries: Wide

    @property
    def numbers(self) -> int:
        """How many columns of numbers there are."""
        return len(self.number_totals)

    @property
    def entry_rows(self) -> Integers:
        """The rows that have each entry, (E,)."""
        return np.ascontiguousarray(np.diagonal(self.pairs))

    def to_state(self) -> State:
        """Return the arrays in their one form, triangles for what is symmetric; none of no rows.

        A whole number of 128 bits is two words of 64, the upper first.
        """
        if not self.rows:
            return {}
        told: State = {"rows": np.array([self.rows], np.int64)}
        for one in fields(self)[1:]:
            array = getattr(self, one.name)
            if one.name in ("pairs", "number_pairs"):
                array = array[np.triu_indices(len(array))]
            told[one.name] = in_words(array) if array.dtype == object else array
        return told

    @classmethod
    def from_state(cls, state: State) -> "GramSums":
        """Read the arrays back."""
        if not state:
            return no_gram()
        found: dict[str, Any] = {"rows": int(state["rows"][0])}
        for one in fields(cls)[1:]:
            array: Any = state[one.name]
            if one.name.startswith(("number", "label")):
                array = from_words(array)
            if one.name in ("pairs", "number_pairs"):
                size = len(state["keys"]) if one.name == "pairs" else len(found["number_totals"])
                array = _square(array, size)
            found[one.name] = array
        return cls(**found)


def no_gram() -> GramSums:
    """Return the sums of no rows."""
    none, wide, square = np.zeros(0, np.int64), np.zeros(0, object), np.zeros((0, 0), object)
    return GramSums(
        rows=0, columns=none, keys=none, pairs=np.zeros((0, 0), np.int64),
        number_totals=wide, number_pairs=square, number_entries=square,
        classes=none, label_totals=wide, label_numbers=square, label_entries=square,
    )  # fmt: skip


def must_be_few(entries: int) -> None:
    """Raise BadInput for more different values than sums of their pairs can be kept of."""
    if entries > MOST_ENTRIES:
        raise BadInput(
            f"The columns of text have {entries:,} different values together, and sums of all "
            f"pairs are kept of {MOST_ENTRIES:,}: leave the column out that has most (`drop`), or "
            f"take another family."
        )


def gram_added(one: GramSums, other: GramSums) -> GramSums:
    """Return the sums of two sets of rows together.

    Raises BadInput if they are more rows, or entries, than sums can hold exactly.
    """
    if one.rows + other.rows > MOST_ROWS:
        raise BadInput(
            f"A part has more than {MOST_ROWS:,} rows, which its sums cannot hold exactly: train "
            f"with more shards."
        )
    if not one.rows or not other.rows:
        return one if one.rows else other
    found = _combined(one, other, sign=1)
    must_be_few(len(found.keys))
    return found


def gram_subtracted(all_rows: GramSums, gone: GramSums) -> GramSums:
    """Return the sums without those of some of the rows, which must be among them.

    Raises CheckFailed if they are not: the sums or the rows are not those that were recorded.
    """
    if not gone.rows:
        return all_rows
    if gone.rows <= all_rows.rows:
        left = _combined(all_rows, gone, sign=-1)
        squares = np.diagonal(left.number_pairs)
        rest = (left.pairs, left.number_totals, left.number_pairs, left.label_totals)
        nothing = not any(array.any() for array in rest)
        if not (left.pairs < 0).any() and not (squares < 0).any() and (left.rows or nothing):
            return left if left.rows else no_gram()
    raise CheckFailed(
        "The rows to be taken out are not among those that were summed: nothing was changed; "
        "restore the workspace from a backup, or ask for `strategy` retrain-shards."
    )


def _combined(one: GramSums, other: GramSums, *, sign: int) -> GramSums:
    """Add the sums of one and, times `sign`, the other; drop classes and entries without rows."""
    if one.numbers != other.numbers:
        raise CheckFailed("The sums are of other columns than the rows: nothing was changed.")
    entries = np.unique(np.concatenate([_named(one), _named(other)]))
    classes = np.union1d(one.classes, other.classes)
    many, labels = len(entries), len(classes) or 1
    pairs = np.zeros((many, many), np.int64)
    by_entry = np.zeros((one.numbers, many), object)
    totals = np.zeros(labels, object)
    numbers = np.zeros((one.numbers, labels), object)
    label_entries = np.zeros((many, labels), object)
    for sums, factor in ((one, 1), (other, sign)):
        at = np.searchsorted(entries, _named(sums))
        of = np.searchsorted(classes, sums.classes) if len(classes) else np.zeros(1, np.int64)
        pairs[np.ix_(at, at)] += factor * sums.pairs
        by_entry[:, at] += factor * sums.number_entries
        totals[of] += factor * sums.label_totals
        numbers[:, of] += factor * sums.label_numbers
        label_entries[np.ix_(at, of)] += factor * sums.label_entries
    kept = np.diagonal(pairs) != 0
    kept_classes = totals != 0 if len(classes) else np.ones(1, np.bool_)
    return GramSums(
        one.rows + sign * other.rows,
        np.ascontiguousarray(entries["column"][kept]),
        np.ascontiguousarray(entries["key"][kept]),
        pairs[np.ix_(kept, kept)],
        one.number_totals + sign * other.number_totals,
        one.number_pairs + sign * other.number_pairs,
        by_entry[:, kept],
        classes[kept_classes] if len(classes) else classes,
        totals[kept_classes],
        numbers[:, kept_classes],
        label_entries[np.ix_(kept, kept_classes)],
    )


def _named(sums: GramSums) -> npt.NDArray[np.void]:
    return named(sums.columns, sums.keys)


def named(columns: Integers, keys: Integers) -> npt.NDArray[np.void]:
    """Return columns and keys as records, which sort by column and then by key."""
    entries = np.empty(len(keys), [("column", "<i8"), ("key", "<i8")])
    entries["column"], entries["key"] = columns, keys
    return entries


def in_words(wide: Wide) -> Integers:
    """Return whole numbers of 128 bits as two words of 64 each, the upper first."""
    high, low = (wide >> 64).astype(np.int64), (wide % WORD).astype(np.uint64).view(np.int64)
    return np.stack([high, low], axis=-1)


def from_words(words: Integers) -> Wide:
    """Return whole numbers of their words."""
    high, low = words[..., 0].astype(object), np.ascontiguousarray(words[..., 1]).view(np.uint64)
    found: Wide = high * WORD + low.astype(object)
    return found


def _square(triangle: Any, size: int) -> Any:
    """Return a symmetric matrix of its upper triangle."""
    found = np.zeros((size, size), triangle.dtype)
    upper = np.triu_indices(size)
    found[upper] = triangle
    found.T[upper] = triangle
    return found
