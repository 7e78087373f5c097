"""Answering people: letters while a request is open, and the pack that is sent when it is over."""

import sqlite3
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.index import queue, queue_changes, reading_index, still_read
from lineage_store.requests import Controller, load_controller, save_controller
from lineage_store.workspace import Workspace
from unweave.desk.answer_pack import (
    TO_TICK,
    letter_about,
    new_folder,
    told,
    write_letter,
    write_proofs,
)
from unweave.desk.recipient_list import to_tell
from unweave.desk.requests_in_hand import RequestsInHand
from unweave.desk.what_is_told import (
    Proofs,
    facts_of,
    proofs_of,
    refused_facts,
    without_enclosed,
)
from unweave.letters.facts import Facts
from unweave.letters.kinds import GROUNDS, Kind, kind_due
from unweave.session.forget_options import must_be_text

Answer = dict[str, Any]


class Answering(RequestsInHand):
    """The requests of one workspace, and what their people are told."""

    def letter(
        self, request: str, *, out: Path | str, to: str | None = None, language: str = "en"
    ) -> Answer:
        """Write the letter that a request is due, into a new folder outside the workspace.

        Which one follows from its state: received, more needed, cannot identify, extended, held,
        done, approximate until, nothing found. `to` is whom it is addressed to, by default who
        asked, as long as that is kept. Raises BadInput for one that was taken back or refused.
        """
        with self._at.session.reading() as (workspace, connection):
            kind, facts, _, state = self._due(workspace, connection, request, to=to, enclosed=False)
        letter = letter_about(workspace, kind, facts, language=language)
        with new_folder(Path(out), workspace) as folder:
            sent = write_letter(folder, letter, facts)
        return told(Path(out), kind, sent) | {"request": request, "state": state}

    def answer_pack(
        self, request: str, *, out: Path | str, to: str | None = None, language: str = "en"
    ) -> Answer:
        """Write what is sent when a request is over: its letter, and its people's own proofs.

        Receipts are handed out, once. `before_sending` lists what unweave cannot know to be done.
        """
        session = self._at.session
        with session.holding() as workspace:
            with reading_index(workspace) as connection:
                kind, facts, proofs, state = self._due(
                    workspace, connection, request, to=to, enclosed=True
                )
            letter = letter_about(workspace, kind, facts, language=language)
            not_told = _not_told(workspace, proofs)
            with new_folder(Path(out), workspace) as folder:
                sent = write_letter(folder, letter, facts)
                proven = write_proofs(
                    workspace, folder, proofs, language=language, time=session.time
                )
        answer = told(Path(out), kind, sent, proven) | {"request": request, "state": state}
        return answer | {"before_sending": [*TO_TICK, *not_told]}

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

        `ground` is one of `GROUNDS`. The reason stands in the letter, and nowhere else.
        """
        must_be_text([reason])
        if ground not in GROUNDS:
            raise BadInput(f"A ground to refuse erasure is one of {', '.join(GROUNDS)}.")
        if not reason.strip():
            raise BadInput("A refusal names its reason: the person is told it (Article 12(4)).")
        session = self._at.session
        with session.reading() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            queue_changes.must_be_refusable(found)
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
        answer = told(Path(out), letter.kind, sent) | {"request": request, "state": "refused"}
        answer["warnings"] += still_read(workspace.index_file)
        return answer

    def describe(
        self,
        *,
        name: str | None = None,
        contact: str | None = None,
        officer: str | None = None,
        authority: str | None = None,
    ) -> Answer:
        """Say who answers for the data, or show it; what is not named stays as it is.

        `officer` is the data protection officer, `authority` the one that people complain to.
        """
        said = Controller(name, contact, officer, authority)
        workspace = self._at.session.workspace()
        controller = load_controller(workspace).with_said(said)
        if said != Controller():
            save_controller(workspace, controller)
        return asdict(controller) | {"missing": list(controller.missing)}

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
                f"The request {found.id} was refused: its letter was written then, and the reason "
                f"is kept nowhere else."
            )
        if enclosed and found.ended is None:
            raise BadInput(
                f"The request {found.id} is {state}: there is a pack when it is over, and a letter "
                f"meanwhile (`unweave request letter`)."
            )
        facts = facts_of(workspace, found, details, proofs, to=to, today=today)
        facts = replace(facts, enclosed=True) if enclosed else without_enclosed(facts)
        extended = facts.extended is not None
        return (
            kind_due(state, extended=extended, approximate=proofs.approximate),
            facts,
            proofs,
            state,
        )


def _not_told(workspace: Workspace, proofs: Proofs) -> list[str]:
    """Return the recipients that nobody has told yet, by name and deletion."""
    with reading_index(workspace) as connection:
        runs = dict.fromkeys(one["deletion"] for one in proofs.named)
        found = [one for run in runs for one in to_tell(connection, workspace, run)]
    return [
        f"{one['name']} is told of {one['deletion']} (Article 19): unweave recipient told "
        f"{one['number']} {one['deletion']}"
        for one in found
        if one["told"] is None
    ]
