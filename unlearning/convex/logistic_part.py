"""What a part of a logistic model is: its optimum, rounded to a public grid, and nothing besides.

A weight is a whole multiple of 2^-24, of entries and intercepts as they are, of numbers for a scale
of the column (`linear.grid`); no zero has a sign. The intercept is rounded last, of what is left
when the rounded weights of numbers have told the mean row: so the mean row is told as the optimum
tells it, whatever the numbers are. Iterations, residuals and bounds are not kept.

The weights that are published are those of a fit from nothing. One that goes on from where the
weights were, after a row went, is taken only where it proves what that fit would round to: both lie
within TAU of the optimum, so a weight within 2 TAU of which all numbers round to one is rounded
alike by both. Otherwise the fit from nothing is run, as a twin runs it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fractions import Fraction

import numpy as np

from lineage_store.tensors import State
from unlearning.convex.double_words import Floats
from unlearning.convex.optimum import (
    TAU,
    Point,
    bits_for,
    columns_of_logits,
    must_fit,
    optimum,
    optimum_near,
)
from unlearning.convex.standing_rows import StandingRows
from unlearning.convex.whole_products import Integers, Wide
from unlearning.linear.grid import STEPS_OF_ONE

GRID = 1 << 24
STEP_BITS = STEPS_OF_ONE.bit_length() - 1
EXACTLY = Fraction(0)


@dataclass(frozen=True)
class LogisticPart:
    """The weights of a part: of numbers (M, L), entries (E, L), and intercepts (L,), float64.

    `columns` and `keys` (E,) name the entries, and `classes` (K,) are sorted keys. Of two classes L
    is one, and the weights tell the second; of one or none there are no weights.
    """

    columns: Integers
    keys: Integers
    classes: Integers
    numbers: Floats
    entries: Floats
    intercepts: Floats

    def to_state(self) -> State:
        """Return the arrays by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def from_state(cls, state: State) -> "LogisticPart":
        """Read the arrays back."""
        return cls(**{one.name: state[one.name] for one in fields(cls)})


def without_share(numbers: int) -> LogisticPart:
    """Return the part of rows that all count for nothing, with so many columns of numbers."""
    none = np.zeros(0, np.int64)
    return LogisticPart(none, none, none, np.zeros((numbers, 0)), np.zeros((0, 0)), np.zeros(0))


def learnt(rows: StandingRows, *, penalty: float) -> LogisticPart:
    """Return the part of rows, told from nothing.

    Raises BadInput for more rows or weights than there can be, or too small a penalty.
    """
    must_fit(rows, penalty=penalty)
    part = _rounded(rows, optimum(rows, penalty=penalty), within=EXACTLY)
    if part is None:
        raise ValueError("a number is rounded to itself alone")
    return part


def converged(rows: StandingRows, part: LogisticPart, *, penalty: float) -> LogisticPart:
    """Return the part of rows, told from where the weights of more rows were.

    It is what `learnt` returns, to the bit.
    """
    must_fit(rows, penalty=penalty)
    start = _unrounded(rows, part, bits=bits_for(rows, penalty=penalty))
    point = optimum_near(rows, penalty=penalty, start=start)
    found = None if point is None else _rounded(rows, point, within=2 * TAU)
    return learnt(rows, penalty=penalty) if found is None else found


def _rounded(rows: StandingRows, point: Point, *, within: Fraction) -> LogisticPart | None:
    """Return a point rounded to the grid; None if a number so near is rounded to another."""
    numbers, labels = len(rows.powers), point.weights.shape[1]
    steps = np.zeros(point.weights.shape, object)
    means = [Fraction(0)] * labels
    for place in [*range(1, rows.width), 0]:  # the intercept last
        by_number = 1 <= place <= numbers
        scale = Fraction(GRID)
        if by_number:
            scale *= Fraction(2) ** (STEP_BITS - rows.powers[place - 1])
        for label in range(labels):
            exact = Fraction(int(point.weights[place, label]), 1 << point.bits)
            if place == 0:
                exact -= means[label]
            low, high = _nearest((exact - within) * scale), _nearest((exact + within) * scale)
            if low != high:
                return None
            steps[place, label] = low
            if by_number:
                means[label] += Fraction(low * rows.centre[place - 1], GRID << STEP_BITS)
    floats = np.array([one / GRID for one in steps.flat], np.float64).reshape(steps.shape)
    return LogisticPart(
        rows.columns, rows.keys, rows.classes,
        floats[1 : 1 + numbers], floats[1 + numbers :], floats[0],
    )  # fmt: skip


def _nearest(value: Fraction) -> int:
    """Return the nearest whole number, of two the greater."""
    return math.floor(value + Fraction(1, 2))


def _unrounded(rows: StandingRows, part: LogisticPart, *, bits: int) -> Wide:
    """Return the point (width, L), in multiples of 2^-bits, of weights for rows of their own."""
    labels = columns_of_logits(len(rows.classes))
    found = np.zeros((rows.width, labels), object)
    known = zip(part.columns.tolist(), part.keys.tolist(), strict=True)
    at = {entry: place for place, entry in enumerate(known)}
    entries = [at[one] for one in zip(rows.columns.tolist(), rows.keys.tolist(), strict=True)]
    for label, weights in enumerate(_by_label(part, rows.classes, labels)):
        numbers, its_entries, intercept = weights
        total = Fraction(intercept)
        for place, (weight, power) in enumerate(zip(numbers, rows.powers, strict=True)):
            exact = Fraction(weight)
            total += exact * rows.centre[place] / (1 << STEP_BITS)
            exact *= Fraction(2) ** (power - STEP_BITS)
            found[1 + place, label] = _nearest(exact * (1 << bits))
        for place, entry in enumerate(entries):
            found[1 + len(numbers) + place, label] = _nearest(
                Fraction(its_entries[entry]) * (1 << bits)
            )
        found[0, label] = _nearest(total * (1 << bits))
    return found


def _by_label(
    part: LogisticPart, classes: Integers, labels: int
) -> Iterator[tuple[list[float], list[float], float]]:
    """Yield the weights of each column of logits of some of a part's classes."""
    arrays = [np.atleast_2d(one) for one in (part.numbers, part.entries, part.intercepts)]
    if len(part.classes) == 2:  # the first class has none
        arrays = [np.concatenate([np.zeros_like(one), one], axis=1) for one in arrays]
    for place in np.searchsorted(part.classes, classes)[len(classes) - labels :]:
        first = np.searchsorted(part.classes, classes[0])
        told = [one[:, place] - (one[:, first] if labels < len(classes) else 0) for one in arrays]
        yield told[0].tolist(), told[1].tolist(), float(told[2][0])
