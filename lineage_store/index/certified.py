"""Whose certificate is whose: by which run each id was forgotten, and under which number there.

    certified    run, number, commitment
    answered     request, run: that had forgotten some of its people before

A run for several ids has a certificate for each, numbered in their order; of one id the number is
0. The commitments are those of the queue and the manifest, so that a request finds the certificates
of its own people by what it keeps anyway, and also where another request's run forgot them.
Written in the transaction that closes the run; a run of an earlier unweave has none.
"""

import sqlite3
from collections.abc import Iterable, Sequence
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


def create_answered(connection: sqlite3.Connection) -> None:
    """Make the table of the runs that answer requests beside their own."""
    connection.execute(
        "CREATE TABLE answered (request TEXT NOT NULL, run TEXT NOT NULL, "
        "PRIMARY KEY (request, run)) WITHOUT ROWID"
    )


def keep_certified(connection: sqlite3.Connection, run: str, commitments: Sequence[str]) -> None:
    """Write down whose the certificates of a run are; part of the caller's transaction."""
    first = ALONE if len(commitments) == 1 else 1
    connection.executemany(
        "INSERT OR REPLACE INTO certified VALUES (?, ?, ?)",
        [(run, number, one) for number, one in enumerate(commitments, start=first)],
    )


def keep_answered(connection: sqlite3.Connection, request: str, runs: Iterable[str]) -> None:
    """Write down the runs that had forgotten some of a request's people before it was settled."""
    connection.executemany(
        "INSERT OR IGNORE INTO answered VALUES (?, ?)", [(request, run) for run in runs]
    )


def certified_for(connection: sqlite3.Connection, request: Queued) -> list[Certified]:
    """Return the certificates of a request's people, in the order of the runs.

    They are of the run that served it, and of those that had forgotten some of its people before.
    """
    if request.ended is None:
        return []
    found = connection.execute(
        "SELECT c.run, c.number FROM queue_ids q "
        "JOIN certified c ON c.commitment = q.commitment JOIN requests r ON r.id = c.run "
        "WHERE q.request = ?1 AND (c.run = ?2 OR c.run IN "
        "(SELECT run FROM answered WHERE request = ?1)) ORDER BY r.ordinal, c.number",
        (request.id, request.run),
    )
    return [Certified(*row) for row in found]


def runs_of_people(connection: sqlite3.Connection, request: Queued) -> list[str]:
    """Return all runs that ever forgot one of a request's people, and the one that served it."""
    found = connection.execute(
        "SELECT DISTINCT c.run FROM queue_ids q JOIN certified c ON c.commitment = q.commitment "
        "WHERE q.request = ?",
        (request.id,),
    )
    runs = [row[0] for row in found]
    return list(dict.fromkeys([*runs, *([] if request.run is None else [request.run])]))
