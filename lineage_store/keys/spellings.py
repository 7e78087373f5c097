"""The spellings of the ids that there are rows of, sealed, and found by what they fold to.

They lie beside the keys of the pseudonyms, in the same file, and go with them:

    spellings    lookup, folded, sealed      a keyed digest of the folded id, and the id itself
    unspelled    lookup                      ids of which an earlier unweave kept no spelling

So it is told at once, without the file that the rows came from, that somebody is there under
another spelling. Who has the workspace's secret can read them: they are of people who have rows.
"""

import sqlite3
from collections.abc import Iterable

from lineage_store.keys.secret import Keys, keyed
from lineage_store.keys.subject_ids import folded_id

_TABLES = (
    "CREATE TABLE IF NOT EXISTS spellings (lookup BLOB PRIMARY KEY, folded BLOB NOT NULL, "
    "sealed BLOB NOT NULL) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS spellings_by_fold ON spellings (folded)",
    "CREATE INDEX IF NOT EXISTS unspelled_by_lookup ON unspelled (lookup)",
)


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables; the keys that there are by then have no spelling."""
    if not _has(connection, "unspelled"):  # whole or not at all: one statement
        connection.execute("CREATE TABLE unspelled AS SELECT lookup FROM keys")
    for statement in _TABLES:
        connection.execute(statement)


def keep(
    connection: sqlite3.Connection, lookup: bytes, folded: bytes, sealed: bytes, *, is_new: bool
) -> None:
    """Keep a spelling, sealed; one whose key is not new may have had none."""
    connection.execute("INSERT OR IGNORE INTO spellings VALUES (?, ?, ?)", (lookup, folded, sealed))
    if not is_new:
        connection.execute("DELETE FROM unspelled WHERE lookup = ?", (lookup,))


def drop(connection: sqlite3.Connection, lookups: Iterable[bytes]) -> list[bytes]:
    """Erase the spellings of ids whose keys go, and return them as they were sealed."""
    every = [(lookup,) for lookup in lookups]
    sealed: list[bytes] = []
    if _has(connection, "spellings"):
        gone = "DELETE FROM spellings WHERE lookup = ? RETURNING sealed"
        sealed = [row[0] for one in every for row in connection.execute(gone, one).fetchall()]
    if _has(connection, "unspelled"):
        connection.executemany("DELETE FROM unspelled WHERE lookup = ?", every)
    return sealed


def folding_to(connection: sqlite3.Connection, folded: bytes) -> list[tuple[bytes, bytes]]:
    """Return lookup and sealed spelling of all ids that fold alike."""
    if not _has(connection, "spellings"):
        return []
    found = connection.execute("SELECT lookup, sealed FROM spellings WHERE folded = ?", (folded,))
    return [(lookup, sealed) for lookup, sealed in found]


def without(connection: sqlite3.Connection) -> int:
    """Count the ids whose spelling is not known, so that nothing can be said of them."""
    table = "unspelled" if _has(connection, "unspelled") else "keys"
    if not _has(connection, table):
        return 0
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(count)


def digest_of(keys: Keys, subject: str) -> bytes:
    """Return the keyed digest of what an id folds to."""
    return keyed(keys.lookup, "folded", folded_id(subject).encode("utf-8"))


def _has(connection: sqlite3.Connection, table: str) -> bool:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))
    return known.fetchone() is not None
