"""What a forest tells of rows, and how much each feature does for it.

A tree that holds rows tells the shares of the classes at the node where a row ends, or their mean
value; the forest tells the mean of its trees (Breiman 2001, "Random Forests"). A feature's
importance is what its splits take off the impurity of all rows, summed over nodes and trees, as a
share of all that is taken off.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from unlearning.forest.forest_rows import ForestRows, Integers
from unlearning.forest.growth import goes_left
from unlearning.forest.trees import LEAF, Places, Trees

Floats = npt.NDArray[np.float64]


def answers_of(trees: Trees, rows: ForestRows) -> Floats:
    """Return the shares (n, classes) of rows, or their values (n, 1) in steps."""
    total = np.zeros((len(rows), rows.classes or 1))
    number = 0
    for root in _roots(trees):
        at = _ends(trees, root, rows)
        total += leaf_answers(trees.totals[at], classes=rows.classes)
        number += 1
    return total / max(number, 1)


def leaf_answers(totals: Integers, *, classes: int) -> Floats:
    """Return what nodes with these totals (m, V) tell, (m, classes) or (m, 1)."""
    exact = totals.astype(np.float64)
    if classes:
        told: Floats = exact / exact.sum(axis=1, keepdims=True)
    else:
        told = exact[:, 1:] / exact[:, :1]
    return told


def importances(trees: Trees, *, features: int, classes: int) -> Floats:
    """Return the importance of each feature, (features,), which sum to one if there is any split."""
    parents = np.flatnonzero(trees.feature != LEAF)
    taken = _impurity(trees.totals, classes)
    sides = taken[parents + 1] + taken[trees.rights[parents]]
    found: Floats = np.bincount(trees.feature[parents], taken[parents] - sides, features)
    total = found.sum()
    return np.asarray(found / total if total > 0 else found, np.float64)


def _impurity(totals: Integers, classes: int) -> Floats:
    """Return the impurity of nodes times their weight: Gini's, or what a variance says of one."""
    exact = totals.astype(np.float64)
    if classes:
        whole = exact.sum(axis=1)
        found: Floats = whole - (exact * exact).sum(axis=1) / np.maximum(whole, 1)
        return found
    # Without the squares of values, which a node and its two sides have in common.
    told: Floats = -(exact[:, 1] ** 2) / np.maximum(exact[:, 0], 1)
    return told


def _roots(trees: Trees) -> Iterator[int]:
    for root in np.flatnonzero(trees.depth == 0).tolist():
        if trees.rows[root]:
            yield root


def _ends(trees: Trees, root: int, rows: ForestRows) -> Places:
    """Return the node of a tree at which each row ends, (n,)."""
    rights = trees.rights
    at, on = np.full(len(rows), root), np.arange(len(rows))
    while len(on := on[trees.feature[at[on]] != LEAF]):
        here = at[on]
        left = goes_left(rows, on, trees.feature[here], trees.threshold[here])
        at[on] = np.where(left, here + 1, rights[here])
    return at
