"""The rows of one slice in one file: records of equal length, to be read at any place.

The file is NumPy's NPY (NEP 1), an array of one structured record a row: the row key, (16,) uint8,
and the fields of the family's encoding in their order, those of Keras for instance

    numbers (N,) float32 · categories (M,) int32 · label int32 or float32
    · weight float32 · group int64

All that there is of a row stands in one place, so that reading it touches few pages. A file is
mapped, not loaded, and the pages that were touched are given back (`Slice.drop`): they stay in the
system's cache, and this process does not hold them. A file is written in pieces and never changed:
the store of another model may have a link to it.
"""

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import atomic_file
from lineage_store.errors import CheckFailed
from lineage_store.rows.arrays import Rows
from lineage_store.tensors import Array

Records = npt.NDArray[np.void]
RecordType = np.dtype[np.void]

KEY = "row_key"
NPY: Any = np.lib.format  # it has types in newer NumPy only
READ_AT_ONCE = 1 << 25


@dataclass(frozen=True)
class Slice:
    """The records of one file, in its order; mapped unless `mapping` is None."""

    records: Records
    mapping: mmap.mmap | None = None

    def __len__(self) -> int:
        return len(self.records)

    def drop(self) -> None:
        """Give back the memory of the pages that were read."""
        if self.mapping is not None:
            self.mapping.madvise(mmap.MADV_DONTNEED)

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

    `width` is None where a row has one value and the array one dimension.
    """

    name: str
    type: str
    width: int | None = None


def record_type(fields: Sequence[Field]) -> RecordType:
    """Return the type of the records of rows with these fields."""
    kinds = [(one.name, one.type, () if one.width is None else (one.width,)) for one in fields]
    return np.dtype([(KEY, "u1", (16,)), *kinds])


def column_names(kind: RecordType) -> tuple[str, ...]:
    """Return the names of the fields besides the row key, in their order."""
    return tuple(name for name in kind.names or () if name != KEY)


def to_records(rows: Rows, kind: RecordType) -> Records:
    """Return rows as records."""
    records = np.empty(len(rows), kind)
    records[KEY] = rows.row_keys
    for name in column_names(kind):
        records[name] = rows[name]
    return records


def to_rows(records: Records) -> Rows:
    """Return records as rows, in arrays of their own."""
    columns = {name: np.ascontiguousarray(records[name]) for name in column_names(records.dtype)}
    return Rows(np.ascontiguousarray(records[KEY]), columns)


def empty_rows(kind: RecordType, count: int) -> Rows:
    """Return arrays for `count` rows, to be filled."""
    made = {
        name: np.empty((count, *kind[name].shape), kind[name].base) for name in kind.names or ()
    }
    return Rows(made.pop(KEY), made)


def write_slice(path: Path, pieces: Iterable[Records], *, count: int, kind: RecordType) -> None:
    """Write a slice's file from `count` records in pieces; it appears whole or not at all."""
    header = {
        "descr": NPY.dtype_to_descr(kind),
        "fortran_order": False,
        "shape": (count,),
    }
    with atomic_file(path) as stream:
        NPY.write_array_header_1_0(stream, header)
        for piece in pieces:
            stream.write(piece.data)


def open_slice(path: Path) -> Slice:
    """Open a slice's file; raises CheckFailed if it is damaged or is none."""
    try:
        with path.open("rb") as stream:
            if NPY.read_magic(stream) != (1, 0):
                raise ValueError("another version of the format")
            shape, _, kind = NPY.read_array_header_1_0(stream)
            return _mapped(path, kind, count=shape[0], offset=stream.tell())
    except ValueError as error:
        raise CheckFailed(
            f"The file {path.name} of a slice of rows is damaged: restore the workspace from a "
            f"backup."
        ) from error


def open_part(path: Path, kind: RecordType) -> Slice:
    """Open a file of records and nothing else; there are none if it is absent."""
    size = path.stat().st_size if path.exists() else 0
    if not size:  # which cannot be mapped
        return Slice(np.empty(0, kind))
    return _mapped(path, kind, count=size // kind.itemsize, offset=0)


def _mapped(path: Path, kind: RecordType, *, count: int, offset: int) -> Slice:
    with path.open("rb") as stream:
        mapping = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    if len(mapping) != offset + count * kind.itemsize:
        raise ValueError("the file has another length than its header says")
    return Slice(np.ndarray((count,), kind, buffer=mapping, offset=offset), mapping)
