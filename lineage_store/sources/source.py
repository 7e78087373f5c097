"""Where rows come from: a table of text, behind one small Protocol.

A new kind of file is a new class and a line in SOURCES. Whoever reads a table that a user names (to
train on, to predict, to look ids up) opens it here, and hands on the source. How a CSV file is to
be read can be said (`Reading`); any other kind of source says it itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from lineage_store.errors import BadInput
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.reading import AS_IT_IS, Reading
from lineage_store.texts.text_rows import Kind, Progress, TextRows, texts_of


class Source(Protocol):
    """One table: named columns, and rows of text, each with the number of where it stands."""

    @property
    def name(self) -> str:
        """What messages call it, without a value of it."""

    @property
    def unit(self) -> str:
        """What the numbers of its rows count: lines, or rows."""

    @property
    def description(self) -> str:
        """What it was taken for, and what that was told from."""

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

SOURCES: Mapping[str, Callable[[Path], Source]] = {}


def open_source(given: Given, reading: Reading = AS_IT_IS) -> Source:
    """Return the source that a file is, by the ending of its name; a CSV file by any other.

    Raises BadInput for what is said of a CSV file where it is none.
    """
    path = Path(given)
    if path.suffix.lower() not in SOURCES:
        return CsvFile(path, reading)
    if reading.says:
        raise BadInput(f"{path} is no CSV file: leave out `{reading.says[0]}`.")
    return SOURCES[path.suffix.lower()](path)


def open_sources(given: Given | Sequence[Given], reading: Reading = AS_IT_IS) -> tuple[Source, ...]:
    """Return the sources of one table, given as one or as several."""
    several = [given] if isinstance(given, Path | str) else given
    return tuple(open_source(one, reading) for one in several)


def records_of(source: Source, progress: Progress | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the fields of each row of a source, one for each column."""
    for rows in source.batches(progress):
        columns = [texts_of(column) for column in rows.values.columns]
        for number, *fields in zip(rows.numbers.tolist(), *columns, strict=True):
            yield number, fields
