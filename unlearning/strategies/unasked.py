"""Two strategies that nobody asks for by name: they follow from what there is.

withdraw              nothing is left to learn: all shards leave, and the model is withdrawn
retrain-whole-shards  shards that were trained whole, and lose rows, are trained whole again

The trail of a shard that was trained whole is one unit, with no stages and no steps: nothing could
be taken back. The shard is taken over, or trained again on the rows that remain (SISA with one
slice, Bourtoule et al. 2021, section IV). Which of the two is decided where shards are trained, by
content alone (`unlearning.whole_shards`). Here are its name and its claim, by which certificates
are judged.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lineage_store.claim import BITS
from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowStore
from unlearning.families.known_families import with_trail
from unlearning.strategies.decision import Cost, Fate, Told, Unit
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import Holds, Situation, Strategy, Witnesses

ELSEWHERE = (
    "Shards that are trained whole are trained again by what trains them: run their pipeline again "
    "with `unweave.tfx.forget`."
)


class _Unasked(Strategy[ShardDecision]):
    """What the two have in common: they cost nothing here, and nothing more is said or checked."""

    claim = BITS

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say that it takes nothing."""
        return Cost()

    def check(self, decisions: Sequence[ShardDecision], given: Witnesses) -> Mapping[str, Holds]:
        """Return no check: there is no result here."""
        return {}

    def words(self, decisions: Sequence[ShardDecision]) -> Told:
        """Say nothing more."""
        return Told(numbers=NO_UPDATES)


class Withdraw(_Unasked):
    """What is done with a model of which nothing is left."""

    name = "withdraw"
    families = None

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Raise BadInput: that nothing is left is for the engine to say."""
        raise BadInput("A model is withdrawn only if nothing is left to learn.")

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Keep nothing."""
        keep_shard(old, new, stages=0)

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate:
        """Say that all is erased."""
        return Fate("erased", decision.why)


class RetrainWholeShards(_Unasked):
    """What is done with shards of which nothing is known but what went in and what came out."""

    name = "retrain-whole-shards"

    @property
    def families(self) -> tuple[str, ...]:
        """All whose shards are trained whole: no family's are yet, only those of own pipelines."""
        return with_trail("whole")

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Raise BadInput: a ledger with stages is none of shards that were trained whole."""
        raise BadInput(ELSEWHERE)

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Raise BadInput, as `decide` does."""
        raise BadInput(ELSEWHERE)

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate:
        """Say that the shard's one unit is trained again."""
        return Fate("retrained", decision.why)


def all_leave(shards: int, *, why: str) -> tuple[ShardDecision, ...]:
    """Return the decisions of a model that is withdrawn."""
    return tuple(ShardDecision(shard, "empty", 0, 0, why) for shard in range(shards))
