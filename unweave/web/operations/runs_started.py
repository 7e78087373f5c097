"""What is due is started in its own process; how far it is, and what of the last failed."""

import sqlite3
from typing import Any

from lineage_store.errors import WorkspaceBusy
from lineage_store.index import deletions
from lineage_store.log import RunAsked
from lineage_store.workspace import who_works
from unweave.web.accounts.users import User
from unweave.web.process.clerk import is_started, said_last, start_run
from unweave.web.process.desk import Desk


def start_due(desk: Desk, user: User) -> None:
    """Start what is due; raises WorkspaceBusy while somebody is at work."""
    with desk.starting:
        if is_started(desk) or who_works(desk.root) is not None:
            raise WorkspaceBusy(
                "A command is at work in the workspace already: wait for it to end."
            )
        desk.log(user, RunAsked)
        start_run(desk)


def running_now(desk: Desk, connection: sqlite3.Connection) -> dict[str, Any] | None:
    """Tell which deletion runs, since when, for which requests, and how far it is."""
    worker = who_works(desk.root)
    if worker is None:
        return None
    begun = [one.id for one in deletions.all_requests(connection) if one.state == "running"]
    served = [
        row["id"]
        for run in begun
        for row in connection.execute("SELECT id FROM queue WHERE run = ? ORDER BY ordinal", (run,))
    ]
    return {
        "deletions": begun,
        "requests": served,
        "since": worker.since,
        "what": worker.what,
        "done": worker.done,
        "total": worker.total,
    }


def failed_last(desk: Desk) -> list[dict[str, Any]]:
    """Return what the last run that was started here says that failed."""
    said = said_last(desk)
    if said is None or is_started(desk) or who_works(desk.root) is not None:
        return []
    if "error" in said:
        return [{"requests": [], "error": said["error"]}]
    return list(said.get("failed", ()))
