"""How the desk stands, as Prometheus reads it (text exposition format 0.0.4): numbers, no names.

A number that there is none of, the age of a run while nothing runs say, is left out.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta

from lineage_store.errors import CheckFailed
from lineage_store.keys import load_public_key
from lineage_store.log import ORIGIN, events
from lineage_store.workspace import Workspace, last_audit, who_works
from unweave.web.process.desk import Desk

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
SOON = 7  # days
COUNTED = "SELECT count(*) FROM queue WHERE ended IS NULL AND deadline < ?"
Sample = tuple[str, str, float]  # name, what it is, value


def metrics(desk: Desk) -> str:
    """Return all that is measured, as text."""
    with desk.session.reading() as (workspace, connection):
        samples = [*_queue(desk, connection), *_log(desk, workspace, connection)]
    samples += _ages(desk)
    return "".join(
        f"# HELP unweave_{name} {what}\n# TYPE unweave_{name} gauge\nunweave_{name} {value}\n"
        for name, what, value in samples
    )


def _queue(desk: Desk, connection: sqlite3.Connection) -> Iterator[Sample]:
    today = desk.today
    soon = (date.fromisoformat(today) + timedelta(days=SOON + 1)).isoformat()
    late = _count(connection, today)
    yield "requests_open", "Requests that have not ended.", _count(connection, "9999-99-99")
    yield "requests_late", "Open requests whose deadline has passed.", late
    due = _count(connection, soon) - late
    yield "requests_due", f"Open requests that are due within {SOON} days.", due


def _count(connection: sqlite3.Connection, before: str) -> int:
    (found,) = connection.execute(COUNTED, (before,)).fetchone()
    return int(found)


def _log(desk: Desk, workspace: Workspace, connection: sqlite3.Connection) -> Iterator[Sample]:
    yield "log_events", "Events in the log.", events.head(connection).size
    with suppress(OSError, CheckFailed):  # a head that is gone, or does not hold, has no numbers
        data = workspace.head_file.read_bytes()
        signed = events.verify_head(data, load_public_key(workspace.public_key), origin=ORIGIN)
        yield "log_head_events", "Events that the signed head covers.", signed.size
        age = max(0.0, desk.now().timestamp() - workspace.head_file.stat().st_mtime)
        yield "log_head_age_seconds", "Since the head was signed.", age


def _ages(desk: Desk) -> Iterator[Sample]:
    worker, audit = who_works(desk.root), last_audit(desk.root)
    if worker is not None:
        yield (
            "run_age_seconds",
            "Since the command at work began.",
            _since(desk, worker.since),
        )
    if audit is not None:
        yield "audit_age_seconds", "Since the last audit.", _since(desk, audit.time)
        yield "audit_findings", "What the last audit found.", audit.findings


def _since(desk: Desk, time: str) -> float:
    return max(0.0, (desk.now() - datetime.fromisoformat(time)).total_seconds())
