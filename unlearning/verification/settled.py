"""A plan is settled before it is carried out: what it takes over was earned, or is made again.

A plan is made without taking a step. Here units of what it means to take over are taken again
(`earned`), and a shard of which one differs is planned anew, from its start; so is what starts from
its weights in another model. The settled plan takes the first one's place in the request's folder,
so a run that was killed goes by it.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from lineage_store.claim import Bridge
from lineage_store.graph import LineageNode
from lineage_store.index import IndexedRows
from lineage_store.ledger import Ledger
from lineage_store.rows import RowStore
from unlearning.fitting.shard_task import Made, learner_of
from unlearning.keras_models.class_weights import ALIKE
from unlearning.planning.downstream import downstream
from unlearning.planning.plan import ModelPlan, situation_of
from unlearning.planning.reuse import NOT_EARNED, Reuse, bridge_of
from unlearning.planning.verdicts import verdicts
from unlearning.strategies.known_strategies import strategies
from unlearning.strategies.strategy import ShardDecision
from unlearning.training.stages import Clock
from unlearning.verification.earned import earned, takes_over
from unlearning.verification.taken_again import replay_run


@dataclass(frozen=True)
class Before:
    """A model as it is: its ledger, the rows it was trained on, those that go, and its base.

    `base` is the ledger of the base as it was, if there is one; `base_plan` what is planned of it,
    if it changes too, settled. `descendants` are asked for only if a plan has to change.
    """

    ledger: Ledger
    store: RowStore
    deleted: IndexedRows
    descendants: Callable[[], Iterable[LineageNode]]
    base: Ledger | None = None
    base_plan: ModelPlan | None = None

    @property
    def bridge(self) -> Bridge | None:
        """The bridge that what the model will start from stands on."""
        if self.base_plan is not None and self.base_plan.reuse is not None:
            return self.base_plan.claim.bridged
        return None if self.base is None else bridge_of(self.base.header.environment)


def needs_settling(plan: ModelPlan) -> bool:
    """Say whether it is still to be found out what of a plan is earned."""
    if plan.model_after is None or strategies()[plan.strategy].guarantee != "exact":
        return False
    return plan.reuse is None or not plan.reuse.settled


def settle(
    plan: ModelPlan, before: Before, *, derived_until: str, clock: Clock = time.perf_counter
) -> tuple[ModelPlan, Made | None]:
    """Take units again of all that a plan takes over, and return it as it can be carried out.

    The learner that was made for it comes along, if one was.
    """
    plan, again = _moved(plan, before)
    there = [one for one in plan.shards if takes_over(one)]
    moved = {one.shard for one in there} & again
    wanted = [one for one in there if one.shard not in moved]
    said = plan.reuse or Reuse()
    made: Made | None = None
    if wanted:
        made = _made(before.ledger, before.store, clock=clock)
        run = replay_run(before.ledger, made.learner, base=before.base)
        said = replace(
            said,
            shards=tuple(
                earned(
                    run, before.store, before.ledger, one,
                    base=before.base, needed=bool(said.bridged),
                )
                for one in wanted
            ),
        )  # fmt: skip
    base = before.bridge if plan.base_model is not None else None
    said = replace(said, base=base, settled=True)
    anew = {one.shard: one.failure for one in said.shards if one.failure is not None}
    if anew or moved:
        plan = _planned_anew(plan, before, anew, derived_until=derived_until)
    return replace(plan, reuse=said), made


def _moved(plan: ModelPlan, before: Before) -> tuple[ModelPlan, frozenset[int]]:
    """Add the shards that the base's plan makes again, since what was to be kept was not earned."""
    if plan.base is None or before.base_plan is None or before.base_plan.reuse is None:
        return plan, frozenset()
    again = {one.shard for one in before.base_plan.reuse.shards if one.failure is not None}
    base = replace(plan.base, moved=tuple(sorted({*plan.base.moved, *again})))
    return replace(plan, base=base), frozenset(again)


def _made(ledger: Ledger, store: RowStore, *, clock: Clock) -> Made:
    times = [clock()]
    learner = learner_of(ledger, store)()
    times.append(clock())
    weighs = ledger.header.options.class_weights != ALIKE
    learner.prepare(weighted=weighs and learner.spec.task == "classification")
    return Made(learner, times[1] - times[0], clock() - times[1])


def _planned_anew(
    plan: ModelPlan, before: Before, anew: dict[int, str], *, derived_until: str
) -> ModelPlan:
    situation = situation_of(
        before.ledger,
        before.store,
        before.deleted,
        fresh_start=None,
        moved={*plan.moved_shards, *anew},
    )

    def decided(one: ShardDecision) -> ShardDecision:
        return replace(one, why=NOT_EARNED + anew[one.shard]) if one.shard in anew else one

    decisions = tuple(map(decided, strategies()[plan.strategy].decide(situation)))
    return replace(
        plan,
        shards=decisions,
        steps_planned=sum(one.steps + one.repair_steps for one in decisions),
        verdicts=verdicts(
            before.descendants(),
            decisions=decisions,
            found=downstream(situation),
            guarantee=plan.guarantee,
            derived_until=derived_until,
            slices=before.ledger.partition.slices,
        ),
    )
