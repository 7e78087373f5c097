"""From signing in to signing out: a cookie of 256 random bits, of which a digest is kept.

It ends half an hour after the last page, and ten hours after it began. What a form must send back
(`form_token`) is made of the cookie, so that nobody who has not the cookie can know it, and nothing
more is kept.
"""

import hashlib
import hmac
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

COOKIE_BYTES = 32
IDLE, LONGEST = 30 * 60, 10 * 3600  # seconds
SEEN_AGAIN = 60  # seconds within which nothing is written of a page


@dataclass(frozen=True)
class SignIns:
    """The sign-ins in an open file of the desk."""

    connection: sqlite3.Connection

    def begin(self, user: bytes, *, now: int, random_bytes: Callable[[int], bytes]) -> str:
        """Begin one, and return its cookie; those whose time is over are forgotten."""
        self.connection.execute(
            "DELETE FROM sign_ins WHERE seen < ? OR began < ?", (now - IDLE, now - LONGEST)
        )
        cookie = random_bytes(COOKIE_BYTES).hex()
        self.connection.execute(
            "INSERT INTO sign_ins VALUES (?, ?, ?, ?)", (_digest(cookie), user, now, now)
        )
        return cookie

    def user_of(self, cookie: str, *, now: int, seen: bool = True) -> bytes | None:
        """Return the digest of whose cookie this is, as long as it lasts.

        It lasts longer by this, unless nobody is `seen`: a page that stands open reads no further.
        """
        digest = _digest(cookie)
        row = self.connection.execute(
            "SELECT user, began, seen FROM sign_ins WHERE digest = ?", (digest,)
        ).fetchone()
        if row is None or row["seen"] < now - IDLE or row["began"] < now - LONGEST:
            return None
        if seen and row["seen"] <= now - SEEN_AGAIN:
            self.connection.execute("UPDATE sign_ins SET seen = ? WHERE digest = ?", (now, digest))
        user: bytes = row["user"]
        return user

    def end(self, cookie: str) -> None:
        """End one."""
        self.connection.execute("DELETE FROM sign_ins WHERE digest = ?", (_digest(cookie),))


def form_token(cookie: str) -> str:
    """Return what each form of whoever has a cookie must send back."""
    return hmac.digest(cookie.encode("ascii", "replace"), b"unweave form", "sha256").hex()


def is_form_token(token: str, cookie: str) -> bool:
    """Say whether a form sent back what it was given."""
    return hmac.compare_digest(token.encode("utf-8"), form_token(cookie).encode("ascii"))


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8")).digest()
