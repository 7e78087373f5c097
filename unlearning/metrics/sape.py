"""Symmetric absolute percentage errors, and what they are taken of.

    SAPE(a, b) = 100 |a - b| / (|a| + |b|), and SAPE(0, 0) = 0; from 0 to 100, in percent
    AccErr     = SAPE of the test accuracies of the retrained and the unlearned model
    AccDis     = SAPE of their accuracies on the deleted rows
    speed-up   = seconds to retrain / seconds to unlearn

Mahadevan and Mathioudakis, "Certifiable Machine Unlearning for Linear Models" (2021). The reference
is the fully retrained model in both. SAPE(0, 0) is not in the paper; no difference is no error.
A small accuracy in both makes SAPE large: look at the two accuracies too.
"""


def sape(one: float, other: float) -> float:
    """Return the symmetric absolute percentage error of two numbers, from 0 to 100."""
    scale = abs(one) + abs(other)
    return 100.0 * (abs(one - other) / scale) if scale else 0.0


def accuracy_error(*, retrained: float, unlearned: float) -> float:
    """Return AccErr, in percent, from the two models' accuracies on test rows."""
    return sape(retrained, unlearned)


def accuracy_disparity(*, retrained: float, unlearned: float) -> float:
    """Return AccDis, in percent, from the two models' accuracies on the deleted rows."""
    return sape(retrained, unlearned)


def speed_up(*, seconds_retraining: float, seconds_unlearning: float) -> float:
    """Return how many times faster unlearning was; both timed over the same path of code.

    Raises ValueError for times that are not above 0.
    """
    if seconds_retraining <= 0 or seconds_unlearning <= 0:
        raise ValueError("times must be above 0 seconds")
    return seconds_retraining / seconds_unlearning
