"""Sealed values: personal data that must be kept for a while, unreadable without the secret.

ChaCha20-Poly1305 (RFC 8439) under a key that HKDF derives from the workspace's secret, with a
random nonce in front. What a value belongs to goes in as associated data, so that no sealed value
can be put in another's place. A copy of the database alone tells nothing.
"""

import json
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from lineage_store.canonical import Json, canonical_json
from lineage_store.errors import BadInput

NONCE_BYTES = 12


def seal(
    value: Json, *, key: bytes, belongs_to: str, random_bytes: Callable[[int], bytes]
) -> bytes:
    """Return a value sealed under a key of 32 bytes."""
    nonce = random_bytes(NONCE_BYTES)
    hidden = ChaCha20Poly1305(key).encrypt(nonce, canonical_json(value), belongs_to.encode("utf-8"))
    return nonce + hidden


def unseal(sealed: bytes, *, key: bytes, belongs_to: str) -> Any:
    """Return the value; raises BadInput if it was sealed with another secret, or changed."""
    nonce, hidden = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        plain = ChaCha20Poly1305(key).decrypt(nonce, hidden, belongs_to.encode("utf-8"))
    except InvalidTag as error:
        raise BadInput(
            f"What {belongs_to} keeps cannot be read with the workspace's secret: it was changed, "
            f"or the secret is another one; restore both from the same backup."
        ) from error
    return json.loads(plain)
