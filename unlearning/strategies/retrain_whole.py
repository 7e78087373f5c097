"""Two exact strategies that take nothing back: a shard is trained whole again, or it leaves.

retrain-whole-shards  shards of which nothing is known but what went in, trained on what remains
withdraw              nothing is left to learn: all shards leave, and the model is withdrawn

The trail of a shard that was trained whole is one unit, with no stages and no steps (SISA with one
slice, Bourtoule et al. 2021, section IV). What a family's learner trains whole (`estimator`) is
decided and carried out here. Shards of other people's pipelines are trained by these, and decided
on there by content alone (`unlearning.whole_shards`): of them this is the name and the claim, by
which certificates are judged. Nobody asks for `withdraw`: it follows from what there is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lineage_store.claim import BITS, Claim
from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowStore
from unlearning.families.family import WholeRun
from unlearning.families.known_families import with_trail
from unlearning.strategies.decision import Cost, DecisionWords, Fate, Unit
from unlearning.strategies.shard_cost import bytes_from, state_bytes
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import MOVED, Holds, Situation, Strategy, Witnesses

TRAININGS = 2
"""A part that changes is trained by the run, and once more by the engine's check."""


class RetrainWholeShards(Strategy[ShardDecision]):
    """The strategy `retrain-whole-shards`."""

    name = "retrain-whole-shards"
    claim: Claim = BITS

    @property
    def families(self) -> tuple[str, ...]:
        """All whose shards are trained whole."""
        return with_trail("whole")

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Train each shard that loses rows again, and keep the others."""
        return tuple(_decide(situation, part) for part in range(situation.partition.shards))

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Take a shard over, or train it on the rows that remain."""
        if decision.action in ("kept", "empty"):
            keep_shard(old, new, stages=None if decision.action == "kept" else 0)
            return
        if not isinstance(run, WholeRun):
            raise ValueError("shards are trained by the learner that trained them")
        part, clock = decision.shard, run.part_run.clock
        rows, start = store.stage_rows(part, len(store.counts[part]) - 1), clock()
        state = run.learner.made(rows)
        run.learner.keep_made(
            run.part_run, part, rows=rows, state=state, into=new, seconds=clock() - start
        )

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say what training shards took before, and what that wrote."""
        state = state_bytes(ledger)
        parts = [ledger.shard(one.shard) for one in decisions if one.trains]
        records = [record for one in parts for record in one.stages()]
        return Cost(
            seconds=TRAININGS * sum(record.seconds for record in records),
            bytes=sum(bytes_from(one, stage=0, resume=None, state=state) for one in parts),
            rows=TRAININGS * sum(record.rows for record in records),
        )

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate | None:
        """Say that the shard's one unit is trained again."""
        return Fate("retrained", decision.why)

    def check(
        self, decisions: Sequence[ShardDecision], witnesses: Witnesses
    ) -> Mapping[str, Holds]:
        """Return no check: the engine trains every shard that changed again, whole."""
        return {}

    def words(self, decisions: Sequence[ShardDecision]) -> DecisionWords:
        """Say nothing more than how many shards were trained again, which the engine does."""
        return DecisionWords(numbers=NO_UPDATES)


def _decide(situation: Situation, part: int) -> ShardDecision:
    if not sum(situation.new_counts[part]):
        return ShardDecision(part, "empty", 0, 0, "the shard has no rows left: it leaves")
    why = situation.fresh_start
    if why is None and part in situation.moved:
        why = situation.not_earned.get(part, MOVED)
    if why is None and situation.first_slice(part) is not None:
        why = "it is trained whole, and loses rows"
    if why is None:
        return ShardDecision(part, "kept", 1, 0, "no row of the shard is deleted")
    return ShardDecision(part, "retrained", 0, 0, why)


class Withdraw(Strategy[ShardDecision]):
    """What is done with a model of which nothing is left: it costs nothing, and all is erased."""

    name = "withdraw"
    families = None
    claim: Claim = BITS

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Raise BadInput: that nothing is left is for the engine to say."""
        raise BadInput("A model is withdrawn only if nothing is left to learn.")

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Keep nothing."""
        keep_shard(old, new, stages=0)

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say that it takes nothing."""
        return Cost()

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate:
        """Say that all is erased."""
        return Fate("erased", decision.why)

    def check(
        self, decisions: Sequence[ShardDecision], witnesses: Witnesses
    ) -> Mapping[str, Holds]:
        """Return no check: there is no result here."""
        return {}

    def words(self, decisions: Sequence[ShardDecision]) -> DecisionWords:
        """Say nothing more."""
        return DecisionWords(numbers=NO_UPDATES)


def all_leave(shards: int, *, why: str) -> tuple[ShardDecision, ...]:
    """Return the decisions of a model that is withdrawn."""
    return tuple(ShardDecision(shard, "empty", 0, 0, why) for shard in range(shards))
