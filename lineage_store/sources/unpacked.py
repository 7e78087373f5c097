"""The bytes of a file that may be packed: gzip, xz, bzip2, Zstandard, or a zip with one file in it.

What a file is packed in is told by its first bytes, whatever it is called. One that breaks off or
is damaged is refused where that is met, and never read as if it ended there.
"""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from lineage_store.errors import BadInput

BLOCK = 1 << 18


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes:
        """Return so many bytes at most, and none only at the end."""


class Unpacked:
    """An open file, read as what it holds; `done` is how many of its own bytes were read."""

    def __init__(self, path: Path) -> None:
        """Open it; raises BadInput for what is no file, or cannot be read."""
        self._path = path
        try:
            if path.exists() and not path.is_file():
                raise BadInput(
                    f"{path} is a folder: give a file."
                    if path.is_dir()
                    else f"{path} is a pipe or a device, and a table is read twice: give a file."
                )
            self._raw = path.open("rb")
        except OSError as error:
            raise BadInput(f"The file {path} cannot be read: {error.strerror}.") from error
        self.packed_in = packed_in(self._raw.read(8))
        self._raw.seek(0)
        self._stream: _Readable = self._raw
        if self.packed_in is not None:
            try:
                self._stream = PACKED[self.packed_in][1](self._raw)
            except ERRORS as error:
                raise self._damaged() from error

    def read(self, size: int) -> bytes:
        """Return so many bytes at most, and none only at the end; raises BadInput if damaged."""
        if self.packed_in is None:
            return self._raw.read(size)
        try:
            return self._stream.read(size)
        except ERRORS as error:
            raise self._damaged() from error

    @property
    def done(self) -> int:
        """How many bytes of the file have been read."""
        return self._raw.tell()

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def _damaged(self) -> BadInput:
        return BadInput(
            f"The file {self._path} is packed with {self.packed_in}, and breaks off or is damaged: "
            f"give the whole file."
        )


def packed_in(first: bytes) -> str | None:
    """Return what a file that begins so is packed in, if it is."""
    return next((name for name, (mark, _) in PACKED.items() if first.startswith(mark)), None)


class _Zstandard:
    """Frames of Zstandard; python-zstandard's own reader ends at a broken one without a word."""

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard

        self._raw = raw
        self._new = zstandard.ZstdDecompressor().decompressobj
        self._frame: Any = self._new()
        self._waiting, self._begun = b"", False

    def read(self, size: int) -> bytes:
        while not self._waiting:
            data = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame, self._begun = self._new(), False
            data = data or self._raw.read(BLOCK)
            if not data:
                if self._begun:
                    raise EOFError
                return b""
            self._begun = True
            self._waiting = self._decompressed(data)
        found, self._waiting = self._waiting[:size], self._waiting[size:]
        return found

    def _decompressed(self, data: bytes) -> bytes:
        import zstandard

        try:
            found: bytes = self._frame.decompress(data)
        except zstandard.ZstdError as error:
            raise EOFError from error
        return found


def _zip(raw: BinaryIO) -> _Readable:
    archive = zipfile.ZipFile(raw)
    files = [one for one in archive.infolist() if not one.is_dir()]
    if len(files) != 1:
        raise BadInput(
            f"{getattr(raw, 'name', 'A zip file')} has {len(files)} files in it: give one with one "
            f"table, or unpack it."
        )
    if files[0].flag_bits & 1:
        raise BadInput(f"{getattr(raw, 'name', 'A zip file')} is locked by a password: unpack it.")
    return archive.open(files[0])


# What `zipfile` says of an archive that is damaged is of many kinds: the last three, too.
ERRORS = (
    EOFError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, IndexError,
    RuntimeError, ValueError,
)  # fmt: skip

PACKED: Mapping[str, tuple[bytes, Callable[[BinaryIO], _Readable]]] = {
    "gzip": (b"\x1f\x8b", lambda raw: gzip.GzipFile(fileobj=raw, mode="rb")),
    "xz": (b"\xfd7zXZ\x00", lzma.LZMAFile),
    "bzip2": (b"BZh", bz2.BZ2File),
    "zstd": (b"\x28\xb5\x2f\xfd", _Zstandard),
    "zip": (b"PK\x03\x04", _zip),
}
