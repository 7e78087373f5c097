"""Rows with weights: a step is that of Keras's own `fit(sample_weight=...)`, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from fixtures.examples import examples
from lineage_store.rows import LABEL, WEIGHT, Rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.class_weights import balanced, counts_of
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import ModelSpec

DENSE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(numbers))
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=LOSS)
    return model
"""
LOSSES = {
    "classification": ("spec.loss",),
    "regression": (
        "spec.loss",
        "keras.losses.MeanSquaredError(reduction='sum')",
        "keras.losses.MeanSquaredError(reduction='mean_with_sample_weight')",
    ),
}
CASES = [(task, loss) for task, losses in LOSSES.items() for loss in losses]
ROWS = 24


def learner_of(task, loss, *, counted):
    pin_tensorflow()
    classes = ("no", "yes") if task == "classification" else ()
    spec = ModelSpec(("a", "b"), (), task, classes, weighed=counted)
    text = DENSE.replace("LOSS", loss)
    return KerasLearner(text, name="m.py", spec=spec, seed=1)


def rows_of(task, *, weights, seed=0):
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(ROWS, 2)).astype(np.float32)
    labels = draw.integers(0, 2, ROWS)
    columns = {
        "numbers": numbers,
        "categories": np.zeros((ROWS, 0), np.int32),
        LABEL: labels.astype(np.int32 if task == "classification" else np.float32),
    }
    if weights is not None:
        columns[WEIGHT] = np.asarray(weights, np.float32)
    return Rows(draw.integers(0, 256, (ROWS, 16)).astype(np.uint8), columns)


def stepped(learner, rows, **how):
    learner.load(learner.initial_state(0, rows))
    loss = learner.step(rows, shard=0, position=0, **how)
    return float(loss), learner.weights()


def fitted(learner, rows, counts):
    """The same model after one batch of `fit`, and the loss that it tells."""
    start = learner.initial_state(0, rows)
    learner.load(start)
    model = learner.graph()
    fit = model.fit(
        {"numbers": rows["numbers"]}, rows.labels, sample_weight=counts,
        batch_size=ROWS, epochs=1, shuffle=False, verbose=0,
    )  # fmt: skip
    return fit.history["loss"][0], learner.weights()


@pytest.mark.parametrize("task, loss", CASES)
def test_a_step_is_that_of_fit_with_sample_weight(task, loss):
    weights = np.random.default_rng(3).choice([0, 0.5, 1, 2.25], ROWS)
    rows = rows_of(task, weights=weights)
    mine, weights_after = stepped(learner_of(task, loss, counted=True), rows)
    its, its_after = fitted(learner_of(task, loss, counted=True), rows, rows.weights)
    assert mine == pytest.approx(its, rel=1e-6)
    for name, array in its_after.items():
        np.testing.assert_array_equal(weights_after[name], array)


def test_the_loss_is_the_sum_over_the_number_of_rows_not_over_that_of_weights():
    weights = np.random.default_rng(3).choice([0, 0.5, 2.25], ROWS)
    learner = learner_of("regression", "spec.loss", counted=True)
    rows = rows_of("regression", weights=weights)
    state = learner.initial_state(0, rows)
    answers = learner.predict(state, rows)[:, 0]
    found, _ = stepped(learner, rows)
    squares = weights * (answers - rows.labels) ** 2
    assert found == pytest.approx(squares.sum() / ROWS, rel=1e-5)
    learner.load(state)
    assert learner.loss(rows) == pytest.approx(squares.sum() / ROWS, rel=1e-5)


@pytest.mark.parametrize("task, loss", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_weights_of_one_everywhere_give_the_bits_of_no_weights(task, loss, seed):
    counted, plain = (learner_of(task, loss, counted=counted) for counted in (True, False))
    ones = rows_of(task, weights=np.ones(ROWS), seed=seed)
    none = rows_of(task, weights=None, seed=seed)
    (loss_of_ones, with_ones), (loss_of_none, without) = (
        stepped(counted, ones),
        stepped(plain, none),
    )
    assert loss_of_ones == loss_of_none
    for name, array in without.items():
        np.testing.assert_array_equal(with_ones[name], array)
    assert counted.loss(ones) == plain.loss(none)


def test_a_row_of_weight_0_adds_nothing_to_a_step_but_is_one_of_its_rows():
    weights = np.ones(ROWS)
    weights[0] = 0
    learner = learner_of("regression", "spec.loss", counted=True)
    rows = rows_of("regression", weights=weights)
    other = rows.take(np.arange(ROWS))
    other["numbers"][0], other.labels[0] = 99.0, -99.0
    (loss, after), (other_loss, other_after) = stepped(learner, rows), stepped(learner, other)
    assert loss == other_loss
    for name, array in after.items():
        np.testing.assert_array_equal(other_after[name], array)
    fewer, _ = stepped(learner, rows.take(np.arange(1, ROWS)))
    assert fewer == pytest.approx(loss * ROWS / (ROWS - 1), rel=1e-5)


def test_a_row_counts_for_its_weight_times_that_of_its_class():
    rows = rows_of("classification", weights=np.linspace(0, 3, ROWS))
    classes = np.array([0.5, 4.0], np.float32)
    counts = counts_of(rows, classes)
    np.testing.assert_array_equal(counts, rows.weights * classes[rows.labels])
    assert counts.dtype == np.float32
    learner = learner_of("classification", "spec.loss", counted=True)
    _, together = stepped(learner, rows, class_weights=classes)
    _, by_fit = fitted(learner_of("classification", "spec.loss", counted=True), rows, counts)
    for name, array in by_fit.items():
        np.testing.assert_array_equal(together[name], array)
    assert counts_of(rows_of("classification", weights=None), classes) is None


@settings(max_examples=examples(50))
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1))
def test_balanced_classes_are_those_of_scikit_learn_by_weights(rows):
    labels, weights = (np.array(one) for one in zip(*rows, strict=True))
    found = balanced(labels, 3, weights)
    there = [number for number in range(3) if weights[labels == number].sum()]
    if there:
        wanted = compute_class_weight(
            "balanced", classes=np.array(there), y=np.repeat(labels, weights)
        )
        np.testing.assert_allclose(found[there], wanted, rtol=1e-6)
    assert not found[[number for number in range(3) if number not in there]].any()
    assert (balanced(labels, 3, np.ones(len(labels))) == balanced(labels, 3)).all()
