"""Some rows of a source: texts by columns, and where each row stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

SEPARATOR = "\x1f"
SEVERAL = 4
"""Words that a text has to have to be one of words, and not a name or a code."""
Progress = Callable[[int], None]
Kind = Literal["number", "text", "date", "array"]


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


def bytes_of(column: Any) -> list[bytes]:
    """Return a pyarrow array of binary values as a list."""
    values: list[bytes] = column.to_numpy(zero_copy_only=False).tolist()
    return values


def rows_with_more(texts: Any, separators: int) -> list[int]:
    """Return which texts hold more separators than they have between their fields."""
    import pyarrow.compute as pc

    _, _, data = texts.buffers()
    if data is None or bytes(data).count(SEPARATOR.encode("ascii")) == separators * len(texts):
        return []
    found = pc.count_substring(texts, pattern=SEPARATOR).to_numpy(zero_copy_only=False)
    rows: list[int] = np.flatnonzero(found > separators).tolist()
    return rows


def coded(column: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Return the different texts in a pyarrow array of strings, and which of them each value is."""
    encoded = column.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return texts_of(encoded.dictionary), codes


def rows_of_words(texts: Any) -> int:
    """Return how many of a pyarrow array of strings are of several words.

    Words are counted once in each different text: columns of names have few, whatever their rows.
    """
    import pyarrow.compute as pc

    different, rows = texts.value_counts().flatten()
    words = pc.count_substring_regex(different, pattern=r"\S+")
    several = words.to_numpy(zero_copy_only=False) >= SEVERAL
    return int(rows.to_numpy(zero_copy_only=False)[several].sum())
