"""Approximate: take back what the deleted rows added to the last epoch, and none of the rest.

Let w be the recorded state at the end of a shard, U(w; B) the state that the steps on batches B
make of w, and F the deleted rows. The last epoch, in which each of them was met once, is cut into
windows of steps, each from its first step that met one. Each is taken twice from w, and

    w' = w + sum over the windows of [U(w; batches without F) - U(w; batches as they were)]

Within a window later steps react to what is missing, as they did in the twin; a sum of single
steps' differences lacks that, and overshoots. Windows are short since a difference that is carried
on for long grows in directions of its own, which are not the twin's. Nothing of the old run is
regenerated, so it costs at most two epochs of the last stage; a shard that retrains exactly for no
more is retrained. docs/amnesiac.md has the reasons and the measurements.

Trainable weights and batch-norm statistics are corrected; a statistic without negative entries gets
none. Optimizer slots stay. A batch without F has another shape, and so would have other random
numbers: with a model that draws any, the rows of F stay in their batches and count for nothing.
Their part in batch-norm statistics is then not taken back; without dropout it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.claim import APPROXIMATE, Claim
from lineage_store.counted import counted
from lineage_store.errors import BadInput
from lineage_store.ledger import FIRST_FAMILY, Correction, Ledger, ShardLedger, keep_shard
from lineage_store.rows import RowStore
from lineage_store.tensors import State, save_state, weights_digest, weights_of
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.strategies.decision import Cost, DecisionWords, Fate, KeptForLater, Unit
from unlearning.strategies.exposure import affected_positions
from unlearning.strategies.last_epoch import corrected_state, correction_steps
from unlearning.strategies.repair import digest_before_repair
from unlearning.strategies.retrain_shards import RetrainShards
from unlearning.strategies.shard_cost import cost_of_steps, state_bytes, total
from unlearning.strategies.shard_decision import NO_UPDATES, ShardDecision
from unlearning.strategies.strategy import Holds, Situation, Strategy, Witnesses, stage_of
from unlearning.training.stages import Run


class AmnesiacMarginal(Strategy[ShardDecision]):
    """The strategy `amnesiac-marginal`."""

    name = "amnesiac-marginal"
    families = (FIRST_FAMILY,)
    claim: Claim = APPROXIMATE
    repairs = True

    def decide(self, situation: Situation) -> tuple[ShardDecision, ...]:
        """Correct each shard that loses rows, or retrain it where that takes no more steps.

        Raises BadInput if the old run may not be reused, or had whole updates subtracted.
        """
        if situation.fresh_start is not None:
            raise BadInput(
                f"The strategy {self.name} cannot serve here, since {situation.fresh_start}: "
                f"ask for `guarantee` exact."
            )
        exact = RetrainShards().decide(situation)
        return tuple(self._decide(situation, decision) for decision in exact)

    def _decide(self, situation: Situation, exact: ShardDecision) -> ShardDecision:
        shard = exact.shard
        if situation.clean_stages(shard) is None:
            slices = situation.partition.slices
            return ShardDecision(shard, "kept", slices, 0, "no row of the shard is deleted")
        if exact.action == "empty":
            return exact
        ledger = situation.ledger.shard(shard)
        if ledger.subtracted() and ledger.correction() is None:
            raise BadInput(
                f"The strategy {self.name} cannot serve shard {shard}: whole updates were "
                f"subtracted from it, and its training state is gone: ask for `guarantee` exact."
            )
        if situation.has_learnt_from(shard):
            return replace(exact, why=f"{exact.why}; what layers learnt from rows is no update")
        positions = affected_positions(situation, shard)
        steps = correction_steps(stage_of(ledger.stages()[-1]), positions)
        if exact.steps <= steps:
            return replace(
                exact, why=f"{exact.why}; a correction would take {counted(steps, 'step')}"
            )
        why = (
            f"what the rows added to {counted(len(positions), 'update')} is taken back by "
            f"the last epoch"
        )
        return replace(
            exact, action="corrected", steps=steps, why=why, positions=tuple(positions), resume=None
        )  # fmt: skip

    def apply(
        self, decision: ShardDecision, *, old: ShardLedger, new: ShardLedger, run: Run | None,
        store: RowStore, old_store: RowStore | None = None,
    ) -> None:  # fmt: skip
        """Take the shard over without what learnt from the rows, and write the corrected state."""
        if decision.action == "empty":
            keep_shard(old, new, stages=0)
            return
        if decision.action != "corrected":
            RetrainShards().apply(decision, old=old, new=new, run=run, store=store)
            return
        if run is None or old_store is None:
            raise ValueError("a correction needs a learner, and the rows as they were")
        state = corrected_state(
            run.learner,
            old=old,
            before=old_store,
            after=store,
            options=run.options,
            progress=run.progress,
        )
        keep_shard(old, new)
        _erase(new, kept=decision.kept_stages)
        digest = save_state(new.final_file, state)
        correction = Correction(run.model, decision.steps, decision.kept_stages, digest)
        done = sorted(old.subtracted() | set(decision.positions))
        document = {"positions": done, "correction": correction.to_json()}
        # The old files may be links shared with the old ledger: write_atomic makes new ones.
        write_atomic(new.subtracted_file, canonical_json(document) + b"\n")

    def read(self, value: Mapping[str, Any]) -> ShardDecision:
        """Read a decision back."""
        return ShardDecision.from_json(value)

    def cost(self, decisions: Sequence[ShardDecision], ledger: Ledger) -> Cost:
        """Say what the last epochs take that are taken twice, and what is retrained instead."""
        state = state_bytes(ledger)
        return total(
            RetrainShards().cost([one], ledger)
            if one.action != "corrected"
            else cost_of_steps(
                ledger,
                one.shard,
                one.steps_planned,
                stages_from=ledger.partition.slices - 1,
                written=state if ledger.shard(one.shard).stages() else 0,
            )
            for one in decisions
        )

    def verdict(self, decision: ShardDecision, unit: Unit, *, until: str) -> Fate | None:
        """Say that states and updates go, and what else came later stays for a while."""
        if decision.action != "corrected":
            return RetrainShards().verdict(decision, unit, until=until)
        gone = unit.kind in ("lineage.Checkpoint", "lineage.Update")
        if gone or unit.position in decision.positions:
            return Fate("erased", "it learnt from the rows")
        return Fate(
            f"retained: derived until {until}", "it was computed after the rows were learnt"
        )

    def check(
        self, decisions: Sequence[ShardDecision], witnesses: Witnesses
    ) -> Mapping[str, Holds]:
        """Return the check that the correction, computed again, gives the same weights."""
        changed = [one.shard for one in decisions if one.action == "corrected"]
        if not changed:
            return {}
        if witnesses.before is None or witnesses.run is None:
            raise ValueError("a correction cannot be checked without the rows as they were")
        wanted = {
            shard: corrected_weights(
                witnesses.run.learner,
                old=witnesses.old,
                shard=shard,
                before=witnesses.before,
                after=witnesses.after,
            )
            for shard in changed
        }

        def not_corrected(ledger: Ledger) -> str | None:
            for shard, weights in wanted.items():
                its = digest_before_repair(ledger.shard(shard), witnesses.model)
                if weights_digest([weights]) != its:
                    return f"the weights of shard {shard} are others"
            return None

        return {
            "the weights are the old ones less what the rows added to the last epoch": not_corrected
        }

    def words(self, decisions: Sequence[ShardDecision]) -> DecisionWords:
        """Say for how many updates the weights were corrected."""
        number = sum(len(one.positions) for one in decisions)
        numbers = NO_UPDATES | {"updates_corrected": number}
        if not number:
            return DecisionWords(numbers=numbers)
        updates = "update" if number == 1 else "updates"
        lines = {"corrected": f"for {number:,} {updates} that saw the rows"}
        return DecisionWords(
            (f"corrected for {number:,} {updates} that saw the rows",), lines, numbers
        )

    def kept_for_later(
        self, decisions: Sequence[ShardDecision], ledger: Ledger
    ) -> KeptForLater | None:
        """Count the corrected states: another correction starts from each."""
        changed = sum(one.action == "corrected" for one in decisions)
        return KeptForLater(states=changed) if changed else None


def corrected_weights(
    learner: KerasLearner, *, old: Ledger, shard: int, before: RowStore, after: RowStore
) -> State:
    """Return what a correction of a shard gives, computed again, to compare."""
    state = corrected_state(
        learner,
        old=old.shard(shard),
        before=before,
        after=after,
        options=old.header.options,
    )
    return weights_of(state)


def _erase(shard: ShardLedger, *, kept: int) -> None:
    """Remove checkpoints and updates of all stages but the first: they learnt from the rows."""
    for stage in shard.stages()[kept:]:
        shard.checkpoint_file(stage.stage).unlink(missing_ok=True)
        end = stage.first_position + stage.epochs * stage.batches
        positions = range(stage.first_position, end)
        for position in shard.step_checkpoints() & frozenset(positions):
            shard.step_checkpoint_file(position).unlink()
        shard.updates.erase(shard.recorded_updates() & frozenset(positions))
