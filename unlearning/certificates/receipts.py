"""Receipts of deletions: what lets a person open the commitments of their certificate.

One for each id, sealed under `keys/` (`lineage_store.keys.receipts`) when the certificate is
written, and handed out once. The nonce of a run for several ids opens more than one person's, so
nobody gets it: it ends with the run, as what the run had to remember does.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, digest, read_json, write_atomic
from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import deletions, reading_index
from lineage_store.keys import overwrite
from lineage_store.workspace import RequestFolder, Workspace
from unlearning.planning.sealed_request import OpenRequest


def receipt_name(request_id: str, place: int | None = None) -> str:
    """Return a receipt's name; `place`, from 0, is that of one of several ids."""
    return request_id if place is None else f"{request_id}-{place + 1:03d}"


def receipt(
    *, request_id: str, opened: OpenRequest, certificate: bytes, guarantees: Mapping[str, str]
) -> dict[str, Any]:
    """Build a receipt: with it and their own id a person can open the commitment.

    It says what each model that replaced another may be called, as the certificate does.
    """
    return {
        "request": request_id,
        "guarantees": dict(guarantees),
        "certificate": digest(certificate),
        "nonce": opened.nonce.hex(),
        "kind": opened.kind,
        "how": "commitment of an id = HMAC-SHA256 under the nonce; see docs/certificate.md",
    }


def hand_out(
    workspace: Workspace, request_id: str, *, number: int | None, out: Path, time: str
) -> str:
    """Write a receipt to a file outside the workspace, and destroy it here; return its name.

    `number`, from 1, is the place among several ids. Raises NothingFound if there is none (any
    more), BadInput for a file that cannot be.
    """
    if out.resolve().is_relative_to(workspace.root):
        raise BadInput(
            "A receipt does not stay in the workspace: name a file outside of it, to be given to "
            "whoever asked to be forgotten."
        )
    with reading_index(workspace) as connection:
        known = {request.id: request.state for request in deletions.all_requests(connection)}
    if known.get(request_id) != "done":  # else its end would seal it once more
        raise NothingFound(f"There is no finished deletion {request_id}, and so no receipt of it.")
    name = receipt_name(request_id, None if number is None else number - 1)
    receipts = workspace.receipts()
    receipts.sweep(today=time[:10])
    several = receipts.file(receipt_name(request_id, 0)).exists()
    if several and number is None:
        raise BadInput(
            f"The deletion {request_id} was for several ids, and each has a receipt of its own: "
            f"say which, by its `number` in the order of the ids."
        )
    if not several and number == 1:
        name = receipt_name(request_id)
    document = receipts.read(name, today=time[:10])
    try:
        write_atomic(out, canonical_json(document) + b"\n")
    except OSError as error:
        raise BadInput(f"The file {out} cannot be written: {error.strerror}.") from error
    receipts.was_handed_out(name, time=time)
    return name


def sweep_receipts(workspace: Workspace, *, today: str) -> None:
    """Destroy receipts whose day has passed, and seal those that an earlier unweave left open."""
    for folder in workspace.requests():
        _seal_older(workspace, folder, today=today)
    workspace.receipts().sweep(today=today)


def _seal_older(workspace: Workspace, folder: RequestFolder, *, today: str) -> None:
    for file in sorted(folder.older_receipts.glob("*.json")):
        _seal(workspace, file, receipt_name(folder.id, int(file.stem) - 1), today=today)
    if folder.older_receipt.exists():
        if (folder.path / "certificates").exists():  # it opens everybody's
            overwrite(folder.older_receipt)
            folder.older_receipt.unlink()
        else:
            _seal(workspace, folder.older_receipt, receipt_name(folder.id), today=today)
    if folder.older_receipts.exists():
        folder.older_receipts.rmdir()


def _seal(workspace: Workspace, file: Path, name: str, *, today: str) -> None:
    workspace.receipts().keep(name, read_json(file), today=today)
    overwrite(file)
    file.unlink()
