"""A content: bytes that may stand in a file, or in something within it, opened as often as needed.

Memory stays bounded: contents are read in pieces. What must be read at random (an archive, a table,
a database) and is no file yet is first written to one in the workspace's `tmp/`, which the next
command empties. All that is unpacked from a file counts against one budget: a bomb meets its limit,
and is named as not understood; so is a file that is larger than what was ever written to it.
"""

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

PIECE = 1 << 19  # what stays in a processor's cache is searched faster
SMALL = 1 << 23
LEAST_UNPACKED = 1 << 30
TIMES_UNPACKED = 100
BLOCK = 512  # bytes, of those that stat counts

Opener = Callable[[], AbstractContextManager[BinaryIO]]


class NotUnderstood(Exception):
    """A file, or a part of one, of which it cannot be said what it holds."""


class Budget:
    """How much may be unpacked from one file: 1 GiB, or a hundred times its size if that is more.

    `scratch` is the folder for what must be written down meanwhile.
    """

    def __init__(self, size: int, *, scratch: Path | None) -> None:
        self.limit = max(LEAST_UNPACKED, TIMES_UNPACKED * size)
        self.left = self.limit
        self.scratch = scratch

    def spend(self, amount: int) -> None:
        """Count what was unpacked; raises NotUnderstood beyond the limit."""
        self.left -= amount
        if self.left < 0:
            raise NotUnderstood(f"it unpacks to more than {self.limit >> 20} MiB")


def must_not_be_hollow(path: Path) -> None:
    """Raise NotUnderstood for a file of which more than 1 GiB was never written: it has no end."""
    about = path.stat()
    if about.st_size - about.st_blocks * BLOCK <= LEAST_UNPACKED:
        return
    hollow = place = 0
    with path.open("rb") as stream:  # a file system that packs has few blocks and no holes
        while place < about.st_size:
            start = os.lseek(stream.fileno(), place, os.SEEK_HOLE)
            try:
                place = os.lseek(stream.fileno(), start, os.SEEK_DATA)
            except OSError:  # there is none after it
                place = about.st_size
            hollow += place - start
    if hollow > LEAST_UNPACKED:
        raise NotUnderstood(f"a sparse file of {about.st_size >> 20} MiB")


@dataclass(frozen=True)
class Content:
    """Bytes that `opened` gives as often as it is called; `path` is a file that has just these.

    `depth` is how many times they were packed. `whole` is said of a file, a member or a tensor,
    which may be known by its digest, and not of a part of one that was made for reading.
    """

    opened: Opener
    budget: Budget
    path: Path | None = None
    depth: int = 0
    whole: bool = True

    def of_bytes(self, data: bytes, *, whole: bool = False) -> "Content":
        """Return a content that was read from within this one."""
        return Content(lambda: io.BytesIO(data), self.budget, depth=self.depth, whole=whole)

    def from_place(self, place: int) -> Opener:
        """Return what opens these bytes from a place on."""

        @contextmanager
        def opened() -> Iterator[BinaryIO]:
            with self.opened() as stream:
                skip(stream, place)
                yield stream

        return opened

    def part(self, place: int, length: int) -> "Content":
        """Return so many of these bytes from a place on, as a content of their own."""

        @contextmanager
        def opened() -> Iterator[Any]:
            with self.from_place(place)() as stream:
                yield _First(stream, length)

        return Content(opened, self.budget, depth=self.depth)

    @contextmanager
    def at_random(self) -> Iterator[Any]:
        """Open as a file in which one can go to and fro."""
        if self.path is not None:
            with self.path.open("rb") as stream:
                yield stream
            return
        with self.opened() as stream:
            first = stream.read(SMALL)
            if len(first) < SMALL:
                yield io.BytesIO(first)
                return
            with self._written(stream, first) as file:
                yield file

    @contextmanager
    def _written(self, stream: BinaryIO, first: bytes = b"") -> Iterator[Any]:
        if self.budget.scratch is None:
            raise NotUnderstood("it is packed, and there is no place to unpack it")
        with tempfile.NamedTemporaryFile(dir=self.budget.scratch) as file:
            file.write(first)
            while piece := stream.read(PIECE):
                file.write(piece)
            file.flush()
            file.seek(0)
            yield file

    @contextmanager
    def kept(self) -> Iterator["Content"]:
        """Give the same bytes as often as asked, though `opened` does so only once."""
        with self.at_random() as file:
            yield replace(self, opened=lambda: _rewound(file))

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """Write the bytes where they have a path, if they are no file."""
        if self.path is not None:
            yield self.path
            return
        with self.opened() as stream, self._written(stream) as file:
            yield Path(file.name)


@contextmanager
def _rewound(file: Any) -> Iterator[Any]:
    file.seek(0)
    yield file


class _First:
    """The first bytes of a stream."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream = stream
        self._left = length

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(wanted)
        self._left -= len(data)
        return data


def skip(stream: BinaryIO, place: int) -> None:
    """Go on to a place in a stream that was just opened."""
    if hasattr(stream, "seek"):
        stream.seek(place)
        return
    while place > 0 and (piece := stream.read(min(place, PIECE))):
        place -= len(piece)
