"""What metrics say, against scikit-learn's, and beside what always the same answer would give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as of_sklearn

from lineage_store.index.models import past_metrics
from unlearning.serving.measured import measured_classes, measured_values
from unweave.text.metrics_lines import baseline_warning, metrics_text


@given(st.integers(2, 5), st.integers(20, 80), st.integers(0, 1000), st.booleans())
def test_they_are_those_of_scikit_learn(classes, rows, seed, weighed):
    draw = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), draw.integers(0, classes, rows)])
    counts = np.ones(len(labels))
    if weighed:  # a row of each class counts, and some rows do not
        counts = draw.choice([0.0, 0.25, 1.0, 3.5], len(labels))
        counts[:classes] = 1.5
    scores = draw.dirichlet(np.ones(classes), len(labels)).round(2)  # some are ties
    found, said = measured_classes(scores, labels, counts), scores.argmax(axis=1)
    balanced = of_sklearn.balanced_accuracy_score(labels, said, sample_weight=counts)
    assert found["balanced_accuracy"] == pytest.approx(balanced)
    each = [
        of_sklearn.roc_auc_score(labels == number, scores[:, number], sample_weight=counts)
        for number in range(classes)
    ]
    assert found["auc"] == pytest.approx(each[1] if classes == 2 else np.mean(each))
    precision, recall, _, _ = of_sklearn.precision_recall_fscore_support(
        labels, said, labels=range(classes), zero_division=0, sample_weight=counts
    )
    support = np.bincount(labels)
    for number, one in enumerate(found["per_class"]):
        assert one["class"] == number and one["rows"] == support[number]
        assert one["recall"] == pytest.approx(recall[number])
        assert (one["precision"] or 0) == pytest.approx(precision[number])
    shares = np.bincount(labels, counts) / counts.sum()
    always = of_sklearn.log_loss(
        labels, np.tile(shares, (len(labels), 1)), sample_weight=counts, labels=range(classes)
    )
    assert found["baseline"]["log_loss"] == pytest.approx(always)
    assert found["baseline"]["accuracy"] == shares.max()


@given(st.integers(2, 60), st.integers(0, 1000), st.booleans())
def test_of_values_too(rows, seed, weighed):
    draw = np.random.default_rng(seed)
    labels, predictions = draw.normal(50_000, 30, rows), draw.normal(50_000, 30, rows)
    counts = draw.uniform(0.5, 3.0, rows) if weighed else np.ones(rows)
    error = float(np.sqrt(np.average((predictions - labels) ** 2, weights=counts)))
    found = measured_values(error, labels, counts)
    assert found["r2"] == pytest.approx(
        of_sklearn.r2_score(labels, predictions, sample_weight=counts)
    )
    if not weighed:
        assert found["baseline"]["rmse"] == pytest.approx(np.std(labels))


def test_what_cannot_be_said_is_left_out():
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    one_class = measured_classes(scores, np.array([0, 0]), np.ones(2))
    assert "auc" not in one_class and one_class["baseline"]["accuracy"] == 1.0
    assert one_class["per_class"][1] == {"class": 1, "rows": 0, "recall": None, "precision": 0.0}
    assert "r2" not in measured_values(1.0, np.array([3.0, 3.0]), np.ones(2))
    assert "r2" not in measured_values(1.0, np.array([3.0, 5.0]), np.array([0.3, 0.0]))
    rest = measured_classes(scores, np.array([0, 1]), np.array([2.0, 0.0]))
    assert "auc" not in rest and rest["per_class"][1] == {
        "class": 1, "rows": 1, "recall": None, "precision": None
    }  # fmt: skip


def test_people_are_told_the_majority_and_the_mean_and_warned_below_them():
    good = {"rows": 10, "accuracy": 0.9, "log_loss": 0.3, "baseline": {"accuracy": 0.6}}
    assert metrics_text(good) == "accuracy 0.9000 (the majority 0.6000), log loss 0.3000 on 10 rows"
    assert baseline_warning(good) == []
    (warning,) = baseline_warning({**good, "accuracy": 0.5})
    assert "worse than always answering the majority's class" in warning
    values = {"rows": 10, "rmse": 2.0, "r2": 0.75, "baseline": {"rmse": 4.0}}
    assert metrics_text(values) == "RMSE 2.0000 (the mean 4.0000), R2 0.7500 on 10 rows"
    assert baseline_warning(values) == []
    (warning,) = baseline_warning({**values, "rmse": 5.0})
    assert "worse than always answering the mean" in warning


def test_hits_are_told_of_histories_and_warned_of_below_the_most_used():
    good = {"rows": 50, "histories": 8, "hit_rate": 0.5, "baseline": {"hit_rate": 0.25}}
    assert metrics_text(good) == "hit rate at 10 0.5000 (the most used 0.2500) on 8 histories"
    assert baseline_warning(good) == []
    (warning,) = baseline_warning({**good, "hit_rate": 0.125})
    assert "worse than always recommending the most used items" in warning
    assert metrics_text({"rows": 1, "histories": 0}) == "no evaluation histories"
    past = past_metrics({**good, "hit_rate": 2 / 3})
    assert past == {"rows": 50, "hit_rate": 0.67}
    assert metrics_text(past) == "hit rate at 10 67% on 50 rows" and baseline_warning(past) == []


def test_of_a_model_of_an_earlier_version_as_much_is_told_as_it_kept():
    assert metrics_text({"rows": 3, "rmse": 2.0}) == "RMSE 2.0000 on 3 rows"
    assert baseline_warning({"rows": 3, "rmse": 2.0}) == []


def test_of_an_ended_model_whole_per_cents_stay_and_nothing_else():
    scores, labels = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([0, 1, 1])
    metrics = {
        "rows": 3,
        "accuracy": 2 / 3,
        "log_loss": 0.4,
        **measured_classes(scores, labels, np.ones(3)),
    }
    assert past_metrics(metrics) == {"rows": 3, "accuracy": 0.67}
    values = measured_values(1.0, np.array([1.0, 2.0]), np.ones(2))
    assert past_metrics({"rows": 3, **values}) == {"rows": 3}
