"""The exclusion manifest as it is asked: who is kept out, and of whom a model cannot tell.

An entry (`deletions.Exclusion`) holds a commitment of a canonical id; one of an earlier unweave has
it of the id as given, so both are asked for. Under it stand, for each live model that held them,
commitments of the keys of its rows:

    excluded_rows    entry, model, row

(a pipeline of somebody's own has no model here: in its place stand the columns that it knew them
by) and a commitment of the id as it is folded, by which other spellings of it are known:

    excluded_alike   entry, folded

Who is *restricted* (`rights.invoked`) is kept out likewise, and may come back:

    restricted       commitment, kind, request

with rows and folded ids under the same commitments in the same two tables. These
matter only where a training does not name the columns by which the person was known: where it
does, ids decide, since two tables may number their rows alike. What a model was trained with is in
its record; an earlier unweave did not keep it.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from lineage_store.data.columns import Columns
from lineage_store.index import deletions, models
from lineage_store.index.models import ModelRecord
from lineage_store.keys.exclusions import Exclusions, KnownRows

COLUMNS = "columns"
KEPT_OUT = "SELECT commitment, kind FROM exclusions UNION SELECT commitment, kind FROM restricted"
OF_THE_GATE = ("excluded", COLUMNS)  # what a model's report has of it, for its whole line


def create_excluded_rows(connection: sqlite3.Connection) -> None:
    """Make the table of the rows that entries of the manifest know."""
    connection.execute(
        "CREATE TABLE excluded_rows (entry TEXT NOT NULL, model TEXT NOT NULL, row BLOB NOT NULL, "
        "PRIMARY KEY (entry, model, row)) WITHOUT ROWID"
    )


def create_excluded_alike(connection: sqlite3.Connection) -> None:
    """Make the table of the folded ids of entries of the manifest."""
    connection.execute(
        "CREATE TABLE excluded_alike (entry TEXT NOT NULL, folded TEXT NOT NULL, "
        "PRIMARY KEY (entry, folded)) WITHOUT ROWID"
    )


def create_restricted(connection: sqlite3.Connection) -> None:
    """Make the table of those who are restricted, and by which request."""
    connection.execute(
        "CREATE TABLE restricted (commitment TEXT NOT NULL, kind TEXT NOT NULL, "
        "request TEXT NOT NULL, PRIMARY KEY (commitment, request)) WITHOUT ROWID"
    )


def recorded_columns(columns: Columns) -> dict[str, object]:
    """Return what a model's report keeps of its columns: those that name people and rows."""
    return {"subjects": list(columns.subjects), "row_id": columns.row_id}


def known_by(columns: Columns) -> str:
    """Return what stands in a model's place for rows of a pipeline of somebody's own."""
    return json.dumps(recorded_columns(columns), sort_keys=True)


def columns_of(record: ModelRecord) -> Columns | None:
    """Return the columns that named people and rows when a model was trained; None: not known."""
    value = record.report.get(COLUMNS)
    return None if value is None else _read_columns(value)


def of_the_gate(record: ModelRecord) -> dict[str, object]:
    """Return what a model that takes another's place keeps of its report."""
    return {name: record.report[name] for name in OF_THE_GATE if name in record.report}


def names_for(connection: sqlite3.Connection, commitments: Sequence[Sequence[str]]) -> list[str]:
    """Choose under which commitment each id is entered, of those that may stand for it, best last.

    The best is left to one id where two of a request, or one that was forgotten, share it.
    """
    taken = set(deletions.manifest(connection))
    chosen: dict[int, str] = {}
    for place in sorted(range(len(commitments)), key=lambda place: len(commitments[place])):
        free = [name for name in commitments[place] if name not in taken]
        chosen[place] = free[-1] if free else commitments[place][-1]
        taken.add(chosen[place])
    return [chosen[place] for place in range(len(commitments))]


def keep_rows(
    connection: sqlite3.Connection, entry: str, rows: Mapping[str, Iterable[bytes]]
) -> None:
    """Write down the commitments of an entry's rows by model; part of the caller's transaction."""
    connection.executemany(
        "INSERT OR IGNORE INTO excluded_rows VALUES (?, ?, ?)",
        [(entry, model, row) for model, found in rows.items() for row in found],
    )


def keep_alike(connection: sqlite3.Connection, entry: str, folded: str) -> None:
    """Write down the commitment of an entry's folded id; part of the caller's transaction."""
    connection.execute("INSERT OR IGNORE INTO excluded_alike VALUES (?, ?)", (entry, folded))


def restrict(
    connection: sqlite3.Connection, request: str, *, kind: str, commitments: Iterable[str]
) -> None:
    """Keep ids out of trainings as long as a request restricts them, and safe from deletion.

    Part of the caller's transaction, like the rows that `keep_rows` writes under them.
    """
    connection.executemany(
        "INSERT OR IGNORE INTO restricted VALUES (?, ?, ?)",
        [(one, kind, request) for one in commitments],
    )


def unrestrict(connection: sqlite3.Connection, request: str) -> None:
    """End what a request restricts; who is forgotten, or restricted by another, stays out."""
    gone = connection.execute(
        "DELETE FROM restricted WHERE request = ? RETURNING commitment", (request,)
    ).fetchall()
    drop_known(connection, [one for (one,) in gone])


def restricted_by(
    connection: sqlite3.Connection, commitments: Iterable[str] | None = None
) -> list[str]:
    """Return the requests that restrict one of some ids, or (None) any at all."""
    if commitments is None:
        every = connection.execute("SELECT DISTINCT request FROM restricted ORDER BY request")
        return [row[0] for row in every]
    found = {
        row[0]: None
        for one in commitments
        for row in connection.execute("SELECT request FROM restricted WHERE commitment = ?", (one,))
    }
    return list(found)


def named_by(connection: sqlite3.Connection, request: str) -> list[str]:
    """Return the commitments of the ids that a request restricts."""
    found = connection.execute("SELECT commitment FROM restricted WHERE request = ?", (request,))
    return [row[0] for row in found]


def drop_known(connection: sqlite3.Connection, entries: Sequence[str]) -> None:
    """Take out what stands under entries that are no more; part of the caller's transaction."""
    kept = f"SELECT 1 FROM ({KEPT_OUT}) WHERE commitment = ?"
    gone = [one for one in entries if connection.execute(kept, (one,)).fetchone() is None]
    for table in ("excluded_rows", "excluded_alike"):
        connection.executemany(f"DELETE FROM {table} WHERE entry = ?", [(entry,) for entry in gone])


def exclusions_for(connection: sqlite3.Connection, columns: Columns) -> Exclusions:
    """Return whom and what a training with these columns keeps out."""
    known = {record.id: columns_of(record) for record in models.models(connection)}
    rows: defaultdict[str | None, set[bytes]] = defaultdict(set)
    for kind, model in connection.execute(
        f"SELECT DISTINCT e.kind, r.model FROM excluded_rows r JOIN ({KEPT_OUT}) e "
        "ON e.commitment = r.entry"
    ).fetchall():
        theirs = _read_columns(json.loads(model)) if model[:1] == "{" else known.get(model)
        if theirs is not None and kind == "subject" and _names_all(columns, theirs):
            continue
        rows[columns.row_id if theirs is None else theirs.row_id] |= {
            row
            for (row,) in connection.execute(
                f"SELECT r.row FROM excluded_rows r JOIN ({KEPT_OUT}) e "
                "ON e.commitment = r.entry WHERE e.kind = ? AND r.model = ?",
                (kind, model),
            )
        }
    by_row = (KnownRows(row_id, frozenset(found)) for row_id, found in rows.items())
    alike = (folded for (folded,) in connection.execute("SELECT folded FROM excluded_alike"))
    out = frozenset(row[0] for row in connection.execute(KEPT_OUT))
    return Exclusions(out, tuple(by_row), frozenset(alike))


def cannot_know(connection: sqlite3.Connection, record: ModelRecord) -> list[str]:
    """Say of whom a live model cannot know that it holds no row, and why: a half sentence each.

    It knows of those whose rows were taken out of its line, and of those who were known by columns
    that its own training names.
    """
    entries = connection.execute(
        "SELECT kind, models, count(*) FROM exclusions GROUP BY kind, models"
    ).fetchall()
    named = {name for _, names, _ in entries for name in json.loads(names)}
    known = {one.id: one for one in models.some_models(connection, named)}
    own = columns_of(record)
    unnamed: Counter[tuple[str, str]] = Counter()
    untold = 0
    for kind, names, count in entries:
        held = [known[name] for name in json.loads(names) if name in known]
        if any(one.family == record.family for one in held):
            continue
        columns = [columns_of(one) for one in held]
        columns_known = [one for one in columns if one is not None]
        if own is None or not held or len(columns_known) < len(columns):
            untold += count
        elif not all(_knows(own, theirs, kind=kind) for theirs in columns_known):
            unnamed[kind, _listed(columns_known, kind=kind)] += count
    reasons = [
        f"{count:,} forgotten {kind}{'s were' if count > 1 else ' was'} known by {columns}, which "
        f"its training did not name: whether it holds rows of theirs cannot be told"
        for (kind, columns), count in sorted(unnamed.items())
    ]
    if untold:
        reasons.append(
            f"of {untold:,} forgotten subject{'s' if untold > 1 else ''} it is not kept by which "
            f"columns they were known, or of it by which it knows people: an earlier unweave made "
            f"it, or forgot them"
        )
    return reasons


def _read_columns(value: Mapping[str, Any]) -> Columns:
    return Columns(subjects=tuple(value["subjects"]), row_id=value["row_id"])


def _names_all(own: Columns, theirs: Columns) -> bool:
    return set(theirs.subjects_or_id) <= set(own.subjects_or_id)


def _knows(own: Columns, theirs: Columns, *, kind: str) -> bool:
    if kind == "row":
        return theirs.row_id is not None and theirs.row_id == own.row_id
    return _names_all(own, theirs)


def _listed(columns: Collection[Columns], *, kind: str) -> str:
    names = {
        name
        for one in columns
        for name in (one.subjects_or_id if kind == "subject" else (one.row_id or "",))
    }
    return f"the column{'s' if len(names) > 1 else ''} {', '.join(sorted(names))}"
