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
from unlearning.families.family import Clock
from unlearning.fitting.shard_task import ReadyLearner, learner_of
from unlearning.planning.downstream import downstream
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan import situation_of
from unlearning.planning.reuse import Reuse, claim_of_ledger
from unlearning.planning.verdicts import verdicts
from unlearning.strategies.known_strategies import strategy_of
from unlearning.strategies.strategy import NOT_EARNED
from unlearning.verification.earned import earned, learnt_again, takes_over, tried_whole
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
        return None if self.base is None else claim_of_ledger(self.base).bridged


def needs_settling(plan: ModelPlan) -> bool:
    """Say whether it is still to be found out what of a plan is earned."""
    if plan.model_after is None or not strategy_of(plan.strategy).claim.settles:
        return False
    return plan.reuse is None or not plan.reuse.settled


def settle(
    plan: ModelPlan, before: Before, *, derived_until: str, clock: Clock = time.perf_counter
) -> tuple[ModelPlan, ReadyLearner | None]:
    """Take units again of all that a plan takes over, and return it as it can be carried out.

    The learner that was made for it comes along, if one was.
    """
    plan, again = _moved(plan, before)
    there = [one for one in plan.shards if takes_over(one)]
    moved = {one.shard for one in there} & again
    wanted = [one for one in there if one.shard not in moved]
    reuse = plan.reuse or Reuse()
    made: ReadyLearner | None = None
    if wanted:
        made = _made(before.ledger, before.store, clock=clock)
        run = replay_run(before.ledger, made.learner, base=before.base)
        reuse = replace(
            reuse,
            shards=tried_whole(made.learner, before.store, before.ledger, wanted)
            or tuple(
                learnt_again(made.learner, before.store, before.ledger, one)
                or earned(
                    run, before.store, before.ledger, one,
                    base=before.base, needed=bool(reuse.bridged),
                )
                for one in wanted
            ),
        )  # fmt: skip
    base = before.bridge if plan.base_model is not None else None
    reuse = replace(reuse, base=base, settled=True)
    anew = {one.shard: one.failure for one in reuse.shards if one.failure is not None}
    if anew or moved:
        plan = _planned_anew(plan, before, anew, derived_until=derived_until)
    claim = reuse.claim if plan.claim.settles else plan.claim
    return replace(plan, reuse=reuse, claim=claim), made


def _moved(plan: ModelPlan, before: Before) -> tuple[ModelPlan, frozenset[int]]:
    """Add the shards that the base's plan makes again, since what was to be kept was not earned."""
    if plan.base is None or before.base_plan is None or before.base_plan.reuse is None:
        return plan, frozenset()
    again = {one.shard for one in before.base_plan.reuse.shards if one.failure is not None}
    base = replace(plan.base, moved=tuple(sorted({*plan.base.moved, *again})))
    return replace(plan, base=base), frozenset(again)


def _made(ledger: Ledger, store: RowStore, *, clock: Clock) -> ReadyLearner:
    times = [clock()]
    learner = learner_of(ledger, store)()
    times.append(clock())
    learner.prepare(ledger.header.options)
    return ReadyLearner(learner, times[1] - times[0], clock() - times[1])


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

    strategy = strategy_of(plan.strategy)
    why = {shard: NOT_EARNED + failure for shard, failure in anew.items()}
    decisions = tuple(strategy.decide(replace(situation, not_earned=why)))
    return replace(
        plan,
        shards=decisions,
        steps_planned=sum(one.steps_planned for one in decisions),
        verdicts=verdicts(
            before.descendants(),
            decisions=decisions,
            strategy=strategy,
            found=downstream(situation),
            claim=plan.claim,
            derived_until=derived_until,
            slices=before.ledger.partition.slices,
        ),
    )
