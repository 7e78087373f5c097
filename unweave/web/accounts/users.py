"""The users of the desk: who there is, in which role, and the links by which they come in first.

There is no default user. Who is added gets a link of one use, good for three days, and sets a
password and a second factor with it; so does who has lost either. What a link is has 256 random
bits, and only its digest is kept.
"""

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from lineage_store.errors import BadInput, NothingFound
from lineage_store.keys import Keys, keyed, seal, unseal
from unweave.web.accounts.one_time_codes import SECRET_BYTES, step_of
from unweave.web.accounts.passwords import is_password, kept

Role = Literal["officer", "approver", "engineer", "auditor", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
LINK_BYTES = 32
LINK_SECONDS = 3 * 24 * 3600
SPENT = "This link was used, or its time is over: ask for a new one."

Random = Callable[[int], bytes]


@dataclass(frozen=True)
class User:
    """Somebody who may use the desk; `is_set` says whether password and second factor are.

    A program has neither, and no link to set them by: it comes in by tokens.
    """

    digest: bytes
    name: str
    role: Role
    is_set: bool
    is_program: bool
    ended: bool


@dataclass(frozen=True)
class Users:
    """The users in an open file of the desk, under the workspace's keys."""

    connection: sqlite3.Connection
    keys: Keys

    def add(self, name: str, role: Role, *, now: int, random_bytes: Random) -> str:
        """Add somebody, and return the link of one use; raises BadInput for a known name."""
        known = self._row(self._digest(name))
        if known is not None and known["ended"] is None:
            raise BadInput("There is a user of that name: `unweave user invite` makes a new link.")
        digest = self._insert(name, role, random_bytes)
        return self._link(digest, now=now, random_bytes=random_bytes)

    def program(self, name: str, role: Role, *, random_bytes: Random) -> User:
        """Return a program by its name, a new one at the first time.

        Raises BadInput if the name is a person's, or that of a program in another role.
        """
        row = self._row(self._digest(name))
        if row is None or row["ended"] is not None:
            row = self._row(self._insert(name, role, random_bytes))
        assert row is not None
        found = self._user(row)
        if not found.is_program:
            raise BadInput("There is a person of that name: a program has a name of its own.")
        if found.role != role:
            raise BadInput(f"There is a program of that name, as {found.role}: end it first.")
        return found

    def invite(self, name: str, *, now: int, random_bytes: Random) -> str:
        """Void what somebody signs in with, and return a new link to set it by."""
        found = self.find(name)
        if found.is_program:
            raise BadInput("That is a program: it comes in by tokens, and never signs in.")
        digest = found.digest
        self.connection.execute(
            "UPDATE users SET password = NULL, factor = NULL, counter = 0 WHERE digest = ?",
            (digest,),
        )
        self._sign_out(digest)
        return self._link(digest, now=now, random_bytes=random_bytes)

    def end(self, name: str, *, now: int) -> None:
        """Let somebody in no more."""
        digest = self.find(name).digest
        self.connection.execute(
            "UPDATE users SET ended = ?, password = NULL, factor = NULL, link = NULL "
            "WHERE digest = ?",
            (now, digest),
        )
        self._sign_out(digest)

    def every(self) -> list[User]:
        """List the users that have not ended, by name."""
        rows = self.connection.execute("SELECT * FROM users WHERE ended IS NULL").fetchall()
        return sorted((self._user(row) for row in rows), key=lambda user: user.name.casefold())

    def find(self, name: str) -> User:
        """Return a user by name, whatever its case; raises NothingFound if there is none."""
        row = self._row(self._digest(name))
        if row is None or row["ended"] is not None:
            raise NothingFound("There is no user of that name: `unweave user list` lists them.")
        return self._user(row)

    def named(self, name: str) -> User | None:
        """Return the person of a name, whatever its case, who may still come in, or None.

        No more than its case: where a name is all that is asked for, Weiß is not Weiss.
        """
        found = self.of_digest(self._digest(name))
        return None if found is None or found.is_program or not _alike(name, found.name) else found

    def of_digest(self, digest: bytes) -> User | None:
        """Return a user who may still come in, or None."""
        row = self._row(digest)
        return None if row is None or row["ended"] is not None else self._user(row)

    def of_link(self, link: str, *, now: int) -> User | None:
        """Return whose link this is, if it is still good."""
        row = self.connection.execute(
            "SELECT * FROM users WHERE link = ? AND link_until > ? AND ended IS NULL",
            (_digest_of(link), now),
        ).fetchone()
        return None if row is None else self._user(row)

    def pending_factor(self, user: User, *, random_bytes: Random) -> bytes:
        """Return the second factor that a link shows: the same each time, until it is set."""
        row = self._row(user.digest)
        assert row is not None
        if row["factor"] is not None:
            return bytes.fromhex(self._opened("factor", user.digest, row["factor"]))
        secret = random_bytes(SECRET_BYTES)
        self.connection.execute(
            "UPDATE users SET factor = ? WHERE digest = ?",
            (self._sealed("factor", user.digest, secret.hex(), random_bytes), user.digest),
        )
        return secret

    def set_up(self, link: str, *, password: str, code: str, now: int) -> User:
        """Set a password, with a code of the second factor; the link is spent by it.

        Raises BadInput for a link that is not good, a password that will not do, a wrong code.
        """
        user = self.of_link(link, now=now)
        row = None if user is None else self._row(user.digest)
        if user is None or row is None or row["factor"] is None:
            raise BadInput(SPENT)
        keeping = kept(password, name=user.name)
        secret = bytes.fromhex(self._opened("factor", user.digest, row["factor"]))
        step = step_of(code, secret, seconds=now, last=row["counter"])
        if step is None:
            raise BadInput("The code is not the one that the app shows now: wait for the next one.")
        spent = self.connection.execute(
            "UPDATE users SET password = ?, counter = ?, link = NULL, link_until = NULL "
            "WHERE digest = ? AND link = ?",
            (keeping, step, user.digest, _digest_of(link)),
        )
        if not spent.rowcount:  # by somebody else, while the password was made ready to be kept
            raise BadInput(SPENT)
        return user

    def signed_in(self, name: str, *, password: str, code: str, now: int) -> User | None:
        """Return who this is, or None; each code is taken once."""
        row = self._row(self._digest(name))
        can = row is not None and row["ended"] is None and row["link"] is None
        right = is_password(password, row["password"] if row is not None and can else None)
        if row is None or not right or row["factor"] is None:
            return None
        secret = bytes.fromhex(self._opened("factor", row["digest"], row["factor"]))
        step = step_of(code, secret, seconds=now, last=row["counter"])
        if step is None:
            return None
        # While the password was compared, somebody else may have come in by the same code, or what
        # was compared with may have been voided.
        taken = self.connection.execute(
            "UPDATE users SET counter = ? WHERE digest = ? AND counter < ? AND password = ?",
            (step, row["digest"], step, row["password"]),
        )
        return self._user(row) if taken.rowcount else None

    def _link(self, digest: bytes, *, now: int, random_bytes: Random) -> str:
        link = random_bytes(LINK_BYTES).hex()
        self.connection.execute(
            "UPDATE users SET link = ?, link_until = ? WHERE digest = ?",
            (_digest_of(link), now + LINK_SECONDS, digest),
        )
        return link

    def _insert(self, name: str, role: Role, random_bytes: Random) -> bytes:
        name = " ".join(name.split())
        if not name or len(name) > 200 or not name.isprintable():
            raise BadInput("A user has a name of letters, 200 at most.")
        digest = self._digest(name)
        self.connection.execute("DELETE FROM users WHERE digest = ?", (digest,))
        sealed = self._sealed("name", digest, name, random_bytes)
        self.connection.execute(
            "INSERT INTO users (digest, name, role) VALUES (?, ?, ?)", (digest, sealed, role)
        )
        return digest

    def _sign_out(self, digest: bytes) -> None:
        for table in ("sign_ins", "tokens"):
            self.connection.execute(f"DELETE FROM {table} WHERE user = ?", (digest,))

    def _row(self, digest: bytes) -> sqlite3.Row | None:
        found = self.connection.execute("SELECT * FROM users WHERE digest = ?", (digest,))
        row: sqlite3.Row | None = found.fetchone()
        return row

    def _user(self, row: sqlite3.Row) -> User:
        return User(
            digest=row["digest"],
            name=self._opened("name", row["digest"], row["name"]),
            role=row["role"],
            is_set=row["password"] is not None,
            is_program=row["password"] is None and row["link"] is None and row["ended"] is None,
            ended=row["ended"] is not None,
        )

    def _digest(self, name: str) -> bytes:
        folded = " ".join(name.casefold().split())
        return keyed(self.keys.requests, "desk user", folded.encode("utf-8"))

    def _sealed(self, what: str, digest: bytes, value: str, random_bytes: Random) -> bytes:
        return seal(
            {what: value},
            key=self.keys.requests,
            belongs_to=f"desk {what} {digest.hex()}",
            random_bytes=random_bytes,
        )

    def _opened(self, what: str, digest: bytes, sealed: bytes) -> str:
        belongs_to = f"desk {what} {digest.hex()}"
        return str(unseal(sealed, key=self.keys.requests, belongs_to=belongs_to)[what])


def _alike(one: str, other: str) -> bool:
    """Say whether two names differ in case alone: folded, a letter may be two, or of another."""
    one, other = " ".join(one.split()), " ".join(other.split())
    return one.lower() == other.lower() and one.upper() == other.upper()


def _digest_of(link: str) -> bytes:
    return hashlib.sha256(link.encode("utf-8")).digest()
