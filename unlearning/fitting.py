"""A training run from configuration to ledger and served model, and a deletion run likewise.

These two functions are all that the TFX components call: everything that a run depends on comes in
as a value, and everything that it leaves is in two folders.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.errors import BadInput
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
from unlearning.base_weights import must_be_the_start, must_fit, origin
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
    """What the user fixed for a run.

    `module` is the name of the model file, `base` the id of the model whose weights it starts from.
    """

    partition: Partition
    record: str
    module: str
    key_id: str
    aggregate: str = DEFAULT
    base: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON; without a base there is no such key, as there never was."""
        value = asdict(self)
        if self.base is None:
            del value["base"]
        return value

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
    base: Ledger | None = None,
    clock: Clock = time.perf_counter,
    progress: Progress = lambda steps: None,
) -> Ledger:
    """Train from nothing, or from the weights of a base: ledger into `folder`.

    The SavedModel goes into `serving` unless it is None. Raises NotReproducible for a model that
    does not repeat itself, BadInput for a module that does not fit the contract, or a base whose
    shards or weights are others.
    """
    learner = make_learner(text, name=config.module, store=store, seed=config.partition.seed)
    run = _run(config, model, learner, base, clock, progress)
    folder.mkdir(parents=True, exist_ok=True)
    train_from_nothing(run, store, folder)
    return _complete(config, model, text, learner, store, folder, serving, base)


def refit(
    plan: ModelPlan,
    *,
    old: Ledger,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    base: Ledger | None = None,
    clock: Clock = time.perf_counter,
    progress: Progress = lambda steps: None,
) -> Ledger:
    """Carry out a plan on the rows that remain: ledger into `folder`, SavedModel into `serving`.

    `base` is the ledger of the plan's base, if it has one. Raises CheckFailed if a shard that the
    plan keeps, or starts again from the same base, started from other weights than the base has.
    """
    if plan.model_after is None:
        raise ValueError("a withdrawn model is not fitted again")
    config = replace(config_of(old), base=plan.base_model)
    text = module_source(old)
    if base is not None:
        for decision in plan.shards:
            if decision.shard not in plan.moved_shards:
                must_be_the_start(base, old.header, decision.shard)
    learner = make_learner(text, name=config.module, store=store, seed=config.partition.seed)
    run = _run(config, plan.model_after, learner, base, clock, progress)
    strategy = strategies()[plan.strategy]
    folder.mkdir(parents=True, exist_ok=True)
    for decision in plan.shards:
        new = ShardLedger(shard_folder(folder, decision.shard))
        if decision.action == "empty":
            keep_shard(old.shard(decision.shard), new, stages=0)
            continue
        strategy.apply(decision, old=old.shard(decision.shard), new=new, run=run, store=store)
    return _complete(config, plan.model_after, text, learner, store, folder, serving, base)


def _run(
    config: TrainConfig,
    model: str,
    learner: KerasLearner,
    base: Ledger | None,
    clock: Clock,
    progress: Progress,
) -> Run:
    """Return the run of a configuration; the base must be the one that it names."""
    if config.base != (None if base is None else base.header["model"]):
        raise ValueError("the base is not the one that the configuration names")
    run = Run(learner, config.partition, config.record, model, clock, progress)
    if base is None:
        return run
    if base.partition.shards != config.partition.shards:
        raise BadInput(
            f"{config.base} has {base.partition.shards} shards, and a model that starts from it "
            f"has as many: leave --shards out."
        )
    must_fit(learner, base)
    return replace(run, given=lambda shard: base.shard(shard).final_weights())


def _complete(
    config: TrainConfig,
    model: str,
    text: str,
    learner: KerasLearner,
    store: RowStore,
    folder: Path,
    serving: Path | None,
    base: Ledger | None,
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
        "module": {"name": config.module, "digest": digest(text.encode("utf-8"))},
        "spec": learner.spec.to_json(),
        "optimizer": learner.optimizer(),
        "trainable": sorted(learner.trainable()),
        "data": dict(store.description),
        "code": code_digest(),
        "environment": environment(),
        "key_id": config.key_id,
    }
    if base is not None:
        header["base"] = origin(base)
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
        header["base"]["model"] if "base" in header else None,
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


def fit_twin(
    plan: ModelPlan, *, old: Ledger, rows: Path, folder: Path, base: Ledger | None = None
) -> Ledger:
    """Train the twin of a plan's result: the same command, on the rows that remain.

    It starts from the base that the result has. Where that is exact, it has the weights of its own
    twin, byte for byte, so this is the twin of the twin base too.
    """
    model = plan.model_after or plan.model_before
    return fit(
        replace(config_of(old), base=plan.base_model),
        model=model,
        text=module_source(old),
        store=open_rows(rows),
        folder=folder,
        serving=None,
        base=base,
    )
