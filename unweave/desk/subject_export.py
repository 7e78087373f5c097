"""The answer to an access request, written to a file that its owner alone can read."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from lineage_store.canonical import write_atomic
from lineage_store.errors import BadInput
from lineage_store.questions import held_about
from lineage_store.workspace import Workspace


def write_export(
    connection: sqlite3.Connection, workspace: Workspace, subject: str, out: Path, *, today: str
) -> dict[str, Any]:
    """Write what is held about a subject as JSON, mode 600, and say how much it is.

    Raises BadInput for a place within the workspace, where the file would outlive a deletion.
    """
    if out.resolve().is_relative_to(workspace.root):
        raise BadInput(
            "The export must not lie in the workspace, where it would be a residue of the person: "
            "name a file elsewhere."
        )
    held = held_about(connection, workspace, workspace.keys(), subject, today=today)
    data = json.dumps(held, ensure_ascii=False, indent=2).encode("utf-8") + b"\n"
    try:
        write_atomic(out, data)
    except OSError as error:
        raise BadInput(f"The file {out} cannot be written: {error.strerror}.") from error
    return {
        "out": str(out),
        "rows": sum(len(touched["held"]) for touched in held["models"]),
        "models": [touched["model"] for touched in held["models"]],
        "requests": len(held["requests"]),
    }
