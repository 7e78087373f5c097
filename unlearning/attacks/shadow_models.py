"""An attack model that learnt from models of the attacker's own what members look like.

The attacker trains shadow models like the target on data like its own, and so knows for each which
rows it was trained on. For each class one classifier learns to tell the outputs of members from
those of others; it is then put to the target's outputs.

    features  the probabilities in falling order, and the loss -log p[y], in nats

Shokri et al., "Membership Inference Attacks Against Machine Learning Models" (2017). They train a
neural network for each class; here it is a logistic regression, which needs no seed (`logistic`).
The loss is among the features because order alone hides whether the likeliest class is the right
one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lineage_store.tensors import Array
from unlearning.attacks.logistic import Logistic, fit_logistic
from unlearning.attacks.roc import Scores
from unlearning.metrics.prediction_error import log_losses


@dataclass(frozen=True)
class ShadowAttack:
    """Fitted attack models by class; `fallback`, over all classes, serves those without one."""

    by_class: Mapping[int, Logistic]
    fallback: Logistic

    def scores(self, probabilities: Array, labels: Array) -> Scores:
        """Return the membership scores (n,) of a target's outputs (n, classes)."""
        features = _features(probabilities, labels)
        scores = self.fallback.scores(features)
        for label, model in self.by_class.items():
            mine = labels == label
            scores[mine] = model.scores(features[mine])
        return scores


def fit_shadow_attack(probabilities: Array, labels: Array, members: Array) -> ShadowAttack:
    """Fit the attack to the outputs (n, classes) of all shadow models, one below the other.

    `members` (n,) of booleans says whether the shadow model that gave a row's output was trained on
    it. Raises ValueError unless there are members and others.
    """
    features, by_class = _features(probabilities, labels), {}
    for label in np.unique(labels):
        mine = labels == label
        if members[mine].any() and not members[mine].all():
            by_class[int(label)] = fit_logistic(features[mine], members[mine])
    return ShadowAttack(by_class, fit_logistic(features, members))


def _features(probabilities: Array, labels: Array) -> Array:
    falling = -np.sort(-probabilities.astype(np.float64), axis=1)
    return np.column_stack([falling, log_losses(probabilities, labels)])
