"""How much of a run a deletion touches: the updates whose batch held a deleted row.

Whether whole updates can be subtracted without ruining the model hangs on this share more than on
anything else, so a plan tells it before anything is done. Graves, Nagisetty and Ganesh 2021 found
about 1 % of the batches harmless and 6 % not; above the first a plan warns. The share is that of
the shards that lose rows: all others stay as they are.
"""

from dataclasses import dataclass

from lineage_store.placement import batches_of_rows
from unlearning.strategies.strategy import Situation, stage_of

HARMLESS = 0.01
RUINOUS = 0.06


@dataclass(frozen=True)
class Exposure:
    """How many of the `updates` of the shards that lose rows saw one of these."""

    affected: int
    updates: int

    @property
    def share(self) -> float:
        """The share of the updates that is affected."""
        return self.affected / self.updates if self.updates else 0.0

    def in_words(self) -> str:
        """Say it in half a sentence."""
        return (
            f"{self.affected:,} of the {self.updates:,} updates ({self.share:.1%}) of the shards "
            f"that lose rows saw one of them"
        )


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
    for (where, slice_), row_keys in situation.deleted.items():
        if where != shard or of_slice not in (None, slice_):
            continue
        for batch, _ in batches_of_rows(
            row_keys,
            shard=shard,
            first_stage=slice_,
            stages=stages,
            seed=situation.partition.seed,
        ):
            stage = stages[batch.stage]
            found.add(stage.position(epoch=batch.epoch, batch=batch.batch))
    return sorted(found)


def warning_of(strategy: str, model: str, exposure: Exposure) -> str | None:
    """Say in one sentence that whole updates are better not subtracted here, if that is so."""
    if strategy != "amnesiac" or exposure.share <= HARMLESS:
        return None
    return (
        f"Of {model}, {exposure.in_words()}, and amnesiac subtracts them whole: about "
        f"{HARMLESS:.0%} was found harmless and {RUINOUS:.0%} not, so look at the metrics after "
        f"it, or ask for --strategy amnesiac-marginal or --guarantee exact."
    )
