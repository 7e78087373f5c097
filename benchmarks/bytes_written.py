"""Which bytes of a workspace a command wrote, by what they are: what is only linked is not written.

A file counts whole, a database by its pages that say something else than before; what its journal
held for a moment is not counted.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

PAGE = 4096  # bytes of SQLite's pages
LISTS = ("cells.json", "nonces", "gate.json", "rows.json")


@dataclass(frozen=True)
class Found:
    """A file as it was found: when it was written, bytes, its path, a database's pages."""

    when: int
    size: int
    name: str
    pages: tuple[bytes, ...] = ()

    def written_since(self, earlier: "Found | None") -> int:
        """Return how many bytes were written since then; of a database, pages that say else."""
        if earlier is None:
            return self.size
        if (self.when, self.size) == (earlier.when, earlier.size):
            return 0
        if not self.pages:
            return self.size
        both = zip_longest(self.pages, earlier.pages)
        return PAGE * sum(now is not None and now != then for now, then in both)


Files = Mapping[tuple[int, int], Found]


def files_of(folder: Path) -> Files:
    """Return the files below a folder by their inode."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            about = path.stat()
            pages = tuple(_pages(path)) if path.suffix == ".sqlite" else ()
            name = str(path.relative_to(folder))
            found[about.st_dev, about.st_ino] = Found(about.st_mtime_ns, about.st_size, name, pages)
    return found


def _pages(database: Path) -> Iterator[bytes]:
    with database.open("rb") as stream:
        while page := stream.read(PAGE):
            yield hashlib.blake2b(page, digest_size=16).digest()


def written(before: Files, after: Files) -> dict[str, int]:
    """Return the bytes that were written between two looks at a workspace, by kind, most first."""
    found: dict[str, int] = {}
    for file, one in after.items():
        size = one.written_since(before.get(file))
        if size:
            kind = _kind(one.name)
            found[kind] = found.get(kind, 0) + size
    return dict(sorted(found.items(), key=lambda one: -one[1]))


def _kind(name: str) -> str:
    """Return what a file is: of data and of what is made of them, a cell or a list of all cells."""
    parts = name.split("/")
    what = " (list of cells)" if parts[-1] in LISTS else ""
    if parts[0] == "tfx" and len(parts) > 3:
        return "/".join(("tfx", parts[2].split("_")[0], parts[3])) + what
    return parts[0] + what
