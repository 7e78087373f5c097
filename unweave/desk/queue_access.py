"""The queue as those at the desk reach it: opened to write, a request with its sealed details."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.index import Queued, count_asked, manifest, queue
from lineage_store.log import LogConnection
from lineage_store.requests import (
    Details,
    end_letters,
    keep_letter,
    kept_letters,
    load_policy,
    number_of,
    open_details,
)
from lineage_store.rights import TO_BE_RESTRICTED
from lineage_store.workspace import Workspace
from unweave.answers import requests as request_answers
from unweave.desk.recipient_list import carried_by, to_tell, to_tell_restricted
from unweave.letters.letter import Letter
from unweave.session.forget_options import must_be_text
from unweave.session.queue_writing import changing_queue, user_name
from unweave.session.session import Session


@dataclass(frozen=True)
class QueueAccess:
    """The queue of one workspace, in a session."""

    session: Session

    @contextmanager
    def changing(self) -> Iterator[tuple[Workspace, LogConnection]]:
        """Open the queue to write, all or nothing; letters whose time is over go by the way."""
        with changing_queue(self.session.root, wait=self.session.wait) as (workspace, connection):
            end_letters(connection, today=self.session.today)
            yield workspace, connection

    def keep_letter(
        self, workspace: Workspace, connection: LogConnection, request: str, letter: Letter
    ) -> int:
        """Seal a letter that was written, as a draft until somebody says that it was sent."""
        return keep_letter(
            connection,
            workspace.keys(),
            request,
            kind=letter.kind,
            content={
                "language": letter.language,
                "subject": letter.subject,
                "text": letter.text,
            },
            time=self.session.time,
            random_bytes=os.urandom,
        )

    def opened(
        self, workspace: Workspace, connection: sqlite3.Connection, request: str
    ) -> tuple[Queued, Details]:
        """Return a request and its details; raises BadInput for one that keeps none."""
        found = queue.find(connection, request)
        if found.sealed is None:
            raise BadInput(
                f"The request {found.id} has ended, or is the exact phase of a run: it can only "
                f"be shown or cancelled."
            )
        return found, open_details(found.sealed, found.id, key=workspace.keys().requests)

    def sealed(self, workspace: Workspace, found: Queued, details: Details) -> bytes:
        """Return details sealed for a request."""
        return details.sealed(found.id, key=workspace.keys().requests, random_bytes=os.urandom)

    def in_effect(
        self, workspace: Workspace, connection: LogConnection, name: str, *, by: str | None
    ) -> Queued:
        """Return a request as it is once it restricts what it is now clear that it names."""
        found = queue.find(connection, name)
        if found.state(self.session.today) == TO_BE_RESTRICTED:
            from pipelines.runs import restrict

            _, details = self.opened(workspace, connection, name)
            restrict(connection, workspace, found, details, time=self.session.time, by=by)
        elif found.ended is None and found.invoked.in_effect:
            from pipelines.runs import restrict_anew

            restrict_anew(connection, workspace, found)
        return queue.find(connection, name)

    def changed(
        self, workspace: Workspace, connection: LogConnection, name: str, *, by: str | None
    ) -> dict[str, Any]:
        """Return all of a request that was changed, once that has its effect."""
        found = self.in_effect(workspace, connection, name, by=by)
        return self.told(workspace, connection, found)

    def staff(self, workspace: Workspace, connection: sqlite3.Connection, name: str | None) -> str:
        """Return the number of who does something: of a name, or of the user of this process."""
        must_be_text([name])
        said = user_name() if name is None else name
        if not said.strip():
            raise BadInput("Say who does it by a name, or leave `by` out.")
        keys = workspace.keys()
        return number_of(connection, keys, said, random_bytes=os.urandom)

    def needs(
        self,
        at: tuple[Workspace, LogConnection],
        details: Details,
        commitments: Sequence[str],
        *,
        user: str | None = None,
        proposed: bool = False,
    ) -> Any:
        """Say what a request waits for, by the policy; its people are counted from here on.

        `user` is who adds it and cannot be made up: by default the user of this process. Who asks
        is mostly who is forgotten, so names are kept as ids are: under the manifest's key.
        """
        workspace, connection = at
        day, key = self.session.today, workspace.keys().manifest
        asker = details.asker(day=day, key=key)
        adder = Details.adder(user or f"user {os.getuid()}", day=day, key=key)
        people, by_user = (
            count_asked(connection, day=day, requester=who, commitments=commitments)
            for who in (asker, adder)
        )
        return load_policy(workspace).needs(people, by_user=by_user, proposed=proposed)

    def told(
        self, workspace: Workspace, connection: sqlite3.Connection, found: Queued
    ) -> dict[str, Any]:
        """Return all of a request, as its command prints it."""
        details = None
        if found.sealed is not None:
            details = open_details(found.sealed, found.id, key=workspace.keys().requests)
        told = request_answers.whole(
            connection, workspace, found, details, today=self.session.today
        )
        told["carried_by"] = carried_by(connection, workspace, found)
        told["warnings"] += self._barred(workspace, connection, found)
        told["letters"] = [
            {
                "number": one.number,
                "letter": one.kind,
                "written": one.written,
                "sent": one.sent,
                "until": one.until(ended=found.ended),
            }
            for one in kept_letters(connection, found.id)
        ]
        runs = dict.fromkeys(one["deletion"] for one in told.get("certificates", ()))
        return told | {
            "to_tell": [
                *(one for run in runs for one in to_tell(connection, workspace, run)),
                *to_tell_restricted(connection, workspace, found),
            ],
            "to_confirm": [
                one for run in runs for one in to_tell(connection, workspace, run, serving=True)
            ],
        }

    def _barred(
        self, workspace: Workspace, connection: sqlite3.Connection, found: Queued
    ) -> list[str]:
        """Say which restrictions keep a request from running, by rows that it would take along."""
        if found.run is not None or not found.runs(self.session.today):
            return []
        if not manifest.restricted_by(connection):
            return []
        from pipelines.runs import restricted_rows, whereabouts_of

        restricted = restricted_rows(connection, workspace)
        told = queue.barring(connection, found)
        along = queue.runs_along(connection, found)
        by = {
            name: None
            for one in whereabouts_of(connection, workspace, found)
            for name in restricted.bars(one.rows, but=(*along, *told))
        }
        return [
            f"Rows that would go are of somebody, too, who is restricted (request {name}, Article "
            f"18 GDPR): it waits until that is lifted."
            for name in by
        ]
