"""Chooses the slow tests that a change is tried with, besides the default suite.

    python tests/chosen_slow.py COMMIT      prints their ids, one a line

A tenth of those in `slow.txt` that take at most a minute each: those whose digest with the commit
is least. The same commit gives the same ones; over time every one has its turn.
"""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("slow.txt")
MOST_SECONDS, SHARE = 60, 10


@dataclass(frozen=True)
class Slow:
    """One slow test: its id, the seconds it takes a processor, the fast test of the same."""

    test: str
    seconds: float
    fast: str


def read_slow(path: Path = LIST) -> list[Slow]:
    """Read the list; raises ValueError for a line that is not `test | seconds | fast test`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_slow(line) for line in lines if line and not line.startswith("#")]


def _slow(line: str) -> Slow:
    test, seconds, fast = line.split(" | ")
    return Slow(test, float(seconds), fast)


def chosen(slow: Sequence[Slow], commit: str) -> list[str]:
    """Return a tenth of the tests of at most a minute, rounded up, in the order of the list."""
    short = [one.test for one in slow if one.seconds <= MOST_SECONDS]

    def drawn(test: str) -> bytes:
        return hashlib.sha256(f"{commit} {test}".encode()).digest()

    some = set(sorted(short, key=drawn)[: -(-len(short) // SHARE)])
    return [test for test in short if test in some]


if __name__ == "__main__":
    print("\n".join(chosen(read_slow(), sys.argv[1])))
