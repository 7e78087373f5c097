"""What waits to be sent by mail: of which request, to whom, and how often it was tried; sealed.

What is sent lies in the outbox until it is taken, and nowhere else: here is the address alone. A
mail that was taken is gone from here, and so is one whose request has become another meanwhile.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from lineage_store.keys import Keys, seal, unseal

ID_BYTES = 16
FIRST_WAIT, LONGEST_WAIT = 60, 6 * 3600  # seconds until it is tried again
AT_WORK = 300  # seconds within which nobody else sends the same
AT_ONCE = 4  # that are taken at a time: each may take a minute


@dataclass(frozen=True)
class WaitingMail:
    """What is written of a request is to be sent `to` an address, as `by` had it.

    `outcome` is how the request had come out then, "" while it was open. `message_id` is the same
    at each try, so that what comes twice is known by it. `refused` will not be tried again.
    """

    request: str
    to: str
    by: str
    outcome: str
    message_id: str
    failed: int
    refused: bool


@dataclass(frozen=True)
class WaitingMails:
    """The mails in an open file of the desk."""

    connection: sqlite3.Connection
    keys: Keys

    def add(
        self,
        request: str,
        *,
        to: str,
        by: str,
        outcome: str,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Have what is written of a request sent, in place of what waited of it."""
        told = {"to": to, "by": by, "outcome": outcome, "id": random_bytes(ID_BYTES).hex()}
        sealed = seal(
            told,
            key=self.keys.requests,
            belongs_to=f"desk mail {request}",
            random_bytes=random_bytes,
        )
        self.connection.execute(
            "INSERT OR REPLACE INTO mails (request, sealed) VALUES (?, ?)", (request, sealed)
        )

    def of(self, request: str) -> WaitingMail | None:
        """Return the mail that waits of a request, None if none does."""
        row = self.connection.execute(
            "SELECT * FROM mails WHERE request = ?", (request,)
        ).fetchone()
        return None if row is None else self._mail(row)

    def end(self, request: str) -> bool:
        """Send nothing of a request any more; say whether something waited."""
        done = self.connection.execute("DELETE FROM mails WHERE request = ?", (request,))
        return done.rowcount > 0

    def take_due(self, *, now: int) -> list[WaitingMail]:
        """Return those that may be sent now; for a while nobody else takes them."""
        rows = self.connection.execute(
            "SELECT * FROM mails WHERE not_before <= ? AND NOT refused "
            "ORDER BY not_before, request LIMIT ?",
            (now, AT_ONCE),
        ).fetchall()
        for row in rows:
            self._wait(row["request"], now + AT_WORK)
        return [self._mail(row) for row in rows]

    def was_not_taken(self, one: WaitingMail, *, now: int) -> None:
        """Write down that the server did not take one; it is tried later, and later each time."""
        self.connection.execute(
            "UPDATE mails SET failed = failed + 1 WHERE request = ?", (one.request,)
        )
        wait = min(FIRST_WAIT << min(one.failed, 16), LONGEST_WAIT)
        self._wait(one.request, now + wait)

    def was_refused(self, one: WaitingMail) -> None:
        """Write down that the server will never take one: an officer decides what is done."""
        self.connection.execute("UPDATE mails SET refused = 1 WHERE request = ?", (one.request,))

    def _wait(self, request: str, until: int) -> None:
        self.connection.execute(
            "UPDATE mails SET not_before = ? WHERE request = ?", (until, request)
        )

    def _mail(self, row: sqlite3.Row) -> WaitingMail:
        kept = unseal(
            row["sealed"], key=self.keys.requests, belongs_to=f"desk mail {row['request']}"
        )
        return WaitingMail(
            request=row["request"],
            to=kept["to"],
            by=kept["by"],
            outcome=kept["outcome"],
            message_id=kept["id"],
            failed=row["failed"],
            refused=bool(row["refused"]),
        )
