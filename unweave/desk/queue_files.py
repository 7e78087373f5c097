"""Files of the request queue: kept letters, evidence for auditors, a calendar, what is held."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from lineage_store.index import deletions, queue
from lineage_store.keys import from_base64, to_base64
from lineage_store.log import EvidenceDrawn, events
from lineage_store.requests import (
    A_FILE,
    KeptLetter,
    date_of,
    keep_letter,
    kept_letters,
    law_in_force,
    open_letter,
    sent_on,
)
from unweave.answers import requests as request_answers
from unweave.desk.answer_pack import new_folder
from unweave.desk.calendar_feed import calendar_feed
from unweave.desk.evidence import drawn, evidence, within
from unweave.desk.rights_in_hand import RightsInHand
from unweave.letters.letter import Letter

Answer = dict[str, Any]
LARGEST = 4 << 20  # bytes of a file that is attached


class QueueFiles(RightsInHand):
    """The requests of one workspace, and what is written of all of them."""

    def evidence(
        self,
        chosen: Sequence[str] = (),
        *,
        out: Path | str,
        draw: int | None = None,
        seed: int | None = None,
        by: str | None = None,
        model: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Answer:
        """Write the evidence of deletions to a ZIP file: of those named, or of some drawn.

        Or of all that ended `since` a day, `until` one, or that took something from a `model` or
        an earlier version of it. `draw` says how many are drawn, by a seed that is drawn and
        logged unless it is given, too.
        The audit of now goes with them; `ok` says whether it found nothing.
        """
        from pipelines.runs.audit import audit

        days = [date_of(one, "The day") for one in (since, until) if one is not None]
        by_place = model is not None or bool(days)
        if (bool(chosen), draw is not None, by_place).count(True) != 1:
            raise BadInput(
                "Name the deletions, or say how many are to be drawn with `draw`, or of which "
                "`model` or days (`since`, `until`) they are to be."
            )
        drawn_by = int.from_bytes(os.urandom(4), "big") if seed is None else seed
        workspace, time = self._at.session.workspace(), self._at.session.time
        audited = audit(workspace, head=None, replays=0, seed=drawn_by, time=time)
        if draw is not None:
            with self._at.changing() as (workspace, connection):
                chosen = drawn(connection, draw=draw, seed=drawn_by)
                there = sum(one.state == "done" for one in deletions.all_requests(connection))
                staff = self._at.staff(workspace, connection, by)
                what = EvidenceDrawn(drawn_by, draw, there, staff)
                events.append(connection, what, time=time)
        with self._at.session.reading() as (workspace, connection):
            if by_place:
                chosen = within(connection, since=since, until=until, model=model)
            data = evidence(connection, workspace, chosen, audited=audited)
        _write(Path(out), data)
        told = {"out": str(out), "deletions": list(chosen), "ok": audited["ok"]}
        return told | ({} if draw is None else {"seed": drawn_by})

    def letters(self, request: str, *, out: Path | str | None = None) -> Answer:
        """List what is kept of a request, sealed: its letters, and files; with `out`, write it all.

        `until` is the last day of each; None where that depends on when it is sent, or answered.
        """
        with self._at.session.reading() as (workspace, connection):
            listed = self._at.told(workspace, connection, queue.find(connection, request))
            kept = kept_letters(connection, request)
            opened = [open_letter(connection, workspace.keys(), one) for one in kept if out]
        if out is not None:
            with new_folder(Path(out), workspace) as folder:
                for one, content in zip(kept, opened, strict=True):
                    for name, data in _as_files(one, content):
                        write_atomic(folder / name, data)
        return {"request": request, "letters": listed["letters"], "out": out and str(out)}

    def sent(self, request: str, *, letter: int | None = None, on: str | None = None) -> Answer:
        """Say on which day a letter was sent, the newest by default: it goes 30 days later."""
        today = self._at.session.today
        day = today if on is None else date_of(on, "The day on which it was sent")
        with self._at.changing() as (_, connection):
            sent_on(connection, request, number=letter, day=day, today=today)
        return self.letters(request)

    def attach(self, request: str, file: Path | str) -> Answer:
        """Seal a file that came with a request, until that ends; the file itself stays as it is.

        A proof of identity does not belong here: who has seen it says so (`verified_by`).
        """
        path = Path(file)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadInput(f"The file {path} cannot be read: {error.strerror}.") from error
        if len(data) > LARGEST:
            raise BadInput(f"A file of a request has {LARGEST >> 20} MiB at most.")
        with self._at.changing() as (workspace, connection):
            self._at.opened(workspace, connection, request)  # of what is over nothing is kept
            keep_letter(
                connection,
                workspace.keys(),
                request,
                kind=A_FILE,
                content={"name": path.name, "data": to_base64(data)},
                time=self._at.session.time,
                random_bytes=os.urandom,
            )
        return self.letters(request)

    def calendar(self, out: Path | str) -> Answer:
        """Write the days on which open requests are due to a file that calendars read (.ics)."""
        session = self._at.session
        with session.reading() as (workspace, connection):
            law = law_in_force(workspace)
            waiting = queue.all_queued(connection, open_only=True)
            found = [request_answers.line(one, law, today=session.today) for one in waiting]
        data = calendar_feed(found, key_id=workspace.keys().key_id, time=session.time)
        _write(Path(out), data)
        return {"out": str(out), "requests": len(found)}

    def export(self, subject: str, out: Path | str) -> Answer:
        """Write what is held about a person to a file (JSON, mode 600): access, Article 15."""
        from unweave.desk.subject_export import write_export

        with self._at.session.reading() as (workspace, connection):
            return write_export(
                connection, workspace, subject, Path(out), today=self._at.session.today
            )


def _as_files(one: KeptLetter, content: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    if one.kind == A_FILE:
        yield f"{one.number}-{content['name']}", from_base64(content["data"])
        return
    letter = Letter(one.kind, content["language"], content["text"], content["subject"])  # type: ignore[arg-type]
    yield f"{one.number}-{one.kind}.txt", letter.text.encode("utf-8")
    yield f"{one.number}-{one.kind}.html", letter.page()


def _write(out: Path, data: bytes) -> None:
    """Write a file that somebody named; raises BadInput if it cannot be."""
    try:
        write_atomic(out, data)
    except OSError as error:
        raise BadInput(f"The file {out} cannot be written: {error.strerror}.") from error
