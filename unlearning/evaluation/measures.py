"""Measures that decide nothing and that a reader wants beside the verdict, for all three models.

Each run gives one number; the interval is from the smallest to the largest over a kind's runs, and
for attacks that of the bootstrap over rows, at its widest. What is a difference to the retrained
model is the mean over the retrained runs.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from lineage_store.tensors import Array
from unlearning.attacks.before_after import exposure_scores
from unlearning.attacks.loss_threshold import advantage, membership_scores
from unlearning.attacks.roc import LOW_RATES, Interval, auc, bootstrap, true_positives_at
from unlearning.evaluation.finding import Measure
from unlearning.evaluation.models_compared import (
    COMPARED,
    KINDS,
    Evaluated,
    Kind,
    ModelRun,
    RowSetName,
)
from unlearning.evaluation.policy import Policy
from unlearning.metrics.calibration import brier_score, expected_calibration_error
from unlearning.metrics.sape import sape

DRAWS = 100  # for what decides nothing

PerRun = Callable[[ModelRun], float]


def told_measures(models: Evaluated, policy: Policy) -> Iterator[Measure]:
    """Yield the measures that these rows and runs allow."""
    if models.too_few(policy.rows):
        return
    classes = models.task == "classification"
    test, twins = models.has("test"), bool(models.count("retrained"))
    if classes and test and twins:
        yield _over_runs(
            models, "AccErr, on test rows", "%", lambda run: _sape(models, run, "test")
        )
    if classes and twins:
        what = "AccDis, on the forgotten rows"
        yield _over_runs(models, what, "%", lambda run: _sape(models, run, "forgotten"))
    if classes and test:
        labels = models.labels["test"]
        for name, measure in (
            ("calibration error (ECE), on test rows", expected_calibration_error),
            ("Brier score, on test rows", brier_score),
        ):
            yield _over_runs(models, name, "", partial(_on_test, measure, labels))
    if test:
        for rate in LOW_RATES:
            yield _attack(
                models,
                f"attack by loss, true positives at {rate:.1%} false",
                "share",
                partial(_by_loss, models),
                partial(true_positives_at, rate),
                policy,
            )
        yield _attack(
            models,
            "attack on the pair with the untouched model",
            "AUC",
            partial(_by_change, models.runs["untouched"][0]),
            auc,
            policy,
        )
    if test and models.has("retained"):
        yield _over_runs(
            models,
            "attack by loss, advantage at the mean retained loss",
            "share",
            lambda run: advantage(
                models.losses(run, "forgotten"),
                models.losses(run, "test"),
                threshold=float(models.losses(run, "retained").mean()),
            ),
        )


def _over_runs(models: Evaluated, name: str, unit: str, measure: PerRun) -> Measure:
    values: dict[Kind, Interval] = {}
    for kind in KINDS:
        found = [measure(run) for run in models.runs.get(kind, ())]
        if found:
            values[kind] = Interval(float(np.mean(found)), min(found), max(found))
    return Measure(name, unit, values)


def _attack(
    models: Evaluated,
    name: str,
    unit: str,
    scores: Callable[[ModelRun], tuple[Array, Array]],
    statistic: Callable[[Array, Array], float],
    policy: Policy,
) -> Measure:
    """Return a statistic of an attack's scores; of several runs, the widest ends of all."""
    values: dict[Kind, Interval] = {}
    for kind in KINDS:
        found = [
            bootstrap(
                statistic,
                *scores(run),
                seed=policy.seed,
                draws=DRAWS,
                confidence=policy.confidence,
            )
            for run in models.runs.get(kind, ())[:COMPARED]
        ]
        if found:
            mean = float(np.mean([one.value for one in found]))
            low, high = min(one.low for one in found), max(one.high for one in found)
            values[kind] = Interval(mean, min(low, mean), max(high, mean))
    return Measure(name, unit, values)


def _sape(models: Evaluated, run: ModelRun, rows: RowSetName) -> float:
    mine = models.hits(run, rows).mean()
    return float(
        np.mean([sape(models.hits(twin, rows).mean(), mine) for twin in models.runs["retrained"]])
    )


def _on_test(measure: Callable[[Array, Array], float], labels: Array, run: ModelRun) -> float:
    return measure(run.answers["test"], labels)


def _by_loss(models: Evaluated, run: ModelRun) -> tuple[Array, Array]:
    members, others = (models.losses(run, rows) for rows in ("forgotten", "test"))
    return membership_scores(members), membership_scores(others)


def _by_change(untouched: ModelRun, run: ModelRun) -> tuple[Array, Array]:
    forgotten, test = (
        exposure_scores(untouched.answers[rows], run.answers[rows])
        for rows in ("forgotten", "test")
    )
    return forgotten, test
