"""The event log's part in a certificate: the request stood in the signed log before anything went.

When a deletion begins, an event says so, by the request's number and digest. The certificate holds
the signed head of the log and the proof that this event is in it, so whoever has the certificate
also keeps a head: no event before it can be taken back or dated anew without them being able to
show it (`unweave log check` with `head`, docs/log.md). A request that is taken back, since its run
failed before it changed anything, says so in an event too.
"""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lineage_store.canonical import canonical_json, digest_json
from lineage_store.errors import CheckFailed
from lineage_store.index import Request
from lineage_store.keys import load_private_key
from lineage_store.log import (
    ORIGIN,
    DeletionAsked,
    DeletionTakenBack,
    LogConnection,
    events,
    of_kind,
    proofs,
)
from lineage_store.workspace import Workspace


def request_facts(request: Request) -> dict[str, str]:
    """Return what a certificate and the log say of a request: never its reason."""
    facts = {"id": request.id, "requested": request.created}
    return facts | {"digest": digest_json(facts)}


def log_asked(connection: LogConnection, request: Request) -> None:
    """Log that a request was recorded, once."""
    if _asked_event(connection, request) is None:
        events.append(connection, _asking(request), time=request.created)


def log_taken_back(connection: LogConnection, request: Request, *, time: str) -> None:
    """Log that a request that changed nothing was taken back."""
    if _asked_event(connection, request) is not None:
        opening = _asking(request)
        events.append(connection, DeletionTakenBack(opening.request, opening.digest), time=time)


def opening_proof(
    connection: sqlite3.Connection, workspace: Workspace, request: Request
) -> dict[str, Any]:
    """Return the proof that a request's event is in the log, under a head of today's log.

    Raises CheckFailed if it is not in it.
    """
    number = _asked_event(connection, request)
    if number is None:
        raise CheckFailed(
            f"The event log does not say that the deletion {request.id} was asked for: restore "
            f"the log from a backup."
        )
    head = events.head(connection)
    signed = events.sign_head(head, load_private_key(workspace.signing_key), origin=ORIGIN)
    proof = proofs.inclusion(connection, number, checkpoint=signed, size=head.size)
    document: dict[str, Any] = json.loads(proof)
    return document


def check_opening(predicate: Mapping[str, Any], public_key: Ed25519PublicKey) -> str | None:
    """Check the proof within a certificate, offline; return why it does not hold, or None."""
    try:
        proven = proofs.check_proof(
            canonical_json(predicate["log"]) + b"\n", public_key, origin=ORIGIN
        )
    except CheckFailed as error:
        return f"The certificate is intact, but its log proof is not: {error}"
    request = predicate["request"]
    opening = DeletionAsked(request["id"], request["digest"])
    event = proven.event
    if event is None or (event["kind"], event["body"]) != (opening.name, opening.to_json()):
        return "The certificate is intact, but its log proof is about another event."
    return None


def _asked_event(connection: sqlite3.Connection, request: Request) -> int | None:
    """Return the number of the newest event that says that a request was recorded, or None."""
    wanted = _asking(request)
    found = [event.seq for event, asked in of_kind(connection, DeletionAsked) if asked == wanted]
    return found[-1] if found else None


def _asking(request: Request) -> DeletionAsked:
    return DeletionAsked(request.id, request_facts(request)["digest"])
