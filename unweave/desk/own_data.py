"""The data of one person as they are sent: a page to read, and tables (Articles 15 and 20 GDPR).

    your-data.html                 a page that needs nothing else
    your-data.zip                  the same page, and a CSV file for each model
    portable.zip                   a CSV and a JSON file for each model, of what was provided alone

Rows are those of live models, and those that a restriction keeps out of them. A row that is
somebody else's, too, says *another person*, and nothing else of them (15(4), 20(4)). What was
provided is what an officer says; if nobody does, all but what a model learns to tell, which may be
a score (20(1): data "which he or she has provided").
"""

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape

from lineage_store.cells import load_snapshot, read_some
from lineage_store.errors import BadInput
from lineage_store.index import IndexedRows, Queued, manifest, models, queue
from lineage_store.keys import canonical_id
from lineage_store.requests import Details, is_kept, rows_kept_of
from lineage_store.rights import Right
from lineage_store.workspace import Workspace
from unweave.letters.letter import STYLE

DAY_ONE = (1980, 1, 1, 0, 0, 0)  # a file in a ZIP has a time, and none of these says anything
WORDS = {
    "en": {
        "title": "Your data",
        "of": "Whose row",
        "you": "yours",
        "joint": "yours and another person's",
        "model": "What the model {model} was trained on",
        "kept": "What is kept sealed and out of the models, from {model}",
        "train": "trained on",
        "eval": "judged by",
        "unlabelled": "kept without values",
        "use": "Use",
        "no_values": "no value of it is kept",
    },
    "de": {
        "title": "Ihre Daten",
        "of": "Wessen Zeile",
        "you": "Ihre",
        "joint": "Ihre und die einer anderen Person (another person)",
        "model": "Womit das Modell {model} trainiert wurde",
        "kept": "Was versiegelt und außerhalb der Modelle aufbewahrt wird, aus {model}",
        "train": "Training",
        "eval": "Bewertung",
        "unlabelled": "ohne Werte aufbewahrt",
        "use": "Verwendung",
        "no_values": "kein Wert davon ist aufbewahrt",
    },
}
TABLE_STYLE = """
  body { max-width: none; }
  .table { overflow-x: auto; margin: 0 0 2em; }
  table { border-collapse: collapse; font-size: 0.85em; }
  th, td { border: 1px solid #c8ccd2; padding: 0.3em 0.6em; text-align: left; vertical-align: top; }
  h2 { font-size: 1em; margin: 1.6em 0 0.6em; }
"""


@dataclass(frozen=True)
class HeldRow:
    """A row of a person: what it is used for, its values by column (None if none are kept)."""

    row_key: str
    split: str
    joint: bool
    values: dict[str, str] | None


@dataclass(frozen=True)
class HeldTable:
    """The rows of a person in the data of one model, its columns, and those that it tells.

    What is `kept` is in no model any more.
    """

    model: str
    columns: tuple[str, ...]
    labels: tuple[str, ...]
    rows: tuple[HeldRow, ...]
    kept: bool = False

    @property
    def name(self) -> str:
        """What its files are called."""
        return f"{self.model}-kept" if self.kept else self.model


@dataclass(frozen=True)
class OwnData:
    """All that is held of a person, table by table; `found` counts the ids that have any."""

    tables: tuple[HeldTable, ...]
    found: int

    @property
    def rows(self) -> int:
        """How many different rows."""
        return len({row.row_key for table in self.tables for row in table.rows})

    @property
    def models(self) -> tuple[str, ...]:
        """The models that they are of."""
        return tuple(dict.fromkeys(table.model for table in self.tables))

    @property
    def joint(self) -> bool:
        """Whether one of them is somebody else's, too."""
        return any(row.joint for table in self.tables for row in table.rows)


def files_of(
    data: OwnData, right: Right, *, language: str, provided: Sequence[str] = ()
) -> dict[str, bytes]:
    """Return the files that answer a right, by name: none where nothing is held."""
    if not data.found:
        return {}
    if right == "portability":
        return {"portable.zip": portable_zip(data, provided=provided)}
    return {
        "your-data.html": readable_page(data, language=language),
        "your-data.zip": tables_in_zip(data, language=language),
    }


def own_data(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued, details: Details
) -> OwnData:
    """Return what is held of those whom a request names, in live models and beside them."""
    from pipelines.runs import whereabouts_of

    each = whereabouts_of(connection, workspace, request)
    by_model: dict[str, list[IndexedRows]] = {}
    for where in each:
        for model, rows in where.rows.items():
            by_model.setdefault(model, []).append(rows)
    records = {one.id: one for one in models.models(connection, live_only=True)}
    tables = [_of_model(workspace, records[model], parts) for model, parts in by_model.items()]
    kept, of_kept = _kept(connection, workspace, request, details)
    there = sum(
        bool(one.rows) or id_ in of_kept for id_, one in zip(details.ids, each, strict=True)
    )
    return OwnData((*tables, *kept), there)


def _of_model(
    workspace: Workspace, record: models.ModelRecord, parts: Sequence[IndexedRows]
) -> HeldTable:
    snapshot = load_snapshot(workspace.absolute(record.paths["data"]))
    names = tuple(column.name for column in snapshot.schema.all)
    held: dict[bytes, HeldRow] = {}  # a row of two of the people is one row
    for rows in parts:
        read = {one.row_key: one for one in read_some(snapshot, rows)}
        for key, split in zip(map(bytes, rows.row_keys), rows.splits, strict=True):
            found = read.get(key)
            values = None if found is None else dict(zip(names, found.values, strict=True))
            joint = found is not None and len(set(found.subjects)) > 1
            held[key] = HeldRow(key.hex(), split, joint, values)
    labels = tuple(label.name for label in snapshot.schema.labels)
    return HeldTable(record.id, names, labels, tuple(held.values()))


def _kept(
    connection: sqlite3.Connection, workspace: Workspace, request: Queued, details: Details
) -> tuple[list[HeldTable], set[str]]:
    """Return what restrictions keep of these people, and of which ids there is something."""
    named = queue.commitments_of(connection, request.id)
    wanted = {canonical_id(one): one for one in details.ids}
    rows: dict[str, list[HeldRow]] = {}
    labels: dict[str, tuple[str, ...]] = {}
    there = set()
    for by in manifest.restricted_by(connection, named):
        if queue.find(connection, by).invoked.taken_out is None:
            continue  # of a run that was taken back: the rows are where they were
        if not is_kept(workspace, by):
            continue  # lost: `doctor` and `request show` say so
        for one in rows_kept_of(workspace, by):
            if canonical_id(one.id) in wanted:
                there.add(wanted[canonical_id(one.id)])
                held = HeldRow(one.row_key, one.split, one.joint, one.values)
                rows.setdefault(one.model, []).append(held)
                labels[one.model] = one.labels
    tables = []
    for model, held_rows in rows.items():
        columns = dict.fromkeys(name for row in held_rows for name in row.values or ())
        held_of = tuple(held_rows)
        tables.append(HeldTable(model, tuple(columns), labels[model], held_of, kept=True))
    return tables, there


def readable_page(data: OwnData, *, language: str) -> bytes:
    """Return a person's data as one page of HTML."""
    words = WORDS[language]
    parts = []
    for table in data.tables:
        title = words["kept" if table.kept else "model"].format(model=table.model)
        head = "".join(f'<th scope="col">{escape(name)}</th>' for name in _head(table, words))
        lines = (_cells(table, row, words) for row in table.rows)
        cells = ("".join(f"<td>{escape(cell)}</td>" for cell in line) for line in lines)
        body = "".join(f"<tr>{line}</tr>\n" for line in cells)
        parts.append(
            f'<h2>{escape(title)}</h2>\n<div class="table" role="region" tabindex="0" '
            f'aria-label="{escape(title)}">\n<table>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}</tbody>\n</table>\n</div>"
        )
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{words['title']}</title>\n<style>{STYLE}{TABLE_STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n<h1>{words['title']}</h1>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    ).encode()


def tables_in_zip(data: OwnData, *, language: str) -> bytes:
    """Return a ZIP of the page and of a CSV file for each table."""
    words = WORDS[language]
    files = {"your-data.html": readable_page(data, language=language)}
    for table in data.tables:
        lines = [_cells(table, row, words) for row in table.rows]
        files[f"{table.name}.csv"] = _csv(_head(table, words), lines)
    return _zipped(files)


def portable_zip(data: OwnData, *, provided: Sequence[str]) -> bytes:
    """Return a ZIP of what was provided, as CSV and as JSON.

    Raises BadInput for a column that no table has.
    """
    known = {name for table in data.tables for name in table.columns}
    if not known.issuperset(provided):
        raise BadInput("A column that `provided` names is in none of the models' data.")
    files = {}
    for table in data.tables:
        usual = [name for name in table.columns if name not in table.labels]
        names = [name for name in table.columns if name in provided] if provided else usual
        rows = [
            {name: row.values[name] for name in names}
            for row in table.rows
            if row.values is not None
        ]
        files[f"{table.name}.csv"] = _csv(names, [list(row.values()) for row in rows])
        told = json.dumps(rows, ensure_ascii=False, indent=2)
        files[f"{table.name}.json"] = told.encode("utf-8") + b"\n"
    return _zipped(files)


def _head(table: HeldTable, words: dict[str, str]) -> list[str]:
    return [words["of"], words["use"], *table.columns]


def _cells(table: HeldTable, row: HeldRow, words: dict[str, str]) -> list[str]:
    values = row.values
    told = (
        [words["no_values"], *("" for _ in table.columns[1:])]
        if values is None
        else [values.get(name, "") for name in table.columns]
    )
    return [words["joint" if row.joint else "you"], words[row.split], *told]


def _csv(head: Sequence[str], lines: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows(lines)
    return out.getvalue().encode("utf-8")


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, DAY_ONE), content)
    return out.getvalue()
