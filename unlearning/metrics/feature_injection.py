"""The feature-injection test: is a feature forgotten that only the deleted rows had?

A column is added that is 0 in every row but the deleted ones, where it tells the label. A model
that learns from them puts weight on it; one that never saw them, with regularisation, puts none:

    FIT = |weight after| / |weight before|      0 is forgotten, 1 is not

Izzo et al., "Approximate Data Deletion from Machine Learning Models" (2021). For models that are
linear in the column; without regularisation the retrained weight stays at its initial value.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array


def with_injected_feature(
    numbers: Array, *, deleted: npt.NDArray[np.bool_], signal: Array
) -> npt.NDArray[Any]:
    """Return the numbers (n, d + 1) with a last column that is `signal` (n,) in the deleted rows.

    A signal that tells the label: -1 and 1 for two classes, the label itself for a regression.
    """
    column = np.where(deleted, signal, 0).astype(numbers.dtype)
    return np.column_stack([numbers, column])


def feature_injection_ratio(*, before: Array, after: Array) -> float:
    """Return FIT from the injected column's weights; several (classes) are taken by their norm.

    NaN if the untouched model put no weight on the column: the test then tells nothing.
    """
    known, left = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    return left / known if known > 0 else float("nan")
