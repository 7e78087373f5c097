"""What is drawn of an evaluation: ROC curves and losses of the attack, of three models."""

import json

import numpy as np
import pytest

from unlearning.attacks.loss_threshold import membership_scores
from unlearning.attacks.roc import auc
from unlearning.evaluation.charts import BINS, MOST_POINTS, attack_charts
from unlearning.evaluation.models_compared import Evaluated, ModelRun
from unlearning.evaluation.policy import Policy


def probabilities(draw, right, count):
    """Outputs of two classes that give the right class, 0, about this probability."""
    sure = np.clip(draw.normal(right, 0.1, count), 0.01, 0.99)
    return np.stack([sure, 1 - sure], axis=1).astype(np.float32)


def models(*, forgotten=200, kinds=("untouched", "unlearned", "retrained"), test=300):
    """The untouched model knows the forgotten rows better than the test rows; others do not."""
    draw = np.random.default_rng(3)
    runs = {}
    for kind in kinds:
        right = 0.85 if kind == "untouched" else 0.6
        answers = {"forgotten": probabilities(draw, right, forgotten),
                   "test": probabilities(draw, 0.6, test)}  # fmt: skip
        runs[kind] = (ModelRun(answers),)
    labels = {"forgotten": np.zeros(forgotten, int), "test": np.zeros(test, int)}
    return Evaluated("classification", labels, runs)


def area(points):
    x, y = np.array(points).T
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))


def test_the_curves_are_those_of_the_attack_and_tell_the_untouched_model():
    given = models()
    drawn = attack_charts(given, Policy())
    assert list(drawn.roc) == ["untouched", "unlearned", "retrained"]
    for kind, points in drawn.roc.items():
        assert points[0] == (0.0, 0.0) and points[-1] == (1.0, 1.0)
        assert len(points) <= MOST_POINTS and sorted(points) == list(points)
        run = given.runs[kind][0]
        members, others = (membership_scores(given.losses(run, r)) for r in ("forgotten", "test"))
        assert area(points) == pytest.approx(auc(members, others), abs=0.01)
    assert area(drawn.roc["untouched"]) > 0.9 > 0.6 > area(drawn.roc["retrained"]) > 0.4


def test_every_forgotten_row_is_counted_once_between_edges_that_rise():
    drawn = attack_charts(models(), Policy())
    assert len(drawn.edges) == BINS + 1 and sorted(set(drawn.edges)) == list(drawn.edges)
    assert {sum(counts) for counts in drawn.counts.values()} == {200}
    first = {kind: counts[: BINS // 2] for kind, counts in drawn.counts.items()}
    assert sum(first["untouched"]) > sum(first["retrained"])  # smaller losses


def test_of_few_rows_and_without_test_rows_nothing_is_drawn():
    assert attack_charts(models(forgotten=19), Policy()) is None
    assert attack_charts(models(test=0), Policy()) is None
    assert list(attack_charts(models(kinds=("untouched", "unlearned")), Policy()).roc) == [
        "untouched", "unlearned",
    ]  # fmt: skip


def test_what_is_drawn_can_be_written_as_json():
    drawn = attack_charts(models(), Policy())
    assert json.loads(json.dumps(drawn.to_json()))["edges"] == list(drawn.edges)
