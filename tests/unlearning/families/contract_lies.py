"""Strategies that lie, made of any that does not: what they decide, or what they do.

Each wraps a strategy of the registry and is it in all but one respect, so they are as many for a
new family or strategy without a line here.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lineage_store.ledger import ShardLedger, StageRecord, keep_shard
from lineage_store.rows import RowStore
from lineage_store.tensors import State, load_state, save_state
from unlearning.strategies.strategy import Situation, Strategy


class Lie:
    """A strategy that is another one, under a name of its own, until it lies."""

    def __init__(self, inner: Strategy[Any]) -> None:
        self.inner = inner
        self.name = f"lying-{inner.name}"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class DecidesNothing(Lie):
    """Says of every part that none of its rows goes."""

    def decide(self, situation: Situation) -> Any:
        return self.inner.decide(replace(situation, deleted={}, watched=frozenset()))


class NamesTooFewUnits(Lie):
    """Knows nothing of the rows that go from one slice of a part."""

    def decide(self, situation: Situation) -> Any:
        rest = dict(situation.deleted)
        rest.pop(min(rest))
        return self.inner.decide(replace(situation, deleted=rest))


class NamesTooFewRows(Lie):
    """Knows nothing of one row that goes, the one without which fewest units are left."""

    def decide(self, situation: Situation) -> Any:
        honest, found = self.inner.decide(situation), []
        for place, keys in situation.deleted.items():
            for row in range(len(keys)):
                known = {**situation.deleted, place: np.delete(keys, row, axis=0)}
                if not len(known[place]):
                    del known[place]
                found.append(self.inner.decide(replace(situation, deleted=known)))
        return next((one for one in found if one != honest), honest)


class NamesTooFewParts(Lie):
    """Leaves the first part that changes out of what it decides."""

    def decide(self, situation: Situation) -> Any:
        decisions = self.inner.decide(situation)
        changed = next(one for one in decisions if one.changes)
        return tuple(one for one in decisions if one is not changed)


class DropsThem(Lie):
    """Is rid of all parts that lose rows, although some remain."""

    def decide(self, situation: Situation) -> Any:
        gone = [[0] * len(counts) for counts in situation.new_counts]
        return self.inner.decide(replace(situation, new_counts=gone))


class DoesNothing(Lie):
    """Takes every part over as it was."""

    def apply(self, decision: Any, *, old: ShardLedger, new: ShardLedger, **_: Any) -> None:
        keep_shard(old, new)


class LeavesOnePart(Lie):
    """Does all parts that change but the first."""

    def __init__(self, inner: Strategy[Any]) -> None:
        super().__init__(inner)
        self.left = False

    def apply(self, decision: Any, *, old: ShardLedger, new: ShardLedger, **given: Any) -> None:
        if decision.changes and not self.left:
            self.left = True
            keep_shard(old, new)
            return
        self.inner.apply(decision, old=old, new=new, **given)


class ChangesAtRandom(Lie):
    """Does what it should, puts noise on the state at the end, and records that."""

    def apply(self, decision: Any, *, old: ShardLedger, new: ShardLedger, **given: Any) -> None:
        self.inner.apply(decision, old=old, new=new, **given)
        if decision.changes and new.final_file.exists():
            save_state(new.final_file, with_noise(load_state(new.final_file)))
        elif decision.changes:
            record = new.stages()[-1]
            rewritten(new, record, with_noise(new.checkpoint(record.stage)))


class TakesTheWrongRows(Lie):
    """Works on the rows as they were, and records those that remain."""

    def apply(
        self, decision: Any, *, old: ShardLedger, new: ShardLedger, run: Any, store: RowStore,
        old_store: RowStore,
    ) -> None:  # fmt: skip
        self.inner.apply(decision, old=old, new=new, run=run, store=old_store, old_store=old_store)
        before = {record.stage: record.model for record in old.stages()}
        for record in new.stages():
            if record.model == before.get(record.stage):
                continue
            seen = store.stage_rows(decision.shard, record.stage)
            lied = replace(record, rows=len(seen), rows_digest=seen.digest())
            rewritten(new, lied, new.checkpoint(record.stage))


DECIDED = (DecidesNothing, NamesTooFewUnits, NamesTooFewRows, NamesTooFewParts, DropsThem)
DONE = (DoesNothing, LeavesOnePart, ChangesAtRandom, TakesTheWrongRows)
# What a strategy does may not depend on what these are about; then it is as good as honest.
MAY_BE_HONEST = (NamesTooFewRows, TakesTheWrongRows)


def rewritten(shard: ShardLedger, record: StageRecord, state: Mapping[str, Any]) -> None:
    """Write a stage with another state, as if it had been trained so."""
    shard.write_stage(record, list(shard.steps(record.stage)), dict(state))


def with_noise(state: Mapping[str, Any]) -> State:
    """Return a state in which what is served is a little more than it was."""
    draw = np.random.default_rng(0)
    return {
        name: array
        if not name.startswith("weights/")
        else array + draw.normal(scale=1e-3, size=array.shape).astype(array.dtype)
        if array.dtype.kind == "f"
        else array + 1
        for name, array in state.items()
    }
