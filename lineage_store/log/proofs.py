"""Proofs about the event log that anyone can check offline, with the signer's public key alone.

Two kinds, each one JSON object in its canonical form:

    inclusion     this event is in the log that the signed head `checkpoint` covers
    consistency   the log of the signed head `checkpoint` begins with all of that of `earlier`

Heads are in the form of C2SP tlog-checkpoint, paths those of RFC 6962 section 2.1. Whoever holds an
older head and a consistency proof knows that no event was rewritten, reordered or dropped since.
"""

import base64
import binascii
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lineage_store.canonical import canonical_json
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.log import events, merkle, subtrees

FORMAT = 1
INCLUSION, CONSISTENCY = "inclusion", "consistency"
KEYS = {
    INCLUSION: {"format", "kind", "checkpoint", "event", "path"},
    CONSISTENCY: {"format", "kind", "checkpoint", "earlier", "path"},
}


@dataclass(frozen=True)
class Proven:
    """What a proof shows: the head it is about, and the event or the older head."""

    kind: str
    head: events.TreeHead
    event: Mapping[str, Any] | None = None
    earlier: events.TreeHead | None = None


def inclusion(
    connection: sqlite3.Connection, number: int, *, checkpoint: bytes, size: int
) -> bytes:
    """Return the proof that event `number` (from 1) is in the log of a signed head of that size.

    Raises BadInput if the head does not cover the event or the log is shorter than the head.
    """
    _must_hold(subtrees.size_of(connection), size)
    if not 1 <= number <= size:
        raise BadInput(f"The head covers the events 1 to {size}: there is no event {number} in it.")
    event = events.event(connection, number)
    return _written(
        {
            "format": FORMAT,
            "kind": INCLUSION,
            "checkpoint": checkpoint.decode("utf-8"),
            "event": {
                "seq": event.seq,
                "time": event.time,
                "kind": event.kind,
                "body": dict(event.body),
            },
            "path": _texts(subtrees.inclusion_path(connection, number, size)),
        }
    )


def consistency(
    connection: sqlite3.Connection, *, earlier: bytes, old_size: int, checkpoint: bytes, size: int
) -> bytes:
    """Return the proof that the log of a signed head begins with that of an earlier signed head.

    Raises BadInput if the earlier head is the larger one or the log is shorter than the heads.
    """
    if old_size > size:
        raise BadInput("The earlier head covers more events than the head: name the older one.")
    return _written(
        {
            "format": FORMAT,
            "kind": CONSISTENCY,
            "checkpoint": checkpoint.decode("utf-8"),
            "earlier": earlier.decode("utf-8"),
            "path": _texts(merkle.consistency_proof(old_size, _leaves(connection, size))),
        }
    )


def check_proof(data: bytes, public_key: Ed25519PublicKey, *, origin: str) -> Proven:
    """Check a proof, offline; raises CheckFailed if a byte of it is not as it was made."""
    proof = _read(data)
    path = _hashes(proof["path"])
    head = events.verify_head(_bytes(proof["checkpoint"]), public_key, origin=origin)
    if proof["kind"] == INCLUSION:
        event = proof["event"]
        if not isinstance(event, dict) or set(event) != {"seq", "time", "kind", "body"}:
            raise _broken("its event is incomplete")
        if not isinstance(event["seq"], int) or isinstance(event["seq"], bool):
            raise _broken("its event has no number")
        holds = merkle.verify_inclusion(
            leaf=events.leaf_of(event),
            index=event["seq"] - 1,
            size=head.size,
            proof=path,
            root=head.root,
        )
        if not holds:
            raise _broken("the event is not in the log of the head")
        return Proven(INCLUSION, head, event=event)
    earlier = events.verify_head(_bytes(proof["earlier"]), public_key, origin=origin)
    holds = merkle.verify_consistency(
        old_size=earlier.size,
        old_root=earlier.root,
        new_size=head.size,
        new_root=head.root,
        proof=path,
    )
    if not holds:
        raise _broken("the log of the head does not begin with that of the earlier head")
    return Proven(CONSISTENCY, head, earlier=earlier)


def _leaves(connection: sqlite3.Connection, size: int) -> list[bytes]:
    hashes = events.leaves(connection)
    _must_hold(len(hashes), size)
    return hashes[:size]


def _must_hold(there: int, size: int) -> None:
    if there < size:
        raise BadInput(
            f"The log holds {there} events, and the head covers {size}: it is the head of another "
            f"log, or events were removed; `unweave log check` with `head` tells."
        )


def _written(proof: Mapping[str, Any]) -> bytes:
    return canonical_json(proof) + b"\n"


def _read(data: bytes) -> dict[str, Any]:
    try:
        proof = json.loads(data)
        written = _written(proof)
    except (ValueError, RecursionError) as error:
        raise _broken("it is no JSON as unweave writes it") from error
    if not isinstance(proof, dict) or set(proof) != KEYS.get(str(proof.get("kind"))):
        raise _broken("it is neither an inclusion nor a consistency proof")
    # JSON has many spellings of one value; only the one that was written counts.
    if proof["format"] != FORMAT or written != data:
        raise _broken("it is not written as unweave writes proofs")
    return proof


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise _broken("a head in it is no text")
    return text.encode("utf-8")


def _texts(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode("ascii") for one in hashes]


def _hashes(texts: Any) -> list[bytes]:
    try:
        hashes = [base64.b64decode(text, validate=True) for text in texts]
    except (TypeError, ValueError, binascii.Error) as error:
        raise _broken("its path holds what is no hash") from error
    if _texts(hashes) != texts:  # spare bits of the last letter
        raise _broken("its path is not written as unweave writes it")
    return hashes


def _broken(why: str) -> CheckFailed:
    return CheckFailed(f"The proof does not hold: {why}.")
