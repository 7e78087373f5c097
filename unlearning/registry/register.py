"""Registering a finished model: in the index, in the row index, and in the event log."""

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import sync_tree
from lineage_store.cells import Snapshot, load_snapshot, read_all_keys
from lineage_store.clock import Clock
from lineage_store.data import Schema
from lineage_store.errors import CheckFailed
from lineage_store.index import base_of, logging_events, models, row_index, writing_index
from lineage_store.keys import load_public_key
from lineage_store.ledger import (
    Ledger,
    load_timings,
    open_ledger,
    published_data,
    published_ledger,
    published_weights,
    served_files,
)
from lineage_store.log import ModelMade, events, of_kind
from lineage_store.workspace import Workspace
from unlearning.fitting.fit import metrics_of
from unlearning.registry.new_model import NewModel
from unlearning.training.config import config_of


def record_model(workspace: Workspace, record: models.ModelRecord, *, clock: Clock) -> None:
    """Register a model as live, with all its rows, and log that it was made; safe to repeat.

    It is made when it is registered: from then on it is there for all. All of it is on disk by
    then, since it may take another's place. Raises CheckFailed for a model that a deletion has
    ended.
    """
    for path in record.paths.values():
        sync_tree(workspace.absolute(path), within=workspace.root)
    gated = load_snapshot(workspace.absolute(record.paths["data"]))
    with logging_events(workspace) as connection:
        known = {known.id: known for known in models.models(connection)}
        models.must_not_have_ended(connection, record.id)
        if record.request is None:
            row_index.ingest(
                connection,
                record.snapshot,
                read_all_keys(gated),
                total=sum(gated.rows.values()),
                temporary=workspace.temporary,
            )
        made = known[record.id].created if record.id in known else clock()
        record = replace(record, created=made)
        models.register(connection, record)
        if record.id not in known:
            ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
            served = served_files(workspace.absolute(record.paths["pushed"])).published(ledger)
            events.append(connection, _event(record, served), time=record.created)


def describe_model(
    workspace: Workspace, new: NewModel, *, paths: Mapping[str, Path], created: str = ""
) -> models.ModelRecord:
    """Return the record of a live model, as its ledger and its gated data tell it.

    `paths` names the folders of everything made from its rows; `created` is when it was
    registered, if it was.
    """
    ledger = open_ledger(paths["ledger"])
    return models.ModelRecord(
        id=new.model,
        family=new.family,
        snapshot=new.snapshot,
        state="live",
        created=created,
        guarantee=new.guarantee,
        weights=published_weights(ledger),
        ledger=published_ledger(ledger),
        paths={name: workspace.relative(path) for name, path in paths.items()},
        config=config_of(ledger).to_json(),
        report={**_report(ledger, load_snapshot(paths["data"]), new.model), **new.extra},
        request=new.request,
    )


def must_be_trainable(workspace: Workspace, model: str) -> None:
    """Raise CheckFailed, before any work is done, for a model that a deletion has ended."""
    with writing_index(workspace) as connection:  # a first run may be before any index
        models.must_not_have_ended(connection, model)


def must_be_recorded(
    workspace: Workspace,
    connection: sqlite3.Connection,
    record: models.ModelRecord,
    ledger: Ledger,
) -> None:
    """Check a ledger against the event log, and what that says of it against the signed head.

    This is what makes digests of reused checkpoints worth something: whoever changes a ledger
    would have to sign a new log. The event alone is proven, and the whole log is checked only if
    that fails. Raises CheckFailed, saying which of the two does not hold.
    """
    public_key = load_public_key(workspace.public_key)
    if not workspace.head_file.exists():
        raise CheckFailed(
            f"The signed head of the event log, {workspace.head_file.name}, is gone: nothing was "
            f"changed; restore it from a backup."
        )
    signed = events.verify_head(workspace.head_file.read_bytes(), public_key, origin=events.ORIGIN)
    made = [(event, one) for event, one in of_kind(connection, ModelMade) if one.model == record.id]
    if not all(events.is_covered(connection, event, signed) for event, _ in made):
        events.check(connection, earlier=signed)
    if [one.ledger for _, one in made] != [published_ledger(ledger)]:
        raise CheckFailed(
            f"The ledger of {record.id} is not the one that was recorded when it was trained: "
            f"nothing was changed; restore the workspace from a backup, or train again."
        )


def _report(ledger: Ledger, snapshot: Snapshot, model: str) -> dict[str, Any]:
    stages = [stage for shard in ledger.shards() for stage in shard.stages()]
    mine = [stage for stage in stages if stage.model == model]
    timings = load_timings(ledger.folder)
    return {
        "metrics": metrics_of(ledger),
        "rows": dict(snapshot.rows),
        "task": snapshot.schema.labels[0].task if snapshot.schema.labels else None,
        "steps": ledger.steps_taken(model=model),
        "steps_full": sum(s.steps for s in stages if s.stage < ledger.partition.slices),
        "step_seconds": sum(stage.seconds for stage in mine),
        "made_with": _made_with(ledger),
        **({} if timings is None else {"timings": timings.to_json()}),
    }


def _made_with(ledger: Ledger) -> dict[str, Any]:
    """Keep of a ledger's header what may outlive the model: no class, which is a value."""
    header = ledger.header
    schema = Schema.from_json(header.data["inference"])
    names = {"numbers": schema.names("number"), "strings": schema.names("text")}
    for role, columns in (("weights", schema.weights), ("groups", schema.groups)):
        if columns:
            names[role] = tuple(column.name for column in columns)
    return {
        "data_digest": published_data(ledger),
        "spec": {role: list(columns) for role, columns in names.items()},
        "module": asdict(header.module),
        "optimizer": dict(header.optimizer),
        "code": header.code,
        "environment": dict(header.environment),
    }


def _event(record: models.ModelRecord, served: str | None) -> ModelMade:
    return ModelMade(
        model=record.id,
        family=record.family,
        guarantee=record.guarantee,
        request=record.request,
        weights=record.weights,
        ledger=record.ledger,
        base=base_of(record),
        served=served,
    )
