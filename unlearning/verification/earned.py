"""Reuse is earned by replay: before anything of an old ledger is taken over, units of it are taken
again, by the code, the module and the environment of today, and digests of whole states compared.

What can be compared is a step, or a few, with a recorded state before it and after it:

    a marked step     the first after the start of a stage or a checkpoint within it (`marks`)
    a short segment   at most four steps from one checkpoint to the next
    an update         of a step after a checkpoint: the change of the weights, to the bit

Of each shard that is taken over, whole or in part, there are taken again the first and the last
that a checkpoint can reach, and those of the smallest and of the largest batch: four steps at most,
and no other rows are read. A recorded update of such a step is compared besides. A loss is never
enough: it is one number.

The steps belong to what is taken over, or start where that ends. What differs is retrained. What
an approximate deletion takes over is not taken again: it promises no bits.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from lineage_store.canonical import digest, digest_file
from lineage_store.errors import CheckFailed
from lineage_store.ledger import Ledger, ShardLedger, StageRecord, StepRecord, encode
from lineage_store.placement import Stage, batch_of
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import State, first_difference, load_state
from unlearning.families.family import Learner
from unlearning.families.known_families import family_of_ledger
from unlearning.fitting.marks import marks_of, stages_kept, state_digest, taken_over
from unlearning.planning.reuse import Earned
from unlearning.strategies.decision import Decision
from unlearning.strategies.strategy import stage_of
from unlearning.training.base_weights import must_be_the_start
from unlearning.training.batches import batch_digest
from unlearning.training.stages import Run, start_state, weigh

AT_MOST = 4


@dataclass(frozen=True)
class Reachable:
    """Steps of a stage that follow a recorded state; `start` is its position, None the stage's.

    `first` says that no step of the shard comes before. `after` is the recorded digest of the whole
    state after the last of the steps, None if only the update of a single one is recorded.
    """

    stage: Stage
    start: int | None
    first: bool
    steps: tuple[StepRecord, ...]
    after: str | None

    @property
    def rows(self) -> int:
        """The size of the first batch."""
        return self.steps[0].rows


def takes_over(decision: Decision) -> bool:
    """Say whether anything of a shard's old ledger is taken over."""
    stays = decision.stays
    part = decision.anew and (stays.stages > 0 or stays.resume is not None)
    return not decision.changes or part


def earned(
    run: Run, store: RowStore, ledger: Ledger, decision: Decision, *, base: Ledger | None,
    needed: bool,
) -> Earned:  # fmt: skip
    """Take units of one shard again, on the rows that the ledger was made from.

    Of the rows nothing but keys and the batches that are taken is read. With `needed`, a shard of
    which nothing can be taken again is not taken over.
    """
    shard = ledger.shard(decision.shard)
    rows_of = cache(partial(replace(store, read_whole=0).stage_rows, decision.shard))
    end = taken_over(shard, decision)
    of = sum(step.position < end for one in shard.stages() for step in shard.steps(one.stage))
    again, failure = 0, None
    try:
        if base is not None:
            must_be_the_start(base, ledger.header, decision.shard)
        for unit in chosen(list(reachable(shard, rows_of, decision, seed=run.partition.seed))):
            rows = rows_of(unit.stage.index)
            again += _taken(run, store, ledger, decision.shard, unit, rows)
    except CheckFailed as error:
        failure = str(error)
    if failure is None and of and not again and needed:
        failure = "nothing of it can be taken again"
    return Earned(decision.shard, again, of, failure)


def tried_whole(
    learner: Learner, store: RowStore, ledger: Ledger, decisions: Sequence[Decision]
) -> tuple[Earned, ...] | None:
    """Train the smallest of shards that are trained whole again; None for other shards.

    What training takes is all that there is to save, so the one stands for all: where it comes out
    otherwise, none is taken over.
    """
    if not decisions or family_of_ledger(ledger).trail != "whole":
        return None
    records = {one.shard: ledger.shard(one.shard).stages() for one in decisions}
    there = [one for one in decisions if records[one.shard]]
    tried = min(there, key=lambda one: records[one.shard][0].rows, default=None)
    found = None if tried is None else learnt_again(learner, store, ledger, tried)
    if found is None:
        return tuple(Earned(one.shard, 0, 0) for one in decisions)
    failure = found.failure and f"{found.failure}, in the smallest shard, which was trained again"
    return tuple(
        Earned(one.shard, int(one is tried), len(records[one.shard]), failure) for one in decisions
    )


def learnt_again(
    learner: Learner, store: RowStore, ledger: Ledger, decision: Decision
) -> Earned | None:
    """Learn a shard that is one unit again, whole; None if steps are taken again instead."""
    shard, stages = ledger.shard(decision.shard), ledger.shard(decision.shard).stages()
    if not stages:
        return Earned(decision.shard, 0, 0)
    if family_of_ledger(ledger).trail == "steps":
        return None  # without reading its rows
    state = learner.relearnt(store.stage_rows(decision.shard, stages[-1].stage))
    if state is None:
        return None
    other = first_difference(state, shard.checkpoint(stages[-1].stage))
    return Earned(decision.shard, 1, 1, None if other is None else f"{other} is another")


def reachable(
    shard: ShardLedger, rows_of: Callable[[int], RowSet], decision: Decision, *, seed: int
) -> Iterator[Reachable]:
    """Yield what can be taken again of a shard, in the order in which it was taken.

    `rows_of` gives the rows of a stage. Steps that start where what is taken over ends count if
    their rows are still there.
    """
    end, stages, first = taken_over(shard, decision), shard.stages(), True
    whole = stages_kept(shard, decision)
    for number, record in enumerate(stages[: whole + 1]):
        steps = list(shard.steps(record.stage))
        kept = sorted({step.position for step in steps} & shard.step_checkpoints())
        starts: list[int | None] = [None] if first or shard.has_checkpoint(number - 1) else []
        for start in [*starts, *kept]:
            here = [step for step in steps if start is None or step.position > start]
            is_whole = number < whole
            after_end = number == 0 and not end if start is None else start >= end
            if not here or (not is_whole and after_end):
                continue
            if (found := _after(shard, record, here, kept)) is None:
                continue
            unit = Reachable(stage_of(record), start, first and start is None, *found)
            is_before = is_whole or found[0][-1].position < end
            if is_before or _same(rows_of(record.stage), unit, seed=seed):
                yield unit
        first = first and not steps


def _after(
    shard: ShardLedger, record: StageRecord, here: Sequence[StepRecord], kept: Sequence[int]
) -> tuple[tuple[StepRecord, ...], str | None] | None:
    """Return the steps to take from a state, and what they must come to, if that is recorded."""
    step, marks = here[0], marks_of(shard)
    if step.position in marks:
        return (step,), marks[step.position]
    for count, one in enumerate(here[:AT_MOST], start=1):
        if one.position in kept:
            return tuple(here[:count]), one.checkpoint_digest
    if len(here) <= AT_MOST and shard.has_checkpoint(record.stage):
        return tuple(here), record.checkpoint_digest
    return None if step.update_digest is None else ((step,), None)


def _same(rows: RowSet, unit: Reachable, *, seed: int) -> bool:
    """Say whether the rows of the steps are those that were recorded."""
    batches = (_batch(rows, unit.stage, step, seed=seed) for step in unit.steps)
    pairs = zip(unit.steps, batches, strict=True)
    return all(step.batch_digest == batch_digest(batch) for step, batch in pairs)


def chosen(there: Sequence[Reachable]) -> list[Reachable]:
    """Choose the first and the last, and those of the smallest and the largest batch, in order."""
    if not there:
        return []
    places = range(len(there))
    wanted = [0, len(there) - 1, *(pick(places, key=lambda at: there[at].rows)
                                   for pick in (min, max))]  # fmt: skip
    found: list[int] = []
    for place in dict.fromkeys(wanted):
        if sum(len(there[one].steps) for one in [*found, place]) <= AT_MOST:
            found.append(place)
    return [there[place] for place in sorted(found)]


def _taken(
    run: Run, store: RowStore, ledger: Ledger, number: int, unit: Reachable, rows: RowSet
) -> int:
    """Take steps again on the rows of their stage, and return how many.

    None are if the state before them is damaged. Raises CheckFailed, and says what differs. What is
    damaged is told by the checks that follow.
    """
    shard, name = ledger.shard(number), f"step {unit.steps[0].position} of shard {number}"
    start = _start(run, store, shard, number, unit)
    if start is None:
        return 0
    learner = run.learner
    fits = learner.state()
    if any(n not in fits or fits[n].shape != array.shape for n, array in start.items()):
        raise CheckFailed(f"the state before {name} is that of another model")
    learner.load(start)
    if ledger.header.optimizer and learner.optimizer() != ledger.header.optimizer:
        raise CheckFailed(f"the module builds another optimizer for {name}")
    weights = weigh(rows, learner, run.options)
    before = {n: array.copy() for n, array in learner.trainable().items()}
    for step in unit.steps:
        batch = _batch(rows, unit.stage, step, seed=run.partition.seed)
        if step.batch_digest != batch_digest(batch):
            raise CheckFailed(f"the batch of {name} holds other rows")
        learner.step(batch, shard=number, position=step.position, class_weights=weights)
    recorded = unit.steps[0].update_digest if len(unit.steps) == 1 else None
    if recorded is not None:
        update = encode(run.options.codec, before=before, after=learner.trainable())
        if digest(update) != recorded:
            raise CheckFailed(f"the update of {name} is another")
    if unit.after is not None and state_digest(learner.state()) != unit.after:
        raise CheckFailed(f"the state after {name} has other bits")
    return len(unit.steps)


def _batch(rows: RowSet, stage: Stage, step: StepRecord, *, seed: int) -> Rows:
    """Read the rows of one step and no others; which these are follows from the keys."""
    bits = rows.batch_bits
    places = batch_of(bits, seed=seed, stage=stage.index, epoch=step.epoch, batches=stage.batches)
    return rows.take(np.flatnonzero(places == step.batch))


def _start(
    run: Run, store: RowStore, shard: ShardLedger, number: int, unit: Reachable
) -> State | None:
    if unit.first:
        return start_state(run, store, number)
    if unit.start is None:
        before = shard.stages()[unit.stage.index - 1]
        file, recorded = shard.checkpoint_file(before.stage), before.checkpoint_digest
    else:
        steps = {step.position: step for step in shard.steps(unit.stage.index)}
        file = shard.step_checkpoint_file(unit.start)
        recorded = steps[unit.start].checkpoint_digest or ""
    return load_state(file) if digest_file(file) == recorded else None
