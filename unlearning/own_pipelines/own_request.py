"""The request to forget, recorded before anything is changed, and found again after a kill.

It stands where every deletion stands: in the workspace's index, in its signed log, and sealed in
the request's folder while it runs. Its entries in the exclusion manifest are what changes for the
pipeline: the gate reads them. What was there before the run lies beside them, by commitment.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any

from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.clock import Clock
from lineage_store.errors import (
    AlreadyForgotten,
    BadInput,
    NothingFound,
    NothingToLearn,
    OnHold,
    Unfinished,
)
from lineage_store.examples import stand_in
from lineage_store.index import deletions, logging_events, manifest, queue, writing_index
from lineage_store.keys import Keys, alike_entry
from lineage_store.requests import open_details
from lineage_store.workspace import RequestFolder, Workspace
from unlearning.certificates import log_asked
from unlearning.own_pipelines.going_rows import GoingOwnRows
from unlearning.own_pipelines.own_asked import OwnAsked
from unlearning.planning import OpenRequest, load_open, save_open, save_plan

BEFORE = "own.json"


@dataclass(frozen=True)
class OwnRequest:
    """A running request: its record, what it must remember, and what there was before its run."""

    record: deletions.Request
    opened: OpenRequest
    before: Mapping[str, Any]
    folder: RequestFolder


def resume_own(workspace: Workspace, asked: OwnAsked) -> OwnRequest | None:
    """Return the request of these ids whose run was killed, if there is one.

    Raises AlreadyForgotten if all of them were forgotten, Unfinished if another run was killed.
    """
    keys = workspace.keys()
    with writing_index(workspace) as connection:
        found = [deletions.exclusion(connection, *names) for names in asked.entries(keys)]
        requests = {one.request for one in found if one is not None}
        running = {one.id for one in deletions.all_requests(connection) if one.state == "running"}
        if not requests & running:
            deletions.must_be_none_running(connection)
            if found and all(found):
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
    asked: OwnAsked,
    *,
    found: GoingOwnRows,
    before: Mapping[str, Any],
    clock: Clock,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> OwnRequest:
    """Record a request: in the manifest, the log, and sealed.

    Raises NothingFound if an id has no row, OnHold if one is held or restricted by a request of the
    queue, BadInput if none is named, or if others would be kept out with them, NothingToLearn if no
    row would be left.
    """
    if not asked.ids:
        raise BadInput("Nobody is named: name whom to forget.")
    lacking = sum(not some for some in found.keys_of)
    if lacking:
        raise NothingFound(
            f"{lacking} of the {len(asked.ids)} ids given have no row in the pipeline's last run: "
            f"nothing was changed."
        )
    if found.alike and not asked.admit_alike:
        raise BadInput(
            f"{found.alike} people who were not named have ids that are spelled nearly as those "
            f"given, so the gate would keep them out, too: name them as well if they are the same, "
            f"or let such ids in by `admit_alike` of ExampleGate; nothing was changed."
        )
    if not found.left:
        raise NothingToLearn(
            "Nobody would be left to learn from, and a pipeline's model is not withdrawn yet: take "
            "down what was pushed, and erase the pipeline's root; nothing was changed."
        )
    with writing_index(workspace) as connection:
        connection.execute("BEGIN IMMEDIATE")
        held = [name for names in asked.entries(workspace.keys()) for name in names]
        queue.must_not_be_held(connection, held, today=clock()[:10])
        _must_not_be_restricted(connection, workspace.keys(), found)
        record = deletions.record(
            connection,
            commitments=_enter(connection, workspace.keys(), asked, found),
            options={"rows": asked.rows, "own": True},
            time=clock(),
        )
    folder = workspace.request(record.id)
    opened = OpenRequest(
        kind=asked.kind,
        ids=asked.ids,
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


def _must_not_be_restricted(connection: Connection, keys: Keys, found: GoingOwnRows) -> None:
    """Raise OnHold if a row that would go is restricted, whoever named it and by whatever id.

    A row may be named by its own id, and be of somebody who is restricted, or the other way.
    """
    for one in queue.all_queued(connection, open_only=True):
        if not (one.invoked.in_effect and one.sealed is not None):
            continue
        ids = open_details(one.sealed, one.id, key=keys.requests).ids
        if one.kind == "row":
            theirs = {keys.row_key(kind="id", value=id_.encode("utf-8")) for id_ in ids}
            bars = not theirs.isdisjoint(found.keys)
        else:
            bars = not found.whose.isdisjoint({stand_in(keys, id_).hex() for id_ in ids})
        if bars:
            raise OnHold(
                f"Rows that would go are restricted (request {one.id}, Article 18 GDPR): nothing "
                f"was changed; they can go once that restriction is lifted."
            )


def _enter(
    connection: Connection, keys: Keys, asked: OwnAsked, found: GoingOwnRows
) -> list[tuple[str, str, tuple[str, ...]]]:
    """Write down what the manifest is to know of each id; return its entries: kind, name, models.

    Part of the caller's transaction.
    """
    names = manifest.names_for(connection, asked.entries(keys))
    known_by = manifest.known_by(asked.columns)
    for place, name in enumerate(names):
        rows = asked.keys_known(keys, found.keys_of[place], place)
        manifest.keep_rows(connection, name, {known_by: rows})
        if not asked.rows:
            manifest.keep_alike(connection, name, alike_entry(keys, asked.ids[place]))
    return [(asked.kind, name, ()) for name in names]
