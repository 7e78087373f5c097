"""Packed streams, wherever they begin: compressed ones, and bytes written as lines of letters.

    gzip, zlib, zstandard, bzip2, xz   by their first bytes, at any place
    the members of a zip               by the header before each, at any place
    raw deflate                        within the first 4 KiB of a file that is no text: no mark
    base64 in lines                    by a line of 40 letters or more, as in mail and PEM
    quoted-printable                   by a line that is broken within a word, as in mail

What begins like one need not be one: it is tried. A stream that fills a content from its first byte
must be whole; within other bytes it is read as far as it goes.
"""

import base64
import bz2
import lzma
import re
import struct
import zlib
from binascii import a2b_qp
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO

import hyperscan
import numpy as np
import numpy.typing as npt

from unlearning.erasure.contents import Budget, Content, NotUnderstood, Opener

TRIED = 512
UNKNOWN_LENGTH = 0xFFFFFFFF
ZIP_HEADER = struct.Struct("<4s5H3I2H")
ENCRYPTED, DEFLATED, STORED = 1, 8, 0
RAW_WITHIN = 4096
FEW = 64
FEWEST_RAW = 16
LONGEST_LINE = 1100
LETTERS = 4096
NEXT_LINE = re.compile(rb"(?:\\[rn]|[\r\n]){1,2}[A-Za-z0-9+/_-]{4,}={0,2}(?:[\s\"'\\]|$)")
LINE = re.compile(rb"[A-Za-z0-9+/_-]{40,}$")
BREAK = re.compile(rb"\s+|\\[rn]")
FOR_ADDRESSES = bytes.maketrans(b"-_", b"+/")
NO_LETTER = re.compile(rb"[^A-Za-z0-9+/_-]")


@cache
def _zstd() -> Any:
    from zstandard import ZstdDecompressor

    return ZstdDecompressor()


@dataclass(frozen=True)
class Packing:
    """A way to pack bytes: `marks` are expressions for how it begins, and their lengths."""

    name: str
    marks: tuple[tuple[bytes, int], ...]
    new: Callable[[], Any]
    sure: bool = True  # whether what has the mark is hardly anything else
    fed: int = 512  # bytes at a time: what they unpack to, at most, must fit into memory


def _zlib_marks() -> tuple[tuple[bytes, int], ...]:
    """Return all pairs of bytes with which a zlib stream begins (RFC 1950)."""
    pairs = ((first, second) for first in range(0x08, 0x80, 0x10) for second in range(256))
    fits = [one for one in pairs if (one[0] << 8 | one[1]) % 31 == 0 and not one[1] & 0x20]
    return tuple((b"\\x%02x\\x%02x" % one, 2) for one in fits)


PACKINGS = (
    Packing("gzip", ((rb"\x1f\x8b\x08", 3),), lambda: zlib.decompressobj(31), fed=8192),
    Packing("zstandard", ((rb"\x28\xb5\x2f\xfd", 4),), lambda: _zstd().decompressobj(), fed=2048),
    Packing("bzip2", ((rb"BZh[1-9]1AY&SY", 10),), bz2.BZ2Decompressor),
    Packing("xz", ((rb"\xfd7zXZ\x00", 6),), lzma.LZMADecompressor),
    Packing("zlib", _zlib_marks(), lambda: zlib.decompressobj(15), sure=False, fed=8192),
)
RAW = Packing("deflate", (), lambda: zlib.decompressobj(-15), sure=False, fed=8192)
ZLIB = len(PACKINGS) - 1
ZIP, LINES, BROKEN = range(len(PACKINGS), len(PACKINGS) + 3)
MARKS = (
    *(
        (kind, mark, mark_length)
        for kind, one in enumerate(PACKINGS)
        for mark, mark_length in one.marks
    ),
    (ZIP, rb"PK\x03\x04", 4),
    (BROKEN, rb"[ -~]{8}=\r?\n", 0),
    (LINES, rb"[A-Za-z0-9+/_-]{40}[\r\n\\]", 0),
)


class Unpacked:
    """The bytes of a packed stream, and of those of its kind that follow at once.

    With `strict`, it must not break off. `found` is told how many packed bytes were read.
    """

    def __init__(
        self, stream: BinaryIO, packing: Packing, budget: Budget, found: "Stream", *, strict: bool
    ) -> None:
        self._stream, self._packing, self._budget = stream, packing, budget
        self._found, self._strict = found, strict
        self._part = packing.new()
        self._begun = self._whole = self._ended = False
        self._packed = b""
        self._unpacked = bytearray()
        self._used = 0

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, or all; fewer at the end. Raises NotUnderstood if it breaks off."""
        while not self._ended and (size < 0 or len(self._unpacked) < size):
            self._feed()
        end = len(self._unpacked) if size < 0 else size
        data = bytes(self._unpacked[:end])
        del self._unpacked[:end]
        return data

    def _feed(self) -> None:
        packed = self._packed or self._stream.read(self._packing.fed)
        try:
            unpacked = self._part.decompress(packed) if packed else b""
        except Exception as error:  # whatever a library raises for bytes that are none of its own
            packed = b""
            if self._begun and self._strict:
                raise NotUnderstood("it is damaged") from error
        if not packed:
            self._ended = True
            if self._begun and self._strict:
                raise NotUnderstood("it breaks off")
            return
        # What follows a whole part and holds nothing is no part: other bytes may stand behind it.
        self._begun = self._begun or bool(unpacked) or not self._whole
        self._budget.spend(len(unpacked))
        self._unpacked += unpacked
        self._used += len(packed)
        self._packed = b""
        if self._part.eof:
            self._packed = self._part.unused_data
            self._used -= len(self._packed)
            self._part, self._begun, self._whole = self._packing.new(), False, True
        self._found.length = max(self._found.length, self._used)


class Letters:
    """Lines of letters as one line, up to the first byte that is none, or the `=` at their end.

    What follows is no part of them: in mail a boundary, which may hold more of both.
    """

    def __init__(self, stream: BinaryIO, found: "Stream") -> None:
        self._stream, self._found = stream, found
        self._ended = False
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        """Return about so many letters, or all; none at the end."""
        parts: list[bytes] = []
        while not self._ended and (size < 0 or sum(map(len, parts)) < size):
            piece = self._stream.read(LETTERS)
            if piece.endswith(b"\\"):
                piece += self._stream.read(1)  # of a line break that is written as two letters
            joined = BREAK.sub(b"", piece)
            end = NO_LETTER.search(joined)
            self._ended = not piece or end is not None
            self._read += len(piece) if end is None else end.start()
            parts.append(joined if end is None else joined[: end.start()])
        self._found.length = max(self._found.length, self._read)
        return b"".join(parts)


class Decoded:
    """The bytes that letters of base64 stand for."""

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        """Return about so many bytes, or all; none at the end."""
        letters = self._left + self._letters.read(-1 if size < 0 else size * 4 // 3 + 4)
        letters = letters.translate(FOR_ADDRESSES)
        whole = len(letters) // 4 * 4
        self._left = letters[whole:]
        if not whole:  # the last two or three letters; one alone stands for nothing
            letters, self._left = self._left, b""
            return base64.b64decode(letters + b"==") if len(letters) > 1 else b""
        return base64.b64decode(letters[:whole])


@dataclass
class Stream:
    """What begins at a place of a content, and what is in it; its length is known once it is read.

    It is 0 for what is another reading of the whole window, beside which all else is read, too.
    `sure` says that it is hardly anything else than what it looks like.
    """

    start: int
    sure: bool
    within: tuple[Content, ...] = ()
    length: int = 1


def streams(
    content: Content, window: bytes, place: int, *, members: bool = True
) -> Iterator[Stream]:
    """Yield what is packed within a window of a content that begins at `place`.

    `members` are those of a zip; one that is read as an archive needs none. What begins within the
    one that was yielded last is left out, if that was read meanwhile.
    """
    after = 0
    marked = sorted(_marked(window))
    if any(kind == BROKEN for _, kind in marked):
        joined = content.of_bytes(a2b_qp(window))
        yield Stream(place, False, (joined,), length=0)
    for start, kind in marked:
        if start < after or kind == BROKEN or (kind == ZIP and not members):
            continue
        found = _at(content, window, place, start, kind)
        if found is not None:
            yield found
            after = found.start - place + found.length


def raw_streams(content: Content, head: bytes) -> Iterator[Stream]:
    """Yield what may be raw deflate near the beginning of a content that is no text."""
    after = 0
    for start in _deflate_at(head, np.arange(min(RAW_WITHIN, len(head)))).tolist():
        if start >= after and _begins(RAW, head, start):
            found = _packed(content, head, 0, start, RAW, strict=False)
            yield found
            after = start + found.length


def _at(content: Content, window: bytes, place: int, start: int, kind: int) -> Stream | None:
    if kind == LINES:
        return _lines(content, window, place, start)
    if kind == ZIP:
        return _zip_member(content, window, place, start)
    packing = PACKINGS[kind]
    first = place + start == 0
    if not _begins(packing, window, start):
        if first and packing.sure:
            raise NotUnderstood("it is damaged")
        return None
    return _packed(content, window, place, start, packing, strict=first and packing.sure)


def _begins(packing: Packing, window: bytes, start: int) -> bool:
    tried = packing.new()
    try:
        data = tried.decompress(window[start : start + TRIED])
    except Exception:  # whatever a library raises for bytes that are none of its own
        return False
    return packing.sure or len(data) >= FEWEST_RAW or bool(tried.eof and data)


def _packed(
    content: Content, window: bytes, place: int, start: int, packing: Packing, *, strict: bool
) -> Stream:
    found = Stream(place + start, packing.sure)

    @contextmanager
    def unpacked() -> Iterator[Any]:
        with _onward(content, window, place, start) as stream:
            yield Unpacked(stream, packing, content.budget, found, strict=strict)

    found.within = (Content(unpacked, content.budget, depth=content.depth + 1),)
    return found


def _zip_member(content: Content, window: bytes, place: int, start: int) -> Stream | None:
    """Read the member of a zip by its own header (APPNOTE 4.3.7)."""
    header = window[start : start + ZIP_HEADER.size]
    if len(header) < ZIP_HEADER.size:
        return None
    _, _, flags, method, _, _, _, packed, _, name, extra = ZIP_HEADER.unpack(header)
    begins = start + ZIP_HEADER.size + name + extra
    if method == DEFLATED and not flags & ENCRYPTED and _begins(RAW, window, begins):
        found = _packed(content, window, place, begins, RAW, strict=False)
        found.sure = True
        return found
    if method == STORED and packed and packed != UNKNOWN_LENGTH:
        return Stream(place + start, True, (content.part(place + begins, packed),))
    return None


def _lines(content: Content, window: bytes, place: int, end: int) -> Stream | None:
    line = LINE.search(window[max(0, end - LONGEST_LINE) : end - 1])
    if line is None:
        return None
    if end < len(window) and NEXT_LINE.match(window[end - 1 : end + LONGEST_LINE]) is None:
        return None  # a line that merely ends with letters
    start = max(0, end - LONGEST_LINE) + line.start()
    found = Stream(place + start, False)

    @contextmanager
    def letters() -> Iterator[Any]:
        with _onward(content, window, place, start) as stream:
            yield Letters(stream, found)

    @contextmanager
    def decoded() -> Iterator[Any]:
        with letters() as stream:
            yield Decoded(stream)

    depth = content.depth
    found.within = (
        Content(letters, content.budget, depth=depth, whole=False),
        Content(decoded, content.budget, depth=depth),
    )
    return found


@contextmanager
def _onward(content: Content, window: bytes, place: int, start: int) -> Iterator[Any]:
    """Open a content from a place on: the rest of the window, and only then what follows it."""
    with ExitStack() as opened:
        yield _Onward(window, start, content.from_place(place + len(window)), opened)


class _Onward:
    def __init__(self, window: bytes, start: int, then: Opener, opened: ExitStack) -> None:
        self._window, self._at = window, start
        self._then, self._opened = then, opened
        self._stream: BinaryIO | None = None

    def read(self, size: int) -> bytes:
        data = self._window[self._at : self._at + size]
        self._at += len(data)
        if data or not size:
            return data
        if self._stream is None:
            self._stream = self._opened.enter_context(self._then())
        return self._stream.read(size)


def _marked(window: bytes) -> list[tuple[int, int]]:
    """Return where marks are in a window (of lines, where one ends), and of what."""
    found: list[tuple[int, int]] = []
    after_zlib: list[int] = []

    def seen(number: int, _: int, end: int, flags: int, context: object) -> None:
        kind, size = MARKS[number][0], MARKS[number][2]
        if kind == ZLIB:
            after_zlib.append(end)  # a mark of two bytes is everywhere: most can be told at once
        else:
            found.append((end - size, kind))

    database, scratch = _finder()
    database.scan(window, match_event_handler=seen, scratch=scratch)
    if len(after_zlib) > FEW:  # a few are sooner tried than told
        after_zlib = _deflate_at(window, np.array(after_zlib)).tolist()
    return [*found, *((start - 2, ZLIB) for start in after_zlib)]


@cache
def _finder() -> tuple[hyperscan.Database, hyperscan.Scratch]:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[mark for _, mark, _ in MARKS],
        ids=list(range(len(MARKS))),
        elements=len(MARKS),
        flags=hyperscan.HS_FLAG_DOTALL,
    )
    return database, hyperscan.Scratch(database)


def _deflate_at(data: bytes, places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return those of the places at which deflate may begin (RFC 1951).

    That is with fixed codes, or with a whole set of codes; and with a stored block, which says its
    length twice.
    """
    codes = np.frombuffer(data + bytes(16), np.uint8)
    kind = codes[places] >> 1 & 3
    fixed, sets, stored = (places[kind == number] for number in (1, 2, 0))
    sets = sets[(codes[sets] >> 3 < 30) & (codes[sets + 1] & 31 < 30)]
    bits = np.zeros((2, len(sets)), np.uint64)
    for byte in range(16):
        bits[byte // 8] |= codes[sets + byte].astype(np.uint64) << np.uint64(byte % 8 * 8)

    def field(at: int, width: int) -> npt.NDArray[np.int64]:
        low = bits[at // 64] >> np.uint64(at % 64)
        if at < 64 < at + width:
            low = low | bits[1] << np.uint64(64 - at)
        value: npt.NDArray[np.int64] = (low & np.uint64((1 << width) - 1)).astype(np.int64)
        return value

    lengths, space = field(13, 4) + 4, np.zeros(len(sets), np.int64)
    for number in range(19):
        length = field(17 + 3 * number, 3)
        space += np.where((lengths > number) & (length > 0), 128 >> length, 0)
    twice = [codes[stored + at] ^ codes[stored + at + 2] == 255 for at in (1, 2)]
    return np.sort(np.concatenate([fixed, sets[space == 128], stored[twice[0] & twice[1]]]))
