"""Two samples of runs: could they be of one law?

    KS       the largest distance of the two empirical distribution functions, from 0 to 1
             (Kolmogorov 1933, Smirnov 1948)
    p-value  the share of relabellings of the runs whose KS is at least as large, the observed one
             counted (a permutation test; the seed is passed in)

Not to reject is no proof of equality: it means something only if as many runs do reject the
untouched model. So few runs tell nothing, and a law is compared with thousands (reference: methods,
section 7, rung 4).
"""

import numpy as np

from lineage_store.tensors import Array


def ks_distance(one: Array, other: Array) -> float:
    """Return the KS distance of two samples; raises ValueError if one is empty."""
    if not len(one) or not len(other):
        raise ValueError("a sample is empty")
    points = np.unique(np.concatenate([one, other]))
    first = np.searchsorted(np.sort(one), points, "right") / len(one)
    second = np.searchsorted(np.sort(other), points, "right") / len(other)
    return float(np.max(np.abs(first - second)))


def permutation_p(one: Array, other: Array, *, seed: int, draws: int = 1000) -> float:
    """Return the p-value of the KS distance; at least 1 / (draws + 1)."""
    random = np.random.default_rng(seed)
    observed = ks_distance(one, other)
    together = np.concatenate([one, other])
    as_far = 1
    for _ in range(draws):
        shuffled = random.permutation(together)
        as_far += ks_distance(shuffled[: len(one)], shuffled[len(one) :]) >= observed - 1e-12
    return as_far / (draws + 1)
