"""Where rows come from: a table of text, behind one small Protocol.

A new kind of file is a new class and a line in SOURCES. Whoever reads a table that a user names (to
train on, to predict, to look ids up) opens it here, and hands on the source.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.text_rows import Kind, Progress, TextRows, texts_of


class Source(Protocol):
    """One table: named columns, and rows of text, each with the number of where it stands."""

    @property
    def name(self) -> str:
        """What messages call it, without a value of it."""

    @property
    def unit(self) -> str:
        """What the numbers of its rows count: lines, or rows."""

    @property
    def size(self) -> int:
        """How much there is to read, in what `progress` is told."""

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; raises BadInput for what cannot be read."""

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds of those columns for which the source itself declares one."""

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some at a time, so that memory is bounded.

        `progress` is told how much was read. Raises BadInput for what does not fit, after the rows
        before it.
        """


Given: TypeAlias = Path | str

SOURCES: Mapping[str, Callable[[Path], Source]] = {".csv": CsvFile}


def open_source(given: Given) -> Source:
    """Return the source that a file is, by the ending of its name; a CSV file by any other."""
    path = Path(given)
    return SOURCES.get(path.suffix.lower(), CsvFile)(path)


def open_sources(given: Given | Sequence[Given]) -> tuple[Source, ...]:
    """Return the sources of one table, given as one or as several."""
    return tuple(map(open_source, [given] if isinstance(given, Path | str) else given))


def records_of(source: Source, progress: Progress | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each row of a source, one for each column."""
    for rows in source.batches(progress):
        columns = [texts_of(column) for column in rows.values.columns]
        for number, *fields in zip(rows.numbers.tolist(), *columns, strict=True):
            yield number, fields
