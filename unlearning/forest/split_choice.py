"""Which candidate splits a node: the purest two sides, compared in whole numbers.

With `a` and `b` the weights of the two sides, the best split has the largest

    classes   sum of squared class weights of the left / a  +  the same of the right / b     (Gini)
    values    (sum of the left)^2 / a  +  (sum of the right)^2 / b     (variance that is explained)

Values are told from the whole part of their mean, which changes no order and keeps the numbers
small. Both are fractions of whole numbers. Floats say which come near the largest, whose error is
far below the margin; among these the fractions are compared exactly, and of equal ones the first
candidate wins. So no rounding and no order of rows has a say in it.

A side must weigh enough, and a split must tell something: the two sides may not be alike.
"""

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from unlearning.forest.forest_rows import Integers, Mask

MARGIN = 2.0**-44
NONE = -1
Floats = npt.NDArray[np.float64]


def best_of(left: Integers, totals: Integers, there: Mask, *, leaf: int, classes: int) -> Integers:
    """Return the best candidate of each node (m,), or NONE.

    `left` (m, C, V) are the sums of the candidates' left sides, `totals` (m, V) the nodes', `there`
    (m, C) which candidates there are, `leaf` the least weight of a side.
    """
    if classes:
        return _best_classes(left, totals, there, leaf)
    return _best_values(left, totals, there, leaf)


def _best_classes(left: Integers, totals: Integers, there: Mask, leaf: int) -> Integers:
    whole = totals.sum(axis=1)[:, np.newaxis]
    a = left.sum(axis=2)
    b = whole - a
    right = totals[:, np.newaxis, :] - left
    alike = (left * whole[:, :, np.newaxis] == totals[:, np.newaxis, :] * a[:, :, np.newaxis]).all(
        axis=2
    )
    squares, others = (left * left).sum(axis=2), (right * right).sum(axis=2)
    fit = there & (a >= leaf) & (b >= leaf) & ~alike
    return _largest(fit, a, b, (squares, others), power=1)


def _best_values(left: Integers, totals: Integers, there: Mask, leaf: int) -> Integers:
    whole, total = totals[:, :1], totals[:, 1:]
    middle = total // np.maximum(whole, 1)
    a = left[:, :, 0]
    b = whole - a
    mine = left[:, :, 1] - a * middle
    rest = total - whole * middle
    small = np.abs(mine) <= whole  # only then can the sides have the same mean
    alike = small & (np.where(small, mine, 0) * whole == rest * a)
    fit = there & (a >= leaf) & (b >= leaf) & ~alike
    return _largest(fit, a, b, (mine, rest - mine), power=2)


def _largest(
    fit: Mask, a: Integers, b: Integers, tops: tuple[Integers, Integers], *, power: int
) -> Integers:
    """Return the first of the largest tops[0]^power / a + tops[1]^power / b of each row."""
    if not fit.size:
        return np.full(len(fit), NONE, np.int64)
    sides: list[Floats] = [top.astype(np.float64) ** power for top in tops]
    near = sides[0] / np.maximum(a, 1) + sides[1] / np.maximum(b, 1)
    near = np.where(fit, near, -1.0)
    most = near.max(axis=1)
    found: Integers = np.where(most < 0, NONE, near.argmax(axis=1)).astype(np.int64)
    close = fit & (near >= (most * (1 - MARGIN))[:, np.newaxis])
    for node in np.flatnonzero((close.sum(axis=1) > 1) & (most >= 0)):
        found[node] = _exactly(np.flatnonzero(close[node]), a[node], b[node],
                               (tops[0][node], tops[1][node]), power)  # fmt: skip
    return found


def _exactly(
    places: npt.NDArray[np.int64],
    a: Integers,
    b: Integers,
    tops: tuple[Integers, Integers],
    power: int,
) -> int:
    best, most = NONE, Fraction(-1)
    seen = set()
    for place in places.tolist():
        told = int(a[place]), int(b[place]), int(tops[0][place]), int(tops[1][place])
        if told in seen:
            continue
        seen.add(told)
        value = Fraction(told[2] ** power, told[0]) + Fraction(told[3] ** power, told[1])
        if value > most:
            best, most = place, value
    return best
