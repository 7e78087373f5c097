"""What a stage computes from its own rows: class weights, and when it has been trained enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.cells.cell import CellLayout
from lineage_store.data.schema import Column, Label, Schema
from lineage_store.errors import BadInput
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition, shard_of, slice_of
from lineage_store.rows.writer import write_rows
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.keras_learning.class_weights import ALIKE, balanced, must_fit, weighting_or_default
from unlearning.training.early_stop import Watch, seen_digest, watch_of

PARTITION = Partition(shards=3, slices=4, epochs=1, batch_size=8, seed=0)
PATIENT = TrainOptions(early_stop=2)


def made(count, *, seed):
    draw = np.random.default_rng(seed)
    return keras_rows(
        draw.integers(0, 256, (count, 16), dtype=np.uint8),
        draw.normal(size=(count, 2)).astype(np.float32),
        np.zeros((count, 0), np.int32),
        draw.integers(0, 2, count).astype(np.int32),
    ), draw.integers(0, 1 << 63, count, dtype=np.uint64)


# Class weights


@given(labels=st.lists(st.integers(0, 5), min_size=1), classes=st.integers(6, 9))
def test_balanced_classes_weigh_alike_and_rows_weigh_one_in_the_mean(labels, classes):
    labels = np.array(labels, np.int32)
    weights = balanced(labels, classes)
    assert weights.dtype == np.float32 and weights.shape == (classes,)
    present = set(labels.tolist())
    sums = [weights[one] * np.count_nonzero(labels == one) for one in present]
    assert np.allclose(sums, len(labels) / len(present), rtol=1e-5)
    assert not weights[[one for one in range(classes) if one not in present]].any()


def test_a_stage_without_rows_has_no_weights_to_give():
    assert not balanced(np.zeros(0, np.int32), 3).any()


def test_values_have_no_classes_to_weigh():
    must_fit(ALIKE, task="regression")
    with pytest.raises(BadInput, match="a regression, and `class_weights` balanced is for a class"):
        must_fit("balanced", task="regression")
    assert weighting_or_default("balanced", task="regression")(np.zeros(3), 1) is None


# Early stopping


@given(losses=st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0])), patience=st.integers(1, 5))
def test_a_stage_ends_after_as_many_epochs_without_a_new_minimum(losses, patience):
    watch = Watch(made(1, seed=0)[0], patience)
    lowest, waited = float("inf"), 0
    for count, loss in enumerate(losses, start=1):
        lowest, waited = (loss, 0) if loss < lowest else (lowest, waited + 1)
        assert watch.ends(losses[:count]) == (waited >= patience)


SCHEMA = Schema(
    (Column("a", "number"), Column("b", "number")),
    (Label("label", "text", "classification", ("no", "yes")),),
)


@pytest.fixture(scope="module")
def evaluation():
    return made(90, seed=2)


@pytest.fixture(scope="module")
def store(tmp_path_factory, evaluation):
    """A store whose second shard has no training rows, and whose first none in slice 0."""
    train, places = made(400, seed=1)
    shard, slice_ = shard_of(places, 3), slice_of(places, 4)
    kept = np.flatnonzero((shard != 1) & ((shard != 0) | (slice_ > 0)))
    rows, eval_places = evaluation
    return write_rows(
        tmp_path_factory.mktemp("store") / "rows",
        train=[(train.take(kept), places[kept])],
        evaluation=[(rows, eval_places)],
        layout=CellLayout(PARTITION, 1),
        description={"inference": SCHEMA.to_json()},
    )


def test_a_stage_watches_the_evaluation_rows_of_its_own_slices(store, evaluation):
    rows, places = evaluation
    shard, slice_ = shard_of(places, 3), slice_of(places, 4)
    for one in range(3):
        for stage in range(4):
            here = np.flatnonzero((shard == one) & (slice_ <= stage))
            expected = sorted(key.tobytes() for key in rows.take(here).row_keys)
            found = store.evaluation_of(one, stage)
            assert [key.tobytes() for key in found.row_keys] == expected
            labels = dict(zip((k.tobytes() for k in rows.row_keys), rows.labels, strict=True))
            assert [labels[key] for key in expected] == found.labels.tolist()
    assert sum(len(store.evaluation_of(one, 3)) for one in range(3)) == store.evaluation_rows == 90


def test_what_takes_no_step_or_was_not_asked_to_stop_watches_nothing(store):
    assert watch_of(TrainOptions(), store, shard=2, stage=3) is None
    assert watch_of(PATIENT, store, shard=1, stage=3) is None
    assert watch_of(PATIENT, store, shard=0, stage=0) is None
    found = watch_of(PATIENT, store, shard=0, stage=1)
    assert found is not None and found.patience == 2
    assert seen_digest("d", None) == "d" != seen_digest("d", found)
    assert seen_digest("d", found) != seen_digest("d", watch_of(PATIENT, store, shard=0, stage=2))
