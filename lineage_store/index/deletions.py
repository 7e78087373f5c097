"""Deletion requests and the exclusion manifest.

A request is *running* from when it is recorded until its certificate is written; the manifest's
entries are written with it, before anything else happens, so that a killed run can be found again
by the ids alone. The manifest keeps keyed commitments: it is the one place that still recognises
who was forgotten (`manifest.py` says how it is asked). Why somebody is forgotten is free text,
which may name him: it is not here.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lineage_store.errors import NothingFound, Unfinished, WorkspaceBusy
from lineage_store.workspace.at_work import AtWork

RequestState = Literal["running", "done"]


@dataclass(frozen=True)
class Request:
    """A recorded request: `options` are what was asked, `result` what came of it."""

    id: str
    created: str
    state: RequestState
    options: Mapping[str, Any]
    ended: str | None = None
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Exclusion:
    """One entry of the manifest: who is kept out, by which request, since when.

    `models` are the live models that held rows of it when it was asked for.
    """

    commitment: str
    kind: str
    request: str
    since: str
    models: tuple[str, ...] = ()


def record(
    connection: sqlite3.Connection,
    *,
    commitments: Sequence[tuple[str, str, Sequence[str]]],
    options: Mapping[str, Any],
    time: str,
    queued: Sequence[str] = (),
) -> Request:
    """Record a request and its manifest entries (kind, commitment, models) in one go.

    `queued` are the requests of the queue (`queue.py`) that it serves: they run from here on.
    """
    (last,) = connection.execute("SELECT coalesce(max(ordinal), 0) FROM requests").fetchone()
    request = Request(f"r{last + 1}", time, "running", dict(options))
    with connection:
        connection.execute(
            "INSERT INTO requests (ordinal, id, created, state, options) VALUES (?, ?, ?, ?, ?)",
            (last + 1, request.id, time, "running", json.dumps(options, sort_keys=True)),
        )
        connection.executemany(
            "INSERT INTO exclusions VALUES (?, ?, ?, ?, ?)",
            [
                (commitment, kind, request.id, time, json.dumps(list(models)))
                for kind, commitment, models in commitments
            ],
        )
        connection.executemany(
            "UPDATE queue SET run = ? WHERE id = ?", [(request.id, one) for one in queued]
        )
    return request


def clear_reasons(connection: sqlite3.Connection) -> bool:
    """Erase the reasons that an earlier unweave kept in clear; say whether there were any."""
    gone = connection.execute("UPDATE requests SET reason = NULL WHERE reason IS NOT NULL")
    return gone.rowcount > 0


def retract(connection: sqlite3.Connection, request_id: str) -> None:
    """Take back a request that changed nothing else; what it served waits again.

    Part of the caller's transaction.
    """
    for table in ("excluded_rows", "excluded_alike"):
        connection.execute(
            f"DELETE FROM {table} WHERE entry IN "
            "(SELECT commitment FROM exclusions WHERE request = ?) "
            "AND entry NOT IN (SELECT commitment FROM restricted)",
            (request_id,),
        )
    connection.execute("DELETE FROM exclusions WHERE request = ?", (request_id,))
    connection.execute("DELETE FROM requests WHERE id = ?", (request_id,))
    connection.execute("UPDATE queue SET run = NULL WHERE run = ?", (request_id,))


def finish(
    connection: sqlite3.Connection, request_id: str, *, result: Mapping[str, Any], time: str
) -> None:
    """Mark a request as done, with what came of it."""
    connection.execute(
        "UPDATE requests SET state = 'done', ended = ?, result = ? WHERE id = ?",
        (time, json.dumps(result, sort_keys=True), request_id),
    )


def find_request(connection: sqlite3.Connection, request_id: str) -> Request:
    """Return a request; raises NothingFound if there is none of that id."""
    row = connection.execute("SELECT * FROM requests WHERE id = ?", (request_id,)).fetchone()
    if row is None:
        raise NothingFound("There is no such request in the workspace.")
    return _request(row)


def all_requests(connection: sqlite3.Connection) -> list[Request]:
    """List the requests, oldest first."""
    return [_request(row) for row in connection.execute("SELECT * FROM requests ORDER BY ordinal")]


def must_be_none_running(
    connection: sqlite3.Connection, *, but: str | None = None, worker: AtWork | None = None
) -> None:
    """Raise Unfinished, naming the request, if an interrupted deletion waits to be finished.

    `worker` is who is at work in the workspace, where that may be another command: then it is
    WorkspaceBusy, since nothing was interrupted.
    """
    for one, created in connection.execute(
        "SELECT id, created FROM requests WHERE state = 'running' ORDER BY ordinal"
    ).fetchall():
        if one != but and worker is not None:
            raise WorkspaceBusy(
                f"The deletion {one} of {created} is running ({worker.in_words()}): ask again when "
                f"it has ended."
            )
        if one != but:
            raise Unfinished(
                f"The deletion {one} of {created} was interrupted: run the same command again "
                f"(forget or run-requests), which finishes it, before anything else."
            )


def exclusion(connection: sqlite3.Connection, *commitments: str) -> Exclusion | None:
    """Return the manifest's entry for the first of some commitments that has one, or None."""
    for commitment in commitments:
        row = connection.execute(
            "SELECT * FROM exclusions WHERE commitment = ?", (commitment,)
        ).fetchone()
        if row is not None:
            return Exclusion(**{**dict(row), "models": tuple(json.loads(row["models"]))})
    return None


def manifest(connection: sqlite3.Connection) -> frozenset[str]:
    """Return all commitments of the exclusion manifest."""
    return frozenset(row[0] for row in connection.execute("SELECT commitment FROM exclusions"))


def _request(row: sqlite3.Row) -> Request:
    return Request(
        id=row["id"],
        created=row["created"],
        state=row["state"],
        options=json.loads(row["options"]),
        ended=row["ended"],
        result=json.loads(row["result"]) if row["result"] else None,
    )
