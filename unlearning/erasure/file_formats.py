"""What a file holds besides its own bytes: the contents of the formats that are known.

    gzip, zstandard, bzip2, xz   unpacked, and read in their turn
    zip                          each member, and read in its turn: archives of updates, NPZ
    SQLite                       rows that are too long for a page; the others stand there whole
    Parquet, Arrow, Feather      every value
    TFRecord                     integers of the tf.Examples in it, which are packed

CSV, JSON, safetensors, NPY, tar, protocol buffers and TensorFlow's variables hold texts, keys and
floats as they are, so their bytes are enough. What cannot be read is said to be: a file that breaks
off, an encrypted archive, a container by its first bytes (7z, RAR, LZ4, Snappy, age, OpenPGP,
`openssl enc`), and what has no known beginning and 7.9 bits a byte, as encrypted data have.

A SQLite file is opened as immutable: no lock is taken, and nothing is written beside it. One within
a packed file is not understood.
"""

import bz2
import gzip
import io
import lzma
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

PIECE = 1 << 23
DEEPEST = 4
SAMPLE = 1 << 20
FEWEST = 4096
RANDOM_BITS = 7.9
LONGEST_FRAME = 1 << 28
OVERFLOWS = 400
"""Bytes. A row of SQLite that is longer may be cut into pages of 512 bytes or more."""

SQLITE, ZIP, PARQUET, ARROW = b"SQLite format 3\x00", b"PK\x03\x04", b"PAR1", b"ARROW1\x00\x00"
ENCRYPTED = 1
PLAIN = (b"\x93NUMPY", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")  # NPY, SQLite's log
FOREIGN = (
    b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x04\x22\x4d\x18", b"\xff\x06\x00\x00sNaPpY",
    b"age-encryption.org/", b"-----BEGIN PGP MESSAGE", b"Salted__", b"LUKS\xba\xbe",
)  # fmt: skip


Opener = Callable[[], AbstractContextManager[BinaryIO]]


class NotUnderstood(Exception):
    """A file, or a part of one, of which it cannot be said what it holds."""


def contents(path: Path, *, overlap: int) -> Iterator[bytes]:
    """Yield what a file holds besides its own bytes, in pieces; each text stands whole in one.

    `overlap` is how many bytes the next piece of a stream repeats. Raises NotUnderstood, or what
    the reader of a format raises for a damaged file.
    """
    yield from _inner(lambda: path.open("rb"), overlap, depth=0, path=path)


def overlapping(stream: Any, overlap: int, *, tail: bytes = b"") -> Iterator[bytes]:
    """Yield a stream in pieces, each after the end of the one before, the first after `tail`."""
    while piece := stream.read(PIECE):
        yield tail + piece
        tail = (tail + piece)[-overlap:] if overlap else b""


def _inner(
    opened: Opener, overlap: int, *, depth: int, path: Path | None = None
) -> Iterator[bytes]:
    """Yield what is within the bytes that `opened` gives; `path` is a file that has just these."""
    with opened() as stream:
        head = stream.read(SAMPLE)
    unpack = next((how for magic, how in PACKED.items() if head.startswith(magic)), None)
    if unpack is not None or head.startswith(ZIP):
        if depth == DEEPEST:
            raise NotUnderstood("packed too many times")
        if unpack is None:
            yield from _archive(opened, overlap, depth=depth)
            return

        @contextmanager
        def unpacked() -> Iterator[BinaryIO]:
            with opened() as raw, unpack(raw) as stream:
                yield stream

        with unpacked() as stream:
            first = stream.read(PIECE)
            yield first
            yield from overlapping(stream, overlap, tail=first[-overlap:] if overlap else b"")
        # What fits into one piece is not unpacked again to see what is within.
        inner = unpacked if len(first) == PIECE else partial(io.BytesIO, first)
        yield from _inner(inner, overlap, depth=depth + 1)
    elif head.startswith(SQLITE):
        yield from _database(opened, path)
    elif head.startswith((PARQUET, ARROW)):
        with opened() as stream:
            yield from _table(io.BytesIO(stream.read()), parquet=head.startswith(PARQUET))
    elif head.startswith(FOREIGN):
        raise NotUnderstood("a container that is not read")
    elif _is_tfrecord(head):
        with opened() as stream:
            yield from _examples(stream)
    elif not head.startswith(PLAIN) and not _is_safetensors(head) and _looks_random(head):
        raise NotUnderstood("encrypted or packed, it seems")


class _Zstandard:
    """The frames of a zstandard file, unpacked; its library's own reader ends early in silence."""

    def __init__(self, stream: BinaryIO) -> None:
        from zstandard import ZstdDecompressor

        self._stream = stream
        self._new = ZstdDecompressor().decompressobj
        self._frame = self._new()
        self._begun = False
        self._packed = self._unpacked = b""

    def __enter__(self) -> "_Zstandard":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all; fewer at the end. Raises NotUnderstood if it breaks off."""
        while size < 0 or len(self._unpacked) < size:
            packed = self._packed or self._stream.read(SAMPLE)
            if not packed:
                if self._begun:
                    raise NotUnderstood("it breaks off")
                break
            self._begun = True
            self._unpacked += self._frame.decompress(packed)
            self._packed = b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, self._new()
                self._begun = False
        end = len(self._unpacked) if size < 0 else size
        told, self._unpacked = self._unpacked[:end], self._unpacked[end:]
        return told


PACKED: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    b"\x28\xb5\x2f\xfd": _Zstandard,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}


def _archive(opened: Opener, overlap: int, *, depth: int) -> Iterator[bytes]:
    with opened() as stream:
        whole = stream if depth == 0 else io.BytesIO(stream.read())
        with zipfile.ZipFile(whole) as archive:
            for member in archive.infolist():
                if member.flag_bits & ENCRYPTED:
                    raise NotUnderstood("an encrypted archive")
                data = archive.read(member)
                if member.compress_type != zipfile.ZIP_STORED:
                    yield data
                yield from _inner(partial(io.BytesIO, data), overlap, depth=depth + 1)


def _database(opened: Opener, path: Path | None) -> Iterator[bytes]:
    if path is None:
        raise NotUnderstood("a database within a packed file")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        connection.text_factory = bytes
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (raw,) in names:
            name = _quoted(raw)
            about = connection.execute(f"PRAGMA table_info({name})").fetchall()
            columns = [f"coalesce(length(CAST({_quoted(one[1])} AS BLOB)), 0)" for one in about]
            long = f"{' + '.join(columns)} > {OVERFLOWS}"
            for row in connection.execute(f"SELECT * FROM {name} WHERE {long}"):
                yield b"\x00".join(value for value in row if isinstance(value, bytes))
    finally:
        connection.close()


def _quoted(name: bytes) -> str:
    return '"' + name.decode("utf-8").replace('"', '""') + '"'


def _table(stream: BinaryIO, *, parquet: bool) -> Iterator[bytes]:
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


def _is_tfrecord(head: bytes) -> bool:
    """Say whether the first frames follow one another as those of records do."""
    place = frames = 0
    while place + 12 <= len(head) and frames < 8:
        (length,) = struct.unpack_from("<Q", head, place)
        if not length or length > LONGEST_FRAME:
            return False
        place += 12 + length + 4
        frames += 1
    return frames > 0 and (place == len(head) or (len(head) == SAMPLE and place > 0))


def _examples(stream: BinaryIO) -> Iterator[bytes]:
    found: list[bytes] = []
    size = 0
    while len(header := stream.read(12)) == 12:
        (length,) = struct.unpack_from("<Q", header)
        if length > LONGEST_FRAME:
            return  # it only began like records; its bytes are searched all the same
        for number in _integers(stream.read(length)):
            found.append(str(number).encode("ascii"))
            size += len(found[-1])
        stream.read(4)
        if size > PIECE:
            yield b"\x00".join(found)
            found, size = [], 0
    yield b"\x00".join(found)


def _integers(example: bytes) -> Iterator[int]:
    """Yield the integers of a tf.Example: features (1) . feature (1) . value (2) . int64 (3)."""
    for features in _fields(example, 1):
        for entry in _fields(features, 1):
            for value in _fields(entry, 2):
                for integers in _fields(value, 3):
                    for packed in _fields(integers, 1):
                        place = 0
                        while place < len(packed):
                            number, place = _varint(packed, place)
                            yield number - (1 << 64) if number >> 63 else number


def _fields(message: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the fields of a number that have a length; a message that is none yields nothing."""
    place = 0
    while place < len(message):
        try:
            tag, place = _varint(message, place)
            if tag & 7 != 2:
                return
            length, place = _varint(message, place)
        except IndexError:
            return
        if tag >> 3 == wanted:
            yield message[place : place + length]
        place += length


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, place


def _is_safetensors(head: bytes) -> bool:
    return len(head) > 9 and head[8:9] == b"{" and head[:8].endswith(bytes(4))


def _looks_random(head: bytes) -> bool:
    if len(head) < FEWEST:
        return False
    shares = np.bincount(np.frombuffer(head, np.uint8), minlength=256) / len(head)
    shares = shares[shares > 0]
    return -float(np.sum(shares * np.log2(shares))) >= RANDOM_BITS
