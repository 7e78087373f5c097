"""Clusters: exact distances, a function of the set of rows, deletions that leave a twin's bytes."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.errors import BadInput, CheckFailed
from unlearning.clusters import points as points_module
from unlearning.clusters.cluster_part import ClusterPart, ClusterRule, joined, learnt, without
from unlearning.clusters.points import LIMIT, ONE, Points, nearest, points_of
from unlearning.clusters.steps import STEPS, candidates_of, keys_in
from unlearning.linear.row_sums import RowSteps

RULE = ClusterRule(3, seed=5)


def rows_of(draw, size, *, numbers=2, spread=1.0):
    """Draw rows around three places, with a text, each with a key; some are equal."""
    places = draw.normal(size=(3, numbers)) * 4
    which = draw.integers(0, 3, size)
    values = places[which] + draw.normal(size=(size, numbers)) * spread
    texts = draw.integers(0, 3, (size, 1)) + 10 * which[:, np.newaxis]
    keys = draw.integers(0, 256, (size, 16)).astype(np.uint8)
    steps = RowSteps(
        np.rint(values * 65_536).astype(np.int64), np.array([0]), texts,
        np.ones((size, 1), np.bool_), None, None,
    )  # fmt: skip
    return steps, keys


def taken(steps, keys, places, counts=None):
    steps = replace(
        steps,
        numbers=steps.numbers[places],
        entries=steps.entries[places],
        there=steps.there[places],
    )
    return points_of(steps, keys[places], None if counts is None else counts[places])


def same(one, other):
    mine, its = one.to_state(), other.to_state()
    return all(
        (mine[name].dtype, mine[name].shape, mine[name].tobytes())
        == (its[name].dtype, its[name].shape, its[name].tobytes())
        for name in mine
    )


def test_a_text_that_only_the_forgotten_row_had_is_in_no_step_afterwards():
    steps, keys = rows_of(np.random.default_rng(4), 300)
    for place in range(300):
        entries = steps.entries.copy()
        entries[place] = 99
        with_it = replace(steps, entries=entries)
        part = learnt(taken(with_it, keys, np.arange(300)), RULE)
        if not keys_in(keys[place : place + 1], part.candidates).any():
            break  # no row to start from, so its part is not learnt anew
    left = np.delete(np.arange(300), place)
    others = taken(with_it, keys, left)
    found = without(part, taken(with_it, keys, np.array([place])), lambda: others, RULE)
    assert 99 in part.entries and 99 not in found.entries
    assert same(found, learnt(others, RULE))


LARGE = st.integers(-LIMIT, LIMIT)


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.lists(LARGE, min_size=3, max_size=3), min_size=1, max_size=12),
       st.lists(st.lists(LARGE, min_size=3, max_size=3), min_size=1, max_size=5))  # fmt: skip
def test_the_nearest_centre_is_that_of_whole_numbers_alone_and_in_any_block(rows, centres):
    nearest_ones = nearest(np.array(rows), np.array(centres))
    for row, found in zip(rows, nearest_ones.tolist(), strict=True):
        far = [sum((a - b) ** 2 for a, b in zip(row, one, strict=True)) for one in centres]
        assert found == far.index(min(far))
        assert nearest(np.array([row]), np.array(centres)).tolist() == [found]


def test_of_centres_that_are_as_near_the_first_is_taken():
    assert nearest(np.array([[0], [1]]), np.array([[1], [-1], [1]])).tolist() == [0, 0]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1 << 30), st.integers(2, 60), st.sampled_from([0.1, 1.0, 5.0]))
def test_without_rows_the_bytes_are_those_of_the_others_in_any_order(seed, size, spread):
    draw = np.random.default_rng(seed)
    steps, keys = rows_of(draw, size, spread=spread)
    counts = draw.integers(0, 4, size)
    counts[0] = 1
    part, left = learnt(taken(steps, keys, np.arange(size), counts), RULE), np.arange(size)
    for _ in range(3):
        gone = draw.permutation(left)[: draw.integers(1, 4)]
        left = np.setdiff1d(left, gone)
        if not counts[left].any():
            return
        twin = learnt(taken(steps, keys, draw.permutation(left), counts), RULE)
        others = taken(steps, keys, left, counts)
        found = without(part, taken(steps, keys, gone, counts), lambda at=others: at, RULE)
        assert found is None or same(found, twin)
        part = twin


def asked_how_often(size, *, deletions=60):
    """Take single rows out, and count how often all others are asked, or learnt anew."""
    draw = np.random.default_rng(3)
    steps, keys = rows_of(draw, size)
    all_rows = np.arange(size)
    part = learnt(taken(steps, keys, all_rows), RULE)
    asked = anew = centres = 0
    for place in draw.permutation(size)[:deletions]:
        left = np.delete(all_rows, place)

        def others(left=left):
            nonlocal asked
            asked += 1
            return taken(steps, keys, left)

        found = without(part, taken(steps, keys, [place]), others, RULE)
        anew += found is None
        if found is not None:
            centres += np.array_equal(found.last, part.last)
            assert not same(found, part)  # the sums of the row's cluster are others
    return asked, anew, centres


def test_most_deletions_move_no_centre_and_all_move_a_sum():
    asked, anew, centres = asked_how_often(4_000)
    assert asked + anew < 30 < centres


def test_where_a_start_may_have_come_from_a_row_it_is_learnt_anew():
    draw = np.random.default_rng(2)
    steps, keys = rows_of(draw, 40)
    points = taken(steps, keys, np.arange(40))
    part = learnt(points, RULE)
    few = candidates_of(points, clusters=3, seed=5)
    assert part.candidates.tobytes() == keys[few].tobytes()
    for place in few:
        left = np.delete(np.arange(40), place)
        assert without(part, points.take([place]), lambda at=left: points.take(at), RULE) is None


def test_more_clusters_than_different_rows_are_as_many_as_these():
    keys = np.arange(96, dtype=np.uint8).reshape(6, 16)
    values = np.array([[1], [1], [1], [5], [5], [9]]) * ONE
    points = Points(
        values, keys, np.ones(6, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    )
    part = learnt(points, ClusterRule(20, seed=0))
    assert part.centres.shape == (STEPS + 1, 3, 1) and sorted(part.counts[-1]) == [1, 2, 3]
    nothing = learnt(points.take([]), RULE)
    assert nothing.last.shape == (0, 1) and same(
        nothing, ClusterPart.from_state(nothing.to_state())
    )


def test_rows_that_it_does_not_have_are_not_taken_out():
    draw = np.random.default_rng(4)
    steps, keys = rows_of(draw, 30)
    part = learnt(taken(steps, keys, np.arange(10)), RULE)
    others = taken(steps, keys ^ 255, np.repeat(np.arange(10), 2))
    with pytest.raises(CheckFailed, match="not among those that were clustered"):
        without(part, others, lambda: others, RULE)
    strange = replace(taken(steps, keys, [20]), entries=np.array([777]))
    with pytest.raises(CheckFailed, match="not among those that were clustered"):
        without(part, strange, lambda: strange, RULE)


def test_parts_that_answer_together_are_clustered_once_more_whatever_their_keys():
    draw = np.random.default_rng(6)
    steps, keys = rows_of(draw, 90)
    parts = [learnt(taken(steps, keys, np.arange(at, 90, 2)), RULE) for at in (0, 1)]
    one = joined(parts, RULE)
    assert one.last.shape[0] == 3 and one.counts[-1].sum() == 90
    assert joined(parts[:1], RULE) is parts[0]
    values, centres = taken(steps, keys, np.arange(90)).beside(one.last, one.columns, one.entries)
    far = ((values - centres[nearest(values, centres)]) ** 2).sum()
    assert far < ((values - values.mean(axis=0)) ** 2).sum() / 3


def test_too_many_coordinates_are_refused(monkeypatch):
    steps, keys = rows_of(np.random.default_rng(1), 30)
    wide = taken(steps, keys, np.arange(30)).values.shape[1]
    monkeypatch.setattr(points_module, "MOST_WIDE", wide - 1)
    with pytest.raises(BadInput, match="leave the column of texts out that has most"):
        taken(steps, keys, np.arange(30))
