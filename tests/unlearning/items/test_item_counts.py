"""Sums over histories are what plain Python counts, less what goes; refused at their limit."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.errors import BadInput, CheckFailed
from tests.unlearning.items.some_histories import by_name, plain, read
from unlearning.items import item_counts
from unlearning.items.item_counts import MOST, ItemCounts, added, counts_of, difference

TRIPLES = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["", "a", "b", "c", "é", "aa"]),
              st.integers(0, 4)),
    max_size=40,
)  # fmt: skip


def same(one, other):
    one, other = one.to_state(), other.to_state()
    return {name: (array.dtype, array.tobytes()) for name, array in one.items()} == {
        name: (array.dtype, array.tobytes()) for name, array in other.items()
    }


@given(TRIPLES)
def test_sums_are_those_that_plain_python_counts(triples):
    assert by_name(counts_of(read(triples))) == plain(triples)


@given(TRIPLES, st.randoms(use_true_random=False))
def test_no_order_and_no_piece_changes_a_byte(triples, random):
    found, shuffled = counts_of(read(triples)), list(triples)
    random.shuffle(shuffled)
    assert same(found, counts_of(read(shuffled, at_once=1)))
    assert same(found, ItemCounts.from_state(found.to_state()))


@given(TRIPLES, st.integers(0, 5))
@settings(max_examples=examples(200))
def test_what_is_taken_out_leaves_the_bytes_of_the_rest_alone(triples, most):
    gone, rest = ([one for one in triples if (one[0] <= most) == side] for side in (True, False))
    found = counts_of(read(triples))
    found.subtract(read(gone))
    assert same(found, counts_of(read(rest)))
    assert all((array > 0).all() for array in (found.cleared().squares, found.cleared().shared))
    assert same(added(counts_of(read(gone)), counts_of(read(rest))), counts_of(read(triples)))


def test_sums_that_are_taken_in_pieces_are_the_same(monkeypatch):
    draw = random.Random(1)
    triples = [(draw.randrange(60), f"{draw.randrange(30)}", draw.randrange(4))
               for _ in range(1200)]  # fmt: skip
    found = counts_of(read(triples, at_once=100))
    assert by_name(found) == plain(triples)
    monkeypatch.setattr(item_counts, "PAIRS_AT_ONCE", 1)
    assert same(found, counts_of(read(triples, at_once=100)))


GONE = [(1, "a", 1), (1, "b", 1)]


@pytest.mark.parametrize(
    "there",
    [
        [],
        [(1, "a", 1)],  # an item is not there
        [(1, "a", 1), (2, "b", 1)],  # nor a pair
        [(1, "a", 1), (2, "b", 1), (3, "b", 1), (3, "z", 1)],
    ],
)
def test_what_is_not_among_the_sums_is_refused_and_changes_nothing(there):
    found = counts_of(read(there))
    with pytest.raises(CheckFailed, match="not among those that were summed: nothing was changed"):
        found.subtract(read(GONE))
    assert same(found, counts_of(read(there)))


def test_what_would_leave_less_than_nothing_is_refused_and_changes_nothing():
    for there in ([(1, "a", 1), (1, "b", 1)], [(1, "a", 1), (1, "b", 1), (2, "a", 9)]):
        found = counts_of(read(there))
        with pytest.raises(CheckFailed):
            found.subtract(read([(1, "a", 2), (1, "b", 2)]))
        assert same(found, counts_of(read(there)))


def test_a_pair_whose_item_went_is_no_state():
    found = counts_of(read([(1, "a", 1), (1, "b", 1)]))
    with pytest.raises(CheckFailed):
        replace(found, squares=np.array([0, 1])).to_state()


def test_sums_are_refused_beyond_their_limit_and_taken_at_it():
    root = int(MOST**0.5)
    rest = MOST - root**2
    at = [(1, "a", root), *((2 + n, "a", 1) for n in range(rest))]
    assert counts_of(read(at, at_once=10_000)).squares.tolist() == [MOST]
    assert counts_of(read(at, at_once=10_000)).to_state()["squares"].tolist() == [MOST]
    for more in ([*at, (0, "a", 1)], [(1, "a", root + 1)], [(1, "a", 1 << 24)]):
        with pytest.raises(BadInput, match="hold exactly: give smaller weights"):
            counts_of(read(more, at_once=10_000))
    one, other = counts_of(read(at, at_once=10_000)), counts_of(read([(1, "a", 1)]))
    with pytest.raises(BadInput, match="hold exactly"):
        added(one, other)


def test_a_damaged_state_is_refused():
    state = counts_of(read([(1, "a", 1), (1, "b", 1), (2, "b", 1), (2, "c", 1)])).to_state()
    for name, array in (
        ("squares", state["squares"][:-1]),
        ("shared", state["shared"][:-1]),
        ("others", state["others"] + np.int32(3)),
        ("pair_ends", state["pair_ends"][::-1]),
        ("name_ends", state["name_ends"][:-1]),
    ):
        with pytest.raises(CheckFailed, match="The sums of items are damaged"):
            ItemCounts.from_state({**state, name: array})


def test_how_far_sums_lie_apart_is_told_over_all_items_and_pairs():
    one = counts_of(read([(1, "a", 1), (1, "b", 1)]))
    other = counts_of(read([(1, "a", 1), (2, "c", 2)]))
    assert difference(one, one) == 0
    assert difference(one, other) == pytest.approx((1 + 1 + 4**2) ** 0.5)
