"""What the contract compares: the bytes of all that a model is on disk, and which units they are.

Of a whole state nothing is left out but what says when and for which model it was made: seconds,
the model's id, how many steps of a stage were taken over, how many deletions came before, and
nonces. `Deletion` is what a run makes of a strategy before it may register a result, without the
records.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.canonical import digest, digest_file, read_json
from lineage_store.ledger import Ledger
from lineage_store.rows import RowStore
from lineage_store.tensors import weights_digest
from tests.unlearning.families.contract_cases import Learnt
from unlearning.fitting.fit import Execution, fit_twin, refit
from unlearning.fitting.shard_task import MakeLearner, learner_of
from unlearning.planning.downstream import downstream
from unlearning.planning.model_plan import ModelPlan
from unlearning.planning.plan import INFERENCE_CHANGED
from unlearning.planning.refused_plans import must_leave_nothing
from unlearning.strategies.strategy import Situation, Strategy
from unlearning.training.config import module_source
from unlearning.training.step_checkpoints import adapts
from unlearning.verification.checks import CheckReport, Unlearned, check

BY_FILE = ("nonces", "cells.json")  # by what a store's files are known again
WHEN_AND_FOR_WHOM = ("model", "seconds", "resumed", "generation")


def parts_of(ledger: Ledger) -> dict[str, Any]:
    """Return what is on disk of all parts, by file; of updates, which share files, by step."""
    found: dict[str, Any] = {}
    for number, shard in enumerate(ledger.shards()):
        files = {path for path in shard.folder.rglob("*") if path.is_file()}
        recorded = shard.updates.files()
        for file in sorted(files - {*recorded.values()}):
            if "nonce" not in file.name:
                found[str(file.relative_to(ledger.folder))] = _told(file)
        for position, update in shard.updates.read(sorted(recorded)):
            found[f"the update of step {position} of part {number}"] = digest(update)
    return found


def state_of(learnt: Learnt) -> dict[str, Any]:
    """Return what is on disk of a whole model: its parts, its rows, and what was inferred."""
    if learnt.record is None:
        return {}
    rows = learnt.store.folder
    files = sorted(path for path in rows.rglob("*") if path.is_file())
    return {
        **parts_of(learnt.ledger),
        **{str(file.relative_to(rows)): _told(file) for file in files if file.name not in BY_FILE},
        "header": _told(learnt.ledger.folder / "header.json"),
        "metrics": read_json(learnt.ledger.folder / "metrics.json"),
        "served": weights_digest(learnt.ledger.final_weights()),
    }


def _told(file: Path) -> Any:
    if file.suffix != ".json":
        return digest_file(file)
    document = json.loads(file.read_bytes())
    return {name: one for name, one in document.items() if name not in WHEN_AND_FOR_WHOM}


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the names under which two states are not the same."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def units_of(ledger: Ledger) -> Iterator[tuple[tuple[int, int, int | None], Any]]:
    """Yield all units of a ledger, (part, stage, position), with what is on disk of them.

    Position is None for the state at the end of a stage, or of a part that has no stages.
    """
    for number, shard in enumerate(ledger.shards()):
        for record in shard.stages():
            yield (number, record.stage, None), digest_file(shard.checkpoint_file(record.stage))
            for step in shard.steps(record.stage):
                yield (number, record.stage, step.position), step.to_json()


def between(old: Learnt, after: RowStore) -> "Deletion":
    """Return the deletion that leaves the rows of another store of those of a model."""
    before, ledger, deleted = old.store, old.ledger, {}
    for shard, counts in enumerate(before.counts):
        for slice_ in range(len(counts)):
            rows, left = (one.slice_rows(shard, slice_).row_keys for one in (before, after))
            known = {key.tobytes() for key in left}
            if gone := [at for at, key in enumerate(rows) if key.tobytes() not in known]:
                deleted[shard, slice_] = rows[np.array(gone)]
    inferred = [one.description["inference"] for one in (before, after)]
    fresh = None if inferred[0] == inferred[1] else INFERENCE_CHANGED
    situation = Situation(
        ledger, deleted, after.counts, fresh, adapts=adapts(module_source(ledger))
    )
    return Deletion(situation, before, after)


@dataclass(frozen=True)
class Deletion:
    """A deletion that leaves the rows `after` of those `before`, in a model of this situation."""

    situation: Situation
    before: RowStore
    after: RowStore

    @cached_property
    def make(self) -> MakeLearner:
        """What makes the learner, once for all."""
        return learner_of(self.situation.ledger, self.after)

    def plan(self, strategy: Strategy[Any]) -> ModelPlan:
        """Return what a strategy decides; raises LeftAsItIs for a plan that leaves something."""
        decisions = strategy.decide(self.situation)
        named = {"strategy": strategy.name, "claim": strategy.claim}
        found = downstream(self.situation)
        must_leave_nothing(decisions, found, self.situation, **named)
        return ModelPlan(
            model_before=self.situation.ledger.header.model, model_after="m2", why="",
            rows_found=0, rows_by_split={}, shards=decisions, steps_planned=0, steps_full=0,
            verdicts=(), inference_changed=False, **named,
        )  # fmt: skip

    def carried_out(self, plan: ModelPlan, folder: Path) -> Ledger:
        """Carry out a plan."""
        old = self.situation.ledger
        return refit(
            plan, old=old, store=self.after, folder=folder, serving=None, old_store=self.before,
            how=Execution(make=self.make),
        )  # fmt: skip

    def twin(self, plan: ModelPlan, folder: Path) -> Ledger:
        """Learn the twin of a plan's result, as `--replay` does."""
        return fit_twin(plan, old=self.situation.ledger, rows=self.after.folder, folder=folder)

    def report(
        self, plan: ModelPlan, new: Ledger, *, twin: Ledger | None = None, nonce: bytes = b""
    ) -> CheckReport:
        """Put the engine's checks, and the strategy's, to a result."""
        old = self.situation.ledger
        result = Unlearned(plan=plan, old=old, new=new, store=self.after, old_store=self.before)
        return check(result, twin=twin, nonce=nonce, make=self.make)
