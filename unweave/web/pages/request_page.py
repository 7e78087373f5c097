"""One request: its clock and its one next step, where its rows are, what was done, what proves it.

The page names nobody. In answer to a form in which the reader says why, it is shown with the ids
and words that the request keeps, and an event says that they were read.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from lineage_store.errors import BadInput
from lineage_store.index import models, queue
from lineage_store.log import NamesShown
from lineage_store.processing import names_of_lines
from lineage_store.questions import rows_of_people
from lineage_store.requests import Details, law_in_force, open_details
from lineage_store.rights import ENDS, TAKEN_BACK, grounds_to_refuse
from unweave.answers import requests as request_answers
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import files_of
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.request_words import RIGHTS, due_words, line_of
from unweave.web.process.visits import Visit

WHY = {
    "answer": "to answer the person",
    "identity": "to verify who the person is",
    "meant": "to say which spellings are meant",
    "approve": "to decide on an approval",
}
NOTES = {
    "filed": "The request is filed.",
    "known": "This is asked for already: here is the request that waits.",
    "meant": "It is written down who is meant.",
    "approved": "The request is approved.",
    "stopped": "The clock stands from today, until the person has answered.",
    "resumed": "The clock goes on.",
    "extended": "The time is extended: tell the person, within the first month.",
    "held": "The request is on hold.",
    "released": "The hold has ended.",
    "kept": "The next run takes the rows out of the models, and keeps them sealed.",
    "upheld": "The objection is upheld: the next run erases what it names.",
    "announced": "The end is announced. Its letter is below, to be handed over and sent.",
    "lifted": "The restriction is lifted: send the person its letter.",
    "refused": "The request is refused. Its letter is below, to be handed over and sent.",
    "cancelled": "The request is taken back, and what it kept in words is erased.",
    "written": "It is written. Hand the file over, send it, and say so.",
    "erased": "What was written is erased here.",
    "sent": "It is written down that the answer was sent, and what was written is erased.",
}
LANGUAGES = (("en", "English"), ("de", "Deutsch"))
TEXTS = {
    "requester": "asked by",
    "reason": "reason",
    "legal_basis": "legal basis",
    "came_by": "came by",
    "verified_by": "identity verified by",
    "verified_how": "verified how",
    "added_by": "filed by",
    "approved_by": "approved by",
    "hold_reason": "held because",
    "doubt": "doubted",
}


@dataclass(frozen=True)
class People:
    """The ids and words that a request keeps, and its spellings that look alike, by number."""

    named: tuple[str, ...]
    texts: tuple[tuple[str, str], ...]
    spellings: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A request as it is read: what is told of it, its details if it keeps any, where rows are."""

    told: Mapping[str, Any]
    details: Details | None
    found: "WhereRows | None"


@dataclass(frozen=True)
class WhereRows:
    """In how many of its ids' there are rows, and how many in which live model."""

    models: tuple[tuple[str, str, int], ...]
    known: int
    asked: int


def show(desk: Desk, visit: Visit) -> Response:
    """Show a request, without a name."""
    note = NOTES.get(visit.query.get("done", ""))
    return _page(desk, visit, read(desk, visit.path["request"]), None, values={"result": note})


def names(desk: Desk, visit: Visit) -> Response:
    """Show a request with its people, and log why somebody read them."""
    request, why = visit.path["request"], visit.form.maybe("why")
    if why not in WHY:
        return shown_again(desk, visit, "Say why you read the names.", at="why")
    asked = read(desk, request)
    if asked.details is None:
        raise BadInput("The request keeps no names any more: it is over.")
    # Logged before anything is shown: a reading that nobody knows of there is not.
    desk.log(visit.who, lambda number: NamesShown(request, why, number))
    texts = asked.details.text()
    people = People(
        named=asked.details.ids,
        texts=tuple((words, texts[name]) for name, words in TEXTS.items() if texts.get(name)),
        spellings={number: one.id for number, one in enumerate(asked.details.near, start=1)},
    )
    return _page(desk, visit, asked, people)


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


def shown_again(desk: Desk, visit: Visit, error: str, *, at: str) -> Response:
    """Show a request with what was wrong in the form that was sent, at its field."""
    asked = read(desk, visit.path["request"])
    return _page(desk, visit, asked, None, values={"errors": [(error, at)]}, status=422)


def _page(
    desk: Desk,
    visit: Visit,
    asked: Asked,
    people: People | None,
    *,
    values: Mapping[str, Any] | None = None,
    status: int = 200,
) -> Response:
    request, told = visit.path["request"], asked.told
    with desk.accounts() as accounts:
        sent = accounts.sent.among([request])
    line = line_of(told, today=desk.today, sent=sent)
    ours: dict[str, Any] = {
        "request": request,
        "line": line,
        "told": _without_names(told),
        "right": RIGHTS[told["right"]],
        "due_in": due_words(told, today=desk.today),
        "people": people,
        "keeps_names": asked.details is not None,
        "why": WHY,
        "history": _history(told, visit),
        "found": asked.found,
        "alike": [*told.get("near", ()), *told.get("alike", ())],
        "files": files_of(desk, request) if visit.who.role == "officer" else (),
        "sent": sent.get(request),
        "grounds": [(one, f"Article {one}") for one in grounds_to_refuse(told["right"])],
        "ends": [(one, one) for one in (*ENDS.get(told["ground"] or "", ()), TAKEN_BACK)],
        "because": [(one, one) for one in _because(desk, told)],
        "languages": LANGUAGES,
        "today": desk.today,
    }
    return rendered(Page("request.html.j2", ours | dict(values or {}), status, under="/"), visit)


OPEN_TO_ALL = (
    "request", "state", "kind", "right", "ground", "ids", "created", "received", "regime",
    "due_by_law", "deadline", "days_open", "days_left", "late", "overdue", "extended",
    "stands_since", "held_until", "approved", "follows", "run", "ids_found", "ended", "guarantee",
    "strategy", "exact_by", "restricted_since", "lifts_on", "because", "taken_out", "keep_rows",
    "warnings", "certificates",
)  # fmt: skip


def _without_names(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a page may show to whoever may see it: those fields alone that name nobody."""
    found = {name: told[name] for name in OPEN_TO_ALL if name in told}
    return {"certificates": (), "to_tell": (), **found}


def _history(told: Mapping[str, Any], visit: Visit) -> list[dict[str, Any]]:
    """Return the events of a request; who of the staff did it, an auditor sees by number."""
    numbers = visit.who.role == "auditor"
    return [
        {"time": one["time"], "what": one["what"],
         "by": one["staff"] if numbers else one["by"] or one["staff"]}
        for one in told["history"]
    ]  # fmt: skip


def _by_number(item: tuple[str, int]) -> int:
    return int(item[0].removeprefix("m"))


def _because(desk: Desk, told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return for what a period may be extended, under the rules that the request is under."""
    if told["regime"] is None or told["extended"] or told["ended"]:
        return ()
    return tuple(law_in_force(desk.session.workspace()).regime(told["regime"]).because)
