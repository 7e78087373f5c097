"""Repair: a short fine-tune after a subtraction, on the rows that remain, recorded as training.

It is one more stage of the shard, numbered after its slices' own, with steps, batches and a
checkpoint like any other: which of its batches saw a row is computed from placement, so a later
deletion finds them. Before it lie stages whose checkpoints are gone, so an exact deletion never
keeps it: it retrains the shard from its last clean stage. The guarantee stays approximate.

It starts from the weights after the subtraction, with the optimizer slots that there are: those
behind the subtraction, or those of the model before. It runs the epochs asked for at most, and ends
with the first at whose end the loss on the retained evaluation rows of the shard's places is no
higher than that of the weights before the deletion. Without such rows it runs all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lineage_store.ledger import Ledger, ShardLedger
from lineage_store.placement import Stage, batch_count
from lineage_store.rows import RowSet, RowStore
from lineage_store.tensors import State, load_state, weights_digest
from unlearning.strategies.decision import Decision, is_patched
from unlearning.strategies.last_epoch import recorded_state
from unlearning.strategies.strategy import D, Situation, Strategy, stage_of
from unlearning.training.early_stop import seen_digest
from unlearning.training.recorders import recorder_of
from unlearning.training.stages import Run, StageStart, train_stage


@dataclass(frozen=True)
class AsGoodAsBefore:
    """Ends a repair once the loss on `rows` is no higher than `loss`."""

    rows: RowSet
    loss: float

    def ends(self, losses: Sequence[float]) -> bool:
        """Say whether the repair ends after the epochs with these losses."""
        return losses[-1] <= self.loss


def with_repair(decision: D, situation: Situation, epochs: int) -> D:
    """Add a repair of at most some epochs to a decision that leaves changed weights; else none."""
    if not epochs or not is_patched(decision):
        return decision
    stages = [stage_of(record) for record in situation.ledger.shard(decision.shard).stages()]
    stage = repair_stage(
        stages,
        rows=sum(situation.new_counts[decision.shard]),
        epochs=epochs,
        batch_size=situation.partition.batch_size,
    )
    repaired: D = replace(decision, repair_epochs=epochs, repair_steps=stage.steps)  # type: ignore[type-var]
    return repaired


def decided(strategy: Strategy[D], situation: Situation, *, repair: int) -> tuple[D, ...]:
    """Return a strategy's decisions with a repair of at most some epochs where it changes weights.

    Raises BadInput if the strategy cannot serve here.
    """
    epochs = repair if strategy.repairs else 0
    return tuple(with_repair(one, situation, epochs) for one in strategy.decide(situation))


def repair_stage(stages: Sequence[Stage], *, rows: int, epochs: int, batch_size: int) -> Stage:
    """Plan a repair after the stages that a shard has."""
    last = stages[-1]
    return Stage(
        index=len(stages),
        rows=rows,
        epochs=epochs,
        batches=batch_count(rows, batch_size),
        first_position=last.first_position + last.steps,
    )


def planned_repair(run: Run, store: RowStore, decision: Decision, new: ShardLedger) -> Stage:
    """Plan the repair of a shard whose subtraction stands in `new`."""
    return repair_stage(
        [stage_of(record) for record in new.stages()],
        rows=sum(store.counts[decision.shard]),
        epochs=decision.repair_epochs,
        batch_size=run.partition.batch_size,
    )


def repair(
    run: Run, store: RowStore, decision: Decision, *, old: ShardLedger, new: ShardLedger
) -> None:
    """Fine-tune a shard whose subtraction stands in `new`, and record it there.

    `store` has the rows that remain. Its weights after the subtraction are kept as a digest only.
    """
    shard, slices = decision.shard, run.partition.slices
    stage = planned_repair(run, store, decision, new)
    before = load_state(old.final_file) if old.final_file.exists() else recorded_state(old)
    watched = store.evaluation_of(shard, slices - 1)
    watch = None
    if len(watched):
        run.learner.load(before)
        watch = AsGoodAsBefore(watched, run.learner.loss(watched))
    start: State = run.learner.initial_state(shard, None) | before | load_state(new.final_file)
    run.learner.load(start)
    kept = replace(run, interval=0)
    with recorder_of(
        run.options, learner=run.learner, ledger=new, store=store, shard=shard
    ) as recorder:
        train_stage(
            kept,
            store.stage_rows(shard, slices - 1),
            shard,
            stage,
            new,
            recorder,
            watch=watch,
            start=StageStart(digest=weights_digest([start])),
        )
    new.final_file.unlink()  # from now on the last checkpoint holds


def rows_digest(store: RowStore, shard: int, *, slices: int) -> str:
    """Return the digest of the rows that a repair of a shard depends on."""
    watched = store.evaluation_of(shard, slices - 1)
    watch = AsGoodAsBefore(watched, 0.0) if len(watched) else None
    return seen_digest(store.stage_rows(shard, slices - 1).digest(), watch)


def digest_before_repair(shard: ShardLedger, model: str | None) -> str:
    """Return the digest of a shard's weights, or of those that a model's repair started from."""
    repaired = shard.repair()
    if repaired is not None and repaired.model == model:
        return repaired.start_digest
    return weights_digest([shard.final_weights()])


def not_repaired(
    ledger: Ledger, decisions: Sequence[Decision], store: RowStore, *, model: str | None
) -> str | None:
    """Say which shard that a model was to repair was not, or on other rows; None if there is none.

    `store` has the rows that remain.
    """
    for decision in decisions:
        if not decision.repair_epochs:
            continue
        repaired = ledger.shard(decision.shard).repair()
        if repaired is None or repaired.model != model:
            return f"shard {decision.shard} was not repaired"
        wanted = rows_digest(store, decision.shard, slices=ledger.partition.slices)
        if repaired.rows_digest != wanted:
            return f"the repair of shard {decision.shard} saw other rows"
    return None
