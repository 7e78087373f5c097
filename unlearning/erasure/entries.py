"""What lies below a folder, each with whatever may hold a text besides the bytes of a file.

That is the names of files and folders, where symbolic links point to, and extended attributes. A
link out of the folder is followed, since what it leads to is as good as in it: a folder on a larger
disk is read as one that stands here, a file likewise. What a link within leads to is met in its
place. Each folder is entered once, so that links in a circle end.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One entry of a folder: its path relative to the top, and what it says of itself.

    `attributes` are the names and values of its extended attributes. `size` is that of a file to be
    read, and None for all else. `trouble` says why it cannot be read.
    """

    path: Path
    name: str
    inode: int = 0
    target: bytes | None = None
    attributes: tuple[bytes, ...] = ()
    size: int | None = None
    trouble: str | None = None


def entries(top: Path, *, skip: Sequence[str] = ()) -> Iterator[Entry]:
    """Yield all that lies below a folder, in the order of names, but for what `skip` names.

    `skip` are paths relative to the top, of files or of folders with all that is in them.
    """
    inside = top.resolve()
    entered: set[tuple[int, int]] = set()
    yield Entry(top, ".", attributes=_attributes(top))
    yield from _below(top, "", inside, frozenset(skip), entered)


def files(top: Path) -> Iterator[Path]:
    """Yield the files below a folder, those that links lead to outside it among them; or a file."""
    if top.is_file():
        yield top
        return
    for entry in entries(top):
        if entry.size is not None:
            yield entry.path


def _below(
    folder: Path, prefix: str, inside: Path, skip: frozenset[str], entered: set[tuple[int, int]]
) -> Iterator[Entry]:
    try:
        about = folder.stat()
        if (about.st_dev, about.st_ino) in entered:
            return
        entered.add((about.st_dev, about.st_ino))
        names = sorted(os.listdir(folder))
    except OSError:
        yield Entry(folder, prefix.rstrip("/") or ".", trouble="cannot be listed")
        return
    for one in names:
        if prefix + one not in skip:
            yield from _entry(folder / one, prefix + one, inside, skip, entered)


def _entry(
    path: Path, name: str, inside: Path, skip: frozenset[str], entered: set[tuple[int, int]]
) -> Iterator[Entry]:
    try:
        about = path.lstat()
        target = os.fsencode(path.readlink()) if stat.S_ISLNK(about.st_mode) else None
        attributes = _attributes(path)
    except FileNotFoundError:
        return  # gone since the folder was listed
    except OSError:
        yield Entry(path, name, trouble="cannot be read")
        return
    if target is not None:
        yield Entry(path, name, about.st_ino, target, attributes)
        try:
            aim = path.resolve(strict=True)  # which a circle fails on every Python
            if aim.is_relative_to(inside):
                return  # it is met where it stands
            about = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return  # it leads nowhere
        except (OSError, RuntimeError):  # a circle of links, or a folder that may not be entered
            yield Entry(path, name, about.st_ino, trouble="leads where nothing can be read")
            return
        attributes = _attributes(aim)
    if stat.S_ISREG(about.st_mode):
        yield Entry(path, name, about.st_ino, attributes=attributes, size=about.st_size)
    elif stat.S_ISDIR(about.st_mode):
        yield Entry(path, name, about.st_ino, attributes=attributes)
        yield from _below(path, name + "/", inside, skip, entered)
    elif stat.S_ISBLK(about.st_mode) or stat.S_ISCHR(about.st_mode):
        yield Entry(path, name, about.st_ino, trouble="a device")
    else:  # a pipe or a socket keeps nothing
        yield Entry(path, name, about.st_ino, attributes=attributes)


def _attributes(path: Path) -> tuple[bytes, ...]:
    """Return names and values of extended attributes; none where the file system has none."""
    found = []
    try:
        for name in os.listxattr(path, follow_symlinks=False):
            found.append(os.fsencode(name))
            found.append(os.getxattr(path, name, follow_symlinks=False))
    except OSError:
        pass
    return tuple(found)
