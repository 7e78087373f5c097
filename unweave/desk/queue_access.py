"""The queue as those at the desk reach it: opened to write, a request with its sealed details."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.index import Queued, count_asked, queue
from lineage_store.log import LogConnection
from lineage_store.requests import Details, load_policy, number_of, open_details
from lineage_store.workspace import Workspace
from unweave.answers import requests as request_answers
from unweave.desk.recipient_list import to_tell
from unweave.session.forget_options import must_be_text
from unweave.session.queue_writing import changing_queue, user_name
from unweave.session.session import Session


@dataclass(frozen=True)
class QueueAccess:
    """The queue of one workspace, in a session."""

    session: Session

    def changing(self) -> AbstractContextManager[tuple[Workspace, LogConnection]]:
        """Open the queue to write, all or nothing."""
        return changing_queue(self.session.root, wait=self.session.wait)

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

        `user` is who adds it and cannot be made up: by default the user of this process.
        """
        workspace, connection = at
        day, key = self.session.today, workspace.keys().requests
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
        runs = dict.fromkeys(one["deletion"] for one in told.get("certificates", ()))
        return told | {
            "to_tell": [one for run in runs for one in to_tell(connection, workspace, run)]
        }
