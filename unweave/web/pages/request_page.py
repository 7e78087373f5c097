"""One request: its clock and its one next step, where its rows are, what was done, what proves it.

The page names nobody. In answer to a form in which the reader says why, it is shown with the ids
and words that the request keeps, and an event says that they were read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import Response

from lineage_store.index import models
from lineage_store.processing import names_of_lines
from lineage_store.requests import law_in_force
from lineage_store.rights import (
    ENDS,
    TAKEN_BACK,
    TO_BE_ANSWERED,
    TO_BE_CORRECTED,
    WAITING_FOR_A_FEE,
    grounds_to_refuse,
)
from unweave.web.operations.request_reading import (
    WHY_NAMES,
    Asked,
    WhereRows,
    history_for,
    names_read,
    names_read_in,
    near_of,
    read,
    read_elsewhere,
    without_names,
)
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import rows_there
from unweave.web.process.rendering import Page, rendered
from unweave.web.process.request_words import ELSEWHERE, RIGHTS, due_words, line_of
from unweave.web.process.visits import Visit
from unweave.web.several.part_answers import all_written
from unweave.web.several.part_states import PartState

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
    "correcting": "It is being corrected: this page says so when it has ended.",
    "rows-erased": "The rows are erased here.",
    "fee": "The fee is asked for: write the letter that says so, and send it.",
    "fee-agreed": "They agreed to the fee: the request goes on.",
    "lifted": "The restriction is lifted: send the person its letter.",
    "refused": "The request is refused. Its letter is below, to be handed over and sent.",
    "cancelled": "The request is taken back, and what it kept in words is erased.",
    "written": "It is written. Hand the file over, send it, and say so.",
    "mailed": "It waits to go by mail. Once it was taken, it is written down as sent.",
    "not-mailed": "It does not go by mail.",
    "erased": "What was written is erased here.",
    "sent": "It is written down that the answer was sent, and what was written is erased.",
    "in-step": "It is filed in every workspace, and as it stands here.",
    "meant-there": "It is written down who is meant there.",
    "approved-there": "It is approved there.",
}
MODELS = 100  # that one chooses among
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
class Part:
    """The part of a request in another workspace: how it stands, and what a form there is about."""

    state: PartState
    found: WhereRows | None
    alike: tuple[Mapping[str, Any], ...]
    warnings: tuple[str, ...]
    spellings: Mapping[int, str]
    history: tuple[Mapping[str, Any], ...]


def show(desk: Desk, visit: Visit) -> Response:
    """Show a request, without a name."""
    note = NOTES.get(visit.query.get("done", ""))
    return _page(desk, visit, read(desk, visit.path["request"]), None, values={"result": note})


def names(desk: Desk, visit: Visit) -> Response:
    """Show a request with its people, and log why somebody read them."""
    request, why = visit.path["request"], visit.form.maybe("why")
    if why not in WHY_NAMES:
        return shown_again(desk, visit, "Say why you read the names.", at="why")
    asked, details = names_read(desk, visit.who, request, why=why)
    texts = details.text()
    people = People(
        named=details.ids,
        texts=tuple((words, texts[name]) for name, words in TEXTS.items() if texts.get(name)),
        spellings={number: one.id for number, one in enumerate(details.near, start=1)},
    )
    return _page(desk, visit, asked, people)


def names_there(desk: Desk, visit: Visit) -> Response:
    """Show a request with the spellings that look alike in another workspace, and log it there."""
    request, why = visit.path["request"], visit.form.maybe("why")
    workspace = visit.form.text("workspace")
    if why not in WHY_NAMES:
        return shown_again(desk, visit, "Say why you read the names.", at=f"why-{workspace}")
    _, details = names_read_in(desk, visit.who, request, workspace, why=why)
    spellings = {number: one.id for number, one in enumerate(details.near, start=1)}
    values = {"there": {workspace: spellings}}
    return _page(desk, visit, read(desk, request), None, values=values)


def shown_again(desk: Desk, visit: Visit, error: str, *, at: str) -> Response:
    """Show a request with what was wrong in the form that was sent, at its field."""
    asked = read(desk, visit.path["request"])
    return _page(desk, visit, asked, None, values={"errors": [(error, at)]}, status=422)


def with_own_link(desk: Desk, visit: Visit, link: str) -> Response:
    """Show a request with the link that was made to it."""
    return _page(desk, visit, read(desk, visit.path["request"]), None, values={"own_link": link})


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
        mails, mail = accounts.mail_server.get() is not None, accounts.mails.of(request)
    line = line_of(told, today=desk.today, sent=sent)
    parts = _parts(desk, visit, request, (values or {}).get("there", {}))
    stops = [one.state.stops for one in parts if one.state.stops is not None]
    if (
        stops
        and (told["ended"] or told["state"] == TO_BE_ANSWERED)
        and _may_be_answered(told, sent)
    ):
        line = replace(line, step=ELSEWHERE)
    ours: dict[str, Any] = {
        "request": request,
        "line": line,
        "told": {"certificates": (), "to_tell": (), **without_names(told)},
        "right": RIGHTS[told["right"]],
        "due_in": due_words(told, today=desk.today),
        "people": people,
        "keeps_names": asked.details is not None,
        "why": WHY_NAMES,
        "history": history_for(visit.who, told),
        "found": asked.found,
        "alike": near_of(asked),
        "files": all_written(desk, request) if visit.who.role == "officer" else (),
        "parts": parts,
        "stops": stops if line.step == ELSEWHERE else [],
        "sent": sent.get(request),
        "rows": rows_there(desk, request) if visit.who.role == "officer" else (),
        "models": _models(desk) if told["state"] == TO_BE_CORRECTED else (),
        "mails": mails,
        "mail": mail,
        "grounds": [(one, f"Article {one}") for one in grounds_to_refuse(told["right"])],
        "ends": [(one, one) for one in (*ENDS.get(told["ground"] or "", ()), TAKEN_BACK)],
        "because": [(one, one) for one in _because(desk, told)],
        "languages": LANGUAGES,
        "today": desk.today,
        "waiting_for_a_fee": WAITING_FOR_A_FEE,
        "own_link": None,
    }
    return rendered(Page("request.html.j2", ours | dict(values or {}), status, under="/"), visit)


def _parts(
    desk: Desk, visit: Visit, request: str, there: Mapping[str, Mapping[int, str]]
) -> list[Part]:
    """Return the parts of a request in other workspaces, with spellings that were read there."""
    found = []
    for state, asked in read_elsewhere(desk, request):
        found.append(
            Part(
                state=state,
                found=None if asked is None else asked.found,
                alike=() if asked is None else near_of(asked),
                warnings=tuple((state.told or {}).get("warnings", ())),
                spellings=there.get(str(state.place.number), {}),
                history=() if asked is None else tuple(history_for(visit.who, asked.told)),
            )
        )
    return found


def _may_be_answered(told: Mapping[str, Any], sent: Mapping[str, str]) -> bool:
    return not sent and told["state"] != "cancelled" and not told["follows"]


def _models(desk: Desk) -> list[tuple[str, str]]:
    """Return the newest models in use, as one chooses among them."""
    with desk.session.reading() as (workspace, connection):
        found = models.newest_models(connection, live_only=True, size=MODELS)
        names = names_of_lines(workspace)
    told = ((one.id, names.get(one.family, ("", False))[0]) for one in found)
    return [(model, f"{model}, {name}" if name else model) for model, name in told]


def _because(desk: Desk, told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return for what a period may be extended, under the rules that the request is under."""
    if told["regime"] is None or told["extended"] or told["ended"]:
        return ()
    return tuple(law_in_force(desk.session.workspace()).regime(told["regime"]).because)
