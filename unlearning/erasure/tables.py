"""The values in files that keep them cut, packed or as numbers: SQLite, Parquet, Arrow, TFRecord.

    SQLite                       rows that are too long for a page; the others stand there whole
    Parquet, Arrow, Feather      every value
    TFRecord                     integers of the tf.Examples in it, which are packed

A SQLite file is opened as immutable: no lock is taken, and nothing is written beside it.
"""

import re
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, BinaryIO

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from unlearning.erasure.contents import PIECE, Content, NotUnderstood

LONGEST_FRAME = 1 << 28
HEADER, SUM = 12, 4
"""Bytes of a frame of a TFRecord before its data, and after it."""
OVERFLOWS = 400
"""Bytes. A row of SQLite that is longer may be cut into pages of 512 bytes or more."""
LONGEST_ROW = 1 << 28
AT_ONCE = 1 << 18
"""Bytes of records that are read as one message, about: each message has a cost of its own."""
FEATURES = b"\x0a"
LONGEST_VARINT = 10
WRITTEN = re.compile(rb"\x12([\x80-\xff]{0,4}[\x00-\x7f])\x1a([\x80-\xff]{0,4}[\x00-\x7f])")
"""A feature with integers, as protobuf writes it: their field, and nothing else."""
INTEGERS = b"\x1a"
"""How the integers of a feature begin; features without any have only 0x0a, 0x12, and 0 or 2."""


def long_rows(content: Content) -> Iterator[bytes]:
    """Yield the rows of a SQLite file that may be cut, each value after the other."""
    with content.as_file() as path:
        address = f"file:{_escaped(str(path.absolute()))}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True)
        try:
            connection.text_factory = bytes
            tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
            for (raw,) in connection.execute(tables).fetchall():
                yield from _long_rows_of(connection, _quoted(raw))
        finally:
            connection.close()


def _long_rows_of(connection: sqlite3.Connection, table: str) -> Iterator[bytes]:
    about = connection.execute(f"PRAGMA table_info({table})").fetchall()
    sizes = (f"coalesce(length(CAST({_quoted(one[1])} AS BLOB)), 0)" for one in about)
    size = " + ".join(sizes)
    if connection.execute(f"SELECT 1 FROM {table} WHERE {size} > {LONGEST_ROW} LIMIT 1").fetchone():
        raise NotUnderstood("a row of a database is too large")
    for row in connection.execute(f"SELECT * FROM {table} WHERE {size} > {OVERFLOWS}"):
        yield b"\x00".join(value for value in row if isinstance(value, bytes))


def _quoted(name: bytes) -> str:
    return '"' + name.decode("utf-8").replace('"', '""') + '"'


def _escaped(path: str) -> str:
    from urllib.parse import quote

    return quote(path.encode("utf-8", "surrogateescape"))


def table_values(content: Content, *, parquet: bool) -> Iterator[bytes]:
    """Yield the values of a table, one after another, a column of a batch at a time."""
    with content.at_random() as stream:
        if parquet:
            from pyarrow.parquet import ParquetFile

            batches: Iterable[Any] = ParquetFile(stream).iter_batches()
        else:
            from pyarrow import ipc

            reader = ipc.open_file(stream)
            batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        for batch in batches:
            for column in batch.columns:
                yield _joined(column.to_pylist())


def _joined(values: Iterable[Any]) -> bytes:
    """Return values as bytes, one after another: texts and bytes as they are, numbers in digits."""
    found = []
    for value in values:
        if isinstance(value, bytes):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found.append(_joined(value))
        elif isinstance(value, dict):
            found.append(_joined([*value.keys(), *value.values()]))
        elif value is not None:
            found.append(str(value).encode("utf-8"))
    return b"\x00".join(found)


# TFRecord: u64 length, u32 checksum of it, data, u32 checksum. Source: tensorflow.org, TFRecord.


def is_tfrecord(head: bytes, *, whole: bool) -> bool:
    """Say whether the first frames follow one another as those of records do."""
    place = frames = 0
    while place + 12 <= len(head) and frames < 8:
        (length,) = struct.unpack_from("<Q", head, place)
        if not length or length > LONGEST_FRAME:
            return False
        place += 12 + length + 4
        frames += 1
    return frames > 0 and (place == len(head) or (not whole and place > 0))


def may_hold_integers(examples: bytes) -> bool:
    """Say whether a part of a TFRecord may hold a feature with integers; few that say so do not.

    To look for how one begins costs less than to read the messages.
    """
    found = WRITTEN.search(examples)
    while found is not None:
        whole, integers = map(_number, found.groups())
        if whole == 1 + len(found[2]) + integers:
            return True
        found = WRITTEN.search(examples, found.start() + 1)
    return False


def _number(varint: bytes) -> int:
    return sum((byte & 127) << 7 * place for place, byte in enumerate(varint))


def integers_of_examples(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the integers of the tf.Examples in a TFRecord, in digits, one after another."""
    found: list[bytes] = []
    size = 0
    for records in _together(_records(stream)):
        for number in _integers_of_all(records):
            found.append(str(number).encode("ascii"))
            size += len(found[-1])
        if size > PIECE:
            yield b"\x00".join(found)
            found, size = [], 0
    yield b"\x00".join(found)


def _together(records: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Yield records in groups, in order, each of which can be read as one message.

    Messages one after another are one with the fields of all. But what ends within a field would
    swallow what comes next: it is alone.
    """
    group: list[bytes] = []
    size = 0
    for record in records:
        alone = not _is_features(record)
        if group and (alone or size > AT_ONCE):
            yield group
            group, size = [], 0
        if alone:
            yield [record]
        else:
            group.append(record)
            size += len(record)
    if group:
        yield group


def _is_features(message: bytes) -> bool:
    """Say whether a message is the features of a tf.Example, to its last byte."""
    if message[:1] != FEATURES:
        return False
    for end in range(2, min(len(message), 1 + LONGEST_VARINT) + 1):
        if message[end - 1] < 128:
            return end + _number(message[1:end]) == len(message)
    return False


def _records(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the data of the frames of a TFRecord, and of the last one as much as is there.

    It ends where a frame is too long: what only began like records is searched all the same.
    """
    read, place = b"", 0
    while True:
        end = place + HEADER
        if len(read) >= end:
            (length,) = struct.unpack_from("<Q", read, place)
            if length > LONGEST_FRAME:
                return
            end += length + SUM
        if len(read) >= end:
            yield read[place + HEADER : end - SUM]
            place = end
        elif more := stream.read(max(PIECE, end - len(read))):
            read, place = read[place:] + more, 0
        else:
            break
    if len(read) > place + HEADER:
        yield read[place + HEADER : end - SUM]


def _integers_of_all(records: list[bytes]) -> Iterator[int]:
    """Yield the integers of the tf.Examples in a group; of messages that are none, nothing."""
    try:
        message = _example_type().FromString(b"".join(records))
    except DecodeError:
        for record in records if len(records) > 1 else ():
            yield from _integers_of_all([record])
        return
    message.DiscardUnknownFields()
    if INTEGERS not in message.features.SerializeToString():
        return  # without a look at each of the columns, which takes seven times as long
    for entry in message.features.entries:
        yield from entry.feature.integers.values


@cache
def _example_type() -> Any:
    """Return the message type of a tf.Example, as far as integers are concerned.

    TensorFlow has it, too, and takes seconds to import. Source: tensorflow/core/example.
    """
    file = FileDescriptorProto(name="unweave/integers.proto", package="unweave.integers")

    def message(name: str, field: str, number: int, kind: str | None) -> None:
        many = FieldDescriptorProto.LABEL_REPEATED
        one = FieldDescriptorProto.LABEL_OPTIONAL
        added = file.message_type.add(name=name).field.add(name=field, number=number)
        added.label = many if field in ("entries", "values") else one
        added.type = FieldDescriptorProto.TYPE_INT64
        if kind is not None:
            added.type = FieldDescriptorProto.TYPE_MESSAGE
            added.type_name = f".unweave.integers.{kind}"

    message("Example", "features", 1, "Features")
    message("Features", "entries", 1, "Entry")  # a map is this on the wire
    message("Entry", "feature", 2, "Feature")
    message("Feature", "integers", 3, "Integers")
    message("Integers", "values", 1, None)
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName("unweave.integers.Example"))
