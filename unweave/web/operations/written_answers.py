"""What is sent to a person: written, handed over to the officer, and said to be sent.

A refusal, a letter and a pack are written by a command into the outbox. The officer takes the file
and sends it by the way that the request came; when they say that it was sent, it is erased here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lineage_store.clock import time_text
from lineage_store.errors import BadInput
from lineage_store.index import queue
from lineage_store.log import AnswerSent, NamesShown
from lineage_store.rights import TO_BE_ANSWERED
from unweave.letters.kinds import LANGUAGES
from unweave.web.accounts.own_links import last_day
from unweave.web.accounts.users import User
from unweave.web.process.clerk import have_done
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import empty, files_of, new_place
from unweave.web.several.keeping_up import keep_up
from unweave.web.several.part_answers import (
    all_packed,
    end_parts,
    refuse_parts,
    write_parts,
)

Sent = Literal["sent", "erased"]


@dataclass(frozen=True)
class To:
    """Whom a letter is addressed to, by default who asked, and in which language."""

    language: str = "en"
    name: str | None = None

    def said(self) -> dict[str, str]:
        """Return it as commands take it; raises BadInput for a language without letters."""
        if self.language not in LANGUAGES:
            raise BadInput("There are no letters in that language.")
        return {"language": self.language} | ({"to": self.name} if self.name else {})


def write(desk: Desk, user: User, request: str, to: To, *, answer: bool) -> None:
    """Write the letter that a request is due or, once it is over, the pack that answers it.

    With `answer`, one that is answered by a person's data is answered, and is over by that.
    """
    with desk.session.reading() as (_, connection):
        found = queue.find(connection, request)
    is_answer = found.ended is not None or answer
    by: dict[str, Any] = {"by": user.name} if is_answer else {}
    is_due = found.outcome not in ("cancelled", "refused") and (
        found.ended is not None or found.state(desk.today) == TO_BE_ANSWERED
    )
    if is_answer and is_due:
        keep_up(desk, by=user.name, request=request)
        if elsewhere := write_parts(desk, request, to.said(), by=user.name):
            by["elsewhere"] = elsewhere
    with new_place(desk, request) as out:
        asked = {"request": request, "out": str(out), **to.said(), **by}
        have_done(desk, "answer_pack" if is_answer else "letter", asked)


def refuse(desk: Desk, user: User, request: str, said: Mapping[str, str], to: To) -> None:
    """Refuse a request, on a `ground` and for a `reason` that the person is told."""
    keep_up(desk, by=user.name, request=request)
    refuse_parts(desk, request, {**said, **to.said()}, by=user.name)
    _written(desk, user, request, "refuse", said, to)


def announce_lift(desk: Desk, user: User, request: str, said: Mapping[str, str], to: To) -> None:
    """Write the letter that tells of the end of a restriction: `because`, `on` which day."""
    _written(desk, user, request, "announce_lift", said, to)


def hand_over(desk: Desk, user: User, request: str) -> bytes:
    """Hand what is written over as one ZIP file: it names the person, and that is an event."""
    data = all_packed(desk, request)
    desk.log(user, lambda number: NamesShown(request, "answer", number))
    return data


def say_sent(desk: Desk, name: str, request: str) -> Sent:
    """Write down that somebody of the staff sent the answer, and erase what was written.

    Of a request that is open, or was taken back, there is no answer: its letter alone is erased.
    Whoever has a link of their own to it can fetch what was sent, sealed for them alone.
    """
    with desk.session.reading() as (_, connection):
        outcome = queue.find(connection, request).outcome
    if outcome is None or outcome == "cancelled":
        empty(desk, request)
        return "erased"
    time = time_text(desk.now())
    pack = all_packed(desk, request) if files_of(desk, request) else None
    with desk.accounts() as accounts:
        accounts.own_links.answered(
            request, pack, until=last_day(time), random_bytes=desk.random_bytes
        )
        # In one transaction: sent twice at the same time, it is one event.
        if accounts.sent.add(request, time=time):
            desk.log_of([name], lambda numbers: AnswerSent(request, numbers[0]))
    for there, part in end_parts(desk, request):
        _say_part_sent(there, name, part, time=time)
    empty(desk, request)
    return "sent"


def _say_part_sent(there: Desk, name: str, part: str, *, time: str) -> None:
    """Write down in another workspace that its part of a request was answered."""
    with there.accounts() as accounts:
        if accounts.sent.add(part, time=time):
            there.log_of([name], lambda numbers: AnswerSent(part, numbers[0]))


def _written(
    desk: Desk, user: User, request: str, operation: str, said: Mapping[str, str], to: To
) -> None:
    with new_place(desk, request) as out:
        asked = {"request": request, "out": str(out), **said, **to.said(), "by": user.name}
        have_done(desk, operation, asked)
