"""Nothing is left to learn: all shards leave, and the model is withdrawn.

Nobody asks for it by name, and it serves every family.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lineage_store.claim import BITS
from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowStore
from unlearning.strategies.decision import Cost, Fate, Told, Unit
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import Holds, Situation, Strategy, Witnesses
from unlearning.training.stages import Run


class Withdraw(Strategy[ShardDecision]):
    """What is done with a model of which nothing is left."""

    name = "withdraw"
    families = None
    claim = BITS

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Raise BadInput: that nothing is left is for the engine to say."""
        raise BadInput("A model is withdrawn only if nothing is left to learn.")

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say that it takes nothing."""
        return Cost()

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Run | None,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Keep nothing."""
        keep_shard(old, new, stages=0)

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate:
        """Say that all is erased."""
        return Fate("erased", decision.why)

    def check(self, decisions: Sequence[ShardDecision], given: Witnesses) -> Mapping[str, Holds]:
        """Return no check: there is no result."""
        return {}

    def words(self, decisions: Sequence[ShardDecision]) -> Told:
        """Say nothing more."""
        return Told(numbers=NO_UPDATES)


def all_leave(shards: int, *, why: str) -> tuple[ShardDecision, ...]:
    """Return the decisions of a model that is withdrawn."""
    return tuple(ShardDecision(shard, "empty", 0, 0, why) for shard in range(shards))
