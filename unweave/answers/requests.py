"""The answers of the request queue, as plain values."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lineage_store.index import Queued, all_queued, queue, reading_index
from lineage_store.log import events
from lineage_store.processing.recipients import recipients
from lineage_store.requests import Details, Law, is_kept, law_in_force, name_of
from lineage_store.workspace import Workspace
from unweave.answers.clock import clock
from unweave.answers.own_proofs import own_proofs

if TYPE_CHECKING:
    from pipelines.runs import Group, Planned, Ran, Settled

Answer = dict[str, Any]


def line(request: Queued, law: Law, *, today: str) -> Answer:
    """Return a request's line in a list: nothing in it says whom it is about."""
    return {
        **clock(request, law, today=today),
        "request": request.id,
        "state": request.state(today),
        "kind": request.kind,
        "right": request.invoked.right,
        "ground": request.invoked.ground,
        "restricted_since": request.invoked.since,
        "keep_rows": request.invoked.keep_rows,
        "taken_out": request.invoked.taken_out,
        "lifts_on": request.invoked.lifts_on,
        "because": request.invoked.because,
        "ids": request.size,
        "created": request.created,
        "guarantee": request.options["guarantee"],
        "strategy": request.options["strategy"],
        "exact_by": request.options["exact_by"],
        "held_until": request.held_until,
        "approved": request.approved,
        "follows": request.follows,
        "run": request.run,
        "deletion": request.run,
        "ids_found": request.found,
        "ended": request.ended,
    }


def whole(
    connection: sqlite3.Connection,
    workspace: Workspace,
    request: Queued,
    details: Details | None,
    *,
    today: str,
) -> Answer:
    """Return all of a request: its line, what it keeps in words, and what came of it."""
    answer = line(request, law_in_force(workspace), today=today)
    for name in queue.kept_back_by(connection, request, today=today):
        held = queue.find(connection, name).state(today) == "held"
        what = "A legal hold" if held else "A restriction (Article 18 GDPR)"
        answer["warnings"].append(f"{what} on an id that it names (request {name}) keeps it back.")
    if request.ended is None and request.invoked.taken_out and not is_kept(workspace, request.id):
        answer["warnings"].append(
            f"The rows that {request.invoked.taken_out} took out to be kept are gone: see "
            f"`unweave doctor`."
        )
    answer["history"] = _history(connection, workspace, request.id)
    if details is not None:
        answer |= {
            "named": list(details.ids),
            **details.text(),
            **_waiting_for_an_answer(details),
        }
    run = request.run or request.invoked.taken_out
    if request.ended is not None and run is not None:
        folder = workspace.request(run)
        answer |= {
            "certificate": str(folder.certificate),
            "certificates": own_proofs(connection, workspace, request, today=today),
            "recipients": recipients(connection, workspace, replaced(connection, run)),
        }
    return answer


def _history(connection: sqlite3.Connection, workspace: Workspace, request: str) -> list[Answer]:
    """Return what happened to a request, and who did it as long as that is known."""
    keys = workspace.keys()
    found = []
    for event in events.about(connection, request):
        number = event.body.get("by")
        name = None if number is None else name_of(connection, keys, number)
        found.append({"time": event.time, "what": event.kind, "staff": number, "by": name})
    return found


def _waiting_for_an_answer(details: Details) -> Answer:
    """Return the matches, numbered; what the workspace alone knows is told without the spelling."""
    numbered = list(enumerate(details.near, start=1))
    return {
        "near": [
            {"number": number, "id": one.id, "why": one.why, "rows": one.rows}
            for number, one in numbered
            if not one.sealed
        ],
        "alike": [
            {"number": number, "rows": one.rows, "why": one.why}
            for number, one in numbered
            if one.sealed
        ],
    }


def replaced(connection: sqlite3.Connection, run: str) -> list[str]:
    """Return the models that a run replaced, as the event log has it."""
    from lineage_store.log import RowsDeleted, of_kind

    for _, deleted in of_kind(connection, RowsDeleted):
        if deleted.request == run:
            return list(deleted.models)
    return []


def planned(plans: Sequence[tuple["Group", "Planned"]]) -> Answer:
    """Return what `run-requests` says that it would do."""
    from unweave.answers import runs as answers

    groups = []
    for group, change in plans:
        if group.is_empty:
            continue
        groups.append(
            {
                "requests": list(group.forget.queued),
                **answers.planned_alone(change, group.forget),
            }
        )
    settled = [one for group, _ in plans for one in group.settled]
    return {"dry_run": True, "groups": groups, "settled": [_settled(one) for one in settled]}


def ran(
    workspace: Workspace, done: "Ran", finished: Sequence[str], *, today: str, reveal: bool
) -> Answer:
    """Return what `run-requests` says; `finished` are runs that only lacked their last step.

    `left` counts the requests that have not ended, by state.
    """
    from unweave.answers import runs as answers

    with reading_index(workspace) as connection:
        left = Counter(one.state(today) for one in all_queued(connection, open_only=True))
        proofs = {
            name: own_proofs(connection, workspace, queue.find(connection, name), today=today)
            for name in (
                *(name for run in done.runs for name in run.requests),
                *(one.request for one in done.settled),
            )
        }
    return {
        "runs": [
            {
                "requests": list(run.requests),
                "certificates": {name: proofs[name] for name in run.requests},
                **answers.forgotten(workspace, run.done, seconds=run.seconds, reveal=reveal),
            }
            for run in done.runs
        ],
        "finished": list(finished),
        "settled": [_settled(one) | {"certificates": proofs[one.request]} for one in done.settled],
        "waiting": [{"request": name, "for": by} for name, by in done.barred.items()],
        "failed": [
            {"requests": list(served), "error": str(error), "exit_status": error.exit_status}
            for served, error in done.failed
        ],
        "left": dict(left),
        "exit_status": done.failed[0][1].exit_status if done.failed else 0,
        "ok": not done.failed,
    }


def _settled(one: "Settled") -> Answer:
    return asdict(one) | {"deletion": one.run}
