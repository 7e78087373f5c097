"""The plan: what will be done to one model, decided before anything is changed.

A plan computes the inference again without the deleted rows (law 2), asks the strategy for a
decision on every shard, and gives a verdict to every artifact downstream of the rows (law 4). A
model that was trained from another is planned after that one, its base: shards whose start changes
retrain from it, and nothing exact comes of a base that is not. It reads; it never writes, and it
needs no TensorFlow.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lineage_store.cells import Snapshot, evidence_without
from lineage_store.claim import BITS
from lineage_store.data import EVAL, Schema, in_terms_of
from lineage_store.errors import BadInput, LeftAsItIs, NothingToLearn
from lineage_store.graph import LineageNode
from lineage_store.index import IndexedRows
from lineage_store.ledger import BaseOrigin, Ledger
from lineage_store.placement import Partition
from lineage_store.rows import RowStore
from unlearning.families.known_families import family_of_ledger, run_environment
from unlearning.planning.choice import WantedResult, choose_here
from unlearning.planning.cut_anew import (
    all_anew,
    counts_cut,
    cut_anew,
    must_begin_anew,
    of_all_before,
    why_cut_anew,
)
from unlearning.planning.downstream import Downstream, downstream, must_be_recorded_inputs
from unlearning.planning.estimates import Estimate
from unlearning.planning.kept_for_later import afterwards
from unlearning.planning.model_plan import BaseAfter, BaseChange, ModelPlan
from unlearning.planning.refused_plans import must_leave_nothing
from unlearning.planning.reuse import Reuse, others_made_it
from unlearning.planning.verdicts import verdicts
from unlearning.strategies.decision import Decision, Exposure
from unlearning.strategies.exposure import exposure_of
from unlearning.strategies.known_strategies import exact_strategy, strategy_of
from unlearning.strategies.retrain_whole import Withdraw, all_leave
from unlearning.strategies.strategy import Situation, Strategy, groups_of
from unlearning.training.config import module_source
from unlearning.training.step_checkpoints import adapts

INFERENCE_CHANGED = "without the rows a column type, the task or the classes change"


@dataclass(frozen=True, kw_only=True)
class AffectedModel:
    """A model that a deletion is to change, as it stands.

    `descendants` are all artifacts downstream of the data in the lineage; `served` are the bytes of
    its served model.
    """

    id: str
    ledger: Ledger
    snapshot: Snapshot
    store: RowStore
    descendants: Iterable[LineageNode]
    served: int = 0


@dataclass(frozen=True)
class Fingerprints:
    """What bits depend on besides data and configuration, as it is today."""

    code: str
    environment: Mapping[str, Any]


def fingerprints_today(ledger: Ledger) -> Fingerprints:
    """Return what the bits of a ledger's model would depend on if it were trained today."""
    environment = run_environment(ledger.header.options, module_source(ledger))
    return Fingerprints(family_of_ledger(ledger).code(), environment)


def plan_model(
    model: AffectedModel,
    *,
    model_after: str,
    deleted: IndexedRows,
    asked: WantedResult,
    today: Fingerprints,
    derived_until: str,
    base: BaseAfter | None = None,
) -> ModelPlan:
    """Plan the deletion of rows from one model.

    `derived_until` is the end date of what an approximate result keeps; `base` is what is left of
    the model that this one was trained from. Raises BadInput if no strategy can serve as asked,
    MissingVerdict if a descendant is of a kind that nobody decides on.
    """
    ledger, snapshot, store = model.ledger, model.snapshot, model.store
    schema, nothing_left = schema_without(snapshot, deleted, base=base)
    start = ledger.header.base
    counts = counts_without(store, deleted, ledger.partition)
    if schema is not None and not any(map(sum, counts)):
        schema, nothing_left = None, "no row is left to train on"
    cut = None
    if schema is not None:
        cut = cut_anew(ledger, snapshot, deleted, schema=schema, base=base)
    change = None
    if base is not None and start is not None:
        change = _change_of_base(start, base, schema, shards=cut.shards if cut else None)
    changed = schema is not None and schema != snapshot.schema
    if cut is not None:
        fresh_start: str | None = why_cut_anew(ledger.partition, cut)
    elif changed:
        fresh_start = INFERENCE_CHANGED
    else:
        fresh_start = others_made_it(ledger, today.code, today.environment)
    anew = changed or cut is not None
    bridged = (fresh_start or "") if asked.accept_bridged and not anew else ""
    situation = situation_of(
        ledger,
        store,
        deleted,
        fresh_start=None if bridged else fresh_start,
        moved=change.moved if change and cut is None else (),
    )
    found: Mapping[int, Downstream] = {}
    family = family_of_ledger(ledger)
    steps_full = sum(family.steps(one, ledger.partition) for one in situation.new_counts)
    costs: tuple[Estimate, ...] = ()
    exposure: Exposure | None = None
    if schema is None:
        strategy: Strategy[Any] = Withdraw()
        decisions: tuple[Decision, ...] = all_leave(ledger.partition.shards, why=nothing_left)
        claim, why = strategy.claim, f"the model is withdrawn: {nothing_left}"
        steps_full = 0
    else:
        moved = change is not None and bool(change.moved)
        # Updates were recorded on the way from the old start: where it changes, they mean nothing.
        only = BITS if moved or bridged else None
        choice = choose_here(situation, asked, served=model.served, only=only)
        decisions, costs = choice.decisions, choice.estimates
        strategy, claim = choice.strategy, choice.strategy.claim
        found = downstream(situation)
        must_be_recorded_inputs(situation, store)
        must_leave_nothing(decisions, found, situation, strategy=strategy.name, claim=claim)
        if cut is not None:
            counts = counts_cut(snapshot, deleted, cut)
            decisions = all_anew(ledger, counts, cut, why=fresh_start or "")
            steps_full = sum(family.steps(one, cut) for one in counts)
        why = situation.fresh_start or _why_moved(change) or choice.why
        why = f"{bridged}; only what a replay agrees with is taken over" if bridged else why
        if claim.leaves_derived:
            exposure = exposure_of(situation)
        if change is not None and change.claim.leaves_derived:
            claim = claim.weaker(change.claim)
            costs = tuple(
                replace(cost, guarantee=cost.claim.weaker(change.claim).word) for cost in costs
            )
    return ModelPlan(
        model_before=model.id,
        model_after=None if schema is None else model_after,
        strategy=strategy.name,
        claim=claim,
        why=why,
        rows_found=len(deleted),
        rows_by_split=dict(Counter(deleted.splits)),
        shards=decisions,
        steps_planned=sum(decision.steps_planned for decision in decisions),
        steps_full=steps_full,
        verdicts=verdicts(
            _not_taken_back(model.descendants, ledger),
            decisions=decisions if cut is None else of_all_before(ledger, why=fresh_start or ""),
            strategy=strategy,
            found=found,
            claim=claim,
            derived_until=derived_until,
            slices=ledger.partition.slices,
        ),
        inference_changed=changed,
        early_stop=ledger.header.options.early_stop,
        base=change,
        estimates=costs,
        exposure=exposure,
        later=afterwards(
            decisions,
            strategy=strategy,
            ledger=ledger,
            until=derived_until,
            exact=exact_strategy(ledger.header.options.model_family),
        ),
        reuse=Reuse(bridged=bridged) if bridged else None,
        partition=cut,
    )


def _not_taken_back(descendants: Iterable[LineageNode], ledger: Ledger) -> Iterator[LineageNode]:
    """Leave out updates that an earlier subtraction took back: the lineage does not say which."""
    taken_back = {number: shard.subtracted() for number, shard in enumerate(ledger.shards())}
    for node in descendants:
        gone = node.kind in ("lineage.Batch", "lineage.Update") and node.shard is not None
        if not (gone and node.position in taken_back.get(node.shard or 0, ())):
            yield node


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
        groups=groups_of(deleted.row_keys, deleted.places) if ledger.header.grouped else {},
    )


def must_still_hold(
    plan: ModelPlan,
    *,
    ledger: Ledger,
    snapshot: Snapshot,
    store: RowStore,
    deleted: IndexedRows,
) -> None:
    """Check a plan that was read back, as one that was just made, before it is carried out.

    `deleted` are the rows that go, as the index has them. Raises LeftAsItIs for a plan that leaves
    something downstream as it is, or that promises more than its strategy gives.
    """
    if plan.model_after is None:
        return
    claim = strategy_of(plan.strategy).claim
    if plan.claim.settles and not claim.settles:
        raise LeftAsItIs(
            f"The plan for {plan.model_before} calls the result of {plan.strategy} exact, and it "
            f"is {claim.word}: nothing was changed; ask for `guarantee` exact."
        )
    if plan.partition is not None:
        counts = counts_cut(snapshot, deleted, plan.partition)
        must_begin_anew(plan.shards, counts, strategy=plan.strategy)
        return
    situation = situation_of(
        ledger,
        store,
        deleted,
        fresh_start=INFERENCE_CHANGED if plan.inference_changed else None,
        moved=plan.moved_shards,
    )
    must_leave_nothing(
        plan.shards, downstream(situation), situation, strategy=plan.strategy, claim=claim
    )


def schema_without(
    snapshot: Snapshot, deleted: IndexedRows, *, base: BaseAfter | None
) -> tuple[Schema | None, str]:
    """Return what the rows that remain say, or None and why there is nothing left to learn.

    It is in the terms of the base's data, if there is a base and they fit it.
    """
    try:
        own = evidence_without(snapshot, deleted).conclude()
    except NothingToLearn as error:
        return None, str(error)
    try:
        return in_terms_of(own, base.schema if base else None), ""
    except BadInput:
        return own, ""


def base_after(
    plan: ModelPlan, snapshot: Snapshot, deleted: IndexedRows, *, base: BaseAfter | None
) -> BaseAfter:
    """Return what a plan leaves of its model, for those that were trained from it."""
    schema: Schema | None = snapshot.schema
    if plan.inference_changed:
        schema, _ = schema_without(snapshot, deleted, base=base)
    if plan.model_after is None:
        schema = None
    return BaseAfter(plan.model_after, plan.guarantee, schema, plan.shards, plan.partition)


def _change_of_base(
    start: BaseOrigin, base: BaseAfter, schema: Schema | None, *, shards: int | None
) -> BaseChange:
    """Say from what the shards start now: afresh, if the base is gone or the rows do not fit it.

    `shards` is how many there are, if all are cut anew.
    """
    before, digests = start.model, start.weights
    if base.model is None or schema != base.schema:
        started = tuple(shard for shard, known in enumerate(digests) if known is not None)
        return BaseChange(before, None, BITS.word, started)
    if shards is not None:
        return BaseChange(before, base.model, base.guarantee, tuple(range(shards)))
    moved = tuple(
        decision.shard
        for decision in base.shards
        if decision.changes and (not decision.leaves or digests[decision.shard] is not None)
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
