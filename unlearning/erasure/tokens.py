"""Which values of a row give it away.

A value counts if it has at least 40 bits as a random text of its length and kind of letters: a `1`
or a `Berlin` is found everywhere and proves nothing. A number counts by its digits. The numbers of
a row, as the row store keeps them (float32, one after another), count together: one alone has 32
bits. A value that rows of others have too proves nothing either (`scan.distinctive`).
"""

import math

import numpy as np

from lineage_store.cells import GoingRows, Snapshot, read_some
from lineage_store.data import Column, days_of, parse_number
from unlearning.erasure.spellings import SHORTEST, whole_digits

DISTINCTIVE_BITS = 40
DIGIT_BITS = math.log2(10)


def bits_of(text: str) -> float:
    """Return how many bits a random text of this length and kind of letters has.

    Without letters, and of a number, the digits count that are not zeros at either end.
    """
    number = parse_number(text)
    if number is not None:
        text = whole_digits(number) or repr(number).partition("e")[0]
    if not any(letter.isalpha() for letter in text):
        digits = "".join(filter(str.isdecimal, text)).strip("0")
        return len(digits) * DIGIT_BITS
    letters = 26 if text.isalpha() and (text.islower() or text.isupper()) else 64
    return len(text) * math.log2(letters)


def is_distinctive(text: str) -> bool:
    """Say whether finding a text proves that it is this one."""
    return bits_of(text) >= DISTINCTIVE_BITS and len(text.encode("utf-8")) >= SHORTEST


def row_tokens(snapshot: Snapshot, rows: GoingRows) -> tuple[set[str], set[bytes]]:
    """Return the distinctive texts of some rows of a snapshot, and their numbers in one."""
    columns, labels = snapshot.schema.columns, snapshot.schema.labels
    after = len(columns) + len(labels)
    texts: set[str] = set()
    numbers: set[bytes] = set()
    for record in read_some(snapshot, rows):
        pairs = list(zip(record.values, columns, strict=False))  # without labels
        weights = record.values[after:]
        texts.update(value for value, _ in pairs if is_distinctive(value))
        texts.update(value for value in weights if is_distinctive(value))
        numeric = [(value, column) for value, column in pairs if column.kept == "number"]
        if sum(_float_bits(value) for value, _ in numeric) >= DISTINCTIVE_BITS:
            parsed = [_number(value, column) for value, column in numeric]
            with np.errstate(over="ignore"):  # infinite as a float32, as in the row store
                row = np.array([np.nan if v is None else v for v in parsed], "<f4")
            numbers.add(row.tobytes())
    # Names of columns and classes stand in ledgers and records, whoever's rows are gone.
    classes = (name for label in labels for name in label.classes)
    names = (*(column.name for column in snapshot.schema.all), *classes)
    return {text for text in texts if not any(text in name for name in names)}, numbers


def _number(text: str, column: Column) -> float | None:
    """Return a value as a model takes it; None if it is missing."""
    if not text:
        return None
    return days_of(text) if column.kind == "date" else parse_number(text)


def _float_bits(text: str) -> float:
    """Return the bits of a number as a float: at most the 24 that it can hold."""
    return min(bits_of(text), 24.0) if text else 0.0
