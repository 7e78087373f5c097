"""The requests: those that are open by the day on which they are due, each with its one next step.

A page looks at so many requests and no more, so that it costs the same however long the queue is:
what it counts, it counts among the first that are due, and says so where there are more.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from lineage_store.errors import NothingFound
from lineage_store.index import Queued, queue
from lineage_store.requests import After, law_in_force, open_page, over_page
from lineage_store.rights import RIGHTS as EVERY_RIGHT
from unweave.answers import requests as request_answers
from unweave.web.accounts.users import User
from unweave.web.live.at_work_now import work_now
from unweave.web.operations.runs_started import failed_last, others_now, start_due
from unweave.web.process.desk import Desk
from unweave.web.process.headers import policy
from unweave.web.process.rendering import Page, rendered, see
from unweave.web.process.request_words import ELSEWHERE, RIGHTS, STATES, Line, line_of
from unweave.web.process.visits import Visit
from unweave.web.several.part_states import open_elsewhere, parts_of, waiting_for_parts

LINES = 50  # of a page
LOOKED_AT = 200  # for one page, and for what it counts
SHOWN = {"open": "open", "send": "answer to be sent", "over": "over"}
NOTES = {
    "run": "What is due runs now, in a process of its own. This page says how far it is.",
    "busy": "A command is at work in the workspace already.",
}


@dataclass(frozen=True)
class Filters:
    """What of the queue is shown: which part, which right, which state, behind which place."""

    shown: str
    right: str
    state: str
    after: After
    before: int | None

    @classmethod
    def of(cls, visit: Visit) -> "Filters":
        """Read the filters of an address; what is none is left aside."""
        query = visit.query
        shown = query.get("show", "open")
        deadline, _, ordinal = query.get("after", "").rpartition("_")
        return cls(
            shown=shown if shown in SHOWN else "open",
            right=query.get("right", "") if query.get("right") in EVERY_RIGHT else "",
            state=query.get("state", "") if query.get("state") in STATES else "",
            after=After(deadline, _number(ordinal) or 0),
            before=_number(query.get("before", "")),
        )

    def takes(self, told: dict[str, Any], sent: dict[str, str]) -> bool:
        """Say whether a request is to be shown."""
        if self.shown == "send" and (told["request"] in sent or not _is_answered(told)):
            return False
        return self.right in ("", told["right"]) and self.state in ("", told["state"])

    @property
    def place(self) -> str:
        """What a place in this list is called in an address."""
        return "after" if self.shown == "open" else "before"

    def address(self, place: str) -> str:
        """Return the address of the page behind a place; an empty one is the first page."""
        chosen = {"show": self.shown, "right": self.right, "state": self.state, self.place: place}
        return "/?" + urlencode({name: value for name, value in chosen.items() if value})


@dataclass(frozen=True)
class Found:
    """The lines of a page, and the address of the next one, if there may be more."""

    lines: tuple[Line, ...]
    more: str | None


@dataclass(frozen=True)
class Counts:
    """How many are open, late, due soon, and wait for one's role, among those looked at."""

    open: int
    late: int
    soon: int
    mine: int
    every: bool


def show(desk: Desk, visit: Visit) -> Response:
    """Show the queue."""
    filters = Filters.of(visit)
    found, counts = _read(desk, visit, filters)
    work = work_now(desk)
    values = {
        "filters": filters,
        "again": filters.address(visit.query.get(filters.place, "")),
        "shown": SHOWN,
        "rights": RIGHTS,
        "states": STATES,
        "found": found,
        "counts": counts,
        "work": work,
        "live": work.is_on,
        "failed": failed_last(desk),
        "others": others_now(desk),
        "unfinished": _unfinished(desk),
        "result": NOTES.get(visit.query.get("done", "")),
    }
    answer = rendered(Page("queue.html.j2", values, under="/"), visit)
    if work.is_on:
        answer.headers["content-security-policy"] = policy(live=True)
    return answer


def run(desk: Desk, visit: Visit) -> Response:
    """Start what is due, unless somebody is at work."""
    start_due(desk, visit.who)
    return see("/?done=run#result" if visit.who.role == "officer" else "/models")


def _unfinished(desk: Desk) -> list[tuple[Line, list[str], str]]:
    """Return the requests that are over here, the workspaces that each waits for, and its day."""
    found = []
    for request in waiting_for_parts(desk):
        with desk.session.reading() as (workspace, connection), suppress(NothingFound):
            queued = queue.find(connection, request)
            if queued.ended is None or queued.outcome == "cancelled":
                continue
            told = request_answers.line(queued, law_in_force(workspace), today=desk.today)
            stops = [one.place.name for one in parts_of(desk, request) if one.stops is not None]
            if stops:
                line = line_of(told, today=desk.today, sent={})
                found.append((line, stops, told["deadline"]))
    return found


def _read(desk: Desk, visit: Visit, filters: Filters) -> tuple[Found, Counts]:
    with desk.session.reading() as (workspace, connection):
        law, today = law_in_force(workspace), desk.today

        def told(some: Sequence[Queued]) -> list[dict[str, Any]]:
            return [request_answers.line(one, law, today=today) for one in some]

        first = open_page(connection, after=After(), size=LOOKED_AT + 1)
        some, lines = first[:LOOKED_AT], told(first[:LOOKED_AT])
        counts = _counts(lines, visit.who, today, every=len(first) <= LOOKED_AT)
        if filters.shown != "open":
            some = over_page(connection, before=filters.before, size=LOOKED_AT)
            lines = told(some)
        elif filters.after != After():
            some = open_page(connection, after=filters.after, size=LOOKED_AT)
            lines = told(some)
    with desk.accounts() as accounts:
        sent = accounts.sent.among([one.id for one in some])
    elsewhere = open_elsewhere(desk, [one.id for one in some if one.ended is not None])
    chosen = [
        (one, line) for one, line in zip(some, lines, strict=True) if filters.takes(line, sent)
    ]
    kept = [line_of(line, today=today, sent=sent) for _, line in chosen[:LINES]]
    kept = [replace(one, step=ELSEWHERE) if one.request in elsewhere else one for one in kept]
    last = chosen[LINES - 1][0] if len(chosen) > LINES else some[-1] if some else None
    is_more = len(chosen) > LINES or len(some) == LOOKED_AT
    more = None
    if last is not None and is_more:
        more = filters.address(
            f"{last.deadline}_{last.ordinal}" if filters.shown == "open" else str(last.ordinal)
        )
    return Found(tuple(kept), more), counts


def _counts(lines: Sequence[dict[str, Any]], user: User, today: str, *, every: bool) -> Counts:
    found = [line_of(one, today=today, sent={}) for one in lines]
    return Counts(
        open=len(found),
        late=sum(one.urgency == "late" for one in found),
        soon=sum(one.urgency == "soon" for one in found),
        mine=sum(user.role in one.step.by for one in found),
        every=every,
    )


def _is_answered(told: dict[str, Any]) -> bool:
    """Say whether there is something to send: nobody is written to of an exact phase."""
    return told["state"] != "cancelled" and not told["follows"]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 19 else None
