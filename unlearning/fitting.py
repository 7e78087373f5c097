"""A training run from configuration to ledger and served model, and a deletion run likewise.

These two functions are all that the TFX components call: everything that a run depends on comes in
as a value, and everything that it leaves is in two folders.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.inference import Inference
from lineage_store.ledger import (
    Ledger,
    ShardLedger,
    keep_shard,
    shard_folder,
    write_header,
)
from lineage_store.placement import Partition
from lineage_store.row_store import RowStore, open_rows
from unlearning.aggregation import DEFAULT, aggregation_or_default
from unlearning.class_weights import ALIKE
from unlearning.contract import BUILT_IN, module_text, spec_of
from unlearning.determinism import code_digest, environment, pin_tensorflow
from unlearning.learner import KerasLearner
from unlearning.plan import ModelPlan
from unlearning.serving import evaluate, export
from unlearning.strategies import strategies
from unlearning.training import Clock, Progress, Run, train_from_nothing

MODULE_FILE = "module.py"
METRICS_FILE = "metrics.json"


@dataclass(frozen=True)
class TrainConfig:
    """What the user fixed for a run; `module` is the name of the model file."""

    partition: Partition
    record: str
    module: str
    key_id: str
    aggregate: str = DEFAULT
    class_weights: str = ALIKE
    early_stop: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TrainConfig":
        """Read the value back."""
        return cls(**{**value, "partition": Partition(**value["partition"])})


def make_learner(text: str, *, name: str, store: RowStore, seed: int) -> KerasLearner:
    """Build the learner of a store's rows from a module's source."""
    pin_tensorflow()
    inference = Inference.from_json(store.description["inference"])
    return KerasLearner(text, name=name, spec=spec_of(inference), seed=seed)


def fit(
    config: TrainConfig,
    *,
    model: str,
    text: str,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    clock: Clock = time.perf_counter,
    progress: Progress = lambda steps: None,
) -> Ledger:
    """Train from nothing: ledger into `folder`, SavedModel into `serving` unless it is None.

    Raises NotReproducible for a model that does not repeat itself, BadInput for a module that does
    not fit the contract.
    """
    learner = make_learner(text, name=config.module, store=store, seed=config.partition.seed)
    folder.mkdir(parents=True, exist_ok=True)
    run = _run(config, learner, model, clock, progress)
    train_from_nothing(run, store, folder)
    return _complete(config, model, text, learner, store, folder, serving)


def refit(
    plan: ModelPlan,
    *,
    old: Ledger,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    clock: Clock = time.perf_counter,
    progress: Progress = lambda steps: None,
) -> Ledger:
    """Carry out a plan on the rows that remain: ledger into `folder`, SavedModel into `serving`."""
    if plan.model_after is None:
        raise ValueError("a withdrawn model is not fitted again")
    config = config_of(old)
    text = module_source(old)
    learner = make_learner(text, name=config.module, store=store, seed=config.partition.seed)
    run = _run(config, learner, plan.model_after, clock, progress)
    strategy = strategies()[plan.strategy]
    folder.mkdir(parents=True, exist_ok=True)
    for decision in plan.shards:
        new = ShardLedger(shard_folder(folder, decision.shard))
        if decision.action == "empty":
            keep_shard(old.shard(decision.shard), new, stages=0)
            continue
        strategy.apply(decision, old=old.shard(decision.shard), new=new, run=run, store=store)
    return _complete(config, plan.model_after, text, learner, store, folder, serving)


def _run(
    config: TrainConfig, learner: KerasLearner, model: str, clock: Clock, progress: Progress
) -> Run:
    return Run(
        learner,
        config.partition,
        config.record,
        model,
        clock,
        progress,
        config.class_weights,
        config.early_stop,
    )


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
        "class_weights": config.class_weights,
        "early_stop": config.early_stop,
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


def config_of(ledger: Ledger) -> TrainConfig:
    """Return the configuration of the run that a ledger records."""
    header = ledger.header
    return TrainConfig(
        ledger.partition,
        header["record"],
        header["module"]["name"],
        header["key_id"],
        header.get("aggregate", DEFAULT),
        header.get("class_weights", ALIKE),
        header.get("early_stop"),
    )


def module_source(ledger: Ledger) -> str:
    """Return the source of a ledger's model: the user's as it was, the built-in one as it is."""
    if ledger.header["module"]["name"] == BUILT_IN:
        return module_text(None)
    return (ledger.folder / MODULE_FILE).read_text(encoding="utf-8")


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
