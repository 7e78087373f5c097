"""The queue a page at a time: by keys and never by offsets, so that no page reads what came before.

Open requests come as they are due, those that are over newest first.
"""

import sqlite3
from dataclasses import dataclass

from lineage_store.index import Queued
from lineage_store.index.queue import queued_of


@dataclass(frozen=True)
class After:
    """The place of the last request of a page of open ones: the next page begins behind it."""

    deadline: str = ""
    ordinal: int = 0


def open_page(connection: sqlite3.Connection, *, after: After, size: int) -> list[Queued]:
    """List so many open requests behind a place, the one that is due first at the top."""
    found = connection.execute(
        "SELECT * FROM queue WHERE ended IS NULL AND (deadline, ordinal) > (?, ?) "
        "ORDER BY deadline, ordinal LIMIT ?",
        (after.deadline, after.ordinal, size),
    ).fetchall()
    return [queued_of(row) for row in found]


def over_page(connection: sqlite3.Connection, *, before: int | None, size: int) -> list[Queued]:
    """List so many requests that are over, those of before a number, newest first."""
    found = connection.execute(
        "SELECT * FROM queue WHERE ended IS NOT NULL AND ordinal < ? ORDER BY ordinal DESC LIMIT ?",
        (before if before is not None else 1 << 62, size),
    ).fetchall()
    return [queued_of(row) for row in found]


def newer_than(connection: sqlite3.Connection, ordinal: int, *, open_only: bool) -> list[Queued]:
    """List the requests that came in behind a place in the queue, oldest first."""
    which = " AND ended IS NULL" if open_only else ""
    found = connection.execute(
        f"SELECT * FROM queue WHERE ordinal > ?{which} ORDER BY ordinal", (ordinal,)
    )
    return [queued_of(row) for row in found]


def last_ordinal(connection: sqlite3.Connection) -> int:
    """Return the place of the request that came in last, 0 where there is none."""
    (last,) = connection.execute("SELECT coalesce(max(ordinal), 0) FROM queue").fetchone()
    return int(last)
