"""Training with lineage: sharded, isolated, sliced (Bourtoule et al. 2021), each step recorded.

Stage r of a shard starts from the checkpoint of stage r - 1 and trains on slices 1 to r. The same
function trains from nothing, and again from a checkpoint that never saw the deleted rows: the
result depends on the rows of each stage, the configuration and the planned positions, so it is the
same bit for bit whichever way it is reached.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lineage_store.errors import BadInput, CheckFailed
from lineage_store.ledger import ShardLedger, StageRecord, StepRecord, TrainOptions
from lineage_store.placement import Partition, Stage
from lineage_store.rows import Rows, RowSet, RowStore, pieces
from lineage_store.tensors import Array, State, load_state
from unlearning.keras_learning.class_weights import ALIKE, Weights, weighting_or_default
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.training.batches import (
    batch_digest,
    epoch_batches,
    first_rows,
    shard_schedule,
    stage_batches,
)
from unlearning.training.early_stop import Watcher, seen_digest, watch_of
from unlearning.training.recorders import Recorder, recorder_of
from unlearning.training.step_checkpoints import is_kept, steps_with_checkpoints

PROBED_STEPS = 3
PIECE = 100_000

Progress = Callable[[int], None]
Clock = Callable[[], float]
Given = Callable[[int], State]


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a training run needs besides rows: who does it, by which options, for which model.

    `given` returns the weights that a shard starts from; without it all start afresh. A checkpoint
    within a stage is kept every `interval` batches, as the options afford; 0 is never.
    """

    learner: KerasLearner
    options: TrainOptions
    model: str
    clock: Clock
    progress: Progress = lambda steps: None
    given: Given | None = None
    interval: int = 0

    @functools.cached_property
    def partition(self) -> Partition:
        """How the run cuts its data."""
        return self.options.partition


@dataclass(frozen=True)
class StageStart:
    """Where the training of a stage begins: after the steps `taken` over, which are its first.

    `digest` is that of the weights it starts from, where these are no recorded checkpoint.
    """

    taken: Sequence[StepRecord] = ()
    digest: str = ""


AT_ITS_FIRST_STEP = StageStart()


def weigh(rows: RowSet, learner: KerasLearner, options: TrainOptions) -> Weights | None:
    """Return what each class counts for in the stage of these rows, None if all count alike."""
    spec = learner.spec
    if options.class_weights == ALIKE:
        return None
    labels, weights = [np.zeros(0, int)], list[Array]()
    for piece in pieces(rows, PIECE):
        labels.append(piece.labels)
        weights += [] if piece.weights is None else [piece.weights]
    weighting = weighting_or_default(options.class_weights, task=spec.task)
    return weighting(
        np.concatenate(labels), spec.outputs, np.concatenate(weights) if weights else None
    )


def train_shard(
    run: Run,
    store: RowStore,
    shard: int,
    ledger: ShardLedger,
    *,
    kept: int,
    taken: Sequence[StepRecord] = (),
) -> None:
    """Train a shard's stages from number `kept` on, into its ledger folder.

    The folder holds the first `kept` stages already, and the checkpoint after the last of the
    steps `taken` over, which are the first of the next stage. A shard without rows gets no state
    at all. Raises CheckFailed if the rows of a step that is taken over are not its own.
    """
    stages = shard_schedule(store, shard, run.partition)
    if not stages[-1].rows:
        ledger.folder.mkdir(parents=True, exist_ok=True)
        return
    if taken:
        state = load_state(ledger.step_checkpoint_file(taken[-1].position))
    elif kept:
        state = ledger.checkpoint(kept - 1)
    else:
        state = start_state(run, store, shard)
    run.learner.load(state)
    with recorder_of(
        run.options, learner=run.learner, ledger=ledger, store=store, shard=shard
    ) as recorder:
        for stage in stages[kept:]:
            rows = store.stage_rows(shard, stage.index)
            watch = watch_of(run.options, store, shard=shard, stage=stage.index)
            start, taken = StageStart(taken), ()
            train_stage(run, rows, shard, stage, ledger, recorder, watch=watch, start=start)


def start_state(run: Run, store: RowStore, shard: int) -> State:
    """Return a shard's state before its first step; given weights are not adapted to its rows."""
    given = {} if run.given is None else run.given(shard)
    if not given:
        return run.learner.initial_state(shard, first_rows(store, shard))
    return run.learner.initial_state(shard, None) | given


def train_stage(
    run: Run,
    rows: RowSet,
    shard: int,
    stage: Stage,
    ledger: ShardLedger,
    recorder: Recorder,
    *,
    watch: Watcher | None,
    start: StageStart = AT_ITS_FIRST_STEP,
) -> None:
    """Train one stage on its rows, from the state that the learner is in, and record it."""
    taken = start.taken
    class_weights = weigh(rows, run.learner, run.options)
    watched: list[float] = []
    epochs = stage.epochs
    of = steps_with_checkpoints(stage, run.options)
    steps = list(taken)
    losses: list[Any] = [step.loss for step in taken]
    before = {step.position: step for step in taken}
    began = run.clock()
    for epoch in range(stage.epochs):
        for batch, here in epoch_batches(rows, stage, epoch=epoch, seed=run.partition.seed):
            position = stage.position(epoch=epoch, batch=batch)
            if before and position <= taken[-1].position:
                _must_be_the_same(before.pop(position, None), here, shard=shard)
                continue
            recorder.before(here)
            losses.append(
                run.learner.step(here, shard=shard, position=position, class_weights=class_weights)
            )
            recorder.after(position)
            kept = None
            if is_kept(position - stage.first_position, of=of, every=run.interval):
                kept = ledger.write_step_checkpoint(position, run.learner.state())
            digest = batch_digest(here)
            steps.append(StepRecord(position, epoch, batch, len(here), digest, 0.0, None, kept))
            run.progress(1)
        if watch is not None:
            watched.append(run.learner.loss(watch.rows))
            if watch.ends(watched):
                epochs = epoch + 1
                run.progress((stage.epochs - epochs) * stage.batches)
                break
    updates = recorder.finish()
    state = run.learner.state()
    seconds = run.clock() - began
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
        resumed=len(taken),
        start_digest=start.digest,
        watched=tuple(watched),
    )
    # Reading a loss waits for its step, so all are read at the end.
    told = [
        replace(s, loss=float(v), update_digest=updates.get(s.position, s.update_digest))
        for s, v in zip(steps, losses, strict=True)
    ]
    for value in watched:
        if not math.isfinite(value):
            raise BadInput(
                f"The loss of the model on the evaluation rows that shard {shard} watches is no "
                f"finite number: scale what it reads, or leave `early_stop` out."
            )
    for step in told:
        if not math.isfinite(step.loss):
            raise BadInput(
                f"The loss of the model is no finite number in step {step.position} of shard "
                f"{shard}: scale what it reads, or lower its learning rate."
            )
    ledger.write_stage(record, told, state)


def _must_be_the_same(step: StepRecord | None, here: Rows, *, shard: int) -> None:
    if step is None or step.batch_digest != batch_digest(here):
        raise CheckFailed(
            f"A step of shard {shard} that was to be taken over saw other rows than it would "
            f"today: nothing was changed; restore the workspace from a backup, or train again."
        )


def probe(learner: KerasLearner, store: RowStore, options: TrainOptions) -> None:
    """Take the first steps of a run twice and refuse a model that does not repeat itself.

    Raises NotReproducible before anything is written.
    """
    partition = options.partition
    for shard in range(partition.shards):
        for stage in shard_schedule(store, shard, partition):
            if stage.batches:
                rows = store.stage_rows(shard, stage.index)
                found = stage_batches(rows, stage, seed=partition.seed)
                batches = [
                    batch for _, (_, _, batch) in zip(range(PROBED_STEPS), found, strict=False)
                ]
                weights = weigh(rows, learner, options)
                learner.must_repeat(
                    batches, first_rows(store, shard), shard=shard, class_weights=weights
                )
                return
