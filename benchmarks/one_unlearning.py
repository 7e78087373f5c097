"""One full training, or one deletion from it, in a process of its own, with its times.

`python -m benchmarks.one_unlearning JSON`. Called are the two functions that the TFX components
call, `fit` and `refit`, on a row store that is written here and not timed. The parts:

    tracing     building the model and tracing its graph, with the first step (in a training also
                the check that the model repeats itself)
    steps       training: reading rows, all steps but the first, checkpoints, the ledger
    keeping     taking over what the deleted rows never touched
    evaluating, exporting    the new aggregate on the test rows, and its SavedModel
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mnist
from benchmarks.stopwatch import Stopwatch
from lineage_store.ledger import open_ledger
from lineage_store.placement import Partition, cells_of
from unlearning import fitting, retrain_shards, shard_task
from unlearning.determinism import pin_tensorflow
from unlearning.keras_learner import KerasLearner
from unlearning.plan import ModelPlan
from unlearning.strategies import Situation
from unlearning.train_config import TrainConfig

Numbers = dict[str, Any]


def train(folder: Path, partition: Partition, *, limit: int) -> Numbers:
    """Train the full model into `folder/ledger`."""
    store = mnist.write_store(folder / "rows", partition, limit=limit)
    clock = Stopwatch()
    watch_parts(clock)
    clock.watch(fitting, "probe", "tracing")
    clock.watch(shard_task, "train_shard", "steps")
    began = time.perf_counter()
    ledger = fitting.fit(
        TrainConfig(partition, "none", "perceptron", mnist.KEYS.key_id),
        model="m1",
        text=mnist.MODULE,
        store=store,
        folder=folder / "ledger",
        serving=folder / "model",
    )
    return told(clock, time.perf_counter() - began, ledger.steps_taken()) | {
        "accuracy": fitting.metrics_of(ledger)["accuracy"]
    }


def forget(folder: Path, partition: Partition, *, limit: int, row: int, trained: Path) -> Numbers:
    """Unlearn one row from the trained model, into another ledger."""
    key = mnist.row_key("train", row)
    store = mnist.write_store(folder / "rows", partition, limit=limit, without=frozenset([key]))
    old = open_ledger(trained / "ledger")
    plan = plan_of(old, key, store.counts)
    clock = Stopwatch()
    watch_parts(clock)
    clock.watch(retrain_shards, "keep_shard", "keeping")
    clock.watch(retrain_shards, "train_shard", "steps")
    clock.watch(KerasLearner, "step", "first step", once=True)
    began = time.perf_counter()
    new = fitting.refit(
        plan, old=old, store=store, folder=folder / "ledger", serving=folder / "model"
    )
    seconds = time.perf_counter() - began
    for times in (clock.seconds, clock.cpu):
        first = times.pop("first step")
        times["steps"] -= first
        times["tracing"] += first
    return told(clock, seconds, new.steps_taken(model="m2")) | {
        "needed": plan.steps_planned,
        "needed_full": plan.steps_full,
        "accuracy": fitting.metrics_of(new)["accuracy"],
    }


def watch_parts(clock: Stopwatch) -> None:
    """Watch what a training and a deletion have in common; `Stopwatch` says how."""
    clock.watch(fitting, "make_learner", "tracing")
    clock.watch(fitting, "evaluate", "evaluating")
    clock.watch(fitting, "export", "exporting")


def told(clock: Stopwatch, seconds: float, steps: int) -> Numbers:
    """Return what was timed, with the number of steps that were computed."""
    return {"seconds": seconds, "computed": steps, "parts": clock.seconds, "cpu": clock.cpu}


def place_of(key: bytes, partition: Partition) -> tuple[int, int]:
    """Return the shard and the slice of a row."""
    place = np.array([int.from_bytes(mnist.KEYS.place(kind="row", value=key), "big")], np.uint64)
    shard, slice_ = cells_of(place, partition)
    return int(shard[0]), int(slice_[0])


def plan_of(old: Any, key: bytes, counts: Any) -> ModelPlan:
    """Plan the deletion of one row as `plan_model` does, without its reading of a gated file."""
    place = place_of(key, old.partition)
    deleted = {place: np.frombuffer(key, dtype=np.uint8).reshape(1, 16)}
    situation = Situation(ledger=old, deleted=deleted, new_counts=counts, fresh_start=None)
    strategy = retrain_shards.RetrainShards()
    decisions = strategy.decide(situation)
    full = [situation.new_stages(shard) for shard in range(old.partition.shards)]
    return ModelPlan(
        model_before="m1",
        model_after="m2",
        strategy=strategy.name,
        guarantee=strategy.guarantee,
        why="",
        rows_found=1,
        rows_by_split={"train": 1},
        shards=decisions,
        steps_planned=sum(stage.steps for stage in full[place[0]][place[1] :]),
        steps_full=sum(stage.steps for stages in full for stage in stages),
        verdicts=(),
        inference_changed=False,
    )


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    pin_tensorflow()
    partition, folder = Partition(**asked["partition"]), Path(asked["folder"])
    if asked["row"] is None:
        found = train(folder, partition, limit=asked["limit"])
    else:
        trained = Path(asked["trained"])
        found = forget(folder, partition, limit=asked["limit"], row=asked["row"], trained=trained)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
