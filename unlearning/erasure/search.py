"""The search of one file, and of all that is in it: by patterns, and by digests of what was erased.

A content is read once for its bytes: patterns, packed streams within, its digest. Then what its
format keeps within it is read in its turn, and so on: whatever is packed into whatever. The first
hit ends the search of a file.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unlearning.erasure.contents import PIECE, Budget, Content, NotUnderstood, must_not_be_hollow
from unlearning.erasure.file_formats import (
    SAMPLE,
    ZIP,
    is_known,
    must_not_look_random,
    tensors,
    within,
)
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.packed_streams import Stream, raw_streams, streams
from unlearning.erasure.tables import is_tfrecord, may_hold_integers

DEEPEST = 4
OVERLAP = 1024
SMALLEST = 64
"""Bytes. Anything shorter is alike everywhere, and is not known by its digest."""
APPENDED = 1 << 20
"""Bytes that may be appended to a copy of an erased file for it to be known by its beginning."""
FEWEST_KINDS = 8
"""Different bytes in what is known by its digest: arrays of zeros are alike everywhere, too."""


class Residue(Exception):
    """What is searched for was found."""


@dataclass(frozen=True)
class Search:
    """What is searched for, and whom to tell the digest of each file, member and tensor.

    `lengths` (ascending) are those of erased files: of what is as long and goes on, the digest of
    the beginning is told, too, to `began` if that is another.
    `progress` is told how many bytes of files were read, piece by piece. What is known to be
    `drawn` by chance may look like it, and like anything: now and then nonces are a packed stream.
    A nonce stays with a cell that a later model takes over, so nothing in such a file is known by
    its digest, but the file.
    """

    matcher: Matcher
    seen: Callable[[str], None] | None = None
    lengths: Sequence[int] = ()
    scratch: Path | None = None
    progress: Callable[[int], None] | None = None
    began: Callable[[str], None] | None = None
    drawn: bool = False

    def read(self, path: Path) -> None:
        """Search a file; raises Residue, or NotUnderstood if it cannot be said what it holds."""
        must_not_be_hollow(path)
        budget = Budget(path.stat().st_size, scratch=self.scratch)
        self._read(Content(lambda: path.open("rb"), budget, path=path))

    @property
    def _within(self) -> "Search":
        """The search of what is packed in a file."""
        return replace(self, seen=None, began=None) if self.drawn else self

    def _read(self, content: Content) -> None:
        overlap = max(self.matcher.longest, OVERLAP)
        digests = _Digests(self, content)
        head = tail = b""
        place = after = 0
        records = integers = False
        streams_read: list[tuple[int, int]] = []
        with content.opened() as stream:
            while piece := stream.read(PIECE):
                window = tail + piece
                if not place:
                    records = not self.matcher.is_empty and is_tfrecord(piece, whole=False)
                integers = integers or (records and may_hold_integers(window))
                if self.matcher.matches(window):
                    raise Residue
                digests.add(piece)
                head += piece[: SAMPLE - len(head)]
                in_archive = head.startswith(ZIP)
                for found in streams(content, window, place - len(tail), members=not in_archive):
                    if not found.length:
                        self._within._read_packed(content, found)
                    elif found.start >= after:
                        after = self._within._read_packed(content, found)
                        streams_read.append((found.start, after))
                place += len(piece)
                if content.path is not None and self.progress is not None:
                    self.progress(len(piece))
                tail = window[-overlap:]
        digests.end()
        self._read_within(content, head, place, streams_read, integers=integers)

    def _read_packed(self, content: Content, found: Stream) -> int:
        """Read a packed stream, and return where it ends."""
        for inner in found.within:
            if inner.depth > DEEPEST:
                if found.sure:
                    raise NotUnderstood("packed too many times")
                continue
            try:
                self._read(inner)
            except Residue:
                raise
            except Exception:
                # What may be no stream at all need not be understood; but a bomb is one.
                if found.sure or content.budget.left < 0:
                    raise
        return found.start + found.length

    def _read_within(
        self,
        content: Content,
        head: bytes,
        length: int,
        read: list[tuple[int, int]],
        *,
        integers: bool,
    ) -> None:
        whole = length == len(head)
        if self.seen is not None:
            self._tell_tensors(content, head)
        if not is_known(head, whole=whole):
            if content.path is not None and not _is_text(head):
                for found in raw_streams(content, head):
                    read.append((found.start, self._within._read_packed(content, found)))
            if content.whole and not self.drawn:
                must_not_look_random(head, read)
            return
        for inner in within(content, head, whole=whole, integers=integers):
            if inner.depth > DEEPEST:
                raise NotUnderstood("packed too many times")
            self._read(inner)

    def _tell_tensors(self, content: Content, head: bytes) -> None:
        for start, length in tensors(content, head):
            if length >= SMALLEST:
                with content.from_place(start)() as stream:
                    digests = _Digests(self, None)
                    while length and (piece := stream.read(min(PIECE, length))):
                        digests.add(piece)
                        length -= len(piece)
                    digests.end()


class _Digests:
    """The digest of a content, and those of its beginnings that are as long as an erased file."""

    def __init__(self, search: Search, content: Content | None) -> None:
        self._told = search.seen if content is None or content.whole else None
        self._lengths = search.lengths if content is not None else ()
        self._is_file = content is not None and content.path is not None
        if content is not None and content.path is not None and self._lengths:
            size = content.path.stat().st_size
            at = bisect_right(self._lengths, size) - 1
            if at < 0 or size > self._lengths[at] + APPENDED:
                self._told = None  # no erased file, nor one with something appended
        self._began = search.began or self._told
        self._state = hashlib.sha256()
        self._length = 0
        self._first = b""

    def add(self, piece: bytes) -> None:
        if self._told is None:
            return
        self._first = self._first or piece[:OVERLAP]
        place, end = 0, self._length + len(piece)
        for length in self._lengths[
            bisect_right(self._lengths, self._length) : bisect_left(self._lengths, end)
        ]:
            upto = length - self._length
            self._state.update(memoryview(piece)[place:upto])
            place = upto
            if self._began is not None:
                self._began(self._state.copy().hexdigest())
        self._state.update(memoryview(piece)[place:])
        self._length = end

    def end(self) -> None:
        if self._told is None or self._length < SMALLEST:
            return
        if self._is_file or len({*self._first}) >= FEWEST_KINDS:
            self._told(self._state.hexdigest())


def _is_text(head: bytes) -> bool:
    try:
        head[:OVERLAP].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > OVERLAP - 4
    return b"\x00" not in head[:OVERLAP]
