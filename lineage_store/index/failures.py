"""Why runs failed: the one thing that a failed run leaves behind.

The message is kept where unweave wrote all of it, since it then names no person and no value; of
errors of others, also as a cause, only the kind is kept, and so it is of residues: their files'
names are not unweave's, and a name kept here would be a residue itself, which no forget removes.
A check that failed may have named places and measures of a model that ends later: its numbers are
left out (law 9).
"""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput, CheckFailed, Damaged, ResidueFound, UnweaveError
from lineage_store.index.database import open_index
from lineage_store.without_numbers import without_numbers


def record_failure(index_file: Path, *, run: str, error: Exception, time: str) -> None:
    """Write down that a run failed, and by what; the caller raises the error.

    Where even this cannot be written (the disk is full, or the index damaged), the error alone has
    to tell.
    """
    kind, message = type(error).__name__, None
    if error.__cause__ is not None:
        kind += f" ({type(error.__cause__).__name__})"
    elif isinstance(error, UnweaveError) and not isinstance(error, ResidueFound):
        message = without_numbers(str(error)) if isinstance(error, CheckFailed) else str(error)
    with (
        suppress(sqlite3.Error, BadInput, Damaged),
        closing(open_index(index_file)) as connection,
        connection,
    ):
        connection.execute(
            "INSERT INTO failures (time, run, error, message) VALUES (?, ?, ?, ?)",
            (time, run, kind, message),
        )


def failures(connection: sqlite3.Connection, *, run: str | None = None) -> list[dict[str, Any]]:
    """List the failures, the newest first, of one run or of all."""
    where, values = ("", ()) if run is None else ("WHERE run = ? ", (run,))
    found = connection.execute(
        f"SELECT time, run, error, message FROM failures {where}ORDER BY id DESC", values
    )
    return [dict(row) for row in found]
