"""What a row counts for in the loss, by its class: the rules of `class_weights`.

    none       every row counts alike; the step has no weights in it at all
    balanced   every class counts alike: a row of class c weighs n / (k * n_c), where n rows of k
               classes stand in the stage, n_c of them of class c (as scikit-learn does)

The weights of a stage come from the rows of that stage of that shard alone, as its number of
batches does (law 1): a deletion changes them only in stages that retrain anyway.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from lineage_store.tensors import Array

ALIKE = "none"

Weights = npt.NDArray[np.float32]
Weighting = Callable[[Array, int], Weights | None]


def alike(labels: Array, classes: int) -> None:
    """Return no weights: every row counts alike."""


def balanced(labels: Array, classes: int) -> Weights:
    """Return the weight of each class (classes,) float32, from the labels (n,) of a stage's rows.

    The mean weight of the rows is 1. A class without rows in the stage has weight 0, and no row
    that would take it.
    """
    counts = np.bincount(labels, minlength=classes)
    present = max(int(np.count_nonzero(counts)), 1)
    weights = np.divide(
        len(labels), present * counts, out=np.zeros(classes), where=counts > 0, dtype=np.float64
    )
    return weights.astype(np.float32)


WEIGHTINGS: dict[str, Weighting] = {ALIKE: alike, "balanced": balanced}


def must_fit(name: str, *, task: str) -> None:
    """Raise BadInput for weights of classes where the label makes no classes."""
    if name != ALIKE and task != "classification":
        raise BadInput(
            f"The label makes this a {task}, and `class_weights` {name} is for a classification: "
            f"leave it out."
        )


def weighting_or_default(name: str, *, task: str) -> Weighting:
    """Return a rule by its name, or the default if the task has no classes.

    A deletion may change the task, and must not be stopped by it.
    """
    return WEIGHTINGS[name if task == "classification" else ALIKE]
