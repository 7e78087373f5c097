"""Rows of classes for the tests of optima: made, permuted, thinned."""

from dataclasses import replace

import numpy as np

from unlearning.linear.row_sums import RowSteps

STEP = 1 << 16


def rows(numbers, entries, classes):
    """Return rows of numbers (n, M) in scales, entries (n, C) and classes (n,), whole numbers."""
    steps = np.rint(np.asarray(numbers, np.float64) * STEP).astype(np.int64)
    keys = np.asarray(entries, np.int64).reshape(len(steps), -1)
    names = np.arange(keys.shape[1], dtype=np.int64)
    there = np.ones(keys.shape, np.bool_)
    return RowSteps(steps, names, keys, there, np.asarray(classes, np.int64), None)


def drawn(draw, *, size, numbers=2, texts=1, classes=2):
    """Return drawn rows, of classes that their numbers and texts tell of."""
    values = draw.normal(size=(size, numbers)) * 10.0 ** draw.integers(-3, 4, numbers)
    keys = draw.integers(0, 4, (size, texts)) * 7 - 11
    score = draw.normal(size=(size, classes))
    for place in range(numbers):
        scaled = values[:, place] / np.abs(values[:, place]).mean()
        score += np.multiply.outer(scaled, draw.normal(size=classes))
    return rows(values, keys, score.argmax(axis=1) * 3 - 4)


def taken(all_rows, places):
    """Return rows at some places, in that order."""
    return replace(
        all_rows,
        numbers=all_rows.numbers[places],
        entries=all_rows.entries[places],
        there=all_rows.there[places],
        classes=all_rows.classes[places],
    )


def same(one, other):
    """Say whether two parts have the same bytes."""
    mine, its = one.to_state(), other.to_state()
    return all(
        (mine[name].dtype, mine[name].shape, mine[name].tobytes())
        == (its[name].dtype, its[name].shape, its[name].tobytes())
        for name in mine
    )
