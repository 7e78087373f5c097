"""Logistic regression for attack models: small, convex, and the same for the same rows.

    minimise  mean log(1 + exp(-s (x.w + b))) + ridge ||w||^2 / 2,   s = 1 for members, else -1

by Newton's method on standardised features. The ridge makes the optimum unique, so there is no
seed; what an attack finds depends on its data alone.
"""

from dataclasses import dataclass

import numpy as np

from lineage_store.tensors import Array
from unlearning.attacks.roc import Scores

RIDGE = 1e-3
ITERATIONS = 50
HALVINGS = 30


@dataclass(frozen=True)
class Logistic:
    """A fitted regression: scores are log-odds of membership, in nats."""

    mean: Array
    scale: Array
    weights: Array

    def scores(self, features: Array) -> Scores:
        """Return the log-odds (n,) of rows (n, d)."""
        return np.asarray(_with_ones((features - self.mean) / self.scale) @ self.weights)


def fit_logistic(features: Array, members: Array, *, ridge: float = RIDGE) -> Logistic:
    """Fit membership (n,) of booleans to features (n, d).

    Raises ValueError unless there are members and others.
    """
    if members.all() or not members.any():
        raise ValueError("an attack model needs members and others to learn from")
    mean = features.mean(axis=0)
    spread = features.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    rows = _with_ones((features - mean) / scale)
    signs = np.where(members, 1.0, -1.0)
    penalty = np.full(rows.shape[1], ridge)
    penalty[-1] = 0.0  # the intercept

    def objective(weights: Array) -> float:
        margins = signs * (rows @ weights)
        return float(np.logaddexp(0.0, -margins).mean() + (penalty * weights**2).sum() / 2)

    weights = np.zeros(rows.shape[1])
    for _ in range(ITERATIONS):
        other = 1.0 / (1.0 + np.exp(np.clip(signs * (rows @ weights), -500, 500)))
        gradient = -(rows * (signs * other)[:, None]).mean(axis=0) + penalty * weights
        curvature = other * (1.0 - other)
        hessian = (rows * curvature[:, None]).T @ rows / len(rows) + np.diag(penalty + 1e-10)
        step = np.linalg.solve(hessian, gradient)
        before, size = objective(weights), 1.0
        for _ in range(HALVINGS):  # a full step overshoots where the classes are far apart
            if objective(weights - size * step) <= before:
                break
            size /= 2
        else:
            break
        weights = weights - size * step
        if float(np.abs(size * step).max()) < 1e-10:
            break
    return Logistic(mean, scale, weights)


def _with_ones(features: Array) -> Array:
    return np.column_stack([features, np.ones(len(features))])
