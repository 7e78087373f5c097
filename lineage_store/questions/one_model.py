"""What reviewers and auditors ask of one model; the answers outlive the model's own files.

Data set, hyperparameters, libraries, pipeline, deployment, failures, subjects, freedom of deleted
rows. All is answered from the index; `pipeline_runs` asks MLMD for the rest.
"""

import sqlite3
from collections.abc import Mapping
from typing import Any

from lineage_store.counted import counted
from lineage_store.errors import NothingFound
from lineage_store.index import deletions, manifest, models, row_index
from lineage_store.index.descent import base_of
from lineage_store.index.failures import failures
from lineage_store.questions.as_of import models_at

Answer = dict[str, Any]


def data_set(record: models.ModelRecord) -> Answer:
    """Say which data a model was trained on: snapshot, digest, rows, columns; never a value."""
    made = _made_with(record)
    spec = made["spec"]
    return {
        "model": record.id,
        "snapshot": record.snapshot,
        "data_digest": made["data_digest"],
        "rows": dict(record.report["rows"]),
        "kept_out": record.report["excluded"],
        "task": record.report["task"],
        "numbers": spec["numbers"],
        "strings": spec["strings"],
        **{role: spec[role] for role in ("weights", "groups") if role in spec},
    }


def _made_with(record: models.ModelRecord) -> Mapping[str, Any]:
    if "made_with" not in record.report:
        raise NothingFound(
            f"An earlier unweave made the model {record.id} and did not keep this of it; while it "
            f"is live, `unweave trace model {record.id}` reads its ledger."
        )
    made: Mapping[str, Any] = record.report["made_with"]
    return made


def hyperparameters(record: models.ModelRecord) -> Answer:
    """Say by which rules a model was trained: partition, epochs, seed, optimizer, model code."""
    made = _made_with(record)
    return {
        "model": record.id,
        **record.config["partition"],
        "record": record.config["record"],
        "aggregate": record.config.get("aggregate", "mean"),
        "class_weights": record.config.get("class_weights", "none"),
        "early_stop": record.config.get("early_stop"),
        "base": base_of(record),
        "module": made["module"],
        "optimizer": made["optimizer"],
        "steps": record.report["steps_full"],
    }


def libraries(record: models.ModelRecord) -> Answer:
    """Say in which environment a model was trained."""
    made = _made_with(record)
    return {"model": record.id, "code": made["code"], "environment": made["environment"]}


def pipeline_of(record: models.ModelRecord) -> str:
    """Return the name of the pipeline that made a model."""
    return f"train-{record.id}" if record.request is None else f"forget-{record.request}"


def deployments(
    connection: sqlite3.Connection, record: models.ModelRecord, *, time: str | None
) -> Answer:
    """Say which versions of a model's family were served, and which was last."""
    family = [one for one in models_at(connection, time) if one.family == record.family]
    served = [
        {
            "model": one.id,
            "version": int(one.paths["pushed"].rpartition("/")[2]),
            "from": one.created,
            "until": one.ended,
            "guarantee": one.guarantee,
            "weights": one.weights,
        }
        for one in family
    ]
    live = [one for one in served if one["until"] is None]
    return {
        "family": record.family,
        "as_of": time,
        "served": live[-1]["model"] if live else None,
        "last": served[-1]["model"] if served else None,
        "versions": served,
    }


def failed_runs(connection: sqlite3.Connection, record: models.ModelRecord | None) -> Answer:
    """Say which runs failed and why: all, or those of the pipeline that made a model."""
    run = None if record is None else pipeline_of(record)
    return {"run": run, "failures": failures(connection, run=run)}


def subjects_of(connection: sqlite3.Connection, record: models.ModelRecord) -> Answer:
    """Say whose rows a model's data snapshot holds today: pseudonyms with numbers of rows."""
    found = row_index.subjects(connection, record.snapshot)
    return {
        "model": record.id,
        "state": record.state,
        "snapshot": record.snapshot,
        "subjects": len(found),
        "rows_by_subject": {pseudonym.hex(): rows for pseudonym, rows in found},
    }


def free_of_deleted(connection: sqlite3.Connection, record: models.ModelRecord) -> Answer:
    """Say whether a model is free of all deleted rows today, and by what reasons.

    `free` is true for a live model that was trained, or retrained exactly, without every row that
    was deleted; false for one that came of subtraction or that a running deletion is about to
    replace; None where that cannot be known: it has ended, and its weights are gone, or it does not
    know people by the columns by which somebody was known who was forgotten.
    """
    if record.state != "live":
        reason = f"it was {record.state} on {record.ended}: its weights are gone"
        return {"model": record.id, "state": record.state, "free": None, "reasons": [reason]}
    requests = deletions.all_requests(connection)
    # A deletion replaces each live model that holds a row of it, or it stays unfinished.
    running = [one.id for one in requests if one.state == "running"]
    reasons = [f"the deletion {one} has not ended: finish it first" for one in running]
    if record.claim.leaves_derived:
        until = record.report.get("derived_until")
        base = base_of(record)
        it = "it" if base is None else f"it or a model that it was trained from ({base})"
        reasons.append(
            f"updates were subtracted from {it}, which is approximate; what learnt from the rows "
            f"is kept until {until}"
        )
    free: bool | None = not reasons
    if free and (unknown := manifest.cannot_know(connection, record)):
        free, reasons = None, unknown
    elif free:
        how = "trained" if record.request is None else "retrained exactly"
        kept_out = record.report["excluded"]
        reasons = [
            f"it was {how} without them: {counted(kept_out, 'row was', 'rows were')} kept out "
            f"when its data came in",
            f"{counted(len(requests), 'deletion has', 'deletions have')} ended, and none left a "
            f"row of theirs in its snapshot",
        ]
    return {"model": record.id, "state": record.state, "free": free, "reasons": reasons}
