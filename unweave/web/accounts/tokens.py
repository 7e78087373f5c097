"""Tokens, by which programs come in at the API: 256 random bits each, of which a digest is kept.

A program is a user with a name and a role of its own and no way to sign in. It may have several
tokens at a time, so that a new one is in place before the old one ends; each ends with a day.
A token is found by its digest, so that how long that takes says nothing of any other.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from lineage_store.errors import BadInput, NothingFound
from unweave.web.accounts.users import Role, User, Users

TOKEN_BYTES = 32
BEGINS = "unweave-token-"  # so that whoever looks for secrets in files finds it
LONGEST_DAYS = 366


@dataclass(frozen=True)
class Token:
    """A token that may still be used: its number, whose it is, and its last day."""

    number: str
    user: User
    until: str


@dataclass(frozen=True)
class Tokens:
    """The tokens in an open file of the desk."""

    connection: sqlite3.Connection
    users: Users

    def make(
        self,
        name: str,
        role: Role,
        *,
        until: str,
        today: str,
        random_bytes: Callable[[int], bytes],
    ) -> tuple[Token, str]:
        """Make a token of a program, and return it with its text, which is kept nowhere.

        Raises BadInput for a day that is none, has passed, or is more than a year ahead, and for a
        name that is a person's, or that has another role.
        """
        left = _days(today, until)
        if not 0 <= left <= LONGEST_DAYS:
            raise BadInput("The last day of a token is today or later, and a year ahead at most.")
        self.connection.execute("DELETE FROM tokens WHERE until < ?", (today,))
        user = self.users.program(name, role, random_bytes=random_bytes)
        text = BEGINS + random_bytes(TOKEN_BYTES).hex()
        made = self.connection.execute(
            "INSERT INTO tokens (digest, user, until) VALUES (?, ?, ?)",
            (_digest(text), user.digest, date.fromisoformat(until).isoformat()),
        )
        return Token(f"t{made.lastrowid}", user, until), text

    def user_of(self, text: str, *, today: str) -> User | None:
        """Return whose token this is, as long as it lasts."""
        row = self.connection.execute(
            "SELECT user FROM tokens WHERE digest = ? AND until >= ?", (_digest(text), today)
        ).fetchone()
        return None if row is None else self.users.of_digest(row["user"])

    def every(self, *, today: str) -> list[Token]:
        """List the tokens that have not ended, oldest first."""
        rows = self.connection.execute(
            "SELECT number, user, until FROM tokens WHERE until >= ? ORDER BY number", (today,)
        ).fetchall()
        whose = ((row, self.users.of_digest(row["user"])) for row in rows)
        return [Token(f"t{row['number']}", user, row["until"]) for row, user in whose if user]

    def end(self, number: str, *, today: str) -> Token:
        """End a token at once, and return it; raises NothingFound if there is none."""
        found = next((one for one in self.every(today=today) if one.number == number), None)
        if found is None:
            raise NothingFound("There is no such token: `unweave user tokens` lists them.")
        self.connection.execute("DELETE FROM tokens WHERE number = ?", (number.removeprefix("t"),))
        return found


def token_told(token: Token) -> dict[str, str]:
    """Return what is told of a token: whose it is, and never what it is."""
    user = token.user
    return {"token": token.number, "name": user.name, "role": user.role, "until": token.until}


def _days(today: str, until: str) -> int:
    try:
        return (date.fromisoformat(until) - date.fromisoformat(today)).days
    except ValueError as error:
        raise BadInput("The last day of a token is no date: write 2026-01-31.") from error


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
