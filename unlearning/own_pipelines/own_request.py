"""The request to forget, recorded before anything is changed, and found again after a kill.

It stands where every deletion stands: in the workspace's index, in its signed log, and sealed in
the request's folder while it runs. Its entries in the exclusion manifest are what changes for the
pipeline: the gate reads them. What was there before the run lies beside them, by commitment.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.clock import Clock
from lineage_store.errors import (
    AlreadyForgotten,
    BadInput,
    NothingFound,
    NothingToLearn,
    Unfinished,
)
from lineage_store.index import deletions, logging_events, manifest, writing_index
from lineage_store.workspace import RequestFolder, Workspace
from unlearning.certificates import log_asked
from unlearning.own_pipelines.going_rows import GoingOwnRows, entries_for
from unlearning.planning import OpenRequest, load_open, save_open, save_plan

BEFORE = "own.json"


@dataclass(frozen=True)
class OwnRequest:
    """A running request: its record, what it must remember, and what there was before its run."""

    record: deletions.Request
    opened: OpenRequest
    before: Mapping[str, Any]
    folder: RequestFolder


def resume_own(workspace: Workspace, ids: Sequence[str], *, rows: bool) -> OwnRequest | None:
    """Return the request of these ids whose run was killed, if there is one.

    Raises AlreadyForgotten if all of them were forgotten, Unfinished if another run was killed.
    """
    keys = workspace.keys()
    with writing_index(workspace) as connection:
        found = [deletions.exclusion(connection, *entries_for(keys, one, rows=rows)) for one in ids]
        requests = {one.request for one in found if one is not None}
        running = {one.id for one in deletions.all_requests(connection) if one.state == "running"}
        if not requests & running:
            deletions.must_be_none_running(connection)
            if ids and all(found):
                raise AlreadyForgotten("Who is named was forgotten already, and has no row.")
            return None
        if len(requests) > 1 or not all(found):
            raise Unfinished(
                f"The deletion {min(requests & running)} was interrupted: name the same ids again, "
                f"which finishes it, before others."
            )
        record = deletions.find_request(connection, requests.pop())
    folder = workspace.request(record.id)
    return OwnRequest(record, load_open(folder), read_json(folder.path / BEFORE), folder)


def open_own(
    workspace: Workspace,
    ids: Sequence[str],
    *,
    rows: bool,
    found: GoingOwnRows,
    before: Mapping[str, Any],
    clock: Clock,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> OwnRequest:
    """Record a request: in the manifest, the log, and sealed.

    Raises NothingFound if an id has no row, BadInput if none is named, NothingToLearn if no row
    would be left.
    """
    if not ids:
        raise BadInput("Nobody is named: name whom to forget.")
    lacking = sum(not some for some in found.keys_of)
    if lacking:
        raise NothingFound(
            f"{lacking} of the {len(ids)} ids given have no row in the pipeline's last run: "
            f"nothing was changed."
        )
    if not found.left:
        raise NothingToLearn(
            "Nobody would be left to learn from, and a pipeline's model is not withdrawn yet: take "
            "down what was pushed, and erase the pipeline's root; nothing was changed."
        )
    keys, kind = workspace.keys(), "row" if rows else "subject"
    with writing_index(workspace) as connection:
        asked = [entries_for(keys, one, rows=rows) for one in ids]
        entries = [(kind, name, ()) for name in manifest.names_for(connection, asked)]
        connection.execute("BEGIN IMMEDIATE")
        record = deletions.record(
            connection, commitments=entries, options={"rows": rows, "own": True}, time=clock()
        )
    folder = workspace.request(record.id)
    opened = OpenRequest(
        kind=kind,
        ids=tuple(ids),
        pseudonyms=found.stand_ins,
        row_keys=found.keys,
        nonce=random_bytes(32),
        tokens=found.tokens,
        keys_of=found.keys_of,
    )
    save_open(folder, opened, random_bytes=random_bytes)
    save_plan(folder, [])
    write_atomic(folder.path / BEFORE, canonical_json(dict(before)) + b"\n")
    with logging_events(workspace) as log:
        log_asked(log, record)
    return OwnRequest(record, opened, before, folder)
