"""What a forest tells of rows, and how much each feature does for it.

A tree that holds rows tells the shares of the classes at the node where a row ends, or their mean
value; the forest tells the mean of its trees (Breiman 2001, "Random Forests"). A feature's
importance is what its splits take off the impurity of all rows, summed over nodes and trees, as a
share of all that is taken off.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from lineage_store.errors import CheckFailed
from unlearning.forest.forest_rows import ForestRows, Integers
from unlearning.forest.growth import goes_left
from unlearning.forest.trees import LEAF, Places, Trees

Floats = npt.NDArray[np.float64]


def answers_of(trees: Trees, rows: ForestRows) -> Floats:
    """Return the shares (n, classes) of rows, or their values (n, 1) in steps.

    Raises CheckFailed for trees of other columns than the rows have.
    """
    if trees.feature.max(initial=LEAF) >= rows.features.shape[1]:
        raise CheckFailed("The trees are of other columns than the rows: nothing was changed.")
    total = np.zeros((len(rows), rows.classes or 1))
    number, rights = 0, trees.rights
    for root in roots_of(trees):
        at = _ends(trees, rights, root, rows)
        total += leaf_answers(trees.totals[at], classes=rows.classes)
        number += 1
    if not number:  # the draws gave no tree a row
        return np.full_like(total, 1 / rows.classes if rows.classes else 0)
    return total / number


def leaf_answers(totals: Integers, *, classes: int) -> Floats:
    """Return what nodes with these totals (m, V) tell, (m, classes) or (m, 1)."""
    exact = totals.astype(np.float64)
    if classes:
        told: Floats = exact / exact.sum(axis=1, keepdims=True)
    else:
        told = exact[:, 1:] / exact[:, :1]
    return told


def importances(trees: Trees, *, features: int, classes: int) -> Floats:
    """Return each feature's importance, (features,), which sum to one if there is any split."""
    parents = np.flatnonzero(trees.feature != LEAF)
    impurities = _impurity(trees.totals, classes)
    sides = impurities[parents + 1] + impurities[trees.rights[parents]]
    less = impurities[parents] - sides
    found: Floats = np.bincount(trees.feature[parents], less, features).astype(np.float64)
    total = found.sum()
    return np.asarray(found / total if total > 0 else found, np.float64)


def nodes_apart(one: Trees, other: Trees) -> int:
    """Return how many nodes two forests do not have in common: their place, split and totals."""
    names = ("tree", "path", "depth", "feature", "threshold")
    mine, its = (
        np.column_stack([*(getattr(it, name).astype(np.int64) for name in names), it.totals])
        for it in (one, other)
    )
    _, times = np.unique(np.concatenate([mine, its]), axis=0, return_counts=True)
    return int((times == 1).sum())


def _impurity(totals: Integers, classes: int) -> Floats:
    """Return the impurity of nodes times their weight: Gini's, or what a variance says of one."""
    exact = totals.astype(np.float64)
    if classes:
        whole = exact.sum(axis=1)
        found: Floats = whole - (exact * exact).sum(axis=1) / np.maximum(whole, 1)
        return found
    # Without the squares of values, which a node and its two sides have in common.
    impurity: Floats = -(exact[:, 1] ** 2) / np.maximum(exact[:, 0], 1)
    return impurity


def roots_of(trees: Trees) -> Iterator[int]:
    """Yield where the trees that hold rows begin."""
    for root in np.flatnonzero(trees.depth == 0).tolist():
        if trees.totals[root].any():
            yield root


def _ends(trees: Trees, rights: Places, root: int, rows: ForestRows) -> Places:
    """Return the node of a tree at which each row ends, (n,)."""
    at, on = np.full(len(rows), root), np.arange(len(rows))
    while len(on := on[trees.feature[at[on]] != LEAF]):
        here = at[on]
        left = goes_left(rows, on, trees.feature[here], trees.threshold[here])
        at[on] = np.where(left, here + 1, rights[here])
    return at
