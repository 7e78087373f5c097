"""The row index against the gated snapshots: which rows are missing, wrong or too many.

A snapshot is believed only if its model's ledger names the digest of its rows, and then it says
what the index must hold. Only numbers of rows are told, never which. A snapshot whose rows differ
is taken out of the index and read in again; the others keep the parts that they share.
"""

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json
from lineage_store.cells import snapshot as gate
from lineage_store.cells.snapshot import Snapshot
from lineage_store.cells.whole import is_whole
from lineage_store.data.record import Record
from lineage_store.doctor.differences import Difference
from lineage_store.index import row_index
from lineage_store.keys.secret import Keys

NAMES = {"missing": "of its rows missing", "wrong": "of its rows wrong", "extra": "rows too many"}

# Places of pseudonyms in `rows.subjects`, from 0 on: as many as the row with the most has.
_PLACES = (
    "WITH RECURSIVE places (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM places WHERE n + 1 < "
    "(SELECT coalesce(max(length(subjects)), 0) / 16 FROM rows)) "
)
_UNNAMED = (
    _PLACES + "SELECT count(*) FROM rows r JOIN places ON places.n * 16 < length(r.subjects) "
    "WHERE r.part = ? AND NOT EXISTS (SELECT 1 FROM row_subjects s WHERE s.part = r.part AND "
    "s.row_key = r.row_key AND s.subject = substr(r.subjects, places.n * 16 + 1, 16))"
)
_STRAY = (
    _PLACES + "SELECT count(*) FROM row_subjects s WHERE s.part = ? AND NOT EXISTS "
    "(SELECT 1 FROM rows r JOIN places ON places.n * 16 < length(r.subjects) WHERE "
    "r.part = s.part AND r.row_key = s.row_key AND s.subject = substr(r.subjects, "
    "places.n * 16 + 1, 16))"
)
_LEFT = "part NOT IN (SELECT part FROM snapshot_parts)"
# What says of a row that a snapshot does not have it, and is not of a row of that snapshot.
_IDLE = (
    "NOT EXISTS (SELECT 1 FROM snapshot_parts p JOIN rows r ON r.part = p.part WHERE "
    "p.snapshot = lacking.snapshot AND p.part = lacking.part AND r.row_key = lacking.row_key)"
)


def all_records(snapshot: Snapshot) -> Iterator[Record]:
    """Read all rows of a snapshot, those without a label last."""
    return gate.retained(snapshot, frozenset())


def fault_of(
    folder: Path, described: Mapping[str, Any], *, excluded: Collection[str], keys: Keys
) -> str | None:
    """Say what is wrong with a snapshot's folder, or None if it is as the ledger describes it.

    `described` is `data` of the ledger's header; `excluded` are the manifest's commitments.
    """
    try:
        snapshot = gate.load_snapshot(folder)
        same = is_whole(snapshot)
    except FileNotFoundError:
        return "is not whole on disk: restore it from a backup"
    except (ValueError, KeyError, TypeError):
        return "cannot be read: restore it from a backup"
    if not same or canonical_json(gate.describe(snapshot)) != canonical_json(described):
        return "is not the one that its ledger names: restore it from a backup"
    for record in all_records(snapshot) if excluded else ():
        if keys.commitment(kind="row", value=record.row_key) in excluded:
            return "holds rows that were forgotten, which stay out of the index: remove it"
    return None


def compare_rows(
    connection: sqlite3.Connection, number: int, snapshot: Snapshot
) -> tuple[Difference, ...]:
    """Compare a snapshot's rows with the index."""
    found = {"missing": 0, "wrong": 0, "extra": 0}
    matched = 0
    for record in all_records(snapshot):
        rows = connection.execute(
            "SELECT r.split, r.place, r.subjects FROM snapshot_parts p JOIN rows r ON "
            f"r.part = p.part AND r.row_key = ? WHERE p.snapshot = ? AND {row_index.HAS_ROW}",
            (record.row_key, number),
        ).fetchall()
        matched += len(rows)
        place = int.from_bytes(record.place, "big", signed=True)
        if not rows:
            found["missing"] += 1
        elif [tuple(row) for row in rows] != [(record.split, place, b"".join(record.subjects))]:
            found["wrong"] += 1
    (stored,) = connection.execute(
        "SELECT count(*) FROM snapshot_parts p JOIN rows r ON r.part = p.part "
        f"WHERE p.snapshot = ? AND {row_index.HAS_ROW}",
        (number,),
    ).fetchone()
    found["extra"] = stored - matched
    differences = [
        Difference(f"index, snapshot {number}", f"{count:,} {NAMES[kind]}", True)
        for kind, count in found.items()
        if count
    ]
    subjects = 0
    for (part,) in connection.execute(
        "SELECT part FROM snapshot_parts WHERE snapshot = ?", (number,)
    ).fetchall():
        for query in (_UNNAMED, _STRAY):
            subjects += connection.execute(query, (part,)).fetchone()[0]
    if subjects:
        what = f"{subjects:,} wrong in the index by subject"
        differences.append(Difference(f"index, snapshot {number}", what, True))
    return tuple(differences)


def compare_parts(connection: sqlite3.Connection, live: Collection[int]) -> tuple[Difference, ...]:
    """Look for rows of no snapshot, and for snapshots of no live model."""
    differences = []
    for (number,) in connection.execute(
        "SELECT DISTINCT snapshot FROM snapshot_parts ORDER BY snapshot"
    ).fetchall():
        if number not in live:
            what = "its rows are in the index, but no live model has it"
            differences.append(Difference(f"index, snapshot {number}", what, True))
    (left,) = connection.execute(
        f"SELECT (SELECT count(*) FROM rows WHERE {_LEFT}) + "
        f"(SELECT count(*) FROM row_subjects WHERE {_LEFT}) + "
        f"(SELECT count(*) FROM lacking WHERE {_IDLE})"
    ).fetchone()
    left += sum(len(row_index.lacked_by_all(connection, part)) for part in _parts(connection))
    if left:
        what = f"{left:,} of no snapshot, entries by subject included"
        differences.append(Difference("index, rows", what, True))
    return tuple(differences)


def write_again(
    connection: sqlite3.Connection,
    snapshots: Mapping[int, Snapshot],
    *,
    live: Collection[int],
    temporary: Path,
) -> None:
    """Read snapshots in again, and take out what belongs to no live model; in one transaction.

    All that differ are taken out first, so that none is written on top of a damaged part.
    """
    row_index.forget_snapshots(connection, snapshots)
    row_index.keep_snapshots(connection, live)
    connection.execute(f"DELETE FROM rows WHERE {_LEFT}")
    connection.execute(f"DELETE FROM row_subjects WHERE {_LEFT}")
    connection.execute(f"DELETE FROM lacking WHERE {_IDLE}")
    for part in _parts(connection):
        row_index.take_out(connection, row_index.lacked_by_all(connection, part))
    for number, snapshot in sorted(snapshots.items()):
        row_index.ingest(
            connection,
            number,
            gate.read_all_keys(snapshot),
            total=sum(snapshot.rows.values()),
            temporary=temporary,
        )


def _parts(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT DISTINCT part FROM lacking")]
