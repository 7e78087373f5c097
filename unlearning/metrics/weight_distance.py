"""How far the weights of two models are apart.

    L2         ||w - w'||_2 over all floating-point tensors, in float64
    relative   ||w_unlearned - w_retrained|| / ||w_untouched - w_retrained||:
               0 is the retrained model, 1 is no progress, above 1 is worse than doing nothing

The relative distance means what it says only if the models share initial weights and the order of
batches; otherwise compare it with the distance of two retrainings (reference: methods, section 7,
rung 5). Units that change places make a large distance out of no difference.
"""

from collections.abc import Mapping

import numpy as np

from lineage_store.tensors import Array


def comparable(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Say whether two models have the same tensors, by name, shape and type."""
    return one.keys() == other.keys() and all(
        one[name].shape == other[name].shape and one[name].dtype == other[name].dtype
        for name in one
    )


def l2_distance(one: Mapping[str, Array], other: Mapping[str, Array]) -> float:
    """Return the Euclidean distance of the weights; raises ValueError if they do not compare."""
    return float(np.sqrt(sum(float(np.sum(d**2)) for d in _differences(one, other))))


def largest_difference(one: Mapping[str, Array], other: Mapping[str, Array]) -> float:
    """Return the largest absolute difference of a weight; raises ValueError as `l2_distance`."""
    return max((float(np.max(np.abs(d))) for d in _differences(one, other) if d.size), default=0.0)


def same_bits(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Say whether all tensors are equal, byte for byte: so 0.0 and -0.0 differ."""
    return comparable(one, other) and all(
        np.asarray(one[name]).tobytes() == np.asarray(other[name]).tobytes() for name in one
    )


def relative_distance(*, unlearned: float, untouched: float) -> float:
    """Return the ratio of two distances to the retrained model; NaN if the untouched one's is 0."""
    return unlearned / untouched if untouched > 0 else float("nan")


def _differences(one: Mapping[str, Array], other: Mapping[str, Array]) -> list[Array]:
    if not comparable(one, other):
        raise ValueError("the models have other tensors: their weights cannot be compared")
    floating = [name for name in one if np.issubdtype(one[name].dtype, np.floating)]
    return [one[n].astype(np.float64) - other[n].astype(np.float64) for n in floating]
