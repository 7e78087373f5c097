"""How good answers are, beside what always the same answer would give.

    accuracy            the share of right answers
    log_loss            the mean of -log p of the right class, in nats, with p clipped at 1e-7
    auc                 P(a row of a class scores higher for it than one of another), ties half: of
                        the second of two classes, of more the mean over those with rows and others
    balanced_accuracy   the share of a class's rows that are right, its mean over all with rows
    per_class           by the class's number (its name is a value): rows, recall, precision
    rmse, r2            the root of the mean squared error; 1 - that error / that of the mean

`baseline` is what the most frequent class of these rows would give, with their shares as its
probabilities, or their mean. It knows the rows that it is asked about, which no model does.
"""

from typing import Any

import numpy as np

from lineage_store.tensors import Array
from unlearning.attacks.roc import placements

Metrics = dict[str, Any]


def measured_classes(scores: Array, labels: Array) -> Metrics:
    """Return what scores (n, classes) of classes are worth besides accuracy and log loss.

    `auc` is missing where all rows are of one class.
    """
    classes = scores.shape[1]
    said = scores.argmax(axis=1)
    rows, told = (np.bincount(some, minlength=classes) for some in (labels, said))
    right = np.bincount(labels[said == labels], minlength=classes)
    recalls = [share(int(r), int(n)) for r, n in zip(right, rows, strict=True)]
    known = [recall for recall in recalls if recall is not None]
    found: Metrics = {"balanced_accuracy": float(np.mean(known))}
    auc = _auc(scores, labels)
    if auc is not None:
        found["auc"] = auc
    found["per_class"] = [
        {
            "class": number,
            "rows": int(rows[number]),
            "recall": recalls[number],
            "precision": share(int(right[number]), int(told[number])),
        }
        for number in range(classes)
    ]
    shares = rows[rows > 0] / len(labels)
    found["baseline"] = {
        "accuracy": float(shares.max()),
        "log_loss": float(-np.sum(shares * np.log(shares))),
    }
    return found


def measured_values(error: float, labels: Array) -> Metrics:
    """Return what a root mean squared error on labels (n,) is worth.

    `r2` is missing where all labels are the same.
    """
    deviation = float(np.std(labels.astype(np.float64)))
    found: Metrics = {"baseline": {"rmse": deviation}}
    if deviation > 0:
        found["r2"] = 1.0 - (error / deviation) ** 2
    return found


def share(part: int, of: int) -> float | None:
    """Return a share; None of nothing."""
    return part / of if of else None


def _auc(scores: Array, labels: Array) -> float | None:
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    found = []
    for number in classes:
        here = labels == number
        if here.any() and not here.all():
            ahead, _ = placements(scores[here, number], scores[~here, number])
            found.append(float(np.mean(ahead)))
    return float(np.mean(found)) if found else None
