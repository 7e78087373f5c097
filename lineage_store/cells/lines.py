"""Rows as the lines of a cell's file, made a block at a time.

A line is what Python's csv writes of the keys and the values, each in its one spelling. Of a
column's values each different one is written once, whatever the number of its rows.

A text is written so that no reader takes it for a number, and in one line (`escape`): what is
between two line breaks is a row. That lines can be joined, compared and taken out as bytes is what
makes a deletion cheap, and that they are text is what makes a residue easy to find.
"""

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.data.number_text import number_text
from lineage_store.data.record import Block, csv_reader, joined
from lineage_store.placement import U64
from lineage_store.texts.text_rows import SEPARATOR, bytes_of, rows_with_more, texts_of

BREAK = b"\r\n"
SPECIAL = frozenset(',"\r\n')


@dataclass(frozen=True)
class Lines:
    """The lines of some rows (a pyarrow BinaryArray), and what each row adds to the data's digest.

    `digests` (n, 8) uint64 are the SHA-256 of each row: its key, place and values, in 32-bit words.
    """

    text: Any
    digests: U64


def escape(text: str) -> str:
    """Write a string in one line that no reader takes for a number; an empty one stays empty."""
    if "\n" in text or "\r" in text:
        return "'%" + text.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
    if text.startswith("'") or _looks_like_number(text):
        return "'" + text
    return text


def unescape(text: str) -> str:
    """Read back what `escape` wrote."""
    if text.startswith("'%"):
        return text[2:].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    return text[1:] if text.startswith("'") else text


def _looks_like_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def by_key(lines: Iterable[bytes], keys: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Return the lines of the rows with some keys (16 bytes each), and those of all others."""
    marked = {b"k" + key.hex().encode("ascii") for key in keys}
    those: list[bytes] = []
    others: list[bytes] = []
    for line in lines:
        (those if line.partition(b",")[0] in marked else others).append(line)
    return those, others


def line_digest(line: bytes) -> int:
    """Return what the row of a line adds to the data's digest."""
    ((row_key, _, place, *written),) = csv_reader(io.StringIO(line.decode("utf-8"), newline=""))
    return row_digest(row_key[1:], place[1:], written)


def row_digest(row_key: str, place: str, written: list[str]) -> int:
    """Return what a row adds to the data's digest: its key and place in hexadecimal, its text."""
    return int.from_bytes(hashlib.sha256(joined([row_key, place, *written])).digest(), "big")


def header_line(names: tuple[str, ...]) -> bytes:
    """Return the first line of a cell's file."""
    return ",".join(map(quoted, names)).encode("utf-8") + BREAK


def quoted(field: str) -> str:
    """Write a field as CSV does: in quotes if it has to be."""
    if SPECIAL.isdisjoint(field):
        return field
    return '"' + field.replace('"', '""') + '"'


def key_fields(row_keys: npt.NDArray[np.uint8]) -> Any:
    """Return keys of any number of bytes (n, bytes) as fields of a line: hexadecimal, after a k.

    A number with nothing but digits might be read as one: hence the letter.
    """
    import pyarrow as pa

    width = row_keys.shape[1] * 2 + 1
    text = np.empty((len(row_keys), width), np.uint8)
    text[:, 0] = ord("k")
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)
    text[:, 1::2], text[:, 2::2] = digits[row_keys >> 4], digits[row_keys & 15]
    fixed = pa.Array.from_buffers(
        pa.binary(width), len(row_keys), [None, pa.py_buffer(text.tobytes())]
    )
    return fixed.cast(pa.binary())


def subject_fields(subjects: Sequence[bytes]) -> Any:
    """Return each row's pseudonyms as a field."""
    import pyarrow as pa

    return pa.array([b"k" + one.hex().encode("ascii") for one in subjects], pa.binary())


def lines_of(block: Block, values: Any) -> Lines:
    """Return the lines of a block's rows.

    `values` is a RecordBatch in the kinds of a schema: float64 for numbers, strings for texts,
    null where a value is missing; None if all that is kept of the rows are their keys.
    """
    import pyarrow as pa
    from pyarrow import compute

    row_keys = block.row_keys
    places = np.ascontiguousarray(block.places, ">u8").view(np.uint8).reshape(-1, 8)
    columns = [] if values is None else [_written(array) for array in values.columns]
    written = [plain for plain, _ in columns]
    keys, placed = key_fields(row_keys), key_fields(places)
    end = pa.scalar(b"", pa.binary())
    line = compute.binary_join_element_wise(
        keys, subject_fields(block.subjects), placed, *(field for _, field in columns), b","
    )
    line = compute.binary_join_element_wise(line, end, BREAK)
    said = compute.binary_join_element_wise(
        _without_mark(compute, keys), _without_mark(compute, placed), *written, SEPARATOR.encode()
    )
    texts = bytes_of(said)
    for row in rows_with_more(said, len(written) + 1):  # a separator within a text
        fields = [array[row].as_py().decode("utf-8") for array in written]
        key, place = row_keys[row].tobytes().hex(), places[row].tobytes().hex()
        texts[row] = joined([key, place, *fields])
    digests = b"".join(hashlib.sha256(text).digest() for text in texts)
    return Lines(line, np.frombuffer(digests, ">u4").reshape(-1, 8).astype(np.uint64))


def total_of(digests: U64) -> int:
    """Return the sum of digests (n, 8), or of sums of them, as a whole number."""
    words = digests.sum(axis=0, dtype=np.uint64)[::-1].tolist()
    return sum(int(word) << 32 * place for place, word in enumerate(words))


def _without_mark(compute: Any, keys: Any) -> Any:
    return compute.binary_replace_slice(keys, start=0, stop=1, replacement=b"")


def _written(array: Any) -> tuple[Any, Any]:
    """Return a column's values as they are written, an empty text where one is missing.

    They are told as such, and as fields of CSV.
    """
    import pyarrow as pa

    if pa.types.is_floating(array.type):
        known = array.view(pa.int64()).dictionary_encode()  # 0.0 and -0.0 have two spellings
        numbers = known.dictionary.to_numpy().view(np.float64).tolist()
        return (_spread(known.indices, list(map(number_text, numbers))),) * 2
    known = array.dictionary_encode()
    plain = list(map(escape, texts_of(known.dictionary)))
    fields = list(map(quoted, plain))
    written = _spread(known.indices, plain)
    return written, written if fields == plain else _spread(known.indices, fields)


def _spread(indices: Any, texts: list[str]) -> Any:
    """Return the text of each row, by its place among the different ones."""
    import pyarrow as pa

    different = pa.array(texts or [""], pa.string()).cast(pa.binary())
    return different.take(indices).fill_null(b"")
