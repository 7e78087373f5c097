"""What stands within a content, by its format; packed streams are found without one.

    zip, tar                     each member, to be read in its turn: archives of updates, NPZ
    safetensors, NPY             each tensor, known by its digest
    SQLite, Parquet, Arrow, Feather, TFRecord   values (`tables`)

CSV, JSON, protocol buffers and TensorFlow's variables hold texts, keys and floats as they are, so
their bytes are enough. What cannot be read is said to be: a file that breaks off, an encrypted
archive, a container by its first bytes (7z, RAR, LZ4, Snappy, age, OpenPGP, `openssl enc`), and
what has no known beginning and 7.9 bits a byte, as encrypted data have.
"""

import ast
import json
import math
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from unlearning.erasure.contents import Content, NotUnderstood
from unlearning.erasure.tables import (
    integers_of_examples,
    is_tfrecord,
    long_rows,
    table_values,
)

SAMPLE = 1 << 20
FEWEST = 4096
RANDOM_BITS = 7.9
LONGEST_HEADER = 100_000_000  # of safetensors, by its own rule

SQLITE, ZIP, PARQUET, ARROW = b"SQLite format 3\x00", b"PK\x03\x04", b"PAR1", b"ARROW1\x00\x00"
NUMPY = b"\x93NUMPY"
ENCRYPTED = 1
PLAIN = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")  # SQLite's log
FOREIGN = (
    b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x04\x22\x4d\x18", b"\xff\x06\x00\x00sNaPpY",
    b"age-encryption.org/", b"-----BEGIN PGP MESSAGE", b"Salted__", b"LUKS\xba\xbe",
)  # fmt: skip


def is_known(head: bytes, *, whole: bool) -> bool:
    """Say whether the first bytes (`whole`: all there are) are those of a format that is read."""
    known = (ZIP, SQLITE, PARQUET, ARROW, NUMPY, *PLAIN, *FOREIGN)
    return (
        head.startswith(known)
        or is_archive(head)
        or _tensors_end(head) is not None
        or is_tfrecord(head, whole=whole)
    )


def within(
    content: Content, head: bytes, *, whole: bool, integers: bool = True
) -> Iterator[Content]:
    """Yield what stands within a content, by its first bytes (`whole`: all there are).

    Without `integers`, those of tf.Examples are left out: there are none, or nobody looks for a
    pattern. Raises NotUnderstood, or what the reader of a format raises for a damaged file.
    """
    if head.startswith(ZIP):
        yield from _zip(content)
    elif is_archive(head):
        yield from _tar(content)
    elif head.startswith(SQLITE):
        yield from map(content.of_bytes, long_rows(content))
    elif head.startswith((PARQUET, ARROW)):
        values = table_values(content, parquet=head.startswith(PARQUET))
        yield from map(content.of_bytes, values)
    elif head.startswith(FOREIGN):
        raise NotUnderstood("a container that is not read")
    elif integers and is_tfrecord(head, whole=whole):
        with content.opened() as stream:
            yield from map(content.of_bytes, integers_of_examples(stream))


def tensors(content: Content, head: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each tensor of a safetensors or NPY file begins, and its length in bytes."""
    end = _tensors_end(head)
    if end is not None:
        with content.opened() as stream:
            header = json.loads(stream.read(end)[8:])
        for name, one in header.items():
            if name != "__metadata__":
                first, last = one["data_offsets"]
                yield end + first, last - first
    elif head.startswith(NUMPY):
        start, size = (12, "<I") if head[6] > 1 else (10, "<H")
        start += struct.unpack_from(size, head, 8)[0]
        about = ast.literal_eval(head[head.index(b"{") : start].decode())
        dtype = np.dtype(about["descr"])
        if not dtype.hasobject:
            yield start, math.prod(about["shape"]) * dtype.itemsize


def must_not_look_random(head: bytes, read: Sequence[tuple[int, int]]) -> None:
    """Raise NotUnderstood if bytes that are in no stream that was read look encrypted."""
    unread, place = bytearray(), 0
    for start, end in sorted(read):
        unread += head[place:start]
        place = max(place, end)
    unread += head[place:]
    if len(unread) < FEWEST:
        return
    shares = np.bincount(np.frombuffer(unread, np.uint8), minlength=256) / len(unread)
    shares = shares[shares > 0]
    if -float(np.sum(shares * np.log2(shares))) >= RANDOM_BITS:
        raise NotUnderstood("encrypted or packed, it seems")


def is_archive(head: bytes) -> bool:
    """Say whether these are the first bytes of a tar: its header's checksum says so."""
    header = head[:512]
    if len(header) < 512 or not header[148:156].strip(b" \x00"):
        return False
    try:
        checksum = int(header[148:156].strip(b" \x00"), 8)
    except ValueError:
        return False
    return checksum == sum(header[:148]) + 8 * ord(" ") + sum(header[156:])


def _tensors_end(head: bytes) -> int | None:
    """Return where the header of a safetensors file ends; None if it is no such file."""
    if len(head) < 10 or head[8:9] != b"{":
        return None
    (length,) = struct.unpack_from("<Q", head)
    return 8 + length if length <= LONGEST_HEADER else None


def _zip(content: Content) -> Iterator[Content]:
    with content.at_random() as stream, zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if member.flag_bits & ENCRYPTED:
                raise NotUnderstood("an encrypted archive")
            if member.is_dir():
                continue

            @contextmanager
            def opened(member: zipfile.ZipInfo = member) -> Iterator[Any]:
                with archive.open(member) as inner:
                    yield _Counted(inner, content)

            yield Content(opened, content.budget, depth=content.depth + 1)


def _tar(content: Content) -> Iterator[Content]:
    with content.opened() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if not member.isfile():
                yield content.of_bytes(f"{member.name}\n{member.linkname}".encode())
                continue
            if content.path is not None and not member.issparse():
                yield content.part(member.offset_data, member.size)
                continue
            inner = archive.extractfile(member)
            if inner is None:
                continue
            read_once = partial(_as_it_is, inner)
            with Content(read_once, content.budget, depth=content.depth).kept() as kept:
                yield kept


@contextmanager
def _as_it_is(stream: Any) -> Iterator[Any]:
    yield stream


class _Counted:
    """A member of an archive, counted as it is unpacked."""

    def __init__(self, stream: Any, content: Content) -> None:
        self._stream, self._budget = stream, content.budget

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self._budget.spend(len(data))
        return data
