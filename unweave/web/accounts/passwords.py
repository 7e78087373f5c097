"""Passwords, as Argon2id keeps them (RFC 9106), with the parameters that argon2-cffi takes.

A password has twelve characters at least and no other rule; it is compared with nothing but the
name (NIST SP 800-63B, 5.1.1.2: length, and no composition rules).

To compare one takes 64 MiB and all cores for a moment, and anybody may ask for it: so few are
compared at a time, and nobody waits for a turn, who would keep others from their pages.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lineage_store.errors import BadInput, WorkspaceBusy

SHORTEST, LONGEST = 12, 1024
AT_ONCE = 4  # passwords that are compared at a time
_HASHER = PasswordHasher()
_TURNS = BoundedSemaphore(AT_ONCE)


@contextmanager
def turn() -> Iterator[None]:
    """Take a turn at comparing a password; raises WorkspaceBusy where all are taken."""
    if not _TURNS.acquire(blocking=False):
        raise WorkspaceBusy("Many are signing in just now: try again in a moment.")
    try:
        yield
    finally:
        _TURNS.release()


def kept(password: str, *, name: str) -> str:
    """Return what is kept of a password; raises BadInput for one that is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput(f"A password has {SHORTEST} characters or more, and {LONGEST} at most.")
    if password.casefold() == name.casefold():
        raise BadInput("A password is another than the name.")
    return _HASHER.hash(password)


def is_password(password: str, of: str | None) -> bool:
    """Say whether a password is the one that this was kept of; of nobody it takes as long."""
    try:
        return _HASHER.verify(of or _of_nobody(), password[: LONGEST + 1]) and of is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _of_nobody() -> str:
    """Return what a password is compared with where there is no user: that takes as long."""
    return _HASHER.hash("nobody has this one")
