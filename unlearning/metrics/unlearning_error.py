"""Verification error, and the unlearning error that stands in for it before retraining.

    verification error   ||w_unlearned - w_retrained||_2, both from the same initial weights and
                         the same order of batches
    unlearning error     e = eta^2 (t^2 - t) / 2 * (||w_t - w_0|| / t) * sigma

with eta the learning rate, t the number of steps and sigma the mean largest singular value of the
loss's Hessian along the way. Thudi et al., "Unrolling SGD: Understanding Factors Influencing
Machine Unlearning" (2021). e is a proxy: it says how well single-gradient unlearning may do, and
proves nothing. No measure of weights proves that a row was never used: the same weights can come
of other batches (Thudi et al., "On the Necessity of Auditable Algorithmic Definitions", 2022).
"""

from collections.abc import Mapping

from lineage_store.tensors import Array
from unlearning.metrics.weight_distance import l2_distance


def verification_error(unlearned: Mapping[str, Array], retrained: Mapping[str, Array]) -> float:
    """Return the distance to the retrained twin; raises ValueError if weights do not compare."""
    return l2_distance(unlearned, retrained)


def unlearning_error(
    *, learning_rate: float, steps: int, distance_moved: float, singular_value: float
) -> float:
    """Return e; `distance_moved` is ||w_t - w_0||. Raises ValueError without a step."""
    if steps < 1:
        raise ValueError("there must be at least one step")
    second_order = learning_rate**2 * (steps**2 - steps) / 2
    return second_order * (distance_moved / steps) * singular_value
