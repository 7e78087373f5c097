"""Sorting more keys than fit into memory: an external distribution sort.

Items are byte strings that begin with a digest or pseudonym, so their first bytes are evenly
spread: they are put into 64 files by their first six bits, and each file is sorted in memory when
it is read. Memory holds one file's items, a 64th of all of them (more where one value is common).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

BUCKETS = 64
LENGTH = 2


class DiskSort:
    """Items to be sorted, in a folder that must not exist and is gone at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._streams: list[BinaryIO] = []

    def __enter__(self) -> "DiskSort":
        self._folder.mkdir(mode=0o700)
        self._streams = [(self._folder / f"{n:02d}").open("wb") for n in range(BUCKETS)]
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams:
            stream.close()
        for file in self._folder.iterdir():
            file.unlink()
        self._folder.rmdir()

    def add(self, items: Iterable[bytes]) -> None:
        """Add items of 1 to 65,535 bytes each."""
        streams = self._streams
        for item in items:
            streams[item[0] >> 2].write(len(item).to_bytes(LENGTH, "big") + item)

    def __iter__(self) -> Iterator[bytes]:
        """Yield all items in ascending order, as often as each was added."""
        for stream in self._streams:
            stream.flush()
        for number in range(BUCKETS):
            data = (self._folder / f"{number:02d}").read_bytes()
            items = []
            start = 0
            while start < len(data):
                end = start + LENGTH + int.from_bytes(data[start : start + LENGTH], "big")
                items.append(data[start + LENGTH : end])
                start = end
            yield from sorted(items)
