"""Some rows of a source: texts by columns, and where each row stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Progress = Callable[[int], None]


@dataclass(frozen=True)
class TextRows:
    """Rows as a source has them: its numbers for them (n,) int64, in a CSV file those of lines.

    `values` is a pyarrow RecordBatch of n strings a column, without nulls; its names mean nothing.
    """

    numbers: npt.NDArray[np.int64]
    values: Any

    def __len__(self) -> int:
        return len(self.numbers)


def text_batch(rows: Sequence[Sequence[str]], width: int) -> Any:
    """Return rows of texts, `width` each, as a pyarrow RecordBatch; its columns have no names."""
    import pyarrow as pa

    columns = zip(*rows, strict=True) if rows else [()] * width
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=[""] * width)


def texts_of(column: Any) -> list[str]:
    """Return a pyarrow array of strings as a list: many times as fast as `to_pylist`."""
    texts: list[str] = column.to_numpy(zero_copy_only=False).tolist()
    return texts
