"""What outputs mean: probabilities of two classes from one unit, logits, one-hot and own losses."""

import numpy as np
import pytest

from lineage_store.errors import BadInput
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import ModelSpec

TWO, THREE = ("no", "yes"), ("a", "b", "c")
MODULE = """
import keras
from keras import ops

{before}

def build_model(spec):
    numbers = keras.Input((2,), name="numbers")
    model = keras.Model(numbers, {output})
    model.compile(keras.optimizers.SGD(0.5), loss={loss}, metrics=["accuracy"])
    return model
"""
ONE_UNIT = "keras.layers.Dense(1, {}, kernel_initializer='ones')(numbers)"
ALL_UNITS = "keras.layers.Dense(spec.outputs, {})(numbers)"


def learner_of(output, loss, *, classes=TWO, before=""):
    pin_tensorflow()
    spec = ModelSpec(("x", "y"), (), "classification", classes)
    text = MODULE.format(output=output, loss=loss, before=before)
    return KerasLearner(text, name="model.py", spec=spec, seed=0)


def rows_of(classes):
    numbers = np.random.default_rng(0).normal(size=(60, 2)).astype(np.float32)
    labels = np.clip((numbers[:, 0] + 1).astype(np.int32), 0, classes - 1)
    keys = np.random.default_rng(1).integers(0, 256, (60, 16), dtype=np.uint8)
    return keras_rows(keys, numbers, np.zeros((60, 0), np.int32), labels)


LOSSES = {
    "sigmoid": (ONE_UNIT.format("'sigmoid'"), "'binary_crossentropy'", 2),
    "logits": (ONE_UNIT.format("None"), "keras.losses.BinaryCrossentropy(from_logits=True)", 2),
    "focal": (ONE_UNIT.format("'sigmoid'"), "keras.losses.BinaryFocalCrossentropy()", 2),
    "one-hot": (ALL_UNITS.format("'softmax'"), "'categorical_crossentropy'", 3),
    "focal of three": (ALL_UNITS.format("'softmax'"), "['categorical_focal_crossentropy']", 3),
    "sparse logits": (
        ALL_UNITS.format("None"),
        "keras.losses.SparseCategoricalCrossentropy(from_logits=True)",
        3,
    ),
}


@pytest.mark.parametrize("output, loss, classes", LOSSES.values(), ids=LOSSES)
def test_probabilities_of_all_classes_are_answered_and_learnt(output, loss, classes):
    learner = learner_of(output, loss, classes=THREE[:classes])
    rows = rows_of(classes)
    state = learner.initial_state(0, rows)
    learner.load(state)
    before = learner.loss(rows)
    for position in range(40):
        learner.step(rows, shard=0, position=position)
    assert learner.loss(rows) < before
    outputs = learner.predict(learner.weights(), rows)
    assert outputs.shape == (60, classes)
    assert outputs.sum(axis=1) == pytest.approx(np.ones(60), abs=1e-5) and outputs.min() >= 0
    assert np.mean(outputs.argmax(axis=1) == rows.labels) > 0.75


def test_the_second_class_is_that_of_which_one_unit_tells_the_probability():
    learner = learner_of(ONE_UNIT.format("'sigmoid'"), "'binary_crossentropy'")
    rows = rows_of(2)
    outputs = learner.predict(learner.initial_state(0, rows), rows)
    assert outputs[:, 1] == pytest.approx(1 / (1 + np.exp(-rows["numbers"].sum(axis=1))), abs=1e-5)


def test_class_weights_count_for_one_unit_too():
    rows, ends = rows_of(2), []
    for weights in (None, np.array([1, 1], np.float32), np.array([1, 9], np.float32)):
        learner = learner_of(ONE_UNIT.format("'sigmoid'"), "'binary_crossentropy'")
        learner.load(learner.initial_state(0, rows))
        learner.step(rows, shard=0, position=0, class_weights=weights)
        ends.append(next(iter(learner.trainable().values())).ravel())
    assert ends[0] == pytest.approx(ends[1], abs=1e-6) and ends[0] != pytest.approx(ends[2])


OWN = """
def far(right, told):
    return ops.sum(ops.square(right - told), axis=-1)

def targets(labels, spec):
    return ops.one_hot(labels, spec.outputs)
"""


def test_a_loss_of_its_own_is_given_the_labels_that_the_module_makes():
    learner = learner_of(ALL_UNITS.format("'softmax'"), "far", classes=THREE, before=OWN)
    rows = rows_of(3)
    learner.load(learner.initial_state(0, rows))
    outputs = learner.predict(learner.weights(), rows).astype(np.float64)
    right = np.eye(3)[rows.labels]
    assert learner.loss(rows) == pytest.approx(
        np.mean(((outputs - right) ** 2).sum(axis=1)), rel=1e-4
    )


WRONG = {
    "one unit, a loss of all": (ONE_UNIT.format("'sigmoid'"), "spec.loss", TWO, "has one output"),
    "one unit for three": (
        ONE_UNIT.format("'sigmoid'"),
        "'binary_crossentropy'",
        THREE,
        r"output shape \(None, 1\): the task needs \(None, 3\)",
    ),
    "two outputs": (
        "[keras.layers.Dense(2)(numbers), keras.layers.Dense(1)(numbers)]",
        "['mse', 'mse']",
        TWO,
        "Change this: .*name a label for each output",
    ),
}


@pytest.mark.parametrize("output, loss, classes, words", WRONG.values(), ids=WRONG)
def test_an_output_that_does_not_fit_is_refused(output, loss, classes, words):
    with pytest.raises(BadInput, match=words):
        learner_of(output, loss, classes=classes)
