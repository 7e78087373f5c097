"""Approximate: subtract the recorded updates of every batch that held a deleted row.

Graves, Nagisetty and Ganesh 2021, "Amnesiac Machine Learning", equation 4:
w' = w_T - sum of delta_t over the steps t whose batch held a deleted row.

This is not the model that would have been trained without these batches, as the paper says itself:
the other rows of the batches are unlearnt too, and later steps started from weights that had learnt
the rows. Trainable weights are subtracted from; batch-norm statistics and constants stay. What was
subtracted once is never subtracted again (`subtracted.json`).
"""

from collections.abc import Iterable

import numpy as np

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.errors import BadInput
from lineage_store.ledger import Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowStore
from lineage_store.tensors import State, save_state
from unlearning.strategies.exposure import affected_positions
from unlearning.strategies.strategy import ShardDecision, Situation, StrategyGuarantee
from unlearning.training.stages import Run
from unlearning.training.step_checkpoints import REGENERATE


class Amnesiac:
    """The strategy `amnesiac`."""

    name = "amnesiac"
    guarantee: StrategyGuarantee = "approximate"
    needs_learner = False

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Name the steps to subtract; raises BadInput if one of them was not recorded."""
        if situation.fresh_start is not None:
            raise BadInput(
                f"The strategy amnesiac cannot serve here, since {situation.fresh_start}: "
                f"ask for --guarantee exact."
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
                f"--strategy amnesiac-marginal, or for --guarantee exact."
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
                    f"approximate deletion took rows that they build on: ask for --guarantee exact."
                )
            raise BadInput(
                f"The strategy amnesiac needs recorded updates, and {len(unknown)} of the "
                f"{len(positions)} affected steps of shard {shard} have none: train with "
                f"--record all or regenerate, or ask for --guarantee exact."
            )
        fresh = tuple(p for p in positions if p not in ledger.subtracted())
        why = f"{len(fresh)} updates are subtracted"
        if again := set(fresh) - recorded:
            why += f", {len(again)} of them computed again first"
        return ShardDecision(shard, "subtracted", clean, 0, why, fresh)

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Run | None,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Take the shard over without what learnt from the rows, and write the new weights."""
        if decision.action == "empty":
            keep_shard(old, new, stages=0)
            return
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
