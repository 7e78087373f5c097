"""Calls that are to be done once: what came of each, for a day, so that it can be said again.

    asked_once   digest of the key and of whose it is, the route, when, status, what was answered

The key is a UUID, and nobody's id; what was answered is sealed, since it names staff. Of the body
nothing is kept here: a digest of it would answer guesses about whom it was about (law 9).
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lineage_store.keys import Keys, seal, unseal

KEPT = 24 * 3600  # seconds


@dataclass(frozen=True)
class Earlier:
    """A call that had the same key: of which route, and what came of it, if that is known."""

    route: str
    status: int | None
    answer: dict[str, Any] | None


@dataclass(frozen=True)
class AskedOnce:
    """The calls in an open file of the desk."""

    connection: sqlite3.Connection
    keys: Keys

    def begin(self, digest: bytes, route: str, *, now: int) -> Earlier | None:
        """Write down that a call begins, and return None; or return the earlier one of its key."""
        self.connection.execute("DELETE FROM asked_once WHERE began <= ?", (now - KEPT,))
        begun = self.connection.execute(
            "INSERT OR IGNORE INTO asked_once (digest, route, began) VALUES (?, ?, ?)",
            (digest, route, now),
        )
        if begun.rowcount:
            return None
        row = self.connection.execute(
            "SELECT * FROM asked_once WHERE digest = ?", (digest,)
        ).fetchone()
        answer = None
        if row["answer"] is not None:
            belongs_to = _belongs_to(digest)
            answer = unseal(row["answer"], key=self.keys.requests, belongs_to=belongs_to)
        return Earlier(row["route"], row["status"], answer)

    def ended(
        self,
        digest: bytes,
        status: int,
        answer: dict[str, Any],
        *,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Write down what came of a call."""
        sealed = seal(
            answer,
            key=self.keys.requests,
            belongs_to=_belongs_to(digest),
            random_bytes=random_bytes,
        )
        self.connection.execute(
            "UPDATE asked_once SET status = ?, answer = ? WHERE digest = ?",
            (status, sealed, digest),
        )

    def forget(self, digest: bytes) -> None:
        """Forget a call that changed nothing: it may be made again."""
        self.connection.execute("DELETE FROM asked_once WHERE digest = ?", (digest,))


def digest_of_key(key: str, *, user: bytes) -> bytes:
    """Return by what a call is found again: its key, and whose it is."""
    return hashlib.sha256(b"asked once" + user + key.lower().encode("ascii")).digest()


def _belongs_to(digest: bytes) -> str:
    return f"desk call {digest.hex()}"
