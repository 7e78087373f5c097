"""Trees in memory: arrays of nodes, of the rows they hold, and of the candidates they chose among.

Nodes stand in the order in which a tree is walked, the left side first, tree after tree. A node's
`path` has a bit for each turn from the root on, the uppermost first, 1 for right; so that order is
that of (tree, path, depth), and no node needs to know where another stands.

A node is *open* if it has more rows than a bush, stands above the greatest depth, and not all its
rows are of one class: of an open node the candidates are kept. Rows are held by the uppermost nodes
that are not open, and by open ones that found no split; what stands below the former is a *bush*.
It is small, and grown again when one of its rows goes.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from unlearning.forest.draws import Hashes, child_keys
from unlearning.forest.forest_rows import Integers, Mask
from unlearning.forest.forest_shape import ForestShape

LEAF = -1
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trees:
    """Nodes (N,), held rows (E,) and candidates (C,), each in their one order.

    `tree`, `path`, `depth` and `key` say where a node stands; `feature` and `threshold` how it
    splits (LEAF, 0: not at all); `totals` (N, V) are the sums of its rows and `rows` (N,) how many
    they are. `holder` and `held` are the node that holds a row and the row's place, those of one
    node ascending; `chooser`, `candidate` and `left` (C, V) the node that chose, the row that
    proposed a split and the sums of its left side, those of one node as they were drawn.
    """

    tree: Integers
    path: Hashes
    depth: Integers
    key: Hashes
    feature: Integers
    threshold: Integers
    totals: Integers
    rows: Integers
    holder: Places
    held: Places
    chooser: Places
    candidate: Places
    left: Integers

    def __len__(self) -> int:
        return len(self.tree)

    @property
    def rights(self) -> Places:
        """Where the right child of each node stands, (N,); the left one follows its node."""
        found = np.full(len(self), LEAF, np.int64)
        splits = self.feature != LEAF
        for depth in range(int(self.depth.max(initial=0))):
            parents = np.flatnonzero(splits & (self.depth == depth))
            turned = (self.path >> np.uint64(62 - depth)) & np.uint64(1)
            found[parents] = np.flatnonzero((self.depth == depth + 1) & (turned == 1))
        return found

    @property
    def ends(self) -> Places:
        """Where the nodes below each node end, (N,)."""
        found = np.arange(1, len(self) + 1)
        rights = self.rights
        for depth in range(int(self.depth.max(initial=0)), -1, -1):
            parents = np.flatnonzero((self.feature != LEAF) & (self.depth == depth))
            found[parents] = found[rights[parents]]
        return found


NODES = ("tree", "path", "depth", "key", "feature", "threshold", "totals", "rows")
HELD = ("holder", "held")
CANDIDATES = ("chooser", "candidate", "left")


def is_open(
    rows: Integers, depth: Integers, totals: Integers, shape: ForestShape, *, classes: int
) -> Mask:
    """Say which nodes are open."""
    pure = of_one_class(totals, classes=classes)
    found: Mask = (rows > shape.bush) & (depth < shape.depth) & ~pure
    return found


def of_one_class(totals: Integers, *, classes: int) -> Mask:
    """Say of which nodes (m,) all rows are of one class; of values that is not told."""
    if not classes:
        return np.zeros(len(totals), np.bool_)
    found: Mask = totals.max(axis=1) == totals.sum(axis=1)
    return found


def turned(path: Hashes, depth: Integers, side: int) -> Hashes:
    """Return the paths of the children on a side."""
    bit = np.uint64(side) << (np.uint64(62) - depth.astype(np.uint64))
    found: Hashes = path | bit
    return found


def in_order(parts: list[Trees]) -> Trees:
    """Return the nodes of several, of which no two are at one place, in their order."""
    sizes = np.cumsum([0, *(len(one) for one in parts)])
    joined = {
        one.name: np.concatenate([getattr(part, one.name) for part in parts])
        for one in fields(Trees)
        if one.name not in ("holder", "chooser")
    }
    order = np.lexsort((joined["depth"], joined["path"], joined["tree"]))
    where = np.empty(len(order), np.int64)
    where[order] = np.arange(len(order))
    for name in NODES:
        joined[name] = joined[name][order]
    for name, names in (("holder", HELD), ("chooser", CANDIDATES)):
        nodes = np.concatenate(
            [getattr(part, name) + start for part, start in zip(parts, sizes[:-1], strict=True)]
        )
        joined[name] = where[nodes.astype(np.int64)]
        again = np.argsort(joined[name], kind="stable")
        for one in names:
            joined[one] = joined[one][again]
    return Trees(**joined)


def keys_below(trees: Integers, path: Hashes, depth: Integers, roots: Hashes) -> Hashes:
    """Return the keys of nodes that are told by their turns; `roots` are those of the trees."""
    keys = roots[trees]
    for level in range(int(depth.max(initial=0))):
        below = depth > level
        right = ((path >> np.uint64(62 - level)) & np.uint64(1)) == 1
        keys = np.where(below, np.where(right, child_keys(keys, 1), child_keys(keys, 0)), keys)
    return keys
