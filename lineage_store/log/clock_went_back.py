"""Where the log's times go back: a clock that jumped (law 11).

An event bears the time at which it was logged, so times rise with the numbers. Where one falls, the
clock was wrong on one side: it ran ahead before, or was set back since. A clock that runs ahead is
found as soon as it is right again, not sooner: nothing else in a workspace tells the time. Which
side was right no log can know, so somebody says it, and the event that says it (`ClockExplained`)
names both times and who. Nothing waits for it: a deletion is due by law, whatever the clock says.

Two commands at once may read the clock in one order and log in the other, and a clock that is kept
right by the network goes back by a little: what is less than `TOLERANCE` is no jump.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from lineage_store.log import events
from lineage_store.log.kinds import ClockExplained, RequestHoldEnded, of_kind

TOLERANCE = timedelta(minutes=5)
SAY_WHICH = "say which was right with unweave log clock"


@dataclass(frozen=True)
class ClockJump:
    """A clock that went back: `before` was the time of event `last`, `after` that of `event`.

    Events from number `since` to `last` bear times later than `after`; the holds that ended among
    them are named, since they end by the clock alone. `event` is None where the clock of now is
    behind, and nothing was logged since. `right` says which side is, once somebody said it.
    """

    event: int | None
    last: int
    since: int
    before: str
    after: str
    holds: tuple[str, ...] = ()
    right: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the jump as JSON."""
        return asdict(self) | {"holds": list(self.holds), "told": self.in_words()}

    def in_words(self) -> str:
        """Say it in a sentence without its full stop."""
        now = "it is" if self.event is None else f"event {self.event} is of"
        sentence = (
            f"the clock went back: event {self.last} is of {self.before}, and {now} {self.after}"
        )
        if self.holds:
            sentence += f"; meanwhile the hold of {', '.join(self.holds)} ended"
        return sentence


def clock_jumps(connection: sqlite3.Connection, *, time: str) -> list[ClockJump]:
    """Return where the clock went back, oldest first, up to now (`time`).

    Events whose time cannot be read are passed over: `events.check` tells what was changed.
    """
    explained = {one.event: one.right for _, one in of_kind(connection, ClockExplained)}
    ended = {event.seq: one.request for event, one in of_kind(connection, RequestHoldEnded)}
    found: list[ClockJump] = []
    run: list[tuple[int, datetime, str]] = []  # since the last jump
    latest: tuple[int, datetime, str] | None = None
    for number, at, written in _moments(connection, time):
        if latest is not None and at + TOLERANCE < latest[1]:
            late = [seq for seq, moment, _ in run if moment > at + TOLERANCE]
            holds = tuple(ended[seq] for seq in late if seq in ended)
            event = number or None
            right = explained.get(number)
            found.append(ClockJump(event, latest[0], late[0], latest[2], written, holds, right))
            run, latest = [], None
        run.append((number, at, written))
        if latest is None or at >= latest[1]:
            latest = run[-1]
    return found


def _moments(connection: sqlite3.Connection, time: str) -> Iterator[tuple[int, datetime, str]]:
    """Yield number, moment and text of each event, and of now as number 0."""
    rows = connection.execute("SELECT seq, time FROM events ORDER BY seq")
    for number, written in (*rows, (0, time)):
        try:
            at = datetime.fromisoformat(written)
        except (TypeError, ValueError):
            continue
        yield number, at if at.tzinfo else at.replace(tzinfo=timezone.utc), written


def open_jumps(connection: sqlite3.Connection, *, time: str) -> list[ClockJump]:
    """Return the jumps of which nobody has said yet which side was right."""
    return [one for one in clock_jumps(connection, time=time) if one.right is None]


def explain_jump(
    connection: events.LogConnection, jump: ClockJump, *, right: str, by: str, time: str
) -> events.Event:
    """Log which side of a jump was right, and who says so, within the caller's transaction.

    Where nothing was logged since the clock went back, this is the first event after the jump.
    """
    number = events.head(connection).size + 1 if jump.event is None else jump.event
    what = ClockExplained(event=number, before=jump.before, after=jump.after, right=right, by=by)
    return events.append(connection, what, time=time)
