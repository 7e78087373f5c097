"""NumPy's files as sources: `.npy`, an array of one row an example, and `.npz`, several of these.

A column is called after its file (`x.npy` holds `x`, or `x[0]`, `x[1]` if a row has several
numbers), in an `.npz` after its array; of more than 16,384 numbers a row it is one of arrays. Rows
are read piece by piece, from a compressed file too; but an array that lies column by column
(`order="F"`) is read whole. Python objects are refused: NumPy would unpickle them, and so run what
the file says.
"""

import math
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from lineage_store.errors import BadInput
from lineage_store.sources.columnar_files import DeclaredFile, size_of
from lineage_store.sources.data_frame import batch_of, columns_of_array
from lineage_store.texts.array_texts import array_texts
from lineage_store.texts.arrow_columns import AT_ONCE, ArrowColumns
from lineage_store.texts.text_rows import Kind, Progress, TextRows

npy: Any = npy_format  # it has no types
MOST_COLUMNS, MOST_VALUES = 1 << 14, 1 << 20
NPY, ZIP = b"\x93NUMPY", b"PK"
"""The first bytes of an `.npy` file, and of an `.npz` one."""


@dataclass
class _Array:
    """An array in an open file, behind its header: shape (n, ...), read from its first row on."""

    name: str
    shape: tuple[int, ...]
    dtype: npt.DTypeLike
    by_columns: bool
    stream: IO[bytes]
    _whole: npt.NDArray[Any] | None = field(default=None, init=False)

    def rows(self, start: int, number: int) -> npt.NDArray[Any]:
        """Return the next rows; `start` were read before. Raises EOFError if there are fewer."""
        if not self.by_columns:
            return self._read(number).reshape(number, *self.shape[1:])
        if self._whole is None:
            self._whole = self._read(self.shape[0]).reshape(self.shape, order="F")
        return self._whole[start : start + number]

    def _read(self, rows: int) -> npt.NDArray[Any]:
        dtype = np.dtype(self.dtype)
        values = rows * math.prod(self.shape[1:])
        data = self.stream.read(values * dtype.itemsize) if values else b""
        if len(data) < values * dtype.itemsize:
            raise EOFError
        return np.frombuffer(data, dtype, count=values)


@dataclass(frozen=True)
class NumpyFile(DeclaredFile):
    """An `.npy` or `.npz` file, read as a stream as often as it is asked for."""

    description = "arrays of NumPy's"

    def declared(self) -> ArrowColumns:
        """Return the columns; raises BadInput for a file that is none, or that holds objects."""
        with self._opened() as arrays:
            return self._columns(arrays)

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds that the arrays' types declare."""
        with self._opened() as arrays:
            own: dict[str, Kind] = {one.name: "array" for one in arrays if _is_one(one)}
            return {**self._columns(arrays).kinds(), **own}

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, numbered from one.

        `progress` is told how many bytes were read, by the share of the rows.
        """
        with self._opened() as arrays:
            columns, total = self._columns(arrays), arrays[0].shape[0]
            widest = max(math.prod(array.shape[1:]) for array in arrays)
            at_once = max(1, AT_ONCE // max(1, len(columns.names()), widest))
            batches = (
                self._batch(arrays, start, min(at_once, total - start))
                for start in range(0, total, at_once)
            )
            for rows in columns.rows(batches):
                yield rows
                if progress:
                    progress(self.size * int(rows.numbers[-1]) // total)

    def _columns(self, arrays: Sequence[_Array]) -> ArrowColumns:
        return ArrowColumns(self.name, self._batch(arrays, 0, 0).schema)

    def _batch(self, arrays: Sequence[_Array], start: int, number: int) -> Any:
        columns = [
            column for array in arrays for column in _columns_of(array, array.rows(start, number))
        ]
        return batch_of(columns, slice(None), name=self.name)

    @contextmanager
    def _opened(self) -> Iterator[Sequence[_Array]]:
        """Open the file; yield its arrays, of one length each; tell what is wrong with it."""
        size_of(self.path)
        with ExitStack() as stack:
            try:
                arrays = list(self._arrays(stack))
                self._must_fit(arrays)
                yield arrays
            except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile):
                raise BadInput(
                    f"The file {self.path} cannot be read as NumPy's: it is damaged, breaks off, "
                    f"or is no such file."
                ) from None

    def _arrays(self, stack: ExitStack) -> Iterator[_Array]:
        file = stack.enter_context(self.path.open("rb"))
        begins = file.read(len(ZIP))
        file.seek(0)
        if begins != ZIP:
            yield self._array(self.path.stem, file, self.size)
            return
        archive = stack.enter_context(zipfile.ZipFile(file))
        for member in archive.infolist():
            stream = stack.enter_context(archive.open(member))
            yield self._array(member.filename.removesuffix(".npy"), stream, member.file_size)

    def _array(self, name: str, stream: IO[bytes], size: int) -> _Array:
        shape, by_columns, dtype = _header_of(stream)
        if dtype.hasobject:
            raise BadInput(
                f"The array {name!r} in {self.path} holds Python objects, which only unpickling "
                f"could read: save numbers, dates, or texts with `astype(str)`."
            )
        in_a_row = math.prod(shape[1:])
        too_long = stream.tell() + math.prod(shape) * dtype.itemsize > size
        if too_long or in_a_row > MOST_VALUES or min(shape, default=0) < 0:
            raise EOFError
        return _Array(name, shape, dtype, by_columns and len(shape) > 1, stream)

    def _must_fit(self, arrays: Sequence[_Array]) -> None:
        lengths = {array.shape[:1] for array in arrays}
        if len(lengths) != 1 or () in lengths:
            raise BadInput(
                f"The arrays in {self.path} have no common number of rows: give each of them one "
                f"row for every example."
            )


def _is_one(array: _Array) -> bool:
    """Say whether an array's rows are arrays, and no columns."""
    return math.prod(array.shape[1:]) > MOST_COLUMNS and np.dtype(array.dtype).kind in "biuf"


def _columns_of(array: _Array, rows: npt.NDArray[Any]) -> Iterator[tuple[str, Any]]:
    if not _is_one(array):
        yield from columns_of_array(array.name, rows)
        return
    texts = array_texts(list(rows))
    if None in texts:
        raise BadInput(f"The array {array.name!r} holds a number that is not finite: correct it.")
    yield array.name, np.array(texts, object)


def _header_of(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an array: its shape, whether it lies by columns, and its type."""
    try:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, dtype = read(stream)
    except Exception:  # it is parsed as Python, whose parser has many words for what is none
        raise EOFError from None
    return tuple(shape), bool(by_columns), dtype
