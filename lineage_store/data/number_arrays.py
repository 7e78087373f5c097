"""Numbers in columns of text, in bulk: what `number_text` says of each text, at Arrow's speed.

Arrow's own cast reads a decimal number as `float` does, correctly rounded, but takes a little more
for one than `number_text` lets pass: leading zeros, infinities and NaN. So what it reads is taken
where none of these can be there; what it cannot read is tried again without white space and marks
for missing values; and what is left then is asked of `number_text`, each different text once.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.data.number_text import (
    BEYOND_FLOAT32,
    MISSING,
    column_number,
    date_number,
    date_text,
    is_beyond,
    is_inexact,
    is_missing_number,
    parse_date,
)
from lineage_store.texts.array_texts import array_of_text, canonical_array
from lineage_store.texts.text_rows import Kind, coded, texts_of

WHITE = " \t\r\n"
MINUS, ZERO, NINE = b"-09"
LOOKED_AT = 8
LONG = 16  # letters of a whole number that may be inexact, at least
MAY_BE_BEYOND = (  # nothing else is as large as 2^128, and few other numbers or texts look so
    r"^\W*(?:[\d.]+[eE]\+?0*(?:[2-9]\d|[1-9]\d\d+)|[\d.]{20,}[eE][+-]?\d+|\d{39}[\d.]*)\W*$"
)
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Numbers:
    """The values of a column of texts (n,), float64; which of them are missing; which are text."""

    values: npt.NDArray[np.float64]
    missing: Mask
    texts: Mask


def read_numbers(texts: Any) -> Numbers:
    """Read a pyarrow array of strings as a column of numbers, each as `column_number` does."""
    import pyarrow as pa
    import pyarrow.compute as pc

    none = np.zeros(len(texts), np.bool_)
    found = _cast(texts)
    if found is None:
        trimmed = pc.ascii_trim(texts, characters=WHITE)
        marks = pc.is_in(pc.ascii_lower(trimmed), value_set=pa.array(sorted(MISSING)))
        none = marks.to_numpy(zero_copy_only=False)
        found = _cast(pc.if_else(marks, "0", trimmed))
    if found is None:
        return _by_spelling(texts)
    return Numbers(found, none | (np.abs(found) >= BEYOND_FLOAT32), np.zeros(len(texts), np.bool_))


def holds_text(texts: Any) -> bool:
    """Say whether any value is neither a number nor missing."""
    first = texts_of(texts.slice(0, LOOKED_AT))
    if any(column_number(one) is None and not is_missing_number(one) for one in first):
        return True
    return bool(read_numbers(texts).texts.any())


def holds_no_date(texts: Any) -> bool:
    """Say whether any value is neither a date nor missing."""
    first = texts_of(texts.slice(0, LOOKED_AT))
    if any(map(_is_no_date, first)):
        return True
    return any(map(_is_no_date, texts_of(texts.unique())))


def first_of_no_kind(texts: Any, kind: Kind) -> int | None:
    """Return the first of some texts that is neither of a kind nor missing."""
    if kind == "text":
        return None
    if kind == "number":
        wrong = read_numbers(texts).texts
    else:
        is_none = _is_no_date if kind == "date" else _is_no_array
        spellings, codes = coded(texts)
        wrong = np.array(list(map(is_none, spellings)), np.bool_)[codes]
    found = np.flatnonzero(wrong)
    return int(found[0]) if len(found) else None


def read_arrays(texts: Any) -> Any:
    """Return a pyarrow array of strings as arrays in their one spelling; null if one is missing.

    Raises ValueError for what is no array.
    """
    import pyarrow as pa

    spellings, codes = coded(texts)
    told = [None if is_missing_number(one) else canonical_array(one) for one in spellings]
    if any(map(_is_no_array, spellings)):
        raise ValueError("a column of arrays holds text: the file changed between two passes")
    return pa.array(told, pa.string()).take(pa.array(codes))


def _is_no_array(text: str) -> bool:
    return not is_missing_number(text) and array_of_text(text) is None


def inexact_ones(texts: Any) -> Mask:
    """Say which texts are whole numbers that a float64 merges with others (`is_inexact`)."""
    import pyarrow.compute as pc

    long = pc.greater_equal(pc.binary_length(texts), LONG).to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(long).tolist():
        long[row] = is_inexact(texts[row].as_py())
    found: Mask = long
    return found


def first_beyond(texts: Any) -> int | None:
    """Return the first of some texts that is a number beyond a float32 (`is_beyond`)."""
    import pyarrow.compute as pc

    def large(some: Any) -> Any:
        return pc.match_substring_regex(some, pattern=MAY_BE_BEYOND)

    if not pc.any(large(texts.unique())).as_py():  # of most columns few texts are different
        return None
    rows = np.flatnonzero(large(texts).to_numpy(zero_copy_only=False)).tolist()
    return next((row for row in rows if is_beyond(texts[row].as_py())), None)


def read_dates(texts: Any) -> Any:
    """Return a pyarrow array of strings as dates in their one spelling, null for no date."""
    import pyarrow as pa

    spellings, codes = coded(texts)
    times = map(parse_date, spellings)
    spelled = pa.array([None if one is None else date_text(one) for one in times], pa.string())
    return spelled.take(pa.array(codes))


def date_numbers(texts: Any) -> npt.NDArray[np.float64]:
    """Return a pyarrow array of dates as days since the first of the year 2000, NaN for no date."""
    spellings, codes = coded(texts.fill_null(""))
    times = map(parse_date, spellings)
    days = [np.nan if one is None else date_number(one) for one in times]
    return np.array(days, np.float64)[codes]


def _is_no_date(text: str) -> bool:
    return parse_date(text) is None and not is_missing_number(text)


def _cast(texts: Any) -> npt.NDArray[np.float64] | None:
    """Return what Arrow reads; None unless all of it is a number here, too."""
    import pyarrow as pa

    try:
        found: npt.NDArray[np.float64] = texts.cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return found if np.isfinite(found).all() and not _leading_zeros(texts) else None


def _leading_zeros(texts: Any) -> bool:
    """Say whether any of some texts, none of them empty, begins with a zero before a digit."""
    if not len(texts):
        return False
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int32)[texts.offset :][: len(texts) + 1]
    letters = np.frombuffer(data, np.uint8)
    first = ends[:-1] + (letters[ends[:-1]] == MINUS)
    at_zero = letters[first] == ZERO
    second, end = first[at_zero] + 1, ends[1:][at_zero]
    following = letters[second[second < end]]
    return bool(((following >= ZERO) & (following <= NINE)).any())


def _by_spelling(texts: Any) -> Numbers:
    encoded = texts.dictionary_encode()
    spellings = texts_of(encoded.dictionary)
    read = [column_number(one) for one in spellings]
    missing = [is_missing_number(one) for one in spellings]
    values = np.array([0.0 if one is None else one for one in read], np.float64)
    is_missing = np.array(missing, np.bool_)
    is_text = np.array([one is None for one in read], np.bool_) & ~is_missing
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    return Numbers(values[codes], is_missing[codes], is_text[codes])
