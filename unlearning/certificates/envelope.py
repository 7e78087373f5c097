"""The signed proof of a deletion, and how it is checked.

A certificate is an in-toto statement in a DSSE envelope, signed with Ed25519. It has exactly one
spelling: envelope, payload and base64 must all be canonical, so that no byte can change without
verify() saying so, not even one that a signature does not cover.

The signer's public key stands inside, so anyone can check that a certificate is intact; only a key
obtained from the signer by other means shows that it is theirs.

Rows and people appear only as commitments under a random nonce that the certificate does not
contain. Whoever holds the nonce (the opener) can later show that a value was among those committed
to. Without it a commitment says nothing about its value, and once it is destroyed nobody can tell.

Sources: in-toto Statement v1, DSSE v1 (envelope.md, protocol.md), RFC 8032, RFC 2104, RFC 6962.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lineage_store.canonical import canonical_json
from lineage_store.claim import Claim
from lineage_store.errors import BadInput
from lineage_store.keys import from_base64, is_signed_by, key_id, raw_public_key, to_base64
from lineage_store.log import merkle

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://unweave.dev/deletion/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
NONCE_BYTES = 32

_COMMITMENT_DOMAIN = b"unweave.dev/commitment/v1"

Verdict = Literal[
    "verified",
    "intact, signer unknown",
    "altered",
    "signed by another key",
    # What only `judgement` says, of a certificate that is intact:
    "no certificate",
    "not in the log",
    "not in the run",
    "not what it is called",
    "contradicts itself",
]


@dataclass(frozen=True)
class Verification:
    """What was found. `statement` is None if the certificate is altered, or is none.

    `ok` only if it is intact and signed by the key that was given.
    """

    verdict: Verdict
    statement: Mapping[str, Any] | None
    detail: str

    @property
    def ok(self) -> bool:
        """Whether the certificate is intact and its signer is the one expected."""
        return self.verdict == "verified"


def statement(
    *, subjects: Sequence[tuple[str, str]], predicate: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the in-toto statement that `predicate` holds for the artifacts in `subjects`.

    A subject is a name and a hex SHA-256, matched by the digest only. Raises BadInput without a
    subject or with a digest that is none.
    """
    built = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": dict(predicate),
    }
    try:
        _check_statement(built)
    except ValueError as error:
        raise BadInput(f"This is no statement for a certificate: {error}.") from error
    return built


def seal(statement: Mapping[str, Any], private_key: Ed25519PrivateKey) -> bytes:
    """Return the certificate: the signed envelope as canonical JSON and a newline.

    The signer's raw public key is put into the predicate, in base64, as `signer.public_key`. Raises
    BadInput for a statement that would not verify, such as one with keys that are not strings.
    """
    public_key = private_key.public_key()
    try:
        predicate = statement["predicate"]
        signer = {
            **predicate.get("signer", {}),
            "public_key": to_base64(raw_public_key(public_key)),
        }
        payload = canonical_json({**statement, "predicate": {**predicate, "signer": signer}})
        signature = private_key.sign(_pae(PAYLOAD_TYPE, payload))
        envelope = {
            "payloadType": PAYLOAD_TYPE,
            "payload": to_base64(payload),
            "signatures": [{"keyid": key_id(public_key), "sig": to_base64(signature)}],
        }
        sealed = canonical_json(envelope) + b"\n"
        # What cannot be opened again must not be handed out.
        _open(sealed)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"This statement cannot be sealed: {error}.") from error
    return sealed


def verify(data: bytes, public_key: Ed25519PublicKey | None) -> Verification:
    """Check a certificate's envelope against the key that its signer is known by, or without one.

    What the statement says is for `judgement`. Needs nothing but the two. Never raises: whatever is
    not a certificate is "altered", and `detail` is one sentence that says what is wrong.
    """
    try:
        opened, signer = _open(data)
    except ValueError as error:
        return Verification("altered", None, f"The certificate is altered: {error}.")
    if public_key is None:
        return Verification(
            "intact, signer unknown",
            opened,
            "The certificate is as it was sealed, but anyone could have sealed it: "
            "give the signer's public key.",
        )
    if key_id(public_key) != key_id(signer):
        return Verification(
            "signed by another key",
            opened,
            f"The certificate is signed by the key {key_id(signer)}, "
            f"and the given key is {key_id(public_key)}.",
        )
    return Verification("verified", opened, f"Signed by the given key {key_id(signer)}.")


def check_claims(predicate: Mapping[str, Any]) -> str | None:
    """Say which model is called by another word than its claim has; None if none is.

    Certificates of an earlier unweave hold no claim.
    """
    for change in predicate["models"]:
        claim = change.get("claim")
        if claim is not None and Claim.from_json(claim).word != change["guarantee"]:
            name = change["before"]["id"]
            return f"what replaces {name} is called {change['guarantee']}: its claim is not"
    return None


def commitment(nonce: bytes, *, kind: str, value: bytes) -> str:
    """Return the hex commitment to `value`, which says nothing about it without the nonce.

    HMAC-SHA256 under the nonce (32 random bytes, or BadInput) of domain, kind and value, each
    length told, so that a value of one kind never stands for one of another. An opener who shows
    nonce, kind and value proves that this value was committed to and no other. The nonce opens
    every commitment made under it to guesses.
    """
    if len(nonce) != NONCE_BYTES:
        # HMAC pads short keys with zeros, so shorter nonces would not all be different ones.
        raise BadInput(f"A commitment's nonce has {NONCE_BYTES} bytes, and this has {len(nonce)}.")
    label = kind.encode("utf-8")
    parts = (_COMMITMENT_DOMAIN, label, value)
    message = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(nonce, message, hashlib.sha256).hexdigest()


def row_leaves(nonce: bytes, row_keys: Iterable[bytes]) -> list[bytes]:
    """Return the leaf hashes under rows_root(), in the order of the tree."""
    committed = {commitment(nonce, kind="row", value=row_key) for row_key in row_keys}
    return [merkle.leaf_hash(bytes.fromhex(row)) for row in sorted(committed)]


def rows_root(nonce: bytes, row_keys: Iterable[bytes]) -> str:
    """Return the hex Merkle root (RFC 6962) over the sorted commitments to a set of rows.

    With the nonce and the number of rows in the certificate, an opener can prove that a row was
    deleted (its commitment and merkle.inclusion_proof() over row_leaves()), and that a row was not
    (the two neighbours between which its commitment would stand). The neighbours' commitments are
    all that is seen of other rows. Order and repetition of `row_keys` do not matter.
    """
    return merkle.root(row_leaves(nonce, row_keys)).hex()


def _open(data: bytes) -> tuple[dict[str, Any], Ed25519PublicKey]:
    """Return a certificate's statement and the key inside that signed it, or raise ValueError."""
    if not data.endswith(b"\n"):
        raise ValueError("it does not end with a newline")
    envelope = _parse(data[:-1], "envelope")
    _check_keys(envelope, "payload payloadType signatures", "envelope")
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise ValueError("its payload type is not that of an in-toto statement")
    if not isinstance(envelope["signatures"], list) or len(envelope["signatures"]) != 1:
        raise ValueError("it does not have exactly one signature")
    (signature,) = envelope["signatures"]
    _check_keys(signature, "keyid sig", "signature")

    payload = _decode(envelope["payload"], "payload")
    opened = _parse(payload, "payload")
    _check_statement(opened)
    signer = opened["predicate"].get("signer")
    if not isinstance(signer, dict):
        raise ValueError("it does not name its signer")
    public_key = Ed25519PublicKey.from_public_bytes(_decode(signer.get("public_key"), "public key"))
    if signature["keyid"] != key_id(public_key):
        raise ValueError("its key id is not that of the public key inside")
    if not is_signed_by(
        public_key,
        message=_pae(PAYLOAD_TYPE, payload),
        signature=_decode(signature["sig"], "signature"),
    ):
        raise ValueError("its signature does not match its content")
    return opened, public_key


def _check_statement(value: Any) -> None:
    _check_keys(value, "_type predicate predicateType subject", "statement")
    if value["_type"] != STATEMENT_TYPE or value["predicateType"] != PREDICATE_TYPE:
        raise ValueError("it is not a statement about a deletion")
    if not isinstance(value["predicate"], dict):
        raise ValueError("its predicate is not an object")
    if not isinstance(value["subject"], list) or not value["subject"]:
        raise ValueError("it has no subject")
    for subject in value["subject"]:
        _check_keys(subject, "digest name", "subject")
        _check_keys(subject["digest"], "sha256", "digest")
        name, sha256 = subject["name"], subject["digest"]["sha256"]
        if not isinstance(name, str) or not isinstance(sha256, str):
            raise ValueError("the name or digest of a subject is not a string")
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise ValueError("the digest of a subject is not a hex SHA-256")


def _check_keys(value: Any, keys: str, what: str) -> None:
    if not isinstance(value, dict) or sorted(value) != keys.split():
        raise ValueError(f"its {what} does not have exactly the fields {keys}")


def _parse(data: bytes, what: str) -> Any:
    """Read JSON that must be the canonical spelling of its value."""
    try:
        value = json.loads(data.decode("utf-8"))
        canonical = canonical_json(value)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its {what} is not JSON") from error
    if canonical != data:
        raise ValueError(f"its {what} is not canonical JSON")
    return value


def _decode(text: Any, what: str) -> bytes:
    try:
        if isinstance(text, str):
            return from_base64(text)
    except ValueError:
        pass
    raise ValueError(f"its {what} is not canonical base64")


def _pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that DSSE signs: type and payload, each with its length."""
    label = payload_type.encode("utf-8")
    return b"DSSEv1 %d %s %d %s" % (len(label), label, len(payload), payload)
