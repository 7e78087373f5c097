"""Whether a certificate speaks of somebody: their id and receipt against its commitments.

The receipt names the certificate that it belongs to by digest, and its nonce opens the commitment
to one id. An id is tried as it is given and in its canonical spelling: the data may have either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import digest, read_json
from lineage_store.errors import BadInput
from lineage_store.keys import canonical_id
from unlearning.certificates.envelope import NONCE_BYTES, commitment

KINDS = ("subject", "row")


@dataclass(frozen=True)
class ReceiptFile:
    """What a receipt that was handed out holds: which certificate it is of, and its nonce."""

    request: str
    certificate: str
    nonce: bytes
    kind: str


def read_receipt(file: Path) -> ReceiptFile:
    """Read a receipt; raises BadInput if the file is none."""
    try:
        document = read_json(file)
        found = ReceiptFile(
            document["request"],
            document["certificate"],
            bytes.fromhex(document["nonce"]),
            document["kind"],
        )
        if len(found.nonce) != NONCE_BYTES or found.kind not in KINDS:
            raise ValueError("not of a receipt")
        return found
    except (OSError, ValueError, TypeError, KeyError, RecursionError, BadInput) as error:
        raise BadInput(
            f"The file {file} is no receipt: it is what `unweave request receipt` wrote."
        ) from error


def why_not_of(
    certificate: bytes, predicate: Mapping[str, Any], receipt: ReceiptFile, id_: str
) -> str | None:
    """Say why a certificate does not speak of an id, as far as its receipt tells; None if it does.

    `certificate` is the file, byte for byte.
    """
    if receipt.certificate != digest(certificate):
        return "The receipt is of another certificate than this one."
    spelled = dict.fromkeys((id_.strip(), id_, canonical_id(id_)))
    named = {
        commitment(receipt.nonce, kind=receipt.kind, value=one.encode("utf-8")) for one in spelled
    }
    if named.isdisjoint(predicate["subjects"]):
        return (
            "The receipt belongs to the certificate, and opens its commitment to another id than "
            "the one given: mind how it is spelled."
        )
    return None
