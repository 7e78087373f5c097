"""The recorded updates of a shard on disk: `updates/00000042.zip` holds those from step 42 on.

A stage's updates stand in one file, since a file of its own for each costs several times what it
takes to write it: it is a zip archive whose members are stored as they are (`update_codecs` says
what they are), named after the positions of their steps. So any one of them can be read alone, and
any unzip can list them. An archive is complete and durable when it has its name.

To erase some updates the archive is written again without them: another ledger that links to the
old one keeps it as it is. An earlier unweave kept each update as `updates/00000042.safetensors`.
"""

import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lineage_store.canonical import atomic_file, digest, link_or_copy
from lineage_store.errors import CheckFailed
from lineage_store.ledger.update_codecs import decode
from lineage_store.tensors import State

DATE = (1980, 1, 1, 0, 0, 0)  # the first that zip knows: the same updates give the same file


@dataclass(frozen=True)
class UpdateFiles:
    """The folder of a shard's recorded updates, which need not be there."""

    folder: Path

    def archive_from(self, position: int) -> Path:
        """Return the archive whose first update is that of a step."""
        return self.folder / f"{member(position)}.zip"

    def files(self) -> dict[int, Path]:
        """Return the file that holds the update of each recorded step, by position."""
        found = {}
        for path in sorted(self.folder.glob("*.safetensors")):
            found[int(path.stem)] = path
        for path in sorted(self.folder.glob("*.zip")):
            with _opened(path) as archive:
                found |= {int(name): path for name in archive.namelist()}
        return found

    def read(self, positions: Collection[int]) -> Iterator[tuple[int, bytes]]:
        """Yield the bytes of the updates of some steps, in the order of their positions.

        Raises CheckFailed for one that is damaged, KeyError for one that is not there.
        """
        files = self.files()
        for path, here in _by_file({position: files[position] for position in positions}):
            if path.suffix == ".safetensors":
                yield here[0], path.read_bytes()
                continue
            with _opened(path) as archive:
                for position in here:
                    yield position, archive.read(member(position))

    def load(self, positions: Collection[int]) -> Iterator[tuple[int, State]]:
        """Yield the updates of some steps as arrays, in the order of their positions."""
        for position, data in self.read(positions):
            yield position, decode(data)

    def erase(self, positions: Collection[int]) -> None:
        """Take the updates of some steps off this folder; files linked elsewhere stay whole."""
        files = self.files()
        touched = {files[position] for position in positions if position in files}
        for path in touched:
            rest = [p for p, file in files.items() if file == path and p not in positions]
            self._rewrite(path, path, rest)

    def take_over(self, other: "UpdateFiles", *, before: int) -> None:
        """Take the updates of the steps before a position over from another folder, as links."""
        files = other.files()
        for path, here in _by_file(files):
            rest = [position for position in here if position < before]
            if rest:
                target = self.folder / path.name
                if len(rest) == len(here):
                    self.folder.mkdir(parents=True, exist_ok=True)
                    link_or_copy(path, target)
                else:
                    self._rewrite(path, target, rest)

    def _rewrite(self, source: Path, target: Path, positions: list[int]) -> None:
        if not positions:
            target.unlink()
            return
        with writing_updates(target) as writer, _opened(source) as archive:
            for position in positions:
                writer.add(position, archive.read(member(position)))


@dataclass(frozen=True)
class UpdateWriter:
    """An archive of updates that is being written."""

    archive: zipfile.ZipFile

    def add(self, position: int, data: bytes) -> str:
        """Append an update and return its digest, SHA-256."""
        self.archive.writestr(zipfile.ZipInfo(member(position), DATE), data)
        return digest(data)


@contextmanager
def writing_updates(path: Path) -> Iterator[UpdateWriter]:
    """Open an archive to add updates to; it is there, whole, when the block ends without error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as stream, zipfile.ZipFile(stream, "w") as archive:
        yield UpdateWriter(archive)


def member(position: int) -> str:
    """Return the name of a step's update in an archive."""
    return f"{position:08d}"


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise CheckFailed(
            f"The file {path.name} of recorded updates is damaged: restore the workspace from a "
            f"backup."
        ) from error


def _by_file(files: dict[int, Path]) -> list[tuple[Path, list[int]]]:
    """Group positions by their files, both in order."""
    grouped: dict[Path, list[int]] = {}
    for position in sorted(files):
        grouped.setdefault(files[position], []).append(position)
    return list(grouped.items())
