"""Passwords, as Argon2id keeps them (RFC 9106), with the parameters that argon2-cffi takes.

A password has twelve characters at least and no other rule; it is compared with nothing but the
name (NIST SP 800-63B, 5.1.1.2: length, and no composition rules).
"""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lineage_store.errors import BadInput

SHORTEST, LONGEST = 12, 1024
_HASHER = PasswordHasher()


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
