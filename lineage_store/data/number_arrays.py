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
    is_missing_number,
)
from lineage_store.sources.text_rows import texts_of

WHITE = " \t\r\n"
MINUS, ZERO, NINE = b"-09"
LOOKED_AT = 8
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
