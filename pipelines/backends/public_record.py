"""What runs of pipelines leave, taken into ML Metadata: models, deletions, and what has ended.

All is told by external ids and may run twice: what is there is not written again. The last
component of a pipeline does it, in a process of its own (`unweave.recording`), so nothing here
imports TFX, nor what only runs need.
"""

from collections.abc import Iterable
from pathlib import Path

from lineage_store.errors import MetadataLost
from lineage_store.graph import LineageNode
from lineage_store.index import all_requests, base_of, reading_index
from lineage_store.index.models import ModelRecord, find_model, models
from lineage_store.ledger import Ledger, open_ledger
from lineage_store.mlmd import (
    Metadata,
    Names,
    certificate_of,
    ended_nodes,
    ingest_deletion,
    ingest_model,
    live_descendants,
    live_files,
    made_by_tfx,
    place_of,
    settle,
    stand_in_for,
)
from lineage_store.workspace import Workspace
from unlearning.planning import load_plan


def record_models(workspace: Workspace, model_ids: list[str]) -> None:
    """Write the lineage of models that is not there."""
    _ingest_models(workspace, Metadata.of(workspace), model_ids)


def record_deletion(workspace: Workspace, request_id: str) -> None:
    """Write the new models' lineage, mark what is gone, and record the deletion itself."""
    _record_deletion(workspace, Metadata.of(workspace), request_id)


def record_retirement(workspace: Workspace, record: ModelRecord) -> None:
    """Mark what is gone with a model that was retired."""
    if not made_by_tfx(record):
        return
    with reading_index(workspace) as connection:
        records = {one.id: one for one in models(connection)}
    names = Names(workspace.keys().key_id)
    _mark_deleted(Metadata.of(workspace), workspace, record, records, names, after=None)


def catch_up(workspace: Workspace) -> None:
    """Write what is not there yet of live models and of requests that are done."""
    with reading_index(workspace) as connection:
        records = models(connection)
        done = [one for one in all_requests(connection) if one.state == "done"]
    made = {record.id for record in records if made_by_tfx(record)}
    live = [record.id for record in records if record.state == "live"]
    if not made:
        return
    if not workspace.metadata.is_there():
        raise MetadataLost(
            f"The file of ML Metadata, {workspace.metadata.address}, is gone: restore it from a "
            f"backup, or run unweave doctor `repair`, which makes again what can be."
        )
    metadata = Metadata.of(workspace)
    if metadata.places.formerly:
        settle(workspace, metadata)
        metadata = Metadata.of(workspace)
    names = Names(workspace.keys().key_id)
    ends = {names.of(one, "assembly"): one for one in live if one in made}
    there = metadata.executions_by_external_id(ends)
    _ingest_models(workspace, metadata, [ends[name] for name in ends if name not in there])
    asked = {names.of(request.id, "deletion"): request.id for request in done}
    there = metadata.executions_by_external_id(asked)
    for request_id in (asked[name] for name in asked if name not in there):
        changed = {plan.model_before for plan in load_plan(workspace.request(request_id))}
        if changed <= made:
            _record_deletion(workspace, metadata, request_id)


def stand_in(workspace: Workspace) -> None:
    """Put stand-ins for TFX's artifacts of the models that an orchestrator without MLMD made."""
    with reading_index(workspace) as connection:
        records = sorted(models(connection), key=lambda one: one.ordinal)
    made = {record.id: record for record in records if made_by_tfx(record)}
    metadata = Metadata.of(workspace, create=True)
    names = Names(workspace.keys().key_id)
    for record in made.values():
        if record.state == "live":
            base = made.get(base_of(record) or "")
            stand_in_for(metadata, workspace, names, record, base=base)


def descendants_of(workspace: Workspace, record: ModelRecord) -> list[LineageNode]:
    """Return every live artifact downstream of the data of a model's whole family."""
    metadata = Metadata.of(workspace)
    with reading_index(workspace) as connection:
        records = models(connection)
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    found = live_descendants(metadata, workspace, records, family=record.family, ledger=ledger)
    return [metadata.node(one) for one in found]


def _record_deletion(workspace: Workspace, metadata: Metadata, request_id: str) -> None:
    names = Names(workspace.keys().key_id)
    if metadata.execution_exists(names.of(request_id, "deletion")):
        return  # which is written last
    folder = workspace.request(request_id)
    plans = load_plan(folder)
    after = [plan.model_after for plan in plans if plan.model_after]
    _ingest_models(workspace, metadata, after)
    with reading_index(workspace) as connection:
        records = {record.id: record for record in models(connection)}
    before = [records[plan.model_before] for plan in plans]
    for old, plan in zip(before, plans, strict=True):
        _mark_deleted(
            metadata,
            workspace,
            old,
            records,
            names,
            after=plan.model_after,
            changed=plan.affected_shards,
        )
    ingest_deletion(
        metadata,
        names=names,
        request_id=request_id,
        certificate_uri=certificate_of(metadata, workspace, request_id),
        old_model_uris=[str(workspace.absolute(old.paths["model"])) for old in before],
        new_model_uris=[str(workspace.absolute(records[new].paths["model"])) for new in after],
        guarantees={plan.model_before: plan.guarantee for plan in plans},
    )


def _ingest_models(workspace: Workspace, metadata: Metadata, model_ids: list[str]) -> None:
    names = Names(workspace.keys().key_id)
    with reading_index(workspace) as connection:
        for model_id in model_ids:
            record = find_model(connection, model_id)
            uris = {name: str(workspace.absolute(path)) for name, path in record.paths.items()}
            ledger = open_ledger(Path(uris["ledger"]))
            base: Ledger | None = None
            if (base_id := base_of(record)) is not None:
                paths = find_model(connection, base_id).paths
                base = open_ledger(workspace.absolute(paths["ledger"]))
            ingest_model(metadata, names=names, record=record, ledger=ledger, uris=uris, base=base)


def _mark_deleted(
    metadata: Metadata,
    workspace: Workspace,
    old: ModelRecord,
    records: dict[str, ModelRecord],
    names: Names,
    *,
    after: str | None,
    changed: Iterable[int] = (),
) -> None:
    """Mark TFX's artifacts of the old model, and the nodes whose files the new ledger lacks.

    Files that the new ledger keeps lie in its folder now, and the nodes are told so.
    """
    gone = [metadata.by_uri(str(workspace.absolute(path))) for path in old.paths.values()]
    metadata.mark_deleted(artifact for artifact in gone if artifact is not None)
    kept: Ledger | None = None
    if after is not None:
        kept = open_ledger(workspace.absolute(records[after].paths["ledger"]))
    live = {} if kept is None else live_files(kept, names)
    line = {record.id for record in records.values() if record.family == old.family}
    metadata.mark_deleted(ended_nodes(metadata, names, old, line, live=live))
    shards = set(changed)
    moved = [one for one in live if live[one] or place_of(one).get("shard") in shards]
    nodes = metadata.by_external_id(moved).items()
    metadata.move((node, live[name]) for name, node in nodes if node.uri)
