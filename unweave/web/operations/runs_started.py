"""What is due is started in its own process; how far it is, and what of the last failed."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import WorkspaceBusy
from lineage_store.index import deletions
from lineage_store.log import RunAsked
from lineage_store.workspace import who_works
from unweave.web.accounts.users import User
from unweave.web.process.clerk import is_started, said_last, start_run
from unweave.web.process.desk import Desk
from unweave.web.several.joined_workspaces import places_of
from unweave.web.several.keeping_up import keep_up


def start_due(desk: Desk, user: User) -> None:
    """Start what is due, in each workspace; raises WorkspaceBusy while somebody is at work in all.

    What was said of requests is carried over first: where that is not done, nothing is started.
    """
    behind = {one.place.number for one in keep_up(desk, by=user.name)}
    others = [
        one.reached for one in places_of(desk) if one.why is None and one.number not in behind
    ]
    busy = []
    for one in (desk, *others):
        try:
            _start(one, user)
        except WorkspaceBusy as error:
            busy.append(error)
    if len(busy) == 1 + len(others):
        raise busy[0]


def _start(desk: Desk, user: User) -> None:
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


@dataclass(frozen=True)
class OtherWorkspace:
    """Another workspace that is served: why it cannot be reached, what runs there, what failed."""

    name: str
    why: str | None
    runs: bool
    failed: tuple[str, ...]


def others_now(desk: Desk) -> tuple[OtherWorkspace, ...]:
    """Tell of each other workspace that is served how it stands."""
    found = []
    for place in places_of(desk):
        if place.why is not None:
            found.append(OtherWorkspace(place.name, place.why, runs=False, failed=()))
            continue
        there = place.reached
        runs = is_started(there) or who_works(there.root) is not None
        failed = tuple(str(one["error"]) for one in failed_last(there))
        found.append(OtherWorkspace(place.name, None, runs=runs, failed=failed))
    return tuple(found)
