"""SQLite files of unweave's own: one that was damaged is told of as every other file is.

SQLite finds damage when it comes to the page where it is, in any statement, or while its rows are
fetched. So each connection to such a file, and what comes from it, says which file that was.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineage_store.canonical import damaged

# SQLite tells of these as of a statement that is wrong, a lock, or a full disk.
DAMAGE = ("could not decode to utf-8", "unsupported file format", "no such table", "no such column")


class OwnTables(sqlite3.Connection):
    """A connection to a file of unweave's own; its statements raise Damaged, naming it."""

    file = Path()

    def cursor(self, *_: Any) -> "OwnCursor":  # type: ignore[override]
        """Return a cursor whose statements and rows are told of likewise."""
        return super().cursor(OwnCursor)

    def execute(self, *asked: Any) -> "OwnCursor":
        """Run a statement in a cursor of its own."""
        return self.cursor().execute(*asked)

    def executemany(self, *asked: Any) -> "OwnCursor":
        """Run a statement for each of many values, in a cursor of its own."""
        return self.cursor().executemany(*asked)


class OwnCursor(sqlite3.Cursor):
    """A cursor of such a connection."""

    connection: OwnTables

    def execute(self, *asked: Any) -> "OwnCursor":
        """Run a statement."""
        with _telling(self.connection.file):
            super().execute(*asked)
        return self

    def executemany(self, *asked: Any) -> "OwnCursor":
        """Run a statement for each of many values."""
        with _telling(self.connection.file):
            super().executemany(*asked)
        return self

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        with _telling(self.connection.file):
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        with _telling(self.connection.file):
            return super().fetchall()

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        with _telling(self.connection.file):
            yield from iter(super().fetchone, None)


def connect(name: str | Path, file: Path, *, uri: bool = False, wait: float = 5.0) -> OwnTables:
    """Open a file of unweave's own under the name that SQLite is given for it.

    `wait` is for how many seconds a statement waits for other processes' locks.
    """
    connection = sqlite3.connect(name, uri=uri, timeout=wait, factory=OwnTables)
    connection.file = file
    return connection


@contextmanager
def _telling(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if type(error) is sqlite3.DatabaseError or str(error).lower().startswith(DAMAGE):
            raise damaged(file) from error
        raise
