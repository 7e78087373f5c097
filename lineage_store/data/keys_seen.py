"""How often each key has been seen: exactly, on disk, in bounded memory.

The keys of a block become a sorted run, each with the number of times that it was seen in it. A run
that is no longer than twice the next is merged with it: so there are few, and a key is looked up in
each by halving. Runs of some length lie in files, are merged window by window, and give the memory
of their pages back.
"""

import mmap
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lineage_store.placement import I64, U64

IN_MEMORY = 1 << 18
"""Keys of the longest run that lies in no file, and of half a window."""


@dataclass(frozen=True)
class _Run:
    """Different keys in order, as two halves, and how often each was seen: all (n,) uint64."""

    high: U64
    low: U64
    times: U64
    files: dict[Path, mmap.mmap] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.high)

    def part(self, start: int, end: int) -> "_Run":
        """Return some of its keys."""
        return _Run(self.high[start:end], self.low[start:end], self.times[start:end])

    def times_of(self, keys: "_Run") -> U64:
        """Return how often each of other keys was seen here."""
        places = np.searchsorted(self.high, keys.high)
        found = np.zeros(len(keys), np.uint64)
        there = np.flatnonzero(places < len(self))
        while len(there):  # once, unless two keys have the same first half
            there = there[self.high[places[there]] == keys.high[there]]
            equal = self.low[places[there]] == keys.low[there]
            found[there[equal]] = self.times[places[there[equal]]]
            there = there[~equal]
            places[there] += 1
            there = there[places[there] < len(self)]
        for mapping in self.files.values():
            mapping.madvise(mmap.MADV_DONTNEED)
        return found

    def drop(self) -> None:
        """Erase its files."""
        for path in self.files:
            path.unlink()


class KeysSeen:
    """Counts keys, a block at a time; its files are in a folder, and go at the end of `with`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: list[_Run] = []
        self._written = 0

    def count(self, keys: npt.NDArray[np.uint8]) -> I64:
        """Count keys (n, 16) once more, in order; return how often each has been seen by then."""
        if not len(keys):
            return np.empty(0, np.int64)
        halves = np.ascontiguousarray(keys).view(">u8").astype(np.uint64)
        order = np.lexsort((halves[:, 1], halves[:, 0]))
        once = np.ones(len(keys), np.uint64)
        run, firsts = _summed(_Run(halves[order, 0], halves[order, 1], once))
        before = np.zeros(len(run), np.uint64)
        for other in self._runs:
            before += other.times_of(run)
        offset = before.astype(np.int64) - firsts
        times = np.empty(len(keys), np.int64)
        times[order] = np.repeat(offset, run.times.astype(np.int64)) + np.arange(1, len(keys) + 1)
        self._add(run)
        return times

    def __enter__(self) -> "KeysSeen":
        return self

    def __exit__(self, *_: object) -> None:
        for run in self._runs:
            run.drop()
        self._runs.clear()

    def _add(self, run: _Run) -> None:
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2]) <= 2 * len(self._runs[-1]):
            two = self._runs[-2:]
            if len(two[0]) + len(two[1]) <= IN_MEMORY:
                (merged,) = _merged(*two)
            else:
                merged = self._in_files(_merged(*two))
            self._runs[-2:] = [merged]
            for one in two:
                one.drop()

    def _in_files(self, parts: Iterator[_Run]) -> _Run:
        paths = [self._folder / f"keys-seen-{self._written}-{part}" for part in range(3)]
        self._written += 1
        with ExitStack() as stack:
            streams = [stack.enter_context(path.open("w+b")) for path in paths]
            for run in parts:
                for stream, column in zip(streams, (run.high, run.low, run.times), strict=True):
                    stream.write(np.ascontiguousarray(column).data)
            for stream in streams:
                stream.flush()
            mappings = [mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) for stream in streams]
        high, low, times = (np.frombuffer(mapping, np.uint64) for mapping in mappings)
        return _Run(high, low, times, dict(zip(paths, mappings, strict=True)))


def _summed(run: _Run) -> tuple[_Run, I64]:
    """Return keys in order, of which some may be equal, as a run; and where each is first."""
    new = np.ones(len(run), np.bool_)
    new[1:] = (run.high[1:] != run.high[:-1]) | (run.low[1:] != run.low[:-1])
    firsts = np.flatnonzero(new)
    times = np.add.reduceat(run.times, firsts) if len(firsts) else run.times
    return _Run(run.high[firsts], run.low[firsts], times), firsts


def _merged(one: _Run, other: _Run) -> Iterator[_Run]:
    """Yield the keys of two runs in order, window by window."""
    starts, runs = [0, 0], (one, other)
    while any(start < len(run) for start, run in zip(starts, runs, strict=True)):
        ends = [min(start + IN_MEMORY, len(run)) for start, run in zip(starts, runs, strict=True)]
        following = [run.high[end] for end, run in zip(ends, runs, strict=True) if end < len(run)]
        if following:  # keys whose first halves are alike stay together
            bound = min(following)
            ends = [
                start + int(np.searchsorted(run.high[start:end], bound))
                for start, end, run in zip(starts, ends, runs, strict=True)
            ]
        parts = [run.part(*cut) for *cut, run in zip(starts, ends, runs, strict=True)]
        high = np.concatenate([part.high for part in parts])
        low = np.concatenate([part.low for part in parts])
        times = np.concatenate([part.times for part in parts])
        order = np.lexsort((low, high))
        yield _summed(_Run(high[order], low[order], times[order]))[0]
        starts = ends
