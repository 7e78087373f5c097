"""The event log's questions as plain functions, for the command line and the Python API."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lineage_store.canonical import PUBLIC, write_atomic
from lineage_store.clock import Clock
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index import reading_index
from lineage_store.keys import load_public_key
from lineage_store.log import (
    KINDS,
    ORIGIN,
    ClockJump,
    TreeHead,
    clock_jumps,
    events,
    explain_jump,
    open_jumps,
    proofs,
)
from lineage_store.requests import date_of, number_of
from lineage_store.workspace import Workspace
from unweave.session.queue_writing import changing_queue, user_name

Answer = dict[str, Any]


def log_head(workspace: Workspace, *, out: Path | None) -> Answer:
    """Tell the signed head of the log, and write it to a file to be kept elsewhere."""
    checkpoint = _signed_head(workspace)
    head = _verified(workspace, checkpoint, None)
    if out is not None:
        _write(out, checkpoint)
    return {
        "size": head.size,
        "root": head.root.hex(),
        "checkpoint": checkpoint.decode("utf-8"),
        "out": None if out is None else str(out),
    }


def log_events(
    workspace: Workspace,
    *,
    kind: str | None,
    since: str | None = None,
    request: str | None = None,
) -> Answer:
    """List the events as they are stored: of one kind, from a day on, of a request or a deletion.

    Raises BadInput for a kind that there is not, and for a day that is none.
    """
    known = [one.name for one in KINDS]
    with reading_index(workspace) as connection:
        stored = list(events.events(connection))
    if kind is not None and kind not in {*known, *(one.kind for one in stored)}:
        raise BadInput(f"There is no kind of event called {kind!r}; there are {', '.join(known)}.")
    day = "" if since is None else date_of(since, "The day to begin with")
    found = [
        {"seq": one.seq, "time": one.time, "kind": one.kind, "body": dict(one.body)}
        for one in stored
        if kind in (None, one.kind)
        and one.time >= day
        and (request is None or request in (one.body.get("request"), one.body.get("run")))
    ]
    return {"events": found}


def log_prove(workspace: Workspace, *, event: int | None, since: Path | None, out: Path) -> Answer:
    """Write a proof about the log of today's signed head: of an event, or since an older head."""
    if (event is None) == (since is None):
        raise BadInput("Say what to prove: an event (`event`), or what was since a head (`since`).")
    checkpoint = _signed_head(workspace)
    head = _verified(workspace, checkpoint, None)
    with reading_index(workspace) as connection:
        if since is not None:
            earlier = _read(since)
            old_size = _verified(workspace, earlier, None).size
            proof = proofs.consistency(
                connection, earlier=earlier, old_size=old_size, checkpoint=checkpoint,
                size=head.size,
            )  # fmt: skip
        else:
            assert event is not None
            proof = proofs.inclusion(connection, event, checkpoint=checkpoint, size=head.size)
    # What does not hold is not handed out: the log may not be what was signed.
    proven = proofs.check_proof(proof, load_public_key(workspace.public_key), origin=ORIGIN)
    _write(out, proof)
    return _as_json(proven) | {"out": str(out)}


def log_check(workspace: Workspace, *, head: Path | None, public_key: Path | None) -> Answer:
    """Check every event against its leaf, and the log against its signed head and an older one.

    Raises CheckFailed, saying what does not hold.
    """
    heads = [_verified(workspace, _signed_head(workspace), public_key)]
    if head is not None:
        heads.append(_verified(workspace, _read(head), public_key))
    with reading_index(workspace) as connection:
        for earlier in heads:
            found = events.check(connection, earlier=earlier)
    return {
        "ok": True,
        "size": found.size,
        "root": found.root.hex(),
        "signed_size": heads[0].size,
        "held_size": None if head is None else heads[-1].size,
    }


def log_clock(
    workspace: Workspace, *, right: str | None, event: int | None, by: str | None, now: Clock
) -> Answer:
    """List where the clock went back; with `right`, log which side was right of one that is open.

    It is `before` or `after`; `event` names the jump by its event, if there are several. Raises
    BadInput if there is none to say it of.
    """
    if right is not None:
        with changing_queue(workspace.root) as (_, log):
            time = now()
            jump = _meant(open_jumps(log, time=time), event)
            who = number_of(log, workspace.keys(), by or user_name(), random_bytes=os.urandom)
            explain_jump(log, jump, right=right, by=who, time=time)
    elif event is not None or by is not None:
        raise BadInput("Say which side was right with `right`: before, or after.")
    with reading_index(workspace) as connection:
        return {"jumps": [one.to_json() for one in clock_jumps(connection, time=now())]}


def _meant(jumps: Sequence[ClockJump], event: int | None) -> ClockJump:
    """Return the open jump at an event, or the only one."""
    found = [one for one in jumps if event in (None, one.event)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise BadInput("The clock did not go back there, or somebody has said which was right.")
    raise BadInput(f"The clock went back {len(found)} times: name one with `event`.")


def check_proof_file(proof: Path, *, public_key: Path) -> Answer:
    """Check a proof offline, by the public key; raises CheckFailed if it does not hold."""
    proven = proofs.check_proof(_read(proof), load_public_key(public_key), origin=ORIGIN)
    return {"ok": True, **_as_json(proven)}


def _as_json(proven: proofs.Proven) -> Answer:
    return {
        "kind": proven.kind,
        "size": proven.head.size,
        "root": proven.head.root.hex(),
        "event": None if proven.event is None else dict(proven.event),
        "earlier_size": None if proven.earlier is None else proven.earlier.size,
    }


def _signed_head(workspace: Workspace) -> bytes:
    """Read the head that a workspace always has, from its first command on."""
    if not workspace.head_file.exists():
        raise CheckFailed(
            f"The signed head of the event log, {workspace.head_file.name}, is gone: restore it "
            f"from a backup."
        )
    return _read(workspace.head_file)


def _verified(workspace: Workspace, checkpoint: bytes, public_key: Path | None) -> TreeHead:
    key = load_public_key(workspace.public_key if public_key is None else public_key)
    return events.verify_head(checkpoint, key, origin=ORIGIN)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"The file {path} cannot be read: {error.strerror}.") from error


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomic(path, data, mode=PUBLIC)
    except OSError as error:
        raise BadInput(f"The file {path} cannot be written: {error.strerror}.") from error
