"""Whether ML Metadata can read its SQLite file: looked through by SQLite, without MLMD.

MLMD reads what it finds as it wrote it. By a text that is no UTF-8 a name becomes bytes; over a
number that is none, or a property whose node is gone, it ends the whole process (a failed check in
C++, MLMD 1.16). Whoever cleans up by SQL, or restores a part, makes such rows. So a process looks
the file through before it first opens it: a small workspace's in 2 ms, 74 MB (300,000 artifacts and
events) in 0.9 s. A file of more than 256 MiB would keep each command waiting for seconds, and
others from writing: it is left to MLMD.

It is looked through by a process of its own (this file alone, 30 ms to start): ML Metadata links a
SQLite of its own, and a process that opens the file by another drops its locks.
"""

import sqlite3
import subprocess
import sys
from collections import deque
from contextlib import closing
from pathlib import Path

WHOLE, FOUND = 0, 3
LARGEST = 2**28  # bytes of a file that is looked through
INT32 = 2**31 - 1
SMALL = frozenset({"type", "state", "last_known_state", "type_kind", "data_type", "step_index"})
TEXT, NUMBER = "'text'", "'integer'"
KINDS = {  # what SQLite says of values by what MLMD says of columns
    "INT": NUMBER,
    "INTEGER": NUMBER,
    "TINYINT(1)": NUMBER,
    "BOOLEAN": NUMBER,
    "DOUBLE": "'integer', 'real'",
    "TEXT": TEXT,
    "VARCHAR(255)": TEXT,
    "BLOB": "'text', 'blob'",
}
TABLES = (  # of MLMD: others may keep theirs in the same file
    *("Type", "TypeProperty", "ParentType", "Artifact", "ArtifactProperty", "Execution"),
    *("ExecutionProperty", "Context", "ContextProperty", "ParentContext", "Association"),
    *("Attribution", "Event", "EventPath", "MLMDEnv"),
)
OF_KIND = "SELECT id FROM Type WHERE type_kind ="
# Rows that belong to none, in pairs of tables; each is a question with no answer in a whole file.
LOST_ROWS = (
    "SELECT artifact_id FROM ArtifactProperty EXCEPT SELECT id FROM Artifact",
    "SELECT execution_id FROM ExecutionProperty EXCEPT SELECT id FROM Execution",
    "SELECT context_id FROM ContextProperty EXCEPT SELECT id FROM Context",
    f"SELECT type_id FROM Execution EXCEPT {OF_KIND} 0",
    f"SELECT type_id FROM Artifact EXCEPT {OF_KIND} 1",
    f"SELECT type_id FROM Context EXCEPT {OF_KIND} 2",
    "SELECT 1 FROM Type WHERE (SELECT count(*) FROM MLMDEnv) <> 1",
)
SAYS_DAMAGED = (  # SQLite's own words
    "file is not a database",
    "malformed",
    "unsupported file format",
    "Could not decode to UTF-8",
)


def is_damaged(file: Path) -> bool:
    """Say whether a file of MLMD holds what MLMD cannot read; False for what is no file of MLMD.

    Of what is too large nobody looks, nor where no Python can be started, as within another
    program: False, too.
    """
    asked = [sys.executable or "", "-I", __file__, str(file.absolute())]
    try:
        if file.stat().st_size > LARGEST:
            return False
        return subprocess.run(asked, capture_output=True, check=False).returncode == FOUND
    except OSError:
        return False


def main(file: str) -> int:
    """Look a file through in this process; return the exit status.

    It is opened as MLMD opens it, so that a journal left by a killed process is played back first.
    """
    try:
        with closing(sqlite3.connect(file)) as store:
            return FOUND if _is_damaged(store) else WHOLE
    except sqlite3.OperationalError as error:  # locked, not to be read, no table of MLMD
        return FOUND if any(words in str(error) for words in SAYS_DAMAGED) else WHOLE
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return FOUND


def _is_damaged(store: sqlite3.Connection) -> bool:
    if store.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
        return True
    tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return any(_is_unreadable(store, table) for (table,) in tables if table in TABLES) or any(
        store.execute(rows).fetchone() for rows in LOST_ROWS
    )


def _is_unreadable(store: sqlite3.Connection, table: str) -> bool:
    """Say whether a table holds a value of another kind than its column's, or no text in UTF-8."""
    columns = store.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    kinds = [(name, KINDS[kind]) for name, kind in columns if kind in KINDS]
    other = " OR ".join(_is_other(column, kind) for column, kind in kinds)
    if other and store.execute(f'SELECT 1 FROM "{table}" WHERE {other} LIMIT 1').fetchone():
        return True
    texts = [f'"{column}"' for column, kind in kinds if kind == TEXT]
    if texts:  # what is fetched is decoded, or refused
        deque(store.execute(f'SELECT {", ".join(texts)} FROM "{table}"'), maxlen=0)
    return False


def _is_other(column: str, kind: str) -> str:
    """Return the SQL for a value that MLMD cannot take for one of this column."""
    other = f"""typeof("{column}") NOT IN ({kind}, 'null')"""
    if column.startswith("is_"):
        return f'{other} OR "{column}" NOT IN (0, 1)'
    if column in SMALL:
        return f'{other} OR "{column}" NOT BETWEEN -{INT32} AND {INT32}'
    return other


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
