"""Where rows come from: a table of text, behind one small Protocol.

A new kind of file is a new class and a line in SOURCES. Whoever reads a table that a user names (to
train on, to predict, to look ids up) opens it here.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.text_rows import Progress, TextRows, texts_of


class Source(Protocol):
    """One table: named columns, and rows of text, each with the number of where it stands."""

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; raises BadInput for what cannot be read."""

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some at a time, so that memory is bounded.

        `progress` is told how many bytes were read. Raises BadInput for what does not fit, after
        the rows before it.
        """


SOURCES: Mapping[str, Callable[[Path], Source]] = {".csv": CsvFile}


def open_source(path: Path) -> Source:
    """Return the source that a file is, by the ending of its name; a CSV file by any other."""
    return SOURCES.get(path.suffix.lower(), CsvFile)(path)


def records_of(source: Source, progress: Progress | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each row of a source, one for each column."""
    for rows in source.batches(progress):
        columns = [texts_of(column) for column in rows.values.columns]
        for number, *fields in zip(rows.numbers.tolist(), *columns, strict=True):
            yield number, fields
