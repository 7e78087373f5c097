"""Which values of a row give it away, and all the ways in which they may be written.

A value counts if it has at least 40 bits as a random text of its length and kind of letters: a `1`
or a `Berlin` is found everywhere and proves nothing. A number counts by its digits. The numbers of
a row, as the row store keeps them (float32, one after another), count together: one alone has 32
bits. A value that rows of others have too
proves nothing either (`scan.distinctive`).
"""

import base64
import json
import math
import struct
from collections.abc import Iterator

import numpy as np

from lineage_store.data import SPLITS, Snapshot, escape, parse_number, read_snapshot

SHORTEST = 5
DISTINCTIVE_BITS = 40
DIGIT_BITS = math.log2(10)
INTEGERS = range(-(1 << 63), 1 << 63)
EXACT = 2.0**63


def bits_of(text: str) -> float:
    """Return how many bits a random text of this length and kind of letters has.

    Without letters, and of a number, the digits count that are not zeros at either end.
    """
    number = parse_number(text)
    if number is not None:
        text = _whole(number) or repr(number).partition("e")[0]
    if not any(letter.isalpha() for letter in text):
        digits = "".join(filter(str.isdecimal, text)).strip("0")
        return len(digits) * DIGIT_BITS
    letters = 26 if text.isalpha() and (text.islower() or text.isupper()) else 64
    return len(text) * math.log2(letters)


def is_distinctive(text: str) -> bool:
    """Say whether finding a text proves that it is this one."""
    return bits_of(text) >= DISTINCTIVE_BITS and len(text.encode("utf-8")) >= SHORTEST


def spellings(text: str) -> set[bytes]:
    """Return the bytes by which a text may stand in a file.

    UTF-8 and UTF-16, escaped as in JSON, CSV and the gate's files, in hexadecimal, in base64 (at
    all three places of a group); of a number also its 64-bit integer or double, either byte order.
    """
    plain = text.encode("utf-8")
    found = {plain, text.encode("utf-16-le"), text.encode("utf-16-be")}
    found |= {json.dumps(text, ensure_ascii=ascii)[1:-1].encode() for ascii in (True, False)}
    found |= {text.replace('"', '""').encode("utf-8"), escape(text).removeprefix("'%").encode()}
    found |= {plain.hex().encode("ascii"), plain.hex().upper().encode("ascii")}
    found |= set(in_base64(plain))
    found |= set(_of_number(text))
    return {one for one in found if len(one) >= SHORTEST}


def in_base64(data: bytes) -> Iterator[bytes]:
    """Yield the letters that any base64 of a longer text has if the data are within it."""
    for before in range(3):
        written = base64.b64encode(bytes(before) + data)
        inner = written[(before * 8 + 5) // 6 : (before + len(data)) * 8 // 6]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def row_tokens(snapshot: Snapshot, row_keys: frozenset[bytes]) -> tuple[set[str], set[bytes]]:
    """Return the distinctive texts of some rows of a snapshot, and their numbers in one."""
    columns = snapshot.schema.columns
    texts: set[str] = set()
    numbers: set[bytes] = set()
    for split in SPLITS if row_keys else ():
        for record in read_snapshot(snapshot, split):
            if record.row_key not in row_keys:
                continue
            pairs = list(zip(record.values, columns, strict=False))  # without labels
            texts.update(value for value, _ in pairs if is_distinctive(value))
            numeric = [value for value, column in pairs if column.kind == "number"]
            if sum(map(_float_bits, numeric)) >= DISTINCTIVE_BITS:
                parsed = [parse_number(value) if value else None for value in numeric]
                with np.errstate(over="ignore"):  # infinite as a float32, as in the row store
                    row = np.array([np.nan if v is None else v for v in parsed], "<f4")
                numbers.add(row.tobytes())
    # Names of columns and classes stand in ledgers and records, whoever's rows are gone.
    classes = (name for label in snapshot.schema.labels for name in label.classes)
    names = (*(column.name for column in columns), *classes)
    return {text for text in texts if not any(text in name for name in names)}, numbers


def _of_number(text: str) -> Iterator[bytes]:
    number = parse_number(text)
    if number is None:
        return
    yield from (struct.pack(order + "d", number) for order in "<>")
    whole = _whole(number)
    if whole is None:
        return
    yield whole.encode("ascii")
    if int(whole) in INTEGERS:
        yield from (struct.pack(order + "q", int(whole)) for order in "<>")
        if int(whole).bit_length() < 48:
            yield struct.pack(">q", int(whole))[2:]  # as SQLite keeps it, where six bytes do


def _whole(number: float) -> str | None:
    """Write a number without a fraction in digits alone; None if it has one, or is too large."""
    return str(int(number)) if number == int(number) and abs(number) < EXACT else None


def _float_bits(text: str) -> float:
    """Return the bits of a number as a float: at most the 24 that it can hold."""
    return min(bits_of(text), 24.0) if text else 0.0
