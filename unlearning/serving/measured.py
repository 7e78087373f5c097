"""How good answers are, beside what always the same answer would give.

    accuracy            the share of right answers
    log_loss            the mean of -log p of the right class, in nats, with p clipped at 1e-7
    auc                 P(a row of a class scores higher for it than one of another), ties half: of
                        the second of two classes, of more the mean over those with rows and others
    balanced_accuracy   the share of a class's rows that are right, its mean over all with rows
    per_class           by the class's number (its name is a value): rows, recall, precision
    rmse, r2            the root of the mean squared error; 1 - that error / that of the mean
    pairs_in_order      of two rows of one group whose values differ, how often the greater is told
                        as greater (ties half): where rows have groups, and values are ranked

Rows with weights count for these, as with scikit-learn's `sample_weight`: every share and mean is
one of weights, and the pair of a row and another counts for the product of the two; `rows` alone
counts rows. What `evaluate` compares models by counts each row once, whatever its weight: there it
is asked about people.

`baseline` is what the most frequent class of these rows would give, with their shares as its
probabilities, or their mean. It knows the rows that it is asked about, which no model does.
"""

from typing import Any

import numpy as np

from lineage_store.tensors import Array

Metrics = dict[str, Any]


def measured_classes(scores: Array, labels: Array, counts: Array) -> Metrics:
    """Return what scores (n, classes) of classes are worth besides accuracy and log loss.

    `counts` (n,) are what each row counts for; not all are 0. `auc` is missing where all that count
    are of one class.
    """
    classes = scores.shape[1]
    predictions = scores.argmax(axis=1)
    rows = np.bincount(labels, minlength=classes)
    there, predicted = (np.bincount(some, counts, classes) for some in (labels, predictions))
    hit = predictions == labels
    right = np.bincount(labels[hit], counts[hit], classes)
    recalls = [share(r, n) for r, n in zip(right.tolist(), there.tolist(), strict=True)]
    known = [recall for recall in recalls if recall is not None]
    found: Metrics = {"balanced_accuracy": float(np.mean(known))}
    auc = _auc(scores, labels, counts)
    if auc is not None:
        found["auc"] = auc
    found["per_class"] = [
        {
            "class": number,
            "rows": int(rows[number]),
            "recall": recalls[number],
            "precision": share(float(right[number]), float(predicted[number])),
        }
        for number in range(classes)
    ]
    shares = there[there > 0] / counts.sum()
    found["baseline"] = {
        "accuracy": float(shares.max()),
        "log_loss": float(-np.sum(shares * np.log(shares))),
    }
    return found


def measured_values(error: float, labels: Array, counts: Array) -> Metrics:
    """Return what a root mean squared error on labels (n,) is worth.

    `counts` (n,) are what each row counts for; not all are 0. `r2` is missing where all labels are
    the same.
    """
    values = labels.astype(np.float64)
    mean = np.average(values, weights=counts)
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=counts)))
    found: Metrics = {"baseline": {"rmse": deviation}}
    if np.ptp(values[counts > 0]) > 0:
        found["r2"] = 1.0 - (error / deviation) ** 2
    return found


def pairs_in_order(values: Array, labels: Array, groups: Array, counts: Array) -> float | None:
    """Return how many pairs of rows of one group are told in order; None without such a pair.

    Values, labels, bits of groups and what rows count for are (n,).
    """
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[:1]] + np.uint64(1)))
    right = total = 0.0
    sizes = np.diff([*starts, len(order)])
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        rows = order[start : start + size]
        for row in rows:
            worse = rows[labels[rows] < labels[row]]
            weights = counts[row] * counts[worse]
            ahead = (values[row] > values[worse]) + 0.5 * (values[row] == values[worse])
            right, total = right + float(np.sum(weights * ahead)), total + float(np.sum(weights))
    return share(right, total)


def share(part: float, of: float) -> float | None:
    """Return a share; None of nothing."""
    return part / of if of else None


def _auc(scores: Array, labels: Array, counts: Array) -> float | None:
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    found = []
    for number in classes:
        here = labels == number
        mine, others = counts[here].sum(), counts[~here].sum()
        if mine and others:
            beaten = _beaten(scores[here, number], scores[~here, number], counts[~here])
            found.append(float(np.sum(counts[here] * beaten)) / float(mine))
    return float(np.mean(found)) if found else None


def _beaten(scores: Array, others: Array, counts: Array) -> Array:
    """Return what share of the others each score beats (n,); ties count half."""
    order = np.argsort(others, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(counts[order])])
    lower, upper = (np.searchsorted(others[order], scores, side) for side in ("left", "right"))
    beaten: Array = (below[lower] + below[upper]) / (2 * below[-1])
    return beaten
