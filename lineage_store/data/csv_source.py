"""A table as the user gives it, read as a stream of records for the gate.

Row keys are computed from the text as given: the keyed digest of the id column, or without one of
the fields' text and the number of its occurrence, so that equal lines have different keys and the
order of the lines does not matter. Occurrences and ids seen are counted in an SQLite file in the
workspace's temporary folder, not in memory.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lineage_store.data.record import (
    EVAL,
    EVALUATION_PERCENT,
    KEYED,
    TRAIN,
    Record,
    joined,
)
from lineage_store.data.risk import RiskRule, band_of
from lineage_store.data.schema import Roles
from lineage_store.data.source import open_source, records_of
from lineage_store.data.text_rows import Progress
from lineage_store.errors import BadInput
from lineage_store.keys.exclusions import Exclusions, GivenRow
from lineage_store.keys.secret import Keys
from lineage_store.placement import banded, in_evaluation


@dataclass(frozen=True)
class Columns:
    """Which column means what; all others are features. A table may have no label.

    `risk` are the rules that tell how likely a row is to be withdrawn, in order of rising risk.
    Their columns may be any, also dropped ones.
    """

    label: str | None = None
    subjects: tuple[str, ...] = ()
    row_id: str | None = None
    drop: tuple[str, ...] = ()
    place_by_row: bool = False
    risk: tuple[RiskRule, ...] = ()

    @property
    def subjects_or_id(self) -> tuple[str, ...]:
        """The columns that name subjects; without one, every row id is a subject of its own.

        Unless rows are placed by themselves, a row is placed by the first of its subjects.
        """
        return self.subjects or (() if self.row_id is None else (self.row_id,))


class Naming(Protocol):
    """Who gives subjects their pseudonyms, on which no bit of a model depends."""

    def get(self, subject: str) -> bytes:
        """Return a subject's pseudonym (16 bytes), a new one for a subject not seen before."""


@dataclass(frozen=True)
class TableHeader:
    """The columns of a file, checked against what the user said of them."""

    names: tuple[str, ...]
    roles: Roles

    def place(self, name: str | None) -> int | None:
        """Return a column's place in the file."""
        return None if name is None else self.names.index(name)


def read_header(path: Path, columns: Columns) -> TableHeader:
    """Read and check the first line of a CSV file.

    Raises BadInput if the file is missing or empty, or if a column is not there, named twice,
    or leaves no feature.
    """
    names = open_source(path).columns()
    if not names:
        raise BadInput(f"The file {path} is empty: it needs a line of column names and rows.")
    for name in names:
        if not name:
            raise BadInput(f"A column of {path} has no name in line 1.")
        if "\n" in name or "\r" in name:
            raise BadInput(f"A column name in {path} holds a line break: {name!r}.")
        if names.count(name) > 1:
            raise BadInput(f"The column {name!r} stands twice in line 1 of {path}.")
        if name in KEYED:
            raise BadInput(f"The column name {name!r} in {path} is one that unweave uses itself.")
    special = [columns.label, *columns.subjects, columns.row_id, *columns.drop]
    for wanted in (*special, *(rule.column for rule in columns.risk)):
        if wanted is not None and wanted not in names:
            raise BadInput(
                f"There is no column {wanted!r} in {path}; there are: {', '.join(names)}."
            )
    features = tuple(name for name in names if name not in special)
    if not features:
        raise BadInput(f"No column of {path} is left as a feature.")
    label = columns.label
    if label is not None and label in (*columns.subjects, columns.row_id, *columns.drop):
        raise BadInput(f"The label column {label!r} cannot be an id or a dropped column.")
    return TableHeader(names, Roles(features, label))


def read_headers(paths: Sequence[Path], columns: Columns) -> TableHeader:
    """Read the first lines of several files of one table.

    Raises BadInput as `read_header` does, and if two files have other columns or another order.
    """
    first, *others = paths
    header = read_header(first, columns)
    for other in others:
        if read_header(other, columns) != header:
            raise BadInput(
                f"The columns of {other} are not those of {first}: give files with the same first "
                f"line."
            )
    return header


def read_records(
    paths: Sequence[Path],
    *,
    columns: Columns,
    header: TableHeader,
    keys: Keys,
    pseudonyms: Naming,
    exclusions: Exclusions,
    temporary: Path,
    progress: Progress | None = None,
) -> Iterator[Record]:
    """Yield a record for each line of the files, but for those that the exclusion manifest names.

    The files are read as one: which file a line stands in changes nothing. Raises BadInput, naming
    file and line, for a line that does not fit the header, text that is not UTF-8, and a row id
    that is empty or given twice.
    """
    seen = _Seen(temporary / "keys-seen.sqlite")
    id_place = header.place(columns.row_id)
    subject_places = [header.names.index(name) for name in columns.subjects_or_id]
    risk_places = [header.names.index(rule.column) for rule in columns.risk]
    labels = () if columns.label is None else (columns.label,)
    places = [header.names.index(name) for name in (*header.roles.columns, *labels)]
    with seen:
        for path, number, fields in _all_records(paths, progress):
            text_key = None
            if id_place is None or exclusions.by_text:
                text = joined(fields)
                occurrence = seen.count(keys.row_key(kind="text", value=text))
                text_key = keys.row_key(kind="text", value=b"%d\x1f" % occurrence + text)
            if id_place is None:
                assert text_key is not None
                row_key = text_key
            else:
                row_key = _key_of_id(path, number, fields[id_place], keys)
                if seen.count(row_key) > 1:
                    raise BadInput(
                        f"A row id stands twice in column {columns.row_id!r} of {path}: "
                        f"the second is in line {number}."
                    )
            named = [fields[place] for place in subject_places]
            subjects = [name for name in dict.fromkeys(named) if name]
            if exclusions.commitments:
                by_name = dict(zip(header.names, fields, strict=True))
                given = GivenRow(row_key, by_name, subjects, columns.row_id, text_key)
                if exclusions.keep_out(given, keys):
                    continue
            if subjects and not columns.place_by_row:
                place = keys.place(kind="subject", value=subjects[0].encode("utf-8"))
            else:
                place = keys.place(kind="row", value=row_key)
            if columns.risk:
                texts = [fields[place_] for place_ in risk_places]
                place = banded(place, band_of(columns.risk, texts))
            evaluation = in_evaluation(row_key, percent=EVALUATION_PERCENT)
            yield Record(
                row_key,
                tuple(pseudonyms.get(subject) for subject in subjects),
                place,
                EVAL if evaluation else TRAIN,
                [fields[place_] for place_ in places],
            )


def _key_of_id(path: Path, number: int, text: str, keys: Keys) -> bytes:
    if not text.strip():
        raise BadInput(f"The row id in line {number} of {path} is empty.")
    return keys.row_key(kind="id", value=text.encode("utf-8"))


def _all_records(
    paths: Sequence[Path], progress: Progress | None
) -> Iterator[tuple[Path, int, list[str]]]:
    before = 0
    for path in paths:
        number = 0
        ahead = None if progress is None else _ahead(progress, before)
        for number, fields in records_of(open_source(path), ahead):
            yield path, number, fields
        if not number:
            raise BadInput(f"The file {path} has column names, but no rows.")
        before += path.stat().st_size


def _ahead(progress: Progress, before: int) -> Progress:
    return lambda place: progress(before + place)


class _Seen:
    """Counts keys in a file: bounded memory, nothing to keep."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute("PRAGMA cache_size = -65536")
        self._connection.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, n INT) WITHOUT ROWID")

    def count(self, key: bytes) -> int:
        """Count a key once more and return how often it has been seen."""
        row = self._connection.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET n = n + 1 RETURNING n", (key,)
        ).fetchone()
        return int(row[0])

    def __enter__(self) -> "_Seen":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._path.unlink()
