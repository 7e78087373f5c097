"""A deletion run from ids to a certificate: found, planned, recorded, carried out, closed.

The request and its manifest entries are recorded before anything else happens; they are taken back
only if the run fails before it changed anything (no plan, a failed check). Killed anywhere, the
same command finds the running request by the ids and finishes it.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lineage_store.cells import load_snapshot, write_without
from lineage_store.disk_full import translated
from lineage_store.errors import DiskFull
from lineage_store.index import (
    IndexedRows,
    deletions,
    logging_events,
    models,
    queue,
    reading_index,
    record_failure,
    writing_index,
)
from lineage_store.ledger import open_ledger, without
from lineage_store.progress import phase
from lineage_store.rows import open_rows
from lineage_store.tensors import weights_digest
from lineage_store.workspace import Workspace
from pipelines.backends.open_run import close_run
from pipelines.jobs import Command, DeletionJob, LeftOpen, ModelChange
from pipelines.runs.before_a_run import look, notes_of_disk
from pipelines.runs.devices import take_devices
from pipelines.runs.find_rows import (
    ForgetRequest,
    earlier_request,
    enter,
    find,
    found_tokens,
    others_in,
    rows_of,
)
from pipelines.runs.planned_changes import plan_all
from pipelines.runs.restricting import respect_restrictions
from pipelines.runs.settled_plans import settle_plans
from unlearning.certificates import forget_open_file, log_asked, log_taken_back
from unlearning.evaluation import demanded, load_evaluations
from unlearning.planning import (
    ModelPlan,
    OpenRequest,
    destroy_open,
    load_open,
    load_plan,
    must_still_hold,
    save_open,
    save_plan,
)
from unlearning.verification import Distances, load_reports


@dataclass(frozen=True)
class FinishedDeletion:
    """A finished deletion, and what was measured of each model that this run ended, by its id.

    Digests of weights, distances and evaluations are kept nowhere: they are for whoever asked,
    once. A run that goes on where another was killed may know none. `notes` are for whoever asked,
    too, and so is how many `others` lost rows that were theirs, too.
    """

    request: str
    weights_before: Mapping[str, str] = field(default_factory=dict)
    distances: Mapping[str, Distances] = field(default_factory=dict)
    evaluations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    others: int | None = None


def forget(
    workspace: Workspace,
    request: ForgetRequest,
    *,
    command: Command,
    random_bytes: Callable[[int], bytes],
    finished: Sequence[str] = (),
) -> FinishedDeletion:
    """Forget, or finish a killed run of the same request.

    `finished` are the requests that this command has just finished (`killed_runs.sweep`).
    """
    earlier = earlier_request(workspace, request)
    if earlier is not None and earlier.id in finished:
        return FinishedDeletion(earlier.id)
    request_id = _running(workspace, earlier)
    if request_id is None:
        request_id = _open(workspace, request, command=command, random_bytes=random_bytes)
    return carry_out(
        workspace,
        request_id,
        replay=request.replay,
        derived_until=request.derived_until,
        command=command,
    )


def carry_out(
    workspace: Workspace, request_id: str, *, replay: bool, derived_until: str, command: Command
) -> FinishedDeletion:
    """Carry out a recorded request whose plan is written, to its end or from where it was killed.

    If it fails before anything was changed, the request is taken back.
    """
    _log_asked(workspace, request_id)
    folder = workspace.request(request_id)
    before = _weights_before(workspace, load_plan(folder)) if command.reveal else {}
    with reading_index(workspace) as connection:
        sealed = [one.sealed for one in queue.of_run(connection, request_id) if one.sealed]
    others = load_open(folder).others
    job = DeletionJob(
        workspace=workspace,
        request_id=request_id,
        changes=_changes(workspace, request_id, load_plan(folder)),
        replay=replay,
        derived_until=derived_until,
        clock=command.clock,
        version=command.version,
        engine=command.engine,
    )
    close_run(workspace, job.name)  # of an orchestrator, whose tasks are done by this
    try:
        _must_hold(workspace, job)
        take_devices(workspace, job.changes)
        with translated():
            command.backend.delete(settle_plans(job, backend=command.backend))
    except LeftOpen:
        raise
    except Exception as error:
        if not isinstance(error, DiskFull):  # which leaves nothing, if it can
            record_failure(workspace.index_file, run=job.name, error=error, time=command.time)
        take_back(workspace, request_id, time=command.time)
        raise
    command.backend.record_deletion(job)
    reports = load_reports(workspace, request_id)
    done = FinishedDeletion(
        request_id,
        before,
        distances={model: report.distances for model, report in reports.items()},
        evaluations=load_evaluations(workspace, request_id),
        notes=notes_of_disk(workspace),
        others=others,
    )
    forget_open_file(workspace, request_id, sealed=sealed)
    return done


def _weights_before(workspace: Workspace, plans: Sequence[ModelPlan]) -> dict[str, str]:
    """Return the digest of the weights of each model that ends, as far as they are still there."""
    found = {}
    with reading_index(workspace) as connection:
        for plan in plans:
            record = models.find_model(connection, plan.model_before)
            folder = workspace.absolute(record.paths["ledger"])
            if folder.exists():
                found[record.id] = weights_digest(open_ledger(folder).final_weights())
    return found


def _open(
    workspace: Workspace,
    request: ForgetRequest,
    *,
    command: Command,
    random_bytes: Callable[[int], bytes],
) -> str:
    demanded(workspace)  # a policy that does not fit is told before anything is recorded
    with writing_index(workspace) as connection:
        deletions.must_be_none_running(connection)
        held = request.all_commitments(workspace.keys())
        queue.must_not_be_held(connection, held, today=command.today, but=request.queued)
        phase("planning")
        found = find(connection, workspace, request, workspace.keys())
        plans = plan_all(connection, workspace, request, found, backend=command.backend)
        phase("looking")
        looked = look(connection, workspace, request, found, plans)
        texts, numbers = found_tokens(connection, workspace, found)
        others = others_in(connection, found)
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            # Asked again: the queue takes a hold also while this was planned.
            queue.must_not_be_held(connection, held, today=command.today, but=request.queued)
            respect_restrictions(connection, workspace, request, found)
            recorded = deletions.record(
                connection,
                commitments=enter(connection, workspace, request, found),
                options={
                    **without(asdict(request.asked), accept_bridged=False),
                    "rows": request.rows,
                    "replay": request.replay,
                    **request.also_recorded,
                },
                time=command.time,
                queued=request.queued,
            )
    folder = workspace.request(recorded.id)
    folder.remove()  # of a request of the same number that was taken back
    opened = OpenRequest(
        kind=request.kind,
        ids=request.ids,
        pseudonyms=found.pseudonyms,
        row_keys=tuple(sorted(found.row_keys())),
        nonce=random_bytes(32),
        tokens=tuple(sorted(texts)),
        numbers=tuple(sorted(numbers)),
        keys_of=tuple(tuple(sorted(keys)) for keys in found.keys_of),
        reason=request.reason,
        left_out=looked.left_out,
        lengths=looked.lengths,
        spellings=found.spellings,
        others=others,
    )
    save_open(folder, opened, random_bytes=random_bytes)
    save_plan(folder, plans)
    return recorded.id


def _log_asked(workspace: Workspace, request_id: str) -> None:
    """Log that the request was recorded, before anything is changed for it; safe to repeat."""
    with logging_events(workspace) as connection:
        log_asked(connection, deletions.find_request(connection, request_id))


def _running(workspace: Workspace, earlier: deletions.Request | None) -> str | None:
    """Return the id of a killed run of this request; one that had not begun is taken back."""
    if earlier is None or earlier.state != "running":
        return None
    if workspace.request(earlier.id).plan.exists():
        return earlier.id
    take_back_unplanned(workspace, earlier.id)
    return None


def take_back_unplanned(workspace: Workspace, request_id: str) -> None:
    """Take a request back that was killed before its plan was written: nothing else knows of it."""
    folder = workspace.request(request_id)
    destroy_open(folder)
    folder.remove()
    with writing_index(workspace) as connection, connection:
        deletions.retract(connection, request_id)


def take_back_interrupted(workspace: Workspace, *, time: str) -> bool:
    """Take back what was interrupted before it changed anything; say whether that is all."""
    with reading_index(workspace) as connection:
        running = [one.id for one in deletions.all_requests(connection) if one.state == "running"]
    for request_id in running:
        if workspace.request(request_id).plan.exists():
            take_back(workspace, request_id, time=time)
        else:
            take_back_unplanned(workspace, request_id)
    with reading_index(workspace) as connection:
        left = [one for one in deletions.all_requests(connection) if one.state == "running"]
    return bool(running) and not left


def _changes(
    workspace: Workspace, request_id: str, plans: Sequence[ModelPlan]
) -> list[ModelChange]:
    opened = load_open(workspace.request(request_id))
    with writing_index(workspace) as connection:
        changes = []
        for plan in plans:
            old = models.find_model(connection, plan.model_before)
            recorded = any(
                record.id == plan.model_after and record.request == request_id
                for record in models.models(connection)
            )
            snapshot = None
            if plan.model_after is not None:
                snapshot = workspace.snapshot(plan.model_after)
                if not recorded:
                    deleted = rows_of(connection, old, opened)
                    _regate(workspace, plan, old, deleted=deleted, folder=snapshot)
            known = {record.id: record for record in models.models(connection)}
            base = known.get(plan.base_model or "")
            changes.append(
                ModelChange(
                    old, plan.model_after, snapshot, plan.guarantee, recorded, plan.base_model,
                    base, plan.partition,
                )
            )  # fmt: skip
        return changes


def _must_hold(workspace: Workspace, job: DeletionJob) -> None:
    """Check the plans of all models that are still to be replaced against their ledgers again."""
    plans = {one.model_before: one for one in load_plan(workspace.request(job.request_id))}
    opened = load_open(workspace.request(job.request_id))
    with reading_index(workspace) as connection:
        for change in job.changes:
            if change.recorded or change.old.state != "live":
                continue
            paths = {name: workspace.absolute(path) for name, path in change.old.paths.items()}
            must_still_hold(
                plans[change.old.id],
                ledger=open_ledger(paths["ledger"]),
                snapshot=load_snapshot(paths["data"]),
                store=open_rows(paths["rows"]),
                deleted=rows_of(connection, change.old, opened),
            )


def _regate(
    workspace: Workspace, plan: ModelPlan, old: models.ModelRecord, *, deleted: IndexedRows,
    folder: Path,
) -> None:  # fmt: skip
    """Write the data without the rows that go; those of its new base have been written."""
    phase("gate")
    if folder.exists():
        shutil.rmtree(folder)  # a killed run may have left a part
    before = load_snapshot(workspace.absolute(old.paths["data"]))
    base = plan.base_model
    like = None if base is None else load_snapshot(workspace.snapshot(base)).schema
    partition = open_ledger(workspace.absolute(old.paths["ledger"])).partition
    write_without(
        before,
        deleted,
        folder=folder,
        partition=plan.partition or partition,
        cut_anew=plan.partition is not None,
        like=like,
    )


def take_back(workspace: Workspace, request_id: str, *, time: str) -> None:
    """After a failure: if no new model is registered, nothing has gone; take the request back."""
    plans = load_plan(workspace.request(request_id))
    after = {plan.model_after for plan in plans if plan.model_after is not None}
    with logging_events(workspace) as connection:
        known = {record.id: record for record in models.models(connection)}
        if not after.isdisjoint(known):
            return
        before = [known.get(plan.model_before) for plan in plans]
        if any(
            old is None or not workspace.absolute(old.paths["ledger"]).exists() for old in before
        ):
            return
        log_taken_back(connection, deletions.find_request(connection, request_id), time=time)
        deletions.retract(connection, request_id)
    for snapshot in map(workspace.snapshot, after):
        if snapshot.exists():
            shutil.rmtree(snapshot)
    folder = workspace.request(request_id)
    destroy_open(folder)
    folder.remove()
    outputs = workspace.pipeline_root / f"forget-{request_id}"
    if outputs.exists():
        shutil.rmtree(outputs)
