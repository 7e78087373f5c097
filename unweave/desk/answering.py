"""Answering people: letters while a request is open, and the pack that is sent when it is over."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from lineage_store.index import Queued, queue, queue_changes, reading_index, still_read
from lineage_store.requests import is_kept
from lineage_store.rights import TO_BE_ANSWERED, grounds_to_refuse
from lineage_store.workspace import Workspace
from unweave.desk.answer_pack import (
    OTHER_PLACES,
    TO_TICK,
    WAY,
    letter_about,
    new_folder,
    told,
    write_letter,
    write_proofs,
)
from unweave.desk.own_data import files_of, own_data
from unweave.desk.recipient_list import (
    carried_by,
    to_tell,
    to_tell_restricted,
    who_has_data,
)
from unweave.desk.requests_in_hand import RequestsInHand
from unweave.desk.what_is_told import (
    Proofs,
    facts_of,
    proofs_of,
    refused_facts,
    state_with,
    with_elsewhere,
    without_enclosed,
)
from unweave.letters.facts import Elsewhere, Facts
from unweave.letters.kinds import Kind, kind_due
from unweave.letters.letter import Letter
from unweave.session.forget_options import must_be_text

Answer = dict[str, Any]
Answers = list[Answer]
DATA_RIGHTS = ("access", "portability")  # answered by the person's data


class Answering(RequestsInHand):
    """The requests of one workspace, and what their people are told."""

    def letter(
        self,
        request: str,
        *,
        out: Path | str,
        to: str | None = None,
        language: str = "en",
        recipients: bool = False,
    ) -> Answer:
        """Write the letter that a request is due, into a new folder outside the workspace.

        Which one follows from its state: received, more needed, cannot identify, extended, held,
        done, approximate until, nothing found, restricted, to be lifted, lifted, a fee. `to` is
        whom it is addressed to, by default who asked, as long as that is kept. With `recipients`
        it names those who are told, since the person asked who they are (Article 19). Raises
        BadInput for one that was taken back or refused.
        """
        with self._at.session.reading() as (workspace, connection):
            kind, facts, proofs, state = self._due(
                workspace, connection, request, to=to, enclosed=False
            )
            found = queue.find(connection, request)
            if recipients:
                facts = _naming_recipients(workspace, connection, found, facts, proofs)
            if kind == "restricted":
                carried = bool(carried_by(connection, workspace, found))
                kept = facts.kept and is_kept(workspace, request)
                facts = replace(facts, carried=carried, kept=kept)
        letter = letter_about(workspace, kind, facts, language=language)
        with new_folder(Path(out), workspace) as folder:
            sent = write_letter(folder, letter, facts)
        number = self._keep(request, _to_be_kept(workspace, letter, facts))
        answer = told(Path(out), kind, sent) | {"request": request, "state": state}
        return answer | {"number": number}

    def _keep(self, request: str, letter: Letter) -> int:
        with self._at.changing() as (workspace, connection):
            return self._at.keep_letter(workspace, connection, request, letter)

    def answer_pack(
        self,
        request: str,
        *,
        out: Path | str,
        to: str | None = None,
        language: str = "en",
        recipients: bool = False,
        provided: Sequence[str] = (),
        by: str | None = None,
        elsewhere: Sequence[Mapping[str, Any]] = (),
    ) -> Answer:
        """Write what is sent when a request is over: its letter, and its people's own proofs.

        Receipts are handed out, once. Access and portability are answered by it: the person's data
        are written, and the request ends (`by` whom); of what is ported, `provided` are the columns
        that the person provided, by default all but those that models learn to tell.
        `before_sending` lists what unweave cannot know to be done. `recipients` are named as in
        `letter`; the answer to an access request names them always (15(1)(c)). `elsewhere` is what
        became of the request in other workspaces (`letters.facts.Elsewhere`), of which the letter
        speaks, too.
        """
        session = self._at.session
        with session.reading() as (workspace, connection):
            found = queue.find(connection, request)
            asks = found.invoked.right in DATA_RIGHTS and found.outcome != "nothing found"
        if provided and (not asks or found.invoked.right != "portability"):
            raise BadInput("`provided` says what the person provided, of portability alone.")
        there = tuple(Elsewhere.from_json(one) for one in elsewhere)
        if asks:
            return self._data_pack(
                request,
                out=Path(out),
                to=to,
                language=language,
                provided=provided,
                by=by,
                elsewhere=there,
            )
        with session.holding() as workspace:
            with reading_index(workspace) as connection:
                kind, facts, proofs, state = self._due(
                    workspace, connection, request, to=to, enclosed=True
                )
                if there:
                    facts = with_elsewhere(facts, there)
                    kind = kind_due(
                        state_with(state, there),
                        extended=False,
                        approximate=proofs.approximate or any(one.approximate for one in there),
                        right=found.invoked.right,
                    )
                if recipients:
                    facts = _naming_recipients(workspace, connection, found, facts, proofs)
            letter = letter_about(workspace, kind, facts, language=language)
            not_told = _not_told(workspace, proofs)
            with new_folder(Path(out), workspace) as folder:
                sent = write_letter(folder, letter, facts)
                proven = write_proofs(
                    workspace, folder, proofs, language=language, time=session.time
                )
        number = self._keep(request, _to_be_kept(workspace, letter, facts))
        answer = told(Path(out), kind, sent, proven) | {"request": request, "state": state}
        way = [WAY.format(way=found.invoked.way)] if found.invoked.way else []
        return answer | {"number": number, "before_sending": [*TO_TICK, *not_told, *way]}

    def _data_pack(
        self,
        request: str,
        *,
        out: Path,
        to: str | None,
        language: str,
        provided: Sequence[str],
        by: str | None,
        elsewhere: tuple[Elsewhere, ...],
    ) -> Answer:
        """Write a person's data and the letter to them, and end the request that asks for them."""
        session = self._at.session
        with session.reading() as (workspace, connection):
            found = queue.find(connection, request)
            state = found.state(session.today)
            _must_not_be_answered(found)
            if state != TO_BE_ANSWERED:
                raise BadInput(
                    f"The request {found.id} is {state}: there is a pack when it is "
                    f"{TO_BE_ANSWERED}, and a letter meanwhile (`unweave request letter`)."
                )
            _, details = self._at.opened(workspace, connection, request)
            data = own_data(connection, workspace, found, details)
            proofs = proofs_of(connection, workspace, found, today=session.today)
            facts = replace(
                facts_of(workspace, found, details, proofs, to=to, today=session.today),
                held=data.rows,
                joint=data.joint,
                recipients=who_has_data(connection, workspace, data.models),
                alike="others" if {one.id for one in details.offered} - {*details.ids} else "none",
                elsewhere=elsewhere,
            )
        right = found.invoked.right
        kind: Kind = "nothing-found"
        if data.found or any(one.outcome == "done" for one in elsewhere):
            kind = "access" if right == "access" else "portability"
        letter = letter_about(workspace, kind, facts, language=language)
        files = files_of(data, right, language=language, provided=provided)
        with new_folder(out, workspace) as folder:
            sent = write_letter(folder, letter, facts)
            for name, content in files.items():
                write_atomic(folder / name, content)
            with self._at.changing() as (_, log):
                queue_changes.answered(
                    log,
                    queue.find(log, request),
                    found=data.found,
                    time=session.time,
                    by=self._at.staff(workspace, log, by),
                )
                number = self._at.keep_letter(workspace, log, request, letter)
        answer = told(out, letter.kind, sent) | {"request": request, "number": number}
        answer["files"] += list(files)
        answer["warnings"] += still_read(workspace.index_file)
        ticks = [OTHER_PLACES, *([WAY.format(way=details.came_by)] if details.came_by else ())]
        state = "done" if data.found else "nothing-found"
        return answer | {"state": state, "before_sending": ticks}

    def refuse(
        self,
        request: str,
        *,
        ground: str,
        reason: str,
        out: Path | str,
        to: str | None = None,
        language: str = "en",
        by: str | None = None,
    ) -> Answer:
        """End a request that is not done, and write the letter that says why (Article 12(4)).

        `ground` is one that its right may be refused for. The reason stands in the letter, and
        nowhere else. What is restricted is not refused: its lifting is announced.
        """
        must_be_text([reason])
        if not reason.strip():
            raise BadInput("A refusal names its reason: the person is told it (Article 12(4)).")
        session = self._at.session
        with session.reading() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            queue_changes.must_be_refusable(found)
            known = grounds_to_refuse(found.invoked.right)
            if ground not in known:
                raise BadInput(
                    f"A ground to refuse {found.invoked.right} is one of {', '.join(known)}."
                )
            if found.invoked.in_effect and found.invoked.restricts:
                raise BadInput(
                    f"The request {found.id} restricts data: tell the person of its end first "
                    f"(`unweave request announce-lift`, Article 18(3))."
                )
            proofs = proofs_of(connection, workspace, found, today=session.today)
        facts = refused_facts(
            facts_of(workspace, found, details, proofs, to=to, today=session.today),
            ground=ground,
            reason=reason,
        )
        letter = letter_about(workspace, "refused", facts, language=language)
        with new_folder(Path(out), workspace) as folder:
            sent = write_letter(folder, letter, facts)
            # Ended when the letter is there, and called sent when it is ended: killed between the
            # two, the letter lies in OUT.partial.
            with self._at.changing() as (_, log):
                staff = self._at.staff(workspace, log, by)
                queue_changes.refuse(log, queue.find(log, request), time=session.time, by=staff)
                number = self._at.keep_letter(workspace, log, request, letter)
        answer = told(Path(out), letter.kind, sent) | {"request": request, "state": "refused"}
        answer["number"] = number
        answer["warnings"] += still_read(workspace.index_file)
        return answer

    def _due(
        self,
        workspace: Workspace,
        connection: sqlite3.Connection,
        request: str,
        *,
        to: str | None,
        enclosed: bool,
    ) -> tuple[Kind, Facts, Proofs, str]:
        """Return which letter a request is due, its facts and proofs, and the request's state."""
        today = self._at.session.today
        found = queue.find(connection, request)
        details = None
        if found.sealed is not None:
            _, details = self._at.opened(workspace, connection, request)
        proofs = proofs_of(connection, workspace, found, today=today)
        state = found.state(today)
        if state == "refused":
            raise BadInput(
                f"The request {found.id} was refused: its letter was written then, and is kept for "
                f"30 days (`unweave request letters`)."
            )
        _must_not_be_answered(found)
        if enclosed and found.ended is None:
            raise BadInput(
                f"The request {found.id} is {state}: there is a pack when it is over, and a letter "
                f"meanwhile (`unweave request letter`)."
            )
        facts = facts_of(workspace, found, details, proofs, to=to, today=today)
        left = _unconfirmed(connection, workspace, proofs)
        facts = replace(facts, unconfirmed=tuple(dict.fromkeys(one["name"] for one in left)))
        facts = replace(facts, enclosed=True) if enclosed else without_enclosed(facts)
        extended = facts.extended is not None
        if state == "held" and found.invoked.in_effect and found.invoked.restricts:
            state = found.invoked.standing or state  # it restricts, whatever may not be done to it
        return (
            kind_due(
                state,
                extended=extended,
                approximate=proofs.approximate,
                right=found.invoked.right,
            ),
            facts,
            proofs,
            state,
        )


def _to_be_kept(workspace: Workspace, letter: Letter, facts: Facts) -> Letter:
    """Return a letter as it is kept: of a deletion, without the name of whom it is for (law 9)."""
    if not facts.proven or facts.to is None:
        return letter
    nobody = replace(facts, to=None)
    return letter_about(workspace, letter.kind, nobody, language=letter.language)


def _naming_recipients(
    workspace: Workspace,
    connection: sqlite3.Connection,
    found: Queued,
    facts: Facts,
    proofs: Proofs,
) -> Facts:
    """Return the facts of a letter to a person who asked who the recipients are."""
    runs = dict.fromkeys([one["deletion"] for one in proofs.named])
    told_of = [one for run in runs for one in to_tell(connection, workspace, run)]
    told_of += to_tell_restricted(connection, workspace, found)
    return replace(facts, recipients=tuple(dict.fromkeys(one["name"] for one in told_of)))


def _must_not_be_answered(found: Queued) -> None:
    if found.outcome == "done" and found.invoked.right in DATA_RIGHTS:
        raise BadInput(
            f"The request {found.id} was answered by a pack, which is kept nowhere: who asks again "
            f"has a new request."
        )


def _not_told(workspace: Workspace, proofs: Proofs) -> list[str]:
    """Return who is not told yet, and which place has not confirmed, by name and deletion."""
    with reading_index(workspace) as connection:
        runs = dict.fromkeys(one["deletion"] for one in proofs.named)
        found = [one for run in runs for one in to_tell(connection, workspace, run)]
        places = _unconfirmed(connection, workspace, proofs)
    return [
        *(
            f"{one['name']} is told of {one['deletion']} (Article 19): unweave recipient told "
            f"{one['number']} {one['deletion']}"
            for one in found
            if one["told"] is None
        ),
        *(
            f"{one['name']} serves what {one['deletion']} put in place: unweave serving confirm "
            f"{one['number']} {one['deletion']}"
            for one in places
        ),
    ]


def _unconfirmed(connection: sqlite3.Connection, workspace: Workspace, proofs: Proofs) -> Answers:
    """Return the places that did not confirm yet what a request's deletions replaced."""
    runs = dict.fromkeys(one["deletion"] for one in proofs.named)
    every = (one for run in runs for one in to_tell(connection, workspace, run, serving=True))
    return [one for one in every if one["told"] is None]
