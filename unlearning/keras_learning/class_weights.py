"""What a row counts for in the loss, by its class (the rules of `class_weights`) and by itself.

    none       every class counts alike; without weights of rows the step has none in it at all
    balanced   all rows of a class count as those of another: a row of class c weighs n / (k * n_c),
               where n rows of k classes stand in the stage, n_c of them of class c. Rows with
               weights are counted by these, n and n_c are sums (scikit-learn 1.7,
               `compute_class_weight` with `sample_weight`)

The weights of a stage come from the rows of that stage of that shard alone, as its number of
batches does (law 1): a deletion changes them only in stages that retrain anyway.

A row with a weight counts for that, times what its class does. Keras makes of it what it makes of
`fit(sample_weight=...)`: under its usual reduction, `sum_over_batch_size`, the loss of a batch of n
rows is the sum of w_i * l_i, over n and not over the sum of the weights. So a row of weight 0 adds
nothing to a gradient, but is one of the n, of the statistics of a batch normalisation, and of the
rows that `adapt` sees; and weights that are all twice as large double the learning rate of SGD.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lineage_store.errors import BadInput
from lineage_store.rows import Rows
from lineage_store.tensors import Array

ALIKE = "none"

Weights = npt.NDArray[np.float32]
Weighting = Callable[[Array, int, Array | None], Weights | None]


def alike(labels: Array, classes: int, weights: Array | None = None) -> None:
    """Return no weights: every class counts alike."""


def balanced(labels: Array, classes: int, weights: Array | None = None) -> Weights:
    """Return the weight of each class (classes,) float32, from the labels (n,) of a stage's rows.

    `weights` (n,) are the rows' own. The mean weight of the rows is 1. A class without rows in the
    stage has weight 0, and no row that would take it.
    """
    counts = np.bincount(labels, weights, classes)
    present = max(int(np.count_nonzero(counts)), 1)
    total = len(labels) if weights is None else counts.sum()
    found = np.divide(
        total, present * counts, out=np.zeros(classes), where=counts > 0, dtype=np.float64
    )
    return found.astype(np.float32)


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


def counts_of(rows: Rows, class_weights: Weights | None) -> Weights | None:
    """Return what each row counts for (n,) float32: its weight, times that of its class.

    None if the rows have no weights: they count alike, or by their class alone.
    """
    if rows.weights is None or class_weights is None:
        return rows.weights
    counts: Weights = rows.weights * class_weights[rows.labels]
    return counts
