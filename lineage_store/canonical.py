"""One way to write a value down, so that its digest means something.

Canonical JSON has sorted keys, no white space, UTF-8 and no NaN; equal values give equal bytes.
Files appear whole or not at all: written under a temporary name, synced, renamed.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lineage_store.errors import Damaged, FileGone

PRIVATE, PUBLIC = 0o600, 0o644
Json = Mapping[str, Any] | Sequence[Any] | str | int | float | bool | None


def canonical_json(value: Json) -> bytes:
    """Serialise a value to its only canonical form.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8")


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_json(value: Json) -> str:
    """Return the SHA-256 of a value's canonical JSON."""
    return digest(canonical_json(value))


def digest_file(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces of 1 MiB."""
    state = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            state.update(piece)
    return state.hexdigest()


def write_atomic(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write a whole file so that a crash leaves the old one or the new one, never a part.

    It is for its owner alone, unless another mode is given.
    """
    with atomic_file(path, mode=mode) as stream:
        stream.write(data)


@contextmanager
def atomic_file(path: Path, *, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """Open a file to be written in pieces; it is there, whole, when the block ends without error.

    An older file of that name stays as it is until then, and so does one that is linked to it.
    """
    temporary = path.with_name(f".{path.name}.partial")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)  # a file left by a crash keeps its old mode
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def link_or_copy(source: Path | str, target: Path | str) -> None:
    """Take a file over under another name: as a hard link, where the file system has them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def has_links(folder: Path) -> bool:
    """Say whether files in a folder can be hard links: it is tried on one that is gone again."""
    with tempfile.TemporaryDirectory(dir=folder) as tried:
        file = Path(tried, "file")
        file.touch()
        try:
            os.link(file, file.with_name("link"))
        except OSError:
            return False
        return True


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path, *, within: Path) -> None:
    """Make a folder durable with all that is in it, and the names that lead to it from `within`.

    What takes the place of something else must be on disk before that may go.
    """
    for path, _, names in os.walk(folder, topdown=False):
        for file in (Path(path, name) for name in names):
            if not file.is_symlink():  # of which the name is all there is
                with file.open("rb") as opened:
                    os.fsync(opened.fileno())
        sync_folder(Path(path))
    for above in folder.parents:
        sync_folder(above)
        if above == within:
            return


def read_json(path: Path) -> Any:
    """Read a JSON file that unweave wrote."""
    return json.loads(path.read_bytes())


@contextmanager
def reading_own(path: Path) -> Iterator[None]:
    """Read a file of unweave's own; raises Damaged, naming it, if it is not as it was written.

    FileGone is raised of one that is not there.
    """
    try:
        yield
    except Damaged:
        raise  # which names a file already
    except FileNotFoundError as error:
        raise gone(Path(error.filename or path)) from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise damaged(path) from error


def gone(path: Path) -> FileGone:
    """Return what is said of a file of unweave's own that is not there."""
    return FileGone(f"The file {path} is gone: restore the workspace from a backup.")


def damaged(path: Path) -> Damaged:
    """Return what is said of a file of unweave's own that is not as it was written."""
    return Damaged(
        f"The file {path} is not as unweave wrote it: restore the workspace from a backup."
    )
