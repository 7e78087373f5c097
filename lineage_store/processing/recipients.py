"""Where models were pushed that held deleted rows: whom to tell of the deletion (Article 19).

Unweave knows the serving folder that it pushed into, and from when to when each version stood
there. Who took a copy from it, it does not know: that is for the owner of the folder to find out.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from lineage_store.index import models
from lineage_store.workspace.folder import Workspace


def recipients(
    connection: sqlite3.Connection, workspace: Workspace, replaced: Iterable[str]
) -> list[dict[str, Any]]:
    """List where the replaced models and their forerunners had been pushed, oldest first."""
    found = []
    for one in replaced:
        last = models.find_model(connection, one)
        found += [
            {
                "model": record.id,
                "pushed": str(workspace.absolute(record.paths["pushed"])),
                "from": record.created,
                "until": record.ended,
            }
            for record in models.of_line(connection, last.family)
            if record.ordinal <= last.ordinal
            if "pushed" in record.paths
        ]
    return found
