"""Training with lineage: sharded, isolated, sliced (Bourtoule et al. 2021), each step recorded.

Stage r of a shard starts from the checkpoint of stage r - 1 and trains on slices 1 to r. The same
function trains from nothing, and again from a checkpoint that never saw the deleted rows: the
result depends on the rows of each stage, the configuration and the planned positions, so it is the
same bit for bit whichever way it is reached.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.ledger import ShardLedger, StageRecord, StepRecord, shard_folder
from lineage_store.placement import Partition, Stage
from lineage_store.row_store import RowStore
from lineage_store.tensors import State
from unlearning.batches import (
    batch_digest,
    epoch_batches,
    first_rows,
    shard_schedule,
    stage_batches,
)
from unlearning.learner import KerasLearner
from unlearning.recorders import RECORDERS, Recorder

PROBED_STEPS = 3

Progress = Callable[[int], None]
Clock = Callable[[], float]
Given = Callable[[int], State]


def nothing_given(shard: int) -> State:
    """Give no weights to start from."""
    return {}


@dataclass(frozen=True)
class Run:
    """What a training run needs besides rows: who does it, by which rules, for which model.

    `given` returns the weights that a shard starts from; none for one that starts afresh.
    """

    learner: KerasLearner
    partition: Partition
    record: str
    model: str
    clock: Clock
    progress: Progress = lambda steps: None
    given: Given = nothing_given


def train_shard(run: Run, store: RowStore, shard: int, ledger: ShardLedger, *, kept: int) -> None:
    """Train a shard's stages from number `kept` on, into its ledger folder.

    The folder holds the first `kept` stages already. A shard without rows gets no state at all.
    """
    stages = shard_schedule(store, shard, run.partition)
    if not stages[-1].rows:
        ledger.folder.mkdir(parents=True, exist_ok=True)
        return
    run.learner.load(ledger.checkpoint(kept - 1) if kept else _start(run, store, shard))
    recorder = RECORDERS[run.record](run.learner, ledger)
    for stage in stages[kept:]:
        _train_stage(run, store, shard, stage, ledger, recorder)


def _start(run: Run, store: RowStore, shard: int) -> State:
    """Return a shard's state before its first step; given weights are not adapted to its rows."""
    given = run.given(shard)
    if not given:
        return run.learner.initial_state(shard, first_rows(store, shard))
    return run.learner.initial_state(shard, None) | given


def _train_stage(
    run: Run,
    store: RowStore,
    shard: int,
    stage: Stage,
    ledger: ShardLedger,
    recorder: Recorder,
) -> None:
    rows = store.stage_rows(shard, stage.index)
    steps: list[StepRecord] = []
    losses: list[Any] = []
    start = run.clock()
    for epoch in range(stage.epochs):
        for batch, here in epoch_batches(rows, stage, epoch=epoch, seed=run.partition.seed):
            position = stage.position(epoch=epoch, batch=batch)
            recorder.before()
            losses.append(run.learner.step(here, shard=shard, position=position))
            update = recorder.after(position)
            digest = batch_digest(here)
            steps.append(StepRecord(position, epoch, batch, len(here), digest, 0.0, update))
            run.progress(1)
    state = run.learner.state()
    seconds = run.clock() - start
    record = StageRecord(
        shard=shard,
        stage=stage.index,
        rows=stage.rows,
        epochs=stage.epochs,
        batches=stage.batches,
        first_position=stage.first_position,
        steps=len(steps),
        rows_digest=rows.digest(),
        checkpoint_digest="",
        steps_digest="",
        model=run.model,
        seconds=seconds,
    )
    # Reading a loss waits for its step, so all are read at the end.
    told = [replace(s, loss=float(v)) for s, v in zip(steps, losses, strict=True)]
    for step in told:
        if not math.isfinite(step.loss):
            raise BadInput(
                f"The loss of the model is no finite number in step {step.position} of shard "
                f"{shard}: scale what it reads, or lower its learning rate."
            )
    ledger.write_stage(record, told, state)


def probe(run: Run, store: RowStore, *, shards: list[int]) -> None:
    """Take the first steps of the run twice and refuse a model that does not repeat itself.

    Raises NotReproducible before anything is written.
    """
    for shard in shards:
        for stage in shard_schedule(store, shard, run.partition):
            if stage.batches:
                rows = store.stage_rows(shard, stage.index)
                found = stage_batches(rows, stage, seed=run.partition.seed)
                batches = [
                    batch for _, (_, _, batch) in zip(range(PROBED_STEPS), found, strict=False)
                ]
                run.learner.must_repeat(batches, first_rows(store, shard), shard=shard)
                return


def train_from_nothing(run: Run, store: RowStore, folder: Path) -> None:
    """Train all shards into a new ledger folder (its header is the caller's to write)."""
    shards = list(range(run.partition.shards))
    probe(run, store, shards=shards)
    for shard in shards:
        train_shard(run, store, shard, ShardLedger(shard_folder(folder, shard)), kept=0)


def planned_steps(store: RowStore, partition: Partition) -> int:
    """Count the planned steps of a whole training run."""
    return sum(
        stage.steps
        for shard in range(partition.shards)
        for stage in shard_schedule(store, shard, partition)
    )
