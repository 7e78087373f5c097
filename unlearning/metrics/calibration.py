"""Whether probabilities come true.

    ECE     sum over bins of (rows in the bin / n) |accuracy - mean confidence|, where the bins cut
            the confidence max p_i into equal widths; from 0 to 1
            (Naeini et al. 2015; Guo et al. 2017)
    Brier   (1/n) sum_i sum_c (p_i[c] - 1[y_i = c])^2, from 0 to 2 (Brier 1950)

An unlearning that scrambles answers shows here before it shows in accuracy.
"""

import numpy as np

from lineage_store.tensors import Array
from unlearning.metrics.accuracy import hits

BINS = 15


def expected_calibration_error(probabilities: Array, labels: Array, *, bins: int = BINS) -> float:
    """Return the ECE over equal bins of the confidence; NaN without rows."""
    if not len(labels):
        return float("nan")
    right, confidence = hits(probabilities, labels), probabilities.max(axis=1).astype(np.float64)
    # A bin holds its upper edge, as in the paper: (0, 1/bins], ..., (1 - 1/bins, 1].
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def brier_score(probabilities: Array, labels: Array) -> float:
    """Return the mean squared distance of the probabilities to the truth; NaN without rows."""
    if not len(labels):
        return float("nan")
    truth = np.eye(probabilities.shape[1])[labels]
    return float(np.mean(np.sum((probabilities.astype(np.float64) - truth) ** 2, axis=1)))
