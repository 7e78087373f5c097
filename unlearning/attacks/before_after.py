"""What the models before and after tell together about who left.

Somebody who kept the old model's answers compares them with the new one's: the rows whose answers
changed most are likely those that were deleted. Chen et al., "When Machine Unlearning Jeopardizes
Privacy" (2021). Features of a row, from its probabilities p before and q after:

    direct difference   p - q                    sorted difference  the same, both in p's order
    direct concat       p, q                     sorted concat      the same, both in p's order
    distance            ||p - q||_2

    DegCount   share of targets that the pair exposes more than the old model alone
    DegRate    mean gain of the attack's confidence over the old model alone

The attack is a logistic regression here (theirs are trees and networks too), and so linear in the
features: fit the direct ones for each class apart.

Exact retraining does not protect from this, and often suffers most from it: it is a price of
deletion, to be known, and no sign that a deletion failed.
"""

from collections.abc import Callable

import numpy as np

from lineage_store.tensors import Array
from unlearning.attacks.logistic import Logistic, fit_logistic
from unlearning.attacks.roc import Scores


def _sorted_together(before: Array, after: Array) -> tuple[Array, Array]:
    order = np.argsort(-before, axis=1, kind="stable")
    return np.take_along_axis(before, order, axis=1), np.take_along_axis(after, order, axis=1)


def direct_difference(before: Array, after: Array) -> Array:
    """Return p - q (n, classes)."""
    return np.asarray(before - after)


def sorted_difference(before: Array, after: Array) -> Array:
    """Return p - q (n, classes), the columns of each row in falling order of p."""
    first, second = _sorted_together(before, after)
    return np.asarray(first - second)


def direct_concat(before: Array, after: Array) -> Array:
    """Return p and q side by side (n, 2 classes)."""
    return np.column_stack([before, after])


def sorted_concat(before: Array, after: Array) -> Array:
    """Return p and q side by side (n, 2 classes), each row in falling order of p."""
    return np.column_stack(_sorted_together(before, after))


def distance_between(before: Array, after: Array) -> Array:
    """Return the Euclidean distance (n, 1) of p and q."""
    return np.asarray(np.linalg.norm(before - after, axis=1, keepdims=True))


FEATURES: dict[str, Callable[[Array, Array], Array]] = {
    "direct difference": direct_difference,
    "sorted difference": sorted_difference,
    "direct concat": direct_concat,
    "sorted concat": sorted_concat,
    "distance": distance_between,
}


def fit_pair_attack(features: Array, deleted: Array) -> Logistic:
    """Fit the attack to features (n, d) of shadow pairs and who was deleted there (n,) of booleans.

    Raises ValueError unless there are deleted rows and others.
    """
    return fit_logistic(features, deleted)


def exposure_scores(before: Array, after: Array) -> Scores:
    """Return how much each row's answer changed (n,): the attack that needs no shadow models."""
    scores: Scores = distance_between(before, after)[:, 0]
    return scores


def degradation_count(*, pair: Array, alone: Array) -> float:
    """Return DegCount from the attacks' confidences (n,) in the truth, each from 0 to 1."""
    return float(np.mean(pair > alone))


def degradation_rate(*, pair: Array, alone: Array) -> float:
    """Return DegRate from the attacks' confidences (n,) in the truth; from -1 to 1."""
    return float(np.mean(pair - alone))
