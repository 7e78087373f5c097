"""A folder as one table: files of the same columns, or arrays beside a table of their rows' ids.

A folder of tables (as Spark writes them, say) is read file after file, sorted by name; where a row
stands changes nothing. One that holds `.npy` or `.npz` files is read side by side: row k of each
file is the same example, and the columns of all are its columns. Files whose names begin with a dot
or an underscore (`_SUCCESS`) are passed over; a folder within it is refused, since what its name
would say (`year=2026`) is no column here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.sources.array_files import NumpyFile
from lineage_store.texts.row_source import Source
from lineage_store.texts.text_rows import Kind, Progress, TextRows

PASSED_OVER = (".", "_")


def files_of(path: Path) -> list[Path]:
    """Return the files in a folder that belong to its table, sorted by name.

    Raises BadInput if it cannot be read, holds no such file, or folders.
    """
    files = visible(path)
    if not files:
        raise BadInput(f"The folder {path} holds no file: give one with a table in it.")
    if any(one.is_dir() for one in files):
        raise BadInput(
            f"The folder {path} holds folders: give those that hold files, one after another."
        )
    return files


def visible(path: Path) -> list[Path]:
    """Return what is in a folder and not passed over, sorted; raises BadInput if it is closed."""
    try:
        return sorted(one for one in path.iterdir() if not one.name.startswith(PASSED_OVER))
    except OSError as error:
        raise BadInput(f"The folder {path} cannot be read: {error.strerror}.") from error


def folder_of(path: Path, sources: Sequence[Source]) -> "Stacked | SideBySide":
    """Return the table that the files in a folder are together."""
    if any(isinstance(source, NumpyFile) for source in sources):
        return SideBySide(str(path), sources)
    return Stacked(str(path), sources)


def kinds_of_all(sources: Sequence[Source]) -> Mapping[str, Kind]:
    """Return the kinds that several sources of one table declare.

    One that says nothing of a column, as one does without any value in it, leaves it to the others.
    Raises BadInput if two say differently.
    """
    found: dict[str, Kind] = {}
    by: dict[str, str] = {}
    for source in sources:
        for name, kind in source.kinds().items():
            if found.setdefault(name, kind) != kind:
                raise BadInput(
                    f"The column {name!r} is of the kind {found[name]} in {by[name]}, and of the "
                    f"kind {kind} in {source.name}: write both with one type."
                )
            by.setdefault(name, source.name)
    return found


@dataclass(frozen=True)
class Stacked:
    """Sources of the same columns as one, read one after the other; rows are numbered through."""

    name: str
    sources: Sequence[Source]

    unit = "row"

    @property
    def description(self) -> str:
        """What it was taken for: how many files, of which kinds."""
        kinds = sorted({source.description for source in self.sources})
        return f"{len(self.sources)} files, one after the other: {', '.join(kinds)}"

    @property
    def size(self) -> int:
        """How much there is to read."""
        return sum(source.size for source in self.sources)

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; raises BadInput if two sources have others.

        One without any holds nothing: of many files of tf.Examples some may be empty.
        """
        named = [(source, names) for source in self.sources if (names := source.columns())]
        if not named:
            return ()
        first, wanted = named[0]
        for other, names in named:
            if names != wanted:
                raise BadInput(
                    f"The columns of {other.name} are not those of {first.name}: files in one "
                    f"folder need the same columns in the same order."
                )
        return wanted

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds that the sources declare; raises BadInput if two say differently."""
        return kinds_of_all(self.sources)

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows of all; `progress` is told how much was read."""
        self.columns()
        rows = before = 0
        for source in self.sources:
            for block in source.batches(_ahead(progress, before)):
                numbers = np.arange(rows + 1, rows + 1 + len(block), dtype=np.int64)
                yield TextRows(numbers, block.values)
                rows += len(block)
            before += source.size


@dataclass(frozen=True)
class SideBySide:
    """Sources of the same rows in the same order as one that has the columns of all."""

    name: str
    sources: Sequence[Source]

    unit = "row"

    @property
    def description(self) -> str:
        """What it was taken for: how many files, of which kinds."""
        kinds = sorted({source.description for source in self.sources})
        return f"{len(self.sources)} files side by side: {', '.join(kinds)}"

    @property
    def size(self) -> int:
        """How much there is to read of the largest."""
        return max(source.size for source in self.sources)

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns, those of the first source first."""
        return tuple(name for source in self.sources for name in source.columns())

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds that the sources declare."""
        return {name: kind for source in self.sources for name, kind in source.kinds().items()}

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows; `progress` is told how much was read of the largest.

        Raises BadInput if one source has fewer rows than another, after the rows that all have.
        """
        import pyarrow as pa

        largest = max(self.sources, key=lambda source: source.size)
        streams = [
            source.batches(progress if source is largest else None) for source in self.sources
        ]
        held = [next(stream, None) for stream in streams]
        row = 0
        while all(one is not None for one in held):
            there = [one for one in held if one is not None]
            number = min(map(len, there))
            arrays = [column for one in there for column in one.values.slice(0, number).columns]
            numbers = np.arange(row + 1, row + 1 + number, dtype=np.int64)
            yield TextRows(numbers, pa.RecordBatch.from_arrays(arrays, names=[""] * len(arrays)))
            row += number
            held = [
                TextRows(one.numbers[number:], one.values.slice(number))
                if len(one) > number
                else next(stream, None)
                for one, stream in zip(there, streams, strict=True)
            ]
        for source, one in zip(self.sources, held, strict=True):
            if one is not None:
                short = self.sources[held.index(None)]
                raise BadInput(
                    f"{source.name} has more rows than {short.name}, which ends after row {row}: "
                    f"row by row, files side by side must be of the same examples."
                )


def _ahead(progress: Progress | None, before: int) -> Progress | None:
    return None if progress is None else lambda place: progress(before + place)
