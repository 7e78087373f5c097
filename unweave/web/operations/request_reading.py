"""A request as it is read: without a name and, for a reason that is logged, with its people."""

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.index import models, queue
from lineage_store.log import NamesShown
from lineage_store.processing import names_of_lines
from lineage_store.questions import rows_of_people
from lineage_store.requests import Details, open_details
from unweave.answers import requests as request_answers
from unweave.web.accounts.users import User
from unweave.web.process.desk import Desk
from unweave.web.several.joined_workspaces import UNREADABLE
from unweave.web.several.part_states import PartState, part_in, parts_of

WHY_NAMES = {
    "answer": "to answer the person",
    "identity": "to verify who the person is",
    "meant": "to say which spellings are meant",
    "approve": "to decide on an approval",
}
OPEN_TO_ALL = (
    "request", "state", "kind", "right", "ground", "ids", "created", "received", "regime",
    "due_by_law", "deadline", "days_open", "days_left", "late", "overdue", "extended",
    "stands_since", "held_until", "approved", "follows", "run", "ids_found", "ended", "guarantee",
    "strategy", "exact_by", "restricted_since", "lifts_on", "because", "taken_out", "keep_rows",
    "warnings", "certificates",
)  # fmt: skip


@dataclass(frozen=True)
class WhereRows:
    """In how many of its ids' there are rows, and how many in which live model."""

    models: tuple[tuple[str, str, int], ...]
    known: int
    asked: int


@dataclass(frozen=True)
class Asked:
    """A request as it is read: what is told of it, its details if it keeps any, where rows are."""

    told: Mapping[str, Any]
    details: Details | None
    found: WhereRows | None


def read(desk: Desk, request: str) -> Asked:
    """Read a request by the keys that the desk has."""
    with desk.session.reading() as (workspace, connection):
        queued = queue.find(connection, request)
        details = None
        if queued.sealed is not None:
            details = open_details(queued.sealed, queued.id, key=workspace.keys().requests)
        told = request_answers.whole(connection, workspace, queued, details, today=desk.today)
        found = None
        if details is not None and queued.kind == "subject":
            each = rows_of_people(connection, workspace, details.ids)
            served = names_of_lines(workspace)
            lines = {model: line for model, line, _ in models.live_snapshots(connection)}
            rows: Counter[str] = Counter()
            for one in each:
                rows.update(one)
            found = WhereRows(
                models=tuple(
                    (model, served.get(lines[model], ("", False))[0], count)
                    for model, count in sorted(rows.items(), key=_by_number)
                ),
                known=sum(bool(one) for one in each),
                asked=len(each),
            )
    return Asked(told, details, found)


def read_elsewhere(desk: Desk, request: str) -> tuple[tuple[PartState, Asked | None], ...]:
    """Read the parts of a request in other workspaces, each by its own keys; None if it cannot."""
    found = []
    for one in parts_of(desk, request):
        asked = None
        if one.told is not None and one.part is not None:
            with suppress(*UNREADABLE):  # its state says why, when it is asked next
                asked = read(one.place.reached, one.part)
        found.append((one, asked))
    return tuple(found)


def near_of(asked: Asked) -> tuple[Mapping[str, Any], ...]:
    """Return the spellings of a request that wait for an answer, as its command tells them."""
    return (*asked.told.get("near", ()), *asked.told.get("alike", ()))


def names_read_in(
    desk: Desk, user: User, request: str, workspace: str, *, why: str
) -> tuple[Asked, Details]:
    """Read the part of a request in another workspace with its people; it is logged there."""
    there, part = part_in(desk, request, workspace)
    return names_read(there, user, part, why=why)


def names_read(desk: Desk, user: User, request: str, *, why: str) -> tuple[Asked, Details]:
    """Read a request with its people, for a reason of `WHY_NAMES`.

    It is logged before anything is told: a reading that nobody knows of there is not.
    """
    asked = read(desk, request)
    if asked.details is None:
        raise BadInput("The request keeps no names any more: it is over.")
    desk.log(user, lambda number: NamesShown(request, why, number))
    return asked, asked.details


def without_names(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what whoever may see a request may be shown of it: the fields that name nobody."""
    return {name: told[name] for name in OPEN_TO_ALL if name in told}


def history_for(user: User, told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a request; who of the staff did it, an auditor sees by number."""
    numbers = user.role == "auditor"
    return [
        {"time": one["time"], "what": one["what"],
         "by": one["staff"] if numbers else one["by"] or one["staff"]}
        for one in told["history"]
    ]  # fmt: skip


def _by_number(item: tuple[str, int]) -> int:
    return int(item[0].removeprefix("m"))
