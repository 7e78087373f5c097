"""Measures that decide nothing and that a reader wants beside the verdict, for all three models.

Each run gives one number; the interval is from the smallest to the largest over a kind's runs. What
is a distance to the retrained model is the mean over the retrained runs.
"""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from lineage_store.tensors import Array
from unlearning.attacks.loss_threshold import advantage, membership_scores
from unlearning.attacks.model_pair import exposure_scores
from unlearning.attacks.roc import LOW_RATES, Interval, auc, true_positives_at
from unlearning.evaluated import KINDS, Evaluated, Kind, RowSetName, Run
from unlearning.evaluation_policy import Policy
from unlearning.finding import Measure
from unlearning.metrics.calibration import brier_score, expected_calibration_error
from unlearning.metrics.sape import sape

PerRun = Callable[[Run], float]


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
            yield _over_runs(
                models,
                f"attack by loss, true positives at {rate:.1%} false ones",
                "share",
                partial(_found_at, models, rate),
            )
    if test and models.has("retained"):
        yield _over_runs(
            models,
            "attack by loss, advantage at the mean loss on retained rows",
            "share",
            lambda run: advantage(
                models.losses(run, "forgotten"),
                models.losses(run, "test"),
                threshold=float(models.losses(run, "retained").mean()),
            ),
        )
    if test:
        yield _over_runs(
            models,
            "attack on this model and the untouched one together",
            "AUC",
            lambda run: _exposed(models, run),
        )


def _over_runs(models: Evaluated, name: str, unit: str, measure: PerRun) -> Measure:
    values: dict[Kind, Interval] = {}
    for kind in KINDS:
        found = [measure(run) for run in models.runs.get(kind, ())]
        if found:
            values[kind] = Interval(float(np.mean(found)), min(found), max(found))
    return Measure(name, unit, values)


def _sape(models: Evaluated, run: Run, rows: RowSetName) -> float:
    mine = models.hits(run, rows).mean()
    return float(
        np.mean([sape(models.hits(twin, rows).mean(), mine) for twin in models.runs["retrained"]])
    )


def _on_test(measure: Callable[[Array, Array], float], labels: Array, run: Run) -> float:
    return measure(run.answers["test"], labels)


def _found_at(models: Evaluated, rate: float, run: Run) -> float:
    members, others = (models.losses(run, rows) for rows in ("forgotten", "test"))
    return true_positives_at(rate, membership_scores(members), membership_scores(others))


def _exposed(models: Evaluated, run: Run) -> float:
    before = models.runs["untouched"][0].answers
    return auc(
        exposure_scores(before["forgotten"], run.answers["forgotten"]),
        exposure_scores(before["test"], run.answers["test"]),
    )
