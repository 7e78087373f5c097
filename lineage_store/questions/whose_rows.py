"""In which live models people have rows, and how many: by the keys of look-up alone.

So it is told at the desk, too, which has no key of the manifest. Who was forgotten has none.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from lineage_store.index import models
from lineage_store.index.row_index import rows_of_subjects, snapshots_of_subject
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.workspace.folder import Workspace


def rows_of_people(
    connection: sqlite3.Connection, workspace: Workspace, ids: Sequence[str]
) -> list[dict[str, int]]:
    """Return for each person how many rows they have in which live models, oldest model first."""
    live = models.live_snapshots(connection)
    found = []
    with closing(Pseudonyms(workspace.pseudonym_file, workspace.keys(), to_read=True)) as names:
        for one in ids:
            known_as = list(names.of_same(one).values())
            there = {
                snapshot for who in known_as for snapshot in snapshots_of_subject(connection, who)
            }
            counted = {
                model: len(rows_of_subjects(connection, known_as, snapshot))
                for model, _, snapshot in live
                if snapshot in there
            }
            found.append({model: rows for model, rows in counted.items() if rows})
    return found
