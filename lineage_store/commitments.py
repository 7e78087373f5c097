"""Commitments: what is published in place of a digest (law 9).

A digest of something that depends on people's rows answers guesses: who has all but one row trains
once and compares. So what outlives its content (in the event log, the index, MLMD, a certificate)
is never the digest but SHA-256(nonce, content). The nonce comes from the system's random source and
lies beside the content, in a file that its owner alone may read; it is on disk before anything is
published, a run that continues takes it again, and it is erased with the content. After that nobody
can open the commitment, whatever else he holds. Content has no nonce in it, so bits are still
compared.

What is published of one thing in several respects has a nonce derived for each, so that equal
contents are not told to be equal.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from pathlib import Path

from lineage_store.canonical import write_atomic
from lineage_store.errors import CheckFailed

NONCE_BYTES = 32
NONCE_FILE = "nonce"


def keep_nonce(
    folder: Path, *, random_bytes: Callable[[int], bytes] = secrets.token_bytes
) -> bytes:
    """Return the nonce of what lies in a folder, drawn and made durable if there is none yet."""
    file = folder / NONCE_FILE
    if not file.exists():
        write_atomic(file, random_bytes(NONCE_BYTES))
    return nonce_of(folder)


def nonce_of(folder: Path) -> bytes:
    """Return the nonce of what lies in a folder; raises CheckFailed if it is gone or damaged."""
    file = folder / NONCE_FILE
    nonce = file.read_bytes() if file.exists() else b""
    if len(nonce) != NONCE_BYTES:
        raise CheckFailed(
            f"The nonce in {folder.name} is gone or damaged, so that nobody can tell whether this "
            f"is what was recorded: restore the workspace from a backup."
        )
    return nonce


def derived(nonce: bytes, respect: str) -> bytes:
    """Return the nonce for one respect of what has a nonce."""
    return hmac.digest(nonce, respect.encode("utf-8"), "sha256")


def commitment(nonce: bytes, content: bytes) -> str:
    """Return the commitment to a content, in lower-case hexadecimal.

    All nonces are of one length, so that no other pair of nonce and content gives the same bytes.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes, not {len(nonce)}")
    return hashlib.sha256(nonce + content).hexdigest()
