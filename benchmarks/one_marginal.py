"""Ways to forget compared with the retrained twin, for one optimizer and one seed.

`python -m benchmarks.one_marginal JSON`. One model is trained; for each set of rows its twin is,
by the same function. One replay of the old run, which must end in the recorded state bit for bit,
gives the whole updates of the affected batches and their marginal parts at once.
"""

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mnist
from lineage_store.ledger.shards import ShardLedger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows.arrays import Rows, RowSet
from lineage_store.rows.row_store import RowStore
from lineage_store.tensors import State, distance, first_difference, weights_of
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_learning.make import make_learner
from unlearning.strategies.last_epoch import corrected_state, correction_steps
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import stage_batches
from unlearning.training.stages import Run, train_shard

MODULE = '''
import keras


def build_model(spec):
    """The perceptron 784-128-10."""
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Dense(128, activation="relu")(numbers)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model({"numbers": numbers}, output)
    model.compile(optimizer=keras.optimizers.OPTIMIZER, loss=spec.loss)
    return model
'''
OPTIMIZERS = {"SGD": "SGD(0.1)", "momentum": "SGD(0.02, momentum=0.9)", "Adam": "Adam(1e-3)"}
CLASS = 3
Numbers = dict[str, Any]


@dataclass
class Case:
    """A set of rows to forget, and what a replay adds up for it."""

    name: str
    gone: frozenset[bytes]
    whole: State = field(default_factory=dict)
    marginal: State = field(default_factory=dict)
    touched: list[int] = field(default_factory=list)

    def stays(self, rows: RowSet) -> np.ndarray:
        """Say which rows are not forgotten (n,)."""
        return np.array([key.tobytes() not in self.gone for key in rows.row_keys])


def cases(rows: RowSet, names: list[str], *, seed: int) -> list[Case]:
    """Draw the rows of each case: a number of scattered ones, or all of one class."""
    found = []
    everything = rows.take(np.arange(len(rows)))
    for name in names:
        if name.isdecimal():
            drawn = np.random.default_rng([seed, int(name)])
            places = drawn.choice(len(rows), int(name), replace=False)
        else:
            places = np.flatnonzero(everything.labels == CLASS)
        found.append(Case(name, frozenset(everything.row_keys[n].tobytes() for n in places)))
    return found


def replay(learner: KerasLearner, ledger: ShardLedger, store: RowStore, asked: list[Case], *,
           seed: int) -> None:  # fmt: skip
    """Take the steps of the old run again and add up, for each case, what its batches did."""
    stage = stage_of(ledger.stages()[0])
    learner.load(learner.initial_state(0, None))
    zero = {name: np.zeros(array.shape) for name, array in learner.trainable().items()}
    for case in asked:
        case.whole, case.marginal = dict(zero), dict(zero)
    for epoch, batch, here in stage_batches(store.stage_rows(0, 0), stage, seed=seed):
        position = stage.position(epoch=epoch, batch=batch)
        before = learner.state()
        learner.step(here, shard=0, position=position)
        after = learner.state()
        for case in asked:
            stays = case.stays(here)
            if stays.all():
                continue
            case.touched.append(position)
            learner.load(before)
            if stays.any():
                learner.step(here.take(np.flatnonzero(stays)), shard=0, position=position)
            without = learner.trainable()
            for name in zero:
                update = after[name].astype(np.float64) - before[name]
                case.whole[name] = case.whole[name] - update
                case.marginal[name] = case.marginal[name] + (without[name] - after[name])
        learner.load(after)
    if first_difference(learner.state(), ledger.checkpoint(0)) is not None:
        raise RuntimeError("the replayed run does not end in the recorded state")


def measure(asked: Numbers) -> Numbers:
    """Train, forget in all ways, and compare with the twins."""
    pin_tensorflow()
    folder, seed = Path(asked["folder"]), asked["seed"]
    partition = Partition(shards=1, slices=1, epochs=asked["epochs"], batch_size=128, seed=seed)
    store = mnist.write_store(folder / "rows", partition, limit=asked["limit"])
    text = MODULE.replace("OPTIMIZER", OPTIMIZERS[asked["optimizer"]])
    learner = make_learner(text, name="perceptron", store=store, seed=seed)
    run = Run(
        learner=learner,
        options=TrainOptions(**asdict(partition)),
        model="m1",
        clock=time.perf_counter,
    )
    ledger = ShardLedger(folder / "ledger")
    train_shard(run, store, 0, ledger, kept=0)
    rows, test = store.stage_rows(0, 0), store.evaluation()
    test_rows = test.take(np.arange(len(test)))
    sets = cases(rows, asked["forget"], seed=seed)
    replay(learner, ledger, store, sets, seed=seed)
    full = ledger.stages()[0].steps
    weights, trainable = ledger.final_weights(), sorted(learner.trainable())
    found: Numbers = {}
    for case in sets:
        left = mnist.write_store(
            folder / f"rows-{case.name}", partition, limit=asked["limit"], without=case.gone
        )
        twin = ShardLedger(folder / f"twin-{case.name}")
        train_shard(run, left, 0, twin, kept=0)
        forgotten = rows.take(np.flatnonzero(~case.stays(rows)))
        ways: dict[str, tuple[State, float]] = {
            "untouched": (weights, 0.0),
            "whole updates": (_plus(weights, case.whole), 0.0),
            "marginal, undamped": (_plus(weights, case.marginal), full + len(case.touched)),
        }
        for windows in asked["windows"]:
            state = corrected_state(
                learner, old=ledger, before=store, after=left, options=run.options,
                windows=windows,
            )  # fmt: skip
            steps = correction_steps(stage_of(ledger.stages()[0]), case.touched, windows=windows)
            ways[f"last epoch, {windows} windows"] = (weights_of(state), steps)
        ways["retrained twin"] = (twin.final_weights(), twin.stages()[0].steps)
        untouched = distance(weights, twin.final_weights(), names=trainable)
        found[case.name] = {
            "distance": untouched,
            "ways": {
                name: {
                    "ratio": distance(one, twin.final_weights(), names=trainable) / untouched,
                    "accuracy": _accuracy(learner, one, test_rows),
                    "loss": _loss(learner, one, forgotten),
                    "cost": steps / full,
                }
                for name, (one, steps) in ways.items()
            },
        }
    return found


def _plus(weights: State, difference: State) -> State:
    return weights | {
        name: (weights[name] + array).astype(np.float32) for name, array in difference.items()
    }


def _accuracy(learner: KerasLearner, weights: State, rows: Rows) -> float:
    return float((learner.predict(weights, rows).argmax(axis=1) == rows.labels).mean())


def _loss(learner: KerasLearner, weights: State, rows: Rows) -> float:
    learner.load(weights)
    return learner.loss(rows)


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(json.dumps(measure(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
