"""The log's Merkle tree as it is kept: the hash of every full subtree of 2, 4, 8, ... events.

    event_subtrees    level, number -> the hash over the 2**level events from number * 2**level + 1

A new event completes a few of them, and a root or the proof of an event takes a few, so that
signing costs the same at the thousandth event and at the millionth. A hash that is missing, since
an earlier unweave appended events, is computed from the leaves. Nobody has to believe the table:
`events.check` computes the whole tree from the events themselves.
"""

import sqlite3
from contextlib import suppress

from lineage_store.errors import CheckFailed
from lineage_store.log import merkle

_TABLE = (
    "CREATE TABLE IF NOT EXISTS event_subtrees (level INTEGER NOT NULL, number INTEGER NOT NULL, "
    "hash BLOB NOT NULL, PRIMARY KEY (level, number)) WITHOUT ROWID"
)
_STORED = "SELECT hash FROM event_subtrees WHERE level = ? AND number = ?"


def create_subtrees(connection: sqlite3.Connection) -> None:
    """Make the table, with the subtrees of the events that there are, as far as they are whole."""
    connection.execute(_TABLE)
    with suppress(CheckFailed):  # told by whoever checks the log
        for number in range(1, size_of(connection) + 1):
            grow(connection, number)


def size_of(connection: sqlite3.Connection) -> int:
    """Return the number of the newest event."""
    (last,) = connection.execute("SELECT coalesce(max(seq), 0) FROM events").fetchone()
    return int(last)


def grow(connection: sqlite3.Connection, size: int) -> None:
    """Keep the subtrees that the event number `size` completes; part of the transaction."""
    level, number = 1, size
    while number and number % 2 == 0:
        number //= 2
        made = merkle.node_hash(
            _subtree(connection, level - 1, 2 * number - 2),
            _subtree(connection, level - 1, 2 * number - 1),
        )
        connection.execute(
            "INSERT OR REPLACE INTO event_subtrees VALUES (?, ?, ?)", (level, number - 1, made)
        )
        level += 1


def root(connection: sqlite3.Connection, size: int) -> bytes:
    """Return the 32-byte root over the first events, so many of them.

    Raises CheckFailed at an event that is missing or whose leaf is not a hash.
    """
    return _span(connection, 0, size) if size else merkle.root([])


def inclusion_path(connection: sqlite3.Connection, number: int, size: int) -> list[bytes]:
    """Return the hashes from event `number` (from 1) up to the root over the first `size`.

    As `merkle.inclusion_proof` has it. Raises CheckFailed as `root` does.
    """
    path = []
    start, end, index = 0, size, number - 1
    while end - start > 1:
        middle = start + _left_of(end - start)
        if index < middle:
            path.append(_span(connection, middle, end))
            end = middle
        else:
            path.append(_span(connection, start, middle))
            start = middle
    return path[::-1]


def _left_of(count: int) -> int:
    """Return how many leaves the left subtree of so many has: RFC 6962 section 2.1."""
    return 1 << ((count - 1).bit_length() - 1)


def _span(connection: sqlite3.Connection, start: int, end: int) -> bytes:
    """Return the hash over leaves, from 0, that begin where a subtree of their size does."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return _subtree(connection, level, start >> level)
    middle = start + _left_of(count)
    return merkle.node_hash(_span(connection, start, middle), _span(connection, middle, end))


def _subtree(connection: sqlite3.Connection, level: int, number: int) -> bytes:
    if level == 0:
        return _leaf(connection, number + 1)
    stored = connection.execute(_STORED, (level, number)).fetchone()
    if stored is not None and isinstance(stored[0], bytes):
        return stored[0]
    return merkle.node_hash(
        _subtree(connection, level - 1, 2 * number), _subtree(connection, level - 1, 2 * number + 1)
    )


def _leaf(connection: sqlite3.Connection, seq: int) -> bytes:
    row = connection.execute("SELECT leaf FROM events WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        raise missing(seq)
    try:
        return bytes.fromhex(row[0])
    except (TypeError, ValueError) as error:
        raise changed(seq) from error


def missing(seq: int) -> CheckFailed:
    """Return the error that says that an event is not there."""
    return CheckFailed(f"Event {seq} is missing from the event log: restore the log from a backup.")


def changed(seq: int) -> CheckFailed:
    """Return the error that says that an event is not as it was written."""
    return CheckFailed(
        f"Event {seq} of the event log does not match its leaf: it was changed after it was "
        "written; restore the log from a backup."
    )
