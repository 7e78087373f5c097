"""Which source a table is that a user names: a file, a folder, a table in memory, a query.

A new kind of file is a new class and a line in SOURCES, and in FIRST_BYTES where these tell it.
Whoever reads a table that a user names (to train on, to predict, to look ids up) opens it here, and
hands on the source. How a CSV file is to be read can be said (`Reading`), and which features of
tf.Examples are read (its `columns`); any other kind of source says it itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from lineage_store.errors import BadInput
from lineage_store.sources.array_files import NPY, NumpyFile
from lineage_store.sources.columnar_files import (
    ARROW,
    FEATHER_1,
    PARQUET,
    STREAM,
    ArrowFile,
    ParquetFile,
)
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.data_frame import table_in_memory
from lineage_store.sources.database_query import DatabaseQuery, is_database_url, open_database
from lineage_store.sources.pictures import picture_files, pictures_of
from lineage_store.sources.reading import AS_IT_IS, Reading
from lineage_store.sources.table_folder import files_of, folder_of, visible
from lineage_store.sources.tf_examples import TfExamples, is_tfrecord
from lineage_store.texts.row_source import Source as Source
from lineage_store.texts.text_rows import Progress, texts_of

LOOKED_AT = 1 << 10


Given: TypeAlias = Any
"""What a user names a table by: a path, a table in memory, or a query on a database."""

SOURCES: Mapping[str, Callable[[Path], Source]] = {
    **dict.fromkeys((".parquet", ".pq"), ParquetFile),
    **dict.fromkeys((".feather", ".arrow", ".arrows", ".ipc"), ArrowFile),
    **dict.fromkeys((".npy", ".npz"), NumpyFile),
    **dict.fromkeys((".tfrecord", ".tfrecords", ".tfrec"), TfExamples),
}
"""Which source a file is by the ending of its name, where its first bytes do not tell."""
FIRST_BYTES: Mapping[bytes, Callable[[Path], Source]] = {
    PARQUET: ParquetFile,
    ARROW: ArrowFile,
    STREAM: ArrowFile,
    FEATHER_1: ArrowFile,
    NPY: NumpyFile,
}


def open_source(given: Given, reading: Reading = AS_IT_IS) -> Source:
    """Return the source that a file is, by its first bytes or its ending, or a folder of files.

    A file of which neither tells is a CSV file. Raises BadInput for a table in memory, a folder or
    a query that is none, and for what is said of a CSV file where it is none.
    """
    if isinstance(given, Path | str):
        return _open_path(given, reading)
    source = open_database(given) if isinstance(given, DatabaseQuery) else table_in_memory(given)
    _must_say_nothing(reading, source.name)
    return source


def open_sources(given: Given | Sequence[Given], reading: Reading = AS_IT_IS) -> tuple[Source, ...]:
    """Return the sources of one table, given as one or as several, in a list or tuple."""
    several = given if isinstance(given, list | tuple) else [given]
    return tuple(open_source(one, reading) for one in several)


def _open_path(given: Path | str, reading: Reading) -> Source:
    if is_database_url(str(given)):
        raise BadInput("A database needs a `query` that says which of its rows to read.")
    path = Path(given)
    if not path.is_dir():
        return _open_file(path, reading)
    if pictures := picture_files(path):
        return _open_pictures(path, pictures, reading)
    files = files_of(path)
    tables = [one for one in files if _kind_of(one) is None]
    if not tables:
        _must_say_nothing(reading, str(path))
    return folder_of(
        path, [_open_file(one, reading if one in tables else AS_IT_IS) for one in files]
    )


def _open_pictures(path: Path, pictures: Sequence[Path], reading: Reading) -> Source:
    """Return the pictures in a folder, with the table that lies beside them if one does."""
    others = [one for one in visible(path) if one.is_file() and one not in pictures]
    if len(others) > 1:
        raise BadInput(
            f"The folder {path} holds pictures and {len(others)} other files: leave one table of "
            f"the pictures there, or none."
        )
    if not others:
        _must_say_nothing(reading, str(path))
    table = _open_file(others[0], reading) if others else None
    return pictures_of(path, pictures, table)


def _open_file(path: Path, reading: Reading) -> Source:
    kind = _kind_of(path)
    if kind is None:
        return CsvFile(path, reading)
    if kind is TfExamples and reading.says == ("columns",):
        return TfExamples(path, reading.columns)
    _must_say_nothing(reading, str(path))
    return kind(path)


def _kind_of(path: Path) -> Callable[[Path], Source] | None:
    """Return which source a file is, by what it begins with or how it is called; None for CSV."""
    first = b""
    if path.is_file():
        with suppress(OSError), path.open("rb") as file:  # who reads it says what is wrong
            first = file.read(LOOKED_AT)
    known = (kind for mark, kind in FIRST_BYTES.items() if first.startswith(mark))
    if is_tfrecord(first):
        return TfExamples
    return next(known, SOURCES.get(path.suffix.lower()))


def _must_say_nothing(reading: Reading, name: str) -> None:
    if reading.says:
        raise BadInput(f"{name} is no CSV file: leave out `{reading.says[0]}`.")


def records_of(source: Source, progress: Progress | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each row of a source, one for each column."""
    for rows in source.batches(progress):
        columns = [texts_of(column) for column in rows.values.columns]
        for number, *fields in zip(rows.numbers.tolist(), *columns, strict=True):
            yield number, fields
