"""Finds any of many byte patterns at once, whatever the case of their ASCII letters.

The search is Vectorscan's (PyPI `hyperscan`, BSD and MIT). It is fastest for short literals of
which few end alike, so it is given a part of each pattern, of eight bytes: where it finds one, the
rest of the pattern is compared here. Taken is the part that is least to be expected elsewhere. Many
a row of numbers begins with zeros, and so does much else; addresses end alike; and a part of
letters and digits is the same in most spellings of a text, so that they need only one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain

import hyperscan

SHORTEST = 5
PART = 8
TRIED = 24
"""Places in a pattern at which its part may begin: enough to find a good one."""
ALIKE = 48
"""Patterns that may share a part: as many as one text has spellings."""
COMMON = frozenset(b"\x00\xff\x3f\xbf\x7f\x80\xc0")  # of small integers, and of floats near 1
LETTERS = b"abcdefghijklmnopqrstuvwxyz0123456789"
ENOUGH = 5
"""Different bytes in a part of letters and digits that need not be bettered."""


class Matcher:
    """A set of patterns, each of at least 5 bytes, to be looked for in bytes."""

    def __init__(self, patterns: Iterable[bytes]) -> None:
        wanted: dict[bytes, bytes] = {}
        for pattern in patterns:
            wanted.setdefault(pattern.lower(), pattern)
        if any(len(pattern) < SHORTEST for pattern in wanted):
            raise ValueError(f"a pattern needs at least {SHORTEST} bytes")
        self.longest = max(map(len, wanted), default=0)
        parts: dict[bytes, list[tuple[bytes, bytes, int]]] = {}
        seen = Counter(chain.from_iterable({*_parts(pattern)} for pattern in wanted))
        for folded, pattern in wanted.items():
            at = part_of(folded, seen)
            part = folded[at : at + PART]
            parts.setdefault(part, []).append((pattern, folded, at + len(part)))
        self._whole = list(parts.values())
        self._search = _compiled(list(parts)) if parts else None

    @property
    def is_empty(self) -> bool:
        """Whether there is no pattern, so that nothing is ever found."""
        return self._search is None

    def matches(self, data: bytes) -> bool:
        """Say whether any pattern occurs in the data."""
        return next(self._places(data, first=True), None) is not None

    def occurring(self, data: bytes) -> Iterator[bytes]:
        """Yield the patterns that occur in the data, each as often as it does."""
        return self._places(data, first=False)

    def _places(self, data: bytes, *, first: bool) -> Iterator[bytes]:
        found: list[bytes] = []
        if self._search is None:
            return iter(found)

        def seen(number: int, _: int, end: int, flags: int, context: object) -> bool:
            for pattern, folded, offset in self._whole[number]:
                start = end - offset
                if start >= 0 and data[start : start + len(folded)].lower() == folded:
                    found.append(pattern)
            return first and bool(found)

        database, scratch = self._search
        with suppress(hyperscan.ScanTerminated):  # as asked: the first is enough
            database.scan(data, match_event_handler=seen, scratch=scratch)
        return iter(found)


def part_of(pattern: bytes, seen: Counter[bytes] | None = None) -> int:
    """Return where in a pattern (in lower case) the part begins that is least to be expected.

    `seen` says how many patterns each part stands in.
    """
    counts = seen or Counter()
    parts = _parts(pattern)
    for start, part in enumerate(parts):
        if part.isalnum() and len({*part}) >= ENOUGH and counts[part] <= ALIKE:
            return start

    def commonness(start: int) -> tuple[int, bool, int, int]:
        part = parts[start]
        rare = len({*part} - COMMON)
        return max(counts[part], ALIKE), rare < 3, len(part.translate(None, LETTERS)), -rare

    return min(range(len(parts)), key=commonness)


def _parts(pattern: bytes) -> list[bytes]:
    places = max(1, min(TRIED, len(pattern) - PART + 1))
    return [pattern[start : start + PART] for start in range(places)]


def _compiled(parts: list[bytes]) -> tuple[hyperscan.Database, hyperscan.Scratch]:
    """Return what searches for parts; any byte is written as an escape, so that none is special."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[b"".join(b"\\x%02x" % byte for byte in part) for part in parts],
        ids=list(range(len(parts))),
        elements=len(parts),
        flags=hyperscan.HS_FLAG_CASELESS,
    )
    return database, hyperscan.Scratch(database)
