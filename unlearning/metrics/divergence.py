"""How far the answers of two models are apart, row by row.

    Jensen-Shannon       JS(p, q) = (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2;
                         in bits, from 0 to 1; symmetric (Lin 1991)
    activation distance  the Euclidean distance of two output vectors, from 0 to sqrt(2) for
                         probabilities (Golatkar et al. 2020 take its mean over the deleted rows)

Zero against the retrained model means: the same answers on these rows, not the same model.
"""

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array

Distances = npt.NDArray[np.float64]


def jensen_shannon(one: Array, other: Array) -> Distances:
    """Return the divergence (n,), in bits, of the probabilities (n, classes) of two models."""
    _same_shape(one, other)
    p, q = one.astype(np.float64), other.astype(np.float64)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return np.clip(divergence, 0.0, 1.0)


def activation_distance(one: Array, other: Array) -> Distances:
    """Return the Euclidean distance (n,) of the outputs (n, units) of two models."""
    _same_shape(one, other)
    difference = one.astype(np.float64) - other.astype(np.float64)
    return np.asarray(np.linalg.norm(difference, axis=1))


def _relative_entropy(p: Array, q: Array) -> Distances:
    # 0 log 0 = 0; where p is above 0, so is the middle of p and another.
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray(np.sum(p * np.log2(ratio), axis=1))


def _same_shape(one: Array, other: Array) -> None:
    if one.shape != other.shape or one.ndim != 2:
        raise ValueError(f"outputs of shapes {one.shape} and {other.shape}: both must be (n, k)")
