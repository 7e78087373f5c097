"""Whom each requester asked for on a day, so that a limit cannot be passed by splitting a request.

The policy's limit counts people, by requester and day, over all requests: also those that have run
or ended meanwhile. Kept are digests alone, under the manifest's key, of the requester's name on
that day and of the ids, as the queue keeps them; those of earlier days go with the first request of
the next.
"""

import sqlite3
from collections.abc import Collection

_TABLE = """CREATE TABLE asked_today (
    day TEXT NOT NULL, requester TEXT NOT NULL, commitment TEXT NOT NULL,
    PRIMARY KEY (requester, day, commitment)
) WITHOUT ROWID"""


def create_asked_today(connection: sqlite3.Connection) -> None:
    """Create the table."""
    connection.execute(_TABLE)


# What follows runs in the caller's transaction.


def count_asked(
    connection: sqlite3.Connection, *, day: str, requester: str, commitments: Collection[str]
) -> int:
    """Add ids to those that a requester asked for on a day; return how many that makes.

    `requester` is a digest (`Details.asker`). What is asked for twice is counted once.
    """
    connection.execute("DELETE FROM asked_today WHERE day < ?", (day,))
    connection.executemany(
        "INSERT OR IGNORE INTO asked_today VALUES (?, ?, ?)",
        [(day, requester, one) for one in commitments],
    )
    (count,) = connection.execute(
        "SELECT count(*) FROM asked_today WHERE day = ? AND requester = ?", (day, requester)
    ).fetchone()
    return int(count)


def no_longer_asked(connection: sqlite3.Connection, request: str) -> None:
    """Leave out the ids of a request that is cancelled, but for those that others name, too."""
    connection.execute(
        "DELETE FROM asked_today WHERE commitment IN "
        "(SELECT commitment FROM queue_ids WHERE request = ?) AND commitment NOT IN "
        "(SELECT commitment FROM queue_ids WHERE request != ?)",
        (request, request),
    )
