"""What is done to a request that waits: approved, answered, held, asked more for, extended.

Each method returns the whole request, as `unweave request` prints it as JSON.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from lineage_store.deadlines import CANNOT_IDENTIFY, MORE_IS_NEEDED, Standing, Term
from lineage_store.errors import BadInput
from lineage_store.index import Queued, queue, queue_changes, still_read
from lineage_store.log import LogConnection
from lineage_store.requests import Law, date_of, law_in_force
from unweave.desk.queue_access import QueueAccess
from unweave.session.forget_options import asked_of, forget_request, must_be_text, unique_ids

Answer = dict[str, Any]


class Turning(Protocol):
    """Writes down what became of a request's clock, and when it is due by that."""

    def __call__(
        self,
        connection: LogConnection,
        request: Queued,
        *,
        term: Term,
        deadline: str,
        time: str,
        by: str,
    ) -> None:
        """Write it, as `queue_changes` does."""


class RequestsInHand:
    """The requests of one workspace that wait for people."""

    def __init__(self, at: QueueAccess) -> None:
        self._at = at

    def approve(self, request: str, *, by: str) -> Answer:
        """Approve a request, or take a proposal up, as a second person.

        Raises BadInput if that is who asked or who added it, or if it does not wait for it.
        """
        with self._at.changing() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            must_be_text([by])
            if not by.strip():
                raise BadInput("Say who approves it.")
            if details.is_of(by):
                raise BadInput(
                    f"The request {found.id} needs a second person: who asked for it or added it "
                    f"cannot approve it."
                )
            sealed = self._at.sealed(workspace, found, replace(details, approved_by=by))
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            queue_changes.approve(connection, found, sealed=sealed, time=time, by=staff)
            return self._at.changed(workspace, connection, request, by=staff)

    def answer(
        self,
        request: str,
        *,
        also: Sequence[str] = (),
        only: bool = False,
        not_offered: bool = False,
        by: str | None = None,
    ) -> Answer:
        """Say which matches are meant too, by their numbers or ids; `only` says that none is.

        Said again before the run, it takes the place of what was said before. An id that is none of
        the matches' is taken only with `not_offered`. `by` is who says it, by default the user of
        this process, here and in what follows.
        """
        if bool(also) == only:
            raise BadInput("Name the ids that are meant too with `also`, or say `only`.")
        with self._at.changing() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            if not found.question and not details.offered:
                raise BadInput(f"The request {found.id} does not wait for an answer.")
            asked = details.asked_again()
            meant = asked.meant_by(also, not_offered=not_offered)
            whole = asked.with_ids(unique_ids(meant) if also else ())
            wanted = forget_request(
                whole.ids, rows=False, asked=asked_of(None, None), today=self._at.session.today
            )
            commitments = wanted.commitments(workspace.keys())
            needs = found.needs or self._at.needs((workspace, connection), whole, commitments)
            staff = self._at.staff(workspace, connection, by)
            queue_changes.answer(
                connection,
                found,
                commitments=commitments,
                needs=needs,
                sealed=self._at.sealed(workspace, found, whole),
                time=self._at.session.time,
                by=staff,
            )
            return self._at.changed(workspace, connection, request, by=staff)

    def hold(self, request: str, *, reason: str, until: str, by: str | None = None) -> Answer:
        """Keep a request from running to the end of a day: a legal hold."""
        must_be_text([reason])
        day = date_of(until, "The end of the hold")
        if day < self._at.session.today or not reason.strip():
            raise BadInput("A hold needs a reason, and a last day that has not passed.")
        with self._at.changing() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            sealed = self._at.sealed(workspace, found, replace(details, hold_reason=reason))
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            queue_changes.hold(connection, found, until=day, sealed=sealed, time=time, by=staff)
            return self._at.told(workspace, connection, queue.find(connection, request))

    def release(self, request: str, *, by: str | None = None) -> Answer:
        """End a hold before its day."""
        with self._at.changing() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            sealed = self._at.sealed(workspace, found, replace(details, hold_reason=None))
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            queue_changes.release(connection, found, sealed=sealed, time=time, by=staff)
            return self._at.changed(workspace, connection, request, by=staff)

    def cancel(self, request: str, *, by: str | None = None) -> Answer:
        """Take a request back that does not run yet; what it kept in words is erased."""
        with self._at.changing() as (workspace, connection):
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            found = queue.find(connection, request)
            queue_changes.cancel(connection, found, time=time, by=staff)
            told = self._at.told(workspace, connection, queue.find(connection, request))
        return told | {"warnings": [*told["warnings"], *still_read(workspace.index_file)]}

    def ask_more(self, request: str, *, doubt: str, by: str | None = None) -> Answer:
        """Say that more was asked for today, and what was doubted: the clock stands (12(6))."""
        must_be_text([doubt])
        if not doubt.strip():
            raise BadInput("Say what is doubted: the law lets more be asked for in no other case.")
        return self._stop(request, MORE_IS_NEEDED, doubt, by=by)

    def not_identified(self, request: str, *, by: str | None = None) -> Answer:
        """Say that nobody can tell who the person is (Article 11(2)); they may still say more."""
        return self._stop(request, CANNOT_IDENTIFY, None, by=by)

    def more_came(self, request: str, *, on: str | None = None, by: str | None = None) -> Answer:
        """Say on which day what was asked for came, today if none is given: the clock goes on."""
        today = self._at.session.today
        day = today if on is None else date_of(on, "The day on which it came")
        return self._turned(
            request, lambda term, _: term.resumed(on=day, today=today), queue_changes.resume, by=by
        )

    def extend(self, request: str, *, because: str, by: str | None = None) -> Answer:
        """Take the longer time that the law allows, for a reason that it names, and tell so."""
        today = self._at.session.today

        def longer(term: Term, law: Law) -> Term:
            regime = law.regime(term.regime)
            return term.extended(regime, because=because, today=today, holidays=law.holidays)

        return self._turned(request, longer, queue_changes.extend, by=by)

    def ask_fee(self, request: str, *, amount: str, reason: str, by: str | None = None) -> Answer:
        """Ask for a fee first, since the request is manifestly unfounded or excessive (12(5)(a)).

        Nothing is done until they agree (`fee_agreed`) or take it back (`cancel`); the clock runs.
        """
        must_be_text([amount, reason])
        if not (amount.strip() and reason.strip()):
            raise BadInput("A fee has an amount, and a reason: the person is told both.")
        with self._at.changing() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            sealed = self._at.sealed(
                workspace, found, replace(details, fee=amount, fee_reason=reason)
            )
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            queue_changes.ask_fee(connection, found, sealed=sealed, time=time, by=staff)
            return self._at.told(workspace, connection, queue.find(connection, request))

    def fee_agreed(self, request: str, *, by: str | None = None) -> Answer:
        """Say that the person agreed to the fee: the request goes on."""
        with self._at.changing() as (workspace, connection):
            found, _ = self._at.opened(workspace, connection, request)
            staff, time = self._at.staff(workspace, connection, by), self._at.session.time
            queue_changes.agree_to_fee(connection, found, time=time, by=staff)
            return self._at.changed(workspace, connection, request, by=staff)

    def _turned(
        self,
        request: str,
        turn: Callable[[Term, Law], Term],
        write: Turning,
        *,
        by: str | None,
    ) -> Answer:
        """Do to a request's clock what `turn` returns, and write it down."""
        with self._at.changing() as (workspace, connection):
            found = queue.find(connection, request)
            law = law_in_force(workspace)
            term = turn(self._term(found, law), law)
            staff = self._at.staff(workspace, connection, by)
            write(
                connection,
                found,
                term=term,
                deadline=self._deadline(law, found, term),
                time=self._at.session.time,
                by=staff,
            )
            return self._at.changed(workspace, connection, request, by=staff)

    def _stop(self, request: str, why: Standing, doubt: str | None, *, by: str | None) -> Answer:
        with self._at.changing() as (workspace, connection):
            found, details = self._at.opened(workspace, connection, request)
            law = law_in_force(workspace)
            term = self._term(found, law).stopped(why, today=self._at.session.today)
            kept = details if doubt is None else replace(details, doubt=doubt)
            queue_changes.stop(
                connection,
                found,
                term=term,
                deadline=self._deadline(law, found, term),
                sealed=self._at.sealed(workspace, found, kept),
                time=self._at.session.time,
                by=self._at.staff(workspace, connection, by),
            )
            return self._at.told(workspace, connection, queue.find(connection, request))

    @staticmethod
    def _term(found: Queued, law: Law) -> Term:
        if found.follows is not None:
            raise BadInput(f"The request {found.id} has no clock: it is the exact phase of a run.")
        return law.term_of(found)

    def _deadline(self, law: Law, found: Queued, term: Term) -> str:
        return law.deadline(term, given=found.given, today=self._at.session.today)
