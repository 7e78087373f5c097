"""A disk that keeps only what was synced: what is left of a folder if the power goes, at any step.

`Disk` follows a process from within: `os.fsync` of a file puts its bytes on the disk, `os.fsync` of
a folder its names, and nothing else does. Before every call that changes a name, and before every
sync, it keeps what the disk would hold by then, as three disks would have it that all do no more
than they must:

    late     has no name that was not synced, and every name whose removal was not
    early    has done with names all that was asked, but has no bytes that were not synced
    unlucky  has removed all that was removed, and nothing that was made

SQLite syncs its own files, by a protocol of its own: they are taken as they are.
"""

import hashlib
import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

FAULTS = ("late", "early", "unlucky")
CHANGES = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.symlink"}
SQLITE = (".sqlite", ".sqlite-wal", ".sqlite-journal")
LISTED = "steps.jsonl"


@dataclass(frozen=True)
class Left:
    """What one disk holds at a step: the contents of files and None for folders, by path."""

    step: int
    before: str
    fault: str
    files: dict[str, str | None]

    def write(self, kept: Path, root: Path) -> Path:
        """Make a folder that holds it."""
        root.mkdir(mode=0o700)
        for path, content in sorted(self.files.items()):
            if content is None:
                (root / path).mkdir(mode=0o700)
            else:
                (root / path).write_bytes((kept / content).read_bytes())
                (root / path).chmod(0o600)
        return root


def left(kept: Path) -> list[Left]:
    """Read what a disk kept, in the order of the steps."""
    lines = (kept / LISTED).read_text(encoding="utf-8").splitlines()
    return [Left(**json.loads(line)) for line in lines]


def distinct(states: list[Left]) -> list[Left]:
    """Leave out what is as at an earlier step, or as with another fault."""
    first: dict[str, Left] = {}
    for one in states:
        first.setdefault(json.dumps(one.files, sort_keys=True), one)
    return list(first.values())


@dataclass(frozen=True)
class Name:
    """What a name in a folder stands for."""

    inode: int
    is_folder: bool


def _listed(entries) -> dict[str, Name]:
    return {one.name: Name(one.inode(), one.is_dir(follow_symlinks=False)) for one in entries}


class Disk:
    """Keeps in the folder `kept` what the disk under `root` holds; all that is there is synced."""

    def __init__(self, root: Path, kept: Path) -> None:
        self._root, self._kept = root, kept
        self._names: dict[int, dict[str, Name]] = {}  # of synced folders, by inode
        self._contents: dict[int, str] = {}  # of synced files, likewise
        self._held: list[int] = []  # open, so that no number is given to another file
        self._steps, self._busy = 0, False
        for path in (root, *root.rglob("*")):
            descriptor = os.open(path, os.O_RDONLY)
            self._sync(descriptor)
            os.close(descriptor)
        self.step("the beginning")
        self._fsync, os.fsync = os.fsync, self.fsync
        sys.addaudithook(self._called)

    def fsync(self, descriptor: int) -> None:
        """Stand in the place of `os.fsync`."""
        self.step("os.fsync")
        self._fsync(descriptor)
        self._sync(descriptor)

    def _called(self, event: str, arguments: tuple) -> None:
        if self._busy or event not in CHANGES:
            return
        if event == "open" and not arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        self.step(f"{event} {arguments[0]}")

    def _sync(self, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(descriptor) as entries:
                self._names[found.st_ino] = _listed(entries)
        else:
            size = found.st_size
            with open(f"/proc/self/fd/{descriptor}", "rb") as stream:
                self._contents[found.st_ino] = self._keep(stream.read(size))
        self._held.append(os.dup(descriptor))

    def _keep(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        if not (self._kept / name).exists():
            (self._kept / name).write_bytes(content)
        return name

    def step(self, before: str) -> None:
        """Keep what each disk holds now."""
        self._busy = True
        self._steps += 1
        for fault in FAULTS:
            files: dict[str, str | None] = {}
            self._walk(self._root.stat().st_ino, self._root, "", fault, files)
            one = {"step": self._steps, "before": before, "fault": fault, "files": files}
            with (self._kept / LISTED).open("a", encoding="utf-8") as stream:
                print(json.dumps(one), file=stream)
        self._busy = False

    def _walk(
        self, inode: int, now: Path | None, at: str, fault: str, files: dict[str, str | None]
    ) -> None:
        """Add what a folder holds, of which `now` is what the process sees, if it sees it."""
        there = {} if now is None else _listed(os.scandir(now))
        synced = self._names.get(inode, {})
        names = {
            "late": synced,
            "early": there,
            "unlucky": {name: one for name, one in synced.items() if name in there},
        }[fault]
        own = {name for name in {*there, *synced} if name.endswith(SQLITE)}
        for name in sorted({*names} - own):
            one, path = names[name], f"{at}{name}"
            if one.is_folder:
                files[path] = None
                seen = now / name if now is not None and there.get(name) == one else None
                self._walk(one.inode, seen, f"{path}/", fault, files)
            else:
                files[path] = self._contents.get(one.inode) or self._keep(b"")
        for name in sorted(own & there.keys()):
            files[f"{at}{name}"] = self._keep((now / name).read_bytes())
