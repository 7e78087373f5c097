"""Files of the request queue as a whole: evidence for auditors, a calendar, all about a person."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from lineage_store.index import deletions, queue
from lineage_store.log import EvidenceDrawn, events
from lineage_store.requests import law_in_force
from unweave.answers import requests as request_answers
from unweave.desk.calendar_feed import calendar_feed
from unweave.desk.evidence import drawn, evidence
from unweave.desk.rights_in_hand import RightsInHand

Answer = dict[str, Any]


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
    ) -> Answer:
        """Write the evidence of deletions to a ZIP file: of those named, or of some drawn.

        `draw` says how many are drawn, by a seed that is drawn and logged unless it is given, too.
        The audit of now goes with them; `ok` says whether it found nothing.
        """
        from pipelines.runs.audit import audit

        if bool(chosen) == (draw is not None):
            raise BadInput("Name the deletions, or say how many are to be drawn with `draw`.")
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
            data = evidence(connection, workspace, chosen, audited=audited)
        _write(Path(out), data)
        told = {"out": str(out), "deletions": list(chosen), "ok": audited["ok"]}
        return told | ({} if draw is None else {"seed": drawn_by})

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


def _write(out: Path, data: bytes) -> None:
    """Write a file that somebody named; raises BadInput if it cannot be."""
    try:
        write_atomic(out, data)
    except OSError as error:
        raise BadInput(f"The file {out} cannot be written: {error.strerror}.") from error
