"""A CSV file as a source of a table: UTF-8, the names of the columns in the first line.

What a file says is what Python's `csv` reads in it, strictly. It is read in pieces of whole lines.
Those of which `csv_pieces` is sure are read by Arrow; others by Python's reader, which also says
what is wrong. A file that is not UTF-8 is read anew by Python's alone, past the rows it had until
then, so that it ends where it always did. Errors name the file and the line, never a value.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.sources.csv_pieces import LARGEST_FIELD, MARK, PIECE, read_piece
from lineage_store.sources.text_rows import Kind, Progress, TextRows, text_batch

AT_ONCE = 1 << 16
"""Fields that Python's reader reads before they are handed on."""


@dataclass(frozen=True)
class CsvFile:
    """One file, read as a stream as often as it is asked for."""

    path: Path

    unit = "line"

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    @property
    def size(self) -> int:
        """The file's bytes."""
        return self.path.stat().st_size

    def kinds(self) -> Mapping[str, Kind]:
        """Return nothing: a CSV file declares no kinds."""
        return {}

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns, without white space at their ends; none if it is empty.

        Raises BadInput if the file cannot be read.
        """
        with self._open() as stream:
            return tuple(name.strip() for name in next(_Rows(self.path, stream), []))

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, with the lines that they end on.

        `progress` is told how many bytes were read. Raises BadInput for a file that cannot be read,
        and for a row with more or fewer fields than there are columns, after the rows before it.
        """
        done = 0
        with self._open() as stream:
            try:
                for rows in self._by_pieces(_Pieces(stream.buffer), progress):
                    yield rows
                    done = int(rows.numbers[-1])
                return
            except _NotUtf8:
                pass
        with self._open() as stream:
            again = _Rows(self.path, stream)
            yield from _checked(again, width=len(next(again, [])), after=done)

    def _by_pieces(self, pieces: "_Pieces", progress: Progress | None) -> Iterator[TextRows]:
        width = len(next(_Rows(self.path, pieces.lines()), []))
        while pieces.fill():
            before = pieces.lines_done
            read = read_piece(pieces.held, width=width, before=before, last=pieces.at_end)
            if read is None:
                rows = _Rows(self.path, pieces.lines(), before=before)
                yield from _checked(rows, width=width, enough=pieces.passed())
            else:
                pieces.take(read.bytes, lines=read.lines)
                yield read.rows
            if progress:
                progress(pieces.bytes_done)

    def _open(self) -> TextIO:
        if self.path.is_dir():
            raise BadInput(f"{self.path} is a folder: give a CSV file.")
        try:
            return self.path.open(newline="", encoding="utf-8-sig")
        except OSError as error:
            raise BadInput(f"The file {self.path} cannot be read: {error.strerror}.") from error


class _NotUtf8(Exception):
    """A piece of the file is none of text."""


class _Pieces:
    """A file in pieces of whole lines, and how far it has been taken."""

    def __init__(self, stream: BinaryIO) -> None:
        self.at_end = False
        self.lines_done = self.bytes_done = 0
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._piece, self._at, self._tail = b"", 0, b""
        self._read = 0

    @property
    def held(self) -> bytes:
        """The lines that are there and not taken."""
        return self._piece[self._at :]

    def fill(self) -> bool:
        """Hold more lines, after those that are held; say whether any are."""
        while not self.at_end:
            # In whole blocks, as Python decodes it: a fault is met before any line of its block.
            read = self._stream.read(PIECE * (1 + len(self._tail) // PIECE))
            try:
                self._decoder.decode(read, final=not read)
            except UnicodeDecodeError as error:
                raise _NotUtf8 from error
            self.at_end = not read
            if not self._read and read.startswith(MARK):
                read, self.bytes_done = read[len(MARK) :], len(MARK)
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
        self.bytes_done += size
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

    def __init__(self, path: Path, lines: Iterable[str], *, before: int = 0) -> None:
        csv.field_size_limit(LARGEST_FIELD)
        self.path = path
        self._before = before
        self._reader = csv.reader(lines, strict=True)

    @property
    def number(self) -> int:
        return self._before + self._reader.line_num

    def __iter__(self) -> "_Rows":
        return self

    def __next__(self) -> list[str]:
        first = self.number + 1
        try:
            return next(self._reader)
        except csv.Error as error:
            raise BadInput(
                f"The file {self.path} breaks off or is no CSV at line {self.number}, "
                f"in the row that begins in line {first}: {error}."
            ) from error
        except UnicodeDecodeError as error:
            raise BadInput(
                f"The file {self.path} is not UTF-8 after line {self.number}: convert it first."
            ) from error


def _checked(
    rows: _Rows, *, width: int, after: int = 0, enough: Callable[[], bool] = lambda: False
) -> Iterator[TextRows]:
    """Yield the rows that end after a line, until it is enough, as texts by columns.

    Raises BadInput for one that is not of a width or holds a zero byte, after the rows before it.
    """
    waiting: list[tuple[int, list[str]]] = []
    try:
        for fields in rows:
            if fields and rows.number > after:
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
