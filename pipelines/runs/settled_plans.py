"""The plans of a request, settled one after the other before a backend carries them out.

A base is settled before what was trained from it: `settled` says what that means for one model.
"""

from dataclasses import replace
from functools import partial

from lineage_store.index import IndexedRows, models, reading_index
from lineage_store.ledger import Ledger, open_ledger
from lineage_store.rows import open_rows
from lineage_store.workspace import Workspace
from pipelines.jobs import Backend, DeletionJob, ModelChange
from pipelines.runs.find_rows import rows_of
from unlearning.fitting import MakeLearner
from unlearning.planning import ModelPlan, load_open, load_plan, save_plan
from unlearning.verification import Before, needs_settling, settle


def settle_plans(job: DeletionJob, *, backend: Backend) -> DeletionJob:
    """Settle every plan that is still to be carried out, and keep what comes of it.

    The job comes back with the learner that was made, if it is of one model alone: those of many
    are not held together.
    """
    folder = job.workspace.request(job.request_id)
    plans = {plan.model_before: plan for plan in load_plan(folder)}
    made: dict[str, MakeLearner] = {}
    for change in job.changes:
        plan = plans[change.old.id]
        if change.recorded or change.old.state != "live" or not needs_settling(plan):
            continue
        before = Before(
            ledger=open_ledger(job.workspace.absolute(change.old.paths["ledger"])),
            store=open_rows(job.workspace.absolute(change.old.paths["rows"])),
            deleted=_deleted(job, change),
            descendants=partial(backend.descendants, job.workspace, change.old),
            base=_base(job.workspace, plan),
            base_plan=None if plan.base is None else plans.get(plan.base.before),
        )
        plans[change.old.id], learner = settle(plan, before, derived_until=job.derived_until)
        save_plan(folder, list(plans.values()))
        if learner is not None and len(job.changes) == 1:
            made[change.old.id] = learner
    return replace(job, made=made)


def _deleted(job: DeletionJob, change: ModelChange) -> IndexedRows:
    opened = load_open(job.workspace.request(job.request_id))
    with reading_index(job.workspace) as connection:
        return rows_of(connection, change.old, opened)


def _base(workspace: Workspace, plan: ModelPlan) -> Ledger | None:
    """Open the ledger of the model that a planned one was trained from, as it was, if it is there.

    Its shards are what the new one starts from, where that does not change.
    """
    if plan.base is None:
        return None
    with reading_index(workspace) as connection:
        record = models.find_model(connection, plan.base.before)
    folder = workspace.absolute(record.paths["ledger"])
    return open_ledger(folder) if folder.exists() else None
