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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks import mnist
from benchmarks.stopwatch import Stopwatch
from lineage_store.errors import CheckFailed
from lineage_store.ledger.shards import Ledger, open_ledger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition, cells_of
from lineage_store.rows import open_rows
from unlearning.families import keras_family, keras_parts
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fitting import fit, learner_of, shard_task
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.planning.model_plan import ModelPlan
from unlearning.strategies import retrain_shards
from unlearning.strategies.strategy import Situation
from unlearning.training.config import TrainConfig
from unlearning.verification import replay_run
from unlearning.verification.earned import earned, takes_over

Numbers = dict[str, Any]


def train(
    clock: Stopwatch, folder: Path, partition: Partition, *, limit: int, serve: bool = True
) -> Numbers:
    """Train the full model into `folder/ledger`, and with `serve` write its SavedModel."""
    store = mnist.write_store(folder / "rows", partition, limit=limit)
    clock.reset()
    began = time.perf_counter()
    ledger = fit.fit(
        TrainConfig(
            options=TrainOptions(**asdict(partition)), module="perceptron", key_id=mnist.KEYS.key_id
        ),
        model="m1",
        text=mnist.MODULE,
        store=store,
        folder=folder / "ledger",
        serving=folder / "model" if serve else None,
    )
    return told(clock, time.perf_counter() - began, ledger.steps_taken()) | {
        "accuracy": fit.metrics_of(ledger)["accuracy"]
    }


def forget(
    clock: Stopwatch,
    folder: Path,
    partition: Partition,
    *,
    limit: int,
    rows: Sequence[int],
    trained: Path,
    gone: Sequence[int] = (),
    model: str = "m2",
    serve: bool = True,
) -> Numbers:
    """Unlearn rows from the ledger `trained`, into `folder/ledger`.

    `gone` are rows that were unlearnt before; `model` is the id of the model that is made.
    """
    keys = [mnist.row_key("train", row) for row in rows]
    without = frozenset([*keys, *(mnist.row_key("train", row) for row in gone)])
    store = mnist.write_store(folder / "rows", partition, limit=limit, without=without)
    old = open_ledger(trained)
    plan = plan_of(old, keys, store.counts, model=model)
    clock.reset()
    clock.watch(KerasLearner, "step", "first step", once=True)
    clock.watch(KerasLearner, "prepare", "tracing", once=True)
    began = time.perf_counter()
    new = fit.refit(
        plan,
        old=old,
        store=store,
        folder=folder / "ledger",
        serving=folder / "model" if serve else None,
    )
    seconds = time.perf_counter() - began
    for times in (clock.seconds, clock.cpu):
        first = times.pop("first step")
        times["steps"] -= first
        times["tracing"] += first
    return told(clock, seconds, new.steps_taken(model=model)) | {
        "needed": plan.steps_planned,
        "needed_full": plan.steps_full,
        "accuracy": fit.metrics_of(new)["accuracy"],
    }


def replayed(folder: Path, trained: Path, *, row: int) -> Numbers:
    """Take units again of what a deletion took over, as a run does before; the model is there.

    `folder` has the rows that remain, `trained` the ledger and the rows as they were.
    """
    old, before = open_ledger(trained / "ledger"), open_rows(trained / "rows")
    counts = open_rows(folder / "rows").counts
    plan = plan_of(old, [mnist.row_key("train", row)], counts)
    learner = learner_of(old, before)()
    learner.prepare(old.header.options)
    run = replay_run(old, learner, base=None)
    began, cpu = time.perf_counter(), time.process_time()
    done = [
        earned(run, before, old, decision, base=None, needed=False)
        for decision in plan.shards
        if takes_over(decision)
    ]
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if any(one.failure for one in done):
        raise CheckFailed("A shard that was just trained does not repeat itself.")
    return {"replay": seconds, "replay_cpu": cpu, "replayed": sum(one.again for one in done)}


def training_seconds(found: Numbers, *, of: Literal["parts", "cpu"] = "parts") -> float:
    """Return what a deletion took for its steps and for what it kept, without tracing.

    The first step is timed with tracing, so the others stand for it. With `of="cpu"` it is
    processor time.
    """
    parts, steps = found[of], found["computed"]
    counted = parts.get("steps", 0.0) * steps / max(steps - 1, 1)
    return float(counted + parts.get("keeping", 0.0))


def watched() -> Stopwatch:
    """Watch the parts of trainings and of deletions; to be called once a process."""
    clock = Stopwatch()
    clock.watch(keras_family, "make_learner", "tracing")
    clock.watch(keras_parts, "probe", "tracing")
    clock.watch(shard_task, "train_shard", "steps")
    clock.watch(retrain_shards, "train_shard", "steps")
    clock.watch(retrain_shards, "keep_shard", "keeping")
    clock.watch(fit, "evaluate", "evaluating")
    clock.watch(keras_parts, "export", "exporting")
    return clock


def told(clock: Stopwatch, seconds: float, steps: int) -> Numbers:
    """Return what was timed, with the number of steps that were computed."""
    return {
        "seconds": seconds,
        "computed": steps,
        "parts": dict(clock.seconds),
        "cpu": dict(clock.cpu),
    }


def place_of(key: bytes, partition: Partition) -> tuple[int, int]:
    """Return the shard and the slice of a row."""
    place = mnist.KEYS.places(kind="row", values=[key])
    shard, slice_ = cells_of(place, partition)
    return int(shard[0]), int(slice_[0])


def plan_of(old: Ledger, keys: Sequence[bytes], counts: Any, *, model: str = "m2") -> ModelPlan:
    """Plan the deletion of rows as `plan_model` does, without its reading of a gated file."""
    situation = situation_of(old, keys, counts)
    strategy = retrain_shards.RetrainShards()
    full = [situation.new_stages(shard) for shard in range(old.partition.shards)]
    first = [situation.first_slice(shard) for shard in range(old.partition.shards)]
    return ModelPlan(
        model_before="m1",
        model_after=model,
        strategy=strategy.name,
        claim=strategy.claim,
        why="",
        rows_found=len(keys),
        rows_by_split={"train": len(keys)},
        shards=strategy.decide(situation),
        steps_planned=sum(
            stage.steps
            for stages, slice_ in zip(full, first, strict=True)
            if slice_ is not None
            for stage in stages[slice_:]
        ),
        steps_full=sum(stage.steps for stages in full for stage in stages),
        verdicts=(),
        inference_changed=False,
    )


def situation_of(old: Ledger, keys: Sequence[bytes], counts: Any) -> Situation:
    """Say where the rows to delete stand; `counts` are the rows that remain in each slice."""
    deleted: dict[tuple[int, int], list[bytes]] = {}
    for key in keys:
        deleted.setdefault(place_of(key, old.partition), []).append(key)
    return Situation(
        ledger=old,
        deleted={
            place: np.frombuffer(b"".join(here), dtype=np.uint8).reshape(-1, 16)
            for place, here in deleted.items()
        },
        new_counts=counts,
        fresh_start=None,
    )


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    pin_tensorflow()
    partition, folder = Partition(**asked["partition"]), Path(asked["folder"])
    limit, clock = asked["limit"], watched()
    if asked["row"] is None:
        found = train(clock, folder, partition, limit=limit)
    else:
        rows, trained = [asked["row"]], Path(asked["trained"]) / "ledger"
        found = forget(clock, folder, partition, limit=limit, rows=rows, trained=trained)
        found |= replayed(folder, trained.parent, row=asked["row"])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
