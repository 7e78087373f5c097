"""The kinds of events that the log holds, one type for each: what happened, and to what.

The log itself (`events`) keeps any kind and any body, and proves both; here stands what unweave
writes and reads, but for what is done at the desk alone (`desk_kinds`). `by` is the number of
whoever of the staff did it (`requests/staff.py`).
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from lineage_store.errors import CheckFailed
from lineage_store.log import events
from lineage_store.log.desk_kinds import DESK_KINDS
from lineage_store.log.event_kind import EventKind, fields_of
from lineage_store.log.events import Event


@dataclass(frozen=True)
class ModelMade(EventKind):
    """A model was registered: by a training, or (`request`) by a deletion that replaced another.

    `family` is the first model of its line. `weights`, `ledger` and `served`, the files that were
    pushed, are commitments (`ledger.published`); an earlier unweave wrote digests of the first two.
    """

    name = "model made"

    model: str
    family: str
    guarantee: str
    request: str | None
    weights: str
    ledger: str
    base: str | None = None
    served: str | None = None


@dataclass(frozen=True)
class DeletionAsked(EventKind):
    """A deletion was recorded, before anything was changed; the digest covers its id and time."""

    name = "deletion asked"

    request: str
    digest: str


@dataclass(frozen=True)
class DeletionTakenBack(EventKind):
    """A deletion whose run failed before it changed anything was taken back."""

    name = "deletion taken back"

    request: str
    digest: str


@dataclass(frozen=True)
class RowsDeleted(EventKind):
    """A deletion was certified; `models` are the ended models, each with what replaced it.

    `ids` counts the subjects or rows that were named; an earlier unweave did not log it.
    """

    name = "rows deleted"

    request: str
    certificate: str
    models: Mapping[str, str | None]
    guarantees: Mapping[str, str]
    ids: int | None = None


@dataclass(frozen=True)
class ExclusionLifted(EventKind):
    """So many entries of a deletion's in the exclusion manifest were lifted: they agreed anew."""

    name = "exclusion lifted"

    request: str
    ids: int


@dataclass(frozen=True)
class RequestQueued(EventKind):
    """A request was put into the queue; an exact phase has no ids, and follows a deletion."""

    name = "request queued"

    request: str
    kind: str
    deadline: str
    size: int | None = None
    needs: str | None = None
    follows: str | None = None
    received: str | None = None
    by: str | None = None
    right: str | None = None
    ground: str | None = None


@dataclass(frozen=True)
class RequestStopped(EventKind):
    """A request stands: more was asked for, or nobody can tell who the person is."""

    name = "request stopped"

    request: str
    why: str
    by: str | None = None


@dataclass(frozen=True)
class RequestResumed(EventKind):
    """What was asked for came, on a day: the request goes on."""

    name = "request resumed"

    request: str
    on: str
    deadline: str
    by: str | None = None


@dataclass(frozen=True)
class RequestExtended(EventKind):
    """The time for an answer was extended, for a reason that the law names."""

    name = "request extended"

    request: str
    because: str
    deadline: str
    by: str | None = None


@dataclass(frozen=True)
class FeeAsked(EventKind):
    """A fee was asked for, since a request is manifestly unfounded or excessive (12(5)(a))."""

    name = "fee asked"

    request: str
    by: str | None = None


@dataclass(frozen=True)
class FeeAgreed(EventKind):
    """Who was asked for a fee has agreed to it: the request goes on."""

    name = "fee agreed"

    request: str
    by: str | None = None


@dataclass(frozen=True)
class RequestApproved(EventKind):
    """A second person agreed to a request."""

    name = "request approved"

    request: str
    by: str | None = None


@dataclass(frozen=True)
class RequestAnswered(EventKind):
    """The question of near matches was answered; `size` ids are meant."""

    name = "request answered"

    request: str
    size: int
    by: str | None = None


@dataclass(frozen=True)
class RequestHeld(EventKind):
    """A request may not run until the end of a day."""

    name = "request held"

    request: str
    until: str
    by: str | None = None


@dataclass(frozen=True)
class RequestReleased(EventKind):
    """A hold ended before its day."""

    name = "request released"

    request: str
    by: str | None = None


@dataclass(frozen=True)
class RequestHoldEnded(EventKind):
    """The last day of a hold has passed, by this machine's clock: the request may run again.

    An earlier unweave did not log it.
    """

    name = "request hold ended"

    request: str
    until: str


@dataclass(frozen=True)
class RequestRestricted(EventKind):
    """What a request names is restricted: it is trained on no more, and nobody else deletes it."""

    name = "request restricted"

    request: str
    by: str | None = None


@dataclass(frozen=True)
class RowsToBeKept(EventKind):
    """The rows of a restriction are to be taken out of the models, and kept."""

    name = "rows to be kept"

    request: str
    by: str | None = None


@dataclass(frozen=True)
class LiftingAnnounced(EventKind):
    """The person was told that a restriction is lifted on a day, and why."""

    name = "lifting announced"

    request: str
    because: str
    on: str
    by: str | None = None


@dataclass(frozen=True)
class ObjectionUpheld(EventKind):
    """An objection was upheld: what it names is to be erased."""

    name = "objection upheld"

    request: str
    by: str | None = None


@dataclass(frozen=True)
class RequestEnded(EventKind):
    """A request ended, by a deletion or without one."""

    name = "request ended"

    request: str
    outcome: str
    run: str | None
    by: str | None = None


@dataclass(frozen=True)
class LineServed(EventKind):
    """From now on a line of models is served under a name, in the place of another if it had one.

    The name is not said: somebody else's log need not know what models are for.
    """

    name = "line served"

    line: str
    instead: str | None
    by: str | None = None


@dataclass(frozen=True)
class ModelRetired(EventKind):
    """A model ended that nobody asked to be deleted: not needed, or kept `until` its last day."""

    name = "model retired"

    model: str
    by: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class RegisterEnded(EventKind):
    """So many entries of the register that were over before a day went, and names of staff."""

    name = "register ended"

    before: str
    requests: int
    staff: int


@dataclass(frozen=True)
class EvidenceDrawn(EventKind):
    """So many finished deletions, of all that there were, were drawn by a seed to be looked at."""

    name = "evidence drawn"

    seed: int
    draw: int
    of: int
    by: str | None = None


@dataclass(frozen=True)
class ClockExplained(EventKind):
    """Where the log's times went back, at an event, somebody said which of the two was right."""

    name = "clock explained"

    event: int
    before: str
    after: str
    right: str
    by: str


KINDS: tuple[type[EventKind], ...] = (
    ModelMade,
    DeletionAsked,
    DeletionTakenBack,
    RowsDeleted,
    ExclusionLifted,
    RequestQueued,
    RequestStopped,
    RequestResumed,
    RequestExtended,
    FeeAsked,
    FeeAgreed,
    RequestApproved,
    RequestAnswered,
    RequestHeld,
    RequestReleased,
    RequestHoldEnded,
    RequestRestricted,
    RowsToBeKept,
    LiftingAnnounced,
    ObjectionUpheld,
    RequestEnded,
    LineServed,
    ModelRetired,
    RegisterEnded,
    EvidenceDrawn,
    ClockExplained,
    *DESK_KINDS,
)

K = TypeVar("K", bound=EventKind)


def read(event: Event, kind: type[K]) -> K:
    """Read a stored event as one of its kind; raises CheckFailed if a field is missing.

    Fields that this unweave does not know are left aside: a newer one may have written them.
    """
    known = {field.name for field in fields_of(kind)}
    try:
        return kind(**{name: value for name, value in event.body.items() if name in known})
    except TypeError as error:
        raise CheckFailed(
            f"Event {event.seq} of the event log lacks what a {kind.name!r} says: restore the log "
            "from a backup."
        ) from error


def of_kind(connection: sqlite3.Connection, kind: type[K]) -> Iterator[tuple[Event, K]]:
    """Yield the events of one kind in their order, each as stored and as read."""
    for event in events.events(connection, kind=kind.name):
        yield event, read(event, kind)
