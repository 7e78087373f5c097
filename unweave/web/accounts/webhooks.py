"""Webhooks: to whom it is told that something happened to a request, and how far they were told.

    webhooks   number, address and secret sealed, whether it may be local, the last event told,
               how often the next one failed, and from when it may be tried again

There is no outbox: what is told is the event log, from where a webhook stands, so that nothing is
lost and nothing of anybody lies anywhere. Secrets are as Standard Webhooks has them.
"""

import base64
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from lineage_store.errors import NothingFound
from lineage_store.keys import Keys, seal, unseal

SECRET_BYTES = 32
BEGINS = "whsec_"
FIRST_WAIT, LONGEST_WAIT = 30, 6 * 3600  # seconds until it is tried again
AT_WORK = 120  # seconds within which nobody else tells the same
Random = Callable[[int], bytes]


@dataclass(frozen=True)
class Webhook:
    """To whom something is told: `told` is the last event, `failed` how often the next was not."""

    number: str
    url: str
    secret: bytes
    local: bool
    told: int
    failed: int


@dataclass(frozen=True)
class Webhooks:
    """The webhooks in an open file of the desk."""

    connection: sqlite3.Connection
    keys: Keys

    def make(self, url: str, *, local: bool, told: int, random_bytes: Random) -> tuple[str, str]:
        """Add one, that is told what comes after an event; return its number and its secret."""
        secret = random_bytes(SECRET_BYTES)
        made = self.connection.execute(
            "INSERT INTO webhooks (sealed, local, told) VALUES (x'', ?, ?)", (local, told)
        )
        number = f"w{made.lastrowid}"
        sealed = seal(
            {"url": url, "secret": secret.hex()},
            key=self.keys.requests,
            belongs_to=f"desk webhook {number}",
            random_bytes=random_bytes,
        )
        self.connection.execute(
            "UPDATE webhooks SET sealed = ? WHERE number = ?", (sealed, made.lastrowid)
        )
        return number, BEGINS + base64.b64encode(secret).decode("ascii")

    def every(self) -> list[Webhook]:
        """List them, oldest first."""
        rows = self.connection.execute("SELECT * FROM webhooks ORDER BY number").fetchall()
        return [self._webhook(row) for row in rows]

    def end(self, number: str) -> None:
        """Tell one nothing any more; raises NothingFound if there is none of that number."""
        if number not in {one.number for one in self.every()}:
            raise NothingFound("There is no such webhook: `unweave webhook list` lists them.")
        self.connection.execute("DELETE FROM webhooks WHERE number = ?", (number[1:],))

    def take_due(self, *, now: int) -> list[Webhook]:
        """Return those that may be told something now; for a while nobody else takes them."""
        rows = self.connection.execute(
            "SELECT * FROM webhooks WHERE not_before <= ? ORDER BY number", (now,)
        ).fetchall()
        for row in rows:
            self._wait(row["number"], now + AT_WORK)
        return [self._webhook(row) for row in rows]

    def was_told(self, number: str, event: int, *, until: int) -> None:
        """Write down the last event that one was told; nobody else takes it until a time."""
        self.connection.execute(
            "UPDATE webhooks SET told = ?, failed = 0 WHERE number = ?", (event, number[1:])
        )
        self._wait(int(number[1:]), until)

    def was_not_told(self, one: Webhook, *, now: int) -> None:
        """Write down that one was not reached; it is tried again later, and later each time."""
        self.connection.execute(
            "UPDATE webhooks SET failed = failed + 1 WHERE number = ?", (one.number[1:],)
        )
        wait = min(FIRST_WAIT << min(one.failed, 16), LONGEST_WAIT)
        self._wait(int(one.number[1:]), now + wait)

    def _wait(self, number: int, until: int) -> None:
        self.connection.execute(
            "UPDATE webhooks SET not_before = ? WHERE number = ?", (until, number)
        )

    def _webhook(self, row: sqlite3.Row) -> Webhook:
        number = f"w{row['number']}"
        kept = unseal(row["sealed"], key=self.keys.requests, belongs_to=f"desk webhook {number}")
        return Webhook(
            number=number,
            url=kept["url"],
            secret=bytes.fromhex(kept["secret"]),
            local=bool(row["local"]),
            told=row["told"],
            failed=row["failed"],
        )
