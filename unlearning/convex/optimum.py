"""The optimum of penalised logistic regression, to a bound that is proven, and the same everywhere.

With rows f (`standing_rows`), classes y and shares p the weights are

    argmin_v  sum -log p_y(f v) + penalty / 2 |v|^2

of one column of logits for two classes, whose first has none, and of one for each of more. It is
unique: the function curves by `penalty` at least, in every direction, so that a point with
gradient g is within rho = |g| / penalty of it. The gradient is computed from whole sums and shares
of two words, so rho holds what may be wrong with it, `exp` included: each share is wrong by at most
epsilon (`double_words.share_error`), each pull by that and its last digit, and no coordinate of all
rows together is more than what they count for. Nothing of it depends on the order of rows or sums,
nor on a processor.

Newton's steps, halved until the gradient shrinks (which some half does: the steps lead down |g|^2),
end where rho is at most TAU. Curvature need not be exact: a wrong one costs steps. It is kept while
it serves, and what was seen of the gradient since corrects it (BFGS; Nocedal 1980). All of it is
whole numbers, products of single doubles, roots and quotients, each rounded once; so what is found
from nothing is a function of the set of rows.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from lineage_store.errors import BadInput
from unlearning.convex.double_words import (
    DoubleWord,
    Floats,
    less,
    share_error,
    shares_of,
    times_one,
)
from unlearning.convex.standing_rows import PULL_LIMBS, StandingRows
from unlearning.convex.whole_products import Wide, limbs_of_two_words

TAU = Fraction(1, 1 << 44)
MOST_LOOKS, FEW_LOOKS, MOST_HALVES = 400, 12, 40
SERVES = 32
"""A step that makes the gradient so many times smaller was told by a curvature that serves."""

MOST_ROWS = 1 << 24
MOST_WEIGHTS = 1_024


@dataclass(frozen=True)
class Point:
    """A point (width, L) of whole multiples of 2^-bits, and what was found there.

    `gradient` is in multiples of 2^-unit; `rho` bounds the distance from the optimum; `shares` are
    those of the rows, (K, n).
    """

    weights: Wide
    bits: int
    gradient: Wide
    unit: int
    rho: Fraction
    shares: Floats

    @property
    def square(self) -> int:
        """The square of the gradient, in multiples of 2^-(2 unit)."""
        return int((self.gradient * self.gradient).sum())


def columns_of_logits(classes: int) -> int:
    """Return how many columns of weights so many classes have."""
    return classes if classes > 2 else max(classes - 1, 0)


def must_fit(rows: StandingRows, *, penalty: float) -> None:
    """Raise BadInput for more rows or weights than there can be, or too small a penalty for them.

    Without rows, entries or classes that were there what fits still fits.
    """
    if rows.total > MOST_ROWS:
        raise BadInput(
            f"A part has rows of more than {MOST_ROWS:,} together, which its sums cannot hold "
            f"exactly: train with more shards."
        )
    weights = rows.width * columns_of_logits(len(rows.classes))
    if weights > MOST_WEIGHTS:
        raise BadInput(
            f"{rows.width:,} numbers and different texts make {weights:,} weights, and at most "
            f"{MOST_WEIGHTS:,} are learnt together: leave the column of texts out that has most "
            f"(`drop`), or take another family."
        )
    if rows.total * math.sqrt(weights) > 2.0**48 * penalty:
        raise BadInput(
            f"A `penalty` of {penalty} is too small for so many rows: what they tell could not be "
            f"computed exactly enough; take a larger one."
        )


def bits_for(rows: StandingRows, *, penalty: float) -> int:
    """Return how fine a point's multiples are: so that rounding to them moves rho by no more
    than a part of TAU, however much the rows curve the function.
    """
    weights = rows.width * max(columns_of_logits(len(rows.classes)), 1)
    curved = 2 * rows.total.bit_length() + 2 * weights.bit_length()
    return 52 + curved + max(0, -math.frexp(penalty)[1] + 1)


def looked_at(rows: StandingRows, weights: Wide, *, bits: int, penalty: float) -> Point:
    """Return a point (width, L) of multiples of 2^-bits, with what is found there."""
    classes, labels = len(rows.classes), weights.shape[1]
    shares, largest = np.ones((classes, len(rows.counts))), 0.0
    if not labels:  # of one class there is nothing to tell
        return Point(weights, bits, weights, 0, Fraction(0), shares)
    free = range(classes - labels, classes)

    def pulls() -> Iterator[tuple[slice, list[Floats]]]:
        nonlocal largest
        for block in rows.blocks:
            logits = rows.times(weights, block, bits=bits)
            largest = max(largest, *(float(np.abs(one.high).max()) for one in logits))
            nothing = np.zeros(len(logits[0].high))
            if labels < classes:
                logits = [DoubleWord(nothing, nothing), *logits]
            told, limbs = shares_of(logits), []
            for place in free:
                shares[place, block] = told[place].high
                there = (rows.which[block] == place).astype(np.float64)
                apart = less(told[place], DoubleWord(there, nothing))
                pull = times_one(apart, rows.counts[block].astype(np.float64))
                limbs.append(limbs_of_two_words(pull, limbs=PULL_LIMBS))
            if labels < classes:
                shares[0, block] = told[0].high
            yield block, [np.stack(one) for one in zip(*limbs, strict=True)]

    summed = rows.pulled(pulls(), labels=labels)
    exact = Fraction(penalty)
    shift = exact.denominator.bit_length() - 1
    unit = max(rows.bits_of_pull, bits + shift)
    gradient = summed << (unit - rows.bits_of_pull)
    gradient = gradient + (weights * exact.numerator << (unit - bits - shift))
    error, below = share_error(classes, largest=largest)
    wrong = Fraction(error + 5, 1 << below) + Fraction(1, 1 << 97)
    length = math.isqrt(int((gradient * gradient).sum())) + 1
    most = math.isqrt(weights.size) + 1
    rho = (Fraction(length, 1 << unit) + wrong * rows.total * most) / exact
    return Point(weights, bits, gradient, unit, rho, shares)


def curvature_at(rows: StandingRows, point: Point, *, penalty: float) -> Floats:
    """Return how the function curves at a point, (width L, width L), near enough to step by."""
    classes, labels = len(point.shares), point.weights.shape[1]
    first, width = classes - labels, rows.width
    found = np.zeros((labels, width, labels, width))
    for one in range(labels):
        own = point.shares[first + one]
        rest = np.zeros(len(own))
        for other in range(classes):
            if other != first + one:
                rest = rest + point.shares[other]
        for other in range(one, labels):
            weights = own * (rest if other == one else point.shares[first + other])
            sums = rows.curvature(weights, penalty=penalty)
            found[one, :, other] = found[other, :, one] = sums if other == one else -sums
    square = found.reshape(labels * width, labels * width)
    square[np.diag_indices(len(square))] += penalty
    return square


@dataclass(frozen=True)
class Eliminated:
    """A symmetric matrix (d, d), eliminated without pivots by single products, in a fixed order."""

    upper: Floats

    @classmethod
    def of(cls, matrix: Floats) -> "Eliminated":
        """Eliminate a positive definite matrix."""
        left = matrix.copy()
        for place in range(len(left) - 1):
            row = left[place, place + 1 :]
            left[place + 1 :, place + 1 :] -= np.multiply.outer(row / left[place, place], row)
        return cls(left)

    def solved(self, wanted: Floats) -> Floats:
        """Return what the matrix makes (d,) of."""
        found = wanted.copy()
        for place in range(len(found)):
            factor = found[place] / self.upper[place, place]
            found[place + 1 :] -= self.upper[place, place + 1 :] * factor
        for place in reversed(range(len(found))):
            found[place] /= self.upper[place, place]
            found[:place] -= self.upper[:place, place] * found[place]
        return found


@dataclass
class Curvature:
    """How the function curves, eliminated, and corrected by the steps that were taken since."""

    known: Eliminated
    taken: list[tuple[Floats, Floats, float]] = field(default_factory=list)

    def add(self, step: Floats, change: Floats) -> None:
        """Note by how much a step changed the gradient."""
        along = _dot(step, change)
        if along > 0:
            self.taken.append((step, change, 1 / along))

    def step(self, gradient: Floats) -> Floats:
        """Return the step down a gradient, but for its sign (two loops, Nocedal 1980)."""
        shares = []
        for step, change, inverse in reversed(self.taken):
            shares.append(inverse * _dot(step, gradient))
            gradient = gradient - shares[-1] * change
        found = self.known.solved(gradient)
        for (step, change, inverse), share in zip(self.taken, reversed(shares), strict=True):
            found = found + step * (share - inverse * _dot(change, found))
        return found


def _dot(one: Floats, other: Floats) -> float:
    return math.fsum(one * other)  # whose result no order of the sum decides


def optimum(rows: StandingRows, *, penalty: float) -> Point:
    """Return a point within TAU of the optimum, from nothing.

    Raises BadInput if many steps do not get there.
    """
    nothing = np.zeros((rows.width, columns_of_logits(len(rows.classes))), object)
    found = _stepped(rows, nothing, penalty=penalty, most=MOST_LOOKS)
    if found is None:
        raise BadInput(
            f"The weights of a part did not come near enough to their optimum in {MOST_LOOKS:,} "
            f"looks at its rows: take a larger `penalty`, or declare what one is in columns of "
            f"large numbers (`scales`)."
        )
    return found


def optimum_near(rows: StandingRows, *, penalty: float, start: Wide) -> Point | None:
    """Return the same from a start (width, L), as `bits_for` says; None if few steps do not do."""
    return _stepped(rows, start, penalty=penalty, most=FEW_LOOKS)


def _stepped(rows: StandingRows, start: Wide, *, penalty: float, most: int) -> Point | None:
    bits = bits_for(rows, penalty=penalty)
    point, looks, curved = looked_at(rows, start, bits=bits, penalty=penalty), 1, None
    while point.rho > TAU:
        if curved is None:
            curved = Curvature(Eliminated.of(curvature_at(rows, point, penalty=penalty)))
        step = curved.step(_floats(point.gradient, point.unit))
        if not np.isfinite(step).all():
            return None
        for halves in range(MOST_HALVES):
            looks += 1
            if looks > most:
                return None
            moved = _whole(step, bits - halves).reshape(start.T.shape).T
            after = looked_at(rows, point.weights - moved, bits=bits, penalty=penalty)
            parts = 4 << halves  # less by at least a quarter of what the whole step would be
            if after.square * parts**2 <= point.square * (parts - 1) ** 2:
                break
        else:
            return None
        if after.square * SERVES**2 > point.square:
            curved = None
        else:
            change = _floats(after.gradient - point.gradient, point.unit)
            curved.add(-np.ldexp(step, -halves), change)
        point = after
    return point


def _floats(numbers: Wide, unit: int) -> Floats:
    """Return multiples of 2^-unit (width, L) as doubles, one column after another."""
    return np.array([int(one) / (1 << unit) for one in numbers.T.flat], np.float64)


def _whole(step: Floats, bits: int) -> Wide:
    """Return doubles (d,) as whole multiples of 2^-bits."""
    return np.array([int(np.ldexp(one, bits)) for one in step], object)
