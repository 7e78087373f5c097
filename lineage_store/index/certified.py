"""Whose certificate is whose: by which run each id was forgotten, and under which number there.

    certified    run, number, commitment

A run for several ids has a certificate for each, numbered in their order; of one id the number is
0. The commitments are those of the queue and the manifest, so that a request finds the certificates
of its own people by what it keeps anyway, and also where another request's run forgot them.
Written in the transaction that closes the run; a run of an earlier unweave has none.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from lineage_store.index.queue import Queued

ALONE = 0  # the number of the one id of a run


@dataclass(frozen=True)
class Certified:
    """A certificate: its run's, or (from 1 on) that of one of several ids."""

    run: str
    number: int


def create_certified(connection: sqlite3.Connection) -> None:
    """Make the table."""
    connection.execute(
        "CREATE TABLE certified (run TEXT NOT NULL, number INTEGER NOT NULL, "
        "commitment TEXT NOT NULL, PRIMARY KEY (run, number)) WITHOUT ROWID"
    )
    connection.execute("CREATE INDEX certified_by_commitment ON certified (commitment)")


def keep_certified(connection: sqlite3.Connection, run: str, commitments: Sequence[str]) -> None:
    """Write down whose the certificates of a run are; part of the caller's transaction."""
    first = ALONE if len(commitments) == 1 else 1
    connection.executemany(
        "INSERT OR REPLACE INTO certified VALUES (?, ?, ?)",
        [(run, number, one) for number, one in enumerate(commitments, start=first)],
    )


def certified_for(connection: sqlite3.Connection, request: Queued) -> list[Certified]:
    """Return the certificates of a request's people, in the order of the runs.

    Whoever was forgotten more than once, having agreed anew between, has that of the last run that
    ended before the request did.
    """
    if request.ended is None:
        return []
    found = connection.execute(
        "SELECT c.run, c.number, c.commitment, r.ordinal FROM queue_ids q "
        "JOIN certified c ON c.commitment = q.commitment "
        "JOIN requests r ON r.id = c.run WHERE q.request = ? AND r.ended <= ? "
        "ORDER BY r.ordinal, c.number",
        (request.id, request.ended),
    ).fetchall()
    last = {commitment: ordinal for _, _, commitment, ordinal in found}
    return [
        Certified(run, number)
        for run, number, commitment, ordinal in found
        if ordinal == last[commitment]
    ]
