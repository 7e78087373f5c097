"""Rows on their way from a source through the gate: one at a time, or a block of columns."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from lineage_store.canonical import canonical_json
from lineage_store.keys.pseudonyms import each_pseudonym
from lineage_store.placement import U64
from lineage_store.texts.text_rows import SEPARATOR, text_batch, texts_of

ROW, SUBJECT, PLACE = "unweave_row", "unweave_subject", "unweave_place"
KEYED = (ROW, SUBJECT, PLACE)
TRAIN, EVAL, UNLABELLED = "train", "eval", "unlabelled"
SPLITS = (TRAIN, EVAL)
EVALUATION_PERCENT = 10
LARGEST_FIELD = 1 << 26
AT_ONCE = 1 << 16
"""Letters of text that are one block, or one row if that is more."""


@dataclass(frozen=True)
class Record:
    """One row on its way through the gate.

    `row_key` has 16 bytes, each of `subjects` 16, `place` 8; `values` are those of all columns as
    text, in the order of the schema.
    """

    row_key: bytes
    subjects: tuple[bytes, ...]
    place: bytes
    split: str
    values: list[str]


@dataclass(frozen=True)
class Block:
    """Some rows on their way through the gate, by columns.

    `row_keys` (n, 16) uint8; `subjects` each row's pseudonyms, one after another, none or more of
    16 bytes; `places` (n,) uint64; `evaluation` (n,) bool, whether a row is one to be judged by;
    `values` a pyarrow RecordBatch of strings without nulls, those of all columns in the order of
    the schema.
    """

    row_keys: npt.NDArray[np.uint8]
    subjects: Sequence[bytes]
    places: U64
    evaluation: npt.NDArray[np.bool_]
    values: Any

    def __len__(self) -> int:
        return len(self.row_keys)

    def of(self, rows: npt.NDArray[np.bool_]) -> "Block":
        """Return the block of some of the rows, those that a mask (n,) names."""
        import pyarrow as pa

        if rows.all():
            return self
        return Block(
            self.row_keys[rows],
            [one for one, here in zip(self.subjects, rows.tolist(), strict=True) if here],
            self.places[rows],
            self.evaluation[rows],
            self.values.filter(pa.array(rows)),
        )


def in_blocks(records: Iterable[Record], width: int) -> Iterator[Block]:
    """Yield records of `width` values as blocks."""
    waiting, size = [], 0
    for record in records:
        waiting.append(record)
        size += sum(map(len, record.values)) + width
        if size >= AT_ONCE:
            yield _block(waiting, width)
            waiting, size = [], 0
    if waiting:
        yield _block(waiting, width)


def _block(records: Sequence[Record], width: int) -> Block:
    return Block(
        np.frombuffer(b"".join(one.row_key for one in records), np.uint8).reshape(-1, 16),
        [b"".join(one.subjects) for one in records],
        np.frombuffer(b"".join(one.place for one in records), ">u8").astype(np.uint64),
        np.array([one.split == EVAL for one in records], np.bool_),
        text_batch([one.values for one in records], width),
    )


def records_in(blocks: Iterable[Block]) -> Iterator[Record]:
    """Yield the rows of blocks one by one."""
    for block in blocks:
        keys, places = block.row_keys.tobytes(), block.places.astype(">u8").tobytes()
        columns = [texts_of(column) for column in block.values.columns]
        for row, (subjects, evaluation) in enumerate(
            zip(block.subjects, block.evaluation.tolist(), strict=True)
        ):
            yield Record(
                keys[16 * row : 16 * row + 16],
                each_pseudonym(subjects),
                places[8 * row : 8 * row + 8],
                EVAL if evaluation else TRAIN,
                [column[row] for column in columns],
            )


def joined(fields: Sequence[str]) -> bytes:
    """Return two or more fields as one text, which no other fields give."""
    text = SEPARATOR.join(fields).encode("utf-8")
    if text.count(SEPARATOR.encode("ascii")) == len(fields) - 1:
        return text
    return canonical_json(list(fields))  # escapes control characters: no separator is in it


def csv_reader(stream: TextIO, *, delimiter: str = ",") -> Iterator[list[str]]:
    """Read CSV as the gate does."""
    csv.field_size_limit(LARGEST_FIELD)  # Python's own limit is less than the gate lets through
    return csv.reader(stream, strict=True, delimiter=delimiter)
