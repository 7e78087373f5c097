"""Numbers of two doubles, beside Python's decimals: every error within the bound claimed."""

from decimal import Decimal, localcontext

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from unlearning.convex.double_words import (
    FAR,
    DoubleWord,
    exp_of_minus,
    share_error,
    shares_of,
    two_sum,
)

U2 = Decimal(2) ** -106
SOME = st.lists(st.floats(-90, 90), min_size=2, max_size=40)


def words(values, tilt=0.3):
    high = np.array(values, np.float64)
    return two_sum(high, high * tilt * 2.0**-53)


def exactly(numbers):
    return [
        Decimal(float(a)) + Decimal(float(b)) for a, b in zip(*numbers_of(numbers), strict=True)
    ]


def numbers_of(numbers):
    return numbers.high.tolist(), numbers.low.tolist()


def near(values):
    """Numbers at the seams: whole pieces, halves of them, and their neighbours."""
    seams = np.array([0.0, 1 / 128, 1 / 64, 3 / 128, 1.0, 10.5, 33.2, FAR - 1e-9, float(FAR)])
    return np.concatenate([seams, np.nextafter(seams, 100), values])


@settings(max_examples=30, deadline=None)
@given(SOME)
def test_powers_are_within_21_of_the_square_of_a_rounding(values):
    with localcontext() as context:
        context.prec = 80
        exponents = words(near(np.abs(values)))
        for t, found in zip(exactly(exponents), exactly(exp_of_minus(exponents)), strict=True):
            true = (-t).exp()
            if t <= FAR:
                assert abs(found - true) <= 21 * U2 * true
            else:
                assert abs(found - true) < Decimal(2) ** -108


@settings(max_examples=30, deadline=None)
@given(SOME, st.integers(2, 6))
def test_shares_are_within_the_bound_and_sum_to_one(values, classes):
    logits = [words(np.roll(values, place), tilt=place / 10) for place in range(classes)]
    error, bits = share_error(classes, largest=0.0)
    with localcontext() as context:
        context.prec = 80
        found = list(zip(*(exactly(one) for one in shares_of(logits)), strict=True))
        for row, shares_of_row in zip(
            zip(*(exactly(one) for one in logits), strict=True), found, strict=True
        ):
            powers = [(one - max(row)).exp() for one in row]
            for power, share in zip(powers, shares_of_row, strict=True):
                assert abs(share - power / sum(powers)) <= error * Decimal(2) ** -bits


def test_a_bound_a_hundred_times_smaller_would_be_caught():
    rng = np.random.default_rng(0)
    exponents = words(rng.uniform(0, 70, 2000))
    with localcontext() as context:
        context.prec = 80
        pairs = zip(exactly(exponents), exactly(exp_of_minus(exponents)), strict=True)
        worst = max(abs(found / (-t).exp() - 1) for t, found in pairs)
    assert Decimal("0.21") * U2 < worst < 21 * U2
    assert isinstance(exponents, DoubleWord)
