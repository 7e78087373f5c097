"""A row is taken for a member if the model's loss on it is small.

    score      -loss
    threshold  the mean loss on training rows; member iff loss <= threshold
    advantage  TPR - FPR at that threshold, from -1 to 1; 0 tells nothing

Yeom et al., "Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting" (2018).
"""

from lineage_store.tensors import Array
from unlearning.attacks.roc import Scores


def membership_scores(losses: Array) -> Scores:
    """Return the scores (n,) from the losses (n,)."""
    scores: Scores = -losses.astype(float)
    return scores


def advantage(members: Array, others: Array, *, threshold: float) -> float:
    """Return TPR - FPR from the losses of members and others; NaN if there are none of one."""
    if not len(members) or not len(others):
        return float("nan")
    return float((members <= threshold).mean() - (others <= threshold).mean())
