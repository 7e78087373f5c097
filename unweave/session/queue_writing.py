"""Writing to the request queue, also while a run holds the workspace.

Only the project's own database is written, in one transaction. The head of the event log is signed
here if nobody holds the workspace; who holds it signs one when it is done, with these events in it.
"""

import os
import pwd
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineage_store.disk_full import translated
from lineage_store.errors import WorkspaceBusy
from lineage_store.index import logging_events, reading_index
from lineage_store.log import LogConnection
from lineage_store.workspace import Workspace, open_workspace


@contextmanager
def changing_queue(root: Path, *, wait: float = 0) -> Iterator[tuple[Workspace, LogConnection]]:
    """Open the queue to write, all or nothing.

    Raises NothingFound without a workspace, WorkspaceBusy if another command writes for longer than
    half a minute, or than `wait` seconds if that is more.
    """
    workspace = open_workspace(root)
    with translated():
        with reading_index(workspace):
            pass  # there must be one
        try:
            with logging_events(workspace, held=False, wait=wait) as connection:
                yield workspace, connection
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise WorkspaceBusy(
                "The index of the workspace is being written to: try again in a moment, or with "
                "`wait`."
            ) from error


def user_name() -> str:
    """Return the name of the user of this process."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
