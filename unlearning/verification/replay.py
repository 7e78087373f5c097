"""Segments of a training run, taken again from the recorded state and compared with what was told.

A segment lies between two checkpoints that follow one another: from the start of a stage or a
checkpoint within it to the next one. It is taken again on the rows of the row store, by the module
and the configuration of the ledger: each batch must have the recorded digest, each loss and the
state at the end the recorded bits. So a row, a learning rate or a checkpoint that was changed is
found by any segment that depends on it, whatever digests were adjusted with it.

Bits can be compared only where they were made: with the same code and environment. Elsewhere losses
and weights are compared within `TOLERANCE`, which is wider than rounding and finds what matters.

What an approximate deletion took the rows from cannot be taken again; such stages are counted.

A segment may be long. Of an `Excerpt` of it, what is compared are the batches and the losses of its
steps, and the state only if they are all of the segment, or after a step that is marked (`marks`).
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from lineage_store.canonical import digest_file
from lineage_store.errors import CheckFailed
from lineage_store.ledger import Ledger, ShardLedger, StageRecord, StepRecord
from lineage_store.placement import Stage
from lineage_store.rows import Rows, RowStore
from lineage_store.tensors import State, distance, first_difference, load_state, state_digest
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import batch_digest, epoch_batches
from unlearning.training.early_stop import rows_seen
from unlearning.training.stages import Run, start_state, weigh

Drawn = TypeVar("Drawn")

BITS = 0.0
TOLERANCE = 0.01
"""Of a loss (relative, of at least 1), and of a segment's end: how far it may lie from the recorded
one, as a part of the way that the weights went in the segment."""


@dataclass(frozen=True)
class Segment:
    """The steps of a shard's stage after `start` up to `end`, positions of kept checkpoints.

    `start` is None at the start of the stage, `end` at its end.
    """

    shard: int
    stage: int
    start: int | None
    end: int | None

    @property
    def name(self) -> str:
        """The segment in words."""
        start = "its start" if self.start is None else f"step {self.start}"
        end = "its end" if self.end is None else f"step {self.end}"
        return f"shard {self.shard}, stage {self.stage}, from {start} to {end}"


@dataclass(frozen=True)
class Excerpt:
    """How much of a segment is taken again: all of it, unless something else is said.

    `at_most` limits the steps; `start` is the state at the segment's start where no checkpoint has
    it. `marks` are digests of the whole state after steps, by their positions.
    """

    at_most: int | None = None
    start: State | None = None
    marks: Mapping[int, str] = field(default_factory=dict)


WHOLE = Excerpt()


@dataclass(frozen=True)
class Replay:
    """What taking a segment again showed; `failure` is None if it agrees with the ledger."""

    segment: Segment
    steps: int
    failure: str | None


def segments(ledger: Ledger, store: RowStore, *, approximate: bool) -> tuple[list[Segment], int]:
    """Return all segments that can be taken again, and the number of stages that cannot.

    A stage of an approximate result cannot if its rows or its checkpoints are gone.
    """
    found: list[Segment] = []
    without = 0
    for shard in ledger.shards():
        for record in shard.stages():
            if approximate and not _is_whole(ledger, shard, record, store):
                without += 1
                continue
            found += segments_of(shard, record)
    return found, without


def segments_of(shard: ShardLedger, record: StageRecord) -> list[Segment]:
    """Return the segments of a stage: between its start, the checkpoints within it, and its end."""
    kept = [
        step.position
        for step in shard.steps(record.stage)
        if step.checkpoint_digest is not None and shard.step_checkpoint_file(step.position).exists()
    ]
    edges = [None, *kept, None]
    return [Segment(record.shard, record.stage, *pair) for pair in pairwise(edges)]


def _is_whole(ledger: Ledger, shard: ShardLedger, record: StageRecord, store: RowStore) -> bool:
    seen = rows_seen(ledger.header.options, store, shard=record.shard, stage=record.stage)
    return (
        seen == record.rows_digest
        and shard.has_checkpoint(record.stage)
        and (record.stage == 0 or shard.has_checkpoint(record.stage - 1))
    )


def chosen(found: Sequence[Drawn], *, number: int, seed: int) -> list[Drawn]:
    """Return so many of the segments, drawn by the seed, in their order; all if there are fewer."""
    drawn = random.Random(seed).sample(range(len(found)), min(number, len(found)))
    return [found[place] for place in sorted(drawn)]


def replay(
    run: Run, store: RowStore, ledger: ShardLedger, segment: Segment, *,
    optimizer: Mapping[str, Any], tolerance: float, excerpt: Excerpt = WHOLE,
) -> Replay:  # fmt: skip
    """Take a segment again and compare it, within a tolerance or (`BITS`) bit for bit.

    `optimizer` is what the module builds: a state may bring a learning rate of its own.
    """
    positions: list[int] = []
    try:
        _replay(run, store, ledger, segment, optimizer, tolerance, positions, excerpt)
    except CheckFailed as error:
        return Replay(segment, len(positions), str(error))
    return Replay(segment, len(positions), None)


def _replay(
    run: Run, store: RowStore, ledger: ShardLedger, segment: Segment,
    optimizer: Mapping[str, Any], tolerance: float, positions: list[int], excerpt: Excerpt,
) -> None:  # fmt: skip
    record = ledger.stages()[segment.stage]
    stage = stage_of(record)
    recorded = {step.position: step for step in ledger.steps(record.stage)}
    wanted = _wanted(recorded, segment)
    is_whole = excerpt.at_most is None or len(wanted) <= excerpt.at_most
    start = excerpt.start
    if start is None:
        start = _start(run, store, ledger, segment, recorded)
    target = _recorded_state(*_end(ledger, segment, record, recorded)) if is_whole else None
    class_weights = weigh(store.stage_rows(segment.shard, stage.index), run.learner, run.options)
    run.learner.load(start)
    if run.learner.optimizer() != optimizer:
        raise CheckFailed("the state that it starts from has another optimizer than its module")
    for position, here in _batches(run, store, segment, stage, wanted):
        step = recorded.get(position)
        if step is None or step.batch_digest != batch_digest(here):
            raise CheckFailed(f"the batch of step {position} holds other rows than were recorded")
        loss = run.learner.step(
            here, shard=segment.shard, position=position, class_weights=class_weights
        )
        positions.append(position)
        if not _same_loss(float(loss), step.loss, tolerance):
            raise CheckFailed(f"the loss of step {position} is another than the recorded one")
        mark = excerpt.marks.get(position)
        if mark is not None and state_digest(run.learner.state()) != mark:
            raise CheckFailed(f"the state after step {position} has other bits than were marked")
        if len(positions) == excerpt.at_most:
            break
    if positions != sorted(wanted)[: excerpt.at_most]:
        raise CheckFailed("it has other steps than were recorded")
    if target is not None:
        _compare(run, start, run.learner.state(), target, tolerance)


def _wanted(recorded: Collection[int], segment: Segment) -> list[int]:
    return [
        position
        for position in recorded
        if (segment.start is None or position > segment.start)
        and (segment.end is None or position <= segment.end)
    ]


def _batches(
    run: Run, store: RowStore, segment: Segment, stage: Stage, wanted: Sequence[int]
) -> Iterator[tuple[int, Rows]]:
    """Yield (position, rows) of all batches of the segment, as they are cut today."""
    rows = store.stage_rows(segment.shard, stage.index)
    first = stage.first_position if segment.start is None else segment.start + 1
    end = stage.position(epoch=stage.epochs, batch=0) if segment.end is None else segment.end + 1
    for epoch in range(stage.epochs):
        if not stage.batches or stage.position(epoch=epoch, batch=stage.batches) <= first:
            continue
        if stage.position(epoch=epoch, batch=0) >= end:
            return
        for batch, here in epoch_batches(rows, stage, epoch=epoch, seed=run.partition.seed):
            position = stage.position(epoch=epoch, batch=batch)
            if first <= position < end:
                yield position, here


def _start(
    run: Run, store: RowStore, ledger: ShardLedger, segment: Segment,
    recorded: dict[int, StepRecord],
) -> State:  # fmt: skip
    if segment.start is not None:
        digest = recorded[segment.start].checkpoint_digest
        return _recorded_state(ledger.step_checkpoint_file(segment.start), digest)
    if segment.stage:
        before = ledger.stages()[segment.stage - 1]
        return _recorded_state(ledger.checkpoint_file(before.stage), before.checkpoint_digest)
    return start_state(run, store, segment.shard)


def _end(
    ledger: ShardLedger, segment: Segment, record: StageRecord, recorded: dict[int, StepRecord]
) -> tuple[Path, str | None]:
    if segment.end is None:
        return ledger.checkpoint_file(record.stage), record.checkpoint_digest
    return ledger.step_checkpoint_file(segment.end), recorded[segment.end].checkpoint_digest


def _recorded_state(file: Path, digest: str | None) -> State:
    if not file.exists() or digest_file(file) != digest:
        raise CheckFailed(f"the checkpoint {file.name} is gone or is not the recorded one")
    return load_state(file)


def _same_loss(one: float, other: float, tolerance: float) -> bool:
    return one == other or abs(one - other) <= tolerance * max(1.0, abs(other))


def _compare(run: Run, start: State, found: State, target: State, tolerance: float) -> None:
    if tolerance == BITS:
        name = first_difference(found, target) or first_difference(target, found)
        if name is not None:
            raise CheckFailed("the state at its end has other bits than the recorded one")
        return
    names = sorted(run.learner.trainable())
    if any(name not in target or target[name].shape != found[name].shape for name in names):
        raise CheckFailed("the recorded state at its end is that of another model")
    way, off = (distance(one, target, names=names) for one in (start, found))
    if off > tolerance * way:
        raise CheckFailed(
            "the weights at its end lie further from the recorded ones than rounding explains"
        )
