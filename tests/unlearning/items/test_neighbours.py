"""Neighbours are told by whole numbers alone: as fractions of Python say, ties by name."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from tests.unlearning.items.some_histories import by_name, read
from unlearning.items.item_counts import MOST, ItemCounts, counts_of
from unlearning.items.neighbours import (
    SIMILARITIES,
    STEPS_OF_ONE,
    _divided,
    joined,
    nearest,
)

TRIPLES = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from("abcdefgh"), st.integers(0, 3)), max_size=60
)
ORDER = {
    "cosine": lambda g, own, other: Fraction(g * g, other),
    "jaccard": lambda g, own, other: Fraction(g, own + other - g),
}
VALUE = {
    "cosine": lambda g, own, other: g / (own * other) ** 0.5,
    "jaccard": lambda g, own, other: g / (own + other - g),
}


def lists_of(found):
    bounds = zip(found.ends.tolist(), found.ends[1:].tolist(), strict=False)
    return {
        name: [(found.names[found.others[at]], int(found.steps[at])) for at in range(*bound)]
        for name, bound in zip(found.names, bounds, strict=True)
    }


@pytest.mark.parametrize("rule", SIMILARITIES)
@given(triples=TRIPLES, most=st.integers(1, 8))
def test_lists_are_those_that_fractions_give(rule, triples, most):
    counts = counts_of(read(triples))
    squares, shared = by_name(counts)
    both = {**shared, **{(b, a): g for (a, b), g in shared.items()}}
    found = lists_of(nearest(counts, rule=SIMILARITIES[rule], most=most))
    for own in squares:
        others = [(other, g) for (one, other), g in both.items() if one == own]
        others.sort(key=lambda one: (-ORDER[rule](one[1], squares[own], squares[one[0]]), one[0]))
        assert [name for name, _ in found[own]] == [name for name, _ in others[:most]]
        for name, steps in found[own]:
            value = VALUE[rule](both[own, name], squares[own], squares[name])
            assert steps == pytest.approx(value * STEPS_OF_ONE, abs=1)


NUMBER = st.integers(1, MOST)


@given(NUMBER, NUMBER, NUMBER, NUMBER)
@settings(max_examples=examples(500))
def test_long_division_tells_any_two_fractions_apart(a, b, c, d):
    above, below = np.array([a * a, c * c]), np.array([b, d])
    whole, places = _divided(above, below)
    one, other = ((int(w), int(p)) for w, p in zip(whole.tolist(), places.tolist(), strict=True))
    x, y = Fraction(a * a, b), Fraction(c * c, d)
    assert (one > other, one == other) == (x > y, x == y)


def test_fractions_that_floats_cannot_tell_apart_are_told():
    near = (1 << 31) - 3
    pairs = [(near - 1, near), (near - 2, near - 1)]
    assert float(Fraction(*pairs[0])) - float(Fraction(*pairs[1])) < 1e-18
    whole, places = _divided(*(np.array(one) for one in zip(*pairs, strict=True)))
    assert whole.tolist() == [0, 0] and places[0] > places[1]


def test_of_equally_alike_ones_the_first_name_comes_first_however_many_there_are():
    names = [f"{n:03d}".encode() for n in range(200)]
    codes = np.arange(1, 200)  # the first with each other
    counts = ItemCounts(names, np.full(200, 4), codes, np.full(199, 2))
    found = lists_of(nearest(counts, rule=SIMILARITIES["cosine"], most=7))
    assert [name for name, _ in found[b"000"]] == names[1:8]


@given(TRIPLES, TRIPLES)
def test_lists_of_parts_are_joined_by_name_and_added(one, other):
    parts = [
        nearest(counts_of(read(some)), rule=SIMILARITIES["cosine"], most=3) for some in (one, other)
    ]
    wanted = {}
    for part in parts:
        for name, found in lists_of(part).items():
            own = wanted.setdefault(name, {})
            for another, steps in found:
                own[another] = own.get(another, 0) + steps
    lists = {name: dict(found) for name, found in lists_of(joined(parts)).items()}
    assert lists == wanted
