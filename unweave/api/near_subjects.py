"""Near matches of a request's subjects in their source file, as far as live models hold rows."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from lineage_store.data import ids_in, near_ids
from lineage_store.requests import NearMatch
from lineage_store.workspace import Workspace


def near_subjects(
    connection: sqlite3.Connection,
    workspace: Workspace,
    ids: Sequence[str],
    *,
    source: Path,
    column: str,
) -> tuple[NearMatch, ...]:
    """Return the ids in the file that look like one of these and have rows, in order of id.

    Raises BadInput if the file cannot be read.
    """
    from pipelines.runs import ForgetRequest, whereabouts

    near = dict(sorted(near_ids(ids, ids_in(source, column)).items()))
    each = whereabouts(connection, workspace, ForgetRequest(tuple(near)), workspace.keys())
    return tuple(
        NearMatch(other, why, max(map(len, where.rows.values())))
        for (other, why), where in zip(near.items(), each, strict=True)
        if where.rows
    )
