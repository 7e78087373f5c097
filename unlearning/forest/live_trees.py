"""Trees that compiled loops work on: grown fast, and kept in memory to take row after row out.

Each tree has a stretch of three tables (`kernels`), with room to spare; one that has no room left
is grown again, whole, and all get more. Nothing here is not done by `growth` and `changes` as well,
to the same bits: this is how fast it goes where Numba is installed.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from lineage_store.errors import CheckFailed
from unlearning.forest import kernels
from unlearning.forest.draws import (
    drawn,
    features_of,
    member_bound,
    member_keys,
    members,
    mixed,
    tree_keys,
)
from unlearning.forest.forest_rows import ForestRows
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.forest_state import walked
from unlearning.forest.trees import LEAF, Places, Trees

WAITING = 128
"""Nodes that wait while a tree is walked: at most one a level, and those of the last."""

Tables = tuple[Any, Any, Any]
"""A tree's nodes, held rows and candidates."""


class _Loops:
    """The compiled loops, with the rows, the shape and the room that they work in."""

    def __init__(self, rows: ForestRows, shape: ForestShape) -> None:
        stats, most = np.ascontiguousarray(rows.stats), len(rows)
        of_class = stats.argmax(axis=1) if rows.classes else np.zeros(most, np.int64)
        table = np.ascontiguousarray(rows.features), rows.by_value, stats, of_class, rows.classes
        how = shape.leaf, shape.depth, shape.candidates, shape.bush
        self.given = np.ascontiguousarray(rows.keys), table, how
        self.width = stats.shape[1]
        self.room = (
            np.zeros(shape.candidates, np.uint64),
            np.zeros(shape.candidates),
            np.zeros((shape.candidates + 1, self.width), np.int64),
            np.zeros((WAITING, 4), np.int64),
            np.zeros(WAITING, np.uint64),
            np.zeros(most, np.int32),
        )
        self._most, self._more = most, 4 * most + 2 * shape.candidates
        self.out = self.tables(2 * most + 2, most, self._more)

    def tables(self, nodes: int, held: int, cands: int) -> Tables:
        """Return empty tables with room for so many."""
        return (
            np.zeros((nodes, kernels.SUMS + self.width), np.int64),
            np.zeros(held, np.int32),
            np.zeros((cands, kernels.LEFT + self.width), np.int64),
        )

    def grow(self, places: Places, key: np.uint64) -> Tables:
        """Return a tree of rows."""
        while True:
            sizes = kernels.grow(places.astype(np.int32), key, 0, self.given, self.room, self.out)
            if sizes[0] >= 0:
                break
            self._more *= 2
            self.out = self.tables(2 * self._most + 2, self._most, self._more)
        nodes, held, cands = (one[:size].copy() for one, size in zip(self.out, sizes, strict=True))
        return nodes, held, cands


def grown_fast(rows: ForestRows, shape: ForestShape) -> Trees:
    """Return the trees of some rows, as `growth.grown` does."""
    loops, made = _Loops(rows, shape), []
    for key in tree_keys(shape.trees, seed=shape.seed):
        mine = np.flatnonzero(members(key, rows.keys, share=shape.share))
        made.append(loops.grow(mine, key))
    return _joined(made, rows, shape)


def _joined(trees: Sequence[Tables], rows: ForestRows, shape: ForestShape) -> Trees:
    """Return trees of their tables."""
    nodes, held, cands = (np.concatenate(tables) for tables in zip(*trees, strict=True))
    columns = (kernels.DEPTH, kernels.FEATURE, kernels.THRESHOLD, kernels.HOLDS)
    depth, feature, threshold, holds = (nodes[:, one].copy() for one in columns)
    return walked(
        (depth, feature, threshold, nodes[:, kernels.SUMS :].copy(), holds),
        (
            held.astype(np.int64),
            cands[:, kernels.WHO].copy(),
            cands[:, kernels.LEFT :].copy(),
        ),
        shape,
        classes=rows.classes,
    )


class LiveTrees:
    """Trees from which rows are taken out one after another; `rows` has those that they hold."""

    def __init__(self, trees: Trees, rows: ForestRows, shape: ForestShape) -> None:
        self._rows, self._shape, self._loops = rows, shape, _Loops(rows, shape)
        self._roots = tree_keys(shape.trees, seed=shape.seed)
        self._members = member_keys(self._roots)
        self._bound = np.uint64(member_bound(shape.share))
        self._stack(_apart(trees, rows, shape))

    def _stack(self, trees: Sequence[Tables]) -> None:
        """Put trees into tables of all of them, each with room to spare."""
        self._used = np.array([[len(one) for one in tree] for tree in trees])
        sizes = (int(most) + int(most) // 4 + 256 for most in self._used.max(axis=0))
        self._tables: Any = tuple(
            np.zeros((len(trees), *one.shape), one.dtype) for one in self._loops.tables(*sizes)
        )
        for number, tree in enumerate(trees):
            for table, values in zip(self._tables, tree, strict=True):
                table[number, : len(values)] = values

    def take_out(self, places: Iterable[int]) -> None:
        """Take rows out; raises CheckFailed if a tree that should have one does not."""
        loops = self._loops
        for row in places:
            upper, lower = self._rows.keys[row]
            draws = mixed(mixed(self._members ^ upper) + lower) >> np.uint64(32)
            wanted = np.flatnonzero(draws < self._bound)
            while len(wanted):
                at = kernels.take_out_of_all(
                    row, wanted, self._roots, loops.given, loops.room, loops.out,
                    (*self._tables, self._used),
                )  # fmt: skip
                if at == LEAF:
                    break
                self._grow_again(int(wanted[at]), row)
                wanted = wanted[at + 1 :]

    def _grow_again(self, tree: int, row: int) -> None:
        """Grow a tree without a row, and give all more room."""
        trees = self._each()
        held = trees[tree][1]
        if row not in held:
            raise CheckFailed(
                "The rows to be taken out are not those that the trees hold: nothing was changed; "
                "restore the workspace from a backup, or ask for `strategy` retrain-shards."
            )
        left = np.sort(held[held != row]).astype(np.int64)
        trees[tree] = self._loops.grow(left, self._roots[tree])
        self._stack(trees)

    def _each(self) -> list[Tables]:
        nodes, held, cands = self._tables
        return [
            (nodes[tree, :some], held[tree, :rows], cands[tree, :many])
            for tree, (some, rows, many) in enumerate(self._used.tolist())
        ]

    def trees(self) -> Trees:
        """Return the trees as they are now."""
        return _joined(self._each(), self._rows, self._shape)


def _apart(trees: Trees, rows: ForestRows, shape: ForestShape) -> list[Tables]:
    """Return each tree's tables."""
    skip = np.where(trees.feature == LEAF, 0, trees.rights - np.arange(len(trees)))
    holds = np.bincount(trees.holder, minlength=len(trees))
    chosen = np.concatenate([[0], np.cumsum(np.bincount(trees.chooser, minlength=len(trees)))])
    below = chosen[trees.ends] - chosen[:-1]
    draws = drawn(trees.key[trees.chooser], rows.keys[trees.candidate])
    by = features_of(draws, rows.features.shape[1])
    at = rows.features[trees.candidate, by]
    told = (trees.depth, trees.feature, trees.threshold, trees.rows, skip, below, holds)
    whole = (
        np.column_stack([*told, trees.totals]),
        trees.held,
        np.column_stack([trees.candidate, by, at, trees.left]),
    )
    edges = (
        np.searchsorted(one, np.arange(shape.trees + 1))
        for one in (trees.tree, trees.tree[trees.holder], trees.tree[trees.chooser])
    )
    each = [
        [table[start:end] for start, end in pairwise(ends)]
        for table, ends in zip(whole, edges, strict=True)
    ]
    return list(zip(*each, strict=True))
