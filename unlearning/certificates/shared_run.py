"""One run for several people, and a certificate for each that tells nothing of the others.

The run's own certificate speaks of all rows. Each id has a nonce of its own, derived from the run's
nonce, which ends with the run: who is given theirs can open the commitment to their own id
and rows, and cannot try guesses at any other. A Merkle path (RFC 6962) over the commitments of all
ids binds their certificate to the run's, so the operator cannot tell each of them something else.

With one id there is one certificate, and its nonce is the run's.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lineage_store.keys import canonical_id, from_base64, to_base64
from lineage_store.log import merkle
from unlearning.certificates.envelope import commitment
from unlearning.planning.sealed_request import OpenRequest

DOMAIN = b"unweave.dev/receipt/v1"


def own_part(opened: OpenRequest, place: int) -> OpenRequest:
    """Return what is told of one id alone: it, its rows, and its nonce."""
    if len(opened.ids) == 1:
        return opened
    nonce = hmac.digest(opened.nonce, DOMAIN + place.to_bytes(8, "big"), "sha256")
    rows = opened.keys_of[place] if opened.keys_of else ()
    return replace(
        opened, ids=(opened.ids[place],), row_keys=rows, nonce=nonce, keys_of=(), tokens=()
    )


def commitments(opened: OpenRequest) -> list[str]:
    """Return the commitments to all ids, as canonical, each under its own nonce, in their order."""
    parts = [own_part(opened, place) for place in range(len(opened.ids))]
    return [
        commitment(part.nonce, kind=part.kind, value=canonical_id(part.ids[0]).encode("utf-8"))
        for part in parts
    ]


def place_in_run(committed: Sequence[str], place: int, *, certificate: str) -> dict[str, Any]:
    """Return what binds the certificate of one id to that of the run, whose digest is given.

    `committed` are the commitments to all ids of the run.
    """
    leaves = _leaves(committed)
    return {
        "certificate": certificate,
        "index": place,
        "size": len(leaves),
        "root": merkle.root(leaves).hex(),
        "path": [to_base64(one) for one in merkle.inclusion_proof(place, leaves)],
    }


def check_place(predicate: Mapping[str, Any]) -> str | None:
    """Check that a certificate's one subject stands in its run; return why it does not, or None."""
    if "run" not in predicate:
        return None
    run = predicate["run"]
    try:
        (leaf,) = _leaves(predicate["subjects"])
        holds = merkle.verify_inclusion(
            leaf=leaf,
            index=run["index"],
            size=run["size"],
            proof=[from_base64(one) for one in run["path"]],
            root=bytes.fromhex(run["root"]),
        )
    except (KeyError, TypeError, ValueError):
        holds = False
    return None if holds else "The certificate is intact, but its subject is not in the run's root."


def _leaves(committed: Sequence[str]) -> list[bytes]:
    return [merkle.leaf_hash(bytes.fromhex(one)) for one in committed]
