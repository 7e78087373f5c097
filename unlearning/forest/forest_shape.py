"""How a forest grows, which no row decides about."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]

FEWEST = 8
"""Candidates that a node has at least, as long as it has as many rows."""

DEEPEST = 60
"""Levels whose turns, left or right, fit into one whole number."""


@dataclass(frozen=True)
class ForestShape:
    """How many trees, the share of the rows that each has, and how its nodes split.

    `depth` is the most levels below a root, at most DEEPEST; `leaf` the least weight of a side;
    `candidates` the most splits that a node chooses among, of which there is one for four rows, and
    at least FEWEST. What stands below a node of at most `bush` rows is grown again when one of them
    goes.
    """

    trees: int = 100
    share: float = 0.2
    depth: int = 24
    leaf: int = 2
    candidates: int = 128
    bush: int = 32
    seed: int = 0

    def candidates_at(self, rows: Counts) -> Counts:
        """Return among how many candidates nodes of so many rows (n,) choose."""
        most = np.minimum(np.maximum(rows // 4, FEWEST), self.candidates)
        found: Counts = np.minimum(most, rows)
        return found
