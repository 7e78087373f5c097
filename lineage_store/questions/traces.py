"""The questions that people ask of the lineage, answered from index and ledgers.

Answers are plain values that JSON can hold, the same for the Python API and the command line.
Nothing here imports TensorFlow, TFX or MLMD: which batches saw a row is computed from placement.
"""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict
from typing import Any

from lineage_store.errors import AlreadyForgotten, NothingFound
from lineage_store.index import deletions, models
from lineage_store.index.descent import base_of, descended
from lineage_store.index.manifest import restricted_by
from lineage_store.index.row_index import IndexedRows, rows_of_subjects, snapshots_of_subject
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.secret import Keys
from lineage_store.keys.subject_ids import entries_of
from lineage_store.ledger.shards import Ledger, ShardLedger, open_ledger
from lineage_store.placement import BatchId, Stage, batches_of_rows
from lineage_store.questions.as_of import models_at
from lineage_store.workspace.folder import Workspace

Answer = dict[str, Any]


def trace_subject(
    connection: sqlite3.Connection, workspace: Workspace, keys: Keys, subject: str
) -> Answer:
    """Say what a subject has touched: rows, shards, slices, batches, updates, checkpoints, models.

    Raises NothingFound for a subject that is unknown, or forgotten (and says since when).
    """
    commitment, *_ = entries = entries_of(keys, subject)
    known = deletions.exclusion(connection, *entries)
    forgotten = "" if known is None else f"forgotten on {known.since} (request {known.request})"
    if known is not None and (by := restricted_by(connection, entries)):
        forgotten += f", and is restricted (request {by[0]}): rows may be kept, out of all models"
    if known is not None and known.commitment == commitment:
        raise AlreadyForgotten(f"The subject given was {forgotten}.")
    with closing(Pseudonyms(workspace.pseudonym_file, keys, to_read=True)) as pseudonyms:
        known_as = list(pseudonyms.of_same(subject).values())
    live = models.models(connection, live_only=True)
    snapshots = {one for who in known_as for one in snapshots_of_subject(connection, who)}
    touched = [
        _touched(workspace, record, rows_of_subjects(connection, known_as, record.snapshot))
        for record in live
        if record.snapshot in snapshots
    ]
    if not touched and known is not None:
        raise AlreadyForgotten(f"The subject given was {forgotten}, spelled otherwise.")
    if not touched:
        raise NothingFound("The subject given has no row in any live model.")
    reached = descended(live, (one["model"] for one in touched))
    return {
        "pseudonym": known_as[0].hex(),
        **({"pseudonyms": [one.hex() for one in known_as]} if len(known_as) > 1 else {}),
        "models": touched,
        "descendants": [record.id for record in live if record.id in reached],
    }


def _touched(workspace: Workspace, record: models.ModelRecord, rows: IndexedRows) -> Answer:
    ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
    partition = ledger.partition
    batches: set[BatchId] = set()
    updates = 0
    checkpoints: dict[tuple[int, int], list[str]] = {}
    places, bits = rows.by_slice(partition), rows.batch_bits(grouped=ledger.header.grouped)
    for (shard, slice_), where in places.items():
        part = ledger.shard(shard)
        stages = as_run(part)
        recorded = part.recorded_updates()
        if stages and part.stages()[0].at_once:
            row = rows.row_keys[where[0]].tobytes().hex()
            checkpoints[shard, 0] = [f"row {row}", f"{part.stages()[0].kind} s{shard}"]
        saw = batches_of_rows(
            bits[where],
            shard=shard,
            first_stage=slice_,
            stages=stages,
            seed=partition.seed,
        )
        for batch, indices in saw:
            position = stages[batch.stage].position(epoch=batch.epoch, batch=batch.batch)
            if batch not in batches:
                batches.add(batch)
                updates += position in recorded
            reached = (shard, batch.stage)
            if reached not in checkpoints and part.has_checkpoint(batch.stage):
                row = rows.row_keys[where[indices[0]]].tobytes().hex()
                checkpoints[reached] = [
                    f"row {row}",
                    f"slice s{shard}.r{slice_}",
                    f"batch {batch}",
                    f"update s{shard}.p{position}",
                    f"checkpoint s{shard}.r{batch.stage}",
                ]
    pushed = str(workspace.absolute(record.paths["pushed"]))
    last = checkpoints[max(checkpoints)] if checkpoints else []
    return {
        "model": record.id,
        "rows": len(rows),
        "splits": dict(Counter(rows.splits)),
        "row_keys": [key.tobytes().hex() for key in rows.row_keys],
        "shards": sorted({shard for shard, _ in places}),
        "slices": [{"shard": s, "slice": r, "rows": len(w)} for (s, r), w in places.items()],
        "batches": [str(batch) for batch in sorted(batches)],
        "steps": len(batches),
        "updates_recorded": updates,
        "checkpoints": [
            {"shard": shard, "stage": stage, "why": why}
            for (shard, stage), why in sorted(checkpoints.items())
        ],
        "why": [*last, f"model {record.id}", f"pushed {pushed}"] if last else [],
        "pushed": pushed,
    }


def as_run(shard: ShardLedger) -> list[Stage]:
    """Return the schedule of a shard as it was run."""
    return [Stage(r.stage, r.rows, r.epochs, r.batches, r.first_position) for r in shard.stages()]


def trace_model(
    connection: sqlite3.Connection, workspace: Workspace, model_id: str | None
) -> Answer:
    """Say what a model was made of, by which rules, and what has become of it."""
    record = models.find_model(connection, model_id)
    answer: Answer = model_row(workspace, record) | {
        "config": dict(record.config),
        "report": dict(record.report),
        "ledger": record.ledger,
        "family": [one.id for one in models.of_line(connection, record.family)],
        "request": record.request,
        "deletion": record.request,
    }
    if record.state == "live":
        ledger = open_ledger(workspace.absolute(record.paths["ledger"]))
        header = ledger.header
        answer |= {
            "data": header.data,
            "code": header.code,
            "environment": header.environment,
            "module": asdict(header.module),
            "shards": [_shard_row(ledger, number) for number in range(ledger.partition.shards)],
        }
    return answer


def _shard_row(ledger: Ledger, number: int) -> Answer:
    shard = ledger.shard(number)
    stages = shard.stages()
    return {
        "shard": number,
        "rows": stages[-1].rows if stages else 0,
        "stages": [
            {
                "stage": s.stage,
                "rows": s.rows,
                "steps": s.steps,
                "trained_for": s.model,
                "checkpoint": s.checkpoint_digest if shard.has_checkpoint(s.stage) else None,
            }
            for s in stages
        ],
        "updates_recorded": len(shard.recorded_updates()),
        "updates_subtracted": len(shard.subtracted()),
    }


def model_row(workspace: Workspace, record: models.ModelRecord) -> Answer:
    """Return a model's line in a list of models."""
    live = record.state == "live"
    return {
        "model_id": record.id,
        "model": record.id,
        "state": record.state,
        "guarantee": record.guarantee,
        "created": record.created,
        "ended": record.ended,
        "weights": record.weights,
        "rows": record.report["rows"]["train"],
        "metrics": record.report["metrics"],
        "base": base_of(record),
        "model_path": str(workspace.absolute(record.paths["pushed"])) if live else None,
    }


def list_models(
    connection: sqlite3.Connection, workspace: Workspace, *, time: str | None = None
) -> list[Answer]:
    """List all models that there were at a time (None is now), oldest first."""
    return [model_row(workspace, record) for record in models_at(connection, time)]
