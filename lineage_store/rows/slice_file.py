"""The rows of one cell in one file: records of equal length, to be read at any place.

The file is NumPy's NPY (NEP 1), an array of one structured record a row: the row key, (16,) uint8,
and the fields of the family's encoding in their order, those of Keras for instance

    numbers (N,) float32 · categories (M,) int32 · label int32 or float32
    · weight float32 · group int64

Texts have no fixed length: of a field of texts a record holds where each begins and how many bytes
it has, (M, 2) uint64, and the texts themselves follow the records, in their order, as UTF-8.

All that there is of a row stands in one place, so that reading it touches few pages. A file is
mapped, not loaded, and the pages that were touched are given back (`Slice.drop`): they stay in the
system's cache, and this process does not hold them. A file is written in pieces and never changed:
the store of another model may have a link to it.
"""

import errno
import mmap
import resource
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import atomic_file, gone
from lineage_store.errors import CheckFailed
from lineage_store.rows.arrays import Rows
from lineage_store.tensors import Array

Records = npt.NDArray[np.void]
RecordType = np.dtype[np.void]

KEY = "row_key"
TEXT = "utf-8"
"""The type of a field of texts; its values in memory are bytes."""
NO_TEXTS = memoryview(b"")
NPY: Any = np.lib.format  # it has types in newer NumPy only
READ_AT_ONCE = 1 << 25


@dataclass(frozen=True)
class Slice:
    """The records of one file, in its order, and the texts behind them; mapped if `mapped`."""

    records: Records
    texts: memoryview = NO_TEXTS
    mapped: tuple[mmap.mmap, ...] = ()

    def __len__(self) -> int:
        return len(self.records)

    @property
    def nbytes(self) -> int:
        """What the rows take in memory."""
        return self.records.nbytes + len(self.texts)

    def drop(self) -> None:
        """Give back the memory of the pages that were read."""
        for mapping in self.mapped:
            mapping.madvise(mmap.MADV_DONTNEED)

    def row_keys(self) -> npt.NDArray[np.uint8]:
        """Return the row keys, (n, 16) uint8."""
        return self.values(KEY)

    def values(self, name: str) -> Array:
        """Return one field of all records, (n, ...)."""
        kind = self.records.dtype[name]
        found = np.empty((len(self), *kind.shape), kind.base)
        step = max(1, READ_AT_ONCE // self.records.dtype.itemsize)
        for start in range(0, len(self), step):
            found[start : start + step] = self.records[name][start : start + step]
            self.drop()
        return found


@dataclass(frozen=True)
class Field:
    """One named array of an encoding: its NumPy type, and how many values a row has of it.

    `width` is None where a row has one value and the array one dimension; texts (`TEXT`) have a
    width.
    """

    name: str
    type: str
    width: int | None = None


def record_type(fields: Sequence[Field]) -> RecordType:
    """Return the type of the records of rows with these fields."""
    kinds: list[tuple[str, str, tuple[int, ...]]] = [(KEY, "u1", (16,))]
    for one in fields:
        width = () if one.width is None else (one.width,)
        kinds.append(
            (one.name, "<u8", (*width, 2)) if one.type == TEXT else (one.name, one.type, width)
        )
    return np.dtype(kinds)


def column_names(kind: RecordType) -> tuple[str, ...]:
    """Return the names of the fields besides the row key, in their order."""
    return tuple(name for name in kind.names or () if name != KEY)


def text_names(kind: RecordType) -> tuple[str, ...]:
    """Return the names of the fields of texts: no others have two dimensions."""
    return tuple(name for name in column_names(kind) if len(kind[name].shape) == 2)


def to_records(rows: Rows, kind: RecordType, *, start: int = 0) -> Records:
    """Return rows as records, whose texts begin at a place among others (`texts_of`)."""
    records = np.empty(len(rows), kind)
    records[KEY] = rows.row_keys
    texts = text_names(kind)
    for name in column_names(kind):
        if name in texts:
            records[name][..., 1] = np.vectorize(len, otypes=[np.uint64])(rows[name])
        else:
            records[name] = rows[name]
    return renumbered(records, start=start)


def renumbered(records: Records, *, start: int) -> Records:
    """Return records whose texts stand one after another, row by row, from a place on."""
    texts = text_names(records.dtype)
    if texts and len(records):
        lengths = np.concatenate([records[name][..., 1] for name in texts], axis=1)
        ends = start + np.cumsum(lengths).reshape(lengths.shape)
        first = 0
        for name in texts:
            width = records.dtype[name].shape[0]
            here = slice(first, first + width)
            records[name][..., 0] = ends[:, here] - lengths[:, here]
            first += width
    return records


def texts_of(rows: Rows, kind: RecordType) -> bytes:
    """Return the texts of rows, one after another, row by row."""
    found = [rows[name] for name in text_names(kind)]
    return b"".join(np.concatenate(found, axis=1).flat) if found else b""


def to_rows(records: Records, texts: memoryview = NO_TEXTS) -> Rows:
    """Return records as rows, in arrays of their own; `texts` are those behind all of them."""
    wanted = text_names(records.dtype)
    columns = {
        name: read_texts(records[name], texts)
        if name in wanted
        else np.ascontiguousarray(records[name])
        for name in column_names(records.dtype)
    }
    return Rows(np.ascontiguousarray(records[KEY]), columns)


def read_texts(places: npt.NDArray[np.uint64], texts: memoryview) -> npt.NDArray[Any]:
    """Return the texts at places (n, M, 2) as bytes, (n, M)."""
    found = np.empty(places.shape[:2], object)
    flat = found.reshape(-1)
    for number, (start, length) in enumerate(places.reshape(-1, 2).tolist()):
        flat[number] = bytes(texts[start : start + length])
    return found


def empty_rows(kind: RecordType, count: int) -> Rows:
    """Return arrays for `count` rows, to be filled."""
    texts = text_names(kind)
    made = {
        name: np.empty((count, kind[name].shape[0]), object)
        if name in texts
        else np.empty((count, *kind[name].shape), kind[name].base)
        for name in kind.names or ()
    }
    return Rows(made.pop(KEY), made)


def write_slice(
    path: Path,
    pieces: Iterable[Records],
    *,
    count: int,
    kind: RecordType,
    texts: Iterable[bytes] = (),
) -> None:
    """Write a slice's file from `count` records in pieces; it appears whole or not at all.

    `texts` are those of the records, in pieces too.
    """
    header = {
        "descr": NPY.dtype_to_descr(kind),
        "fortran_order": False,
        "shape": (count,),
    }
    with atomic_file(path) as stream:
        NPY.write_array_header_1_0(stream, header)
        for piece in pieces:
            stream.write(piece.data)
        for text in texts:
            stream.write(text)


def open_slice(path: Path) -> Slice:
    """Open a slice's file; raises CheckFailed if it is damaged, FileGone if it is not there."""
    try:
        with path.open("rb") as stream:
            if NPY.read_magic(stream) != (1, 0):
                raise ValueError("another version of the format")
            shape, _, kind = NPY.read_array_header_1_0(stream)
            return _mapped(path, kind, count=shape[0], offset=stream.tell())
    except FileNotFoundError as error:
        raise gone(path) from error
    except ValueError as error:
        raise CheckFailed(
            f"The file {path.name} of a slice of rows is damaged: restore the workspace from a "
            f"backup."
        ) from error


def open_part(path: Path, kind: RecordType) -> Slice:
    """Open a file of records and nothing else; there are none if it is absent.

    Their texts stand in a file beside it.
    """
    size = path.stat().st_size if path.exists() else 0
    if not size:  # which cannot be mapped
        return Slice(np.empty(0, kind))
    texts = texts_file(path)
    mapped = [_map(path), *([_map(texts)] if texts.exists() and texts.stat().st_size else [])]
    records: Records = np.ndarray((size // kind.itemsize,), kind, buffer=mapped[0])
    return Slice(records, memoryview(mapped[1] if mapped[1:] else b""), tuple(mapped))


def texts_file(part: Path) -> Path:
    """The file of the texts of a file of records and nothing else."""
    return part.with_name(f"{part.name}.texts")


def _map(path: Path) -> mmap.mmap:
    try:
        return _map_now(path)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        # What is mapped counts as open. Systems give a process 1,024 files, and more if it asks.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        return _map_now(path)


def _map_now(path: Path) -> mmap.mmap:
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _mapped(path: Path, kind: RecordType, *, count: int, offset: int) -> Slice:
    mapping, end = _map(path), offset + count * kind.itemsize
    if len(mapping) >= end:
        records: Records = np.ndarray((count,), kind, buffer=mapping, offset=offset)
        texts = memoryview(mapping)[end:]
        if len(texts) == _length_of_texts(records):
            return Slice(records, texts, (mapping,))
    raise ValueError("the file has another length than its header says")


def _length_of_texts(records: Records) -> int:
    """Return where the last text of the last record ends."""
    names = text_names(records.dtype)
    return int(records[names[-1]][-1, -1].sum()) if names and len(records) else 0
