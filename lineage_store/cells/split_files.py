"""The gate's second pass: blocks as they stand in a snapshot, one CSV file a split.

TFX's ExampleGen infers types of its own. So that it cannot differ, a number is written with a point
or an exponent, and a string that could be read as a number gets an apostrophe in front, as does one
that has an apostrophe already. It also reads line by line, so a string with line breaks is written
in one line, marked by an apostrophe and a per cent sign.
"""

import hashlib
import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from lineage_store.cells.snapshot import CSV_FILE, DIGEST_MODULUS, escape
from lineage_store.data.number_text import number_text
from lineage_store.data.record import (
    EVAL,
    KEYED,
    SPLITS,
    TRAIN,
    UNLABELLED,
    Block,
    joined,
)
from lineage_store.data.schema import Schema
from lineage_store.data.typed_block import typed_block
from lineage_store.sources.text_rows import SEPARATOR, bytes_of, rows_with_more

END = "\r\n"
TO_QUOTE = re.compile('[,"\r\n]')
Mask = npt.NDArray[np.bool_]


def write_splits(
    blocks: Iterable[Block], schema: Schema, folder: Path
) -> tuple[dict[str, int], str]:
    """Write blocks into the files of a snapshot; return their rows by split, and the data's digest.

    Raises ValueError if a column of numbers holds text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    counts = {TRAIN: 0, EVAL: 0, UNLABELLED: 0}
    total = 0
    with ExitStack() as stack:
        streams = {split: stack.enter_context(_new_file(folder, split)) for split in counts}
        for split in SPLITS:
            header = [*KEYED, *(column.name for column in schema.all)]
            streams[split].write((",".join(map(_quoted, header)) + END).encode("utf-8"))
        for block in blocks:
            typed, labelled = typed_block(block.values, schema)
            keys, places = _hexadecimal(block.row_keys), _hexadecimal(block.places.astype(">u8"))
            subjects = pa.array([one.hex() for one in block.subjects], pa.string())
            # ExampleGen takes digits for numbers, whatever they are: hence the letter.
            keyed = [pc.binary_join_element_wise("k", one, "") for one in (keys, subjects, places)]
            _add(streams[UNLABELLED], keyed, ~labelled)
            counts[UNLABELLED] += int(np.count_nonzero(~labelled))
            chosen = pa.array(labelled)
            written = [_written(column) for column in typed.columns]
            digested = [one.filter(chosen) for one in (keys, places)]
            total += _digests([*digested, *(text for text, _ in written)])
            whole = [*(one.filter(chosen) for one in keyed), *(quoted for _, quoted in written)]
            evaluation = block.evaluation[labelled]
            for split, rows in ((TRAIN, ~evaluation), (EVAL, evaluation)):
                _add(streams[split], whole, rows)
                counts[split] += int(np.count_nonzero(rows))
    return counts, f"{total % DIGEST_MODULUS:064x}"


def _new_file(folder: Path, split: str) -> BinaryIO:
    (folder / split).mkdir()
    return (folder / split / CSV_FILE).open("wb")


def _hexadecimal(values: npt.NDArray[Any]) -> Any:
    """Return the bytes of each value, or row, as an array of strings."""
    import pyarrow as pa

    text = values.tobytes().hex().encode("ascii")
    size = len(text) // max(1, len(values))
    offsets = np.arange(len(values) + 1, dtype=np.int32) * np.int32(size)
    return pa.StringArray.from_buffers(len(values), pa.py_buffer(offsets), pa.py_buffer(text))


def _written(column: Any) -> tuple[Any, Any]:
    """Return what is written of each value, a missing one empty: as it is, and as a field of CSV.

    Each different value is asked once.
    """
    import pyarrow as pa

    floats = pa.types.is_floating(column.type)
    encoded = (column.view(pa.int64()) if floats else column).dictionary_encode()  # -0.0 is not 0.0
    different = encoded.dictionary.view(column.type).to_numpy(zero_copy_only=False).tolist()
    texts = list(map(number_text if floats else escape, different))
    fields = texts if floats else list(map(_quoted, texts))
    written = pa.array(texts, pa.string()).take(encoded.indices).fill_null("")
    if fields == texts:
        return written, written
    return written, pa.array(fields, pa.string()).take(encoded.indices).fill_null("")


def _quoted(text: str) -> str:
    """Return a field as `csv.writer` writes it."""
    return '"' + text.replace('"', '""') + '"' if TO_QUOTE.search(text) else text


def _digests(columns: list[Any]) -> int:
    """Return the sum of the rows' SHA-256: of key and place in hexadecimal, and the text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = pc.binary_join_element_wise(*columns, SEPARATOR)
    texts = bytes_of(whole.cast(pa.binary()))
    for row in rows_with_more(whole, len(columns) - 1):
        texts[row] = joined([column[row].as_py() for column in columns])
    digests = b"".join(hashlib.sha256(text).digest() for text in texts)
    words = np.frombuffer(digests, ">u4").reshape(-1, 8).sum(axis=0, dtype=np.uint64)
    return sum(int(word) << 32 * place for place, word in enumerate(words[::-1].tolist()))


def _add(stream: BinaryIO, columns: list[Any], rows: Mask) -> None:
    """Write some rows as lines of CSV."""
    import pyarrow as pa
    import pyarrow.compute as pc

    chosen = [column.filter(pa.array(rows)) for column in columns]
    lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*chosen, ","), "", END)
    if len(lines):
        _, offsets, data = lines.buffers()
        first, last = np.frombuffer(offsets, np.int32)[[lines.offset, lines.offset + len(lines)]]
        stream.write(memoryview(data)[first:last])
