"""The plan: what will be done to one model, decided before anything is changed.

A plan computes the inference again without the deleted rows (law 2), asks the strategy for a
decision on every shard, and gives a verdict to every artifact downstream of the rows (law 4). A
model that was trained from another is planned after that one, its base: shards whose start changes
retrain from it, and nothing exact comes of a base that is not. It reads; it never writes, and it
needs no TensorFlow.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lineage_store.claim import Claim
from lineage_store.data import EVAL, Inference, Snapshot, in_terms_of, infer, retained
from lineage_store.errors import BadInput, LeftAsItIs, NothingToLearn
from lineage_store.graph import LineageNode
from lineage_store.index import IndexedRows
from lineage_store.ledger import BaseOrigin, Ledger
from lineage_store.placement import Partition
from lineage_store.rows import RowStore
from unlearning.planning.choice import Asked, choose_here
from unlearning.planning.downstream import Downstream, downstream, must_be_recorded_inputs
from unlearning.planning.estimates import Estimate
from unlearning.planning.kept_for_later import Afterwards, afterwards
from unlearning.planning.refused_plans import must_leave_nothing
from unlearning.planning.reuse import Reuse, claim_of_result, others_made_it
from unlearning.planning.verdicts import Verdict, verdicts
from unlearning.strategies.exposure import Exposure, exposure_of, warning_of
from unlearning.strategies.known_strategies import choose
from unlearning.strategies.strategy import ShardDecision, Situation, StrategyGuarantee
from unlearning.training.config import module_source
from unlearning.training.step_checkpoints import adapts

WITHDRAW = "withdraw"
INFERENCE_CHANGED = "without the rows a column type, the task or the classes change"


@dataclass(frozen=True)
class BaseAfter:
    """What a request leaves of the base of a model, which it may not touch at all.

    `model` is the base's id then, and `inference` what its rows say, both None if it is withdrawn;
    `shards` are the decisions on the base's shards, none if it is not touched.
    """

    model: str | None
    guarantee: str
    inference: Inference | None
    shards: tuple[ShardDecision, ...] = ()


@dataclass(frozen=True)
class BaseChange:
    """The base of a planned model before and after; `after` is None if it starts afresh.

    `moved` are the shards whose start changes; `guarantee` is that of the base after.
    """

    before: str
    after: str | None
    guarantee: str
    moved: tuple[int, ...]


@dataclass(frozen=True)
class ModelPlan:
    """What will be done to one model; `model_after` is None if it is withdrawn.

    With early stopping, `steps_planned` and `steps_full` are the most that there can be.
    `base` is None for a model that was not trained from another. `estimates` say what each strategy
    would cost; a plan of an earlier unweave has none. `exposure` tells how much of the run an
    approximate deletion touches, and `later` what it keeps; None if it is exact. `reuse` says how
    what an exact one takes over is earned; None until that is known.
    """

    model_before: str
    model_after: str | None
    strategy: str
    guarantee: StrategyGuarantee
    why: str
    rows_found: int
    rows_by_split: Mapping[str, int]
    shards: tuple[ShardDecision, ...]
    steps_planned: int
    steps_full: int
    verdicts: tuple[Verdict, ...]
    inference_changed: bool
    early_stop: int | None = None
    base: BaseChange | None = None
    estimates: tuple[Estimate, ...] = ()
    exposure: Exposure | None = None
    later: Afterwards | None = None
    reuse: Reuse | None = None

    @property
    def claim(self) -> Claim:
        """What the result may say of itself."""
        return claim_of_result(self.guarantee, self.reuse)

    @property
    def estimate(self) -> Estimate | None:
        """What the chosen strategy was estimated to cost; None if the model is withdrawn."""
        return next((one for one in self.estimates if one.strategy == self.strategy), None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What should be known before it is carried out: a sentence each."""
        if self.exposure is None:
            return ()
        told = warning_of(self.strategy, self.model_before, self.exposure)
        return () if told is None else (told,)

    @property
    def base_model(self) -> str | None:
        """The id of the model that the new one starts from, if it does."""
        return None if self.base is None else self.base.after

    @property
    def moved_shards(self) -> tuple[int, ...]:
        """The shards that start from other weights than they did."""
        return () if self.base is None else self.base.moved

    @property
    def affected_shards(self) -> list[int]:
        """The shards that change."""
        return [decision.shard for decision in self.shards if decision.action != "kept"]

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON; without a base, or exposure, there is no such key."""
        value = asdict(self) | {
            "rows_by_split": dict(self.rows_by_split),
            "shards": [decision.to_json() for decision in self.shards],
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "estimates": [estimate.to_json() for estimate in self.estimates],
        }
        del value["base"], value["exposure"], value["later"], value["reuse"]
        if self.base is not None:
            value["base"] = asdict(self.base) | {"moved": list(self.base.moved)}
        if self.exposure is not None:
            value["exposure"] = asdict(self.exposure)
        if self.later is not None:
            value["later"] = self.later.to_json()
        if self.reuse is not None:
            value["reuse"] = self.reuse.to_json()
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ModelPlan":
        """Read the value back."""
        return cls(
            **{
                **value,
                "shards": tuple(ShardDecision.from_json(item) for item in value["shards"]),
                "verdicts": tuple(Verdict(**item) for item in value["verdicts"]),
                "base": _base_change(value.get("base")),
                "estimates": tuple(Estimate(**item) for item in value.get("estimates", ())),
                "exposure": Exposure(**value["exposure"]) if "exposure" in value else None,
                "later": Afterwards.from_json(value["later"]) if "later" in value else None,
                "reuse": Reuse.from_json(value["reuse"]) if "reuse" in value else None,
            }
        )


def _base_change(value: Mapping[str, Any] | None) -> BaseChange | None:
    return None if value is None else BaseChange(**{**value, "moved": tuple(value["moved"])})


def plan_model(
    *,
    model_before: str,
    model_after: str,
    ledger: Ledger,
    snapshot: Snapshot,
    store: RowStore,
    deleted: IndexedRows,
    asked: Asked,
    code: str,
    environment: Mapping[str, Any],
    descendants: Iterable[LineageNode],
    derived_until: str,
    base: BaseAfter | None = None,
    served: int = 0,
) -> ModelPlan:
    """Plan the deletion of rows from one model.

    `descendants` are all artifacts downstream of the data in the lineage; `derived_until` is the
    end date of what an approximate result keeps; `base` is what is left of the model that this one
    was trained from; `served` are the bytes of its served model. Raises BadInput if no strategy can
    serve as asked, MissingVerdict if a descendant is of a kind that nobody decides on.
    """
    inference, nothing_left = inference_without(snapshot, deleted, base=base)
    start = ledger.header.base
    change = None if base is None or start is None else _change_of_base(start, base, inference)
    counts = counts_without(store, deleted, ledger.partition)
    if inference is not None and not any(map(sum, counts)):
        inference, nothing_left = None, "no row is left to train on"
    changed = inference is not None and inference != snapshot.inference
    fresh_start = INFERENCE_CHANGED if changed else others_made_it(ledger, code, environment)
    bridged = (fresh_start or "") if asked.accept_bridged and not changed else ""
    situation = situation_of(
        ledger,
        store,
        deleted,
        fresh_start=None if bridged else fresh_start,
        moved=change.moved if change else (),
    )
    found: Mapping[int, Downstream] = {}
    steps_full = sum(
        stage.steps
        for shard in range(ledger.partition.shards)
        for stage in situation.new_stages(shard)
    )
    costs: tuple[Estimate, ...] = ()
    exposure: Exposure | None = None
    if inference is None:
        decisions: tuple[ShardDecision, ...] = tuple(
            ShardDecision(shard, "empty", 0, 0, nothing_left)
            for shard in range(ledger.partition.shards)
        )
        name, guarantee, why = WITHDRAW, "exact", f"the model is withdrawn: {nothing_left}"
        steps_full = 0
    else:
        moved = change is not None and bool(change.moved)
        # Updates were recorded on the way from the old start: where it changes, they mean nothing.
        only = "exact" if moved or bridged else None
        choice = choose_here(situation, asked, served=served, only=only)  # type: ignore[arg-type]
        decisions, costs = choice.decisions, choice.estimates
        name, guarantee = choice.strategy.name, choice.strategy.guarantee
        found = downstream(situation)
        must_be_recorded_inputs(situation, store)
        must_leave_nothing(decisions, found, situation, strategy=name, guarantee=guarantee)
        why = situation.fresh_start or _why_moved(change) or choice.why
        why = f"{bridged}; only what a replay agrees with is taken over" if bridged else why
        if guarantee != "exact":
            exposure = exposure_of(situation)
        if change is not None and change.guarantee == "approximate":
            guarantee = "approximate"
            costs = tuple(replace(cost, guarantee=guarantee) for cost in costs)
    return ModelPlan(
        model_before=model_before,
        model_after=None if inference is None else model_after,
        strategy=name,
        guarantee=guarantee,  # type: ignore[arg-type]  # mypy widens the literal "exact"
        why=why,
        rows_found=len(deleted),
        rows_by_split=dict(Counter(deleted.splits)),
        shards=decisions,
        steps_planned=sum(d.steps + d.repair_steps for d in decisions),
        steps_full=steps_full,
        verdicts=verdicts(
            descendants,
            decisions=decisions,
            found=found,
            guarantee=guarantee,
            derived_until=derived_until,
            slices=ledger.partition.slices,
        ),
        inference_changed=changed,
        early_stop=ledger.header.options.early_stop,
        base=change,
        estimates=costs,
        exposure=exposure,
        later=afterwards(decisions, ledger=ledger, until=derived_until),
        reuse=Reuse(bridged=bridged) if bridged else None,
    )


def situation_of(
    ledger: Ledger,
    store: RowStore,
    deleted: IndexedRows,
    *,
    fresh_start: str | None,
    moved: Iterable[int],
) -> Situation:
    """Return what a deletion meets in a model; `store` has the rows that it was trained on."""
    return Situation(
        ledger=ledger,
        deleted={
            place: deleted.row_keys[where]
            for place, where in deleted.by_slice(ledger.partition).items()
        },
        new_counts=counts_without(store, deleted, ledger.partition),
        fresh_start=fresh_start,
        watched=_watched(ledger, store, deleted),
        moved=frozenset(moved),
        adapts=adapts(module_source(ledger)),
    )


def must_still_hold(
    plan: ModelPlan, *, ledger: Ledger, store: RowStore, deleted: IndexedRows
) -> None:
    """Check a plan that was read back, as one that was just made, before it is carried out.

    `deleted` are the rows that go, as the index has them. Raises LeftAsItIs for a plan that leaves
    something downstream as it is, or that promises more than its strategy gives.
    """
    if plan.model_after is None:
        return
    given = choose(guarantee=None, name=plan.strategy).guarantee
    if plan.guarantee == "exact" != given:
        raise LeftAsItIs(
            f"The plan for {plan.model_before} calls the result of {plan.strategy} exact, and it "
            f"is {given}: nothing was changed; ask for --guarantee exact."
        )
    situation = situation_of(
        ledger,
        store,
        deleted,
        fresh_start=INFERENCE_CHANGED if plan.inference_changed else None,
        moved=plan.moved_shards,
    )
    must_leave_nothing(
        plan.shards, downstream(situation), situation, strategy=plan.strategy, guarantee=given
    )


def inference_without(
    snapshot: Snapshot, deleted: IndexedRows, *, base: BaseAfter | None
) -> tuple[Inference | None, str]:
    """Return what the rows that remain say, or None and why there is nothing left to learn.

    It is in the terms of the base's data, if there is a base and they fit it.
    """
    features = tuple(name for name, _ in snapshot.inference.features)
    records = retained(snapshot, deleted.key_set())
    try:
        own = infer(records, features=features, label=snapshot.inference.label)
    except NothingToLearn as error:
        return None, str(error)
    try:
        return in_terms_of(own, base.inference if base else None), ""
    except BadInput:
        return own, ""


def base_after(
    plan: ModelPlan, snapshot: Snapshot, deleted: IndexedRows, *, base: BaseAfter | None
) -> BaseAfter:
    """Return what a plan leaves of its model, for those that were trained from it."""
    inference: Inference | None = snapshot.inference
    if plan.inference_changed:
        inference, _ = inference_without(snapshot, deleted, base=base)
    if plan.model_after is None:
        inference = None
    return BaseAfter(plan.model_after, plan.guarantee, inference, plan.shards)


def _change_of_base(start: BaseOrigin, base: BaseAfter, inference: Inference | None) -> BaseChange:
    """Say from what the shards start now: afresh, if the base is gone or the rows do not fit it."""
    before, digests = start.model, start.weights
    if base.model is None or inference != base.inference:
        given = tuple(shard for shard, known in enumerate(digests) if known is not None)
        return BaseChange(before, None, "exact", given)
    moved = tuple(
        decision.shard
        for decision in base.shards
        if decision.action not in ("kept", "empty")
        or (decision.action == "empty" and digests[decision.shard] is not None)
    )
    return BaseChange(before, base.model, base.guarantee, moved)


def counts_without(store: RowStore, deleted: IndexedRows, partition: Partition) -> list[list[int]]:
    """Count the training rows that remain, by shard and slice."""
    counts = [list(row) for row in store.counts]
    for (shard, slice_), where in deleted.by_slice(partition).items():
        counts[shard][slice_] -= len(where)
    return counts


def _watched(ledger: Ledger, store: RowStore, deleted: IndexedRows) -> frozenset[tuple[int, int]]:
    """Return the places of deleted evaluation rows that had a part in when stages ended."""
    if ledger.header.options.early_stop is None:
        return frozenset()
    places = deleted.by_slice(ledger.partition, split=EVAL)
    return frozenset(place for place in places if any(store.counts[place[0]]))


def _why_moved(change: BaseChange | None) -> str | None:
    if change is None or not change.moved:
        return None
    after = "is withdrawn or fits no more" if change.after is None else f"is {change.after} now"
    return f"it was trained from {change.before}, which {after}"
