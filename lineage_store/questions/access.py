"""Access (GDPR, Article 15): all that a workspace holds about a person, as they stand in it.

Rows are read from the gated data of every live model, in the types and columns that it was trained
on; columns that were dropped, and the id itself, never came in. Beside them: which models, batches,
updates and checkpoints they went into, and which requests there were about the person.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

from lineage_store.cells.snapshot import Snapshot, load_snapshot, read_keys, read_snapshot
from lineage_store.data.record import UNLABELLED
from lineage_store.index import models, queue
from lineage_store.keys.secret import Keys
from lineage_store.keys.subject_ids import entries_of
from lineage_store.questions.traces import trace_subject
from lineage_store.workspace.folder import Workspace


def held_about(
    connection: sqlite3.Connection, workspace: Workspace, keys: Keys, subject: str, *, today: str
) -> dict[str, Any]:
    """Return what is held about a subject.

    Raises NothingFound for one that is unknown, or forgotten (and says since when).
    """
    traced = trace_subject(connection, workspace, keys, subject)
    records = {record.id: record for record in models.models(connection, live_only=True)}
    for touched in traced["models"]:
        snapshot = load_snapshot(workspace.absolute(records[touched["model"]].paths["data"]))
        touched["held"] = list(_rows(snapshot, frozenset(touched["row_keys"])))
    requests = queue.with_ids(connection, entries_of(keys, subject))
    return {
        "subject": subject,
        "on": today,
        **traced,
        "requests": [
            {
                "request": request.id,
                "asked": request.created,
                "deadline": request.deadline,
                "state": request.state(today),
                "run": request.run,
                "deletion": request.run,
            }
            for request in requests
        ],
    }


def _rows(snapshot: Snapshot, wanted: frozenset[str]) -> Iterator[dict[str, Any]]:
    names = [column.name for column in snapshot.schema.all]
    for split in snapshot.splits:
        for record in read_snapshot(snapshot, split):
            if record.row_key.hex() in wanted:
                values = dict(zip(names, record.values, strict=True))
                yield {"row_key": record.row_key.hex(), "split": split, "values": values}
    for record in read_keys(snapshot, UNLABELLED):
        if record.row_key.hex() in wanted:
            yield {"row_key": record.row_key.hex(), "split": record.split, "values": None}
