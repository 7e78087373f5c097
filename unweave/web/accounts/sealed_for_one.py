"""What is sealed so that one person alone opens it: by X25519 (RFC 7748) and ChaCha20-Poly1305.

The desk keeps the public half, so that it can seal; the private one follows from what the person
has, and from nothing in the workspace. How long a letter is follows from the name in it, and would
answer guesses about whoever was forgotten (law 9): so all are filled up to whole pieces of 64 KiB.
"""

import hmac
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

Random = Callable[[int], bytes]
KEY_BYTES, NONCE_BYTES = 32, 12
PIECE, LENGTH_BYTES = 1 << 16, 8  # what is sealed is filled up to whole pieces


def public_of(private: bytes) -> bytes:
    """Return the public half of a key of 32 bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_for(public: bytes, data: bytes, *, belongs_to: str, random_bytes: Random) -> bytes:
    """Return data that the private half opens: a key of one use, a nonce, what is hidden."""
    once = random_bytes(KEY_BYTES)
    shared = _shared(once, public)
    nonce, begins = random_bytes(NONCE_BYTES), public_of(once)
    key = _key(shared, begins, public)
    filled = len(data).to_bytes(LENGTH_BYTES, "big") + data
    filled += bytes(-len(filled) % PIECE)
    return begins + nonce + ChaCha20Poly1305(key).encrypt(nonce, filled, belongs_to.encode("utf-8"))


def open_with(private: bytes, sealed: bytes, *, belongs_to: str) -> bytes:
    """Return what was sealed for a key; raises InvalidTag if it was not, or was changed."""
    begins, rest = sealed[:KEY_BYTES], sealed[KEY_BYTES:]
    nonce, hidden = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
    key = _key(_shared(private, begins), begins, public_of(private))
    filled = ChaCha20Poly1305(key).decrypt(nonce, hidden, belongs_to.encode("utf-8"))
    size = int.from_bytes(filled[:LENGTH_BYTES], "big")
    return filled[LENGTH_BYTES : LENGTH_BYTES + size]


def derived(secret: bytes, what: str) -> bytes:
    """Return a key of 32 bytes from 256 random bits, another for each use."""
    return hmac.digest(secret, f"unweave {what}".encode(), "sha256")


def _shared(private: bytes, public: bytes) -> bytes:
    ours = X25519PrivateKey.from_private_bytes(private)
    return ours.exchange(X25519PublicKey.from_public_bytes(public))


def _key(shared: bytes, begins: bytes, public: bytes) -> bytes:
    return hmac.digest(shared, b"unweave sealed for one" + begins + public, "sha256")
