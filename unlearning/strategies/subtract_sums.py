"""Exact: subtract the sums of the deleted rows from the sums of their part.

Cao and Yang 2015, "Towards Making Systems Forget with Machine Unlearning": what is learnt as sums
over rows is unlearnt by subtracting those of the rows that go. The sums are integers in a canonical
form, so the result has the bits of the sums of the rows that remain, whatever the order. Where the
rows are read in other terms than before, a part is summed again; what it costs is a look at its
rows. A part without rows leaves.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lineage_store.claim import BITS, Claim
from lineage_store.ledger import Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowSet, RowStore
from lineage_store.tensors import Array
from unlearning.families.family import SumsRun
from unlearning.families.known_families import with_trail
from unlearning.strategies.decision import Cost, Fate, Told, Unit
from unlearning.strategies.shard_cost import bytes_from, state_bytes
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import Holds, Situation, Strategy, Witnesses


class SubtractSums(Strategy[ShardDecision]):
    """The strategy `subtract-sums`."""

    name = "subtract-sums"
    claim: Claim = BITS

    @property
    def families(self) -> tuple[str, ...]:
        """All whose trail is sums."""
        return with_trail("sums")

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Subtract from each part that loses rows, or sum it again where nothing may be reused."""
        return tuple(_decide(situation, part) for part in range(situation.partition.shards))

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Take a part over, or write its new sums."""
        part = decision.shard
        if decision.action in ("kept", "empty"):
            keep_shard(old, new, stages=None if decision.action == "kept" else 0)
            return
        if not isinstance(run, SumsRun):
            raise ValueError("sums are subtracted by the learner that made them")
        if decision.action == "retrained":
            run.learner.learn(run.part_run, store, part, new)
            return
        if old_store is None:
            raise ValueError("what is subtracted are the sums of the rows as they were")
        before, after = (_rows(one, part) for one in (old_store, store))
        gone = before.take(np.flatnonzero(~np.isin(_texts(before), _texts(after))))
        state = run.learner.less(old.checkpoint(0), gone, left=after)
        if state is None:
            run.learner.learn(run.part_run, store, part, new)
            return
        run.learner.keep(run.part_run, part, rows=after, state=state, into=new)

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say what is written and read: no step is taken, and a part's rows are looked at."""
        state, changed = state_bytes(ledger), [one.shard for one in decisions if one.trains]
        parts = [ledger.shard(part) for part in changed]
        return Cost(
            bytes=sum(bytes_from(one, stage=0, resume=None, state=state) for one in parts),
            rows=sum(record.rows for one in parts for record in one.stages()),
        )

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate | None:
        """Say that the sums are updated, or made again."""
        if decision.action == "updated":
            return Fate("updated", decision.why)
        return Fate("retrained", "it is of a stage that saw the rows")

    def check(self, decisions: Sequence[ShardDecision], given: Witnesses) -> Mapping[str, Holds]:
        """Return no check: the engine learns every part that changed again, whole."""
        return {}

    def words(self, decisions: Sequence[ShardDecision]) -> Told:
        """Say of how many parts sums were subtracted."""
        number = sum(one.action == "updated" for one in decisions)
        if not number:
            return Told(numbers=NO_UPDATES)
        parts = "1 part" if number == 1 else f"{number:,} parts"
        return Told((f"the rows' sums subtracted from {parts}",), {}, NO_UPDATES)


def _decide(situation: Situation, part: int) -> ShardDecision:
    if not sum(situation.new_counts[part]):
        return ShardDecision(part, "empty", 0, 0, "the part has no rows left: it leaves")
    if situation.fresh_start is not None:
        return ShardDecision(part, "retrained", 0, 0, situation.fresh_start)
    if situation.first_slice(part) is None:
        return ShardDecision(part, "kept", 1, 0, "no row of the part is deleted")
    return ShardDecision(part, "updated", 0, 0, "the sums of its deleted rows are subtracted")


def _rows(store: RowStore, part: int) -> RowSet:
    return store.stage_rows(part, len(store.counts[part]) - 1)


def _texts(rows: RowSet) -> Array:
    return np.ascontiguousarray(rows.row_keys).view("S16")[:, 0]  # of one length: all bytes count
