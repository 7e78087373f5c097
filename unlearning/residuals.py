"""The residual scan: search every file of a workspace for what must be gone.

Patterns are row keys and pseudonyms (128 bits, raw and in hexadecimal) and those ids that are
distinctive: at least 40 bits, since a short one matches anywhere and proves nothing, and not also a
text of rows that stay. They are searched in all bytes of all files, and in what gzip files hold.

It runs in a process of its own (`python -m unlearning.residuals`), since MLMD's file must not be
opened by a process that holds it open already; the patterns come on standard input, in
hexadecimal, never as arguments.
"""

import gzip
import json
import math
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.errors import CheckFailed

SHORTEST = 5
DISTINCTIVE_BITS = 40
PIECE = 1 << 23
GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Scan:
    """What a scan read and found: `found` names files relative to the root, `unread` likewise."""

    files: int
    bytes: int
    patterns: int
    not_distinctive: int
    found: tuple[str, ...]
    unread: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found and everything was read."""
        return not self.found and not self.unread

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {**self.__dict__, "found": list(self.found), "unread": list(self.unread)}


class Matcher:
    """Finds any of many byte patterns: a table of first three bytes, then an exact comparison."""

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._by_head: dict[int, list[bytes]] = {}
        self._table = np.zeros(1 << 24, dtype=np.bool_)
        self.longest = 0
        for pattern in set(patterns):
            head = int.from_bytes(pattern[:3], "little")
            self._by_head.setdefault(head, []).append(pattern)
            self._table[head] = True
            self.longest = max(self.longest, len(pattern))

    def matches(self, data: bytes) -> bool:
        """Say whether any pattern occurs in the data."""
        codes = np.frombuffer(data, dtype=np.uint8).astype(np.uint32)
        if len(codes) < 3:
            return False
        heads = codes[:-2] | (codes[1:-1] << np.uint32(8)) | (codes[2:] << np.uint32(16))
        for place in np.flatnonzero(self._table[heads]).tolist():
            for pattern in self._by_head[int(heads[place])]:
                if data.startswith(pattern, place):
                    return True
        return False


def bits_of(text: str) -> float:
    """Return how many bits a random text of this length and kind of letters has."""
    if text.isdecimal():
        letters = 10
    elif text.isalpha() and (text.islower() or text.isupper()):
        letters = 26
    else:
        letters = 64
    return len(text) * math.log2(letters)


def distinctive(texts: Iterable[str], *, staying: Sequence[Path]) -> list[bytes]:
    """Return those texts (UTF-8) that are long enough and occur in none of the staying folders."""
    found = []
    for text in texts:
        pattern = text.encode("utf-8")
        if bits_of(text) < DISTINCTIVE_BITS or len(pattern) < SHORTEST:
            continue
        if not any(scan_folder(folder, [pattern]).found for folder in staying):
            found.append(pattern)
    return found


def scan_folder(
    root: Path, patterns: Sequence[bytes], *, not_distinctive: int = 0, skip: Sequence[str] = ()
) -> Scan:
    """Scan all files below a folder but those named in `skip` (relative to it).

    Raises ValueError for a pattern shorter than 5 bytes.
    """
    if any(len(pattern) < SHORTEST for pattern in patterns):
        raise ValueError(f"a pattern needs at least {SHORTEST} bytes")
    matcher = Matcher(patterns)
    found, unread = [], []
    files = total = 0
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink() or not path.is_file() or name in skip:
            continue
        files += 1
        total += path.stat().st_size
        try:
            if any(matcher.matches(piece) for piece in _pieces(path, matcher.longest)):
                found.append(name)
        except (OSError, EOFError, zlib.error):
            unread.append(name)
    return Scan(files, total, len(patterns), not_distinctive, tuple(found), tuple(unread))


def _pieces(path: Path, overlap: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from _overlapping(stream, overlap)
        stream.seek(0)
        if stream.read(2) != GZIP:
            return
    with gzip.open(path, "rb") as unpacked:
        yield from _overlapping(unpacked, overlap)


def _overlapping(stream: Any, overlap: int) -> Iterator[bytes]:
    tail = b""
    while piece := stream.read(PIECE):
        yield tail + piece
        tail = (tail + piece)[-overlap:] if overlap else b""


def scan_apart(
    root: Path, patterns: Sequence[bytes], *, not_distinctive: int = 0, skip: Sequence[str] = ()
) -> Scan:
    """Run `scan_folder` in a process of its own.

    Raises CheckFailed if that process fails: what was not scanned is not known to be gone.
    """
    question = {
        "root": str(root),
        "patterns": [pattern.hex() for pattern in patterns],
        "not_distinctive": not_distinctive,
        "skip": list(skip),
    }
    done = subprocess.run(
        [sys.executable, "-m", "unlearning.residuals"],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    if done.returncode:
        raise CheckFailed("The scan for residues did not run to its end: the deletion is not done.")
    answer = json.loads(done.stdout)
    return Scan(**{**answer, "found": tuple(answer["found"]), "unread": tuple(answer["unread"])})


def main() -> None:
    """Read a question from standard input and print the answer, both as JSON."""
    question = json.load(sys.stdin)
    patterns = [bytes.fromhex(pattern) for pattern in question["patterns"]]
    scan = scan_folder(
        Path(question["root"]),
        patterns,
        not_distinctive=question["not_distinctive"],
        skip=question["skip"],
    )
    print(json.dumps(scan.to_json()))


if __name__ == "__main__":
    main()
