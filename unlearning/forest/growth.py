"""Growing trees from rows, all nodes of a level at once: the one definition of what a forest is.

At a node every row draws a number (`draws.drawn`). The rows with the smallest ones, of equal ones
those with the smallest keys, are its candidates: each proposes the feature that its draw names, and
its own value there. A row goes left if its number is at most the candidate's, or, of a text, if it
is the same. The best candidate splits the node (`split_choice`), and both sides are nodes.

So a node is a function of the set of its rows, and so is the forest (after Brophy and Lowd 2021,
"Machine Unlearning for Random Forests", DaRE, whose draws follow one another; which rows a tree has
after Wang et al. 2024, "DynFrs").
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from unlearning.forest.draws import Hashes, child_keys, drawn, features_of, members, tree_keys
from unlearning.forest.forest_rows import ForestRows, Integers, Mask
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.split_choice import NONE, best_of
from unlearning.forest.trees import (
    CANDIDATES,
    LEAF,
    NODES,
    Places,
    Trees,
    in_order,
    is_open,
    of_one_class,
    turned,
)


@dataclass(frozen=True)
class Seedlings:
    """Nodes to be grown: where each stands, (m,), and its `rows`, of which node `of` each is.

    Rows of one node stand together and ascend, node after node; a node may have none.
    """

    tree: Integers
    path: Hashes
    depth: Integers
    key: Hashes
    of: Places
    rows: Places

    def __len__(self) -> int:
        return len(self.tree)


def grown(rows: ForestRows, shape: ForestShape) -> Trees:
    """Return the trees of some rows."""
    return in_order([nothing(rows), *(sprouted(one, rows, shape) for one in _roots(rows, shape))])


def _roots(rows: ForestRows, shape: ForestShape) -> Iterator[Seedlings]:
    keys = tree_keys(shape.trees, seed=shape.seed)
    for tree, key in enumerate(keys):
        mine = np.flatnonzero(members(key, rows.keys, share=shape.share))
        yield Seedlings(
            np.array([tree]), np.zeros(1, np.uint64), np.zeros(1, np.int64), np.array([key]),
            np.zeros(len(mine), np.int64), mine,
        )  # fmt: skip


def sprouted(start: Seedlings, rows: ForestRows, shape: ForestShape) -> Trees:
    """Return all nodes from some on down."""
    levels, level = [nothing(rows)], _Level(start, np.zeros(len(start), np.bool_))
    while len(level.nodes):
        made, level = _split(level, rows, shape)
        levels.append(made)
    return in_order(levels)


@dataclass(frozen=True)
class _Level:
    """Nodes of which all stand equally far below those that were asked for."""

    nodes: Seedlings
    in_bush: Mask


def _split(level: _Level, rows: ForestRows, shape: ForestShape) -> tuple[Trees, _Level]:
    """Return the nodes of a level, and the level below."""
    nodes, stats = level.nodes, rows.stats[level.nodes.rows]
    count = np.bincount(nodes.of, minlength=len(nodes))
    totals = _sums(stats, nodes.of, len(nodes))
    pure = of_one_class(totals, classes=rows.classes)
    splits = (count > 1) & (nodes.depth < shape.depth) & ~pure
    open_ = is_open(count, nodes.depth, totals, shape, classes=rows.classes)
    many = np.where(splits, shape.candidates_at(count), 0)
    chooser, candidate, feature = _candidates(nodes, rows, many)
    left = _left_sums(nodes, rows, stats, many, candidate, feature)
    there = np.arange(left.shape[1]) < many[:, np.newaxis]
    best = best_of(left, totals, there, leaf=shape.leaf, classes=rows.classes)
    divided = best != NONE
    at = np.cumsum(many) - many + best
    chosen = np.full(len(nodes), LEAF, np.int64)
    chosen[divided] = feature[at[divided]]
    threshold = np.zeros(len(nodes), np.int64)
    threshold[divided] = rows.features[candidate[at[divided]], chosen[divided]]
    keeps = np.repeat(open_, many)
    holds = ~level.in_bush & ((count <= shape.bush) | ~divided)
    held = holds[nodes.of]
    made = Trees(
        nodes.tree, nodes.path, nodes.depth, nodes.key, chosen, threshold, totals, count,
        nodes.of[held], nodes.rows[held],
        chooser[keeps], candidate[keeps], left[there][keeps],
    )  # fmt: skip
    on = divided[nodes.of]
    place, row = nodes.of[on], nodes.rows[on]
    right = ~goes_left(rows, row, chosen[place], threshold[place])
    parents = np.flatnonzero(divided)
    number = np.empty(len(nodes), np.int64)
    number[parents] = np.arange(len(parents)) * 2
    child = number[place] + right
    order = np.argsort(child, kind="stable")
    below = Seedlings(
        np.repeat(nodes.tree[parents], 2),
        _both(turned(nodes.path[parents], nodes.depth[parents], 0),
              turned(nodes.path[parents], nodes.depth[parents], 1)),
        np.repeat(nodes.depth[parents] + 1, 2),
        _both(child_keys(nodes.key[parents], 0), child_keys(nodes.key[parents], 1)),
        child[order], row[order],
    )  # fmt: skip
    return made, _Level(below, np.repeat((level.in_bush | (count <= shape.bush))[parents], 2))


def _both(one: Hashes, other: Hashes) -> Hashes:
    return np.stack([one, other], axis=1).reshape(-1)


def _candidates(
    nodes: Seedlings, rows: ForestRows, many: Integers
) -> tuple[Places, Places, Integers]:
    """Return who chooses, which rows propose, and by which feature: node by node, as drawn."""
    asked = np.flatnonzero((many > 0)[nodes.of])
    of, row = nodes.of[asked], nodes.rows[asked]
    draws = drawn(nodes.key[of], rows.keys[row])
    order = np.lexsort((draws, of))
    of = of[order]
    first = np.searchsorted(of, of)
    kept = (np.arange(len(of)) - first) < many[of]
    place = order[kept]
    return of[kept], row[place], features_of(draws[place], rows.features.shape[1])


def _left_sums(
    nodes: Seedlings, rows: ForestRows, stats: Integers, many: Integers, candidate: Places,
    feature: Integers,
) -> Integers:  # fmt: skip
    """Return what goes left at each candidate of each node, (m, C, V)."""
    start = np.cumsum(many) - many
    found = np.zeros((len(nodes), int(many.max(initial=0)), stats.shape[1]), np.int64)
    for rank in range(found.shape[1]):
        here = np.flatnonzero((many > rank)[nodes.of])
        of = nodes.of[here]
        one = start[of] + rank
        by = feature[one]
        side = goes_left(rows, nodes.rows[here], by, rows.features[candidate[one], by])
        gone = here[side]
        found[:, rank] = _sums(stats[gone], nodes.of[gone], len(nodes))
    return found


def goes_left(rows: ForestRows, row: Places, feature: Integers, threshold: Integers) -> Mask:
    """Say which rows go left at splits, (n,) each."""
    values = rows.features[row, feature]
    found: Mask = np.where(rows.by_value[feature], values == threshold, values <= threshold)
    return found


def _sums(stats: Integers, of: Places, number: int) -> Integers:
    """Return the sums of rows (n, V) that stand node by node, (number, V)."""
    found = np.zeros((number, stats.shape[1]), np.int64)
    if len(of):
        starts = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
        found[of[starts]] = np.add.reduceat(stats, starts, axis=0)
    return found


def nothing(rows: ForestRows) -> Trees:
    """Return no nodes, of rows like these."""
    none: dict[str, Any] = {
        name: np.zeros(0, np.int64) for name in (*NODES, "holder", "held", *CANDIDATES)
    }
    for name in ("path", "key"):
        none[name] = none[name].astype(np.uint64)
    width = rows.stats.shape[1]
    return Trees(**{**none, "totals": np.zeros((0, width), np.int64),
                    "left": np.zeros((0, width), np.int64)})  # fmt: skip
