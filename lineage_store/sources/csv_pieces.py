"""A piece of a CSV file by Arrow, where it is sure to read it as Python's `csv` does, strictly.

Arrow reads CSV many times as fast, and takes more for it: a quote within a field, a line break of
its own, a field of any length. So a piece is looked through first, as bytes. It is sure if

    every carriage return belongs to a line break, and no byte is zero
    quotes, taken in turn as opening and closing ones, stand where they may: an opening one behind
    a delimiter or a line break, a closing one before one, or both together, as one within a text
    each row has as many fields as there are columns
    no quote is there where blanks behind delimiters are left out

A line break ends a row if an even number of quotes stands before it. Whatever is not sure is left
to Python's reader: so nothing can be read otherwise, nor be said in other words.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.sources.csv_dialect import LARGEST_FIELD, Dialect
from lineage_store.texts.text_rows import TextRows

PIECE = 1 << 22
MARK = b"\xef\xbb\xbf"  # Arrow passes over one in front of any piece
NEWLINE, RETURN = b"\n\r"
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PieceRead:
    """The rows of whole lines in front of a piece, and how many bytes and lines these are."""

    rows: TextRows
    bytes: int
    lines: int


def read_piece(data: bytes, dialect: Dialect, *, before: int, last: bool) -> PieceRead | None:
    """Read the rows in a piece that begins with one; None where that is not sure.

    `before` lines stand before it; it is valid UTF-8, and its rest comes with the next, unless it
    is the `last`, whose line may have no break.
    """
    size, width = len(data), len(dialect.names)
    if last and not data.endswith(b"\n"):
        data += b"\n"
    if width < 2 or size > LARGEST_FIELD or data.startswith(MARK) or b"\x00" in data:
        return None
    if b"\r" in data and data.count(b"\r") != data.count(b"\r\n"):
        return None
    quote = b"" if dialect.quote is None else dialect.quote.encode("ascii")
    quoted = bool(quote) and quote in data
    if dialect.blanks and quoted:
        return None
    letters = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(letters == NEWLINE)
    lines = np.arange(1, len(ends) + 1)
    if quoted:
        quotes = np.flatnonzero(letters == quote[0])
        ends_row = np.searchsorted(quotes, ends) % 2 == 0
        ends, lines = ends[ends_row], lines[ends_row]
    if not len(ends):
        return None
    cut = int(ends[-1]) + 1
    if quoted and not _stand_well(letters, quotes[quotes < cut], dialect):
        return None
    values = _parsed(data[:cut], dialect, quoted=quoted)
    numbers = before + lines[~_blank(letters, ends)]
    if values is None or values.num_rows != len(numbers):
        return None
    return PieceRead(TextRows(numbers, values), min(cut, size), int(lines[-1]))


def _stand_well(letters: npt.NDArray[np.uint8], quotes: Places, dialect: Dialect) -> bool:
    """Say whether an even number of quotes are in turn where a field begins and where it ends."""
    opening, closing = quotes[::2], quotes[1::2]
    within = opening[1:] == closing[:-1] + 1  # two together, which mean one
    behind = letters[opening - 1]  # of one in front of all: the last letter, a line break
    delimiter = ord(dialect.delimiter)
    begins = (behind == delimiter) | (behind == NEWLINE)
    before = letters[closing + 1]
    ends = (before == delimiter) | (before == NEWLINE) | (before == RETURN)
    begins[1:] |= within
    ends[:-1] |= within
    return bool(begins.all() and ends.all())


def _blank(letters: npt.NDArray[np.uint8], ends: Places) -> Mask:
    """Say which rows are lines with nothing in them."""
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    blank: Mask = (lengths == 0) | ((lengths == 1) & (letters[starts] == RETURN))
    return blank


def _parsed(data: bytes, dialect: Dialect, *, quoted: bool) -> Any:
    """Return a RecordBatch of strings; None for no rows, or rows of another width."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(place) for place in range(len(dialect.names))]
    if dialect.blanks:
        data = _without_blanks(data, dialect.delimiter.encode("ascii"))
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote if quoted else False,
                newlines_in_values=quoted,
            ),
            csv.ConvertOptions(check_utf8=False, column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:
        return None
    batches = table.combine_chunks().to_batches()
    return batches[0] if len(batches) == 1 else None


def _without_blanks(data: bytes, delimiter: bytes) -> bytes:
    """Return lines without quotes, and without the blanks in front of each field."""
    behind = re.compile(rb"(^|" + re.escape(delimiter) + rb") +", re.MULTILINE)
    return behind.sub(rb"\1", data)
