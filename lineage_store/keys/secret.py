"""The workspace's one secret, and the keys that HKDF derives from it.

Row keys, placement, the lookup of pseudonyms and what the request queue seals each have a key of
their own, so that no digest of one kind can be matched with another. The exclusion manifest's is
drawn and lies apart: who has it can test an id, so it may be kept on another machine. A
subject's pseudonym key is not derived: it is random and stored apart (`pseudonyms.py`), because it
must be destroyable.
"""

import hashlib
import hmac
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput

SECRET_BYTES = 32
SMALLEST_SECRET = 16
SHA256_BLOCK = 64
INNER = bytes(byte ^ 0x36 for byte in range(256))
OUTER = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True)
class Keys:
    """The keys of a workspace, 32 bytes each, and the public name of its secret."""

    row: bytes
    placement: bytes
    manifest: bytes
    lookup: bytes
    requests: bytes
    pseudonyms: bytes
    key_id: str

    def row_key(self, *, kind: str, value: bytes) -> bytes:
        """Return the 16-byte key of a row; `kind` is "id" or "text"."""
        return keyed(self.row, kind, value)[:16]

    def row_keys(self, *, kind: str, values: Iterable[bytes]) -> npt.NDArray[np.uint8]:
        """Return the keys of rows, as `row_key` does: (n, 16)."""
        digests = keyed_all(self.row, kind, values)
        return np.frombuffer(digests, np.uint8).reshape(-1, 32)[:, :16].copy()

    def places(self, *, kind: str, values: Iterable[bytes]) -> npt.NDArray[np.uint64]:
        """Return the numbers (n,) that place subjects, groups or rows (`kind`) in slices."""
        digests = keyed_all(self.placement, kind, values)
        return np.frombuffer(digests, ">u8")[::4].astype(np.uint64)

    def commitment(self, *, kind: str, value: bytes) -> str:
        """Return what the exclusion manifest keeps of a forgotten "subject" or "row"."""
        return keyed(self.manifest, kind, value).hex()

    def of_erased(self, digest: str) -> str:
        """Return what is kept of the digest of something that was erased."""
        return erased(self.manifest, digest)

    def subject_lookup(self, subject: str) -> bytes:
        """Return the 32 bytes under which a subject's pseudonym key is stored."""
        return keyed(self.lookup, "subject", subject.encode("utf-8"))


def keyed(key: bytes, kind: str, value: bytes) -> bytes:
    """Return HMAC-SHA256 of a value, with its kind as domain separation."""
    return hmac.digest(key, kind.encode("ascii") + b"\x00" + value, "sha256")


def keyed_all(key: bytes, kind: str, values: Iterable[bytes]) -> bytes:
    """Return `keyed` of many values under one key, 32 bytes each, one after another.

    HMAC is two SHA-256 that begin with the key (RFC 2104). Begun once and copied, they take less
    than half the time.
    """
    assert len(key) <= SHA256_BLOCK, "a longer key would have to be hashed"
    block = key.ljust(SHA256_BLOCK, b"\x00")
    inner = hashlib.sha256(block.translate(INNER) + kind.encode("ascii") + b"\x00")
    outer = hashlib.sha256(block.translate(OUTER))
    digests = []
    for value in values:
        one = inner.copy()
        one.update(value)
        other = outer.copy()
        other.update(one.digest())
        digests.append(other.digest())
    return b"".join(digests)


def keyed_each(keys: Iterable[bytes], kind: str, values: Iterable[bytes]) -> list[bytes]:
    """Return `keyed` of each value under a key of its own."""
    sha256, prefix, digests = hashlib.sha256, kind.encode("ascii") + b"\x00", []
    for key, value in zip(keys, values, strict=True):
        block = key.ljust(SHA256_BLOCK, b"\x00")
        inner = sha256(block.translate(INNER) + prefix + value).digest()
        digests.append(sha256(block.translate(OUTER) + inner).digest())
    return digests


def erased(key: bytes, digest: str) -> str:
    """Return what is kept of a SHA-256 of erased content, under the manifest's key."""
    return keyed(key, "erased", bytes.fromhex(digest)).hex()


def derive(secret: bytes, *, manifest: bytes | None = None) -> Keys:
    """Derive all keys from the secret (HKDF-SHA256, RFC 5869, one info string a purpose).

    `manifest` is the manifest's own key; a workspace of an earlier unweave derived that, too.
    """

    def expand(purpose: str) -> bytes:
        kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"unweave/1/{purpose}".encode())
        return kdf.derive(secret)

    return Keys(
        row=expand("row key"),
        placement=expand("placement"),
        manifest=expand("exclusion manifest") if manifest is None else manifest,
        lookup=expand("pseudonym lookup"),
        requests=expand("request queue"),
        pseudonyms=expand("pseudonym keys"),
        key_id=expand("key id")[:8].hex(),
    )


def read_secret(path: Path) -> bytes:
    """Read a secret file.

    Raises BadInput if it is missing, shorter than 16 bytes, or readable by anyone but its owner.
    """
    try:
        mode = path.stat().st_mode
        secret = path.read_bytes()
    except OSError as error:
        raise BadInput(f"The secret file {path} cannot be read: {error.strerror}.") from error
    if stat.S_IMODE(mode) & 0o077:
        raise BadInput(
            f"The secret file {path} can be read by others (mode {stat.S_IMODE(mode):03o}): "
            f"run chmod 600 on it, and make a new secret if it may have been seen."
        )
    if len(secret) < SMALLEST_SECRET:
        raise BadInput(
            f"The secret file {path} holds {len(secret)} bytes; it needs {SMALLEST_SECRET} or more."
        )
    return secret


def create_secret(path: Path, secret: bytes | None = None) -> bytes:
    """Write a secret file with mode 600; without `secret`, 32 bytes from the system's source."""
    secret = os.urandom(SECRET_BYTES) if secret is None else secret
    write_atomic(path, secret)
    return secret
