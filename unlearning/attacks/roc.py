"""How well scores tell members from others.

    AUC            P(score of a member > score of another), ties count half: the area under the
                   ROC curve (Mann and Whitney 1947; Bamber 1975). 0.5 tells nothing
    TPR at an FPR  the largest share of members above a threshold that at most that share of others
                   is above (Carlini et al. 2022: report it at 0.1 % and 1 %)
    interval       the percentiles of the statistic over rows drawn again, members and others apart
                   (Efron 1979); the seed is passed in

TPR at 0.1 % needs 1,000 others to allow a single false positive: with fewer it is the TPR at none.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array

LOW_RATES = (0.001, 0.01)
DRAWS = 1000

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """An estimate with the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """The ROC curve: rates (points,) from 0 to 1, thresholds falling; members are >= each."""

    false_positive_rates: Scores
    true_positive_rates: Scores
    thresholds: Scores


def placements(members: Array, others: Array) -> tuple[Scores, Scores]:
    """Return what share of the others each member beats (m,), and of the members each other loses
    to (n,); ties count half. Both have the AUC as their mean (DeLong et al. 1988).

    Raises ValueError if one of the two has no rows, or a score is NaN.
    """
    _must_be_scores(members, others)
    ordered_members, ordered_others = np.sort(members), np.sort(others)
    beaten = (
        np.searchsorted(ordered_others, members, "left")
        + np.searchsorted(ordered_others, members, "right")
    ) / (2 * len(others))
    lost = (
        np.searchsorted(ordered_members, others, "left")
        + np.searchsorted(ordered_members, others, "right")
    ) / (2 * len(members))
    return beaten, 1.0 - lost


def auc(members: Array, others: Array) -> float:
    """Return the area under the ROC curve; raises ValueError as `placements` does."""
    return float(placements(members, others)[0].mean())


def true_positives_at(rate: float, members: Array, others: Array) -> float:
    """Return the largest TPR at an FPR of at most `rate`; raises ValueError like `placements`."""
    _must_be_scores(members, others)
    allowed = int(np.floor(rate * len(others) + 1e-9))
    if allowed >= len(others):
        return 1.0
    limit = np.sort(others)[len(others) - 1 - allowed]
    return float(np.mean(members > limit))


def roc_curve(members: Array, others: Array) -> Curve:
    """Return the curve at every distinct score; raises ValueError as `placements` does."""
    _must_be_scores(members, others)
    thresholds = np.unique(np.concatenate([members, others]).astype(np.float64))[::-1]

    def shares(scores: Array) -> Scores:
        below = np.searchsorted(np.sort(scores), thresholds, "left")
        return np.concatenate([[0.0], (len(scores) - below) / len(scores)])

    return Curve(shares(others), shares(members), np.concatenate([[np.inf], thresholds]))


def bootstrap(
    statistic: Callable[[Array, Array], float],
    members: Array,
    others: Array,
    *,
    seed: int,
    draws: int = DRAWS,
    confidence: float = 0.95,
) -> Interval:
    """Return a statistic of members' and others' scores with its bootstrap interval."""
    random = np.random.default_rng(seed)
    found = [
        statistic(
            random.choice(members, len(members), replace=True),
            random.choice(others, len(others), replace=True),
        )
        for _ in range(draws)
    ]
    tail = (1.0 - confidence) / 2
    low, high = np.quantile(found, [tail, 1.0 - tail])
    return Interval(statistic(members, others), float(low), float(high))


def _must_be_scores(members: Array, others: Array) -> None:
    if not len(members) or not len(others):
        raise ValueError("an ROC curve needs members and others")
    if np.isnan(members).any() or np.isnan(others).any():
        raise ValueError("a score is NaN")
