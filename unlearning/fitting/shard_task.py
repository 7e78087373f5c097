"""One shard's part of a run, as a value that any process can carry out.

A task names all that its result depends on, so the result is the same bits wherever it is carried
out. The shard's folder is made under another name and renamed when it is whole: of a task that is
carried out twice (a worker died, or was only thought dead) one result is kept, and the other is the
same. A run leaves a ticket in its ledger's folder; a task whose ticket is gone keeps nothing, so
that a straggler of a killed run cannot reach into the next.
"""

import functools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.ledger import Ledger, ShardLedger, TrainOptions, open_ledger, shard_folder
from lineage_store.rows import RowStore, open_rows
from unlearning.families.family import Clock, Learner, ModelSource, PartRun, Progress, nothing_given
from unlearning.families.known_families import family_of, run_environment
from unlearning.fitting.marks import Marker, keep_marks, marked
from unlearning.strategies.decision import Decision, decision_json
from unlearning.strategies.known_strategies import strategy_of
from unlearning.strategies.repair import planned_repair, repair
from unlearning.strategies.shard_decision import ShardDecision
from unlearning.training.batches import shard_schedule
from unlearning.training.config import TrainConfig, config_of, module_source
from unlearning.training.stages import Run, train_shard
from unlearning.training.witness import Witness, witnessed

MakeLearner = Callable[[], Learner]

TICKET = "ticket"
BEGUN = ".begun-"
PATHS = ("rows", "folder", "old", "base", "old_rows")


@dataclass(frozen=True)
class ShardTask:
    """Train one shard from nothing, or carry out a strategy's decision on it.

    `model` is the id of the model that is made, `text` its module's source; `rows` and `folder`
    are the row store and the new ledger. `strategy` and `old`, the old ledger, are None for a
    training from nothing; `base` is the ledger whose weights the shard starts from, if it does.
    `made_with` is the code digest and the environment that the bits are wanted of. A checkpoint is
    kept every `interval` batches of first epochs; 0 is never. `old_rows` is the row store
    that the old ledger was made from, None where the strategy has no use for it.
    """

    decision: Decision
    strategy: str | None
    config: TrainConfig
    model: str
    text: str
    rows: Path
    folder: Path
    old: Path | None
    base: Path | None
    ticket: str
    made_with: Mapping[str, Any]
    interval: int = 0
    old_rows: Path | None = None

    @property
    def shard(self) -> int:
        """The number of the shard."""
        return self.decision.shard

    @property
    def target(self) -> Path:
        """The folder that is there, whole, when the task is done."""
        return shard_folder(self.folder, self.shard)

    def to_json(self) -> str:
        """Return the task as text for another process."""
        paths = {name: getattr(self, name) for name in PATHS}
        return json.dumps(
            {
                "decision": decision_json(self.decision),
                "strategy": self.strategy,
                "config": self.config.to_json(),
                "model": self.model,
                "text": self.text,
                **{name: None if path is None else str(path) for name, path in paths.items()},
                "ticket": self.ticket,
                "made_with": dict(self.made_with),
                "interval": self.interval,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "ShardTask":
        """Read the task back."""
        value = json.loads(text)
        name = value["strategy"]
        read = ShardDecision.from_json if name is None else strategy_of(name).read
        return cls(
            decision=read(value["decision"]),
            strategy=name,
            config=TrainConfig.from_json(value["config"]),
            model=value["model"],
            text=value["text"],
            rows=Path(value["rows"]),
            folder=Path(value["folder"]),
            old=None if value["old"] is None else Path(value["old"]),
            base=None if value["base"] is None else Path(value["base"]),
            ticket=value["ticket"],
            made_with=value["made_with"],
            interval=value["interval"],
            old_rows=None if value["old_rows"] is None else Path(value["old_rows"]),
        )


def made_with(options: TrainOptions, module: str) -> dict[str, Any]:
    """Return a family's code digest in this process, and its environment for a module's source."""
    code = family_of(options.model_family).code()
    return {"code": code, **run_environment(options, module)}


def learner_of(old: Ledger, store: RowStore) -> MakeLearner:
    """Return what makes the learner of a ledger's module for a store's rows, once for all."""
    config, text = config_of(old), module_source(old)
    family, source = family_of(config.options.model_family), ModelSource(config.module, text)
    return functools.cache(lambda: family.open(source, store, options=config.options))


@dataclass(frozen=True)
class ReadyLearner:
    """A learner that was made before it is asked for, and the seconds that it and its step took."""

    learner: Learner
    build: float
    trace: float

    def __call__(self) -> Learner:
        """Return the learner."""
        return self.learner


def run_of(
    task: ShardTask,
    *,
    progress: Progress = lambda steps: None,
    clock: Clock = time.perf_counter,
) -> PartRun:
    """Return the run that a task is a part of."""
    return PartRun(
        options=task.config.options,
        model=task.model,
        clock=clock,
        progress=progress,
        given=nothing_given if task.base is None else open_ledger(task.base).weights_of_shard,
        interval=task.interval,
    )


def carry_out(
    task: ShardTask,
    *,
    learner: Learner,
    progress: Progress = lambda steps: None,
    clock: Clock = time.perf_counter,
) -> None:
    """Carry a task out with a learner of its module; one that is done already is left as it is."""
    if task.target.exists():
        return
    task.target.parent.mkdir(parents=True, exist_ok=True)
    begun = Path(tempfile.mkdtemp(prefix=f"{task.target.name}{BEGUN}", dir=task.target.parent))
    run = run_of(task, progress=progress, clock=clock)
    store, new = open_rows(task.rows), ShardLedger(begun / "shard")
    witness: Witness | None = None
    try:
        if task.strategy is None or task.old is None:
            used = learner.run(run)
            if isinstance(used, Run):
                looked_on, marker = marked(used)
                train_shard(looked_on, store, task.shard, new, kept=0)
                keep_marks(task.decision, old=None, new=new, made=marker.marks)
            else:
                learner.learn(run, store, task.shard, new)
        else:
            old = open_ledger(task.old).shard(task.shard)
            witness = _carry_out(task, learner.run(run), store, old=old, new=new)
        if not has_ticket(task):
            return
        if witness is not None:
            witness.leave(task.folder)
        try:
            os.rename(new.folder, task.target)
        except OSError:
            if not task.target.exists():
                raise
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def _carry_out(
    task: ShardTask, run: Any, store: RowStore, *, old: ShardLedger, new: ShardLedger
) -> Witness | None:
    """Carry out a strategy's decision, and look on while the last stage is trained, if one is.

    `run` is what the family gives its strategies.
    """
    decision, witness, used = task.decision, None, run
    marker: Marker | None = None
    before = None if task.old_rows is None else open_rows(task.old_rows)
    if decision.anew and isinstance(run, Run):
        stage = shard_schedule(store, task.shard, run.partition)[-1]
        early = run.options.early_stop is not None
        used, witness = witnessed(run, store, task.shard, stage, ends_early=early)
        used, marker = marked(used)
    strategy_of(task.strategy or "").apply(
        decision, old=old, new=new, run=used, store=store, old_store=before
    )
    keep_marks(decision, old=old, new=new, made=marker.marks if marker else {})
    if decision.repair_epochs:
        stage = planned_repair(run, store, decision, new)
        used, witness = witnessed(run, store, task.shard, stage, ends_early=True)
        repair(used, store, decision, old=old, new=new)
    return witness


def has_ticket(task: ShardTask) -> bool:
    """Say whether the run that wants this task is still on."""
    try:
        return (task.folder / TICKET).read_text(encoding="ascii") == task.ticket
    except FileNotFoundError:
        return False


@contextmanager
def ticket(folder: Path) -> Iterator[str]:
    """Issue a ticket for the tasks of a run; afterwards no task can leave anything any more."""
    folder.mkdir(parents=True, exist_ok=True)
    number = os.urandom(16).hex()  # no secret and no part of any result: it tells runs apart
    write_atomic(folder / TICKET, number.encode("ascii"))
    try:
        yield number
    finally:
        (folder / TICKET).unlink(missing_ok=True)
        for left in (folder / "shards").glob(f"*{BEGUN}*"):
            shutil.rmtree(left, ignore_errors=True)
