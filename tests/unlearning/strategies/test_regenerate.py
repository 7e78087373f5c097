"""Updates that were not recorded, computed again: bit for bit those that would have been."""

import random
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from lineage_store.errors import CheckFailed
from lineage_store.ledger.shards import ShardLedger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.ledger.update_codecs import decode
from lineage_store.placement import Partition
from unlearning.encoding.encode_records import store_from_snapshot
from unlearning.keras_learning.make import make_learner
from unlearning.strategies.regenerate import record_again, regenerated, replayed
from unlearning.training.stages import Run, train_shard

PARTITION = Partition(shards=1, slices=2, epochs=5, batch_size=16, seed=5)
EVERY = 7

MODEL = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Dense(12)(numbers)
    hidden = keras.layers.Activation("relu")(keras.layers.BatchNormalization()(hidden))
    hidden = keras.layers.Dropout(0.4)(hidden)
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer=OPTIMIZER, loss=spec.loss)
    return model
"""
OPTIMIZERS = {
    "Adam": "keras.optimizers.Adam(1e-2)",
    "SGD": "keras.optimizers.SGD(0.1)",
    "momentum with a schedule": "keras.optimizers.SGD("
    "keras.optimizers.schedules.CosineDecay(0.05, decay_steps=30), momentum=0.9, nesterov=True)",
    "RMSprop": "keras.optimizers.RMSprop(1e-3)",
}
IN_SUITE = (
    "Adam",
    "momentum with a schedule",
)  # one with slots of two moments, one with a schedule


@pytest.fixture(scope="module")
def snapshot(gated):
    draw = random.Random(1)
    lines = [["a", "b", "label"]]
    for _ in range(150):
        a, b = draw.gauss(0, 1), draw.gauss(0, 3)
        lines.append([f"{a:.4f}", f"{b:.4f}", "yes" if a > b * draw.random() else "no"])
    return gated(lines)


@pytest.fixture(scope="module")
def store(snapshot, new_folder):
    return store_from_snapshot(new_folder() / "rows", snapshot, PARTITION)


def run_of(store, optimizer, record, **how):
    text = MODEL.replace("OPTIMIZER", OPTIMIZERS[optimizer])
    learner = make_learner(text, name="model.py", store=store, seed=PARTITION.seed)
    options = TrainOptions(**asdict(PARTITION), record=record, **how)
    return Run(learner=learner, options=options, model="m1", clock=lambda: 0.0, interval=EVERY)


def trained(run, store, folder):
    ledger = ShardLedger(folder)
    train_shard(run, store, 0, ledger, kept=0)
    return ledger


def same_bits(one, other):
    assert sorted(one) == sorted(other)
    assert all(array.tobytes() == other[name].tobytes() for name, array in one.items())


def positions_of(ledger):
    return [step.position for stage in ledger.stages() for step in ledger.steps(stage.stage)]


@pytest.mark.parametrize(
    "optimizer",
    [pytest.param(one, marks=() if one in IN_SUITE else pytest.mark.slow) for one in OPTIMIZERS],
)
def test_every_update_is_the_recorded_one_bit_for_bit(optimizer, store, tmp_path):
    every = trained(run_of(store, optimizer, "all"), store, tmp_path / "all")
    run = run_of(store, optimizer, "regenerate")
    ledger = trained(run, store, tmp_path / "regenerate")
    same_bits(every.final_weights(), ledger.final_weights())
    assert not ledger.recorded_updates()
    positions = positions_of(ledger)
    assert positions == sorted(every.recorded_updates()) and len(positions) > 3 * EVERY
    again = dict(regenerated(run, store, 0, ledger, positions))
    assert list(again) == positions
    for position, update in every.updates.load(positions):
        same_bits(update, again[position])


@pytest.mark.parametrize("how", [{"class_weights": "balanced"}, {"early_stop": 1}])
def test_a_few_steps_are_regenerated_whatever_the_rules_of_the_run(how, store, tmp_path):
    every = trained(run_of(store, "Adam", "all", **how), store, tmp_path / "all")
    run = run_of(store, "Adam", "regenerate", **how)
    ledger = trained(run, store, tmp_path / "regenerate")
    few = [positions_of(ledger)[place] for place in (-1, 4, 0, 11)]
    found = dict(regenerated(run, store, 0, ledger, few))
    assert list(found) == sorted(few)
    for position, update in every.updates.load(few):
        same_bits(update, found[position])


@pytest.fixture(scope="module")
def original(store, new_folder):
    """A run and its ledger; never written to after this."""
    run = run_of(store, "Adam", "regenerate")
    return run, trained(run, store, new_folder() / "ledger")


@pytest.fixture
def made(original, tmp_path):
    """The run, and a copy of the ledger."""
    run, ledger = original
    return run, ShardLedger(shutil.copytree(ledger.folder, tmp_path / "ledger"))


def test_one_update_takes_at_most_as_many_steps_as_lie_between_two_checkpoints(
    made, store, monkeypatch
):
    run, ledger = made
    taken = []
    step = run.learner.step

    def counted(rows, **how):
        taken.append(how["position"])
        return step(rows, **how)

    monkeypatch.setattr(run.learner, "step", counted)
    for position in positions_of(ledger):
        taken.clear()
        assert [p for p, _ in regenerated(run, store, 0, ledger, [position])] == [position]
        assert len(taken) <= EVERY and taken[-1] == position
    taken.clear()
    list(regenerated(run, store, 0, ledger, positions_of(ledger)))
    assert taken == positions_of(ledger)  # of all together none is taken twice


def test_the_learner_may_be_used_between_two_steps(made, store):
    run, ledger = made
    positions = positions_of(ledger)[3:9]
    wanted = [one.after for one in replayed(run, store, 0, ledger, positions)]
    for one, after in zip(replayed(run, store, 0, ledger, positions), wanted, strict=True):
        same_bits(one.after, after)
        run.learner.load({name: np.zeros_like(array) for name, array in one.after.items()})
        run.learner.step(one.rows, shard=0, position=0)


def test_what_is_recorded_after_the_fact_can_be_read_as_if_it_always_was(made, store, tmp_path):
    run, ledger = made
    few = positions_of(ledger)[2:20:3]
    record_again(run, store, 0, ledger, few[:3])
    record_again(run, store, 0, ledger, few)  # those that are there are not made again
    record_again(run, store, 0, ledger, few)
    assert ledger.recorded_updates() == set(few)
    assert len(list(ledger.updates.folder.iterdir())) == 2
    found = dict(ledger.updates.read(few))
    for position, update in regenerated(run, store, 0, ledger, few):
        same_bits(decode(found[position]), update)


def test_rows_that_are_not_the_old_ones_are_noticed(made, gated, new_folder):
    run, ledger = made
    draw = random.Random(2)
    others = [["a", "b", "label"]]
    others += [[f"{draw.random():.4f}", f"{n}", "yes" if n % 2 else "no"] for n in range(150)]
    wrong = store_from_snapshot(new_folder() / "rows", gated(others), PARTITION)
    with pytest.raises(CheckFailed, match="saw other rows than there are today"):
        list(regenerated(run, wrong, 0, ledger, [3]))


def test_a_checkpoint_that_was_changed_is_noticed(made, store):
    run, ledger = made
    start = min(ledger.step_checkpoints())
    file = ledger.step_checkpoint_file(start)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckFailed, match="is gone or is not the recorded one"):
        list(regenerated(run, store, 0, ledger, [start + 1]))
    assert len(list(regenerated(run, store, 0, ledger, [start]))) == 1


def test_a_model_that_does_not_repeat_itself_is_noticed(made, store):
    _, ledger = made
    other = run_of(store, "SGD", "regenerate")
    with pytest.raises(CheckFailed, match="did not repeat itself"):
        list(regenerated(other, store, 0, ledger, [0, 1, 2]))
