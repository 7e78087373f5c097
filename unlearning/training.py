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
from lineage_store.row_store import Rows, RowStore
from unlearning.batches import (
    batch_digest,
    epoch_batches,
    first_rows,
    shard_schedule,
    stage_batches,
)
from unlearning.class_weights import ALIKE, Weights, weighting_or_default
from unlearning.early_stop import seen_digest, watch_of
from unlearning.learner import KerasLearner
from unlearning.recorders import RECORDERS, Recorder

PROBED_STEPS = 3

Progress = Callable[[int], None]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Run:
    """What a training run needs besides rows: who does it, by which rules, for which model."""

    learner: KerasLearner
    partition: Partition
    record: str
    model: str
    clock: Clock
    progress: Progress = lambda steps: None
    class_weights: str = ALIKE
    early_stop: int | None = None

    def weigh(self, rows: Rows) -> Weights | None:
        """Return what each class counts for in the stage of these rows, None if all count alike."""
        spec = self.learner.spec
        return weighting_or_default(self.class_weights, task=spec.task)(rows.labels, spec.outputs)


def train_shard(run: Run, store: RowStore, shard: int, ledger: ShardLedger, *, kept: int) -> None:
    """Train a shard's stages from number `kept` on, into its ledger folder.

    The folder holds the first `kept` stages already. A shard without rows gets no state at all.
    """
    stages = shard_schedule(store, shard, run.partition)
    if not stages[-1].rows:
        ledger.folder.mkdir(parents=True, exist_ok=True)
        return
    if kept:
        state = ledger.checkpoint(kept - 1)
    else:
        state = run.learner.initial_state(shard, first_rows(store, shard))
    run.learner.load(state)
    recorder = RECORDERS[run.record](run.learner, ledger)
    for stage in stages[kept:]:
        _train_stage(run, store, shard, stage, ledger, recorder)


def _train_stage(
    run: Run,
    store: RowStore,
    shard: int,
    stage: Stage,
    ledger: ShardLedger,
    recorder: Recorder,
) -> None:
    rows = store.stage_rows(shard, stage.index)
    class_weights = run.weigh(rows)
    watch = watch_of(run.early_stop, store, shard=shard, stage=stage.index)
    watched: list[float] = []
    epochs = stage.epochs
    steps: list[StepRecord] = []
    losses: list[Any] = []
    start = run.clock()
    for epoch in range(stage.epochs):
        for batch, here in epoch_batches(rows, stage, epoch=epoch, seed=run.partition.seed):
            position = stage.position(epoch=epoch, batch=batch)
            recorder.before()
            losses.append(
                run.learner.step(here, shard=shard, position=position, class_weights=class_weights)
            )
            update = recorder.after(position)
            digest = batch_digest(here)
            steps.append(StepRecord(position, epoch, batch, len(here), digest, 0.0, update))
            run.progress(1)
        if watch is not None:
            watched.append(run.learner.loss(watch.rows))
            if watch.ends(watched):
                epochs = epoch + 1
                run.progress((stage.epochs - epochs) * stage.batches)
                break
    state = run.learner.state()
    seconds = run.clock() - start
    record = StageRecord(
        shard=shard,
        stage=stage.index,
        rows=stage.rows,
        epochs=epochs,
        batches=stage.batches,
        first_position=stage.first_position,
        steps=len(steps),
        rows_digest=seen_digest(rows.digest(), watch),
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
                run.learner.must_repeat(
                    batches,
                    first_rows(store, shard),
                    shard=shard,
                    class_weights=run.weigh(rows),
                )
                return


def train_from_nothing(run: Run, store: RowStore, folder: Path) -> None:
    """Train all shards into a new ledger folder (its header is the caller's to write)."""
    shards = list(range(run.partition.shards))
    probe(run, store, shards=shards)
    for shard in shards:
        train_shard(run, store, shard, ShardLedger(shard_folder(folder, shard)), kept=0)


def planned_steps(store: RowStore, partition: Partition) -> int:
    """Count the planned steps of a whole training run; early stopping may take fewer."""
    return sum(
        stage.steps
        for shard in range(partition.shards)
        for stage in shard_schedule(store, shard, partition)
    )
