"""A CSV file as a source of a table: UTF-8, the names of the columns in the first line.

Errors name the file and the line, never a value.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from lineage_store.errors import BadInput

LARGEST_FIELD = 1 << 24


@dataclass(frozen=True)
class CsvFile:
    """One file, read as a stream as often as it is asked for."""

    path: Path

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns, without white space at their ends; none if it is empty.

        Raises BadInput if the file cannot be read.
        """
        with self._open() as stream:
            return tuple(name.strip() for name in next(_Lines(self.path, stream), []))

    def records(
        self, progress: Callable[[int], None] | None = None
    ) -> Iterator[tuple[int, list[str]]]:
        """Yield the fields of each row, and the number of the line that it ends on.

        `progress` is told how many bytes were read. Raises BadInput for a file that cannot be read,
        and for a row with more or fewer fields than there are columns.
        """
        with self._open() as stream:
            lines = _Lines(self.path, stream)
            width = len(next(lines, []))
            for fields in lines:
                if not fields:
                    continue
                if len(fields) != width:
                    raise BadInput(
                        f"Line {lines.number} of {self.path} has {len(fields)} fields, and line 1 "
                        f"has {width}."
                    )
                if any("\x00" in field for field in fields):
                    raise BadInput(f"Line {lines.number} of {self.path} holds a zero byte.")
                if progress and lines.number % 1000 == 0:
                    progress(stream.buffer.tell())
                yield lines.number, fields

    def _open(self) -> TextIO:
        if self.path.is_dir():
            raise BadInput(f"{self.path} is a folder: give a CSV file.")
        try:
            return self.path.open(newline="", encoding="utf-8-sig")
        except OSError as error:
            raise BadInput(f"The file {self.path} cannot be read: {error.strerror}.") from error


class _Lines:
    """The fields of each record, and the number of the last line read (for messages)."""

    def __init__(self, path: Path, stream: TextIO) -> None:
        csv.field_size_limit(LARGEST_FIELD)
        self._path = path
        self._reader = csv.reader(stream, strict=True)

    @property
    def number(self) -> int:
        return self._reader.line_num

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> list[str]:
        first = self.number + 1
        try:
            return next(self._reader)
        except csv.Error as error:
            raise BadInput(
                f"The file {self._path} breaks off or is no CSV at line {self.number}, "
                f"in the row that begins in line {first}: {error}."
            ) from error
        except UnicodeDecodeError as error:
            raise BadInput(
                f"The file {self._path} is not UTF-8 after line {self.number}: convert it first."
            ) from error
