"""Letters and what came with a request, kept sealed, and for how long: drafts, sent ones, files.

    letters    request, number, kind, written, sent, sealed

A letter that is written is a draft until somebody says that it was sent. A file is what came with
the request, or belongs to it. Both lie sealed in the index under the key of sealed requests, bound
to their request and number; in hexadecimal digits, in which the residual scan, which knows nothing
of this place, takes no piece for an id. They go, overwritten,

- when the request ends and they were not sent: in the same transaction, by a trigger of the table;
- when a deletion forgets one whom the request names, sent or not, likewise: a letter says of whom
  how many rows there were, and nothing that outlives a deletion may (law 9);
- else 30 days after they were sent, or were written after the end, with the next command that
  writes to the queue or runs something.

What is written of a deletion afterwards is kept without the name of whom it is for, and says what
certificate and register say. A pack is not kept: data go out of it alone, and a receipt once.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.keys import Keys, seal, unseal

DAYS = 30
A_FILE = "file"
OVER = (
    "substr(coalesce(sent, written), 1, 10) < ? AND (sent IS NOT NULL OR request IN "
    "(SELECT id FROM queue WHERE ended IS NOT NULL))"
)


@dataclass(frozen=True)
class KeptLetter:
    """A letter of a request, or a file (`kind`): its number, when it was written, and sent."""

    request: str
    number: int
    kind: str
    written: str
    sent: str | None

    def until(self, *, ended: str | None) -> str | None:
        """Return the last day on which it is kept; None as long as its request is open, unsent."""
        since = self.sent or (None if ended is None else self.written)
        if since is None:
            return None
        return (date.fromisoformat(since[:10]) + timedelta(days=DAYS)).isoformat()


# What follows runs in the caller's transaction.


def keep_letter(
    connection: sqlite3.Connection,
    keys: Keys,
    request: str,
    *,
    kind: str,
    content: Mapping[str, Any],
    time: str,
    random_bytes: Callable[[int], bytes],
) -> int:
    """Seal a letter, or a file, of a request; return its number there."""
    (last,) = connection.execute(
        "SELECT coalesce(max(number), 0) FROM letters WHERE request = ?", (request,)
    ).fetchone()
    number = int(last) + 1
    sealed = seal(
        dict(content),
        key=keys.requests,
        belongs_to=_bound(request, number),
        random_bytes=random_bytes,
    )
    connection.execute(
        "INSERT INTO letters VALUES (?, ?, ?, ?, NULL, ?)",
        (request, number, kind, time, sealed.hex()),
    )
    return number


def kept_letters(connection: sqlite3.Connection, request: str) -> list[KeptLetter]:
    """List what is kept of a request, oldest first."""
    rows = connection.execute(
        "SELECT request, number, kind, written, sent FROM letters WHERE request = ? "
        "ORDER BY number",
        (request,),
    )
    return [KeptLetter(**dict(row)) for row in rows]


def open_letter(connection: sqlite3.Connection, keys: Keys, letter: KeptLetter) -> dict[str, Any]:
    """Read a letter; raises BadInput if the secret is another one."""
    (sealed,) = connection.execute(
        "SELECT sealed FROM letters WHERE request = ? AND number = ?",
        (letter.request, letter.number),
    ).fetchone()
    bound = _bound(letter.request, letter.number)
    found: dict[str, Any] = unseal(bytes.fromhex(sealed), key=keys.requests, belongs_to=bound)
    return found


def sent_on(
    connection: sqlite3.Connection, request: str, *, number: int | None, day: str, today: str
) -> KeptLetter:
    """Write down on which day a letter was sent, by default the newest; it is kept 30 days more.

    Raises NothingFound for one that there is not, BadInput for a day on which it cannot have been.
    """
    every = [one for one in kept_letters(connection, request) if one.kind != A_FILE]
    found = [one for one in every if number in (None, one.number)]
    if not found:
        raise NothingFound(f"No such letter of {request} is kept: see `unweave request letters`.")
    letter = found[-1]
    if not letter.written[:10] <= day <= today:
        raise BadInput(
            f"It was written on {letter.written[:10]}, and today is {today}: name the day on which "
            f"it was sent."
        )
    connection.execute(
        "UPDATE letters SET sent = ? WHERE request = ? AND number = ?",
        (day, letter.request, letter.number),
    )
    return letter


def are_over(connection: sqlite3.Connection, *, today: str) -> bool:
    """Say whether there is a letter whose time is over."""
    found = connection.execute(f"SELECT 1 FROM letters WHERE {OVER} LIMIT 1", (_before(today),))
    return found.fetchone() is not None


def end_letters(connection: sqlite3.Connection, *, today: str) -> None:
    """Erase what was sent, or written after the end, more than 30 days ago."""
    connection.execute(f"DELETE FROM letters WHERE {OVER}", (_before(today),))


def _before(today: str) -> str:
    return (date.fromisoformat(today) - timedelta(days=DAYS)).isoformat()


def _bound(request: str, number: int) -> str:
    return f"letter {number} of {request}"
