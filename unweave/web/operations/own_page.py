"""What the person of a request sees by a link of their own: how it stands, and what was sent.

In words that say nothing of anybody else, and no more of them than a letter would: not whom the
request names, not who works on it, and not how it came out before that was sent.
"""

from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import Queued, queue
from lineage_store.log import AnswerFetched, OwnLinkMade
from lineage_store.requests import law_in_force
from unweave.answers import requests as request_answers
from unweave.web.accounts.own_links import last_day
from unweave.web.accounts.sent_answers import SentAnswers
from unweave.web.accounts.users import User
from unweave.web.process.desk import Desk
from unweave.web.several.part_states import parts_of

Answer = dict[str, Any]
STANDS = "It waits for you: we asked for more, and the clock stands until your answer came."
WORKED_ON = "It is being worked on."
WRITTEN = "It is decided, and the answer is being written to you."
SENT = "It is answered."
TAKEN_BACK = "It was taken back."


@dataclass(frozen=True)
class OwnState:
    """How a request stands, for whoever made it."""

    request: str
    right: str
    received: str
    due: str
    extended: bool
    words: str
    is_open: bool
    sent: str | None
    has_pack: bool


def make_own_link(desk: Desk, user: User, request: str) -> Answer:
    """Make a link of a request, and return its path, which is kept nowhere."""
    with desk.session.reading() as (_, connection):
        found = queue.find(connection, request)
    with desk.accounts() as accounts:
        must_take_a_link(found, accounts.sent)
        accounts.own_links.end_over(today=desk.today)
        link = accounts.own_links.make(request, random_bytes=desk.random_bytes)
        desk.log(user, lambda number: OwnLinkMade(request, number))
    return {"request": request, "link": f"/own/{link}"}


def must_take_a_link(found: Queued, sent: SentAnswers) -> None:
    """Raise BadInput for a request of which nobody is to be shown how it stands."""
    if found.follows is not None:
        raise BadInput("Nobody asked for this: it is the exact phase of a run.")
    if found.outcome == "cancelled" or sent.among([found.id]):
        raise BadInput("The request is answered or was taken back: there is no new link to it.")


def own_state(desk: Desk, request: str) -> OwnState | None:
    """Return how a request stands; None once its link is over, or nothing is kept of it."""
    with desk.session.reading() as (workspace, connection):
        try:
            found = queue.find(connection, request)
        except NothingFound:  # the register keeps it no more
            return None
        told = request_answers.line(found, law_in_force(workspace), today=desk.today)
    with desk.accounts() as accounts:
        sent = accounts.sent.among([request]).get(request)
        has_pack = accounts.own_links.has_pack(request)
    ended = found.ended
    if found.outcome == "cancelled" and ended is not None and last_day(ended) < desk.today:
        return None
    waits = sent is None and any(one.stops is not None for one in parts_of(desk, request))
    if waits and found.outcome != "cancelled":  # it is not over in every workspace
        ended, told["ended"] = None, None
    return OwnState(
        request=request,
        right=told["right"],
        received=told["received"],
        due=told["due_by_law"],
        extended=told["extended"] is not None,
        words=_words(told, sent=sent, cancelled=found.outcome == "cancelled"),
        is_open=ended is None,
        sent=sent,
        has_pack=has_pack,
    )


def own_pack(desk: Desk, request: str, cookie: str) -> bytes:
    """Return what was sent to whoever has the cookie of a request, once that is logged."""
    with desk.accounts() as accounts:
        pack = accounts.own_links.pack_of(cookie, today=desk.today)
    if pack is None:
        raise NothingFound("There is nothing to be fetched yet.")
    desk.log_of([], lambda _: AnswerFetched(request))
    return pack


def _words(told: Answer, *, sent: str | None, cancelled: bool) -> str:
    if cancelled:
        return TAKEN_BACK
    if sent is not None:
        return SENT
    if told["ended"] is not None:
        return WRITTEN
    return STANDS if told["stands_since"] else WORKED_ON
