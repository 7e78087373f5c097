"""How a workspace stands: models, requests, exclusions, what is kept after an approximate deletion.

In a file of its own: the event log brings cryptography with it, which no trace should wait for.
"""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.index import deletions, models, queue
from lineage_store.log import events, open_jumps
from lineage_store.processing import kept_until, load_named
from lineage_store.questions.published_before import told_of_earlier
from lineage_store.workspace.at_work import who_works
from lineage_store.workspace.folder import Workspace

Answer = dict[str, Any]


def status(connection: sqlite3.Connection, workspace: Workspace, *, time: str) -> Answer:
    """Say how a workspace stands; by `time`, that of now, it is told what is overdue."""
    today = time[:10]
    requests = deletions.all_requests(connection)
    queued = queue.all_queued(connection, open_only=True)
    head = events.head(connection)
    return {
        "workspace": str(workspace.root),
        "key_id": workspace.keys().key_id,
        "models": models.states(connection),
        "requests": dict(Counter(request.state for request in requests)),
        "queue": dict(Counter(request.state(today) for request in queued)),
        "overdue": [
            request.id
            for request in queued
            if request.deadline < today and (request.term is None or request.term.standing is None)
        ],
        **_begun(workspace, [request.id for request in requests if request.state == "running"]),
        "excluded": len(deletions.manifest(connection)),
        "retention_over": _over(connection, workspace, today=today),
        "derived": derived(connection, workspace, today=today),
        "earlier": told_of_earlier(connection),
        "clock_jumps": [one.to_json() for one in open_jumps(connection, time=time)],
        "event_log": {"size": head.size, "root": head.root.hex()},
        "bytes": sum(f.stat().st_size for f in workspace.root.rglob("*") if f.is_file()),
    }


def _begun(workspace: Workspace, begun: list[str]) -> Answer:
    """Tell the deletions that a command is at from those that one was killed at."""
    worker = who_works(workspace.root)
    if worker is None:
        return {"running": [], "at_work": None, "unfinished": begun}
    return {"running": begun, "at_work": asdict(worker), "unfinished": []}


def _over(connection: sqlite3.Connection, workspace: Workspace, *, today: str) -> list[Answer]:
    """List the versions of named models whose time is over; without the secret none is known."""
    with suppress(BadInput):
        kept = kept_until(connection, load_named(workspace)).values()
        return [asdict(one) for one in kept if one.is_over(today)]
    return []


def derived(
    connection: sqlite3.Connection, workspace: Workspace, *, today: str
) -> list[Mapping[str, Any]]:
    """List what live approximate models still keep that was computed after forgotten rows."""
    found: list[Mapping[str, Any]] = []
    for record in models.models(connection, live_only=True):
        if not record.claim.leaves_derived:
            continue
        until = record.report.get("derived_until") or ""
        late = bool(until) and until < today
        entry = {"model": record.id, "guarantee": record.guarantee, "until": until, "overdue": late}
        found.append(entry)
    return found
