"""A file as text, and its columns as a model takes them.

Errors name the file, the line and the column, never a value.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.data.number_text import column_number, date_number, parse_date
from lineage_store.errors import BadInput
from lineage_store.sources.source import Source, records_of


@dataclass(frozen=True)
class Table:
    """The fields of a file's rows, and the number of the line that each row ends on."""

    source: Source
    header: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]

    def __len__(self) -> int:
        return len(self.rows)

    def numbers(
        self, names: Sequence[str], *, dates: Collection[str] = ()
    ) -> npt.NDArray[np.float32]:
        """Return number columns (n, len(names)); a missing number is NaN.

        Those in `dates` hold days, which are numbers from the first of the year 2000 on.
        """
        self._must_have(names)
        found = np.full((len(self), len(names)), np.nan, np.float32)
        places = [self.header.index(name) for name in names]
        for row, fields in enumerate(self.rows):
            for column, (name, place) in enumerate(zip(names, places, strict=True)):
                value = _number(fields[place], date=name in dates)
                if value is not None:
                    found[row, column] = value
        return found

    def strings(self, names: Sequence[str]) -> list[list[str]]:
        """Return text columns, row by row."""
        self._must_have(names)
        places = [self.header.index(name) for name in names]
        return [[fields[place] for place in places] for fields in self.rows]

    def drawn(self, most: int, *, seed: int) -> "Table":
        """Return at most so many rows, drawn without replacement, in the order of the file."""
        if len(self) <= most:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), most, replace=False))
        rows, lines = [self.rows[n] for n in chosen], [self.lines[n] for n in chosen]
        return Table(self.source, self.header, rows, lines)

    def _must_have(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.header:
                raise BadInput(
                    f"There is no column {name!r} in {self.source.name}, and the model needs it."
                )


def _number(text: str, *, date: bool) -> float | None:
    if not date:
        return column_number(text)
    time = parse_date(text)
    return None if time is None else date_number(time)


def read_table(source: Source) -> Table:
    """Read a source whole.

    Raises BadInput for one that cannot be read, or a line with more or fewer fields than the first.
    """
    read = list(records_of(source))
    return Table(source, source.columns(), [fields for _, fields in read], [n for n, _ in read])
