"""A training run from configuration to ledger and served model, and a deletion run likewise.

These two functions are all that the TFX components call: everything that a run depends on comes in
as a value, and everything that it leaves is in two folders.
"""

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.claim import BITS, Claim
from lineage_store.errors import BadInput
from lineage_store.ledger import (
    Header,
    Ledger,
    ModuleOrigin,
    ShardLedger,
    Timings,
    keep_shard,
    load_timings,
    own_bytes,
    save_timings,
    shard_folder,
    write_header,
)
from lineage_store.placement import bucket_count
from lineage_store.rows import RowStore, open_rows, same_evaluation
from unlearning.families.family import Clock, Learner, ModelSource, Progress
from unlearning.families.known_families import family_of, run_environment
from unlearning.fitting.engines import HERE, ShardEngine
from unlearning.fitting.marks import keep_marks
from unlearning.fitting.shard_task import (
    MakeLearner,
    ReadyLearner,
    ShardTask,
    learner_of,
    made_with,
    run_of,
    ticket,
)
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.reuse import claim_of_ledger
from unlearning.serving.aggregation import aggregation_or_default
from unlearning.serving.evaluate import ASKED, evaluate
from unlearning.serving.kept_answers import FOLDER as ANSWERS
from unlearning.serving.kept_answers import KeptAnswers, known_answers
from unlearning.strategies.decision import Decision
from unlearning.strategies.known_strategies import strategy_of
from unlearning.strategies.shard_decision import trained_from_nothing
from unlearning.training.base_weights import must_be_the_start, origin
from unlearning.training.config import MODULE_FILE, TrainConfig, config_of, module_source
from unlearning.training.witness import FOLDER as WITNESSES

METRICS_FILE = "metrics.json"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """How a run is executed: who carries out its shards, who is told of steps, by which clock.

    `make` makes the learner, if somebody else has a use for it, too. No bit depends on any of it.
    """

    engine: ShardEngine = HERE
    make: MakeLearner | None = None
    progress: Progress = lambda steps: None
    clock: Clock = time.perf_counter


HERE_AND_NOW = Execution()


def fit(
    config: TrainConfig,
    *,
    model: str,
    text: str,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    base: Ledger | None = None,
    how: Execution = HERE_AND_NOW,
) -> Ledger:
    """Train from nothing, or from the weights of a base: ledger into `folder`.

    The SavedModel goes into `serving` unless it is None. Raises NotReproducible for a model that
    does not repeat itself or imports what cannot be fingerprinted, BadInput for a module that does
    not fit the contract, or a base whose shards or weights are others.
    """
    family, source = family_of(config.options.model_family), ModelSource(config.module, text)
    family.must_be_followed(source)
    times = [how.clock()]
    learner = how.make() if how.make else family.open(source, store, options=config.options)
    times.append(how.clock())
    learner.prepare(config.options)
    times.append(how.clock())
    config = replace(config, options=learner.probed(store, config.options))
    times.append(how.clock())
    decisions = [
        trained_from_nothing(shard, steps=family.steps(counts, config.partition))
        for shard, counts in enumerate(store.counts)
    ]
    with ticket(folder) as number:
        shared = _SharedTask(config, None, model, text, learner, store, folder, None, base, number)
        tasks = [shared.task(decision) for decision in decisions]
        how.engine.run(tasks, learner=learner, progress=how.progress)
    times.append(how.clock())
    made = _ResultFacts(
        claim=BITS if base is None else BITS.weaker(claim_of_ledger(base)),
        generation=0,
        buckets=_buckets(store, config),
    )
    ledger = _complete(config, model, text, learner, store, folder, serving, base, made)
    _keep_timings(ledger, serving, [*times, how.clock()])
    return ledger


def refit(
    plan: ModelPlan,
    *,
    old: Ledger,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    base: Ledger | None = None,
    old_store: RowStore | None = None,
    how: Execution = HERE_AND_NOW,
) -> Ledger:
    """Carry out a plan on the rows that remain: ledger into `folder`, SavedModel into `serving`.

    `base` is the ledger of the plan's base, if it has one; `old_store` has the rows that the old
    ledger was made from, for strategies that take steps on those, too. Raises CheckFailed if a
    shard that the plan keeps, or starts again from the same base, started from other weights than
    the base has, or if what the strategy goes by is not as it was recorded.
    """
    if plan.model_after is None:
        raise ValueError("a withdrawn model is not fitted again")
    times, make = [how.clock()], how.make
    config = replace(config_of(old, cut=plan.partition), base=plan.base_model)
    text = module_source(old)
    if base is not None:
        for decision in plan.shards:
            if decision.shard not in plan.moved_shards:
                must_be_the_start(base, old.header, decision.shard)
    learner = (make or learner_of(old, store))()
    times.append(how.clock())
    strategy = strategy_of(plan.strategy)
    if trains := any(decision.trains for decision in plan.shards):
        learner.prepare(config.options)
    times += [how.clock()] * 2
    if isinstance(make, ReadyLearner):  # what it took before counts here
        times[0] -= make.build + make.trace
        times[1] -= make.trace
    tasks = []
    with ticket(folder) as number:
        shared = _SharedTask(
            config, plan.strategy, plan.model_after, text, learner, store, folder, old, base,
            number, old_store,
        )  # fmt: skip
        for decision in plan.shards:
            shard = old.shard(decision.shard)
            new = ShardLedger(shard_folder(folder, decision.shard))
            if plan.partition is not None and decision.leaves:
                new.folder.mkdir(parents=True)
            elif decision.leaves:
                keep_shard(shard, new, stages=0)
            elif decision.trains:
                tasks.append(shared.task(decision))
            else:
                run = learner.run(run_of(shared.task(decision)))
                strategy.apply(
                    decision, old=shard, new=new, run=run, store=store, old_store=old_store
                )
                keep_marks(decision, old=shard, new=new)
        how.engine.run(tasks, learner=learner, progress=how.progress)
    times.append(how.clock())
    before = old.header
    generation = None if before.generation is None else before.generation + 1
    made = _ResultFacts(
        claim=plan.claim,
        generation=generation,
        buckets=before.buckets if plan.partition is None else _buckets(store, config),
        old=old,
        old_store=old_store,
    )
    ledger = _complete(
        config, plan.model_after, text, learner, store, folder, serving, base, made
    )  # fmt: skip
    earlier = load_timings(old.folder)
    _keep_timings(ledger, serving, [*times, how.clock()], earlier=earlier, trains=trains)
    return ledger


@dataclass(frozen=True)
class _SharedTask:
    """What all shards' tasks of a run have in common."""

    config: TrainConfig
    strategy: str | None
    model: str
    text: str
    learner: Learner
    store: RowStore
    folder: Path
    old: Ledger | None
    base: Ledger | None
    ticket: str
    old_store: RowStore | None = None

    def __post_init__(self) -> None:
        """Check that the base is the one that the configuration names, and fits."""
        if self.config.base != (None if self.base is None else self.base.header.model):
            raise ValueError("the base is not the one that the configuration names")
        if self.base is None:
            return
        if self.base.partition.shards != self.config.partition.shards:
            raise BadInput(
                f"{self.config.base} has {self.base.partition.shards} shards, and a model that "
                f"starts from it has as many: leave `shards` out."
            )
        self.learner.must_start_from(self.base)

    @functools.cached_property
    def interval(self) -> int:
        """How often something is left to go back to: the same for all shards."""
        return self.learner.interval(self.store, self.config.options)

    def task(self, decision: Decision) -> ShardTask:
        """Return the task of one shard."""
        return ShardTask(
            decision=decision,
            strategy=self.strategy,
            config=self.config,
            model=self.model,
            text=self.text,
            rows=self.store.folder,
            folder=self.folder,
            old=None if self.old is None else self.old.folder,
            base=None if self.base is None else self.base.folder,
            ticket=self.ticket,
            made_with=made_with(self.config.options, self.text),
            interval=self.interval,
            old_rows=None if self.old_store is None else self.old_store.folder,
        )


@dataclass(frozen=True, kw_only=True)
class _ResultFacts:
    """What a run says of its result besides what it was asked (`Header`)."""

    claim: Claim
    generation: int | None
    buckets: int
    old: Ledger | None = None
    old_store: RowStore | None = None


def _buckets(store: RowStore, config: TrainConfig) -> int:
    by_split = store.description.get("rows")  # as the gate counted, which cut the cells
    rows = sum(by_split.values()) if by_split else sum(map(sum, store.counts))
    return bucket_count(rows, config.partition)


def _complete(
    config: TrainConfig,
    model: str,
    text: str,
    learner: Learner,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    base: Ledger | None,
    made: _ResultFacts,
) -> Ledger:
    """Write what a run leaves besides its shards."""
    write_atomic(folder / MODULE_FILE, text.encode("utf-8"))
    shards = [ShardLedger(shard_folder(folder, n)) for n in range(config.partition.shards)]
    weights = [shard.final_weights() for shard in shards]
    family, described = family_of(config.options.model_family), learner.describe()
    rule = config.options.aggregate
    if serving is not None:
        learner.export(weights, serving, rule=rule)
    header = Header(
        model=model,
        options=config.options,
        module=ModuleOrigin(config.module, digest(text.encode("utf-8"))),
        spec=described.spec,
        optimizer=described.optimizer,
        trainable=described.trainable,
        data=store.description,
        code=family.code(),
        environment=run_environment(config.options, text),
        key_id=config.key_id,
        base=None if base is None else origin(base),
        claim=made.claim,
        generation=made.generation,
        states=tuple(shard.state_digest() for shard in shards),
        buckets=made.buckets,
    )
    kept = KeptAnswers(folder / ANSWERS, store.evaluation_rows, _answered(made, header, store))
    metrics = evaluate(
        learner,
        weights,
        store.evaluation(),
        aggregate=aggregation_or_default(rule, task=learner.task),
        answers=kept if sum(map(bool, weights)) > 1 else ASKED,
    )
    kept.close()
    write_atomic(folder / METRICS_FILE, canonical_json(metrics) + b"\n")
    return write_header(folder, header)


def _answered(made: _ResultFacts, header: Header, store: RowStore) -> Mapping[int, Path]:
    """Return what parts answered before, of those whose state is the one that answered."""
    if made.old is None or made.old_store is None:
        return {}
    before = made.old.header
    made_by = ((one.spec, one.code, one.environment) for one in (before, header))
    if len({canonical_json([*one]) for one in made_by}) > 1:
        return {}
    if not same_evaluation(made.old_store, store):
        return {}
    states = dict(enumerate(before.states))
    known = known_answers(made.old.folder / ANSWERS)
    return {part: file for part, file in known.items() if states.get(part) == header.states[part]}


def _keep_timings(
    ledger: Ledger,
    serving: Path | None,
    times: Sequence[float],
    *,
    earlier: Timings | None = None,
    trains: bool = True,
) -> None:
    """Write the timings of a run; `times` are when it began and each of its five parts ended.

    What it cannot tell, since it does not train whole stages, it takes from the run before.
    """
    build, trace, _, shards, finish = (after - before for before, after in pairwise(times))
    written = own_bytes(ledger.folder) - own_bytes(ledger.folder / WITNESSES)
    written += 0 if serving is None else own_bytes(serving)
    timings = Timings(build, trace, shards, finish, written)
    if earlier is not None and not trains:
        timings = replace(timings, trace=earlier.trace, traced=False)
    own = [s for one in ledger.shards() for s in one.stages() if s.model == ledger.header.model]
    corrected = any(one.correction() or one.subtracted() for one in ledger.shards())
    if own and not corrected:
        timings = replace(timings, factor=shards / sum(stage.seconds for stage in own))
    elif earlier is not None:
        timings = replace(timings, factor=earlier.factor)
    save_timings(ledger.folder, timings)


def metrics_of(ledger: Ledger) -> dict[str, Any]:
    """Return what the model did on its evaluation rows when it was made."""
    metrics: dict[str, Any] = read_json(ledger.folder / METRICS_FILE)
    return metrics


def fit_twin(
    plan: ModelPlan,
    *,
    old: Ledger,
    rows: Path,
    folder: Path,
    base: Ledger | None = None,
    engine: ShardEngine = HERE,
) -> Ledger:
    """Train the twin of a plan's result: the same command, on the rows that remain.

    It starts from the base that the result has. Where that is exact, it has the weights of its own
    twin, byte for byte, so this is the twin of the twin base too.
    """
    model = plan.model_after or plan.model_before
    return fit(
        replace(config_of(old, cut=plan.partition), base=plan.base_model),
        model=model,
        text=module_source(old),
        store=open_rows(rows),
        folder=folder,
        serving=None,
        base=base,
        how=Execution(engine=engine),
    )
