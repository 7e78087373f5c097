"""Measures of an unlearned model, against values worked out by hand and against invariants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from unlearning.metrics.accuracy import accuracy, accuracy_by_class, hits, retained_accuracy
from unlearning.metrics.calibration import brier_score, expected_calibration_error
from unlearning.metrics.divergence import activation_distance, jensen_shannon
from unlearning.metrics.feature_injection import feature_injection_ratio, with_injected_feature
from unlearning.metrics.prediction_error import log_losses, squared_errors
from unlearning.metrics.relearn_time import anamnesis_index, relearn_time
from unlearning.metrics.sape import accuracy_disparity, accuracy_error, sape, speed_up
from unlearning.metrics.unlearning_error import unlearning_error, verification_error
from unlearning.metrics.weight_distance import (
    comparable,
    l2_distance,
    largest_difference,
    relative_distance,
    same_bits,
)

PROBABILITIES = np.array([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
LABELS = np.array([0, 1, 1, 0])

shares = st.floats(0, 1)


@st.composite
def distributions(draw, rows=6, classes=3):
    """Two arrays of probabilities."""
    elements = st.floats(0.01, 1)
    pair = [draw(hnp.arrays(np.float64, (rows, classes), elements=elements)) for _ in range(2)]
    return [one / one.sum(axis=1, keepdims=True) for one in pair]


def test_accuracy_counts_right_rows_overall_and_by_class():
    assert hits(PROBABILITIES, LABELS).tolist() == [True, True, False, False]
    assert accuracy(PROBABILITIES, LABELS) == 0.5
    assert accuracy_by_class(PROBABILITIES, LABELS).tolist()[:2] == [0.5, 0.5]
    assert np.isnan(accuracy_by_class(PROBABILITIES, LABELS)[2])
    assert np.isnan(accuracy(PROBABILITIES[:0], LABELS[:0]))
    assert retained_accuracy(0.45, 0.9) == 0.5
    assert np.isnan(retained_accuracy(0.45, 0.0))
    with pytest.raises(ValueError, match="4 rows and 3 labels"):
        hits(PROBABILITIES, LABELS[:3])


def test_sape_of_the_numbers_of_the_definition():
    assert sape(0.9, 0.6) == pytest.approx(20.0)
    assert sape(0.0, 0.0) == 0.0
    assert sape(0.0, 0.3) == 100.0
    assert accuracy_error(retrained=0.9, unlearned=0.6) == pytest.approx(20.0)
    assert accuracy_disparity(retrained=0.5, unlearned=1.0) == pytest.approx(100 / 3)
    assert speed_up(seconds_retraining=10, seconds_unlearning=4) == 2.5
    with pytest.raises(ValueError, match="above 0"):
        speed_up(seconds_retraining=10, seconds_unlearning=0)


@given(shares, shares)
def test_sape_is_symmetric_and_between_0_and_100(one, other):
    assert sape(one, other) == sape(other, one)
    assert 0 <= sape(one, other) <= 100
    assert sape(one, one) == 0


def test_losses_are_those_of_the_rows_own_class_and_are_clipped():
    found = log_losses(PROBABILITIES, np.array([0, 1, 1, 0]))
    assert found == pytest.approx(-np.log([0.9, 0.5, 0.4, 0.1]))
    assert log_losses(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx([-np.log(1e-7)])
    assert squared_errors(np.array([1.0, 3.0]), np.array([2.0, 3.0])).tolist() == [1.0, 0.0]


def test_divergence_of_opposite_answers_is_one_bit():
    certain = np.array([[1.0, 0.0]])
    assert jensen_shannon(certain, certain[:, ::-1]) == pytest.approx([1.0])
    assert activation_distance(certain, certain[:, ::-1]) == pytest.approx([np.sqrt(2)])
    # p = (1, 0), q = (1/2, 1/2): H(3/4, 1/4) - H(1/2, 1/2) / 2, in bits
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    assert jensen_shannon(certain, np.array([[0.5, 0.5]])) == pytest.approx([entropy - 0.5])
    with pytest.raises(ValueError, match="both must be"):
        jensen_shannon(certain, np.array([[0.5, 0.3, 0.2]]))


@given(distributions())
def test_divergence_is_symmetric_bounded_and_zero_only_for_equal_answers(pair):
    one, other = pair
    found = jensen_shannon(one, other)
    assert found == pytest.approx(jensen_shannon(other, one))
    assert (found >= 0).all() and (found <= 1).all()
    assert jensen_shannon(one, one) == pytest.approx(np.zeros(len(one)))
    apart = activation_distance(one, other) > 1e-3
    assert (found[apart] > 0).all()


def test_calibration_of_answers_that_come_true_and_of_ones_that_do_not():
    confident = np.tile([0.8, 0.2], (10, 1))
    labels = np.array([0] * 8 + [1] * 2)
    assert expected_calibration_error(confident, labels) == pytest.approx(0.0)
    assert expected_calibration_error(confident, 1 - labels) == pytest.approx(0.6)
    assert brier_score(np.eye(2)[labels], labels) == 0
    assert brier_score(np.eye(2)[1 - labels], labels) == 2
    assert brier_score(confident, labels) == pytest.approx(0.8 * 0.08 + 0.2 * 1.28)
    assert np.isnan(brier_score(confident[:0], labels[:0]))
    assert np.isnan(expected_calibration_error(confident[:0], labels[:0]))


def test_calibration_error_takes_bins_apart():
    # Two bins whose errors have opposite signs must not cancel.
    probabilities = np.array([[0.6, 0.4]] * 10 + [[0.9, 0.1]] * 10)
    labels = np.array([0] * 9 + [1] + [0] * 6 + [1] * 4)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.3)


def test_distances_of_weights():
    one = {"w": np.array([[1.0, 2.0]], np.float32), "b": np.array([0.0], np.float32)}
    other = {"w": np.array([[4.0, 2.0]], np.float32), "b": np.array([-4.0], np.float32)}
    assert l2_distance(one, other) == 5.0
    assert verification_error(one, other) == 5.0
    assert largest_difference(one, other) == 4.0
    assert relative_distance(unlearned=1.0, untouched=4.0) == 0.25
    assert np.isnan(relative_distance(unlearned=1.0, untouched=0.0))
    assert not comparable(one, {"w": one["w"]})
    assert not comparable(one, {**one, "b": one["b"].astype(np.float64)})
    with pytest.raises(ValueError, match="cannot be compared"):
        l2_distance(one, {"w": one["w"]})


def test_same_bits_means_bits_and_counts_integers_too():
    one = {"w": np.array([0.0, np.nan]), "n": np.array([1])}
    assert same_bits(one, {"w": one["w"].copy(), "n": np.array([1])})
    assert not same_bits(one, {"w": np.array([-0.0, np.nan]), "n": np.array([1])})
    assert not same_bits(one, {"w": one["w"], "n": np.array([2])})
    assert l2_distance({"n": np.array([1])}, {"n": np.array([5])}) == 0  # no weights of floats


def test_the_injected_feature_of_a_ridge_regression_is_forgotten_by_retraining():
    random = np.random.default_rng(3)
    rows = random.normal(size=(200, 4))
    deleted = np.arange(200) < 20
    labels = np.where(random.random(200) < 0.5, -1.0, 1.0)
    wide = with_injected_feature(rows, deleted=deleted, signal=labels)
    assert (wide[~deleted, -1] == 0).all() and (wide[deleted, -1] == labels[deleted]).all()

    def ridge(features, targets):
        gram = features.T @ features + 0.1 * np.eye(features.shape[1])
        return np.linalg.solve(gram, features.T @ targets)

    before, retrained = ridge(wide, labels), ridge(wide[~deleted], labels[~deleted])
    assert feature_injection_ratio(before=before[-1:], after=retrained[-1:]) == 0
    assert feature_injection_ratio(before=before[-1:], after=before[-1:]) == 1
    assert np.isnan(feature_injection_ratio(before=np.zeros(1), after=np.ones(1)))


def test_unlearning_error_is_zero_after_one_step_and_grows_with_the_steps():
    def error(steps):
        return unlearning_error(
            learning_rate=0.1, steps=steps, distance_moved=2.0, singular_value=3.0
        )

    assert error(1) == 0
    assert error(4) == pytest.approx(0.01 * 6 * 0.5 * 3.0)
    assert error(8) > error(4)
    with pytest.raises(ValueError, match="one step"):
        error(0)


def test_relearning_of_a_hidden_row_is_faster_than_of_a_forgotten_one():
    def learner(start):
        """Gradient descent on (w - 1)^2 / 2 from `start`."""
        weight = [start]

        def step():
            weight[0] -= 0.1 * (weight[0] - 1.0)
            return (weight[0] - 1.0) ** 2 / 2

        return step

    hidden = relearn_time(learner(0.8), target=0.005, limit=100)
    forgotten = relearn_time(learner(0.0), target=0.005, limit=100)
    # After n steps the error is (1 - start) 0.9^n, to be at most 0.1.
    assert (hidden, forgotten) == (7, 22)
    assert anamnesis_index(unlearned=hidden, retrained=forgotten) == pytest.approx(7 / 22)
    assert relearn_time(learner(0.0), target=0.005, limit=10) is None
    assert anamnesis_index(unlearned=None, retrained=22) == float("inf")
    assert anamnesis_index(unlearned=7, retrained=None) is None
    with pytest.raises(ValueError, match="one step"):
        relearn_time(learner(0.0), target=0.005, limit=0)
