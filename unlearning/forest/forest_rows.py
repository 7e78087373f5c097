"""The rows of a forest's part, as its trees read them: whole numbers that compare alike anywhere.

A number is its float32 in numeric order as an integer, one that is missing less than all of them; a
text is the key of its value, of which two are equal or not. A class is its number among the
table's, a value the steps of a public grid.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from unlearning.forest.draws import Hashes

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MISSING = -(1 << 40)
MOST_WEIGHT = (1 << 31) - 1
MOST_STEPS = 1 << 61


@dataclass(frozen=True)
class ForestRows:
    """Rows in row-key order, so that a row's place is the order of its key.

    `keys` (n, 2) are the halves of the row keys, `features` (n, F) what is compared, `by_value`
    (F,) says which are equal or not, and `stats` (n, V) is what a row adds to the nodes that it is
    in: its weight under its class; or, of values, its weight and its weight times its value.
    `classes` is V, or 0 for values.
    """

    keys: Hashes
    features: Integers
    by_value: Mask
    stats: Integers
    classes: int

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, places: npt.NDArray[np.int64]) -> "ForestRows":
        """Return the rows at these places, which ascend."""
        return ForestRows(
            self.keys[places],
            self.features[places],
            self.by_value,
            self.stats[places],
            self.classes,
        )


def halves(row_keys: npt.NDArray[np.uint8]) -> Hashes:
    """Return row keys (n, 16) as halves (n, 2), which order as the keys do."""
    return np.ascontiguousarray(row_keys).view(">u8").astype(np.uint64)


def ordered(numbers: npt.NDArray[np.float32]) -> Integers:
    """Return numbers as integers in the same order, a missing one as MISSING."""
    bits = np.ascontiguousarray(numbers + np.float32(0)).view(np.int32)  # -0.0 becomes 0.0
    whole = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
    return np.where(np.isnan(numbers), np.int64(MISSING), whole)


def class_stats(classes: Integers, weights: Integers, *, number: int) -> Integers:
    """Return what rows of classes, by their numbers, add to a node, (n, number)."""
    found = np.zeros((len(classes), number), np.int64)
    found[np.arange(len(classes)), classes] = weights
    _must_hold(weights)
    return found


def value_stats(steps: Integers, weights: Integers) -> Integers:
    """Return what rows of values add to a node, (n, 2)."""
    _must_hold(weights)
    most = int(np.abs(steps).max(initial=0)) * max(int(weights.sum()), 1)
    if most > MOST_STEPS:
        raise BadInput(
            "The values of the label are too large for so many rows to be summed exactly: declare "
            "a larger scale for the label (`scales`)."
        )
    return np.stack([weights, weights * steps], axis=1)


def _must_hold(weights: Integers) -> None:
    if len(weights) and int(weights.sum()) > MOST_WEIGHT:
        raise BadInput(
            f"The rows of a part count for more than {MOST_WEIGHT:,}, which a forest cannot count "
            f"exactly: train with more shards."
        )
