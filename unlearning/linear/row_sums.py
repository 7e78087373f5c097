"""Rows, summed: the Gram sums and what labels sum to beside each entry, exactly (`gram`).

Products of steps are summed by matrix multiplication of their three limbs of 16 bits as floats: all
sums lie below 2^53, so each is exact, in whatever order the processor takes them.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unlearning.linear.gram import GramSums, Integers, Wide, must_be_few, no_gram

MOST_AT_ONCE = 1 << 20
"""Rows whose products of limbs, each below 2^32, sum to less than 2^53."""

FEW = 4
"""Rows whose products are sooner taken in whole numbers than in limbs."""

SMALL, SOME = 1 << 16, 16
"""Pairs of entries, and rows, that are sooner looked at all at once than column by column."""

LIMB, LIMBS = 16, 3


@dataclass(frozen=True)
class RowSteps:
    """Rows to be summed: `numbers` (n, M) steps; `entries` (n, C) keys by column, where `there`.

    `columns` (C,) are the columns' numbers in the table. The label is `classes` (n,), keys, or
    `values` (n,), steps; one of them is None.
    """

    numbers: Integers
    columns: Integers
    entries: Integers
    there: npt.NDArray[np.bool_]
    classes: Integers | None
    values: Integers | None


def gram_of(rows: RowSteps) -> GramSums:
    """Sum rows, at most MOST_AT_ONCE of them.

    Raises BadInput if they have more than MOST_ENTRIES different entries.
    """
    count = len(rows.numbers)
    if not count:
        return no_gram()
    if count > MOST_AT_ONCE:
        raise ValueError("more rows at once than sums of floats are exact for")
    columns, keys, codes = entries_of(rows)
    must_be_few(len(keys))
    labelled = rows.numbers if rows.values is None else np.column_stack([rows.numbers, rows.values])
    limbs = _limbs(labelled)
    width, size = rows.numbers.shape[1], len(keys)
    totals = _summed(limbs.sum(axis=0))
    products = _few_products(labelled) if count <= FEW else _products(limbs)
    by_entry = _by_code(limbs, codes, size)
    pairs = _pairs(codes, size)
    classes, label_entries = labels_by_entry(rows, codes, size, by_entry=by_entry[width:])
    if rows.classes is None:
        label = totals[width:], products[:width, width:], label_entries
    else:
        which = np.searchsorted(classes, rows.classes)
        ones = np.bincount(which, minlength=len(classes)).astype(object)
        label = ones, _by_code(limbs, which[:, np.newaxis], len(classes)), label_entries
    return GramSums(
        count, columns, keys, pairs,
        totals[:width], products[:width, :width], by_entry[:width],
        classes, *label,
    )  # fmt: skip


def labels_by_entry(
    rows: RowSteps, codes: Integers, size: int, *, by_entry: Wide | None = None
) -> tuple[Integers, Wide]:
    """Return the sorted classes (K,), none for values, and what labels sum to by entry (size, K).

    `codes` (n, C) are each row's places among the entries; `by_entry` (1, size) is what values sum
    to, where that is known.
    """
    if rows.values is not None:
        if by_entry is None:
            by_entry = _by_code(_limbs(rows.values[:, np.newaxis]), codes, size)
        return np.zeros(0, np.int64), by_entry.T
    if rows.classes is None:
        raise ValueError("rows without a label have nothing to be told")
    classes, which = np.unique(rows.classes, return_inverse=True)
    return classes, _by_class(codes, which.reshape(-1), size, len(classes))


def entries_of(rows: RowSteps) -> tuple[Integers, Integers, Integers]:
    """Return the columns and keys of the entries, sorted, and each row's places in them, or -1."""
    codes = np.full(rows.entries.shape, -1, np.int64)
    if _is_small(codes):
        return _entries_at_once(rows, codes)
    columns, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    size = 0
    for place in np.argsort(rows.columns, kind="stable").tolist():
        there = rows.there[:, place]
        found, which = np.unique(rows.entries[there, place], return_inverse=True)
        codes[there, place] = size + which.reshape(-1)
        columns.append(np.full(len(found), rows.columns[place], np.int64))
        keys.append(found)
        size += len(found)
    return np.concatenate(columns), np.concatenate(keys), codes


def _is_small(codes: Integers) -> bool:
    return len(codes) <= SOME and codes.size * codes.shape[1] <= SMALL


def _entries_at_once(rows: RowSteps, codes: Integers) -> tuple[Integers, Integers, Integers]:
    """Return what `entries_of` does, of a few rows; the places are written into `codes`."""
    columns = np.broadcast_to(rows.columns, codes.shape)[rows.there]
    keys = rows.entries[rows.there]
    order = np.lexsort((keys, columns))
    columns, keys = columns[order], keys[order]
    first = np.ones(len(keys), np.bool_)
    first[1:] = (columns[1:] != columns[:-1]) | (keys[1:] != keys[:-1])
    places = np.empty(len(keys), np.int64)
    places[order] = np.cumsum(first) - 1
    codes[rows.there] = places
    return columns[first], keys[first], codes


def _pairs(codes: Integers, size: int) -> Integers:
    """Count rows by two of their entries, (size, size)."""
    found = np.zeros((size, size), np.int64)
    if _is_small(codes):
        one, other = np.broadcast_arrays(codes[:, :, np.newaxis], codes[:, np.newaxis, :])
        _count(found, one, other)
        return found
    for place, one in enumerate(codes.T):
        for other in codes.T[place:]:
            _count(found, one, other)
    both: Integers = found + found.T
    both[np.diag_indices(size)] //= 2
    return both


def _by_class(codes: Integers, which: Integers, size: int, classes: int) -> Wide:
    """Count rows by entry and class, (size, classes)."""
    found = np.zeros((size, classes), np.int64)
    for column in codes.T:
        _count(found, column, which)
    return found.astype(object)


def _count(found: Integers, rows: Integers, columns: Integers) -> None:
    """Add to a table how often two codes of a row, each (n, ...), stand together; -1 is none."""
    there = (rows >= 0) & (columns >= 0)
    np.add.at(found, (rows[there], columns[there]), 1)


def _limbs(steps: Integers) -> npt.NDArray[np.float64]:
    """Return steps (n, M) as limbs (n, LIMBS * M), the lowest ones of all first."""
    mask = (1 << LIMB) - 1
    parts = [steps & mask, (steps >> LIMB) & mask, steps >> (2 * LIMB)]
    limbs: npt.NDArray[np.float64] = np.concatenate(parts, axis=1).astype(np.float64)
    return limbs


def _summed(limbs: npt.NDArray[np.float64]) -> Wide:
    """Return sums of limbs, (LIMBS * M, ...), as whole numbers (M, ...)."""
    low, middle, high = np.split(limbs.astype(np.int64), LIMBS)
    found: Wide = (low + (middle << LIMB)).astype(object) + high.astype(object) * (1 << 2 * LIMB)
    return found


def _products(limbs: npt.NDArray[np.float64]) -> Wide:
    """Return the sums of products of all pairs of numbers, (M, M)."""
    width = limbs.shape[1] // LIMBS
    products = (limbs.T @ limbs).astype(np.int64).reshape(LIMBS, width, LIMBS, width)
    found = np.zeros((width, width), object)
    for one in range(LIMBS):
        for other in range(LIMBS):
            found = found + products[one, :, other].astype(object) * (1 << LIMB * (one + other))
    return found


def _few_products(steps: Integers) -> Wide:
    """Return the same of a few rows (n, M)."""
    found = np.zeros((steps.shape[1],) * 2, object)
    for row in steps.astype(object):
        found = found + np.multiply.outer(row, row)
    return found


def _by_code(limbs: npt.NDArray[np.float64], codes: Integers, size: int) -> Wide:
    """Return what numbers sum to beside each entry, (M, size)."""
    found = np.zeros((size, limbs.shape[1]), np.float64)
    if _is_small(codes):
        rows, columns = np.nonzero(codes >= 0)
        np.add.at(found, codes[rows, columns], limbs[rows])
        return _summed(found.T)
    for column in codes.T:
        rows = np.flatnonzero(column >= 0)
        rows = rows[np.argsort(column[rows], kind="stable")]
        there, starts = np.unique(column[rows], return_index=True)
        if len(there):
            found[there] += np.add.reduceat(limbs[rows], starts, axis=0)
    return _summed(found.T)
