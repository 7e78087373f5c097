"""The steps of a deletion run, in the order in which they are taken.

    open     what a killed run needs to go on (ids, row keys) is put into the request's folder
    plan     `plan.plan_model` for every live model that holds a row
    unlearn  `fitting.refit`, then `checks.check`
    record   the new model is registered; only now may anything go
    erase    old models' folders go, rows leave the index, files are compacted, a scan proves it
    certify  the certificate is written, and the open file removed

Record first, then act: each step can run again after a kill, and gives the same result. Time and
randomness come from outside.
"""

import shutil
import sqlite3
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store import models, row_index
from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.errors import CheckFailed, ResidueFound
from lineage_store.index import compact, open_index
from lineage_store.workspace import Workspace
from unlearning.checks import CheckReport
from unlearning.plan import ModelPlan
from unlearning.residuals import Scan, distinctive, scan_apart

OPEN_FILE = "open.json"
PLAN_FILE = "plan.json"
ERASURE_FILE = "erasure.json"
CERTIFICATE_FILE = "certificate.json"
RECEIPT_FILE = "receipt.json"


@dataclass(frozen=True)
class OpenRequest:
    """What a running deletion must remember and a finished one must not: ids and row keys.

    `kind` says what the ids are of, "subject" or "row".
    `nonce` (32 bytes) opens the certificate's commitments; it stays, in the receipt.
    """

    kind: str
    ids: tuple[str, ...]
    pseudonyms: tuple[bytes, ...]
    row_keys: tuple[bytes, ...]
    nonce: bytes

    @property
    def subjects(self) -> tuple[bytes, ...] | None:
        """The pseudonyms of those whose rows are deleted; None if rows are, whosever they are."""
        return None if self.kind == "row" else self.pseudonyms

    def keyed_patterns(self, *, staying: Container[bytes] = ()) -> list[bytes]:
        """Return the keyed bytes that must be nowhere afterwards, raw and in hexadecimal.

        `staying` are the keys that rows of others have too: finding them proves nothing.
        """
        keyed = [*(key for key in self.row_keys if key not in staying), *self.pseudonyms]
        return [*keyed, *(value.hex().encode("ascii") for value in keyed)]


def save_open(folder: Path, request: OpenRequest) -> None:
    """Write the open file, readable by its owner alone."""
    value = {
        "kind": request.kind,
        "ids": list(request.ids),
        "pseudonyms": [value.hex() for value in request.pseudonyms],
        "row_keys": [value.hex() for value in request.row_keys],
        "nonce": request.nonce.hex(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / OPEN_FILE, canonical_json(value), mode=0o600)


def load_open(folder: Path) -> OpenRequest:
    """Read the open file."""
    value = read_json(folder / OPEN_FILE)
    return OpenRequest(
        value["kind"],
        tuple(value["ids"]),
        tuple(bytes.fromhex(item) for item in value["pseudonyms"]),
        tuple(bytes.fromhex(item) for item in value["row_keys"]),
        bytes.fromhex(value["nonce"]),
    )


def save_plan(folder: Path, plans: Sequence[ModelPlan]) -> None:
    """Write the plans of all models into the request's folder."""
    write_atomic(folder / PLAN_FILE, canonical_json([plan.to_json() for plan in plans]) + b"\n")


def load_plan(folder: Path) -> list[ModelPlan]:
    """Read the plans of a request."""
    return [ModelPlan.from_json(item) for item in read_json(folder / PLAN_FILE)]


def must_pass(report: CheckReport) -> None:
    """Raise CheckFailed, naming the check, if one failed: nothing has been erased yet."""
    for check in report.checks:
        if check.outcome == "failed":
            raise CheckFailed(
                f"The check '{check.name}' failed for the new model: {check.detail}. "
                f"Nothing was erased and the old model is still served."
            )


def erase(workspace: Workspace, request_id: str, *, time: str) -> Scan:
    """Erase what learnt from a request's rows, and scan the workspace for what is left.

    The new models must be registered. Raises ResidueFound, naming the files, if anything is found.
    """
    folder = workspace.request(request_id)
    opened, plans = load_open(folder), load_plan(folder)
    connection = open_index(workspace.index_file)
    try:
        for plan in plans:
            _erase_model(connection, workspace, plan, time=time)
        with connection:
            row_index.remove(connection, opened.row_keys, subjects=opened.subjects)
            live = models.models(connection, live_only=True)
            row_index.keep_snapshots(connection, (record.snapshot for record in live))
        shared = row_index.staying(connection, opened.row_keys)
    finally:
        connection.close()
    _clear_serving(workspace)
    compact(workspace.index_file)
    staying = [workspace.snapshot(plan.model_after) for plan in plans if plan.model_after]
    names = distinctive(opened.ids, staying=staying)
    scan = scan_apart(
        workspace.root,
        [*opened.keyed_patterns(staying=shared), *names],
        not_distinctive=len(opened.ids) - len(names) + len(shared),
        skip=[f"requests/{request_id}/{OPEN_FILE}"],
    )
    if not scan.clean:
        left = [*scan.found, *(f"{name} (unreadable)" for name in scan.unread)]
        raise ResidueFound(
            f"After the erasure {len(left)} files still hold something of the deleted rows: "
            f"{', '.join(left[:5])}. Remove them and run the same forget again."
        )
    write_atomic(folder / ERASURE_FILE, canonical_json(scan.to_json()) + b"\n")
    return scan


def _erase_model(
    connection: sqlite3.Connection, workspace: Workspace, plan: ModelPlan, *, time: str
) -> None:
    old = models.find_model(connection, plan.model_before)
    if plan.model_after is not None:
        models.find_model(connection, plan.model_after)  # it must be registered by now
    with connection:
        state: models.ModelState = "withdrawn" if plan.model_after is None else "deleted"
        models.end(connection, plan.model_before, state=state, time=time)
    for path in old.paths.values():
        if workspace.absolute(path).exists():
            shutil.rmtree(workspace.absolute(path))


def _clear_serving(workspace: Workspace) -> None:
    """Remove every pushed version that is not a live model's: a killed run may leave one."""
    connection = open_index(workspace.index_file)
    try:
        live = {
            workspace.absolute(record.paths["pushed"])
            for record in models.models(connection, live_only=True)
            if "pushed" in record.paths
        }
    finally:
        connection.close()
    for version in (workspace.root / "serving").glob("*/*"):
        if version not in live:
            shutil.rmtree(version)


def load_scan(folder: Path) -> Mapping[str, Any]:
    """Read what the erasure's scan said."""
    scan: Mapping[str, Any] = read_json(folder / ERASURE_FILE)
    return scan
