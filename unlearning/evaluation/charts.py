"""What the attack by loss sees, to be drawn: ROC curves and how losses are spread, of each kind.

The attack takes a forgotten row for a member where its loss is low, and a test row for another
(`attacks.loss_threshold`). Drawn is the first run of each kind. Where there are too few forgotten
rows to tell anything by, there is nothing to draw: points of few rows would speak of persons.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from unlearning.attacks.loss_threshold import membership_scores
from unlearning.attacks.roc import roc_curve
from unlearning.evaluation.models_compared import KINDS, Evaluated, Kind
from unlearning.evaluation.policy import Policy

BINS = 20
MOST_POINTS = 100
TOP = 0.99  # of the losses: the few above it go into the last bin


@dataclass(frozen=True)
class AttackCharts:
    """ROC points (false positive rate, true positive rate) from (0, 0) to (1, 1), and counts.

    `edges` are the losses between which the forgotten rows are counted: one more than counts.
    """

    roc: dict[Kind, tuple[tuple[float, float], ...]]
    edges: tuple[float, ...]
    counts: dict[Kind, tuple[int, ...]]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)


def attack_charts(models: Evaluated, policy: Policy) -> AttackCharts | None:
    """Return what is to be drawn, or None if there are too few rows, or none to compare with."""
    if models.too_few(policy.rows) or not models.has("test"):
        return None
    first = {kind: models.runs[kind][0] for kind in KINDS if models.count(kind)}
    losses = {kind: models.losses(run, "forgotten") for kind, run in first.items()}
    top = max(float(np.quantile(values, TOP)) for values in losses.values())
    edges = np.linspace(0.0, max(top, 1e-9), BINS + 1)
    roc, counts = {}, {}
    for kind, run in first.items():
        members, others = losses[kind], models.losses(run, "test")
        curve = roc_curve(membership_scores(members), membership_scores(others))
        points = np.stack([curve.false_positive_rates, curve.true_positive_rates], axis=1)
        if len(points) > MOST_POINTS:
            points = points[np.linspace(0, len(points) - 1, MOST_POINTS).round().astype(int)]
        roc[kind] = tuple((round(float(x), 4), round(float(y), 4)) for x, y in points)
        found, _ = np.histogram(np.minimum(members, edges[-1]), edges)
        counts[kind] = tuple(int(count) for count in found)
    return AttackCharts(roc, tuple(round(float(edge), 6) for edge in edges), counts)
