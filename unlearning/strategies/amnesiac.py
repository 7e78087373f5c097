"""Approximate: subtract the recorded updates of every batch that held a deleted row.

Graves, Nagisetty and Ganesh 2021, "Amnesiac Machine Learning", equation 4:
w' = w_T - sum of delta_t over the steps t whose batch held a deleted row.

This is not the model that would have been trained without these batches, as the paper says itself:
the other rows of the batches are unlearnt too, and later steps started from weights that had learnt
the rows. Trainable weights are subtracted from; batch-norm statistics and constants stay. What was
subtracted once is never subtracted again (`subtracted.json`).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.claim import APPROXIMATE, Claim
from lineage_store.counted import counted
from lineage_store.errors import BadInput
from lineage_store.ledger import FIRST_FAMILY, Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowStore
from lineage_store.tensors import State, save_state, weights_digest
from unlearning.strategies.decision import Cost, DecisionWords, Exposure, Fate, KeptForLater, Unit
from unlearning.strategies.exposure import affected_positions
from unlearning.strategies.regenerate import record_again, replayed_steps
from unlearning.strategies.repair import digest_before_repair
from unlearning.strategies.shard_cost import (
    cost_of_steps,
    read_seconds,
    size_of,
    state_bytes,
    total,
)
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import Holds, Situation, Strategy, Witnesses
from unlearning.training.stages import Run
from unlearning.training.step_checkpoints import REGENERATE

HARMLESS = 0.01  # the share of updates that Graves and others subtracted without harm
RUINOUS = 0.06  # and with


class Amnesiac(Strategy[ShardDecision]):
    """The strategy `amnesiac`."""

    name = "amnesiac"
    families = (FIRST_FAMILY,)
    claim: Claim = APPROXIMATE
    repairs = True

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Name the steps to subtract; raises BadInput if one of them was not recorded."""
        if situation.fresh_start is not None:
            raise BadInput(
                f"The strategy amnesiac cannot serve here, since {situation.fresh_start}: "
                f"ask for `guarantee` exact."
            )
        return tuple(self._decide(situation, shard) for shard in range(situation.partition.shards))

    def _decide(self, situation: Situation, shard: int) -> ShardDecision:
        slices = situation.partition.slices
        clean = situation.clean_stages(shard)
        if clean is None:
            return ShardDecision(shard, "kept", slices, 0, "no row of the shard is deleted")
        if not sum(situation.new_counts[shard]):
            return ShardDecision(shard, "empty", 0, 0, "the shard has no rows left: it leaves")
        ledger = situation.ledger.shard(shard)
        if ledger.correction() is not None:
            raise BadInput(
                f"The strategy amnesiac cannot serve shard {shard}: its weights were corrected by "
                f"amnesiac-marginal, which left no updates to subtract: ask for "
                f"`strategy` amnesiac-marginal, or for `guarantee` exact."
            )
        if situation.has_learnt_from(shard):
            raise BadInput(
                f"The strategy amnesiac cannot serve shard {shard}: its layers learnt a "
                f"vocabulary, or edges, from rows that go, which are in no update: ask for "
                f"`guarantee` exact."
            )
        positions = affected_positions(situation, shard)
        recorded = ledger.recorded_updates()
        known = recorded | ledger.subtracted() | regenerable(situation.ledger, ledger, positions)
        unknown = [position for position in positions if position not in known]
        if unknown:
            if situation.ledger.header.options.record == REGENERATE:
                raise BadInput(
                    f"The strategy amnesiac cannot compute the updates of {len(unknown)} of the "
                    f"{len(positions)} affected steps of shard {shard} again, since an earlier "
                    f"approximate deletion took rows that they build on: ask for `guarantee` exact."
                )
            raise BadInput(
                f"The strategy amnesiac needs recorded updates, and {len(unknown)} of the "
                f"{len(positions)} affected steps of shard {shard} have none: train with "
                f"`record` all or regenerate, or ask for `guarantee` exact."
            )
        fresh = tuple(p for p in positions if p not in ledger.subtracted())
        why = f"{counted(len(fresh), 'update is', 'updates are')} subtracted"
        if again := set(fresh) - recorded:
            why += f", {len(again)} of them computed again first"
        return ShardDecision(shard, "subtracted", clean, 0, why, fresh)

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Run | None,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Take the shard over without what learnt from the rows, and write the new weights.

        Updates that were not recorded are put into the old ledger first. Raises CheckFailed if one
        cannot be computed again.
        """
        if decision.action == "empty":
            keep_shard(old, new, stages=0)
            return
        if decision.action == "subtracted" and run is not None and old_store is not None:
            record_again(run, old_store, decision.shard, old, decision.positions)
        keep_shard(old, new)
        if decision.action == "kept":
            return
        weights = subtract(old.final_weights(), old, decision.positions)
        for stage in new.stages()[decision.kept_stages :]:
            new.checkpoint_file(stage.stage).unlink(missing_ok=True)
        first = min((*decision.positions, *old.subtracted()), default=None)
        for position in new.step_checkpoints():
            if first is not None and position >= first:
                new.step_checkpoint_file(position).unlink()
        new.updates.erase(decision.positions)
        done = sorted(old.subtracted() | set(decision.positions))
        # The old files may be links shared with the old ledger: write_atomic makes new ones.
        write_atomic(new.subtracted_file, canonical_json({"positions": done}) + b"\n")
        save_state(new.final_file, weights)

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say what reading the updates takes, and computing again those that are not recorded."""
        state = state_bytes(ledger)
        return total(
            _cost(one, ledger, state=state) for one in decisions if one.action == "subtracted"
        )

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate | None:
        """Say that what learnt from the rows goes, and later updates stay for a while."""
        if not unit.depends:
            return None
        if unit.kind == "lineage.Checkpoint" or unit.position in decision.positions:
            return Fate("erased", "it learnt from the rows")
        return Fate(
            f"retained: derived until {until}", "it was computed after the rows were learnt"
        )

    def check(
        self, decisions: Sequence[ShardDecision], witnesses: Witnesses
    ) -> Mapping[str, Holds]:
        """Return the check that all updates were subtracted, and nothing else."""
        changed = [one for one in decisions if one.action == "subtracted"]
        if not changed:
            return {}

        def not_subtracted(ledger: Ledger) -> str | None:
            for one in changed:
                shard, before = ledger.shard(one.shard), witnesses.old.shard(one.shard)
                wanted = subtract(before.final_weights(), before, one.positions)
                if weights_digest([wanted]) != digest_before_repair(shard, witnesses.model):
                    return f"the weights of shard {one.shard} are others"
            return None

        return {
            "the weights are the old ones less the updates of all affected batches": not_subtracted
        }

    def words(self, decisions: Sequence[ShardDecision]) -> DecisionWords:
        """Say how many updates were subtracted."""
        number = sum(len(one.positions) for one in decisions)
        numbers = NO_UPDATES | {"updates_subtracted": number}
        if not number:
            return DecisionWords(numbers=numbers)
        update = "recorded update" if number == 1 else "recorded updates"
        lines = {"subtracted": f"{number:,} recorded updates"}
        return DecisionWords((f"{number:,} {update} subtracted",), lines, numbers)

    def kept_for_later(
        self, decisions: Sequence[ShardDecision], ledger: Ledger
    ) -> KeptForLater | None:
        """Count the recorded updates that were not subtracted: it can go on with them."""
        changed = [one for one in decisions if one.action == "subtracted"]
        if not changed:
            return None
        return KeptForLater(
            updates=sum(
                len(ledger.shard(one.shard).recorded_updates() - set(one.positions))
                for one in changed
            )
        )

    def warning(self, model: str, exposure: Exposure) -> str | None:
        """Say in one sentence that whole updates are better not subtracted here, if that is so."""
        if exposure.share <= HARMLESS:
            return None
        return (
            f"Of {model}, {exposure.in_words()}, and {self.name} subtracts them whole: about "
            f"{HARMLESS:.0%} was found harmless and {RUINOUS:.0%} not, so look at the metrics "
            f"after it, or ask for `strategy` amnesiac-marginal or `guarantee` exact."
        )


def _cost(decision: ShardDecision, ledger: Ledger, *, state: int) -> Cost:
    """Return what a subtraction takes, a repair after it included."""
    shard = ledger.shard(decision.shard)
    missing = sorted(set(decision.positions) - shard.recorded_updates())
    files, written = shard.updates.files(), 0
    if shard.stages():
        touched = {files[position] for position in decision.positions if position in files}
        repaired = state if decision.repair_epochs else 0
        written = repaired + (size_of(shard.final_file) or state) + sum(map(size_of, touched))
    return cost_of_steps(
        ledger,
        decision.shard,
        decision.steps_planned + replayed_steps(shard, missing),
        stages_from=decision.kept_stages,
        written=written,
        seconds=read_seconds(shard, decision.positions),
    )


def subtract(weights: State, shard: ShardLedger, positions: tuple[int, ...]) -> State:
    """Return the weights less the recorded updates of these steps, summed in float64."""
    changed = {name: array.astype(np.float64) for name, array in weights.items()}
    names: set[str] = set()
    for _, update in shard.updates.load(positions):
        for name, array in update.items():
            changed[name] -= array
            names.add(name)
    return {
        name: changed[name].astype(array.dtype) if name in names else array
        for name, array in weights.items()
    }


def regenerable(ledger: Ledger, shard: ShardLedger, positions: Iterable[int]) -> frozenset[int]:
    """Return those of some steps whose updates can be computed again (`regenerate`).

    After a subtraction these are the steps before the first that saw the rows: no later one can be
    taken again without them.
    """
    if ledger.header.options.record != REGENERATE:
        return frozenset()
    end = min(shard.subtracted(), default=None)
    return frozenset(position for position in positions if end is None or position < end)
