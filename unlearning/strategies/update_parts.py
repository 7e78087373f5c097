"""Exact: take the deleted rows out of what their part is, where that is one unit of all its rows.

`subtract-sums`  Cao and Yang 2015, "Towards Making Systems Forget with Machine Unlearning": what is
                 learnt as sums over rows is unlearnt by subtracting those of the rows that go.
`mend-trees`     after Brophy and Lowd 2021, "Machine Unlearning for Random Forests": the counts on
                 the rows' ways down are mended, and what splits otherwise without them grows again.
`reconverge`     after Guo et al. 2019, "Certified Data Removal from Machine Learning Models": steps
                 are taken again from where an optimum was; no noise, since what comes of it is kept
                 only where it provably rounds to what is found from nothing.

All is whole numbers, or rounded to some, in a canonical form, so the result has the bits of the
unit of the rows that remain, whatever the order. Where the rows are read in other terms than
before, a part is made again, and where its state on disk is not the recorded one; what that costs
is a look at its rows. A part without rows leaves.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import digest_file
from lineage_store.claim import BITS, Claim
from lineage_store.counted import counted
from lineage_store.ledger import Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowSet, RowStore
from lineage_store.tensors import Array, State
from unlearning.families.family import OptimumRun, SumsRun, Trail, TreesRun
from unlearning.families.known_families import with_trail
from unlearning.strategies.decision import Cost, DecisionWords, Fate, Unit
from unlearning.strategies.shard_cost import bytes_from, state_bytes
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import MOVED, Holds, Situation, Strategy, Witnesses

Indices = npt.NDArray[np.int64]


class UpdateParts(Strategy[ShardDecision]):
    """What the strategies have in common; how rows are taken out is each one's own."""

    claim: Claim = BITS
    trail: Trail
    what: str

    @property
    def families(self) -> tuple[str, ...]:
        """All that leave its trail."""
        return with_trail(self.trail)

    @abstractmethod
    def taken_out(
        self, run: Any, state: State, before: RowSet, gone: Indices, after: RowSet
    ) -> State | None:
        """Return a part's state without some of its rows; None if it must be made again.

        `before` are its rows, `gone` the places of those that go, `after` those that remain.
        """

    @abstractmethod
    def done(self, parts: str) -> str:
        """Say what was done with so many parts."""

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Take rows out of each part that loses any, or make it again if nothing may be reused."""
        parts = range(situation.partition.shards)
        return tuple(_decide(situation, part, what=self.what) for part in parts)

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Any,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Take a part over, or write what it is without the rows."""
        part = decision.shard
        if decision.action in ("kept", "empty"):
            keep_shard(old, new, stages=None if decision.action == "kept" else 0)
            return
        if not isinstance(run, SumsRun | TreesRun | OptimumRun):
            raise ValueError("rows are taken out by the learner that made the part")
        if decision.action == "retrained":
            run.learner.learn(run.part_run, store, part, new)
            return
        if old_store is None:
            raise ValueError("rows are taken out of what was made of the rows as they were")
        before, after = (_rows(one, part) for one in (old_store, store))
        gone = np.flatnonzero(~np.isin(_texts(before), _texts(after)))
        state = None
        if (
            old.has_checkpoint(0)
            and digest_file(old.checkpoint_file(0)) == old.stages()[0].checkpoint_digest
        ):
            state = self.taken_out(run, old.checkpoint(0), before, gone, after)
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
        """Say that the unit is updated, or made again."""
        if decision.action == "updated":
            return Fate("updated", decision.why)
        return Fate("retrained", "it is of a stage that saw the rows")

    def check(
        self, decisions: Sequence[ShardDecision], witnesses: Witnesses
    ) -> Mapping[str, Holds]:
        """Return no check: the engine learns every part that changed again, whole."""
        return {}

    def words(self, decisions: Sequence[ShardDecision]) -> DecisionWords:
        """Say from how many parts rows were taken out."""
        number = sum(one.action == "updated" for one in decisions)
        if not number:
            return DecisionWords(numbers=NO_UPDATES)
        return DecisionWords((self.done(counted(number, "part")),), {}, NO_UPDATES)


class SubtractSums(UpdateParts):
    """The strategy `subtract-sums`."""

    name = "subtract-sums"
    trail: Trail = "sums"
    what = "the sums of its deleted rows are subtracted"

    def taken_out(
        self, run: SumsRun, state: State, before: RowSet, gone: Indices, after: RowSet
    ) -> State | None:
        """Subtract the sums of the rows."""
        return run.learner.less(state, before.take(gone), left=after)

    def done(self, parts: str) -> str:
        """Say from how many parts sums were subtracted."""
        return f"the rows' sums subtracted from {parts}"


class MendTrees(UpdateParts):
    """The strategy `mend-trees`."""

    name = "mend-trees"
    trail: Trail = "structure"
    what = "its trees are mended without the deleted rows"

    def taken_out(
        self, run: TreesRun, state: State, before: RowSet, gone: Indices, after: RowSet
    ) -> State | None:
        """Mend the trees, and grow again what splits otherwise."""
        return run.learner.mended(state, before, gone)

    def done(self, parts: str) -> str:
        """Say in how many parts trees were mended."""
        return f"the trees of {parts} mended"


class Reconverge(UpdateParts):
    """The strategy `reconverge`."""

    name = "reconverge"
    trail: Trail = "optimum"
    what = "its weights converge again without the deleted rows"

    def taken_out(
        self, run: OptimumRun, state: State, before: RowSet, gone: Indices, after: RowSet
    ) -> State | None:
        """Take steps from where the weights were to the optimum of the rows that remain."""
        return run.learner.converged(state, after)

    def done(self, parts: str) -> str:
        """Say in how many parts weights converged again."""
        return f"the weights of {parts} converged again"


def _decide(situation: Situation, part: int, *, what: str) -> ShardDecision:
    if not sum(situation.new_counts[part]):
        return ShardDecision(part, "empty", 0, 0, "the part has no rows left: it leaves")
    if situation.fresh_start is not None:
        return ShardDecision(part, "retrained", 0, 0, situation.fresh_start)
    if part in situation.moved:
        why = situation.not_earned.get(part, MOVED)
        return ShardDecision(part, "retrained", 0, 0, why)
    if situation.first_slice(part) is None:
        return ShardDecision(part, "kept", 1, 0, "no row of the part is deleted")
    return ShardDecision(part, "updated", 0, 0, what)


def _rows(store: RowStore, part: int) -> RowSet:
    return store.stage_rows(part, len(store.counts[part]) - 1)


def _texts(rows: RowSet) -> Array:
    return np.ascontiguousarray(rows.row_keys).view("S16")[:, 0]  # of one length: all bytes count
