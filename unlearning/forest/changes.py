"""Rows taken out of trees, or put into them: what changes is what would have grown otherwise.

A row walks down from the root, and at every open node the sums of the candidates' left sides are
mended. A candidate that goes is replaced by the row that was drawn next, one that comes takes its
place if it was drawn early enough, and only what they propose is summed over the node's rows. As
long as the same split wins, the row walks on. Where another wins, and at the node that holds the
row, what is below is grown again (`growth`). So the trees are those that were never given the rows
that went, and were always given those that came.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from lineage_store.errors import CheckFailed
from unlearning.forest.draws import drawn, features_of, members, tree_keys
from unlearning.forest.forest_rows import ForestRows, Integers, Mask
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.growth import Seedlings, goes_left, sprouted
from unlearning.forest.split_choice import NONE, best_of
from unlearning.forest.trees import CANDIDATES, HELD, LEAF, NODES, Places, Trees, in_order, is_open


@dataclass(frozen=True)
class Moved:
    """Rows, by their places, that a node loses and gets."""

    out: Places
    into: Places

    def __bool__(self) -> bool:
        return bool(len(self.out) or len(self.into))


@dataclass(frozen=True)
class _Mended:
    """An open node that still splits as it did."""

    node: int
    count: int
    totals: Integers
    candidate: Places
    left: Integers


def changed(trees: Trees, rows: ForestRows, shape: ForestShape, moved: Moved) -> Trees:
    """Return the trees without the rows that go out, and with those that come in.

    `rows` has those of the trees and those that come. Raises CheckFailed if a row that goes is not
    in a tree that should have it.
    """
    walk = _Walk(trees, rows, shape)
    mended: list[_Mended] = []
    regrown: list[tuple[int, Places]] = []
    for tree, key in enumerate(tree_keys(shape.trees, seed=shape.seed)):
        mine = _members(moved, key, rows, shape)
        if mine:
            root = int(np.searchsorted(trees.tree, tree))
            for found in walk.down(root, mine):
                if isinstance(found, _Mended):
                    mended.append(found)
                else:
                    regrown.append(found)
    if not regrown:
        return trees
    nodes = np.array([node for node, _ in regrown])
    below = [places for _, places in regrown]
    start = Seedlings(
        trees.tree[nodes], trees.path[nodes], trees.depth[nodes], trees.key[nodes],
        np.repeat(np.arange(len(nodes)), [len(one) for one in below]), np.concatenate(below),
    )  # fmt: skip
    return in_order([_kept(trees, nodes, mended, walk.ends), sprouted(start, rows, shape)])


def _members(moved: Moved, key: np.uint64, rows: ForestRows, shape: ForestShape) -> Moved:
    both = (one[members(key, rows.keys[one], share=shape.share)] for one in (moved.out, moved.into))
    return Moved(*both)


class _Walk:
    """Walks down trees as they were, and says of each node what becomes of it."""

    def __init__(self, trees: Trees, rows: ForestRows, shape: ForestShape) -> None:
        self._trees, self._rows, self._shape = trees, rows, shape
        self._rights, self.ends = trees.rights, trees.ends

    def down(self, root: int, moved: Moved) -> Iterator[_Mended | tuple[int, Places]]:
        """Yield the nodes that are mended, and those that grow again with their rows."""
        waiting = [(root, moved)]
        while waiting:
            node, mine = waiting.pop()
            found = self._mended(node, mine)
            if found is None:
                yield node, self._below(node, mine)
                continue
            yield found
            sides = [self._goes_left(one, node) for one in (mine.out, mine.into)]
            for child, left in ((node + 1, True), (int(self._rights[node]), False)):
                on = Moved(mine.out[sides[0] == left], mine.into[sides[1] == left])
                if on:
                    waiting.append((child, on))

    def _goes_left(self, places: Places, node: int) -> Mask:
        trees, number = self._trees, len(places)
        feature = np.full(number, trees.feature[node])
        return goes_left(self._rows, places, feature, np.full(number, trees.threshold[node]))

    def _below(self, node: int, moved: Moved) -> Places:
        """Return the rows that a node has then."""
        start, end = np.searchsorted(self._trees.holder, [node, self.ends[node]])
        here = self._trees.held[start:end]
        if not np.isin(moved.out, here).all() or np.isin(moved.into, here).any():
            raise CheckFailed(
                "The rows to be taken out are not those that the trees hold: nothing was changed; "
                "restore the workspace from a backup, or ask for `strategy` retrain-shards."
            )
        return np.union1d(np.setdiff1d(here, moved.out), moved.into)

    def _mended(self, node: int, moved: Moved) -> _Mended | None:
        """Return an open node as it is then; None if it splits otherwise, or not."""
        trees, rows, shape = self._trees, self._rows, self._shape
        if trees.feature[node] == LEAF:
            return None
        stats = rows.stats
        count = int(trees.rows[node]) - len(moved.out) + len(moved.into)
        totals = trees.totals[node] - stats[moved.out].sum(axis=0) + stats[moved.into].sum(axis=0)
        sizes = np.array([trees.rows[node], count]), np.repeat(trees.depth[node], 2)
        both = np.stack([trees.totals[node], totals])
        if not is_open(*sizes, both, shape, classes=rows.classes).all():
            return None
        candidate, left = self._candidates(node, moved, count)
        by, at = self._proposed(node, candidate)
        there = np.ones((1, len(candidate)), np.bool_)
        (best,) = best_of(left[np.newaxis], totals[np.newaxis], there, leaf=shape.leaf,
                          classes=rows.classes)  # fmt: skip
        if best == NONE or (by[best], at[best]) != (trees.feature[node], trees.threshold[node]):
            return None
        return _Mended(node, count, totals, candidate, left)

    def _proposed(self, node: int, candidate: Places) -> tuple[Integers, Integers]:
        """Return the features and thresholds that rows propose at a node."""
        keys = np.full(len(candidate), self._trees.key[node])
        draws = drawn(keys, self._rows.keys[candidate])
        by = features_of(draws, self._rows.features.shape[1])
        return by, self._rows.features[candidate, by]

    def _candidates(self, node: int, moved: Moved, count: int) -> tuple[Places, Integers]:
        """Return a node's candidates, and the sums of their left sides, as they are then."""
        start, end = np.searchsorted(self._trees.chooser, [node, node + 1])
        old, left = self._trees.candidate[start:end], self._trees.left[start:end]
        left = left + self._sums(node, old, moved.into) - self._sums(node, old, moved.out)
        many = int(self._shape.candidates_at(np.array([count]))[0])
        stay = ~np.isin(old, moved.out)
        if stay.all() and not len(moved.into) and many == len(old):
            return old, left
        known = stay.all() and many <= len(old)
        pool = np.concatenate([old, moved.into]) if known else self._below(node, moved)
        draws = drawn(np.full(len(pool), self._trees.key[node]), self._rows.keys[pool])
        new = pool[np.lexsort((pool, draws))[:many]]
        where = {int(row): place for place, row in enumerate(old)}
        fresh = np.array([row for row in new.tolist() if row not in where], np.int64)
        added = self._sums(node, fresh, self._below(node, moved)) if len(fresh) else left[:0]
        where |= {int(row): len(old) + place for place, row in enumerate(fresh)}
        return new, np.concatenate([left, added])[[where[int(row)] for row in new]]

    def _sums(self, node: int, candidate: Places, places: Places) -> Integers:
        """Return what some rows add to the left sides of candidates, (C, V)."""
        rows = self._rows
        by, at = self._proposed(node, candidate)
        values = rows.features[np.ix_(places, by)]
        left = np.where(rows.by_value[by], values == at, values <= at)
        found: Integers = left.T.astype(np.int64) @ rows.stats[places]
        return found


def _kept(trees: Trees, regrown: Places, mended: list[_Mended], ends: Places) -> Trees:
    """Return the trees without what grows again, their open nodes mended."""
    depth = np.zeros(len(trees) + 1, np.int64)
    np.add.at(depth, regrown, 1)
    np.add.at(depth, ends[regrown], -1)
    stays = np.cumsum(depth)[:-1] == 0
    totals, count = trees.totals.copy(), trees.rows.copy()
    chosen = np.ones(len(trees), np.bool_)
    for one in mended:
        totals[one.node], count[one.node], chosen[one.node] = one.totals, one.count, False
    here, chooses = stays[trees.holder], (stays & chosen)[trees.chooser]
    number = np.cumsum(stays) - 1
    found = replace(trees, totals=totals, rows=count)
    cut = {
        one.name: getattr(found, one.name)[
            stays if one.name in NODES else here if one.name in HELD else chooses
        ]
        for one in fields(Trees)
    }
    new = {
        "chooser": [np.full(len(one.candidate), one.node) for one in mended],
        "candidate": [one.candidate for one in mended],
        "left": [one.left for one in mended],
    }
    for name in CANDIDATES:
        cut[name] = np.concatenate([cut[name], *new[name]])
    return Trees(**{**cut, "holder": number[cut["holder"]], "chooser": number[cut["chooser"]]})
