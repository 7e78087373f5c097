"""The served graphs of ridge and logistic say what their weights say, by every rule."""

import numpy as np
import pytest

from lineage_store.data.schema import Column, Label, Schema
from lineage_store.errors import BadInput
from unlearning.encoding.number_and_key_encoding import NumberAndKeyEncoding
from unlearning.encoding.row_encoding import TypedRows
from unlearning.families.logistic_family import LogisticLearner
from unlearning.families.ridge_family import RidgeLearner
from unlearning.linear.grid import grid_of
from unlearning.linear.ridge_graph import RULES
from unlearning.linear.ridge_part import RidgeRule
from unlearning.serving.aggregation import AGGREGATIONS

KINDS = {"t0": "text", "n0": "number", "n1": "number", "t1": "text"}
LABELS = {
    "classification": Label("y", "text", "classification", ("né", "perhaps", "yes")),
    "regression": Label("y", "number", "regression"),
}
PARTS = (slice(0, 120), slice(120, 300))


def learner_of(task, family="ridge"):
    schema = Schema(tuple(Column(*one) for one in KINDS.items()), (LABELS[task],))
    scales = ("n1=0.5", *(["y=10"] if task == "regression" else []))
    if family == "logistic":
        return LogisticLearner(schema, grid_of(schema, scales), 1.0)
    return RidgeLearner(schema, grid_of(schema, scales), RidgeRule(1.0))


@pytest.fixture(scope="module")
def table():
    """Rows of which the first part has no class `perhaps`."""
    draw = np.random.default_rng(0)
    numbers = (draw.normal(size=(300, 2)) * 100).astype(np.float32)
    classes = np.where(numbers[:, 0] > 0, "yes", "né").astype(object)
    classes[200:220] = "perhaps"
    values = (numbers[:, 0] * 3).astype(np.float32)
    numbers[draw.random((300, 2)) < 0.1] = np.nan
    strings = draw.choice(["", "a", "bé", "c\nd"], (300, 2)).astype(object)
    return numbers, strings, {"classification": classes, "regression": values}


def encoded(learner, table):
    numbers, strings, labels = table
    columns = {"n0": numbers[:, 0], "n1": numbers[:, 1], "t0": strings[:, 0], "t1": strings[:, 1]}
    keys = np.arange(300 * 16, dtype=np.int64).astype(np.uint8).reshape(300, 16)
    rows = TypedRows(keys, {**columns, "y": labels[learner.task]})
    return NumberAndKeyEncoding(learner.schema).encode(rows)


@pytest.mark.parametrize(
    ("task", "rule", "family"),
    [
        *((task, rule, "ridge") for task, rules in RULES.items() for rule in rules),
        *(("classification", rule, "logistic") for rule in RULES["classification"]),
    ],
)
def test_both_signatures_say_what_the_weights_say(tmp_path, table, task, rule, family):
    import tensorflow as tf

    from tests.unlearning.families.test_naive_bayes_serving import examples_of

    learner = learner_of(task, family)
    rows = encoded(learner, table)
    parts = [learner.relearnt(rows.take(np.arange(300)[part])) for part in PARTS]
    learner.export([{}, *parts], tmp_path / "model", rule=rule)
    assert learner.serves(tmp_path / "model", parts, rule=rule)
    assert not learner.serves(tmp_path / "model", parts[:1], rule=rule)
    members = np.stack([learner.predict(state, rows) for state in parts])
    outputs, scores = AGGREGATIONS[rule].arrays(members)
    served = tf.saved_model.load(str(tmp_path / "model")).signatures
    numbers, strings, _ = table
    both = (
        served["columns"](numbers=tf.constant(numbers), strings=tf.constant(strings)),
        served["serving_default"](examples=tf.constant(examples_of(tf, numbers, strings))),
    )
    for one in both:
        if task == "regression":
            assert one["values"].numpy() == pytest.approx(outputs[:, 0], rel=1e-5, abs=1e-4)
            continue
        assert one["probabilities"].numpy() == pytest.approx(outputs, abs=1e-6)
        names = np.array(LABELS[task].classes)[scores.argmax(axis=1)]
        best = np.array([name.decode() for name in one["classes"].numpy()])
        assert (best == names).mean() > 0.99


def test_what_cannot_be_served_is_refused(tmp_path, table):
    learner = learner_of("regression")
    with pytest.raises(BadInput, match="No shard has rows"):
        learner.export([{}], tmp_path / "none", rule="mean")
    states = [learner.relearnt(encoded(learner, table))]
    with pytest.raises(BadInput, match="'vote' is none for a regression"):
        learner.export(states, tmp_path / "vote", rule="vote")
