"""Ed25519 keys: made, kept and read back.

A private key is a PEM PKCS8 file that only its owner may read, without a password; its public key
is a PEM SubjectPublicKeyInfo file to hand to auditors. A key is named by the SHA-256 of the public
key's 32 raw bytes.

The strict reading of base64 is here as well: a signature, or anything signed, must have one
spelling only, or a changed byte could go unnoticed.

Sources: RFC 8032 (Ed25519), RFC 5958 and RFC 5280 (the two file formats), RFC 4648 section 3.5
(canonical base64).
"""

import base64
import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput


def create_signing_key(*, path_private: Path, path_public: Path) -> Ed25519PrivateKey:
    """Make a new key pair, write both files, and return the private key.

    The key comes from the operating system's random source. No key is ever replaced, and a call
    that was interrupted between the two files is finished by the next one. Raises BadInput if the
    public key file is there already, or the private key file is there and unfit.
    """
    if path_public.exists():
        raise BadInput(
            f"{path_public} is there already and may be needed to verify earlier certificates: "
            "choose another file, or move it away."
        )
    if path_private.exists():
        private_key = load_private_key(path_private)
    else:
        private_key = Ed25519PrivateKey.generate()
        write_atomic(
            path_private,
            private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            mode=0o600,
        )
    # Written last: where the public key is, the pair is complete.
    write_atomic(
        path_public,
        private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    )
    return private_key


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 private key (PEM PKCS8, no password).

    Raises BadInput if the file is missing or holds anything else.
    """
    data = _read(path, "private key")
    try:
        key = load_pem_private_key(data, password=None)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise _unfit(path, "private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _unfit(path, "private key")
    return key


def load_public_key(path: Path) -> Ed25519PublicKey:
    """Read an Ed25519 public key (PEM SubjectPublicKeyInfo).

    Raises BadInput if the file is missing or holds anything else.
    """
    data = _read(path, "public key")
    try:
        key = load_pem_public_key(data)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise _unfit(path, "public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise _unfit(path, "public key")
    return key


def raw_public_key(public_key: Ed25519PublicKey) -> bytes:
    """Return the public key's 32 raw bytes."""
    return public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_key_of(raw: bytes) -> Ed25519PublicKey:
    """Return the public key of 32 raw bytes; raises ValueError for any other number."""
    return Ed25519PublicKey.from_public_bytes(raw)


def key_id(public_key: Ed25519PublicKey) -> str:
    """Return the name of a key: the hex SHA-256 of its 32 raw bytes."""
    return hashlib.sha256(raw_public_key(public_key)).hexdigest()


def is_signed_by(public_key: Ed25519PublicKey, *, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` is this key's Ed25519 signature of `message`."""
    try:
        public_key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def to_base64(data: bytes) -> str:
    """Return the standard base64 of the bytes, with padding."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """Return the bytes of a standard base64 text, which must be their only spelling.

    Raises ValueError for other characters, missing padding, and padding bits that are not zero.
    """
    data = base64.b64decode(text, validate=True)
    if to_base64(data) != text:
        raise ValueError("this base64 is not the canonical spelling of its bytes")
    return data


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BadInput(f"There is no {what} file {path}: check the path.") from error
    except OSError as error:
        raise BadInput(f"The {what} file {path} cannot be read: {error.strerror}.") from error


def _unfit(path: Path, what: str) -> BadInput:
    return BadInput(f"{path} does not hold an Ed25519 {what} as a PEM file without a password.")
