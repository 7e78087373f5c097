"""Checking a certificate offline: nothing is needed but the file and the signer's public key."""

from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput


def verify(certificate: Path | str, *, public_key: Path | str | None = None) -> dict[str, Any]:
    """Check a certificate offline; `ok` is true only if it is intact and signed by that key.

    The event log's signed head and the proof that the request was recorded in it are checked too.
    """
    from lineage_store.keys import load_public_key
    from unlearning.certificates import check_claims, check_opening, check_place
    from unlearning.certificates import verify as verify_bytes

    key = None if public_key is None else load_public_key(Path(public_key))
    try:
        data = Path(certificate).read_bytes()
    except OSError as error:
        raise BadInput(f"The certificate cannot be read: {error.strerror}.") from error
    found = verify_bytes(data, key)
    answer: dict[str, Any] = {"ok": found.ok, "verdict": found.verdict, "detail": found.detail}
    if found.statement is not None:
        predicate = found.statement["predicate"]
        if found.ok and key is not None and (fault := check_opening(predicate, key)) is not None:
            answer |= {"ok": False, "verdict": "not in the log", "detail": fault}
        elif found.ok and (fault := check_place(predicate)) is not None:
            answer |= {"ok": False, "verdict": "not in the run", "detail": fault}
        elif found.ok and (fault := check_claims(predicate)) is not None:
            answer |= {"ok": False, "verdict": "not what it is called", "detail": fault}
        answer |= {
            "request_id": predicate["request"]["id"],
            "certified": predicate["certified"],
            "rows": predicate["rows"]["count"],
            "models": predicate["models"],
        }
        if "log" in predicate:
            size = int(predicate["log"]["checkpoint"].split("\n")[1])
            answer["log"] = {"event": predicate["log"]["event"]["seq"], "size": size}
    return answer
