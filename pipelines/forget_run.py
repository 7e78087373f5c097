"""A deletion run from ids to a certificate: found, planned, recorded, carried out, closed.

The request and its manifest entries are recorded before anything else happens; they are taken back
only if the run fails before it changed anything (no plan, a failed check). Killed anywhere, the
same command finds the running request by the ids and finishes it.
"""

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from lineage_store import models, requests
from lineage_store.errors import NothingFound
from lineage_store.gate import let_through, load_snapshot, retained
from lineage_store.index import open_index, read_index
from lineage_store.keys import Keys
from lineage_store.ledger import open_ledger
from lineage_store.pseudonyms import Pseudonyms
from lineage_store.row_index import IndexedRows, rows_by_key, rows_of_subject
from lineage_store.row_store import open_rows
from lineage_store.workspace import Workspace
from pipelines.jobs import Backend, DeletionJob, ModelChange
from unlearning.deletion import OPEN_FILE, OpenRequest, load_open, load_plan, save_open, save_plan
from unlearning.determinism import code_digest, environment
from unlearning.finishing import forget_open_file
from unlearning.plan import Asked, ModelPlan, plan_model
from unlearning.recording import must_be_recorded


@dataclass(frozen=True)
class ForgetRequest:
    """What the user asks: ids of subjects, or of rows if `rows`; and how to forget them."""

    ids: tuple[str, ...]
    rows: bool = False
    asked: Asked = field(default_factory=Asked)
    reason: str | None = None
    replay: bool = False
    derived_until: str = ""


@dataclass(frozen=True)
class Found:
    """Where the ids' rows are: by live model, with their pseudonyms and manifest commitments."""

    rows: dict[str, IndexedRows]
    pseudonyms: tuple[bytes, ...]
    commitments: tuple[tuple[str, str], ...]

    def row_keys(self) -> frozenset[bytes]:
        """Return the keys of all rows found, in whatever model."""
        return frozenset().union(*(rows.key_set() for rows in self.rows.values()))


def find(
    connection: sqlite3.Connection, workspace: Workspace, request: ForgetRequest, keys: Keys
) -> Found:
    """Find the rows of all ids.

    Raises NothingFound, and says which id and why, if any of them has none or was forgotten.
    """
    live = models.models(connection, live_only=True)
    kind = noun = "row" if request.rows else "subject"
    pseudonyms = Pseudonyms(workspace.pseudonym_file, keys)
    found: dict[str, list[IndexedRows]] = {record.id: [] for record in live}
    names: list[bytes] = []
    commitments: list[tuple[str, str]] = []
    try:
        for position, one in enumerate(request.ids, start=1):
            # By its place among the arguments: ids are personal data and stay out of messages.
            which = (
                f"{noun} given"
                if len(request.ids) == 1
                else f"{noun} {position} of {len(request.ids)} given"
            )
            value = keys.row_key(kind="id", value=one.encode()) if request.rows else one.encode()
            commitment = keys.commitment(kind=kind, value=value)
            if (known := requests.exclusion(connection, commitment)) is not None:
                raise NothingFound(
                    f"The {which} was already forgotten on {known.since} (request "
                    f"{known.request}); nothing was done."
                )
            pseudonym = None if request.rows else pseudonyms.find(one)
            any_row = False
            for record in live:
                if request.rows:
                    rows = rows_by_key(connection, [value], record.snapshot)
                elif pseudonym is not None:
                    rows = rows_of_subject(connection, pseudonym, record.snapshot)
                else:
                    continue
                any_row = any_row or len(rows) > 0
                found[record.id].append(rows)
            if not any_row:
                raise NothingFound(f"The {which} has no row in any live model; nothing was done.")
            if pseudonym is not None:
                names.append(pseudonym)
            commitments.append((kind, commitment))
    finally:
        pseudonyms.close()
    merged = {model: _merged(parts) for model, parts in found.items() if any(map(len, parts))}
    return Found(merged, tuple(names), tuple(commitments))


def _merged(parts: Sequence[IndexedRows]) -> IndexedRows:
    return IndexedRows(
        np.concatenate([part.row_keys for part in parts]),
        np.concatenate([part.places for part in parts]),
        tuple(split for part in parts for split in part.splits),
    )


def plan_all(
    connection: sqlite3.Connection,
    workspace: Workspace,
    request: ForgetRequest,
    found: Found,
    *,
    backend: Backend,
) -> list[ModelPlan]:
    """Plan the change of every live model that holds a row; changes nothing."""
    plans = []
    number = int(models.next_model_id(connection).removeprefix("m"))
    for record in models.models(connection, live_only=True):
        if record.id not in found.rows:
            continue
        ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
        must_be_recorded(workspace, connection, record, ledger)
        plans.append(
            plan_model(
                model_before=record.id,
                model_after=f"m{number}",
                ledger=ledger,
                snapshot=load_snapshot(workspace.absolute(record.paths["data"])),
                store=open_rows(workspace.absolute(record.paths["rows"])),
                deleted=found.rows[record.id],
                asked=request.asked,
                code=code_digest(),
                environment=environment(),
                descendants=backend.descendants(workspace, record),
                derived_until=request.derived_until,
            )
        )
        number += 1
    return plans


def dry_run(workspace: Workspace, request: ForgetRequest, *, backend: Backend) -> list[ModelPlan]:
    """Find and plan, and change nothing."""
    connection = read_index(workspace.index_file)
    try:
        found = find(connection, workspace, request, workspace.keys())
        return plan_all(connection, workspace, request, found, backend=backend)
    finally:
        connection.close()


def forget(
    workspace: Workspace,
    request: ForgetRequest,
    *,
    backend: Backend,
    time: str,
    version: str,
    random_bytes: Callable[[int], bytes],
) -> str:
    """Forget, or finish a killed run of the same request; return the request's id."""
    request_id = _running(workspace, request)
    if request_id is None:
        request_id = _open(
            workspace, request, backend=backend, time=time, random_bytes=random_bytes
        )
    folder = workspace.request(request_id)
    job = DeletionJob(
        workspace=workspace,
        request_id=request_id,
        changes=_changes(workspace, request_id, load_plan(folder)),
        replay=request.replay,
        derived_until=request.derived_until,
        time=time,
        version=version,
    )
    try:
        backend.delete(job)
    except Exception:
        _take_back(workspace, job)
        raise
    backend.record_deletion(job)
    forget_open_file(workspace, request_id)
    return request_id


def _open(
    workspace: Workspace,
    request: ForgetRequest,
    *,
    backend: Backend,
    time: str,
    random_bytes: Callable[[int], bytes],
) -> str:
    connection = open_index(workspace.index_file)
    try:
        requests.must_be_none_running(connection)
        found = find(connection, workspace, request, workspace.keys())
        plans = plan_all(connection, workspace, request, found, backend=backend)
        recorded = requests.record(
            connection,
            commitments=found.commitments,
            options={**asdict(request.asked), "rows": request.rows, "replay": request.replay},
            reason=request.reason,
            time=time,
        )
    finally:
        connection.close()
    folder = workspace.request(recorded.id)
    if folder.exists():
        shutil.rmtree(folder)  # of a request of the same number that was taken back
    opened = OpenRequest(
        subjects=request.ids,
        pseudonyms=found.pseudonyms,
        row_keys=tuple(sorted(found.row_keys())),
        nonce=random_bytes(32),
    )
    save_open(folder, opened)
    save_plan(folder, plans)
    return recorded.id


def _running(workspace: Workspace, request: ForgetRequest) -> str | None:
    """Return the id of a killed run of this request; one that had not begun is taken back."""
    keys = workspace.keys()
    kind = "row" if request.rows else "subject"
    values = [
        keys.row_key(kind="id", value=one.encode()) if request.rows else one.encode()
        for one in request.ids
    ]
    connection = open_index(workspace.index_file)
    try:
        known = [
            requests.exclusion(connection, keys.commitment(kind=kind, value=value))
            for value in values
        ]
        ids = {entry.request for entry in known if entry is not None}
        if len(ids) != 1 or None in known:
            return None
        (request_id,) = ids
        if requests.find_request(connection, request_id).state != "running":
            return None
        folder = workspace.request(request_id)
        if not (folder / "plan.json").exists():
            requests.retract(connection, request_id)
            return None
        return request_id
    finally:
        connection.close()


def _changes(
    workspace: Workspace, request_id: str, plans: Sequence[ModelPlan]
) -> list[ModelChange]:
    opened = load_open(workspace.request(request_id))
    deleted = frozenset(opened.row_keys)
    connection = open_index(workspace.index_file)
    try:
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
                    _regate(workspace, old, snapshot, deleted)
            changes.append(ModelChange(old, plan.model_after, snapshot, plan.guarantee, recorded))
        return changes
    finally:
        connection.close()


def _regate(
    workspace: Workspace, old: models.ModelRecord, folder: Path, deleted: frozenset[bytes]
) -> None:
    """Pass the rows that remain through the gate again."""
    if folder.exists():
        shutil.rmtree(folder)  # a killed run may have left a part
    before = load_snapshot(workspace.absolute(old.paths["data"]))
    features = tuple(name for name, _ in before.inference.features)
    let_through(
        retained(before, deleted), features=features, label=before.inference.label, folder=folder
    )


def _take_back(workspace: Workspace, job: DeletionJob) -> None:
    """After a failure: if no new model is registered, nothing has gone; take the request back."""
    connection = open_index(workspace.index_file)
    try:
        registered = {record.id for record in models.models(connection)}
        if any(change.model_after in registered for change in job.changes):
            return
        if any(change.old.id not in registered for change in job.changes):
            return
        if any(
            not workspace.absolute(change.old.paths["ledger"]).exists() for change in job.changes
        ):
            return
        requests.retract(connection, job.request_id)
    finally:
        connection.close()
    for change in job.changes:
        if change.snapshot is not None and change.snapshot.exists():
            shutil.rmtree(change.snapshot)
    for folder in (
        job.workspace.request(job.request_id),
        job.workspace.pipeline_root / job.name,
    ):
        if folder.exists():
            shutil.rmtree(folder)


def sweep(workspace: Workspace) -> None:
    """Finish the last step of requests that are done but were killed before it."""
    connection = open_index(workspace.index_file)
    try:
        done = [r.id for r in requests.all_requests(connection) if r.state == "done"]
    finally:
        connection.close()
    for request_id in done:
        if (workspace.request(request_id) / OPEN_FILE).exists():
            forget_open_file(workspace, request_id)
