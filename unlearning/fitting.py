"""A training run from configuration to ledger and served model, and a deletion run likewise.

These two functions are all that the TFX components call: everything that a run depends on comes in
as a value, and everything that it leaves is in two folders.
"""

from dataclasses import asdict
from pathlib import Path

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.ledger import (
    Ledger,
    ShardLedger,
    keep_shard,
    shard_folder,
    write_header,
)
from lineage_store.row_store import RowStore, open_rows
from unlearning.aggregation import aggregation_or_default
from unlearning.batches import shard_schedule
from unlearning.determinism import code_digest, environment
from unlearning.learner import KerasLearner
from unlearning.plan import ModelPlan
from unlearning.serving import evaluate, export
from unlearning.shard_engine import current
from unlearning.shard_task import ShardTask, made_with, make_learner, ticket
from unlearning.step_checkpoints import interval
from unlearning.strategies import ShardDecision, strategies
from unlearning.train_config import MODULE_FILE, TrainConfig, config_of, module_source
from unlearning.training import Progress, probe, shard_steps

METRICS_FILE = "metrics.json"


def fit(
    config: TrainConfig,
    *,
    model: str,
    text: str,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    progress: Progress = lambda steps: None,
) -> Ledger:
    """Train from nothing: ledger into `folder`, SavedModel into `serving` unless it is None.

    Raises NotReproducible for a model that does not repeat itself, BadInput for a module that does
    not fit the contract.
    """
    learner = make_learner(text, name=config.module, store=store, seed=config.partition.seed)
    probe(learner, store, config.partition)
    with ticket(folder) as number:
        tasks = [
            ShardTask(
                decision=ShardDecision(shard, "retrained", 0, steps, ""),
                strategy=None,
                config=config,
                model=model,
                text=text,
                rows=store.folder,
                folder=folder,
                old=None,
                ticket=number,
                made_with=made_with(),
                checkpoint_every=_checkpoint_every(config, store, learner),
            )
            for shard, steps in enumerate(shard_steps(store, config.partition))
        ]
        current().run(tasks, learner=learner, progress=progress)
    return _complete(config, model, text, learner, store, folder, serving)


def refit(
    plan: ModelPlan,
    *,
    old: Ledger,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    progress: Progress = lambda steps: None,
) -> Ledger:
    """Carry out a plan on the rows that remain: ledger into `folder`, SavedModel into `serving`."""
    if plan.model_after is None:
        raise ValueError("a withdrawn model is not fitted again")
    config = config_of(old)
    text = module_source(old)
    learner = make_learner(text, name=config.module, store=store, seed=config.partition.seed)
    strategy = strategies()[plan.strategy]
    tasks = []
    with ticket(folder) as number:
        for decision in plan.shards:
            shard = old.shard(decision.shard)
            new = ShardLedger(shard_folder(folder, decision.shard))
            if decision.action == "empty":
                keep_shard(shard, new, stages=0)
            elif decision.action != "retrained":
                strategy.apply(decision, old=shard, new=new, run=None, store=store)
            else:
                task = ShardTask(
                    decision=decision,
                    strategy=plan.strategy,
                    config=config,
                    model=plan.model_after,
                    text=text,
                    rows=store.folder,
                    folder=folder,
                    old=old.folder,
                    ticket=number,
                    made_with=made_with(),
                    checkpoint_every=_checkpoint_every(config, store, learner),
                )
                tasks.append(task)
        current().run(tasks, learner=learner, progress=progress)
    return _complete(config, plan.model_after, text, learner, store, folder, serving)


def _checkpoint_every(config: TrainConfig, store: RowStore, learner: KerasLearner) -> int:
    shards = range(config.partition.shards)
    stages = [stage for n in shards for stage in shard_schedule(store, n, config.partition)]
    return interval(config, stages, state_bytes=learner.state_bytes())


def _complete(
    config: TrainConfig,
    model: str,
    text: str,
    learner: KerasLearner,
    store: RowStore,
    folder: Path,
    serving: Path | None,
) -> Ledger:
    write_atomic(folder / MODULE_FILE, text.encode("utf-8"))
    shards = [ShardLedger(shard_folder(folder, n)) for n in range(config.partition.shards)]
    weights = [shard.final_weights() for shard in shards]
    aggregate = aggregation_or_default(config.aggregate, task=learner.spec.task)
    metrics = evaluate(learner, weights, store.evaluation(), aggregate=aggregate)
    write_atomic(folder / METRICS_FILE, canonical_json(metrics) + b"\n")
    if serving is not None:
        export(learner, weights, serving, aggregate=aggregate)
    header = {
        "model": model,
        "partition": asdict(config.partition),
        "record": config.record,
        "aggregate": config.aggregate,
        "checkpoints": {"every": config.checkpoint_every, "budget": config.checkpoint_budget},
        "module": {"name": config.module, "digest": digest(text.encode("utf-8"))},
        "spec": learner.spec.to_json(),
        "optimizer": learner.optimizer(),
        "trainable": sorted(learner.trainable()),
        "data": dict(store.description),
        "code": code_digest(),
        "environment": environment(),
        "key_id": config.key_id,
    }
    return write_header(folder, header)


def metrics_of(ledger: Ledger) -> dict[str, float]:
    """Return what the model did on its evaluation rows when it was made."""
    metrics: dict[str, float] = read_json(ledger.folder / METRICS_FILE)
    return metrics


def fit_twin(plan: ModelPlan, *, old: Ledger, rows: Path, folder: Path) -> Ledger:
    """Train the twin of a plan's result: the same command, on the rows that remain."""
    model = plan.model_after or plan.model_before
    return fit(
        config_of(old),
        model=model,
        text=module_source(old),
        store=open_rows(rows),
        folder=folder,
        serving=None,
    )
