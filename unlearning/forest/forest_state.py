"""A forest as it stands on disk: a function of the set of rows that it was grown from.

Served (`weights/`), by node, as the trees are walked (`trees`):

    depth      uint8; a tree begins where it is 0
    feature    int32, by which a node splits, or -1
    threshold  int64, what of that feature goes left: at most this number, or this value
    totals     (N, V): the rows' weights by class, int32; or weights and weighed values, int64

The trail, which deletions walk on, and which nobody is served:

    held       int32 by node: how many rows it holds
    keys       (E, 16) uint8: the row keys of these, node by node, sorted
    candidate  uint32 by open node, as drawn: which of the tree's held rows proposed a split
    left       (C, V): the sums of the left sides, as the totals are

There is no pointer, no number of a row and no free place in it. What follows from these is told
again as they are read: paths and keys of nodes, rows below, how many candidates there are.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lineage_store.errors import CheckFailed
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.forest.draws import Hashes, tree_keys
from unlearning.forest.forest_rows import ForestRows, Integers, halves
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.trees import LEAF, Places, Trees, is_open, keys_below

TRAIL = "trail/"


def to_state(trees: Trees, rows: ForestRows) -> State:
    """Return the arrays of trees by name; `rows` are those that their places are of."""
    held = np.bincount(trees.holder, minlength=len(trees))
    wide = np.int32 if rows.classes else np.int64
    keys = rows.keys[trees.held].astype(">u8").view(np.uint8).reshape(-1, 16)
    return {
        f"{WEIGHTS}depth": trees.depth.astype(np.uint8),
        f"{WEIGHTS}feature": trees.feature.astype(np.int32),
        f"{WEIGHTS}threshold": trees.threshold,
        f"{WEIGHTS}totals": trees.totals.astype(wide),
        f"{TRAIL}held": held.astype(np.int32),
        f"{TRAIL}keys": keys,
        f"{TRAIL}candidate": _positions(trees, len(rows)).astype(np.uint32),
        f"{TRAIL}left": trees.left.astype(wide),
    }


def from_state(state: State, rows: ForestRows, shape: ForestShape) -> Trees:
    """Read trees back; `rows` has all rows that they hold.

    Raises CheckFailed if one is missing, or if the arrays are of no forest.
    """
    depth = state[f"{WEIGHTS}depth"].astype(np.int64)
    feature = state[f"{WEIGHTS}feature"].astype(np.int64)
    totals = state[f"{WEIGHTS}totals"].astype(np.int64)
    held_here = state[f"{TRAIL}held"].astype(np.int64)
    sizes = len(totals), len(state[f"{WEIGHTS}threshold"]), len(held_here)
    _must_be_trees(depth, feature, sizes)
    held = _places_of(state[f"{TRAIL}keys"], rows)
    left = state[f"{TRAIL}left"].astype(np.int64)
    position = state[f"{TRAIL}candidate"].astype(np.int64)
    walk = depth, feature, state[f"{WEIGHTS}threshold"], totals, held_here
    found = walked(walk, (held, position, left), shape, classes=rows.classes)
    starts = np.concatenate([[0], np.cumsum(held_here)])[np.flatnonzero(depth == 0)]
    return replace(found, candidate=held[starts[found.tree[found.chooser]] + position])


def walked(
    nodes: tuple[Integers, Integers, Integers, Integers, Integers],
    rows: tuple[Places, Places, Integers],
    shape: ForestShape,
    *,
    classes: int,
) -> Trees:
    """Return trees of nodes as they are walked, and the rows of these.

    `nodes` are depth, feature, threshold, totals, and how many rows each holds; `rows` those that
    are held, and the candidates with their left sums. Raises CheckFailed where these do not fit.
    """
    depth, feature, threshold, totals, held_here = nodes
    held, candidate, left = rows
    tree, path = np.cumsum(depth == 0) - 1, _paths(depth, feature)
    holder = np.repeat(np.arange(len(depth)), held_here)
    roots = tree_keys(shape.trees, seed=shape.seed)
    if tree[-1] + 1 != len(roots) or len(holder) != len(held):
        raise _damaged()
    keys, none = keys_below(tree, path, depth, roots), np.zeros(0, np.int64)
    bare = Trees(
        tree, path, depth, keys, feature, threshold, totals, none,
        holder, held, none, candidate, left,
    )  # fmt: skip
    before = np.concatenate([[0], np.cumsum(held_here)])
    count = before[bare.ends] - before[:-1]
    open_ = is_open(count, depth, totals, shape, classes=classes)
    chooser = np.repeat(np.arange(len(depth)), np.where(open_, shape.candidates_at(count), 0))
    if not len(chooser) == len(left) == len(candidate):
        raise _damaged()
    return replace(bare, rows=count, chooser=chooser)


def _positions(trees: Trees, rows: int) -> Places:
    """Return where each candidate stands among the rows that its tree holds."""
    mine = trees.tree[trees.holder] * rows + trees.held
    order = np.argsort(mine)
    wanted = trees.tree[trees.chooser] * rows + trees.candidate
    first = np.searchsorted(trees.tree[trees.holder], trees.tree[trees.chooser])
    found: Places = order[np.searchsorted(mine, wanted, sorter=order)] - first
    return found


def _paths(depth: Integers, feature: Integers) -> Hashes:
    """Return each node's turns: after one that splits comes its left child, else a right one."""
    right = np.zeros(len(depth), np.uint64)
    right[1:] = (feature[:-1] == LEAF) & (depth[1:] > 0)
    path, places = np.zeros(len(depth), np.uint64), np.arange(len(depth))
    for level in range(1, int(depth.max(initial=0)) + 1):
        last = np.maximum.accumulate(np.where(depth == level, places, 0))
        path |= np.where(depth >= level, right[last] << np.uint64(63 - level), np.uint64(0))
    return path


def _places_of(keys: Array, rows: ForestRows) -> Places:
    """Return where the rows with these keys stand."""
    wanted = halves(keys)
    found = np.searchsorted(rows.keys[:, 0], wanted[:, 0])
    found = np.minimum(found, max(len(rows) - 1, 0))
    for place in np.flatnonzero((rows.keys[found] != wanted).any(axis=1)) if len(rows) else []:
        same = np.flatnonzero((rows.keys == wanted[place]).all(axis=1))
        if not len(same):
            raise _damaged()
        found[place] = same[0]  # two keys with one upper half
    if len(keys) and not len(rows):
        raise _damaged()
    return found


def _must_be_trees(depth: Integers, feature: Integers, sizes: Sequence[int]) -> None:
    """Check that nodes are of whole trees, in order, and that there is as much of everything."""
    if {*sizes, len(feature)} != {len(depth)} or not len(depth):
        raise _damaged()
    splits = feature != LEAF
    left, right = np.zeros((2, len(depth)), np.bool_)
    left[1:] = splits[:-1]
    right[1:] = ~splits[:-1] & (depth[1:] > 0)
    levels = int(depth.max(initial=0)) + 2
    parents, others = (np.bincount(depth[one], minlength=levels) for one in (splits, right))
    if (
        depth[0]
        or splits[-1]
        or (depth[left] != depth[:-1][splits[:-1]] + 1).any()
        or (parents[:-1] != others[1:]).any()
    ):
        raise _damaged()


def _damaged() -> CheckFailed:
    return CheckFailed(
        "The trees of a part are damaged, or hold other rows than the store has: nothing was "
        "changed; restore the workspace from a backup, or ask for `strategy` retrain-shards."
    )


def served_trees(state: State) -> Trees:
    """Read what is served of trees alone; raises CheckFailed if the arrays are of no trees."""
    depth = state[f"{WEIGHTS}depth"].astype(np.int64)
    feature = state[f"{WEIGHTS}feature"].astype(np.int64)
    totals = state[f"{WEIGHTS}totals"].astype(np.int64)
    _must_be_trees(depth, feature, (len(totals), len(state[f"{WEIGHTS}threshold"])))
    none = np.zeros(0, np.int64)
    path = _paths(depth, feature)
    return Trees(
        np.cumsum(depth == 0) - 1, path, depth, np.zeros(len(depth), np.uint64), feature,
        state[f"{WEIGHTS}threshold"], totals, none, none, none, none, none, totals[:0],
    )  # fmt: skip
