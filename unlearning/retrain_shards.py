"""Exact: retrain the affected shards from the last checkpoint that never saw the rows.

Bourtoule et al. 2021, "Machine Unlearning" (SISA). A shard that lost rows of slice r restarts from
its checkpoint after slice r - 1; all others stay as they are, byte for byte. A shard that started
from the weights of another model starts again from those that this model has now.
"""

from lineage_store.ledger import ShardLedger, keep_shard
from lineage_store.row_store import RowStore
from unlearning.strategies import MOVED, ShardDecision, Situation, StrategyGuarantee
from unlearning.training import Run, train_shard


class RetrainShards:
    """The strategy `retrain-shards`."""

    name = "retrain-shards"
    guarantee: StrategyGuarantee = "exact"
    needs_learner = True

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
            kept, why = 0, MOVED
        else:
            kept = min(available, slices if clean is None else clean)
            if clean is not None and kept == clean:
                why = f"slice {first} loses rows; stages before it never saw them"
            elif kept < slices:
                why = f"only {kept} checkpoints are left from before an earlier deletion"
            else:
                why = "no row of the shard is deleted"
        if not stages[-1].rows:
            return ShardDecision(shard, "empty", 0, 0, "the shard has no rows left: it leaves")
        if kept == slices:
            return ShardDecision(shard, "kept", slices, 0, why)
        steps = sum(stage.steps for stage in stages[kept:])
        return ShardDecision(shard, "retrained", kept, steps, why)

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Run | None,
        store: RowStore,
    ) -> None:  # fmt: skip
        """Take the kept stages over and train the others."""
        if decision.action == "kept":
            keep_shard(old, new)
            return
        if run is None:
            raise ValueError("retraining needs a learner")
        keep_shard(old, new, stages=decision.kept_stages)
        train_shard(run, store, decision.shard, new, kept=decision.kept_stages)


def usable_stages(shard: ShardLedger) -> int:
    """Count the leading stages whose checkpoints are still there."""
    stages = shard.stages()
    for count, stage in enumerate(stages):
        if not shard.has_checkpoint(stage.stage):
            return count
    return len(stages)
