"""The queue of requests: what was asked, by when it must be done, and what holds it up.

A *request* (q1, q2, ...) is what somebody asks; a *run* (r1, r2, ..., `deletions.py`) is a deletion
that serves one or many of them. A request names its run, written in the same transaction as the
run itself, and ends in the same transaction as the run's certificate; so a kill at any moment
leaves neither a request without its run nor one that runs twice.

Its state is not stored: it follows from what is known (approved, held until, run, ended), and from
the right that it invokes (`rights.invoked`): what is not erasure does not run. Ids,
names and free text lie sealed in one column, which is emptied when the request ends; keyed
commitments of the ids stay with it, as in the exclusion manifest, but those of a cancelled request
go. The event log gets numbers, dates and ids of requests, nothing else.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from lineage_store.claim import BITS
from lineage_store.deadlines import Term
from lineage_store.errors import NothingFound, OnHold
from lineage_store.index.manifest import restricted_by, unrestrict
from lineage_store.log import events
from lineage_store.log.events import LogConnection
from lineage_store.log.kinds import RequestEnded, RequestQueued
from lineage_store.rights import ERASURE, Invoked

Kind = Literal["subject", "row", "exact phase"]
Needs = Literal["", "approval", "proposal"]
Alike = Literal["none", "others", "not looked for"]
Outcome = Literal["done", "nothing found", "cancelled", "refused", "lifted"]

WAITING = "waiting"

_TABLES = (
    """CREATE TABLE queue (
        ordinal INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created TEXT NOT NULL,
        kind TEXT NOT NULL, size INTEGER NOT NULL, options TEXT NOT NULL, deadline TEXT NOT NULL,
        needs TEXT NOT NULL, approved TEXT, question INTEGER NOT NULL, held_until TEXT,
        sealed BLOB, follows TEXT, run TEXT, found INTEGER, ended TEXT, outcome TEXT
    )""",
    "CREATE INDEX queue_by_run ON queue (run)",
    "CREATE INDEX queue_by_end ON queue (ended)",
    """CREATE TABLE queue_ids (
        commitment TEXT NOT NULL, request TEXT NOT NULL, PRIMARY KEY (commitment, request)
    ) WITHOUT ROWID""",
    "CREATE INDEX queue_ids_by_request ON queue_ids (request)",
)


@dataclass(frozen=True, kw_only=True)
class QueueEntry:
    """What is put into the queue: of whom, by commitments of ids; how, by when; what it waits for.

    It waits for somebody where it `needs` one, and for an answer to a `question`.
    """

    kind: Kind
    commitments: Collection[str]
    options: Mapping[str, Any]
    deadline: str
    needs: Needs
    question: bool
    term: Term
    given: str | None = None
    by: str | None = None
    invoked: Invoked = ERASURE


@dataclass(frozen=True)
class Queued:
    """A request in the queue; times are ISO 8601, `deadline` and `held_until` are dates.

    `size` counts its ids, `found` those that a run found rows of. `follows` is the approximate run
    that an exact phase makes exact. `term` is what the law's clock says: an exact phase has none,
    nor has a request of an earlier unweave. `alike` says of a settled one whether other spellings
    had rows: none, those of others by what was answered, or that nobody looked; `due` is the last
    day by the law as it was when it was settled. `invoked` is the right.
    """

    ordinal: int
    id: str
    created: str
    kind: Kind
    size: int
    options: Mapping[str, Any]
    deadline: str
    needs: Needs
    approved: str | None
    question: bool
    held_until: str | None
    sealed: bytes | None
    follows: str | None
    run: str | None
    found: int | None
    ended: str | None
    outcome: Outcome | None
    term: Term | None
    given: str | None
    alike: Alike | None
    due: str | None
    invoked: Invoked

    def state(self, today: str) -> str:
        """Return the state on a day; a hold lasts to the end of its last day."""
        if self.outcome is not None:
            return self.outcome
        if self.run is not None:
            return "running"
        if self.held_until is not None and today <= self.held_until:
            return "held"
        if self.term is not None and self.term.standing is not None:
            return self.term.standing
        if self.needs and self.approved is None:
            return "proposal" if self.needs == "proposal" else "waiting for approval"
        if self.question:
            return "waiting for an answer"
        return WAITING if self.invoked.standing is None else self.invoked.standing

    def runs(self, today: str) -> bool:
        """Whether it waits for a run on a day: to erase, or to take rows out that are kept."""
        state = self.state(today)
        return state == WAITING or (state == self.invoked.standing and self.invoked.wants_out)


def create_queue(connection: sqlite3.Connection) -> None:
    """Create the tables of the queue."""
    for statement in _TABLES:
        connection.execute(statement)


def add_columns(connection: sqlite3.Connection, *names: str) -> None:
    """Add what came to be kept of requests later: a migration's text columns."""
    for name in names:
        connection.execute(f"ALTER TABLE queue ADD COLUMN {name} TEXT")


# All that follow run in the caller's transaction, begun with BEGIN IMMEDIATE.


def add(
    connection: LogConnection, entry: QueueEntry, *, seal: Callable[[str], bytes], time: str
) -> Queued:
    """Put a request into the queue; `seal` is given its id and returns its sealed details."""
    size = len(entry.commitments)
    request = _insert(connection, entry.kind, size, entry.options, entry.deadline, time)
    connection.execute(
        "UPDATE queue SET needs = ?, question = ?, sealed = ?, term = ?, given = ?, invoked = ? "
        "WHERE id = ?",
        (
            *(entry.needs, entry.question, seal(request)),
            *(term_text(entry.term), entry.given, invoked_text(entry.invoked), request),
        ),
    )
    commit_to(connection, request, entry.commitments)
    what = RequestQueued(
        request,
        entry.kind,
        entry.deadline,
        size=size,
        needs=entry.needs,
        received=entry.term.received,
        by=entry.by,
        right=None if entry.invoked.right == ERASURE.right else entry.invoked.right,
        ground=entry.invoked.ground,
    )
    events.append(connection, what, time=time)
    return find(connection, request)


def add_exact_phase(connection: LogConnection, *, run: str, deadline: str, time: str) -> Queued:
    """Queue the exact phase of an approximate run; it needs no ids, since the rows have gone."""
    options = {"guarantee": BITS.word, "strategy": None, "exact_by": None}
    request = _insert(connection, "exact phase", 0, options, deadline, time)
    connection.execute("UPDATE queue SET follows = ? WHERE id = ?", (run, request))
    what = RequestQueued(request, "exact phase", deadline, follows=run)
    events.append(connection, what, time=time)
    return find(connection, request)


def _insert(
    connection: sqlite3.Connection,
    kind: Kind,
    size: int,
    options: Mapping[str, Any],
    deadline: str,
    time: str,
) -> str:
    (last,) = connection.execute("SELECT coalesce(max(ordinal), 0) FROM queue").fetchone()
    connection.execute(
        "INSERT INTO queue (ordinal, id, created, kind, size, options, deadline, needs, question) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, '', 0)",
        (
            *(last + 1, f"q{last + 1}", time, kind, size),
            *(json.dumps(options, sort_keys=True), deadline),
        ),
    )
    return f"q{last + 1}"


def commit_to(connection: sqlite3.Connection, request: str, commitments: Collection[str]) -> None:
    """Add the commitments of ids to a request."""
    connection.executemany(
        "INSERT OR IGNORE INTO queue_ids VALUES (?, ?)", [(one, request) for one in commitments]
    )


def same(
    connection: sqlite3.Connection,
    *,
    kind: Kind,
    commitments: Collection[str],
    options: Mapping[str, Any],
    invoked: Invoked = ERASURE,
) -> Queued | None:
    """Return the first request that has not ended and asks just the same of the same ids."""
    wanted = set(commitments)
    for request in with_ids(connection, [min(wanted)]):
        asked = (request.ended, request.kind, request.options)
        alike = asked == (None, kind, options) and request.invoked.is_asked_by(invoked)
        if alike and wanted == set(commitments_of(connection, request.id)):
            return request
    return None


def with_ids(connection: sqlite3.Connection, commitments: Sequence[str]) -> list[Queued]:
    """Return all requests of which one of the commitments is part, oldest first."""
    found = {
        row[0]
        for one in commitments
        for row in connection.execute("SELECT request FROM queue_ids WHERE commitment = ?", (one,))
    }
    return sorted((find(connection, one) for one in found), key=lambda request: request.ordinal)


def commitments_of(connection: sqlite3.Connection, request: str) -> list[str]:
    """Return the commitments of a request's ids."""
    found = connection.execute("SELECT commitment FROM queue_ids WHERE request = ?", (request,))
    return [row[0] for row in found]


def find(connection: sqlite3.Connection, request: str) -> Queued:
    """Return a request; raises NothingFound if there is none of that id."""
    row = connection.execute("SELECT * FROM queue WHERE id = ?", (request,)).fetchone()
    if row is None:
        raise NothingFound("There is no such request in the queue; its requests are q1, q2, ...")
    return queued_of(row)


def all_queued(connection: sqlite3.Connection, *, open_only: bool = False) -> list[Queued]:
    """List the requests, oldest first; with `open_only`, those that have not ended."""
    where = " WHERE ended IS NULL" if open_only else ""
    rows = connection.execute(f"SELECT * FROM queue{where} ORDER BY ordinal")
    return [queued_of(row) for row in rows]


def of_run(connection: sqlite3.Connection, run: str) -> list[Queued]:
    """List the requests that a run serves or served, oldest first."""
    rows = connection.execute("SELECT * FROM queue WHERE run = ? ORDER BY ordinal", (run,))
    return [queued_of(row) for row in rows]


def end(
    connection: LogConnection,
    request: Queued,
    *,
    outcome: Outcome,
    time: str,
    run: str | None = None,
    by: str | None = None,
) -> None:
    """End a request, by a run that may have been another one's, and empty its sealed column.

    Whatever it restricted is restricted no more.
    """
    connection.execute(
        "UPDATE queue SET ended = ?, outcome = ?, run = ?, sealed = NULL WHERE id = ?",
        (time, outcome, run, request.id),
    )
    unrestrict(connection, request.id)
    events.append(connection, RequestEnded(request.id, outcome, run, by), time=time)


def run_done(connection: LogConnection, run: str, *, exact_by: str | None, time: str) -> None:
    """End all requests that a run served; part of the transaction that closes the run.

    One whose rows it took out to be kept, or to be corrected, goes on. An approximate run
    with a date for its exact phase leaves that in the queue.
    """
    for request in of_run(connection, run):
        if request.ended is not None:
            continue
        if request.invoked.outlives_run:
            taken_out = replace(request.invoked, taken_out=run)
            connection.execute("UPDATE queue SET run = NULL WHERE id = ?", (request.id,))
            keep_invoked(connection, request.id, taken_out)
        else:
            end(connection, request, outcome="done", time=time, run=run)
    if exact_by is not None:
        add_exact_phase(connection, run=run, deadline=exact_by, time=time)


def keep_found(
    connection: sqlite3.Connection,
    request: str,
    *,
    found: int,
    alike: Alike | None,
    due: str | None,
) -> None:
    """Write down of how many ids there are rows, what of other spellings, and the day by law."""
    connection.execute(
        "UPDATE queue SET found = ?, alike = ?, due = ? WHERE id = ?", (found, alike, due, request)
    )


def keep_invoked(connection: sqlite3.Connection, request: str, invoked: Invoked) -> None:
    """Write down how the right that a request invokes stands."""
    connection.execute(
        "UPDATE queue SET invoked = ? WHERE id = ?", (invoked_text(invoked), request)
    )


def must_not_be_held(
    connection: sqlite3.Connection,
    commitments: Sequence[str],
    *,
    today: str,
    but: Collection[str] = (),
) -> None:
    """Raise OnHold if a request of one of the ids is held: nobody may forget it meanwhile.

    Nor may anybody who is restricted, `but` by requests that say so themselves.
    """
    by = [one for one in restricted_by(connection, commitments) if one not in but]
    if by:
        raise OnHold(
            f"What was named is restricted (request {by[0]}, Article 18 GDPR): nothing was "
            f"changed; it can be forgotten once that is lifted, or as that request says."
        )
    for request in with_ids(connection, commitments):
        if request.state(today) == "held":
            raise OnHold(
                f"A legal hold is on what was named (request {request.id}, until "
                f"{request.held_until}): nothing was changed; release it first, if it has ended."
            )


def kept_back_by(connection: sqlite3.Connection, request: Queued, *, today: str) -> list[str]:
    """Return the other requests that hold or restrict an id of a request, which waits for them."""
    waits = request.invoked.erases or request.invoked.wants_out
    if request.ended is not None or request.run is not None or not waits:
        return []
    named = with_ids(connection, commitments_of(connection, request.id))
    held = (one.id for one in named if one.state(today) == "held" and one.id != request.id)
    return list(dict.fromkeys((*held, *barring(connection, request))))


def barring(connection: sqlite3.Connection, request: Queued) -> list[str]:
    """Return the other requests that keep one back since they restrict an id of it."""
    along = runs_along(connection, request)
    others = restricted_by(connection, commitments_of(connection, request.id))
    return [one for one in others if one not in along]


def runs_along(connection: sqlite3.Connection, request: Queued) -> frozenset[str]:
    """Return the requests that restrict nothing for one: itself, and what keeps rows with it."""
    every = all_queued(connection, open_only=True) if request.invoked.wants_out else []
    along = (one.id for one in every if one.invoked.wants_out and one.kind == request.kind)
    return frozenset((request.id, *along))


def held_commitments(connection: sqlite3.Connection, *, today: str) -> frozenset[str]:
    """Return the commitments of all ids that are on hold."""
    held = [r.id for r in all_queued(connection, open_only=True) if r.state(today) == "held"]
    return frozenset(one for request in held for one in commitments_of(connection, request))


def term_text(term: Term) -> str:
    """Return a term as the table has it."""
    return json.dumps(term.to_json(), sort_keys=True)


def invoked_text(invoked: Invoked) -> str:
    """Return a right that is invoked as the table has it."""
    return json.dumps(invoked.to_json(), sort_keys=True)


def queued_of(row: sqlite3.Row) -> Queued:
    """Read a request as the table has it."""
    read = {
        "options": json.loads(row["options"]),
        "question": bool(row["question"]),
        "term": None if row["term"] is None else Term.from_json(json.loads(row["term"])),
        "invoked": Invoked.from_json(json.loads(row["invoked"] or "{}")),
    }
    return Queued(**{**dict(row), **read})
