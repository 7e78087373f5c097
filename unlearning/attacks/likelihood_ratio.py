"""The likelihood ratio of each row: models that had it against models that had not.

    phi(p)  log(p / (1 - p)) of the probability of the row's class: nearly normal over models
    LiRA    log N(phi | mean_in, var_in) - log N(phi | mean_out, var_out), in nats: `in` are shadow
            models trained with the row, `out` without it
            (Carlini et al., "Membership Inference Attacks From First Principles", 2022)
    offline log P(N(mean_out, var_out) <= phi): without `in` models
    U-LiRA  the same ratio, where `in` are models that were trained with the row and unlearned it,
            by the method under test, and `out` never had it (Kurmanji et al. 2023; Hayes et al.,
            "Inexact Unlearning Needs More Careful Evaluations", 2024)

With few models a variance of one row is noise: it is then taken over all rows, as in the paper.
U-LiRA judges a method over many runs; a single unlearned model has no `in` distribution.
"""

from math import erf

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array
from unlearning.attacks.roc import Scores

CLIP = 1e-7
ENOUGH = 64  # models, from which on each row has a variance of its own
SMALLEST = 1e-6  # standard deviation of phi

_normal_below = np.vectorize(lambda z: (1.0 + erf(z / np.sqrt(2.0))) / 2, otypes=[np.float64])


def confidences(probabilities: Array, labels: Array) -> Scores:
    """Return phi (n,) of each row's class, from probabilities (n, classes); within +-16.2."""
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # The sum of the other classes: 1 - p has no digits left where p is near 1.
    others = probabilities.astype(np.float64).sum(axis=1) - own
    clipped, rest = np.clip(own, CLIP, 1.0), np.clip(others, CLIP, 1.0)
    return np.asarray(np.log(clipped) - np.log(rest))


def likelihood_ratios(target: Array, *, had: Array, never_had: Array) -> Scores:
    """Return the log-likelihood ratio (n,) of each row.

    `target` (n,) is phi under the model attacked; `had` and `never_had` (models, n) under models
    with and without the row. For U-LiRA, `had` are models that unlearned it.
    Raises ValueError with fewer than two models of a kind.
    """
    return _log_normal(target, had) - _log_normal(target, never_had)


def offline_scores(target: Array, *, never_had: Array) -> Scores:
    """Return how unusual phi (n,) is for models that never had the row, as a log-probability."""
    mean, deviation = _moments(never_had)
    below = _normal_below((target - mean) / deviation)
    return np.asarray(np.log(np.clip(below, 1e-300, 1.0)))


def _log_normal(target: Array, models: Array) -> Scores:
    mean, deviation = _moments(models)
    return np.asarray(-(((target - mean) / deviation) ** 2) / 2 - np.log(deviation))


def _moments(models: Array) -> tuple[Scores, npt.NDArray[np.float64]]:
    count = len(models)
    if count < 2:
        raise ValueError("a likelihood ratio needs at least two models of each kind")
    mean = models.mean(axis=0)
    variance = models.var(axis=0, ddof=1)
    if count < ENOUGH:
        variance = np.full_like(variance, variance.mean() if len(variance) else 0.0)
    return mean, np.maximum(np.sqrt(variance), SMALLEST)
