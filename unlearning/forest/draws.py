"""Every draw of a forest: a hash of the seed, the place and the row's key, and of nothing else.

A tree has a key, and so has each of its nodes: the hash of its parent's and of its side. What is
drawn at a node is a hash of its key and a row's key, so no draw depends on another row, nor on how
many draws were made before. Row keys are digests under the workspace's secret (law 1): who does not
have it cannot tell what will be drawn. Hashes are splitmix64's finaliser (Steele, Lea and Flood
2014, "Fast splittable pseudorandom number generators"), which is a permutation of 64 bits.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

GOLDEN = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
MEMBER = 0x5DEECE66D1234567
WORD = (1 << 64) - 1


def mixed(values: Hashes) -> Hashes:
    """Return the hash of each of some whole numbers of 64 bits."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(FIRST)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(SECOND)
    found: Hashes = values ^ (values >> np.uint64(31))
    return found


def drawn(keys: Hashes, rows: Hashes) -> Hashes:
    """Return what is drawn for rows, (n, 2) halves of their keys, at nodes of `keys` (n,)."""
    return mixed(mixed(keys ^ rows[:, 0]) + rows[:, 1])


def tree_keys(trees: int, *, seed: int) -> Hashes:
    """Return the keys of the roots of so many trees."""
    numbers = np.arange(1, trees + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    return mixed(mixed(numbers) ^ np.uint64(seed & WORD))


def child_keys(keys: Hashes, side: int) -> Hashes:
    """Return the keys of the left (0) or right (1) children of nodes."""
    return mixed(keys * np.uint64(GOLDEN) + np.uint64(side + 1))


def members(tree: np.uint64, rows: Hashes, *, share: float) -> npt.NDArray[np.bool_]:
    """Say of each row, (n, 2), whether it is in a tree, which has that share of all rows."""
    keys = np.full(len(rows), member_keys(tree), np.uint64)
    return (drawn(keys, rows) >> np.uint64(32)) < np.uint64(member_bound(share))


def member_keys(trees: Hashes | np.uint64) -> Any:
    """Return the keys by which trees draw their rows."""
    return trees ^ np.uint64(MEMBER)


def member_bound(share: float) -> int:
    """Return below which of 2^32 draws a row is in a tree."""
    return round(share * (1 << 32))


def features_of(draws: Hashes, features: int) -> npt.NDArray[np.int64]:
    """Return which feature each drawn row proposes to split by."""
    found: npt.NDArray[np.int64] = ((mixed(draws) >> np.uint64(33)) % np.uint64(features)).astype(
        np.int64
    )
    return found
