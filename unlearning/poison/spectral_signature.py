"""Spectral signatures: rows of a class that lie far out in the direction in which it varies most.

Source: Tran, Li and Madry, "Spectral Signatures in Backdoor Attacks", NeurIPS 2018, algorithm 1:
for each class, centre the representations (here of the last hidden layer), take the top right
singular vector v of the centred matrix, and score each row by ((R - mean) v)^2. Of a class of
which at most a share e is poisoned, the paper removes the highest 1.5 e. Scores are given in units
of their class's mean, so that those of several models can be added.
"""

import numpy as np
import numpy.typing as npt

from unlearning.poison.ranking import Scores

REMOVED = 1.5


def spectral_scores(
    representations: npt.NDArray[np.float64], classes: npt.NDArray[np.int32]
) -> Scores:
    """Return each row's score (n,) within its class; representations (n, width)."""
    scores = np.zeros(len(classes))
    for one in np.unique(classes):
        here = np.flatnonzero(classes == one)
        centred = representations[here] - representations[here].mean(axis=0)
        # The covariance has the same vectors and is width by width, however many rows there are.
        _, vectors = np.linalg.eigh(centred.T @ centred)
        found = (centred @ vectors[:, -1]) ** 2
        scores[here] = found / (found.mean() or 1.0)
    return scores
