"""The request queue, as Python API: `Project(...).requests.add(["Blue Cab"])`.

Each method returns what `unweave request` prints as JSON. A request can be added, held or
approved while a run goes on: only the queue's own database is written, and the event log's head is
signed by whoever holds the workspace then. Times and identities are read here and passed down.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from lineage_store.deadlines import Term, received_on
from lineage_store.disk_full import translated
from lineage_store.errors import BadInput
from lineage_store.index import Queued, queue, queue_changes
from lineage_store.log import LogConnection
from lineage_store.requests import (
    Accepted,
    Details,
    Entry,
    Policy,
    Refused,
    date_of,
    law_in_force,
    load_policy,
    look_through,
    take_over,
)
from lineage_store.rights import ERASURE, Invoked
from lineage_store.workspace import Workspace
from unweave.answers import requests as request_answers
from unweave.answers.by_tasks import opened
from unweave.desk.describing import Describing
from unweave.desk.queue_access import QueueAccess
from unweave.desk.recipient_list import RecipientList, to_tell
from unweave.session.forget_options import (
    asked_of,
    derived_until,
    forget_request,
    must_be_text,
    unique_ids,
)
from unweave.session.near_subjects import with_alike, with_near
from unweave.session.queue_writing import user_name
from unweave.session.session import Session

Answer = dict[str, Any]
Answers = list[Answer]  # within the class, `list` is the method


@dataclass(frozen=True)
class Entered:
    """How a request comes in: of what, how, by when, since when, from which file, by what right."""

    kind: queue.Kind
    asked: dict[str, str | None]
    deadline: str | None
    term: Term
    proposed: bool
    sender: str | None = None
    invoked: Invoked = ERASURE


class RequestQueue(Describing):
    """The queue of one workspace."""

    def __init__(self, session: Session) -> None:
        super().__init__(QueueAccess(session))
        self._session = session

    def add(
        self,
        ids: Sequence[str],
        *,
        rows: bool = False,
        right: str = ERASURE.right,
        ground: str | None = None,
        keep_rows: bool = False,
        came_by: str | None = None,
        reason: str | None = None,
        legal_basis: str | None = None,
        deadline: str | None = None,
        received: str | None = None,
        long_ago: bool = False,
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
        not_offered: bool = False,
        proposed: bool = False,
        by: str | None = None,
    ) -> Answer:
        """Put a request into the queue; one that waits there already is named instead.

        Other spellings of the ids that have rows are numbered in `alike`, and the request waits
        until `answer` says which of them are meant; with `source` and `column`, so are ids of that
        CSV file that look like the same subjects'. `also` (numbers, or ids) and `only` answer
        beforehand. `by` is who adds it, by default the user of this process. The time that the law
        gives runs from the day on which it was `received`, today if none is given; a day more than
        a year back is asked about, and `long_ago` answers.

        `right` is what is asked for, on a `ground` (`lineage_store.rights`); of a restriction, with
        `keep_rows`, the next run takes the rows out of the models and keeps them. `came_by` is the
        way that the request came, by which its answer goes.
        """
        invoked = Invoked.of(right, ground, keep_rows=keep_rows).come_by(came_by)
        if not invoked.erases and (guarantee or strategy or exact_by):
            raise BadInput(f"How to forget is said of what erases, and {right} does not.")
        details = Details(
            ids=unique_ids(ids),
            reason=reason,
            legal_basis=legal_basis,
            requester=requester,
            verified_by=verified_by,
            verified_how=verified_how,
            added_by=by or user_name(),
            came_by=came_by,
        )
        if (source is None) != (column is None) or (source is not None and rows):
            raise BadInput("`source` and `column` go together, and are of subjects, not of rows.")
        asked = {"guarantee": guarantee, "strategy": strategy, "exact_by": exact_by}
        if also and only:
            raise BadInput("Name the ids that are meant too with `also`, or say `only`.")
        if source is not None and column is not None and not only:
            details = with_near(self._session, details, source=Path(source), column=column)
        with self._at.changing() as (workspace, connection):
            policy = load_policy(workspace)
            kind: queue.Kind = "row" if rows else "subject"
            details, others = with_alike(connection, workspace, details, kind=kind)
            if also or only:
                meant = details.meant_by(also, not_offered=not_offered)
                details = details.with_ids(unique_ids(meant) if also else ())
            came = self._came(received, policy, long_ago=long_ago)
            entered = Entered(kind, asked, deadline, came, proposed, None, invoked)
            request, is_new = self._add(workspace, connection, details, entered)
            told = self._at.told(workspace, connection, request) | {"duplicate": not is_new}
        if only and request.question:  # it was asked for before, and the answer is given now
            told |= self.answer(request.id, only=True)
        return told | others.of_the_unknown()

    def _came(self, received: str | None, policy: Policy, *, long_ago: bool = False) -> Term:
        day = None if received is None else date_of(received, "The day of receipt")
        return Term(received_on(day, today=self._session.today, long_ago=long_ago), policy.regime)

    def _add(
        self,
        workspace: Workspace,
        connection: LogConnection,
        details: Details,
        entered: Entered,
    ) -> tuple[Queued, bool]:
        must_be_text(details.text().values())
        asked, today = entered.asked, self._session.today
        wanted = forget_request(
            details.ids,
            rows=entered.kind == "row",
            asked=asked_of(asked["guarantee"], asked["strategy"]),
            exact_by=asked["exact_by"],
            today=today,
        )
        keys = workspace.keys()
        commitments = wanted.commitments(keys)
        given = None if entered.deadline is None else date_of(entered.deadline, "The deadline")
        law = law_in_force(workspace)
        due = law.deadline(entered.term, given=given, today=today)
        options = asked | {"exact_by": wanted.exact_by}
        known = queue.same(
            connection,
            kind=entered.kind,
            commitments=commitments,
            options=options,
            invoked=entered.invoked,
        )
        added_by = details.added_by
        staff = None if added_by is None else self._at.staff(workspace, connection, added_by)
        if known is not None:
            term = law.term_of(known).with_earlier(entered.term.received)
            queue_changes.sooner(connection, known, deadline=due, term=term, given=given)
            if entered.invoked.keep_rows and not known.invoked.keep_rows and staff is not None:
                queue_changes.keep_rows(connection, known, time=self._session.time, by=staff)
            return queue.find(connection, known.id), False
        entry = queue.QueueEntry(
            kind=entered.kind,
            commitments=commitments,
            options=options,
            deadline=due,
            needs=self._at.needs(
                (workspace, connection),
                details,
                commitments,
                user=entered.sender,
                proposed=entered.proposed,
            ),
            question=bool(details.near),
            term=entered.term,
            given=given,
            by=staff,
            invoked=entered.invoked,
        )
        request = queue.add(
            connection,
            entry,
            seal=lambda id_: details.sealed(id_, key=keys.requests, random_bytes=os.urandom),
            time=self._session.time,
        )
        return self._at.in_effect(workspace, connection, request.id, by=staff), True

    def filed_since(self, after: int, ids: Sequence[str], *, right: str) -> str | None:
        """Return the request behind the place `after` that asks this of these ids, and maybe more.

        It may be over by now, but for one that was taken back.
        """
        asked = asked_of(None, None)
        with self._session.reading() as (workspace, connection):
            wanted = forget_request(
                unique_ids(ids), rows=False, asked=asked, today=self._session.today
            ).commitments(workspace.keys())
            for one in queue.with_ids(connection, wanted[:1]):
                named = set(queue.commitments_of(connection, one.id))
                if one.ordinal > after and one.invoked.right == right and named >= set(wanted):
                    return one.id
        return None

    def list(self, *, ended: bool = False) -> Answer:
        """List the requests that have not ended, or all of them; without any id or name."""
        with self._session.reading() as (workspace, connection):
            found = queue.all_queued(connection, open_only=not ended)
            law, today = law_in_force(workspace), self._session.today
        return {"requests": [request_answers.line(one, law, today=today) for one in found]}

    @property
    def recipients(self) -> RecipientList:
        """Whom data or models were given to, and who of them was told of which deletion."""
        return RecipientList(self._session)

    @property
    def serving(self) -> RecipientList:
        """The places that serve models from here, and what each has confirmed."""
        return RecipientList(self._session, serves=True)

    def show(self, request: str) -> Answer:
        """Show a request with all that it keeps: ids, free text, near matches that wait."""
        with self._session.reading() as (workspace, connection):
            return self._at.told(workspace, connection, queue.find(connection, request))

    def spellings(self, request: str) -> dict[int, str]:
        """Return the ids that look alike by their numbers: for a terminal, and nothing else."""
        with self._session.reading() as (workspace, connection):
            _, details = self._at.opened(workspace, connection, request)
        return {number: one.id for number, one in enumerate(details.near, start=1)}

    def run(
        self, *, due: str | None = None, dry_run: bool = False, accept_left_out: bool = False
    ) -> Answer:
        """Run what is due by a day (all that waits, without one), or only say what that would be.

        With `accept_left_out`, ids that what stays has too are not searched for in unweave's own
        files: see docs/deletion.md.
        What failed is told beside what was done; `exit_status` is that of the first failure, or 0.
        By a backend that leaves runs open the first is, and the answer says which it is.
        """
        from lineage_store.index import sign_log
        from pipelines.jobs import LeftOpen
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
        self.take_effect()
        _ = self._session.engine  # one that cannot be is told before the workspace is held
        with self._session.running() as (workspace, finished):
            try:
                ran = queue_run.run_requests(
                    workspace,
                    due=day,
                    derived_until=until,
                    command=self._session.command(),  # of now, however long that was waited for
                    random_bytes=os.urandom,
                    clock=perf_counter,
                    accept_left_out=accept_left_out,
                )
            except LeftOpen as left:
                sign_log(workspace)
                return opened(left)
            sign_log(workspace)  # what was queued meanwhile, too
            answer = request_answers.ran(
                workspace,
                ran,
                finished,
                today=self._session.today,
                reveal=self._session.reveal,
            )
        with self._session.reading() as (workspace, connection):
            for run in answer["runs"]:
                run["to_confirm"] = to_tell(connection, workspace, run["request_id"], serving=True)
        return answer

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
        return {"accepted": taken, "refused": refused, "ok": not refused}

    def _take_in(self, file: Accepted) -> Answers:
        """Queue all requests of a file, or none; raises BadInput naming the one that is wrong."""
        added = []
        with self._at.changing() as (workspace, connection):
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
            came_by=said("came_by"),
        )
        details, _ = with_alike(connection, workspace, details, kind=entry.kind)
        policy = load_policy(workspace)
        entered = Entered(
            entry.kind,
            {name: said(name) for name in ("guarantee", "strategy", "exact_by")},
            said("deadline"),
            self._came(said("received"), policy, long_ago=True),  # as the file says
            sender.proposes,
            details.added_by,
            Invoked.of(said("right") or ERASURE.right, said("ground")).come_by(said("came_by")),
        )
        return self._add(workspace, connection, details, entered)

    @property
    def policy(self) -> Policy:
        """The workspace's rules for requests; `set_policy` changes them."""
        return load_policy(self._session.workspace())

    def set_policy(
        self,
        policy: Policy,
        *,
        regimes: Path | str | None = None,
        holidays: Path | str | None = None,
    ) -> None:
        """Write the workspace's rules for requests; files of rules of time and of holidays, too.

        Raises BadInput for a regime that there are no rules of, or a file that is none.
        """
        workspace = self._session.workspace()
        with self._session.reading() as (_, connection):
            in_use = {one.term.regime for one in queue.all_queued(connection) if one.term}
        take_over(
            workspace,
            policy,
            regimes=None if regimes is None else Path(regimes),
            holidays=None if holidays is None else Path(holidays),
            in_use=sorted(in_use),
        )
