"""Whether what SQLite has deleted is gone from its file, or a copy was left behind.

SQLite overwrites what it deletes (`secure_delete`), but where a page was split or joined, what then
moved to another page may still stand in the free part of the first. Only VACUUM takes such copies
away, and it writes the whole file anew, however little was deleted. So a large file is searched
first for what should be gone, at the speed of the disk, and is written anew only if that is found.

The search runs in a process of its own (this file alone): a file that SQLite holds open must not be
opened beside it, since closing it would drop SQLite's locks.
"""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

SMALL = 2**24  # bytes that are written anew as fast as they are searched
FEW = 1_000  # texts that a large file is searched for
LONGEST = 2**10
BLOCK = 2**23
CLEAN, FOUND = 0, 3


def is_overwritten(file: Path, gone: Collection[bytes]) -> bool:
    """Say whether none of some texts is left in a file; false also if that was not looked for.

    A text is told by its first 1,024 bytes.
    """
    if file.stat().st_size <= SMALL or not 0 < len(gone) <= FEW:
        return False
    patterns = "\n".join(one[:LONGEST].hex() for one in gone)
    found = subprocess.run(
        [sys.executable, "-I", __file__, str(file)],
        input=patterns,
        text=True,
        capture_output=True,
        check=False,
    )
    return found.returncode == CLEAN


def main() -> int:
    """Search the file that the first argument names for what standard input says in hexadecimal."""
    import hyperscan

    gone = [bytes.fromhex(line) for line in sys.stdin.read().split()]
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[b"".join(b"\\x%02x" % byte for byte in one) for one in gone],
        ids=list(range(len(gone))),
        elements=len(gone),
        flags=hyperscan.HS_FLAG_DOTALL,
    )
    before, found = b"", []
    with open(sys.argv[1], "rb") as stream:
        while block := stream.read(BLOCK):
            here = before + block
            database.scan(here, match_event_handler=lambda *where: found.append(where))
            if found:
                return FOUND
            before = here[-LONGEST:]
    return CLEAN


if __name__ == "__main__":
    sys.exit(main())
