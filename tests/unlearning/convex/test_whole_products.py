"""Products of whole numbers in limbs, beside Python's whole numbers."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearning.convex.double_words import two_sum
from unlearning.convex.whole_products import (
    NARROW,
    WIDE,
    Digits,
    limbs_of_two_words,
    narrow_limbs,
    total_of,
    wide_limbs,
)

SMALL, LARGE = st.integers(-(1 << 49), 1 << 49), st.integers(-(1 << 300), 1 << 300)


@given(st.lists(SMALL, min_size=1, max_size=8))
def test_narrow_limbs_are_the_numbers_and_small(values):
    limbs = narrow_limbs(np.array([values], np.int64))
    summed = [sum(int(one[0, at]) << NARROW * k for k, one in enumerate(limbs))
            for at in range(len(values))]  # fmt: skip
    assert summed == values and max(np.abs(one).max() for one in limbs) < 1 << NARROW


@given(st.lists(LARGE, min_size=1, max_size=8))
def test_wide_limbs_are_the_numbers_and_small(values):
    limbs = wide_limbs(np.array(values, object))
    summed = [sum(int(one[at]) << WIDE * k for k, one in enumerate(limbs))
            for at in range(len(values))]  # fmt: skip
    assert summed == values and max(np.abs(one).max() for one in limbs) < 1 << WIDE


PARTS = st.lists(
    st.tuples(st.integers(-(1 << 53) + 1, (1 << 53) - 1), st.integers(0, 20)),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(PARTS)
def test_digits_sum_to_two_words_that_are_right_to_the_bits_that_are_said(parts):
    found = Digits((1,))
    for number, eighth in parts:
        found.add(np.array([number], np.int64), at=8 * eighth)
    true = Fraction(sum(number << 8 * eighth for number, eighth in parts), 1 << 60)
    pair = found.in_two_words(bits=60)
    exact = Fraction(float(pair.high[0])) + Fraction(float(pair.low[0]))
    assert abs(exact - true) <= abs(true) / (1 << 102)


def test_what_cancels_leaves_no_bit_behind():
    found = Digits((1,))
    found.add(np.array([1], np.int64), at=160)
    found.add(np.array([-1], np.int64), at=160)
    found.add(np.array([-1], np.int64), at=0)
    pair = found.in_two_words(bits=160)
    assert (pair.high[0], pair.low[0]) == (-(2.0**-160), 0.0)


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=20))
def test_limbs_of_two_words_sum_to_them_but_for_half_a_unit(values):
    high = np.array(values)
    pair = two_sum(high, high * 2.0**-54)
    limbs = limbs_of_two_words(pair, limbs=5)
    for at in range(len(values)):
        true = Fraction(float(pair.high[at])) + Fraction(float(pair.low[at]))
        found = sum(Fraction(float(one[at])) / (1 << WIDE * k) for k, one in enumerate(limbs))
        assert abs(found - true) <= Fraction(1, 1 << 97)
        assert all(abs(one[at]) <= 1 << WIDE - 1 for one in limbs[1:])


@given(st.lists(st.tuples(SMALL, st.integers(0, 1 << 20)), min_size=1, max_size=16))
def test_totals_are_exact(rows):
    numbers = np.array([[one] for one, _ in rows], np.int64)
    counts = np.array([count for _, count in rows], np.int64)
    assert total_of(numbers, counts) == [sum(one * count for one, count in rows)]
