"""The grid on which numbers are summed: whole steps of 1/65,536 of a column's scale.

A scale is one, or what the user declares for a column (`COLUMN=NUMBER`), and never taken from the
data: a scale that rows decide about moves with the row that goes, and all sums with it. A number
beyond 2^31 scales counts as that many, one below half a step as none; who has such numbers declares
a scale. A step is a whole number of 48 bits, so that products of two, summed over 2^31 rows, fit
into 128.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.data import Schema
from lineage_store.errors import BadInput

Steps = npt.NDArray[np.int64]

STEPS_OF_ONE = 1 << 16
LIMIT = 1 << 47


@dataclass(frozen=True)
class Grid:
    """What one step is worth: `numbers` (M,) float64 scales of the columns, `label` the label's."""

    numbers: npt.NDArray[np.float64]
    label: float = 1.0

    def of_numbers(self, values: npt.NDArray[np.float32]) -> Steps:
        """Return numbers (n, M) as steps; a missing one, NaN, is 0."""
        return _steps(values, self.numbers)

    def of_labels(self, values: npt.NDArray[np.float32]) -> Steps:
        """Return labels (n,) as steps."""
        return _steps(values, np.float64(self.label))


def _steps(values: npt.NDArray[np.float32], scales: npt.ArrayLike) -> Steps:
    exact = np.nan_to_num(values.astype(np.float64)) / np.asarray(scales) * STEPS_OF_ONE
    steps: Steps = np.clip(np.rint(exact), -LIMIT, LIMIT).astype(np.int64)
    return steps


def declared(scales: Sequence[str]) -> Mapping[str, float]:
    """Return the scales that are declared, by column.

    Raises BadInput for one of another form than COLUMN=NUMBER, one that is not above zero, and a
    column that is named twice.
    """
    found: dict[str, float] = {}
    for entry in scales:
        column, _, text = entry.rpartition("=")
        try:
            scale = float(text)
        except ValueError:
            scale = math.nan
        if not column or not math.isfinite(scale) or scale <= 0:
            raise BadInput(
                f"The scale {entry!r} is not of the form COLUMN=NUMBER, with a number above zero."
            )
        if column in found:
            raise BadInput(f"The column {column!r} has two scales: give it one.")
        found[column] = scale
    return found


def grid_of(schema: Schema, scales: Sequence[str]) -> Grid:
    """Return the grid of a table's columns of numbers and its label.

    Raises BadInput for scales that `declared` refuses, or of columns without numbers.
    """
    known = declared(scales)
    label = schema.label
    names = schema.names("number")
    measured = (*names, *([label.name] if label.task == "regression" else []))
    for column in known:
        if column not in measured:
            raise BadInput(
                f"The column {column!r} has a scale, and holds no numbers here: leave it out."
            )
    return Grid(
        np.array([known.get(name, 1.0) for name in names], np.float64),
        known.get(label.name, 1.0),
    )
