"""Checking a certificate, with nothing but the file and the signer's key."""

from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput


def verify(certificate: Path | str, *, public_key: Path | str | None = None) -> dict[str, Any]:
    """Check a certificate offline; `ok` is true only if it is intact and signed by that key."""
    from lineage_store.signing import load_public_key
    from unlearning.certificate import verify as verify_bytes

    key = None if public_key is None else load_public_key(Path(public_key))
    try:
        data = Path(certificate).read_bytes()
    except OSError as error:
        raise BadInput(f"The certificate cannot be read: {error.strerror}.") from error
    found = verify_bytes(data, key)
    answer: dict[str, Any] = {"ok": found.ok, "verdict": found.verdict, "detail": found.detail}
    if found.statement is not None:
        predicate = found.statement["predicate"]
        answer |= {
            "request_id": predicate["request"]["id"],
            "certified": predicate["certified"],
            "rows": predicate["rows"]["count"],
            "models": predicate["models"],
        }
    return answer
