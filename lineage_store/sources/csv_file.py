"""A CSV file as a source of a table.

What a file says is what Python's `csv` reads in its dialect, strictly. It is read in pieces of
whole lines. Those of which `csv_pieces` is sure are read by Arrow; others by Python's reader, which
also says what is wrong. Errors name the file and the line, never a value.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.sources.csv_dialect import SAMPLE, Dialect, dialect_of
from lineage_store.sources.csv_pieces import PIECE, read_piece
from lineage_store.sources.reading import AS_IT_IS, Reading
from lineage_store.sources.text_bytes import UTF8, TextBytes
from lineage_store.texts.text_rows import Kind, Progress, TextRows, text_batch

AT_ONCE = 1 << 16
"""Fields that Python's reader reads before they are handed on."""


@dataclass(frozen=True)
class CsvFile:
    """One file, read as a stream as often as it is asked for."""

    path: Path
    reading: Reading = AS_IT_IS

    unit = "line"

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def size(self) -> int:
        """The file's bytes."""
        return self.path.stat().st_size

    @property
    def description(self) -> str:
        """How the file is read, as far as it is not plain CSV."""
        dialect, parts = self.dialect, []
        if dialect.delimiter != ",":
            shown = {"\t": "tabs", " ": "blanks"}.get(dialect.delimiter, repr(dialect.delimiter))
            parts.append(f"{shown} between fields")
        if dialect.quote != '"':
            parts.append(f"{dialect.quote or 'no'} quotes")
        if dialect.blanks and dialect.delimiter != " ":
            parts.append("a blank behind each delimiter left out")
        if not dialect.header:
            parts.append("no line of names")
        if not self.reading.numbers.is_plain:
            parts.append(f"numbers as {self.reading.numbers.example}")
        with self._open() as text:
            if text.encoding != UTF8:
                parts.append(text.encoding.upper())
            if text.packed_in is not None:
                parts.append(text.packed_in)
        return ", ".join(["CSV", *parts])

    def kinds(self) -> Mapping[str, Kind]:
        """Return nothing: a CSV file declares no kinds."""
        return {}

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns, without white space at their ends; none if it is empty.

        Raises BadInput if the file cannot be read, and for what nothing tells (`csv_dialect`).
        """
        return self.dialect.names

    @cached_property
    def dialect(self) -> Dialect:
        """How the file is read; raises what `columns` raises."""
        with self._open() as text:
            sample = text.read(SAMPLE).decode("utf-8")
            if self.reading.encoding is None and sample.count("\x00") * 4 > len(sample):
                raise BadInput(
                    f"{self.path} is text in UTF-16 without a mark, or no text: give its "
                    f"`encoding`, utf-16-le or utf-16-be."
                )
            return dialect_of(sample, self.reading, path=self.path, whole=text.ended)

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, with the lines that they end on.

        `progress` is told how many bytes were read. Raises BadInput for a file that cannot be read,
        and for a row with more or fewer fields than there are columns, after the rows before it.
        """
        dialect = self.dialect
        with self._open() as text:
            pieces = _Pieces(text)
            if dialect.header:
                next(filter(None, _Rows(self.path, dialect, pieces.lines())), None)
            while pieces.fill():
                before = pieces.lines_done
                read = read_piece(pieces.held, dialect, before=before, last=pieces.at_end)
                if read is None:
                    rows = _Rows(self.path, dialect, pieces.lines(), before=before)
                    checked = _checked(rows, width=len(dialect.names), enough=pieces.passed())
                    yield from map(self._spelled, checked)
                else:
                    pieces.take(read.bytes, lines=read.lines)
                    yield self._spelled(read.rows)
                if progress:
                    progress(text.done)

    def _spelled(self, rows: TextRows) -> TextRows:
        """Return rows with their numbers spelled plainly, but for ids."""
        import pyarrow as pa

        numbers, names = self.reading.numbers, self.dialect.names
        if numbers.is_plain:
            return rows
        columns = []
        for name, texts in zip(names, rows.values.columns, strict=True):
            if name not in self.reading.ids:
                if (wrong := numbers.first_wrong(texts)) is not None:
                    raise BadInput(
                        f"Line {rows.numbers[wrong]} of {self.path} has a number with a point in "
                        f"column {name!r}, and `decimal` says comma: write it so, or name the "
                        f"`thousands`."
                    )
                texts = numbers.plainly(texts)
            columns.append(texts)
        return TextRows(rows.numbers, pa.RecordBatch.from_arrays(columns, names=[""] * len(names)))

    def _open(self) -> TextBytes:
        return TextBytes(self.path, encoding=self.reading.encoding)


class _Pieces:
    """A file in pieces of whole lines, and how far it has been taken."""

    def __init__(self, text: TextBytes) -> None:
        self.at_end = False
        self.lines_done = 0
        self._text = text
        self._piece, self._at, self._tail = b"", 0, b""
        self._read = 0

    @property
    def held(self) -> bytes:
        """The lines that are there and not taken."""
        return self._piece[self._at :]

    def fill(self) -> bool:
        """Hold more lines, after those that are held; say whether any are."""
        while not self.at_end:
            read = self._text.read(PIECE * (1 + len(self._tail) // PIECE))
            self.at_end = not read
            self._read += 1
            whole = self.held + self._tail + read
            cut = len(whole) if self.at_end else _end_of_lines(whole)
            self._piece, self._at, self._tail = whole[:cut], 0, whole[cut:]
            if cut:
                break
        return self._at < len(self._piece)

    def take(self, size: int, *, lines: int) -> None:
        """Take lines of so many bytes."""
        self._at += size
        self.lines_done += lines

    def lines(self) -> Iterator[str]:
        """Take line by line, with the break that each ends in."""
        while self._at < len(self._piece) or self.fill():
            for line in io.StringIO(self.held.decode("utf-8"), newline=""):
                self.take(len(line.encode("utf-8")), lines=1)
                yield line

    def passed(self) -> Callable[[], bool]:
        """Return a function that says whether all that is held now has been taken."""
        read = self._read
        return lambda: self._read > read or self._at == len(self._piece)


def _end_of_lines(data: bytes) -> int:
    """Return where the last line ends that is known to; before a newline a return ends none."""
    return (data.rfind(b"\n") + 1) or (data.rfind(b"\r", 0, -1) + 1)


class _Rows:
    """The fields of each row, and the number of the last line read (for messages)."""

    def __init__(
        self, path: Path, dialect: Dialect, lines: Iterable[str], *, before: int = 0
    ) -> None:
        self.path, self.dialect = path, dialect
        self._before = before
        self._reader = dialect.reader(lines)

    @property
    def number(self) -> int:
        return self._before + int(self._reader.line_num)

    def __iter__(self) -> "_Rows":
        return self

    def __next__(self) -> list[str]:
        first = self.number + 1
        try:
            return next(self._reader)
        except csv.Error as error:
            help = "" if self.dialect.quote is None else self._if_letters()
            raise BadInput(
                f"The file {self.path} breaks off or is no CSV at line {self.number}, "
                f"in the row that begins in line {first}: {error}{help}."
            ) from error

    def _if_letters(self) -> str:
        return f" (if {self.dialect.quote} is a letter in it, give `quote` none)"


def _checked(
    rows: _Rows, *, width: int, enough: Callable[[], bool] = lambda: False
) -> Iterator[TextRows]:
    """Yield the rows, until it is enough, as texts by columns.

    Raises BadInput for one that is not of a width or holds a zero byte, after the rows before it.
    """
    waiting: list[tuple[int, list[str]]] = []
    try:
        for fields in rows:
            if fields:
                _must_fit(fields, rows, width)
                waiting.append((rows.number, fields))
            if len(waiting) * width >= AT_ONCE:
                yield _by_columns(waiting, width)
                waiting = []
            if enough():
                break
    except BadInput:
        if waiting:
            yield _by_columns(waiting, width)
        raise
    if waiting:
        yield _by_columns(waiting, width)


def _must_fit(fields: list[str], rows: _Rows, width: int) -> None:
    if len(fields) != width:
        raise BadInput(
            f"Line {rows.number} of {rows.path} has {len(fields)} fields, and line 1 has {width}."
        )
    if any("\x00" in field for field in fields):
        raise BadInput(f"Line {rows.number} of {rows.path} holds a zero byte.")


def _by_columns(rows: list[tuple[int, list[str]]], width: int) -> TextRows:
    numbers = np.array([number for number, _ in rows], np.int64)
    return TextRows(numbers, text_batch([fields for _, fields in rows], width))
