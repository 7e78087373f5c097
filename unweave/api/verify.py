"""Checking a certificate offline: nothing is needed but the file and the signer's public key."""

from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput

# A run for a hundred thousand people has a certificate of 9 MB.
LONGEST = 1 << 28


def verify(
    certificate: Path | str,
    *,
    public_key: Path | str | None = None,
    workspace: Path | str | None = None,
    model: str | None = None,
    receipt: Path | str | None = None,
    subject: str | None = None,
) -> dict[str, Any]:
    """Check a certificate offline; `ok` is true only if it is intact, signed by that key and sound.

    The event log's signed head, the proof that the request was recorded in it and the consistency
    of all that the certificate says are checked too. With a workspace, its commitments to models
    that are live there (or to one) are opened: `opened` says of each *opened*, *ended*, or
    *another*, and then `ok` is false. With a `receipt` and the id of its `subject` the commitment
    to that id is opened: `speaks_of_subject` says whether it is theirs, and else `ok` is false.
    A certificate of a day that has not come yet has that among its `warnings`.
    Raises BadInput if a file cannot be read, or is no receipt.
    """
    if (receipt is None) != (subject is None):
        raise BadInput(
            "`receipt` and `subject` go together: the receipt opens the commitment to one id."
        )
    from lineage_store.clock import machine_time, time_text
    from lineage_store.keys import load_public_key
    from unlearning.certificates import from_ahead, judge

    key = None if public_key is None else load_public_key(Path(public_key))
    try:
        with Path(certificate).open("rb") as stream:
            data = stream.read(LONGEST + 1)
    except OSError as error:
        raise BadInput(f"The certificate cannot be read: {error.strerror}.") from error
    if len(data) > LONGEST:
        raise BadInput("The file is longer than any certificate: name the certificate itself.")
    found = judge(data, key)
    answer: dict[str, Any] = {"ok": found.ok, "verdict": found.verdict, "detail": found.detail}
    if found.statement is not None:
        predicate = found.statement["predicate"]
        answer |= {
            "request_id": predicate["request"]["id"],
            "deletion": predicate["request"]["id"],
            "certified": predicate["certified"],
            "rows": predicate["rows"]["count"],
            "subjects": len(predicate["subjects"]),
            "models": predicate["models"],
        }
        ahead = from_ahead(predicate["certified"], now=time_text(machine_time()))
        answer |= {} if ahead is None else {"warnings": [ahead]}
        size = int(predicate["log"]["checkpoint"].split("\n")[1])
        if workspace is not None:
            answer |= _opened(Path(workspace), predicate, model, answer)
        if receipt is not None and subject is not None:
            answer |= _spoken_of(data, predicate, Path(receipt), subject, answer)
        answer["log"] = {"event": predicate["log"]["event"]["seq"], "size": size}
    return answer


def _opened(
    root: Path, predicate: dict[str, Any], model: str | None, answer: dict[str, Any]
) -> dict[str, Any]:
    """Return what opening the commitments adds to an answer, or changes in it."""
    from lineage_store.workspace import open_workspace
    from unlearning.certificates import open_commitments

    opened = open_commitments(open_workspace(root), predicate, model=model)
    others = [name for name, outcome in opened.items() if outcome == "another"]
    if not others or not answer["ok"]:
        return {"opened": opened}
    detail = f"{', '.join(others)} in this workspace: not the weights that it names."
    return {"opened": opened, "ok": False, "verdict": "not what is there", "detail": detail}


def _spoken_of(
    data: bytes, predicate: dict[str, Any], receipt: Path, subject: str, answer: dict[str, Any]
) -> dict[str, Any]:
    """Return what opening the commitment to one id adds to an answer, or changes in it."""
    from unlearning.certificates import read_receipt, why_not_of

    why = why_not_of(data, predicate, read_receipt(receipt), subject)
    added = {"speaks_of_subject": why is None}
    if why is None or not answer["ok"]:
        return added
    return {**added, "ok": False, "verdict": "not of this person", "detail": why}
