"""What people do to a request that waits: approve it, answer it, hold it, stop its clock, end it.

All but `sooner` raise BadInput for a request that runs or has ended, and for what does not fit its
state, and leave an event that names nobody. They run in the caller's transaction, begun with BEGIN
IMMEDIATE.
"""

import sqlite3
from collections.abc import Collection

from lineage_store.deadlines import Term
from lineage_store.errors import BadInput, OnHold
from lineage_store.index.asked_today import no_longer_asked
from lineage_store.index.queue import (
    Needs,
    Outcome,
    Queued,
    all_queued,
    commit_to,
    end,
    keep_invoked,
    term_text,
)
from lineage_store.log import events
from lineage_store.log.events import LogConnection
from lineage_store.log.kinds import (
    FeeAgreed,
    FeeAsked,
    LiftingAnnounced,
    ObjectionUpheld,
    RequestAnswered,
    RequestApproved,
    RequestExtended,
    RequestHeld,
    RequestHoldEnded,
    RequestReleased,
    RequestRestricted,
    RequestResumed,
    RequestStopped,
    RowsToBeKept,
)


def approve(
    connection: LogConnection, request: Queued, *, sealed: bytes, time: str, by: str
) -> None:
    """Write down that a second person agreed; raises BadInput if it does not wait for that."""
    _must_wait(request)
    if not request.needs or request.approved is not None:
        raise BadInput(f"The request {request.id} does not wait for an approval.")
    connection.execute(
        "UPDATE queue SET approved = ?, sealed = ? WHERE id = ?", (time, sealed, request.id)
    )
    events.append(connection, RequestApproved(request.id, by), time=time)


def ask(connection: LogConnection, request: Queued, *, sealed: bytes) -> None:
    """Let a request wait for an answer, to a question that its details put."""
    _must_wait(request)
    connection.execute(
        "UPDATE queue SET question = 1, sealed = ? WHERE id = ?", (sealed, request.id)
    )


def answer(
    connection: LogConnection,
    request: Queued,
    *,
    commitments: Collection[str],
    needs: Needs,
    sealed: bytes,
    time: str,
    by: str,
) -> None:
    """Close the question of near matches: these are all the ids that are meant, and no others.

    What was approved holds for those alone whom it was approved for: with more it is asked anew.
    """
    _must_wait(request)
    if request.invoked.taken_out is not None:
        raise BadInput(
            f"The rows of those whom {request.id} names were taken out by "
            f"{request.invoked.taken_out}: add a request for whoever else is meant."
        )
    rows = connection.execute("SELECT commitment FROM queue_ids WHERE request = ?", (request.id,))
    approved = request.approved if {*commitments} <= {row[0] for row in rows} else None
    connection.execute("DELETE FROM queue_ids WHERE request = ?", (request.id,))
    commit_to(connection, request.id, commitments)
    connection.execute(
        "UPDATE queue SET question = 0, size = ?, needs = ?, approved = ?, sealed = ? WHERE id = ?",
        (len(set(commitments)), needs, approved, sealed, request.id),
    )
    events.append(connection, RequestAnswered(request.id, len(set(commitments)), by), time=time)


def hold(
    connection: LogConnection, request: Queued, *, until: str, sealed: bytes, time: str, by: str
) -> None:
    """Keep a request from running to the end of a day."""
    _must_wait(request)
    end_hold(connection, request, time=time)
    connection.execute(
        "UPDATE queue SET held_until = ?, sealed = ? WHERE id = ?", (until, sealed, request.id)
    )
    events.append(connection, RequestHeld(request.id, until, by), time=time)


def release(
    connection: LogConnection, request: Queued, *, sealed: bytes, time: str, by: str
) -> None:
    """End a hold; raises BadInput if there is none."""
    _must_wait(request)
    if request.held_until is None:
        raise BadInput(f"The request {request.id} is not held.")
    connection.execute(
        "UPDATE queue SET held_until = NULL, sealed = ? WHERE id = ?", (sealed, request.id)
    )
    if not end_hold(connection, request, time=time):
        events.append(connection, RequestReleased(request.id, by), time=time)


def holds_to_end(connection: sqlite3.Connection, *, today: str) -> list[Queued]:
    """Return the requests that still wait and whose hold has passed its last day."""
    waiting = all_queued(connection, open_only=True)
    return [one for one in waiting if one.held_until is not None and one.held_until < today]


def end_hold(connection: LogConnection, request: Queued, *, time: str) -> bool:
    """Write down that a hold has passed its last day; return whether there was one that has.

    The log tells at which time this machine took the day to have passed.
    """
    if request.held_until is None or time[:10] <= request.held_until:
        return False
    connection.execute("UPDATE queue SET held_until = NULL WHERE id = ?", (request.id,))
    events.append(connection, RequestHoldEnded(request.id, request.held_until), time=time)
    return True


def cancel(connection: LogConnection, request: Queued, *, time: str, by: str) -> None:
    """End a request that does not run yet, and take its commitments away.

    Raises BadInput for an exact phase, which a certificate has promised, and for what restricts
    data: the person is told before that ends.
    """
    _must_wait(request)
    _must_be_asked_for(request)
    _must_not_be_begun(request)
    if request.invoked.in_effect:
        raise BadInput(
            f"The request {request.id} restricts data, and the person is told before that ends "
            f"(Article 18(3)): `unweave request announce-lift`, because it was taken back, say."
        )
    no_longer_asked(connection, request.id)
    connection.execute("DELETE FROM queue_ids WHERE request = ?", (request.id,))
    end(connection, request, outcome="cancelled", time=time, by=by)


def must_be_refusable(request: Queued) -> None:
    """Raise BadInput for a request that cannot be refused, as `refuse` does."""
    _must_wait(request)
    _must_be_asked_for(request)
    _must_not_be_begun(request)


def refuse(connection: LogConnection, request: Queued, *, time: str, by: str) -> None:
    """End a request that is not done as it was asked; its commitments stay, as of one that is.

    Raises BadInput for an exact phase, which a certificate has promised.
    """
    must_be_refusable(request)
    end(connection, request, outcome="refused", time=time, by=by)


def stop(
    connection: LogConnection,
    request: Queued,
    *,
    term: Term,
    deadline: str,
    sealed: bytes,
    time: str,
    by: str,
) -> None:
    """Let a request stand until what was asked for has come."""
    _must_wait(request)
    _must_be_asked_for(request)
    connection.execute("UPDATE queue SET sealed = ? WHERE id = ?", (sealed, request.id))
    _set_term(connection, request, term, deadline)
    assert term.standing is not None
    events.append(connection, RequestStopped(request.id, term.standing, by), time=time)


def resume(
    connection: LogConnection,
    request: Queued,
    *,
    term: Term,
    deadline: str,
    time: str,
    by: str,
) -> None:
    """Let a request go on, with the end that its clock then has."""
    _must_wait(request)
    _set_term(connection, request, term, deadline)
    on = term.stops[-1].until
    assert on is not None
    events.append(connection, RequestResumed(request.id, on, deadline, by), time=time)


def extend(
    connection: LogConnection,
    request: Queued,
    *,
    term: Term,
    deadline: str,
    time: str,
    by: str,
) -> None:
    """Give a request the longer time that the law allows."""
    _must_wait(request)
    _set_term(connection, request, term, deadline)
    assert term.extension is not None
    what = RequestExtended(request.id, term.extension.because, deadline, by)
    events.append(connection, what, time=time)


def ask_fee(
    connection: LogConnection, request: Queued, *, sealed: bytes, time: str, by: str
) -> None:
    """Let a request wait until a fee is agreed to (Article 12(5)(a)), or it is taken back."""
    _must_wait(request)
    _must_be_asked_for(request)
    keep_invoked(connection, request.id, request.invoked.with_fee())
    connection.execute("UPDATE queue SET sealed = ? WHERE id = ?", (sealed, request.id))
    events.append(connection, FeeAsked(request.id, by), time=time)


def agree_to_fee(connection: LogConnection, request: Queued, *, time: str, by: str) -> None:
    """Let a request go on, since the fee was agreed to."""
    _must_wait(request)
    keep_invoked(connection, request.id, request.invoked.with_fee_agreed())
    events.append(connection, FeeAgreed(request.id, by), time=time)


def _set_term(connection: sqlite3.Connection, request: Queued, term: Term, deadline: str) -> None:
    connection.execute(
        "UPDATE queue SET term = ?, deadline = ? WHERE id = ?",
        (term_text(term), deadline, request.id),
    )


def restricted(connection: LogConnection, request: Queued, *, time: str, by: str | None) -> None:
    """Write down that what a request names is restricted from now on (`manifest.restrict`)."""
    _must_wait(request)
    keep_invoked(connection, request.id, request.invoked.restricted(since=time))
    events.append(connection, RequestRestricted(request.id, by), time=time)


def keep_rows(connection: LogConnection, request: Queued, *, time: str, by: str) -> None:
    """Let the next run take the rows of a restriction out of the models, and keep them."""
    _must_wait(request)
    keep_invoked(connection, request.id, request.invoked.keeping_rows())
    events.append(connection, RowsToBeKept(request.id, by), time=time)


def announce_lifting(
    connection: LogConnection, request: Queued, *, because: str, on: str, time: str, by: str
) -> None:
    """Write down that the person was told on which day a restriction is lifted, and why."""
    _must_wait(request)
    must_not_be_on_hold(request, today=time[:10])
    announced = request.invoked.announced(because=because, on=on, today=time[:10])
    keep_invoked(connection, request.id, announced)
    events.append(connection, LiftingAnnounced(request.id, because, on, by), time=time)


def lift(connection: LogConnection, request: Queued, *, time: str, by: str) -> None:
    """End a restriction of whose end the person was told: of an objection, as refused."""
    _must_wait(request)
    must_not_be_on_hold(request, today=time[:10])
    request.invoked.must_be_liftable(today=time[:10])
    refused = request.invoked.because == "overridden"
    end(connection, request, outcome="refused" if refused else "lifted", time=time, by=by)


def uphold(connection: LogConnection, request: Queued, *, time: str, by: str) -> None:
    """Let an objection that was upheld run as the erasure that it is (Article 17(1)(c))."""
    _must_wait(request)
    must_not_be_on_hold(request, today=time[:10])
    keep_invoked(connection, request.id, request.invoked.weighed_for_them())
    events.append(connection, ObjectionUpheld(request.id, by), time=time)


def answered(
    connection: LogConnection, request: Queued, *, found: int, time: str, by: str | None
) -> None:
    """End a request that is answered by what is sent, and of how many ids there was something."""
    _must_wait(request)
    connection.execute("UPDATE queue SET found = ? WHERE id = ?", (found, request.id))
    outcome: Outcome = "done" if found else "nothing found"
    end(connection, request, outcome=outcome, time=time, by=by)


def must_not_be_on_hold(request: Queued, *, today: str) -> None:
    """Raise OnHold for a restriction that nobody may end, nor destroy what it keeps, meanwhile.

    It restricts all the same: a hold takes nothing from the person (Article 18(2)).
    """
    if request.invoked.in_effect and request.state(today) == "held":
        raise OnHold(
            f"The request {request.id} is on hold until {request.held_until}: it restricts, and "
            f"nobody may end that, or destroy what is kept; release it first, if that has ended."
        )


def _must_not_be_begun(request: Queued) -> None:
    """Raise BadInput for a rectification whose rows are out: what is left would be an erasure.

    Nobody has asked for that (Article 16).
    """
    if request.invoked.right == "rectification" and request.invoked.taken_out is not None:
        raise BadInput(
            f"The rows of whom {request.id} names were taken out by {request.invoked.taken_out}, "
            f"to be corrected: train on the file with `rectifies`, as it is to be, which ends it."
        )


def _must_be_asked_for(request: Queued) -> None:
    if request.follows is not None:
        raise BadInput(
            f"The request {request.id} is the exact phase that the certificate of {request.follows}"
            f" promises: it cannot be cancelled."
        )


def sooner(
    connection: sqlite3.Connection,
    request: Queued,
    *,
    deadline: str,
    term: Term,
    given: str | None,
) -> None:
    """Move a request's time forward, where that is sooner: somebody asked the same again."""
    least = min((one for one in (request.given, given) if one is not None), default=None)
    connection.execute(
        "UPDATE queue SET deadline = ?, term = ?, given = ? WHERE id = ?",
        (min(deadline, request.deadline), term_text(term), least, request.id),
    )


def _must_wait(request: Queued) -> None:
    if request.ended is not None or request.run is not None:
        how = "has ended" if request.ended is not None else f"is being run ({request.run})"
        raise BadInput(f"The request {request.id} {how}: it cannot be changed any more.")
