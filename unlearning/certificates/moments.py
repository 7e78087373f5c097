"""Certificates whose moments cannot be (law 11): of before it was asked, or after it had ended.

A certificate is signed between two events of the log, the one that says that the deletion was asked
for and the one that says that its rows are gone. One that bears another time was dated by hand, or
the clock jumped meanwhile; then the log tells the jump, and it is not told twice.
"""

import base64
import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from lineage_store.log import ClockJump, DeletionAsked, RowsDeleted, of_kind
from lineage_store.workspace import Workspace
from unlearning.certificates.shape import time_of

TOLERANCE = timedelta(minutes=5)
HELD_AHEAD = timedelta(days=1)  # a machine without a zone may be as far behind


def odd_moments(
    connection: sqlite3.Connection, workspace: Workspace, *, jumps: Sequence[ClockJump]
) -> Iterator[tuple[str, str]]:
    """Yield each deletion whose certificate bears a time that cannot be, and why.

    Certificates that are gone or cannot be read are passed over: the records tell of them.
    """
    openings = {one.request: event for event, one in of_kind(connection, DeletionAsked)}
    for ended, deletion in of_kind(connection, RowsDeleted):
        begun = openings.get(deletion.request)
        if begun is None or any(_within(jump, begun.seq, ended.seq) for jump in jumps):
            continue
        try:
            certified = _certified(workspace, deletion.request)
            early = certified + TOLERANCE < time_of(begun.time)
            late = certified > time_of(ended.time) + TOLERANCE
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if early or late:
            yield (
                deletion.request,
                f"its certificate is of {certified.isoformat()}, but it was asked for on "
                f"{begun.time} and ended on {ended.time}",
            )


def from_ahead(certified: str, *, now: str) -> str | None:
    """Say that a certificate bears a time that has not come yet; None if it has."""
    if time_of(certified) <= time_of(now) + HELD_AHEAD:
        return None
    return (
        f"It says that it was certified on {certified}, which has not come by this machine's clock "
        f"({now}): one of the two clocks is wrong."
    )


def _within(jump: ClockJump, begun: int, ended: int) -> bool:
    return jump.event is not None and begun < jump.event <= ended


def _certified(workspace: Workspace, request: str) -> datetime:
    sealed = json.loads(workspace.request(request).certificate.read_bytes())
    return time_of(json.loads(base64.b64decode(sealed["payload"]))["predicate"]["certified"])
