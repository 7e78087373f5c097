"""The index against the event log, the ledgers and the snapshots: what differs, and its repair.

Comparing writes nothing. The log comes first: if it does not agree with its signed head, nothing
else is compared, since nothing could be believed. Repairing puts back the records and rows that
were found to differ, and never brings back what has ended: a record that says so stays as it is,
and rows come only from the snapshots of live models that their ledgers name.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest_file
from lineage_store.cells import Snapshot, load_snapshot
from lineage_store.doctor import Difference, compare_parts, compare_rows, fault_of, write_again
from lineage_store.errors import CheckFailed
from lineage_store.index import (
    Logged,
    LoggedDeletion,
    LoggedModel,
    check_log,
    deletions,
    models,
    read_logged,
)
from lineage_store.index.models import ModelRecord
from lineage_store.workspace import Workspace
from unlearning.registry.rebuilt_records import OnDisk, on_disk, record_again
from unlearning.training.config import TrainConfig

FIELDS = {
    "family": "family",
    "snapshot": "number of its snapshot",
    "created": "time",
    "guarantee": "guarantee",
    "request": "request",
    "weights": "commitment to its weights",
    "ledger": "commitment to its ledger",
    "paths": "folders",
    "config": "configuration",
    "report": "report",
    "ended": "time of its end",
}
UNREADABLE = (OSError, ValueError, KeyError, TypeError, CheckFailed)


@dataclass(frozen=True)
class IndexFindings:
    """What differs, and what the index must be given: records, snapshots by number.

    `live` are the numbers of the snapshots whose rows the index must hold, `models` all records as
    they should be. `logged` is None if the log cannot be believed. `incomplete` says that a model's
    record or a live model's ledger is not to be had, so that MLMD cannot be made again from them.
    """

    differences: tuple[Difference, ...]
    records: tuple[ModelRecord, ...] = ()
    snapshots: Mapping[int, Snapshot] | None = None
    live: frozenset[int] = frozenset()
    models: tuple[ModelRecord, ...] = ()
    logged: Logged | None = None
    incomplete: bool = True


def compare_index(connection: sqlite3.Connection, workspace: Workspace) -> IndexFindings:
    """Compare the index with what the log and the disk say."""
    try:
        check_log(connection, workspace)
        logged = read_logged(connection)
    except CheckFailed as error:
        what = f"{str(error).rstrip('.')}; nothing else was compared, since the log decides it"
        return IndexFindings((Difference("event log", what, False),))
    known = {record.id: record for record in models.models(connection)}
    differences: list[Difference] = []
    records: list[ModelRecord] = []
    snapshots: dict[int, Snapshot] = {}
    live = {one.snapshot for one in logged.models if one.state == "live"}
    excluded = deletions.manifest(connection)
    incomplete = False
    for model in logged.models:
        record = known.get(model.id)
        if model.state != "live":
            differences += _ended(model, record, records)
            continue
        found = on_disk(workspace, model, record)
        differences += [
            Difference(
                f"disk, model {model.id}", f"{_named(name)}: restore it from a backup", False
            )
            for name in found.missing
        ]
        differences += _live(workspace, model, found, known, records)
        incomplete |= found.ledger is None
        snapshot, fault = _data_of(workspace, model, found, excluded)
        differences += fault
        if snapshot is not None and (rows := compare_rows(connection, model.snapshot, snapshot)):
            snapshots[model.snapshot] = snapshot
            differences += rows
    for model_id in sorted(known.keys() - {model.id for model in logged.models}):
        what = "the event log has no such model: restore the log, or find out who wrote the record"
        differences.append(Difference(f"index, model {model_id}", what, False))
    differences += compare_parts(connection, live)
    for deletion in logged.deletions:
        differences += _deletion(connection, workspace, deletion)
    right = known | {record.id: record for record in records}
    incomplete |= any(
        model.id not in right or right[model.id].state != model.state for model in logged.models
    )
    return IndexFindings(
        differences=tuple(differences),
        records=tuple(records),
        snapshots=snapshots,
        live=frozenset(live),
        models=tuple(right[model.id] for model in logged.models if model.id in right),
        logged=logged,
        incomplete=incomplete,
    )


def repair_index(
    connection: sqlite3.Connection, findings: IndexFindings, *, temporary: Path
) -> None:
    """Put back what was found to differ, in one transaction."""
    if findings.snapshots is None:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        for record in findings.records:
            if record.state == "live":
                models.must_not_have_ended(connection, record.id)
            models.register(connection, record)
        write_again(connection, findings.snapshots, live=findings.live, temporary=temporary)


def _data_of(
    workspace: Workspace, model: LoggedModel, found: OnDisk, excluded: frozenset[str]
) -> tuple[Snapshot | None, list[Difference]]:
    """Return the data of a live model if it can be believed, or what is wrong with it."""
    if found.ledger is None or "data" in found.missing:
        return None, []  # told already
    folder, described = found.paths["data"], found.ledger.header.data
    fault = fault_of(folder, described, excluded=excluded, keys=workspace.keys())
    if fault is not None:
        return None, [Difference(f"disk, snapshot of {model.id}", fault, False)]
    return load_snapshot(folder), []


def _named(name: str) -> str:
    if name == "ledger":
        return "there is no ledger with the digest that the event log names"
    return f"its folder `{name}` is not there"


def _ended(
    model: LoggedModel, record: ModelRecord | None, records: list[ModelRecord]
) -> list[Difference]:
    """Compare the record of an ended model with the log: its data is gone, the record stays."""
    where = f"index, model {model.id}"
    if record is None:
        what = "the record of this ended model is missing; what it was made of was only there"
        return [Difference(where, what, False)]
    right = replace(_as_logged(record, model), state=model.state, ended=record.ended or model.ended)
    found = _differences(where, record, right)
    if record.state != right.state:
        what = f"it is {record.state}, but a deletion has ended it: it is {model.state}"
        found.append(Difference(where, what, True))
    if found:
        records.append(right)
    return found


def _live(
    workspace: Workspace,
    model: LoggedModel,
    found: OnDisk,
    known: Mapping[str, ModelRecord],
    records: list[ModelRecord],
) -> list[Difference]:
    where, record = f"index, model {model.id}", known.get(model.id)
    if record is not None and record.state != "live":
        what = f"it is {record.state}, but the event log has no deletion of it: it stays as it is"
        return [Difference(where, what, False)]
    right: ModelRecord | None = None
    if not found.missing:
        try:
            right = record_again(workspace, model, found, known=record, others=known)
        except UNREADABLE:
            return [Difference(f"disk, model {model.id}", "its files cannot be read", False)]
        if right.weights != model.weights:
            what = "its weights are not those that the event log names: restore them from a backup"
            return [Difference(f"disk, model {model.id}", what, False)]
    elif record is not None:
        right = _as_logged(record, model)
    if record is None:
        differs = [Difference(where, "its record is missing", right is not None)]
    elif right is not None:
        differs = _differences(where, record, right)
    if differs and right is not None:
        records.append(right)
    return differs


def _as_logged(record: ModelRecord, model: LoggedModel) -> ModelRecord:
    return replace(
        record,
        family=model.family,
        snapshot=model.snapshot,
        created=model.created,
        guarantee=model.guarantee,
        request=model.request,
        weights=model.weights,
        ledger=model.ledger,
    )


def _differences(where: str, record: ModelRecord, right: ModelRecord) -> list[Difference]:
    # Compared as JSON, which is how the index keeps them: a tuple comes back as a list.
    one, other = (json.loads(json.dumps(asdict(value))) for value in (record, right))
    for value in (one, other):
        value["config"] = _config_as_today(value["config"])
    return [
        Difference(where, f"the {name} is not as it was recorded", True)
        for field, name in FIELDS.items()
        if one[field] != other[field]
    ]


def _config_as_today(config: dict[str, Any]) -> Any:
    """Give a configuration the options that it lacks, since its unweave did not have them yet."""
    try:
        return config | json.loads(json.dumps(TrainConfig.from_json(config).to_json()))
    except (KeyError, TypeError):
        return config  # not one that any unweave wrote: that differs


def _deletion(
    connection: sqlite3.Connection, workspace: Workspace, deletion: LoggedDeletion
) -> list[Difference]:
    """Compare a deletion's request, manifest entries and certificate with the log."""
    where = f"index, request {deletion.request}"
    found = []
    state = connection.execute(
        "SELECT state FROM requests WHERE id = ?", (deletion.request,)
    ).fetchone()
    if state is None:
        found.append(Difference(where, "its record is missing: restore it from a backup", False))
    kept = connection.execute(
        "SELECT count(*) FROM exclusions WHERE request = ?", (deletion.request,)
    ).fetchone()
    wanted = 1 if deletion.ids is None else deletion.ids  # an exact phase names nobody
    if kept[0] < wanted - deletion.lifted:
        what = "the exclusion manifest lacks entries of it, so their subjects are not kept out"
        found.append(Difference(where, f"{what}: restore the index from a backup", False))
    certificate = workspace.request(deletion.request).certificate
    if not certificate.exists() or digest_file(certificate) != deletion.certificate:
        what = "its certificate is not the one that the event log names: restore it from a backup"
        found.append(Difference(f"disk, request {deletion.request}", what, False))
    return found
