"""How shards make one answer: each rule as arrays and as a graph, and what it says of ties."""

import csv
import random

import numpy as np
import pytest

from fixtures import SMALL_MODEL
from lineage_store.errors import BadInput
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.serving.aggregation import (
    AGGREGATIONS,
    aggregation_for,
    aggregation_or_default,
    stacked,
)
from unweave import Project


@pytest.mark.parametrize("name", AGGREGATIONS)
@pytest.mark.parametrize("shards", [1, 2, 3, 8])
def test_the_graph_says_what_the_arrays_say(name, shards):
    pin_tensorflow()
    import tensorflow as tf

    draw = np.random.default_rng(shards)
    # Few different values, so that votes and medians meet ties.
    members = draw.integers(0, 4, size=(shards, 200, 3)).astype(np.float32) / 4
    rule = AGGREGATIONS[name]
    expected = rule.arrays(stacked(list(members)))
    for ours, theirs in zip(expected, rule.graph(tf.constant(members)), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)


def test_votes_count_and_the_mean_breaks_a_tie():
    one = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0]])
    other = np.array([[0.0, 0.4, 0.6], [0.1, 0.9, 0.0], [0.3, 0.7, 0.0]])
    third = np.array([[0.0, 0.4, 0.6], [0.0, 0.1, 0.9], [0.3, 0.7, 0.0]])
    outputs, scores = AGGREGATIONS["vote"].arrays(stacked([one, other, third]))
    np.testing.assert_allclose(outputs, [[1 / 3, 0, 2 / 3], [1 / 3, 1 / 3, 1 / 3], [0, 1, 0]])
    # Two of three outvote the surest; of three with a vote each the likeliest on average is taken.
    assert scores.argmax(axis=1).tolist() == [2, 1, 1]


def test_the_median_is_deaf_to_one_shard_that_is_far_off():
    members = stacked([np.array([[1.0]]), np.array([[2.0]]), np.array([[1e6]])])
    assert AGGREGATIONS["median"].arrays(members)[0].tolist() == [[2.0]]
    assert AGGREGATIONS["mean"].arrays(members)[0][0, 0] > 1e5
    assert AGGREGATIONS["median"].arrays(members[:2])[0].tolist() == [[1.5]]


def test_a_rule_that_the_task_has_no_use_for_is_refused_but_stops_no_deletion():
    with pytest.raises(BadInput, match="`aggregate` vote is for a classification: choose mean or"):
        aggregation_for("vote", task="regression")
    with pytest.raises(BadInput, match="`aggregate` median is for a regression"):
        aggregation_for("median", task="classification")
    assert aggregation_or_default("vote", task="regression").name == "mean"
    assert aggregation_or_default("vote", task="classification").name == "vote"


def test_a_model_that_votes_still_votes_after_a_deletion(tmp_path):
    draw = random.Random(1)
    table = tmp_path / "table.csv"
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", "age", "label"])
        for number in range(200):
            age = draw.random()
            writer.writerow([f"p{number % 20}", f"{age:.3f}", "old" if age > 0.5 else "young"])
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    options = {"label": "label", "subject": "person", "shards": 3, "slices": 2, "epochs": 2,
               "module": SMALL_MODEL}  # fmt: skip
    with pytest.raises(BadInput, match="`aggregate` median is for a regression"):
        project.train(table, aggregate="median", **options)
    project.train(table, aggregate="vote", **options)
    done = project.forget(["p3"], replay=True)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert project.ask.hyperparameters()["aggregate"] == "vote"
    shares = np.array(project.predict(table)["probabilities"])
    np.testing.assert_allclose(shares * 3, np.round(shares * 3), atol=1e-5)
