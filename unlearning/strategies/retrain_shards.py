"""Exact: retrain the affected shards from the last checkpoint that never saw the rows.

Bourtoule et al. 2021, "Machine Unlearning" (SISA). A shard that lost rows of slice r restarts from
its checkpoint after slice r - 1; all others stay as they are, byte for byte. A shard that started
from the weights of another model starts again from those that this model has now.

Where checkpoints are kept within stages too, a shard restarts from the last one before the first
step that saw a deleted row, and takes the steps up to there over: their batches are compared with
today's rows first.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lineage_store.canonical import digest_file, digest_json
from lineage_store.claim import BITS, Claim
from lineage_store.counted import counted
from lineage_store.errors import CheckFailed
from lineage_store.ledger import FIRST_FAMILY, Ledger, ShardLedger, StepRecord, keep_shard
from lineage_store.rows import RowStore
from unlearning.keras_learning.class_weights import ALIKE
from unlearning.strategies.decision import Cost, DecisionWords, Fate, Unit
from unlearning.strategies.shard_cost import bytes_from, cost_of_steps, state_bytes, total
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import MOVED, NOT_EARNED, Holds, Situation, Strategy, Witnesses
from unlearning.training.stages import Run, train_shard


class RetrainShards(Strategy[ShardDecision]):
    """The strategy `retrain-shards`."""

    name = "retrain-shards"
    families = (FIRST_FAMILY,)
    claim: Claim = BITS

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Keep as many stages of each shard as never saw a deleted row and are still there."""
        return tuple(self._decide(situation, shard) for shard in range(situation.partition.shards))

    def _decide(self, situation: Situation, shard: int) -> ShardDecision:
        slices = situation.partition.slices
        stages = situation.new_stages(shard)
        first, clean = situation.first_slice(shard), situation.clean_stages(shard)
        available = usable_stages(situation.ledger.shard(shard))
        if situation.fresh_start is not None:
            kept, why = 0, situation.fresh_start
        elif shard in situation.moved:
            kept, why = 0, situation.not_earned.get(shard, MOVED)
        else:
            kept = min(available, slices if clean is None else clean)
            if clean is not None and kept == clean:
                why = f"slice {first} loses rows; stages before it never saw them"
            elif kept < slices:
                why = (
                    f"only {counted(kept, 'checkpoint is', 'checkpoints are')} left from "
                    f"before an earlier deletion"
                )
            else:
                why = "no row of the shard is deleted"
        if not stages[-1].rows:
            return ShardDecision(shard, "empty", 0, 0, "the shard has no rows left: it leaves")
        if kept == slices:
            return ShardDecision(shard, "kept", slices, 0, why)
        whole, from_slice = (sum(stage.steps for stage in stages[at:]) for at in (0, kept))
        afresh = situation.fresh_start is not None or shard in situation.moved
        resume = None
        if kept == clean and not afresh:
            resume = resume_position(situation, shard, kept)
        steps = from_slice
        if resume is not None:
            steps -= resume + 1 - stages[kept].first_position
            why += f"; the first step that saw one comes after step {resume}, which was kept"
        return ShardDecision(
            shard,
            "retrained",
            kept,
            steps,
            why,
            resume=resume,
            steps_from_slice=from_slice,
            steps_from_start=whole,
        )

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Run | None,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Take the kept stages over and train the others."""
        if decision.action == "kept":
            keep_shard(old, new)
            return
        if run is None:
            raise ValueError("retraining needs a learner")
        kept, resume = decision.kept_stages, decision.resume
        keep_shard(old, new, stages=kept, resume=resume)
        taken: list[StepRecord] = []
        if resume is not None:
            taken = [step for step in old.steps(kept) if step.position <= resume]
            must_be_recorded_steps(old, kept, taken[-1])
        train_shard(run, store, decision.shard, new, kept=kept, taken=taken)

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say what the steps of the shards that are retrained take, and what they write."""
        state = state_bytes(ledger)
        return total(
            cost_of_steps(
                ledger,
                one.shard,
                one.steps,
                stages_from=one.kept_stages,
                written=bytes_from(
                    ledger.shard(one.shard), stage=one.kept_stages, resume=one.resume, state=state
                ),
            )
            for one in decisions
            if one.action == "retrained"
        )

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate | None:
        """Say that a unit is made again, or of a repair and so without a successor."""
        if unit.is_repair:
            return Fate("erased", "it is of a repair, which an exact result does without")
        own = decision.why == MOVED or decision.why.startswith(NOT_EARNED)
        return Fate("retrained", decision.why if own else "it is of a stage that saw the rows")

    def check(
        self, decisions: Sequence[ShardDecision], witnesses: Witnesses
    ) -> Mapping[str, Holds]:
        """Return no check: the engine looks at all that is trained."""
        return {}

    def words(self, decisions: Sequence[ShardDecision]) -> DecisionWords:
        """Say nothing more than how many shards were trained again, which the engine does."""
        return DecisionWords(numbers=NO_UPDATES)


def resume_position(situation: Situation, shard: int, kept: int) -> int | None:
    """Return the last step before any deleted row whose checkpoint is there, or None.

    There is none if the stage would be cut into other batches today, or if the shard's start may
    depend on the stage's rows: before its first rows, and with a module that adapts to them.
    """
    if situation.ledger.header.options.class_weights != ALIKE:
        return None  # the weights of the stage's classes follow from all of its rows
    ledger, stages = situation.ledger.shard(shard), situation.new_stages(shard)
    first = situation.first_position(shard)
    if first is None or (situation.adapts and not (kept and stages[kept - 1].rows)):
        return None
    old, new = ledger.stages()[kept], stages[kept]
    if (old.batches, old.first_position) != (new.batches, new.first_position):
        return None
    clean = [p for p in ledger.step_checkpoints() if new.first_position <= p < first]
    return max(clean, default=None)


def must_be_recorded_steps(shard: ShardLedger, stage: int, last: StepRecord) -> None:
    """Raise CheckFailed if the steps that are taken over, or their end, are not as recorded."""
    lines = shard.steps_file(stage).read_text(encoding="utf-8")
    recorded = shard.stages()[stage].steps_digest
    file = shard.step_checkpoint_file(last.position)
    if digest_json(lines) != recorded or digest_file(file) != last.checkpoint_digest:
        raise CheckFailed(
            f"The steps of stage {stage} of a shard, or the checkpoint {file.name} within it, are "
            f"not the ones that were recorded: nothing was changed; restore the workspace from a "
            f"backup, or train again."
        )


def usable_stages(shard: ShardLedger) -> int:
    """Count the leading stages whose checkpoints are still there."""
    stages = shard.stages()
    for count, stage in enumerate(stages):
        if not shard.has_checkpoint(stage.stage):
            return count
    return len(stages)
