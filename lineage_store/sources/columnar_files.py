"""Parquet and Arrow files: columns with declared types, read a piece at a time.

Of a Parquet file a batch of rows of one row group is in memory at a time, of an Arrow file (Feather
is another name of it; also the stream form) a record batch. What a file says of itself beyond names
and types of columns, such as pandas' index, is not read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.texts.arrow_columns import AT_ONCE, ArrowColumns, Declared
from lineage_store.texts.text_rows import Progress, TextRows

PARQUET, ARROW, STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"
"""The first bytes of a Parquet file, of an Arrow file, and of one in stream form."""
FEATHER_1 = b"FEA1"
BUFFER = 1 << 20


@dataclass(frozen=True)
class DeclaredFile(Declared):
    """A file of columns that say what they hold, read as often as it is asked for."""

    path: Path

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.path)

    @property
    def size(self) -> int:
        """How many bytes there are to read."""
        return size_of(self.path)


@dataclass(frozen=True)
class ParquetFile(DeclaredFile):
    """A Parquet file, read as a stream as often as it is asked for."""

    description = "Parquet"

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, numbered from one.

        `progress` is told how many bytes were read, by the share of the rows.
        """
        with _opened(self.path, "Parquet") as stream:
            file = self._file(stream)
            columns = ArrowColumns(self.name, file.schema_arrow)
            size = max(1, AT_ONCE // max(1, len(columns.names())))
            rows = file.metadata.num_rows
            for texts in columns.rows(file.iter_batches(size, use_threads=False)):
                yield texts
                if progress:
                    progress(self.size * int(texts.numbers[-1]) // rows)

    def declared(self) -> ArrowColumns:
        """Return the columns; raises BadInput for a file that is none, or a type without text."""
        with _opened(self.path, "Parquet") as stream:
            return ArrowColumns(self.name, self._file(stream).schema_arrow)

    def _file(self, stream: Any) -> Any:
        from pyarrow import parquet

        return parquet.ParquetFile(stream, buffer_size=BUFFER)


@dataclass(frozen=True)
class ArrowFile(DeclaredFile):
    """An Arrow IPC file, which is a Feather file of version 2, or an Arrow IPC stream in a file."""

    description = "Arrow"

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, numbered from one.

        `progress` is told how many bytes were read.
        """
        with _opened(self.path, "Arrow") as stream:
            schema, found = self._read(stream)
            read = 0

            def ahead() -> Iterator[Any]:
                nonlocal read
                for batch, place in found:
                    read = place
                    yield batch

            for texts in ArrowColumns(self.name, schema).rows(ahead()):
                yield texts
                if progress:
                    progress(read)

    def declared(self) -> ArrowColumns:
        """Return the columns; raises BadInput for a file that is none, or a type without text."""
        with _opened(self.path, "Arrow") as stream:
            return ArrowColumns(self.name, self._read(stream)[0])

    def _read(self, stream: Any) -> tuple[Any, Iterator[tuple[Any, int]]]:
        """Return the schema, and the record batches with how many bytes were read up to each."""
        from pyarrow import ipc

        begins = stream.read(len(ARROW))
        stream.seek(0)
        if begins.startswith(FEATHER_1):
            raise BadInput(
                f"The file {self.path} is Feather of version 1: write it again as version 2, or as "
                f"Parquet."
            )
        if begins != ARROW:
            reader = ipc.open_stream(stream)
            return reader.schema, ((batch, stream.tell()) for batch in reader)
        file = ipc.open_file(stream)
        total, size = file.num_record_batches, self.size
        at_random = ((file.get_batch(n), size * (n + 1) // total) for n in range(total))
        return file.schema, at_random


def size_of(path: Path) -> int:
    """Return how many bytes a file has; raises BadInput if it cannot be read."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise BadInput(f"The file {path} cannot be read: {error.strerror}.") from error


@contextmanager
def _opened(path: Path, what: str) -> Iterator[Any]:
    """Open a file for Arrow; what it finds wrong is told without a value from it."""
    import pyarrow as pa

    _refuse_code_in_files()
    size_of(path)
    try:
        with pa.OSFile(str(path)) as stream:
            yield stream
    except FileNotFoundError as error:
        raise BadInput(f"The file {path} cannot be read: No such file or directory.") from error
    except (pa.ArrowException, OSError, RuntimeError, EOFError):
        raise BadInput(
            f"The file {path} cannot be read as {what}: it is damaged, breaks off, is encrypted, "
            f"or is no such file."
        ) from None


def _refuse_code_in_files() -> None:
    """Forbid Arrow to unpickle a type that a file brings along, as versions before 14 would."""
    import pyarrow as pa

    if int(pa.__version__.partition(".")[0]) < 14:
        import pyarrow_hotfix  # noqa: F401
