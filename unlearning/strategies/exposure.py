"""How much of a run a deletion touches: the updates whose batch held a deleted row.

Whether whole updates can be subtracted without ruining the model hangs on this share more than on
anything else, so a plan tells it before anything is done, and a strategy that does it warns. The
share is that of the shards that lose rows: all others stay as they are.
"""

from lineage_store.placement import batches_of_rows
from unlearning.strategies.decision import Exposure
from unlearning.strategies.strategy import Situation, stage_of


def exposure_of(situation: Situation) -> Exposure:
    """Count the affected updates of a deletion, and all of the shards that lose training rows."""
    affected = updates = 0
    for shard in sorted({shard for shard, _ in situation.deleted}):
        affected += len(affected_positions(situation, shard))
        updates += sum(stage.steps for stage in situation.ledger.shard(shard).stages())
    return Exposure(affected, updates)


def affected_positions(
    situation: Situation, shard: int, *, of_slice: int | None = None
) -> list[int]:
    """Return the positions of all steps of the old run whose batch held a deleted row.

    With `of_slice`, only the rows that are deleted from this slice count.
    """
    stages = [stage_of(record) for record in situation.ledger.shard(shard).stages()]
    found: set[int] = set()
    for where, slice_ in situation.deleted:
        if where != shard or of_slice not in (None, slice_):
            continue
        for batch, _ in batches_of_rows(
            situation.batch_bits(where, slice_),
            shard=shard,
            first_stage=slice_,
            stages=stages,
            seed=situation.partition.seed,
        ):
            stage = stages[batch.stage]
            found.add(stage.position(epoch=batch.epoch, batch=batch.batch))
    return sorted(found)
