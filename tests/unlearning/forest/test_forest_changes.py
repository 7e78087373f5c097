"""Rows taken out of a forest, or put in: the bytes of one that never saw them, or always did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.tensors import state_digest
from unlearning.forest.changes import Moved, changed
from unlearning.forest.forest_rows import (
    MISSING,
    MOST_STEPS,
    MOST_WEIGHT,
    ForestRows,
    class_stats,
    value_stats,
)
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.forest_state import from_state, to_state
from unlearning.forest.growth import grown

NONE = np.zeros(0, np.int64)


@st.composite
def tables(draw, *, most=90):
    """Rows of few values, many of which are equal, with a label of classes or of values."""
    number, width = draw(st.integers(0, most)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    spread = draw(st.sampled_from([1, 2, 5, 1000]))
    features = random.integers(-spread, spread + 1, (number, width))
    features[random.random((number, width)) < 0.1] = MISSING
    weights = random.integers(1, draw(st.sampled_from([2, 2, 4])), number)
    classes = draw(st.sampled_from([0, 1, 2, 2, 5]))
    if classes:
        stats = class_stats(random.integers(0, classes, number), weights, number=classes)
    else:
        values = random.integers(-(2**20), 2**20, number) * draw(st.sampled_from([1, 2**20]))
        stats = value_stats(values, weights)
    halves = random.integers(0, draw(st.sampled_from([2, 2**63])), (number, 2)).astype(np.uint64)
    halves[:, 1] = random.permutation(number)  # no two keys are equal, and some upper halves are
    order = np.lexsort((halves[:, 1], halves[:, 0]))
    by_value = random.random(width) < 0.4
    return ForestRows(halves[order], features, by_value, stats, classes)


@st.composite
def shapes(draw):
    return ForestShape(
        trees=draw(st.integers(1, 4)),
        share=draw(st.sampled_from([0.3, 0.8, 1.0])),
        depth=draw(st.sampled_from([1, 3, 20])),
        leaf=draw(st.sampled_from([1, 2, 5])),
        candidates=draw(st.sampled_from([1, 8, 16])),
        bush=draw(st.sampled_from([1, 2, 6, 32])),
        seed=draw(st.integers(0, 3)),
    )


def places(mask):
    return np.flatnonzero(mask)


def bytes_of(trees, rows):
    return state_digest(to_state(trees, rows))


def taken_out(rows, shape, gone):
    """The state after a deletion, taken from what is on disk."""
    trees = from_state(to_state(grown(rows, shape), rows), rows, shape)
    return bytes_of(changed(trees, rows, shape, Moved(places(gone), NONE)), rows)


@given(tables(), shapes(), st.data())
def test_what_is_left_has_the_bytes_of_a_twin_that_never_saw_what_went(rows, shape, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    gone = random.random(len(rows)) < data.draw(st.sampled_from([0.02, 0.1, 0.5, 0.98, 1.0]))
    left = rows.take(places(~gone))
    assert taken_out(rows, shape, gone) == bytes_of(grown(left, shape), left)


@given(tables(), shapes(), st.data())
def test_what_comes_is_there_as_if_it_always_had_been(rows, shape, data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    draw = random.random(len(rows))
    new, gone = draw < data.draw(st.sampled_from([0.02, 0.1, 0.9])), draw > 0.95
    before, after = places(~new), places(~gone)
    first = rows.take(before)
    state = to_state(grown(first, shape), first)
    trees = from_state(state, rows, shape)
    result = changed(trees, rows, shape, Moved(places(gone), places(new)))
    twin = rows.take(after)
    assert bytes_of(result, rows) == bytes_of(grown(twin, shape), twin)


@given(tables(), shapes())
def test_the_state_is_read_as_it_was_written(rows, shape):
    state = to_state(grown(rows, shape), rows)
    assert state_digest(to_state(from_state(state, rows, shape), rows)) == state_digest(state)


@given(tables(most=50), shapes())
def test_one_row_after_another_leaves_every_twin_until_there_is_none(rows, shape):
    trees = grown(rows, shape)
    for last in range(len(rows) - 1, -1, -7):
        gone = np.arange(last, min(last + 7, len(rows)))
        trees = changed(trees, rows, shape, Moved(gone, NONE))
        left = rows.take(np.arange(last))
        assert bytes_of(trees, rows) == bytes_of(grown(left, shape), left)


@given(tables(), shapes())
def test_taken_out_and_put_in_again_it_is_what_it_was(rows, shape):
    gone = np.arange(0, len(rows), 3)
    trees = changed(grown(rows, shape), rows, shape, Moved(gone, NONE))
    again = changed(trees, rows, shape, Moved(NONE, gone))
    assert bytes_of(again, rows) == bytes_of(grown(rows, shape), rows)


def test_what_would_overflow_is_refused_at_its_limit():
    ones = np.ones(4, np.int64)
    most = np.array([MOST_STEPS // 4, 0, 0, 0])
    assert value_stats(-most, ones)[0, 1] == -MOST_STEPS // 4
    with pytest.raises(BadInput, match="too large for so many rows"):
        value_stats(-most - 1, ones)
    weights = np.array([MOST_WEIGHT - 3, 1, 1, 1])
    assert class_stats(ones, weights, number=2)[:, 1].sum() == MOST_WEIGHT
    with pytest.raises(BadInput, match="count for more than"):
        class_stats(ones, weights + 1, number=2)


def of_numbers(numbers, labels, *, seed=0):
    random = np.random.default_rng(seed)
    halves = np.sort(random.integers(0, 2**62, len(numbers))).astype(np.uint64)
    keys = np.stack([halves, halves], axis=1)
    stats = class_stats(np.array(labels), np.ones(len(labels), np.int64), number=2)
    features = np.array(numbers, np.int64).reshape(len(labels), -1)
    return ForestRows(keys, features, np.zeros(features.shape[1], bool), stats, 2)


ALL = ForestShape(trees=8, share=1.0, depth=1, leaf=1, candidates=8, bush=1)


def test_a_value_that_disappears_is_no_threshold_any_more():
    """dare-rf 1.1.4 keeps the threshold of a value whose last row went."""
    rows = of_numbers([1, 2, 3, 4, 5, 6, 7], [0, 1, 0, 0, 1, 1, 0])
    for gone in range(7):
        mask = np.arange(7) == gone
        left = rows.take(places(~mask))
        twin = grown(left, ALL)
        assert taken_out(rows, ALL, mask) == bytes_of(twin, left)
        assert int(rows.features[gone, 0]) not in twin.threshold[twin.feature >= 0]


def test_a_forest_that_forgot_nothing_is_not_that_of_the_twin():
    rows = of_numbers([1, 2, 3, 4, 5, 6, 7], [0, 1, 0, 0, 1, 1, 0])
    left = rows.take(np.arange(6))
    assert bytes_of(grown(rows, ALL), rows) != bytes_of(grown(left, ALL), left)


def test_rows_that_are_not_in_the_trees_are_not_taken_out():
    rows = of_numbers(np.arange(40), np.arange(40) % 2)
    trees = grown(rows, ALL)
    without = changed(trees, rows, ALL, Moved(np.array([3]), NONE))
    with pytest.raises(CheckFailed, match="not those that the trees hold"):
        changed(without, rows, ALL, Moved(np.array([3]), NONE))
    state = to_state(trees, rows)
    with pytest.raises(CheckFailed, match="other rows"):
        from_state(state, rows.take(np.arange(39)), ALL)
