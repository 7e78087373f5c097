"""The measured part of `amnesiac-experiment`: `python -m benchmarks.one_amnesiac JSON`.

For each seed one model is trained, with all updates recorded, and forgets in every way; its twins
are trained by the same function. Subtraction, correction and repair are the strategies' own
functions. A repair, and plain fine-tuning, is one epoch on the rows that remain.
"""

import json
import os
import sys
import time
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import mnist
from benchmarks.one_marginal import CLASS, MODULE, OPTIMIZERS, cases
from benchmarks.one_project import area_under_curve
from lineage_store.ledger.shards import ShardLedger, keep_shard
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows.arrays import Rows
from lineage_store.rows.row_store import RowStore
from lineage_store.tensors import State, distance, save_state, weights_of
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_learning.make import make_learner
from unlearning.strategies.amnesiac import subtract
from unlearning.strategies.last_epoch import corrected_state, correction_steps
from unlearning.strategies.repair import repair
from unlearning.strategies.shard_decision import ShardDecision
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import stage_batches
from unlearning.training.stages import Run, train_shard

Numbers = dict[str, Any]
Losses = npt.NDArray[np.float64]


def measure(asked: Numbers) -> Numbers:
    """Train, forget in all ways, and compare with the twins, for all seeds."""
    pin_tensorflow()
    found: Numbers = {"seeds": [], "spread": {}}
    twins: dict[str, list[State]] = {}
    for seed in range(asked["seeds"]):
        numbers, made = one_seed(asked, seed=seed)
        found["seeds"].append(numbers)
        for name, twin in made.items():
            twins.setdefault(name, []).append(twin)
    names = sorted(found["seeds"][0]["trainable"])
    for name, made in twins.items():
        pairs = [distance(one, other, names=names) for one, other in combinations(made, 2)]
        found["spread"][name] = pairs
    return found


def one_seed(asked: Numbers, *, seed: int) -> tuple[Numbers, dict[str, State]]:
    """Measure one seed; return the numbers, and the weights of the twins."""
    folder = Path(asked["folder"]) / str(seed)
    partition = Partition(shards=1, slices=1, epochs=asked["epochs"], batch_size=128, seed=seed)
    store = mnist.write_store(folder / "rows", partition, limit=asked["limit"])
    text = MODULE.replace("OPTIMIZER", OPTIMIZERS[asked["optimizer"]])
    learner = make_learner(text, name="perceptron", store=store, seed=seed)
    run = Run(
        learner=learner,
        options=TrainOptions(**asdict(partition), record="all"),
        model="m1",
        clock=time.perf_counter,
    )
    ledger = ShardLedger(folder / "ledger")
    train_shard(run, store, 0, ledger, kept=0)
    (record,) = ledger.stages()
    stage, rows = stage_of(record), store.stage_rows(0, 0)
    test = store.evaluation()
    test_rows = test.take(np.arange(len(test)))
    found: Numbers = {}
    twins: dict[str, State] = {}
    for case in cases(rows, asked["forget"], seed=seed):
        touched = [
            stage.position(epoch=epoch, batch=batch)
            for epoch, batch, here in stage_batches(rows, stage, seed=seed)
            if not case.stays(here).all()
        ]
        left = mnist.write_store(
            folder / f"rows-{case.name}", partition, limit=asked["limit"], without=case.gone
        )
        plain = replace(run, options=replace(run.options, record="none"))
        twin = ShardLedger(folder / f"twin-{case.name}")
        train_shard(plain, left, 0, twin, kept=0)
        corrected = corrected_state(
            learner, old=ledger, before=store, after=left, options=run.options
        )
        begun: dict[str, State] = {
            "untouched": ledger.final_weights(),
            "amnesiac": subtract(ledger.final_weights(), ledger, tuple(touched)),
            "amnesiac-marginal": corrected,
        }
        steps = {"amnesiac-marginal": correction_steps(stage, touched)}
        ways: dict[str, tuple[State, float]] = {}
        for name, state in begun.items():
            repaired = ShardLedger(folder / f"{case.name}-{name}")
            weights, taken = _repaired(plain, left, state, old=ledger, new=repaired)
            ways[name] = (weights_of(state), steps.get(name, 0))
            with_repair = "fine-tuned" if name == "untouched" else f"{name}, repaired"
            ways[with_repair] = (weights, steps.get(name, 0) + taken)
        full = twin.stages()[0].steps
        ways["retrained"] = (twin.final_weights(), full)
        twins[case.name] = twin.final_weights()
        names = sorted(learner.trainable())
        untouched = distance(ledger.final_weights(), twin.final_weights(), names=names)
        gone = rows.take(np.flatnonzero(~case.stays(rows)))
        same = np.isin(test_rows.labels, np.unique(gone.labels))
        unseen = test_rows.take(np.flatnonzero(same))
        rest = test_rows.take(np.flatnonzero(~same)) if case.name == "class" else test_rows
        found[case.name] = {
            "share": len(touched) / record.steps,
            "distance": untouched,
            "ways": {
                name: {
                    "ratio": distance(one, twin.final_weights(), names=names) / untouched,
                    "rest": _accuracy(learner, one, rest),
                    "forgotten": _accuracy(learner, one, gone),
                    "attack": attack(_losses(learner, one, gone), _losses(learner, one, unseen)),
                    "cost": cost / full,
                }
                for name, (one, cost) in ways.items()
            },
        }
    return {"cases": found, "trainable": sorted(learner.trainable()), "class": CLASS}, twins


def _repaired(
    run: Run, left: RowStore, state: State, *, old: ShardLedger, new: ShardLedger
) -> tuple[State, int]:
    """Fine-tune a state for one epoch on what is left; return the weights and the steps."""
    keep_shard(old, new)
    new.final_file.unlink(missing_ok=True)
    save_state(new.final_file, state)
    decision = ShardDecision(0, "subtracted", 0, 0, "", repair_epochs=1)
    repair(run, left, decision, old=old, new=new)
    return new.final_weights(), new.stages()[-1].steps


def attack(members: Losses, others: Losses) -> float:
    """Return the AUC of telling members from others by their lower loss: 0.5 is by chance."""
    member = np.arange(len(members) + len(others)) < len(members)
    return area_under_curve(-np.concatenate([members, others]), member)


def _accuracy(learner: KerasLearner, weights: State, rows: Rows) -> float:
    return float((learner.predict(weights, rows).argmax(axis=1) == rows.labels).mean())


def _losses(learner: KerasLearner, weights: State, rows: Rows) -> Losses:
    outputs = learner.predict(weights, rows).astype(np.float64)
    taken = outputs[np.arange(len(rows)), rows.labels]
    return -np.log(np.maximum(taken, 1e-30))


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    print(json.dumps(measure(json.loads(sys.argv[1]))))


if __name__ == "__main__":
    main()
