"""A backend without TFX: the same functions, called one after the other in this process.

For embedding, for tests, and for data that lives elsewhere than in TFX. It keeps ledger, index and
event log; there is no MLMD, and so no artifact but those that the ledger names.
"""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from lineage_store.canonical import sync_tree
from lineage_store.cells import load_snapshot
from lineage_store.graph import LineageNode
from lineage_store.graph.ledger_nodes import ledger_nodes
from lineage_store.index import models, writing_index
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import open_ledger
from lineage_store.progress import counter, phase
from lineage_store.rows import keep_known, open_rows
from lineage_store.workspace import Workspace
from pipelines.jobs import DeletionJob, ModelChange, TrainingJob
from unlearning.certificates import certify
from unlearning.encoding import store_from_snapshot
from unlearning.erasure.erase import erase
from unlearning.evaluation import demanded, evaluate_and_keep, must_be_accepted
from unlearning.families import (
    ModelSource,
    encoding_of_ledger,
    family_of,
    family_of_ledger,
    planned_steps,
)
from unlearning.fitting import HERE, learner_of
from unlearning.fitting.fit import Execution, fit, refit
from unlearning.planning import load_plan
from unlearning.registry import NewModel, describe_model, must_be_trainable, record_model
from unlearning.training import open_base
from unlearning.training.unchanged_cells import unchanged_cells
from unlearning.verification import Unlearned, check_and_keep, must_pass


class DirectBackend:
    """Executes jobs in this process."""

    def train(self, job: TrainingJob) -> None:
        """Train, push and register a model."""
        must_be_trainable(job.workspace, job.model)
        family = family_of(job.config.options.model_family)
        family.pin()
        folder = job.workspace.pipeline_root / job.name
        text = job.module_file.read_text(encoding="utf-8")
        store = store_from_snapshot(
            folder / "rows",
            load_snapshot(job.snapshot),
            job.config.partition,
            encoding_of=partial(family.encoding, source=ModelSource(job.config.module, text)),
        )
        keep_known(store)
        fit(
            job.config,
            model=job.model,
            text=text,
            store=store,
            folder=folder / "ledger",
            serving=folder / "model",
            base=None if job.base is None else open_base(job.workspace, job.base.id),
            how=Execution(
                engine=job.engine or HERE,
                progress=counter("training", planned_steps(family, store, job.config.partition)),
            ),
        )
        self._push_and_record(job, folder, job.snapshot, job.description())

    def delete(self, job: DeletionJob) -> None:
        """Unlearn, check, push, register, erase and certify."""
        plans = {
            plan.model_before: plan for plan in load_plan(job.workspace.request(job.request_id))
        }
        for change in job.changes:
            if change.snapshot is None or change.recorded:
                continue
            self._replace(job, change, change.snapshot, plans[change.old.id])
        erase(job.workspace, job.request_id, clock=job.clock)
        certify(job.workspace, job.request_id, clock=job.clock, version=job.version)

    def _replace(self, job: DeletionJob, change: ModelChange, snapshot: Path, plan: Any) -> None:
        folder = job.workspace.pipeline_root / job.name / change.old.id
        if folder.exists():
            shutil.rmtree(folder)  # what a killed run left
        old = open_ledger(job.workspace.absolute(change.old.paths["ledger"]))
        family, gated = family_of_ledger(old), load_snapshot(snapshot)
        family.pin()
        before = open_rows(job.workspace.absolute(change.old.paths["rows"]))
        store = store_from_snapshot(
            folder / "rows",
            gated,
            change.partition,
            encoding_of=partial(encoding_of_ledger, old),
            unchanged=unchanged_cells(
                gated,
                old_snapshot=load_snapshot(job.workspace.absolute(change.old.paths["data"])),
                old=old,
                store=before,
            ),
        )
        keep_known(store, old=before)
        base = None if plan.base_model is None else open_base(job.workspace, plan.base_model)
        make = job.made.get(change.old.id) or learner_of(old, store)
        phase("unlearning")
        new = refit(
            plan,
            old=old,
            store=store,
            folder=folder / "ledger",
            serving=folder / "model",
            base=base,
            old_store=before,
            how=Execution(
                engine=job.engine or HERE,
                make=make,
                progress=counter("unlearning", plan.steps_planned),
            ),
        )
        report = check_and_keep(
            job.workspace,
            Unlearned(plan=plan, old=old, new=new, store=store, old_store=before, base=base),
            request_id=job.request_id,
            replay=job.replay,
            engine=job.engine or HERE,
            make=make,
        )
        must_pass(report)
        if (policy := demanded(job.workspace)) is not None:
            found = evaluate_and_keep(
                job.workspace,
                request_id=job.request_id,
                plan=plan,
                old=old,
                new=new,
                rows=store.folder,
                old_rows=before.folder,
                policy=policy,
            )
            must_be_accepted(found)
        self._push_and_record(job, folder, snapshot, job.description(change))

    def _push_and_record(
        self, job: TrainingJob | DeletionJob, folder: Path, snapshot: Path, new: NewModel
    ) -> None:
        pushed = _push(job.workspace, new.family, folder / "model")
        record = describe_model(
            job.workspace,
            new,
            paths={
                "data": snapshot,
                "rows": folder / "rows",
                "ledger": folder / "ledger",
                "model": folder / "model",
                "pushed": pushed,
            },
        )
        record_model(job.workspace, record, clock=job.clock)

    def descendants(self, workspace: Workspace, record: ModelRecord) -> list[LineageNode]:
        """Return what the ledger names, and the model itself."""
        return ledger_nodes(open_ledger(workspace.absolute(record.paths["ledger"])), record)

    def record_training(self, job: TrainingJob) -> None:
        """There is no other record than the one that was made."""

    def record_deletion(self, job: DeletionJob) -> None:
        """There is no other record than the one that was made."""

    def record_retirement(self, workspace: Workspace, record: ModelRecord) -> None:
        """There is no public record but index and log."""

    def catch_up(self, workspace: Workspace) -> None:
        """There is no other record than the one that was made."""


def _push(workspace: Workspace, family: str, model: Path) -> Path:
    """Copy a model to where it is served, as the version after the last that was registered.

    A version appears whole or not at all; one that a killed run left is made again.
    """
    versions = workspace.serving(family)
    with writing_index(workspace) as connection:
        known = [record.paths["pushed"] for record in models.models(connection)
                 if record.family == family]  # fmt: skip
    pushed = versions / str(max((int(Path(path).name) for path in known), default=0) + 1)
    partial = pushed.with_name(f".{pushed.name}.partial")
    for left in (partial, pushed):
        if left.exists():
            shutil.rmtree(left)
    shutil.copytree(model, partial, copy_function=shutil.copyfile)
    sync_tree(partial, within=workspace.root)
    partial.rename(pushed)
    return pushed
