"""The share of right answers: overall, by class, and what was kept of it.

accuracy   (1/n) sum 1[argmax p_i = y_i], between 0 and 1
retained   accuracy(unlearned) / accuracy(reference), 1 if nothing was lost
"""

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array

Flags = npt.NDArray[np.bool_]


def hits(probabilities: Array, labels: Array) -> Flags:
    """Return for each row (n,) whether its class is the likeliest; of equal ones the first counts.

    Raises ValueError if there are not as many labels as rows.
    """
    if len(probabilities) != len(labels):
        raise ValueError(f"{len(probabilities)} rows and {len(labels)} labels")
    right: Flags = np.argmax(probabilities, axis=1) == labels
    return right


def accuracy(probabilities: Array, labels: Array) -> float:
    """Return the share of rows that are classified right; NaN without rows."""
    right = hits(probabilities, labels)
    return float(right.mean()) if len(right) else float("nan")


def accuracy_by_class(probabilities: Array, labels: Array) -> npt.NDArray[np.float64]:
    """Return the share of each class's rows that are right (classes,); NaN for one without rows."""
    right, classes = hits(probabilities, labels), probabilities.shape[1]
    rows = np.bincount(labels, minlength=classes)
    found = np.bincount(labels, weights=right, minlength=classes)
    return np.divide(found, rows, out=np.full(classes, np.nan), where=rows > 0)


def retained_accuracy(unlearned: float, reference: float) -> float:
    """Return what share of a reference's accuracy the unlearned model has; NaN if that has none."""
    return unlearned / reference if reference > 0 else float("nan")
