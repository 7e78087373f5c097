"""The spellings of the ids that there are rows of, sealed, and found by what they fold to.

They lie beside the keys of the pseudonyms, in the same file, and go with them:

    spellings    lookup, folded, sealed      a keyed digest of the folded id, and the id itself
    unspelled    lookup                      ids of which an earlier unweave kept no spelling

So it is told at once, without the file that the rows came from, that somebody is there under
another spelling. Who has the workspace's secret can read them: they are of people who have rows.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain

from lineage_store.keys.secret import Keys, keyed, keyed_all
from lineage_store.keys.subject_ids import folded_id

BY_FOLD = "CREATE INDEX IF NOT EXISTS spellings_by_fold ON spellings (folded)"
AT_ONCE = 200
_TABLES = (
    "CREATE TABLE IF NOT EXISTS spellings (lookup BLOB PRIMARY KEY, folded BLOB NOT NULL, "
    "sealed BLOB NOT NULL) WITHOUT ROWID",
    BY_FOLD,
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


def keep_new(connection: sqlite3.Connection, spelled: Sequence[tuple[bytes, bytes, bytes]]) -> None:
    """Keep the spellings (lookup, folded, sealed) of ids whose keys are new.

    Into an empty table without its index: `index` makes it again, in order, before the changes
    last. Kept up to date it would cost as much as all the rest.
    """
    if connection.execute("SELECT 1 FROM spellings").fetchone() is None:
        connection.execute("DROP INDEX IF EXISTS spellings_by_fold")
    insert(connection, "INSERT OR IGNORE INTO spellings", spelled)


def insert(
    connection: sqlite3.Connection, into: str, rows: Sequence[tuple[bytes | str, ...]]
) -> None:
    """Insert rows into a table, many a statement: that is a third faster than one by one."""
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        one = f"({','.join('?' * len(some[0]))})"
        values = list(chain.from_iterable(some))
        connection.execute(f"{into} VALUES {','.join([one] * len(some))}", values)


def index(connection: sqlite3.Connection) -> None:
    """Make the index anew if `keep_new` went without it."""
    if _has(connection, "spellings"):
        connection.execute(BY_FOLD)


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


def all_sealed(connection: sqlite3.Connection) -> list[tuple[bytes, bytes]]:
    """Return lookup and sealed spelling of all ids."""
    if not _has(connection, "spellings"):
        return []
    found = connection.execute("SELECT lookup, sealed FROM spellings")
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


def digests_of(keys: Keys, subjects: Sequence[str]) -> bytes:
    """Return `digest_of` of each id, one after another."""
    folded = (folded_id(subject).encode("utf-8") for subject in subjects)
    return keyed_all(keys.lookup, "folded", folded)


def _has(connection: sqlite3.Connection, table: str) -> bool:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))
    return known.fetchone() is not None
