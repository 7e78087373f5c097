"""Compiled loops give the bits that NumPy gives: growing, and taking out row after row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.errors import CheckFailed
from tests.unlearning.forest.test_forest_changes import bytes_of, of_numbers, shapes, tables
from unlearning.forest import at_best
from unlearning.forest.at_best import grown_at_best, mended_at_best
from unlearning.forest.draws import drawn, mixed
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.growth import grown

pytest.importorskip("numba")


@settings(max_examples=examples(25))  # a forest each
@given(tables(most=200), shapes())
def test_a_forest_is_grown_to_the_same_bits(rows, shape):
    from unlearning.forest.live_trees import grown_fast

    assert bytes_of(grown_fast(rows, shape), rows) == bytes_of(grown(rows, shape), rows)


@settings(max_examples=examples(25))
@given(tables(most=200), shapes(), st.data())
def test_one_row_after_another_leaves_the_bytes_of_the_twin(rows, shape, data):
    from unlearning.forest.live_trees import LiveTrees

    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    gone = random.permutation(len(rows))[: data.draw(st.sampled_from([1, 5, 60, 200]))]
    live = LiveTrees(grown(rows, shape), rows, shape)
    live.take_out(gone)
    left = rows.take(np.setdiff1d(np.arange(len(rows)), gone))
    assert bytes_of(live.trees(), rows) == bytes_of(grown(left, shape), left)


def test_where_it_is_worth_it_loops_are_taken_and_rows_that_are_not_there_refused(monkeypatch):
    monkeypatch.setattr(at_best, "WORTH", 1)
    shape = ForestShape(trees=4, share=1.0)
    rows = of_numbers(np.arange(200), np.arange(200) % 2)
    trees = grown_at_best(rows, shape)
    assert bytes_of(trees, rows) == bytes_of(grown(rows, shape), rows)
    for gone in (np.array([3]), np.arange(40)):
        left = rows.take(np.setdiff1d(np.arange(200), gone))
        assert bytes_of(*mended_at_best(trees, rows, shape, gone)) == bytes_of(
            grown(left, shape), left
        )
    without, _ = mended_at_best(trees, rows, shape, np.array([3]))
    with pytest.raises(CheckFailed, match="not those that the trees hold"):
        mended_at_best(without, rows, shape, np.array([3]))


def test_both_draw_alike():
    from unlearning.forest import kernels

    random = np.random.default_rng(0)
    keys, rows = (random.integers(0, 2**64, n, dtype=np.uint64) for n in (50, (50, 2)))
    by_kernel = [kernels.drawn(key, *row) for key, row in zip(keys, rows, strict=True)]
    assert (drawn(keys, rows) == np.array(by_kernel, np.uint64)).all()
    assert (mixed(keys) == np.array([kernels.mixed(key) for key in keys], np.uint64)).all()
