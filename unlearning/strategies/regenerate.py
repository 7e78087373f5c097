"""An update that was not recorded, computed again bit for bit from the checkpoint before it.

A step depends on the state before it, its batch and its position (law 2), so the steps from the
last checkpoint on, taken again on the same rows, give the same states. That they do is not taken on
trust: each checkpoint is compared with its digest, each batch with the one that was recorded, and
each loss with the recorded one, bit for bit.

Under `record` regenerate checkpoints are kept in all epochs (`step_checkpoints`), so that the
steps to be taken again for one update are at most as many as lie between two of them. It takes the
rows as they were: once rows are erased, no update after the first step that saw them can be had.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lineage_store.canonical import digest_file
from lineage_store.errors import CheckFailed
from lineage_store.ledger import LOSSLESS, ShardLedger, StepRecord, encode, writing_updates
from lineage_store.placement import Stage
from lineage_store.rows import Rows, RowStore
from lineage_store.tensors import State, load_state
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import batch_digest, epoch_batches
from unlearning.training.stages import Run, start_state, weigh


@dataclass(frozen=True)
class Replayed:
    """One step, taken again: its batch, and the whole training state before and after it."""

    position: int
    rows: Rows
    before: State
    after: State


def replayed(
    run: Run, store: RowStore, shard: int, ledger: ShardLedger, positions: Collection[int]
) -> Iterator[Replayed]:
    """Take some steps of a shard again, in order, each from the last checkpoint before it.

    `store` holds the rows that the run saw. The learner may be used between two steps. Raises
    CheckFailed if a checkpoint, a batch or a loss is not the recorded one.
    """
    for record in ledger.stages():
        stage = stage_of(record)
        end = stage.first_position + stage.steps
        wanted = sorted({p for p in positions if stage.first_position <= p < end})
        for start, here in _by_start(ledger, stage, wanted):
            yield from _from_start(run, store, shard, ledger, stage, start, here)


def regenerated(
    run: Run, store: RowStore, shard: int, ledger: ShardLedger, positions: Collection[int]
) -> Iterator[tuple[int, State]]:
    """Yield the updates of some steps, float32, as recording them would have kept them."""
    trainable = sorted(run.learner.trainable())
    for step in replayed(run, store, shard, ledger, positions):
        yield step.position, {name: step.after[name] - step.before[name] for name in trainable}


def record_again(
    run: Run, store: RowStore, shard: int, ledger: ShardLedger, positions: Collection[int]
) -> None:
    """Record those of some steps' updates that are not recorded, after the fact, in the ledger."""
    missing = sorted(set(positions) - ledger.recorded_updates())
    if not missing:
        return
    trainable = sorted(run.learner.trainable())
    with writing_updates(ledger.updates.archive_from(missing[0])) as writer:
        for step in replayed(run, store, shard, ledger, missing):
            before, after = ({n: s[n] for n in trainable} for s in (step.before, step.after))
            writer.add(step.position, encode(LOSSLESS, before=before, after=after))


def replayed_steps(ledger: ShardLedger, positions: Collection[int]) -> int:
    """Count the steps that have to be taken again to have the updates of some steps."""
    total = 0
    for record in ledger.stages():
        first = record.first_position
        end = first + record.epochs * record.batches
        wanted = sorted({p for p in positions if first <= p < end})
        for start, here in _by_start(ledger, stage_of(record), wanted):
            total += here[-1] - (first - 1 if start is None else start)
    return total


def _by_start(
    ledger: ShardLedger, stage: Stage, wanted: list[int]
) -> Iterator[tuple[int | None, list[int]]]:
    """Group positions of a stage by the last checkpoint within it before each; None is its start"""
    kept = sorted(p for p in ledger.step_checkpoints() if p >= stage.first_position)
    grouped: dict[int | None, list[int]] = {}
    for position in wanted:
        start = max((p for p in kept if p < position), default=None)
        grouped.setdefault(start, []).append(position)
    yield from grouped.items()


def _from_start(
    run: Run, store: RowStore, shard: int, ledger: ShardLedger, stage: Stage, start: int | None,
    wanted: list[int],
) -> Iterator[Replayed]:  # fmt: skip
    rows = store.stage_rows(shard, stage.index)
    class_weights = weigh(rows, run.learner, run.options)
    recorded = {step.position: step for step in ledger.steps(stage.index)}
    run.learner.load(_state_at(run, store, shard, ledger, stage, start, recorded))
    first = stage.first_position if start is None else start + 1
    for epoch in range(stage.epochs):
        if stage.position(epoch=epoch, batch=stage.batches) <= first:
            continue
        if stage.position(epoch=epoch, batch=0) > wanted[-1]:
            return
        for batch, here in epoch_batches(rows, stage, epoch=epoch, seed=run.partition.seed):
            position = stage.position(epoch=epoch, batch=batch)
            if not first <= position <= wanted[-1]:
                continue
            step = recorded.get(position)
            if step is None or step.batch_digest != batch_digest(here):
                raise CheckFailed(
                    f"Step {position} of shard {shard} saw other rows than there are today, so "
                    f"its update cannot be computed again: ask for `guarantee` exact."
                )
            before = run.learner.state() if position in wanted else None
            loss = run.learner.step(
                here, shard=shard, position=position, class_weights=class_weights
            )
            if float(loss) != step.loss:
                raise CheckFailed(
                    f"Step {position} of shard {shard} did not repeat itself: its loss is another "
                    f"than the recorded one, so its update is not known: ask for `guarantee` exact."
                )
            if before is not None:
                again = Replayed(position, here, before, run.learner.state())
                yield again
                run.learner.load(again.after)


def _state_at(
    run: Run, store: RowStore, shard: int, ledger: ShardLedger, stage: Stage, start: int | None,
    recorded: dict[int, StepRecord],
) -> State:  # fmt: skip
    if start is not None:
        file, digest = ledger.step_checkpoint_file(start), recorded[start].checkpoint_digest
    elif stage.index:
        before = ledger.stages()[stage.index - 1]
        file, digest = ledger.checkpoint_file(before.stage), before.checkpoint_digest
    else:
        return start_state(run, store, shard)
    if not file.exists() or digest_file(file) != digest:
        raise CheckFailed(
            f"The checkpoint {file.name} of shard {shard} is gone or is not the recorded one, so "
            f"the updates after it cannot be computed again: ask for `guarantee` exact."
        )
    return load_state(file)
