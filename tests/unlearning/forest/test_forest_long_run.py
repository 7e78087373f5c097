"""A thousand random forget sets from one table: each leaves the bytes of its twin."""

import numpy as np
import pytest

from tests.unlearning.forest.test_forest_changes import bytes_of
from unlearning.forest.at_best import grown_at_best, mended_at_best
from unlearning.forest.forest_rows import MISSING, ForestRows, class_stats, value_stats
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.forest_state import from_state, to_state

SHAPE = ForestShape(trees=3, share=0.5, candidates=16)


def table(classes, *, number=300, seed=0):
    """Rows of numbers, some missing, and texts, with a label that follows from some of them."""
    random = np.random.default_rng(seed)
    numbers = random.integers(0, 50, (number, 3))
    numbers[random.random((number, 3)) < 0.05] = MISSING
    texts = random.integers(0, 6, (number, 2))
    signal = (numbers[:, 0] > 25) + (texts[:, 0] == 2) + (random.random(number) < 0.2)
    weights = random.integers(1, 3, number)
    if classes:
        stats = class_stats(signal % classes, weights, number=classes)
    else:
        stats = value_stats(signal * 65536 + random.integers(-9999, 9999, number), weights)
    keys = np.sort(random.integers(0, 2**63, number)).astype(np.uint64)
    features = np.concatenate([numbers, texts], axis=1)
    by_value = np.array([False] * 3 + [True] * 2)
    return ForestRows(np.stack([keys, keys], axis=1), features, by_value, stats, classes)


def differing(sets, *, classes):
    """How many of so many random forget sets do not leave the bytes of their twin."""
    rows, random = table(classes), np.random.default_rng(1)
    state = to_state(grown_at_best(rows, SHAPE), rows)
    found = 0
    for _ in range(sets):
        size = random.choice([1, 1, 2, 5, 50, 250])
        gone = np.sort(random.permutation(len(rows))[:size])
        left = rows.take(np.setdiff1d(np.arange(len(rows)), gone))
        mended = mended_at_best(from_state(state, rows, SHAPE), rows, SHAPE, gone)
        found += bytes_of(*mended) != bytes_of(grown_at_best(left, SHAPE), left)
    return found


@pytest.mark.parametrize("classes", [0, 3])
def test_random_forget_sets_leave_the_bytes_of_their_twins(classes):
    assert differing(5, classes=classes) == 0


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_random_forget_sets_by_the_hundred_leave_the_bytes_of_their_twins(classes):
    assert differing(1000 if classes == 2 else 300, classes=classes) == 0
