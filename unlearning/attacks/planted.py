"""Backdoors and canaries: rows that were planted so that forgetting them can be seen.

    backdoor success   share of rows with the trigger, of other classes, that get the target class
                       (Sommer et al., "Athena: Probabilistic Verification of Machine Unlearning",
                       2022; by chance it is about 1 / classes)
    exposure           log2 |R| - log2 rank of the canary's loss among |R| that were not planted,
                       in bits; 0 is the worst rank, log2 |R| the best, and about 1.44 bits on
                       average by chance (Carlini et al., "The Secret Sharer", 2019)
    canary success     share of canaries that rank within the best share q; q by chance

A backdoor that the untouched model does not have tells nothing afterwards.
"""

import numpy as np

from lineage_store.tensors import Array


def backdoor_success(predicted: Array, labels: Array, *, target: int) -> float:
    """Return the success rate from the classes (n,) given to triggered rows; NaN without rows.

    Rows whose own class (`labels`) is the target are left out: they need no backdoor.
    """
    others = labels != target
    return float(np.mean(predicted[others] == target)) if others.any() else float("nan")


def ranks(canaries: Array, references: Array) -> Array:
    """Return the rank (n,) of each canary's loss among itself and the references, 1 the smallest.

    A tie counts against the canary, so that a model that answers all alike exposes none.
    """
    return np.asarray(np.searchsorted(np.sort(references), canaries, "right") + 1)


def exposures(canaries: Array, references: Array) -> Array:
    """Return the exposure (n,) of each canary in bits, from the losses of both."""
    return np.asarray(np.log2(len(references) + 1) - np.log2(ranks(canaries, references)))


def canary_success(canaries: Array, references: Array, *, best: float) -> float:
    """Return the share of canaries among the best share of ranks; NaN without canaries."""
    if not len(canaries):
        return float("nan")
    return float(np.mean(ranks(canaries, references) <= best * (len(references) + 1)))
