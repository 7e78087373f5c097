"""The request queue, as Python API: `Project(...).requests.add(["Blue Cab"])`.

Each method returns what `unweave request` prints as JSON. A request can be added, held or
approved while a run goes on: only the queue's own database is written, and the event log's head is
signed by whoever holds the workspace then. Times and identities are read here and passed down.
"""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from lineage_store.disk_full import translated
from lineage_store.errors import BadInput
from lineage_store.index import Queued, count_asked, queue, queue_changes
from lineage_store.log import LogConnection
from lineage_store.requests import (
    Accepted,
    Details,
    Entry,
    Policy,
    Refused,
    date_of,
    load_policy,
    look_through,
    open_details,
    save_policy,
)
from lineage_store.workspace import Workspace
from unweave.answers import requests as request_answers
from unweave.api.forget_options import (
    asked_of,
    derived_until,
    forget_request,
    must_be_text,
    unique_ids,
)
from unweave.api.near_subjects import with_alike, with_near
from unweave.api.queue_writing import changing_queue, user_name
from unweave.api.session import Session

Answer = dict[str, Any]
Answers = list[Answer]  # within the class, `list` is the method


class RequestQueue:
    """The queue of one workspace."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(
        self,
        ids: Sequence[str],
        *,
        rows: bool = False,
        reason: str | None = None,
        legal_basis: str | None = None,
        deadline: str | None = None,
        requester: str | None = None,
        verified_by: str | None = None,
        verified_how: str | None = None,
        guarantee: str | None = None,
        strategy: str | None = None,
        exact_by: str | None = None,
        source: Path | str | None = None,
        column: str | None = None,
        also: Sequence[str] = (),
        only: bool = False,
        proposed: bool = False,
        by: str | None = None,
    ) -> Answer:
        """Put a request into the queue; one that waits there already is named instead.

        Other spellings of the ids that have rows are numbered in `alike`, and the request waits
        until `answer` says which of them are meant; with `source` and `column`, so are ids of that
        CSV file that look like the same subjects'. `also` (numbers, or ids) and `only` answer
        beforehand. `by` is who adds it, by default the user of this process.
        """
        details = Details(
            ids=unique_ids(ids),
            reason=reason,
            legal_basis=legal_basis,
            requester=requester,
            verified_by=verified_by,
            verified_how=verified_how,
            added_by=by or user_name(),
        )
        if (source is None) != (column is None) or (source is not None and rows):
            raise BadInput("`source` and `column` go together, and are of subjects, not of rows.")
        asked = {"guarantee": guarantee, "strategy": strategy, "exact_by": exact_by}
        if also and only:
            raise BadInput("Name the ids that are meant too with `also`, or say `only`.")
        if source is not None and column is not None and not only:
            details = with_near(self._session, details, source=Path(source), column=column)
        with self._changing() as (workspace, connection):
            policy = load_policy(workspace)
            kind: queue.Kind = "row" if rows else "subject"
            details, others = with_alike(connection, workspace, details, kind=kind)
            if also or only:
                details = details.with_ids(unique_ids(details.meant_by(also)) if also else ())
            request, is_new = self._add(
                workspace, connection, policy, kind, details, asked, deadline, proposed=proposed
            )
            told = self._told(workspace, connection, request) | {"duplicate": not is_new}
        if only and request.question:  # it was asked for before, and the answer is given now
            told |= self.answer(request.id, only=True)
        return told | others.of_the_unknown()

    def _add(
        self,
        workspace: Workspace,
        connection: LogConnection,
        policy: Policy,
        kind: queue.Kind,
        details: Details,
        asked: dict[str, str | None],
        deadline: str | None,
        *,
        proposed: bool,
    ) -> tuple[Queued, bool]:
        must_be_text(details.text().values())
        wanted = forget_request(
            details.ids,
            rows=kind == "row",
            asked=asked_of(asked["guarantee"], asked["strategy"]),
            exact_by=asked["exact_by"],
            today=self._session.today,
        )
        keys = workspace.keys()
        commitments = wanted.commitments(keys)
        due = policy.deadline(deadline, today=self._session.today)
        options = asked | {"exact_by": wanted.exact_by}
        known = queue.same(connection, kind=kind, commitments=commitments, options=options)
        if known is not None:
            queue_changes.sooner(connection, known, deadline=due)
            return queue.find(connection, known.id), False
        people = self._asked_today(workspace, connection, details, commitments)
        entry = queue.QueueEntry(
            kind=kind,
            commitments=commitments,
            options=options,
            deadline=due,
            needs=policy.needs(people, proposed=proposed),
            question=bool(details.near),
        )
        request = queue.add(
            connection,
            entry,
            seal=lambda id_: details.sealed(id_, key=keys.requests, random_bytes=os.urandom),
            time=self._session.time,
        )
        return request, True

    def list(self, *, ended: bool = False) -> Answer:
        """List the requests that have not ended, or all of them; without any id or name."""
        with self._session.reading() as (_, connection):
            found = queue.all_queued(connection, open_only=not ended)
        return {"requests": [request_answers.line(one, self._session.today) for one in found]}

    def show(self, request: str) -> Answer:
        """Show a request with all that it keeps: ids, free text, near matches that wait."""
        with self._session.reading() as (workspace, connection):
            return self._told(workspace, connection, queue.find(connection, request))

    def spellings(self, request: str) -> dict[int, str]:
        """Return the ids that look alike by their numbers: for a terminal, and nothing else."""
        with self._session.reading() as (workspace, connection):
            _, details = self._opened(workspace, connection, request)
        return {number: one.id for number, one in enumerate(details.near, start=1)}

    def approve(self, request: str, *, by: str) -> Answer:
        """Approve a request, or take a proposal up, as a second person.

        Raises BadInput if that is who asked or who added it, or if it does not wait for it.
        """
        with self._changing() as (workspace, connection):
            found, details = self._opened(workspace, connection, request)
            must_be_text([by])
            if not by.strip():
                raise BadInput("Say who approves it.")
            if details.is_of(by):
                raise BadInput(
                    f"The request {found.id} needs a second person: who asked for it or added it "
                    f"cannot approve it."
                )
            sealed = self._sealed(workspace, found, replace(details, approved_by=by))
            queue_changes.approve(connection, found, sealed=sealed, time=self._session.time)
            return self._told(workspace, connection, queue.find(connection, request))

    def answer(self, request: str, *, also: Sequence[str] = (), only: bool = False) -> Answer:
        """Say which matches are meant too, by their numbers or ids; `only` says that none is."""
        if bool(also) == only:
            raise BadInput("Name the ids that are meant too with `also`, or say `only`.")
        with self._changing() as (workspace, connection):
            found, details = self._opened(workspace, connection, request)
            if not found.question:
                raise BadInput(f"The request {found.id} does not wait for an answer.")
            whole = details.with_ids(unique_ids(details.meant_by(also)) if also else ())
            wanted = forget_request(
                whole.ids, rows=False, asked=asked_of(None, None), today=self._session.today
            )
            commitments = wanted.commitments(workspace.keys())
            people = self._asked_today(workspace, connection, whole, commitments)
            needs = found.needs or load_policy(workspace).needs(people, proposed=False)
            queue_changes.answer(
                connection,
                found,
                commitments=commitments,
                needs=needs,
                sealed=self._sealed(workspace, found, whole),
                time=self._session.time,
            )
            return self._told(workspace, connection, queue.find(connection, request))

    def hold(self, request: str, *, reason: str, until: str) -> Answer:
        """Keep a request from running to the end of a day: a legal hold."""
        must_be_text([reason])
        day = date_of(until, "The end of the hold")
        if day < self._session.today or not reason.strip():
            raise BadInput("A hold needs a reason, and a last day that has not passed.")
        with self._changing() as (workspace, connection):
            found, details = self._opened(workspace, connection, request)
            sealed = self._sealed(workspace, found, replace(details, hold_reason=reason))
            queue_changes.hold(connection, found, until=day, sealed=sealed, time=self._session.time)
            return self._told(workspace, connection, queue.find(connection, request))

    def release(self, request: str) -> Answer:
        """End a hold before its day."""
        with self._changing() as (workspace, connection):
            found, details = self._opened(workspace, connection, request)
            sealed = self._sealed(workspace, found, replace(details, hold_reason=None))
            queue_changes.release(connection, found, sealed=sealed, time=self._session.time)
            return self._told(workspace, connection, queue.find(connection, request))

    def cancel(self, request: str) -> Answer:
        """Take a request back that does not run yet; what it kept in words is erased."""
        with self._changing() as (workspace, connection):
            queue_changes.cancel(
                connection, queue.find(connection, request), time=self._session.time
            )
            return self._told(workspace, connection, queue.find(connection, request))

    def run(
        self, *, due: str | None = None, dry_run: bool = False, accept_left_out: bool = False
    ) -> Answer:
        """Run what is due by a day (all that waits, without one), or only say what that would be.

        With `accept_left_out`, ids that what stays has too are not searched for in unweave's own
        files: see docs/deletion.md.
        What failed is told beside what was done; `exit_status` is that of the first failure, or 0.
        """
        from lineage_store.index import sign_log
        from pipelines.runs import queue as queue_run

        day = None if due is None else date_of(due, "The day of `due`")
        until = derived_until(self._session.today)
        if dry_run:
            with translated():
                planned = queue_run.plan_requests(
                    self._session.workspace(),
                    due=day,
                    today=self._session.today,
                    derived_until=until,
                    backend=self._session.backend,
                )
            return request_answers.planned(planned)
        _ = self._session.engine  # one that cannot be is told before the workspace is held
        with self._session.running() as (workspace, finished):
            ran = queue_run.run_requests(
                workspace,
                due=day,
                derived_until=until,
                command=self._session.command(),  # of now, however long that was waited for
                random_bytes=os.urandom,
                clock=perf_counter,
                accept_left_out=accept_left_out,
            )
            sign_log(workspace)  # what was queued meanwhile, too
            return request_answers.ran(
                workspace,
                ran,
                finished,
                today=self._session.today,
                reveal=self._session.reveal,
            )

    def export(self, subject: str, out: Path | str) -> Answer:
        """Write what is held about a person to a file (JSON, mode 600): access, Article 15."""
        from unweave.api.subject_export import write_export

        with self._session.reading() as (workspace, connection):
            return write_export(
                connection, workspace, subject, Path(out), today=self._session.today
            )

    def inbox(self, folder: Path | str) -> Answer:
        """Take in the request files of a folder that the policy accepts, and remove those."""
        taken, refused = [], []
        for file in look_through(Path(folder), self.policy):
            if isinstance(file, Accepted):
                try:
                    taken.append({"file": file.path.name, "requests": self._take_in(file)})
                    file.remove()  # what it asks is in the queue by now
                    continue
                except BadInput as error:
                    file = Refused(file.path, str(error))
            refused.append({"file": file.path.name, "why": file.why})
        return {"accepted": taken, "refused": refused}

    def _take_in(self, file: Accepted) -> Answers:
        """Queue all requests of a file, or none; raises BadInput naming the one that is wrong."""
        added = []
        with self._changing() as (workspace, connection):
            for number, entry in enumerate(file.entries, start=1):
                try:
                    request, is_new = self._add_entry(workspace, connection, entry, file)
                except BadInput as error:
                    raise BadInput(f"Request {number}: {error}") from error
                added.append({"request": request.id, "duplicate": not is_new})
        return added

    def _add_entry(
        self, workspace: Workspace, connection: LogConnection, entry: Entry, file: Accepted
    ) -> tuple[Queued, bool]:
        said, sender = entry.fields.get, file.sender
        details = Details(
            ids=entry.ids,
            reason=said("reason"),
            legal_basis=said("legal_basis"),
            requester=said("requester"),
            verified_by=said("verified_by"),
            verified_how=said("verified_how"),
            added_by=f"user {sender.uid}" if sender.key is None else f"key {sender.key}",
        )
        details, _ = with_alike(connection, workspace, details, kind=entry.kind)
        return self._add(
            workspace,
            connection,
            load_policy(workspace),
            entry.kind,
            details,
            {name: said(name) for name in ("guarantee", "strategy", "exact_by")},
            said("deadline"),
            proposed=sender.proposes,
        )

    @property
    def policy(self) -> Policy:
        """The workspace's rules for requests; `set_policy` changes them."""
        return load_policy(self._session.workspace())

    def set_policy(self, policy: Policy) -> None:
        """Write the workspace's rules for requests."""
        save_policy(self._session.workspace(), policy)

    def _asked_today(
        self,
        workspace: Workspace,
        connection: LogConnection,
        details: Details,
        commitments: Sequence[str],
    ) -> int:
        """Return how many people its requester has asked for today, these included."""
        day = self._session.today
        who = details.asker(day=day, key=workspace.keys().requests)
        return count_asked(connection, day=day, requester=who, commitments=commitments)

    def _opened(
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

    def _sealed(self, workspace: Workspace, found: Queued, details: Details) -> bytes:
        return details.sealed(found.id, key=workspace.keys().requests, random_bytes=os.urandom)

    def _told(self, workspace: Workspace, connection: sqlite3.Connection, found: Queued) -> Answer:
        details = None
        if found.sealed is not None:
            details = open_details(found.sealed, found.id, key=workspace.keys().requests)
        return request_answers.whole(
            connection, workspace, found, details, today=self._session.today
        )

    def _changing(self) -> AbstractContextManager[tuple[Workspace, LogConnection]]:
        return changing_queue(self._session.root, wait=self._session.wait)
