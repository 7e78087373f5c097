"""What MLMD should hold, built anew by the ingest itself from ledgers, records and log.

    live model     its whole lineage, from its ledger
    ended model    what its successors' ledger still has of it: the stages that were kept
    deletion       its event, from the event log
    TFX's own      stand-ins with the recorded URIs (`stand_ins`)

What no ledger has any more (batches, updates and checkpoints of an ended model that were erased) is
not in it: of that, MLMD alone keeps the history.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from lineage_store.index.descent import base_of
from lineage_store.index.from_log import LoggedDeletion
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import Ledger, open_ledger
from lineage_store.ledger.units import (
    assembled,
    checkpoint_of,
    planned_positions,
    served,
    unit_records,
    units_of_step,
)
from lineage_store.mlmd import stand_ins
from lineage_store.mlmd.ingest import ends_of, ingest_deletion, ingest_model, ingest_units
from lineage_store.mlmd.live_nodes import ENDING, live_files
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.mlmd.names import Names
from lineage_store.mlmd.pages import artifact_pages
from lineage_store.workspace.folder import Workspace


@dataclass(frozen=True)
class Rebuilt:
    """MLMD as it should be; `live` and `ended` are the ids of the models made by TFX.

    `untaken` names the units of steps that were planned and had no row: an older version recorded
    none of them. `taken_back` names those that a subtraction took back: an older version marked
    them, and where the row was shows.
    """

    metadata: Metadata
    names: Names
    live: frozenset[str]
    ended: frozenset[str]
    untaken: frozenset[str] = frozenset()
    taken_back: frozenset[str] = frozenset()


def rebuild(
    workspace: Workspace,
    names: Names,
    records: Iterable[ModelRecord],
    deletions: Iterable[LoggedDeletion],
    *,
    into: Metadata,
    beside: Metadata,
) -> Rebuilt:
    """Build MLMD as it should be in an empty store.

    `beside` is the store that it will be compared with: executions of TFX's are stood in for only
    where that lacks TFX's artifacts. Raises FileNotFoundError or ValueError for a ledger that is
    not whole.
    """
    metadata = into
    made = [record for record in records if stand_ins.made_by_tfx(record)]
    ledgers = {
        record.family: open_ledger(workspace.absolute(record.paths["ledger"]))
        for record in made
        if record.state == "live"
    }
    known = {record.id: record for record in made}
    ledger_ids: dict[str, int] = {}
    for record in sorted(made, key=lambda one: one.ordinal):
        ids = stand_ins.put_artifacts(metadata, workspace, record)
        ledger_ids[record.id] = ids["ledger"]
        base = known.get(base_of(record) or "")
        if stand_ins.is_lost(beside, workspace, record):
            base_ledger = None if base is None else ledger_ids[base.id]
            stand_ins.put_steps(metadata, names, record, ids, base_ledger=base_ledger)
        ledger = ledgers.get(record.family)
        start = None if base is None else ledgers.get(base.family)
        if record.state == "live" and ledger is not None:
            ingest_model(
                metadata,
                names=names,
                record=record,
                ledger=ledger,
                uris=stand_ins.uris_of(workspace, record),
                base=start,
            )
        elif ledger is not None:
            _ended(metadata, names, record, ledger, ids, base=start)
    _mark_ended(metadata, names, ledgers)
    _deletions(metadata, names, workspace, known, list(deletions))
    live = frozenset(record.id for record in made if record.state == "live")
    untaken = frozenset(one for ledger in ledgers.values() for one in _untaken(names, ledger))
    taken_back = frozenset(one for ledger in ledgers.values() for one in _taken_back(names, ledger))
    return Rebuilt(metadata, names, live, frozenset(known) - live, untaken, taken_back)


def _taken_back(names: Names, ledger: Ledger) -> Iterator[str]:
    for shard in ledger.shards():
        positions = shard.subtracted()
        for stage in shard.stages() if positions else ():
            for position in positions.intersection(planned_positions(stage)):
                yield from map(names.unit, units_of_step(stage, position))


def _untaken(names: Names, ledger: Ledger) -> Iterator[str]:
    for shard in ledger.shards():
        for stage in shard.stages():
            taken = {step.position for step in shard.steps(stage.stage)}
            for position in planned_positions(stage):
                if position not in taken:
                    yield from map(names.unit, units_of_step(stage, position))


def _ended(
    metadata: Metadata,
    names: Names,
    record: ModelRecord,
    ledger: Ledger,
    ids: Mapping[str, int],
    *,
    base: Ledger | None,
) -> None:
    """Write what a successor's ledger has kept of an ended model.

    A shard that was kept started from what the successor's `base` has there; where updates were
    subtracted from that, the checkpoint has another name since, and the edge is left to MLMD.
    """
    starts, checkpoints = [], []
    for number, shard in enumerate(ledger.shards()):
        same = base is not None and not base.shard(number).final_file.exists()
        starts.append(served(base, number) if base is not None and same else None)
        stages = shard.stages()
        if not stages or not stages[-1].rows or shard.final_file.exists():
            continue
        # Where a later model trained, or weights were subtracted, it consisted of something else.
        if int(stages[-1].model.removeprefix("m")) <= record.ordinal:
            checkpoints.append(checkpoint_of(stages[-1]))
    ingest_units(
        metadata,
        names,
        chain(
            unit_records(ledger, model=record.id, starts=starts),
            [assembled(record.id, checkpoints)],
        ),
        given=ends_of(record, rows=ids["rows"], model=ids["model"]),
    )


def _mark_ended(metadata: Metadata, names: Names, ledgers: Mapping[str, Ledger]) -> None:
    """Mark what no live model accounts for, as a deletion does."""
    live: set[str] = set()
    for ledger in ledgers.values():
        live |= live_files(ledger, names).keys()
    for page in artifact_pages(metadata):
        ending = [node for node in page if metadata.type_name(node.type_id) in ENDING]
        metadata.mark_deleted(node for node in ending if node.external_id not in live)


def _deletions(
    metadata: Metadata,
    names: Names,
    workspace: Workspace,
    known: Mapping[str, ModelRecord],
    deletions: list[LoggedDeletion],
) -> None:
    certificates = stand_ins.certificate_uris(workspace, (one.request for one in deletions))
    for deletion in deletions:
        if not deletion.models.keys() <= known.keys():
            continue
        certificate = certificates.get(deletion.request, "")
        if certificate:
            stand_ins.put_certificate(metadata, certificate)
        before = deletion.models.keys()
        after = [new for new in deletion.models.values() if new is not None]
        ingest_deletion(
            metadata,
            names=names,
            request_id=deletion.request,
            certificate_uri=certificate,
            old_model_uris=[_model(workspace, known[model]) for model in before],
            new_model_uris=[_model(workspace, known[new]) for new in after if new in known],
            guarantees=dict(deletion.guarantees),
        )


def _model(workspace: Workspace, record: ModelRecord) -> str:
    return str(workspace.absolute(record.paths["model"]))
