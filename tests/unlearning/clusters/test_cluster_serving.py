"""The served graph of clusters tells each row the cluster that its part tells."""

import numpy as np
import pytest

from lineage_store.data.schema import Column, Schema
from lineage_store.errors import BadInput
from unlearning.clusters.cluster_part import ClusterRule
from unlearning.encoding.point_encoding import PointEncoding
from unlearning.encoding.row_encoding import TypedRows
from unlearning.families.k_means_family import ClusterLearner
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.linear.grid import Grid

SCHEMA = Schema((Column("t0", "text"), Column("n0", "number"), Column("n1", "number")))
SIZE = 300


@pytest.fixture(scope="module")
def learner():
    return ClusterLearner(SCHEMA, Grid(np.array([1.0, 50.0])), ClusterRule(4, seed=1))


@pytest.fixture(scope="module")
def table():
    draw = np.random.default_rng(0)
    numbers = (draw.normal(size=(SIZE, 2)) * [1, 80] + draw.integers(-4, 4, (SIZE, 1))).astype("f4")
    numbers[draw.random((SIZE, 2)) < 0.1] = np.nan
    texts = draw.choice(["", "bé", "c\nd"], SIZE).astype(object)
    return numbers, texts


def encoded(table):
    numbers, texts = table
    keys = np.arange(SIZE * 16, dtype=np.int64).astype(np.uint8).reshape(SIZE, 16)
    keys[:, 0] = np.arange(SIZE) // 16
    columns = {"n0": numbers[:, 0], "n1": numbers[:, 1], "t0": texts}
    return PointEncoding(SCHEMA).encode(TypedRows(keys, columns))


def test_both_signatures_tell_the_cluster_that_the_part_tells(tmp_path, learner, table):
    pin_tensorflow()
    import tensorflow as tf

    rows = encoded(table)
    state = learner.relearnt(rows)
    learner.export([{}, state], tmp_path / "model", rule="mean")
    assert learner.serves(tmp_path / "model", [state], rule="mean")
    half = learner.relearnt(rows.take(np.arange(SIZE // 2)))
    assert not learner.serves(tmp_path / "model", [half], rule="mean")
    which = learner.predict(state, rows).argmax(axis=1)
    assert len(set(which.tolist())) == 4
    served = tf.saved_model.load(str(tmp_path / "model")).signatures["columns"]
    numbers, texts = table
    outputs = served(numbers=tf.constant(numbers), strings=tf.constant(texts[:, np.newaxis]))
    assert [int(one) - 1 for one in outputs["classes"].numpy()] == which.tolist()
    assert outputs["probabilities"].numpy().argmax(axis=1).tolist() == which.tolist()


def test_without_a_row_there_is_nothing_to_serve(tmp_path, learner):
    with pytest.raises(BadInput, match="no clusters to serve"):
        learner.export([{}], tmp_path / "none", rule="mean")
