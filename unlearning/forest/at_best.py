"""Growing and mending as fast as this environment can: by compiled loops where Numba is installed.

The bits are the same, so whether it is there is no part of the environment that a model depends on.
Of a few rows NumPy is done before the compiled loops are loaded.
"""

from importlib.util import find_spec

import numpy as np

from unlearning.forest.changes import Moved, changed
from unlearning.forest.forest_rows import ForestRows
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.growth import grown
from unlearning.forest.trees import Places, Trees

WORTH = 100_000
"""Rows, once for each tree that has them, from which on it is worth while to load the loops."""

MANY = 64
"""One in so many rows are sooner left out of what is grown again than taken out of trees."""


def grown_at_best(rows: ForestRows, shape: ForestShape) -> Trees:
    """Return the trees of some rows (`growth.grown`)."""
    if not _are_worth_it(rows, shape):
        return grown(rows, shape)
    from unlearning.forest.live_trees import grown_fast

    return grown_fast(rows, shape)


def mended_at_best(
    trees: Trees, rows: ForestRows, shape: ForestShape, out: Places
) -> tuple[Trees, ForestRows]:
    """Return trees without some of their rows, and the rows that their places are of.

    Raises CheckFailed if the trees do not have these rows.
    """
    if not _are_worth_it(rows, shape):
        return changed(trees, rows, shape, Moved(out, np.zeros(0, np.int64))), rows
    from unlearning.forest.live_trees import LiveTrees, grown_fast

    if len(out) * MANY > len(rows):
        left = rows.take(np.setdiff1d(np.arange(len(rows)), out))
        return grown_fast(left, shape), left
    live = LiveTrees(trees, rows, shape)
    live.take_out(out)
    return live.trees(), rows


def _are_worth_it(rows: ForestRows, shape: ForestShape) -> bool:
    there = len(rows) * shape.share * shape.trees >= WORTH
    return there and find_spec("numba") is not None
