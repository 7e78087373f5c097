"""The loss of each row: what the attacks by loss look at.

classification   -log p_i[y_i], in nats, with p clipped at 1e-7
regression       (value_i - y_i)^2, in the label's units squared
"""

import numpy as np
import numpy.typing as npt

from lineage_store.tensors import Array

CLIP = 1e-7

Losses = npt.NDArray[np.float64]


def log_losses(probabilities: Array, labels: Array) -> Losses:
    """Return the negative log-likelihood (n,) of each row's class, in nats; at most 16.2."""
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return np.asarray(-np.log(np.clip(own, CLIP, 1.0)))


def squared_errors(values: Array, labels: Array) -> Losses:
    """Return the squared error (n,) of each row's value."""
    errors: Losses = (values.astype(np.float64) - labels.astype(np.float64)) ** 2
    return errors
