"""A model of several labels: a step is that of Keras's own `fit`, and what does not fit is told."""

import numpy as np
import pytest

from lineage_store.errors import BadInput
from lineage_store.rows import WEIGHT, Rows, label_name
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import LabelSpec, ModelSpec
from unlearning.keras_models.several_outputs import slice_of

LATE = LabelSpec("late", "classification", ("no", "yes"))
KIND = LabelSpec("a/kind", "classification", ("x", "y", "z"))
MINUTES = LabelSpec("minutes", "regression", ())
MODULE = """
import keras
from keras import layers, ops

def build_model(spec):
    numbers = keras.Input((2,), name="numbers")
    late = layers.Dense(1, "sigmoid", name="late")(numbers)
    kind = layers.Dense(3, name="a_kind")(numbers)
    minutes = layers.Dense(1, name="minutes")(numbers)
    model = keras.Model(numbers, OUTPUTS)
    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.05), COMPILED)
    return model
"""
BY_NAME = '{"late": late, "a_kind": kind, "minutes": minutes}'
LOSSES = '{"late": "binary_crossentropy", "a_kind": logits, "minutes": "mse"}'
WEIGHED = LOSSES + ', loss_weights={"late": 1.0, "a_kind": 0.5, "minutes": 2.0}'
IN_ORDER = '["mse", logits, "binary_crossentropy"], loss_weights=[2.0, 0.5, 1.0]'


def learner_of(outputs, compiled, *, weighed=False, after=""):
    pin_tensorflow()
    spec = ModelSpec(
        ("a", "b"), (), "classification", LATE.classes, weighed=weighed,
        labels=(LATE, KIND, MINUTES),
    )  # fmt: skip
    text = MODULE.replace("OUTPUTS", outputs).replace("COMPILED", compiled) + after
    return KerasLearner(text, name="m.py", spec=spec, seed=1)


def rows_of(*, weighed=False, rows=24):
    draw = np.random.default_rng(0)
    columns = {
        "numbers": draw.normal(size=(rows, 2)).astype(np.float32),
        "categories": np.zeros((rows, 0), np.int32),
        label_name(0): draw.integers(0, 2, rows).astype(np.int32),
        label_name(1): draw.integers(0, 3, rows).astype(np.int32),
        label_name(2): draw.normal(size=rows).astype(np.float32),
    }
    if weighed:
        columns[WEIGHT] = draw.integers(0, 3, rows).astype(np.float32)
    return Rows(draw.integers(0, 256, (rows, 16)).astype(np.uint8), columns)


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize(
    "outputs, compiled", [(BY_NAME, WEIGHED), ("[minutes, kind, late]", IN_ORDER)]
)
def test_a_step_is_that_of_fit_to_the_bit(outputs, compiled, weighed):
    learner, rows = learner_of(outputs, compiled, weighed=weighed), rows_of(weighed=weighed)
    state = learner.initial_state(0, rows)
    learner.load(state)
    learner.step(rows, shard=0, position=0)
    taken = learner.weights()
    learner.load(state)
    model = learner.graph()
    right = {
        "late": rows.labels[:, np.newaxis].astype(np.float32),
        "a_kind": rows[label_name(1)],
        "minutes": rows[label_name(2)],
    }
    if isinstance(model.output, list):
        right = [right[name] for name in model.output_names]
    model.optimizer.iterations.assign(0)
    model.fit(
        rows["numbers"], right, batch_size=len(rows), sample_weight=rows.weights, verbose=0,
        shuffle=False,
    )  # fmt: skip
    after = learner.weights()
    assert all(taken[name].tobytes() == after[name].tobytes() for name in taken)
    assert any(taken[name].tobytes() != state[name].tobytes() for name in taken)


def test_what_is_compiled_for_fit_alone_is_no_hidden_state():
    learner, rows = learner_of(BY_NAME, WEIGHED), rows_of()
    learner.must_repeat([rows, rows], rows, shard=0)


def test_answers_stand_side_by_side_in_the_order_of_labels():
    learner, rows = learner_of("[minutes, kind, late]", IN_ORDER), rows_of()
    outputs = learner.predict(learner.initial_state(0, rows), rows)
    assert outputs.shape == (24, 6)
    slices = [slice_of(learner.spec, label) for label in learner.spec.labels]
    assert slices == [slice(0, 2), slice(2, 5), slice(5, 6)]
    late, kind, minutes = (outputs[:, one] for one in slices)
    assert late.sum(axis=1) == pytest.approx(np.ones(24), abs=1e-5)
    assert kind.sum(axis=1) == pytest.approx(np.ones(24), abs=1e-5)
    direct = dict(zip(("minutes", "a_kind", "late"), learner.graph()(rows["numbers"]), strict=True))
    assert np.allclose(minutes, direct["minutes"]) and np.allclose(late[:, 1:], direct["late"])


TARGETS = """
def targets(labels, spec):
    assert list(labels) == ["late", "a/kind", "minutes"]
    return {
        "late": ops.cast(labels["late"][:, None], "float32"), "a_kind": labels["a/kind"],
        "minutes": 0.0 * labels["minutes"],
    }
"""


def test_a_module_may_make_the_targets_of_all_outputs_itself():
    losses, rows = {}, rows_of()
    for after in ("", TARGETS):
        learner = learner_of(BY_NAME, LOSSES, after=after)
        learner.load(learner.initial_state(0, rows))
        losses[after] = learner.loss(rows)
    assert losses[""] != losses[TARGETS]


WRONG = {
    "a label without an output": ('{"late": late, "minutes": minutes}', LOSSES, "called 'late', "),
    "an output without a label": (BY_NAME[:-1] + ', "x": late}', LOSSES, "outputs 'a_kind', "),
    "one output": ("late", "'mse'", "one without a name"),
    "outputs within outputs": ("[late, [kind, minutes]]", "'mse'", "one without a name"),
    "an output without a loss": (BY_NAME, '{"late": "mse", "minutes": "mse"}', "has no loss"),
    "another shape": (
        BY_NAME.replace("minutes}", "kind}").replace("kind, ", "minutes, "),
        LOSSES.replace("binary_crossentropy", "categorical_crossentropy"),
        r"(?s)'late', and the loss.*'a_kind' shape \(None, 1\).*'minutes' shape \(None, 3\)",
    ),
}


@pytest.mark.parametrize("outputs, compiled, words", WRONG.values(), ids=WRONG)
def test_outputs_that_are_not_those_of_the_labels_are_refused(outputs, compiled, words):
    with pytest.raises(BadInput, match=words) as refused:
        learner_of(outputs, compiled)
    assert str(refused.value).startswith("Change this: ")
