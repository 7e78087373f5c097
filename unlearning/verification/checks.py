"""Checks of a deletion's result, each with its negative control.

Law 6: every check is also put to the model that was never unlearned. A check that holds there too
tells nothing about this deletion and says *uninformative*, whatever it says of the new model.

Law 4: what a strategy did is not told by it alone. What was trained anew, or left, is checked here,
whatever checks the strategy has of its own, and what was trained is taken again in part
(`taken_again`). A result without deleted training rows that no check of the method tells from the
untouched model has failed, unless by the engine's own list no unit saw them, or what saw them was
taken back before: then all states are to be the old ones.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from lineage_store.canonical import digest_file
from lineage_store.claim import claim_of
from lineage_store.counted import counted
from lineage_store.errors import CheckFailed
from lineage_store.ledger import Ledger, ShardLedger, published_weights
from lineage_store.rows import RowStore
from lineage_store.tensors import weights_digest
from unlearning.families.family import Learner
from unlearning.families.known_families import family_of_ledger
from unlearning.fitting.shard_task import MakeLearner, learner_of
from unlearning.planning.downstream import Downstream, seen_between
from unlearning.planning.model_plan import ModelPlan
from unlearning.strategies.known_strategies import strategy_of
from unlearning.strategies.repair import not_repaired
from unlearning.strategies.strategy import Holds, Witnesses
from unlearning.training.base_weights import origin, started_from
from unlearning.training.early_stop import rows_seen
from unlearning.training.stages import Run
from unlearning.verification.as_they_were import as_they_were
from unlearning.verification.controlled import HOLDS, Basis, Check, controlled
from unlearning.verification.learnt_again import all_learnt_again
from unlearning.verification.taken_again import replay_run, take_again, trained, wrong_records
from unlearning.verification.twin_distance import TOLD, UNMEASURED, Distances, Nearness


@dataclass(frozen=True, kw_only=True)
class Unlearned:
    """The result of a plan beside what it came from.

    `store` holds the rows that remain, and `old_store` those that the old ledger was made from;
    `base` is the ledger of the plan's base, if it has one.
    """

    plan: ModelPlan
    old: Ledger
    new: Ledger
    store: RowStore
    old_store: RowStore | None = None
    base: Ledger | None = None


@dataclass(frozen=True)
class CheckReport:
    """All checks of one model, and what they add up to.

    `basis` says how an exact result was established, `weights` is the commitment to its weights
    (`ledger.published`). `distance` is the Euclidean distance of all trainable weights to the
    twin's, None if it was not measured; `distance_untouched` that of the old model: both go with
    the run, and `nearness` says the same in a word. Constants set from data (a scale's mean) have
    units of their own and are left out.
    """

    model: str | None
    guarantee: str
    basis: Basis
    checks: tuple[Check, ...]
    weights: str | None
    distance: float | None = None
    distance_untouched: float | None = None
    learnt: bool = True
    nearness: Nearness = UNMEASURED

    @property
    def past(self) -> "CheckReport":
        """What outlives the deletion: no place within a shard, and no distance (law 9)."""
        return replace(
            self,
            checks=tuple(check.past for check in self.checks),
            distance=None,
            distance_untouched=None,
        )

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.outcome != "failed" for check in self.checks)

    @property
    def distances(self) -> Distances:
        """How far the result and the old model are from the twin, while it is known."""
        return Distances(unlearned=self.distance, untouched=self.distance_untouched)

    @property
    def closeness(self) -> str | None:
        """How near the result is to the twin, in words; None of an exact one, which equals it."""
        if claim_of(self.guarantee).settles:
            return None
        measured = self.distances
        return TOLD[self.nearness] if measured.nearness == UNMEASURED else measured.in_words

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON, with what follows from the distances."""
        return asdict(self) | {
            "checks": [asdict(check) for check in self.checks],
            "relative_distance": self.distances.relative,
            "closeness": self.closeness,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "CheckReport":
        """Read the value back; what follows from the distances is computed again."""
        fields = {k: v for k, v in value.items() if k not in ("relative_distance", "closeness")}
        if "weights_digest" in fields:  # as an earlier unweave wrote it
            fields["weights"] = fields.pop("weights_digest")
        report = cls(**{**fields, "checks": tuple(Check(**item) for item in value["checks"])})
        if "nearness" in fields:
            return report
        return replace(report, nearness=report.distances.nearness)  # so, too


def check(
    result: Unlearned,
    *,
    twin: Ledger | None = None,
    nonce: bytes = b"",
    make: MakeLearner | None = None,
) -> CheckReport:
    """Check the result of a plan; with a twin, compare all weights with it.

    Which units are taken again follows from the nonce. `make` makes the learner, if somebody else
    has a use for it, too.
    """
    plan, old, new, store = result.plan, result.old, result.new, result.store
    checks = [_kept_checkpoints(plan, old=old, new=new)]
    if (base := result.base) is not None:
        checks.append(
            controlled(
                "all shards started from the weights that the base model has now",
                lambda ledger: _foreign_start(ledger, base),
                new=new,
                old=old,
                control_holds="it holds for the untouched model too: its base does not change",
            )
        )
    learner: Learner | None = None
    if any(one.trains for one in plan.shards):
        learner = (make or learner_of(old, store))()
    methods = _of_the_method(result, learner)
    checks += methods
    if learner is not None and family_of_ledger(new).trail != "steps":
        anew = [one.shard for one in plan.shards if one.trains]
        checks.append(all_learnt_again(anew, learner=learner, old=old, new=new, store=store))
    elif learner is not None and trained(plan.shards):
        run = replay_run(new, learner, base=base)
        checks.append(_taken_again(plan, run, old=old, new=new, store=store, nonce=nonce))
    if any(decision.repair_epochs for decision in plan.shards):
        checks.append(
            controlled(
                "every repair saw the retained rows of its shard and no others",
                lambda ledger: not_repaired(ledger, plan.shards, store, model=plan.model_after),
                new=new,
                old=old,
            )
        )
    measured = Distances()
    if twin is not None:
        measured = Distances(unlearned=_distance(new, twin), untouched=_distance(old, twin))
    if twin is not None and plan.claim.settles:
        checks.append(
            controlled(
                "all weights equal the twin's, byte for byte",
                lambda ledger: _unlike(ledger, twin),
                new=new,
                old=old,
            )
        )
    learnt = True
    if result.old_store is not None and plan.partition is None:
        seen = seen_between(old, before=result.old_store, after=store)
        learnt = bool(seen) or bool(plan.affected_shards)
        checks += _told_apart(plan, seen, methods, old=old, new=new)
    return CheckReport(
        model=plan.model_after,
        guarantee=plan.guarantee,
        basis="by replay" if twin is not None and plan.claim.settles else "by construction",
        checks=tuple(checks),
        weights=published_weights(new),
        distance=measured.unlearned,
        distance_untouched=measured.untouched,
        learnt=learnt,
        nearness=measured.nearness,
    )


def _kept_checkpoints(plan: ModelPlan, *, old: Ledger, new: Ledger) -> Check:
    """Check the files of reused checkpoints against the digests in the old ledger.

    Of a shard that is kept, what a deletion before left in place of the last one stays as well.
    """
    name = "reused checkpoints are the recorded ones"
    if new.folder == old.folder:
        return Check(name, "uninformative", "it is the untouched model itself, and reuses nothing")
    count = 0
    for decision in plan.shards:
        before = {stage.stage: stage for stage in old.shard(decision.shard).stages()}
        shard, earlier = new.shard(decision.shard), old.shard(decision.shard)
        if not decision.changes and _left_by_a_deletion(shard) != _left_by_a_deletion(earlier):
            return Check(name, "failed", f"shard {decision.shard} has other weights than before")
        for stage in shard.stages()[: decision.stays.stages]:
            known = before.get(stage.stage)
            if known is None or stage != replace(known, model=stage.model, seconds=stage.seconds):
                return Check(name, "failed", f"stage {stage.stage} of shard {decision.shard}")
            if not shard.has_checkpoint(stage.stage):
                continue
            if digest_file(shard.checkpoint_file(stage.stage)) != stage.checkpoint_digest:
                return Check(
                    name,
                    "failed",
                    f"the checkpoint of stage {stage.stage} of shard {decision.shard} is not the "
                    f"one that was recorded: retrain with `strategy` retrain-shards on a restored "
                    f"workspace",
                )
            count += 1
        if decision.stays.resume is not None:  # compared with its digest before it was taken over
            count += 1
    if not count:
        return Check(name, "uninformative", "no checkpoint is reused")
    return Check(
        name,
        "passed",
        f"{counted(count, 'file has', 'files have')} the digests that the ledger recorded",
    )


def _left_by_a_deletion(shard: ShardLedger) -> list[str | None]:
    files = (shard.final_file, shard.subtracted_file)
    return [digest_file(file) if file.exists() else None for file in files]


def _of_the_method(result: Unlearned, learner: Learner | None) -> list[Check]:
    """Put the strategy's own checks, and the engine's of all that was trained anew or left."""
    plan, old, new, store = result.plan, result.old, result.new, result.store
    strategy = strategy_of(plan.strategy)
    run = None if learner is None else replay_run(old, learner, base=None)
    witnesses = Witnesses(old, plan.model_after, result.old_store, store, run)
    found: dict[str, Holds] = dict(strategy.check(plan.shards, witnesses))
    anew = [one.shard for one in plan.shards if one.anew or one.leaves]
    if anew or strategy.claim.settles:
        among = {*(range(len(store.counts)) if strategy.claim.settles else anew)}
        among -= as_they_were(old, new, before=result.old_store, after=store)
        found["every stage saw the retained rows and no others"] = lambda ledger: _foreign_stage(
            ledger, store, among=among
        )
    return [controlled(name, holds, new=new, old=old) for name, holds in found.items()]


def _taken_again(
    plan: ModelPlan, run: Run, *, old: Ledger, new: Ledger, store: RowStore, nonce: bytes
) -> Check:
    """Take units of what was trained again; of the untouched model the records tell enough."""
    name = "what was trained, taken again in part, gives the same bits"
    failure, detail = wrong_records(new, store, plan.shards, model=plan.model_after), ""
    if failure is None:
        done = take_again(run, store, new, plan.shards, nonce=nonce)
        failure, detail = done.failure, done.in_words
    if failure is not None:
        return Check(name, "failed", failure)
    control = wrong_records(old, store, plan.shards, model=plan.model_after)
    if control is None:
        same = "the untouched model was trained in the same steps on the same rows"
        return Check(name, "uninformative", f"{detail}; {same}")
    return Check(name, "passed", f"{HOLDS}{control}; {detail}")


def _told_apart(
    plan: ModelPlan, seen: Mapping[int, Downstream], methods: Sequence[Check], *, old: Ledger,
    new: Ledger,
) -> list[Check]:  # fmt: skip
    """Judge a result that nothing tells from the untouched model.

    It has failed if units saw deleted rows that are still in the weights; else it must be the same.
    """
    there = {n: set(one.saw) - old.shard(n).subtracted() for n, one in seen.items()}
    if any(there.values()):
        if any(one.outcome == "passed" for one in methods):
            return []
        why = "deleted rows were learnt, and no check tells the result from the untouched model"
        return [Check("a check of the method tells the models apart", "failed", why)]
    if seen or plan.affected_shards:
        return []
    name = "all states are the old ones, since no unit saw the rows"
    if _states(new) != _states(old):
        return [Check(name, "failed", "a state is another, and nothing was to be changed")]
    return [Check(name, "uninformative", "not learnt from: there was nothing to unlearn")]


def _states(ledger: Ledger) -> list[Any]:
    return [
        [*_left_by_a_deletion(shard), *(stage.checkpoint_digest for stage in shard.stages())]
        for shard in ledger.shards()
    ]


def _foreign_start(ledger: Ledger, base: Ledger) -> str | None:
    pairs = zip(started_from(ledger.header), origin(base).weights, strict=True)
    for number, (mine, its) in enumerate(pairs):
        if mine != its:
            return f"shard {number} started from other weights"
    return None


def _foreign_stage(ledger: Ledger, store: RowStore, *, among: Container[int]) -> str | None:
    cut = ledger.partition
    if [cut.slices] * cut.shards != [*map(len, store.counts)]:
        return "the rows are cut into other shards and slices"
    for number, shard in enumerate(ledger.shards()):
        if number not in among:
            continue
        for stage in shard.stages():
            seen = rows_seen(ledger.header.options, store, shard=number, stage=stage.stage)
            if seen != stage.rows_digest:
                return f"stage {stage.stage} of shard {number} saw other rows"
    return None


def _unlike(ledger: Ledger, twin: Ledger) -> str | None:
    """Say what of a ledger is not the twin's: its weights, or else a whole state of a stage."""
    if weights_digest(ledger.final_weights()) != weights_digest(twin.final_weights()):
        return "the weights are not the twin's"
    for number, (mine, its) in enumerate(zip(ledger.states(), twin.states(), strict=True)):
        if mine != its:
            return f"the weights are the twin's, but not the whole state of shard {number}"
    for shard, other in zip(ledger.shards(), twin.shards(), strict=True):
        for stage in shard.stages():
            files = [one.checkpoint_file(stage.stage) for one in (shard, other)]
            there = [digest_file(file) for file in files if file.exists()]
            if len(set(there)) > 1:
                return f"stage {stage.stage} of shard {stage.shard} ends in another state"
    return None


def _distance(ledger: Ledger, twin: Ledger) -> float | None:
    total, family = 0.0, family_of_ledger(ledger)
    if ledger.partition.shards != twin.partition.shards:
        return None
    for mine, its in zip(ledger.final_weights(), twin.final_weights(), strict=True):
        apart = family.distance(mine, its, names=ledger.header.trainable)
        if apart is None:
            return None
        total += apart**2
    return float(np.sqrt(total))


def must_pass(report: CheckReport) -> None:
    """Raise CheckFailed, naming the check, if one failed: nothing has been erased yet."""
    for check in report.checks:
        if check.outcome == "failed":
            raise CheckFailed(
                f"The check '{check.name}' failed for the new model: {check.detail}. "
                f"Nothing was erased and the old model is still served."
            )
