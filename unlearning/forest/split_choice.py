"""Which candidate splits a node: the first that is nearly the best, told in whole numbers.

With `n` the weight of a node, `a` and `b` those of the two sides, and for each class, or for the
values, T the node's sum and L the left side's, a split takes off the impurity of the rows

    G / n,   G = sum of (n L - a T)^2 / (a b)

whether that is Gini's or, for values, the variance. A node splits by the first of its candidates,
in the order in which they were drawn, whose G is at least 7/8 of the largest. Among many candidates
two are always nearly as good as one another, and which is better changes with every row; which is
the first good one changes seldom. So a deletion grows little again.

Values are told from the whole part of their mean, which changes no G and keeps the numbers small.
Floats say where a G lies clearly to one side of the bound; the others are compared as fractions of
whole numbers. So no rounding and no order of rows has a say in it. A side must weigh enough, and a
split must tell something: G is above zero.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from unlearning.forest.forest_rows import Integers, Mask

ENOUGH, OF = 7, 8
MARGIN = 2.0**-40
NONE = -1
EXACT = 1 << 31
"""Sums up to which products with weights are taken in whole numbers."""

Floats = npt.NDArray[np.float64]


def best_of(left: Integers, totals: Integers, there: Mask, *, leaf: int, classes: int) -> Integers:
    """Return by which candidate each node splits (m,), or NONE.

    `left` (m, C, V) are the sums of the candidates' left sides, `totals` (m, V) the nodes', `there`
    (m, C) which candidates there are, `leaf` the least weight of a side.
    """
    found = np.full(len(left), NONE, np.int64)
    if not left.size:
        return found
    if not classes:
        left, totals = _from_the_mean(left, totals)
    whole = (totals.sum(axis=1) if classes else totals[:, 0])[:, np.newaxis]
    a = left.sum(axis=2) if classes else left[:, :, 0]
    b = whole - a
    fit = there & (a >= leaf) & (b >= leaf)
    tops = slice(None) if classes else slice(1, None)
    squares = _apart(left[:, :, tops], totals[:, np.newaxis, tops], whole, a)
    near = np.where(fit, (squares * squares).sum(axis=2), 0.0) / np.maximum(a * b, 1)
    most = near.max(axis=1)
    bound = (most * ENOUGH / OF)[:, np.newaxis]
    clearly = near >= bound * (1 + MARGIN)
    splits = np.flatnonzero(most > 0)
    found[splits] = clearly[splits].argmax(axis=1)
    unclear = ~clearly & (near >= bound * (1 - MARGIN)) & (near > 0)
    for node in splits[unclear[splits].any(axis=1)]:
        best = np.flatnonzero(near[node] >= most[node] * (1 - MARGIN))
        told = [
            exact(left[node, place, tops], totals[node, tops], int(whole[node, 0]),
                   int(a[node, place]))
            for place in best
        ]  # fmt: skip
        for place in np.flatnonzero(unclear[node, : found[node]]):
            top, bottom = exact(
                left[node, place, tops], totals[node, tops], int(whole[node, 0]),
                int(a[node, place]),
            )  # fmt: skip
            if all(OF * top * under >= ENOUGH * over * bottom for over, under in told):
                found[node] = place
                break
    return found


def _from_the_mean(left: Integers, totals: Integers) -> tuple[Integers, Integers]:
    """Return sums of values as they are from the whole part of a node's mean on."""
    middle = totals[:, 1] // np.maximum(totals[:, 0], 1)
    sides = left[:, :, 1] - left[:, :, 0] * middle[:, np.newaxis]
    rest = totals[:, 1] - totals[:, 0] * middle
    return np.stack([left[:, :, 0], sides], axis=2), np.stack([totals[:, 0], rest], axis=1)


def _apart(left: Integers, totals: Integers, whole: Integers, a: Integers) -> Floats:
    """Return n L - a T (m, C, V); exactly, where the sums are small, and else nearly."""
    small = np.abs(left) < EXACT
    exact = np.where(small, left, 0) * whole[:, :, np.newaxis] - totals * a[:, :, np.newaxis]
    more = np.where(small, 0.0, left.astype(np.float64) * whole[:, :, np.newaxis])
    found: Floats = exact.astype(np.float64) + more
    return found


def exact(left: Any, totals: Any, whole: int, a: int) -> tuple[int, int]:
    """Return the two parts of a G."""
    pairs = zip(left.tolist(), totals.tolist(), strict=True)
    top = sum((whole * one - a * total) ** 2 for one, total in pairs)
    return top, a * (whole - a)
