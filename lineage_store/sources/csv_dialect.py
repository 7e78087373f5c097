"""What a CSV file is like, as its first lines tell: what stands between fields, and whether line 1
holds the names of the columns.

What a user says is taken. What he leaves open is told from the first 64 KiB, and what nothing
tells is refused with the option that says it:

    delimiter   `,` `;` tab or `|`: the one that stands in line 1 and cuts all lines alike; if
                several do, the one under which line 1 has the names that are known, or as many
                fields as there are names given
    quotes      in a file with tabs they are letters if they cannot be quotes there
    blanks      those behind each delimiter go, if one stands behind every delimiter of every line
    names       line 1 (the first that is not empty) holds them if it has most names that are known
                (who asks says which one is missing); or if no field of it is a number, empty or
                twice there, or a value of its own column further down, and some column tells it
                from a value: by holding numbers, or a few texts again and again. A file without any
                other row has no rows

A first line that is taken for names although it is a row would lose the row, and write a person's
values into every record of the model.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput
from lineage_store.sources.reading import NO_QUOTE, Reading

SAMPLE = 1 << 16
LARGEST_FIELD = 1 << 24
CANDIDATES = (",", ";", "\t", "|")
NUMBER_LIKE = re.compile(r"\s*[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?\s*%?", re.ASCII)
DAY_LIKE = re.compile(r"\s*\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?", re.ASCII)
AGAIN = 4
"""How often, in the mean, each text of a column occurs if they are a few, again and again."""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Dialect:
    """How a file is read: `names` of the columns, and whether line 1 has them.

    `blanks` are skipped behind a delimiter; `quote` is None where a quote is a letter.
    """

    delimiter: str
    quote: str | None
    blanks: bool
    header: bool
    names: tuple[str, ...]

    def reader(self, lines: Iterable[str]) -> Any:
        """Return Python's reader of such lines, strictly."""
        return _reader(lines, self.delimiter, self.quote, blanks=self.blanks)


def dialect_of(sample: str, reading: Reading, *, path: Path, whole: bool) -> Dialect:
    """Tell the dialect of a file by the lines that it begins with.

    The last of them is not looked at unless the sample is the `whole` file. Raises BadInput for
    what nothing tells.
    """
    lines = sample if whole else sample[: sample.rfind("\n") + 1] or sample
    first = next((line for line in io.StringIO(lines, newline="") if line.strip("\r\n")), "")
    delimiter = reading.delimiter or _delimiter(lines, first, reading, path)
    quote = _quote(lines, delimiter, reading)
    blanks = delimiter == " " or _blanks(_rows(lines, delimiter, quote))
    rows = _rows(lines, delimiter, quote, blanks=blanks) or [[]]
    names = tuple(name.strip() for name in rows[0])
    header = _header(names, rows[1:], reading, path)
    if not header:
        names = reading.columns or tuple(f"column_{n + 1}" for n in range(len(names)))
        if rows[0] and len(names) != len(rows[0]):
            raise BadInput(
                f"`columns` has {len(names)} names, and line 1 of {path} {len(rows[0])} fields."
            )
    return Dialect(delimiter, quote, blanks, header, names)


def _reader(lines: Iterable[str], delimiter: str, quote: str | None, *, blanks: bool) -> Any:
    csv.field_size_limit(LARGEST_FIELD)
    return csv.reader(
        lines,
        strict=True,
        delimiter=delimiter,
        quotechar=quote,
        quoting=csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL,
        skipinitialspace=blanks,
    )


def _rows(lines: str, delimiter: str, quote: str | None, *, blanks: bool = False) -> Rows:
    """Return the rows that there are before the first one that cannot be read."""
    return _read(lines, delimiter, quote, blanks=blanks)[0]


def _read(
    lines: str, delimiter: str, quote: str | None, *, blanks: bool = False
) -> tuple[Rows, bool]:
    """Return the rows before the first one that cannot be read, and whether there is none such."""
    found = []
    try:
        for fields in _reader(io.StringIO(lines, newline=""), delimiter, quote, blanks=blanks):
            if fields:
                found.append(fields)
    except csv.Error:
        return found, False  # whoever reads the file says what is wrong, and where
    return found, True


def _delimiter(lines: str, first: str, reading: Reading, path: Path) -> str:
    there = [one for one in CANDIDATES if one in first]
    if len(there) > 1:
        quote = None if reading.quote == NO_QUOTE else reading.quote or '"'
        cut = {one: _rows(lines, one, quote) for one in there}
        alike = [one for one in there if len({len(row) for row in cut[one]}) == 1]
        alike = [one for one in alike if len(cut[one][0]) > 1] or there
        there = [one for one in alike if cut[one] and _is_known(cut[one][0], reading)] or alike
    if len(there) > 1:
        shown = " and ".join("a tab" if one == "\t" else f"{one!r}" for one in there)
        raise BadInput(
            f"Line 1 of {path} has {shown}, and nothing tells which stands between fields: give "
            f"its `delimiter`."
        )
    return there[0] if there else ","


def _is_known(first: Sequence[str], reading: Reading) -> bool:
    """Say whether line 1 has the names that are known, or as many fields as names were given."""
    if reading.columns:
        return len(first) == len(reading.columns)
    return bool(reading.named) and reading.named <= {name.strip() for name in first}


def _quote(lines: str, delimiter: str, reading: Reading) -> str | None:
    if reading.quote is not None:
        return None if reading.quote == NO_QUOTE else reading.quote
    if delimiter != "\t" or '"' not in lines:
        return '"'
    rows, whole = _read(lines, delimiter, '"')
    if whole and len({len(row) for row in rows}) == 1:
        return '"'
    return None


def _blanks(rows: Rows) -> bool:
    behind = [row[1:] for row in rows if len(row) > 1]
    return len(behind) > 1 and all(field.startswith(" ") for row in behind for field in row)


def _header(names: Sequence[str], rows: Rows, reading: Reading, path: Path) -> bool:
    if reading.columns:
        if names == reading.columns:
            raise BadInput(f"Line 1 of {path} has the names in `columns`: give `header` instead.")
        return False
    if reading.header is not None:
        return reading.header
    if not names or 2 * len(reading.named.intersection(names)) > len(reading.named):
        return True
    why = _why_a_row(names, rows)
    if why is None and (not rows or any(map(_tells, zip(*rows, strict=False)))):
        return True
    raise BadInput(
        f"Line 1 of {path} may be names of columns or a row ({why or 'nothing tells which'}): give "
        f"`header` if it has names, or their names as `columns` if it has none."
    )


def _why_a_row(names: Sequence[str], rows: Rows) -> str | None:
    """Say what speaks against names, if anything does."""
    if any(NUMBER_LIKE.fullmatch(name) or DAY_LIKE.fullmatch(name) for name in names):
        return "a field of it is a number or a date"
    if "" in names:
        return "a field of it is empty"
    if len(set(names)) < len(names):
        return "two fields of it are the same"
    for place, name in enumerate(names):
        if any(len(row) > place and row[place].strip() == name for row in rows):
            return "a field of it stands in its column again"
    return None


def _tells(column: Sequence[str]) -> bool:
    """Say whether a column's values tell that a text which is none of them is its name."""
    values = [value for value in map(str.strip, column) if value]
    numbers = sum(bool(NUMBER_LIKE.fullmatch(one) or DAY_LIKE.fullmatch(one)) for one in values)
    often = numbers * 10 >= len(values) * 9 or len(values) >= AGAIN * len(set(values))
    return bool(values) and often
