"""Units of what a deletion trained, taken again from the rows that remain: the engine's own look.

Of every shard that was trained all records are compared with what placement gives of the retained
rows: the stages, the number of their steps, the batch of each. Then at most four steps are taken
again, and compared bit for bit:

    the first two    of what was trained, from the state that it started from: batches and losses
    one by hash      the first after some other checkpoint that was written: its batch, its loss,
                     and the whole state after it, which the engine marked as it looked on (`marks`)
    the last         from the state before it (`witness`): the whole state at the shard's end

Where nobody left the state before the last step, all steps from the last checkpoint on are taken.
Where a stage may end early, its end must follow from the losses that it recorded, and the last of
these is computed again from the state at the shard's end.
Which checkpoint is drawn nobody knew before: the hash is of the request's nonce. A sample cannot
rule out another step in between that was taken otherwise, and the check says how many it took.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lineage_store.canonical import digest
from lineage_store.ledger import Ledger, ShardLedger, StageRecord
from lineage_store.placement import Stage
from lineage_store.rows import RowStore, without_contents
from lineage_store.tensors import State
from unlearning.families.family import Learner, PartRun, nothing_given
from unlearning.fitting.marks import marks_of
from unlearning.strategies.decision import Decision
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import batch_digest, shard_schedule, stage_batches
from unlearning.training.early_stop import Watch, watch_of
from unlearning.training.stages import Run
from unlearning.training.witness import state_before_the_end
from unlearning.verification.replay import BITS, Excerpt, Segment, replay, segments_of

FIRST, DRAWN = 2, 1


@dataclass(frozen=True)
class TakenAgain:
    """How many of the steps that were trained were taken again; `failure` says what differed."""

    steps: int
    of: int
    failure: str | None

    @property
    def in_words(self) -> str:
        """Say how much of it a sample has seen."""
        return f"{self.steps:,} of {self.of:,} steps were taken again"


def trained(decisions: Sequence[Decision]) -> list[Decision]:
    """Return the decisions on shards in which steps of training were taken."""
    return [one for one in decisions if one.anew or one.repair_epochs]


def wrong_records(
    ledger: Ledger, store: RowStore, decisions: Sequence[Decision], *, model: str | None
) -> str | None:
    """Say where the records of what a model trained are not what the retained rows give, if at all.

    Nothing is taken again.
    """
    for decision in trained(decisions):
        shard = ledger.shard(decision.shard)
        if not decision.anew:
            repaired = shard.repair()
            if repaired is None or repaired.model != model:
                return f"shard {decision.shard} was not repaired"
            continue
        planned = shard_schedule(store, decision.shard, ledger.partition)
        records = shard.stages()
        if len(records) != len(planned) or shard.final_file.exists():
            return f"shard {decision.shard} has other stages than it was to be trained in"
        pairs = zip(planned, records, strict=True)
        for stage, record in list(pairs)[decision.stays.stages :]:
            if wrong := _wrong(shard, stage, record, store, ledger):
                return f"stage {stage.index} of shard {decision.shard} {wrong}"
    return None


def _wrong(
    shard: ShardLedger, stage: Stage, record: StageRecord, store: RowStore, ledger: Ledger
) -> str | None:
    ends_early = ledger.header.options.early_stop is not None and record.epochs < stage.epochs
    taken = stage_of(record)
    if taken != stage and not (ends_early and taken == _ended(stage, record.epochs)):
        return "was planned otherwise"
    rows = without_contents(store.stage_rows(record.shard, stage.index))
    batches = {
        stage.position(epoch=epoch, batch=batch): batch_digest(here)
        for epoch, batch, here in stage_batches(rows, taken, seed=ledger.partition.seed)
    }
    recorded = {step.position: step.batch_digest for step in shard.steps(stage.index)}
    if recorded != batches:
        return "has other steps, or batches of other rows"
    watch = watch_of(ledger.header.options, store, shard=record.shard, stage=record.stage)
    if watch is not None and (
        len(record.watched) != record.epochs
        or not _ends_there(watch, record.watched, of=stage.epochs)
    ):
        return "ends after another epoch than the losses that it watched say"
    return None


def _ends_there(watch: Watch, losses: Sequence[float], *, of: int) -> bool:
    """Say whether a stage ends after just the epochs with these losses, `of` at most."""
    over = [watch.ends(losses[: epoch + 1]) for epoch in range(len(losses))]
    return not any(over[:-1]) and (over[-1:] == [True] or len(losses) == of)


def _ended(stage: Stage, epochs: int) -> Stage:
    return Stage(stage.index, stage.rows, epochs, stage.batches, stage.first_position)


def replay_run(ledger: Ledger, learner: Learner, *, base: Ledger | None) -> Any:
    """Return a run that learns units of a ledger again, from its base's weights if it has one."""
    return learner.run(
        PartRun(
            options=replace(ledger.header.options, record="none"),
            model=ledger.header.model,
            clock=lambda: 0.0,
            given=nothing_given if base is None else base.weights_of_shard,
        )
    )


def take_again(
    run: Run, store: RowStore, ledger: Ledger, decisions: Sequence[Decision], *, nonce: bytes
) -> TakenAgain:
    """Take units of every shard that was trained again, and compare their bits.

    `store` has the rows that remain; what is drawn follows from the nonce.
    """
    optimizer, steps, of = run.learner.optimizer(), 0, 0
    for decision in trained(decisions):
        shard = ledger.shard(decision.shard)
        of += sum(one.steps - one.resumed for one in shard.stages() if one.model == run.model)
        marks = marks_of(shard)
        for segment, at_most, start in _units(ledger, decision, nonce=nonce):
            excerpt = Excerpt(at_most, start, marks)
            done = replay(
                run, store, shard, segment, optimizer=optimizer, tolerance=BITS, excerpt=excerpt
            )
            steps += done.steps
            if done.failure is not None:
                return TakenAgain(steps, of, f"{segment.name}: {done.failure}")
        if decision.anew and (failure := _watched_otherwise(run, store, ledger, decision.shard)):
            return TakenAgain(steps, of, failure)
    return TakenAgain(steps, of, None)


def _watched_otherwise(run: Run, store: RowStore, ledger: Ledger, number: int) -> str | None:
    """Compute the last watched loss of a shard again, and say if it is not the recorded one."""
    last = ledger.shard(number).stages()[-1]
    watch = watch_of(ledger.header.options, store, shard=number, stage=last.stage)
    if watch is None:
        return None
    run.learner.load(ledger.shard(number).checkpoint(last.stage))
    if run.learner.loss(watch.rows) == last.watched[-1]:
        return None
    return f"stage {last.stage} of shard {number} watched another loss than it recorded"


def _units(
    ledger: Ledger, decision: Decision, *, nonce: bytes
) -> list[tuple[Segment, int | None, State | None]]:
    """Choose what is taken again of a shard: segments, the most steps, and states to start from."""
    shard, stages = ledger.shard(decision.shard), ledger.shard(decision.shard).stages()
    last = _last_segment(ledger, shard, stages[-1])
    if not decision.anew:  # a repair starts from weights that are not kept
        return [] if last[0].start is None else [last]
    kept, resume = decision.stays.stages, decision.stays.resume
    there = [
        segment
        for record in stages[kept:]
        for segment in segments_of(shard, record)
        if resume is None
        or record.stage > kept
        or (segment.start is not None and segment.start >= resume)
    ]
    found: list[tuple[Segment, int | None, State | None]] = [(there[0], FIRST, None)]
    if between := there[1:]:
        seed = digest(nonce + decision.shard.to_bytes(4, "big"))
        found.append((between[int(seed, 16) % len(between)], DRAWN, None))
    return [*found, last]


def _last_segment(
    ledger: Ledger, shard: ShardLedger, record: StageRecord
) -> tuple[Segment, int | None, State | None]:
    """Return the segment at whose end a shard's weights are: one step, if its start was left."""
    segment = segments_of(shard, record)[-1]
    left = state_before_the_end(ledger.folder, record.shard)
    positions = [step.position for step in shard.steps(record.stage)]
    if left is None or positions[-1:] != [left[0]]:
        return segment, None, None
    before = positions[-2] if len(positions) > 1 else None
    return Segment(record.shard, record.stage, before, None), None, left[1]
