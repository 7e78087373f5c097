"""Weights that are rounded by proof: the optimum's, the same from nothing and from anywhere near.

What an optimum is, says Newton's method in sixty digits of Python's decimals (`decimal_optimum`).
"""

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from tests.unlearning.convex.decimal_optimum import DIGITS, decimals_of
from tests.unlearning.convex.some_rows import drawn, rows, same, taken
from unlearning.convex import logistic_part, optimum
from unlearning.convex.logistic_part import GRID, converged, learnt
from unlearning.convex.optimum import TAU, bits_for, looked_at
from unlearning.convex.standing_rows import standing


def stand(some, counts=None):
    return standing(some, None if counts is None else np.asarray(counts, np.int64))


def fractions_of(point):
    return [[Fraction(int(one), 1 << point.bits) for one in column] for column in point.weights.T]


def mirrored():
    """Rows and their mirror images, with the other class each: the optimum has a zero in it."""
    draw = np.random.default_rng(4)
    half = draw.normal(size=(20, 2))
    classes = (half[:, 0] + draw.normal(size=20) > 0).astype(int)
    return rows(np.concatenate([half, -half]), np.zeros((40, 0)), np.append(classes, 1 - classes))


ADVERSARIAL = {
    "few rows": (drawn(np.random.default_rng(1), size=12), 1.0),
    "four classes": (drawn(np.random.default_rng(2), size=30, classes=4), 0.5),
    "mirrored rows": (mirrored(), 1.0),
    "separable": (rows([[-2.0], [-1.0], [1.0], [2.5]], np.zeros((4, 0)), [0, 0, 1, 1]), 1e-8),
    "a tiny penalty": (drawn(np.random.default_rng(3), size=40), 1e-8),
    "a tiny penalty, texts that say the same": (
        rows(np.zeros((9, 0)), np.repeat([[1, 5], [2, 6], [3, 7]], 3, axis=0), [0, 1, 0] * 3),
        1e-8,
    ),
    "equal rows": (
        taken(drawn(np.random.default_rng(5), size=6), [0, 0, 0, 1, 2, 3, 3, 4, 5]), 1.0,
    ),
    "a number that does not vary": (
        rows([[3.0, 1.0], [3.0, -1.0], [3.0, 0.5]], np.zeros((3, 0)), [0, 1, 1]), 1.0,
    ),
    "a number beyond all others": (
        rows([[1e9], [1.0], [2.0], [3.0], [-1.0]], np.zeros((5, 0)), [1, 0, 1, 0, 1]), 1.0,
    ),
    "two rows": (rows([[1.0], [2.0]], [[4], [4]], [7, 9]), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_bound_holds_at_every_look_and_what_is_found_is_the_optimum(name, monkeypatch):
    some, penalty = ADVERSARIAL[name]
    there, points = stand(some), []

    def looked(*given_, **named):
        points.append(looked_at(*given_, **named))
        return points[-1]

    monkeypatch.setattr(optimum, "looked_at", looked)
    found = optimum.optimum(there, penalty=penalty)
    assert found.rho <= TAU and len(points) < 100
    true = decimals_of(there, penalty, fractions_of(found))
    with localcontext() as context:
        context.prec = DIGITS
        for point in points:
            square = Decimal(0)
            for mine, column in zip(fractions_of(point), true, strict=True):
                for one, its in zip(mine, column, strict=True):
                    square += (Decimal(one.numerator) / Decimal(one.denominator) - its) ** 2
            assert square.sqrt() <= Decimal(point.rho.numerator) / Decimal(point.rho.denominator)


def test_a_bound_a_tenth_too_small_would_be_caught():
    """Where the penalty is all that curves the function, the bound is the distance."""
    there = stand(rows([[0.0], [0.0]], np.zeros((2, 0)), [0, 1]))
    bits = bits_for(there, penalty=1.0)
    away = np.array([[0], [1 << bits]], object)  # the number does not vary
    point = looked_at(there, away, bits=bits, penalty=1.0)
    assert Fraction(1) <= point.rho < Fraction(1) + Fraction(1, 1 << 40)


SIZES = st.integers(4, 40)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1 << 30), SIZES, st.integers(2, 3), st.sampled_from([1e-6, 0.1, 1.0, 100.0]))
def test_converging_again_gives_the_bits_of_a_fit_from_nothing(seed, size, classes, penalty):
    draw = np.random.default_rng(seed)
    some = drawn(draw, size=size, classes=classes)
    part, left = learnt(stand(some), penalty=penalty), np.arange(size)
    for _ in range(2):
        left = np.delete(left, draw.permutation(len(left))[: draw.integers(1, 3)])
        if len(left) < 2:
            return
        part = converged(stand(taken(some, left)), part, penalty=penalty)
        twin = learnt(stand(taken(some, draw.permutation(left))), penalty=penalty)
        assert same(part, twin)


def test_plain_newton_steps_from_two_sides_differ_in_bits_and_what_is_rounded_does_not():
    some = drawn(np.random.default_rng(7), size=60)
    there = stand(some)
    bits = bits_for(there, penalty=1.0)
    cold = optimum.optimum(there, penalty=1.0)
    near = np.vectorize(lambda one: int(one) + (1 << bits - 9), otypes=[object])(cold.weights)
    warm = optimum.optimum_near(there, penalty=1.0, start=near)
    assert (cold.weights != warm.weights).any()
    moved = learnt(stand(taken(some, np.arange(59))), penalty=1.0)
    assert same(converged(there, moved, penalty=1.0), learnt(there, penalty=1.0))


def at_a_boundary():
    """Rows whose one weight lies half between two numbers of the grid, but for a rounding."""
    middle = (7_654_321 + 0.5) / GRID
    penalty = (2 - 3 / (1 + math.exp(-middle))) / middle
    return rows(np.zeros((3, 0)), np.zeros((3, 0)), [0, 1, 1]), penalty, middle


def test_at_a_boundary_the_fit_from_nothing_is_run_and_decides(monkeypatch):
    some, penalty, middle = at_a_boundary()
    there, cold = stand(some), []
    [[true]] = decimals_of(there, penalty, [[middle]])
    assert abs(float(true - Decimal(middle))) < 1e-12
    twin = learnt(there, penalty=penalty)
    monkeypatch.setattr(logistic_part, "learnt", lambda *a, **b: cold.append(1) or learnt(*a, **b))
    for more in ([0], [1, 1], [0, 1, 0, 1]):
        before = learnt(stand(taken(some, [0, 1, 2, *more])), penalty=penalty)
        assert same(converged(there, before, penalty=penalty), twin)
    assert len(cold) == 3
    before = learnt(stand(taken(some, [0, 1, 2, 0])), penalty=1.0)
    converged(there, before, penalty=1.0)
    assert len(cold) == 3  # elsewhere it is not


def test_what_is_published_stands_on_the_grid_and_no_zero_has_a_sign():
    part = learnt(stand(mirrored()), penalty=1.0)
    for array in (part.numbers, part.entries, part.intercepts):
        assert np.array_equal(np.rint(array * GRID), array * GRID)
        assert not np.signbit(array[array == 0]).any()
    assert part.intercepts.tolist() == [0.0]  # mirrored rows tell nothing of one


def test_what_is_published_is_the_nearest_of_the_grid_to_the_optimum():
    there = stand(drawn(np.random.default_rng(12), size=25))
    point, part = optimum.optimum(there, penalty=1.0), learnt(there, penalty=1.0)
    entries = point.weights[1 + len(there.powers) :, 0]
    for exact, published in zip(entries, part.entries[:, 0], strict=True):
        apart = abs(Fraction(int(exact), 1 << point.bits) - Fraction(float(published)))
        assert apart <= Fraction(1, 2 * GRID)


def test_a_column_that_becomes_empty_and_a_class_that_goes_leave_what_a_twin_has():
    draw = np.random.default_rng(9)
    some = drawn(draw, size=30, classes=3)
    some.numbers[:, 1] = 0
    some.numbers[0, 1] = 1 << 40
    part = learnt(stand(some), penalty=1.0)
    assert part.numbers[1].any()
    left = np.flatnonzero(some.classes != some.classes[0])
    alone = stand(taken(some, left))
    found = converged(alone, part, penalty=1.0)
    assert same(found, learnt(alone, penalty=1.0)) and not found.numbers[1].any()
    assert len(found.classes) == 2 and found.intercepts.shape == (1,)


def test_one_row_one_class_and_none():
    one = learnt(stand(rows([[1.5]], [[3]], [4])), penalty=1.0)
    assert (one.classes.tolist(), one.intercepts.shape, one.numbers.shape) == ([4], (0,), (1, 0))
    some = drawn(np.random.default_rng(3), size=20)
    part = learnt(stand(some), penalty=1.0)
    of_one = stand(taken(some, np.flatnonzero(some.classes == some.classes[0])))
    assert same(converged(of_one, part, penalty=1.0), learnt(of_one, penalty=1.0))
    assert stand(taken(some, [])) is None and stand(some, np.zeros(20)) is None


def test_a_row_that_counts_three_times_is_three_rows():
    some = drawn(np.random.default_rng(6), size=12)
    counts = np.array([3, 1, 0, 2, 1, 1, 0, 1, 4, 1, 1, 1])
    thrice = stand(taken(some, np.repeat(np.arange(12), counts)))
    assert same(learnt(stand(some, counts), penalty=0.3), learnt(thrice, penalty=0.3))


def test_too_many_weights_and_too_small_a_penalty_are_refused(monkeypatch):
    there = stand(drawn(np.random.default_rng(8), size=30))
    with pytest.raises(BadInput, match="too small for so many rows"):
        learnt(there, penalty=1e-16)
    monkeypatch.setattr(optimum, "MOST_WEIGHTS", there.width)
    learnt(there, penalty=1.0)
    monkeypatch.setattr(optimum, "MOST_WEIGHTS", there.width - 1)
    with pytest.raises(BadInput, match="leave the column of texts out that has most"):
        learnt(there, penalty=1.0)
