"""A table as text, and its columns as a model takes them.

It is strict: a text where a model takes a number is an error, unless whoever asks counts such
values. Errors name the table, the line and the column, never a value.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.data.number_arrays import date_numbers, read_numbers
from lineage_store.errors import BadInput
from lineage_store.sources.source import Source
from lineage_store.texts.text_rows import text_batch, texts_of


@dataclass(frozen=True)
class Table:
    """Rows of a source by columns, and where each row stands: (n,) int64, of lines in a CSV file.

    `values` is a pyarrow RecordBatch of n strings a column; its names mean nothing.
    """

    source: Source
    header: tuple[str, ...]
    values: Any
    lines: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.lines)

    def numbers(
        self,
        names: Sequence[str],
        *,
        dates: Collection[str] = (),
        unread: Counter[str] | None = None,
        instead: str = "correct it, or leave it empty",
    ) -> npt.NDArray[np.float32]:
        """Return number columns (n, len(names)); a missing number is NaN.

        Those in `dates` hold days, which are numbers from the first of the year 2000 on. What is no
        number (or no date) is counted by column in `unread`, if that is given, and missing. Raises
        BadInput for the first of them otherwise, and says what to do `instead`.
        """
        found = np.full((len(self), len(names)), np.nan, np.float32)
        wrong = np.zeros((len(self), len(names)), np.bool_)
        for place, name in enumerate(names):
            found[:, place], wrong[:, place] = _numbers(self._column(name), date=name in dates)
        if unread is not None:
            counts = zip(names, wrong.sum(axis=0).tolist(), strict=True)
            unread.update({name: count for name, count in counts if count})
        elif wrong.any():
            row = int(np.argmax(wrong.any(axis=1)))
            name = names[int(np.argmax(wrong[row]))]
            kind = "date in ISO 8601" if name in dates else "number"
            raise BadInput(
                f"{self.source.unit.capitalize()} {self.lines[row]} of {self.source.name} has no "
                f"{kind} in the column {name!r}, where the model takes one: {instead}."
            )
        return found

    def strings(self, names: Sequence[str]) -> list[list[str]]:
        """Return text columns, row by row."""
        if not names:
            return [[] for _ in range(len(self))]
        columns = [texts_of(self._column(name)) for name in names]
        return [list(row) for row in zip(*columns, strict=True)]

    def part(self, start: int, most: int) -> "Table":
        """Return at most so many rows, from one on."""
        end = start + most
        values, lines = self.values.slice(start, most), self.lines[start:end]
        return Table(self.source, self.header, values, lines)

    def drawn(self, most: int, *, seed: int) -> "Table":
        """Return at most so many rows, drawn without replacement, in the order of the table."""
        import pyarrow as pa

        if len(self) <= most:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False))
        values = self.values.take(pa.array(chosen))
        return Table(self.source, self.header, values, self.lines[chosen])

    def _column(self, name: str) -> Any:
        if name not in self.header:
            raise BadInput(
                f"There is no column {name!r} in {self.source.name}, and the model needs it."
            )
        if self.header.count(name) > 1:
            raise BadInput(
                f"The column {name!r} stands twice in {self.source.name}: leave the one that the "
                f"model takes."
            )
        return self.values.column(self.header.index(name))


def _numbers(texts: Any, *, date: bool) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return a column's numbers, NaN where one is missing, and which values are neither."""
    if not date:
        read = read_numbers(texts)
        return np.where(read.missing | read.texts, np.nan, read.values), read.texts
    days = date_numbers(texts)
    return days, np.isnan(days) & ~read_numbers(texts).missing


def tables_of(source: Source) -> Iterator[Table]:
    """Read a source some rows at a time; of one without rows, a table without rows.

    Raises BadInput for one that cannot be read, or a line with more or fewer fields than the first.
    """
    header = source.columns()
    empty = True
    for rows in source.batches():
        empty = False
        yield Table(source, header, rows.values, rows.numbers)
    if empty:
        yield Table(source, header, text_batch([], len(header)), np.zeros(0, np.int64))


def read_table(source: Source) -> Table:
    """Read a source whole; raises what `tables_of` raises."""
    import pyarrow as pa

    parts = list(tables_of(source))
    columns = zip(*(part.values.columns for part in parts), strict=True)
    whole = [pa.concat_arrays(list(pieces)) for pieces in columns]
    values = pa.RecordBatch.from_arrays(whole, names=[""] * len(whole))
    return Table(source, parts[0].header, values, np.concatenate([part.lines for part in parts]))
