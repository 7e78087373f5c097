"""Who is at work in a workspace, since when, and how far: so that nobody takes it for dead.

A command that runs something tells of it in `at-work.json`: its process and machine, when it began,
and what it counts; no id of anybody. It is written anew once a second at most, by rename, and taken
away at the end. What a killed command leaves is told from one that works by its process, which is
there no more, or is another that began later; of one on another machine, by the lock.
"""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lineage_store.canonical import canonical_json, read_json, sync_folder, write_atomic

FILE = "at-work.json"
SECONDS = 1.0
STARTED = 19  # the place of a process's start in /proc/<pid>/stat, behind its name

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class AtWork:
    """A command at work: `began` are the kernel's ticks at which its process did, `since` a time.

    `what` is what it counts, `done` of `total` of it; empty before it counts anything.
    """

    pid: int
    began: int
    host: str
    since: str
    what: str = ""
    done: int = 0
    total: int = 0

    def is_alive(self, root: Path) -> bool:
        """Say whether its process is there still: of another machine, whether its lock is held."""
        if self.host != socket.gethostname():
            return _is_locked(root)
        return self.began != 0 and _began(self.pid) == self.began

    def in_words(self) -> str:
        """Say it in a few words."""
        progress = f", {self.what}" if self.what else ""
        if self.total:
            progress += f" {self.done:,} of {self.total:,}"
        return f"process {self.pid} on {self.host}, since {self.since}{progress}"


def who_works(root: Path) -> AtWork | None:
    """Return who is at work in a workspace; None if nobody is, or who was has died."""
    try:
        found = AtWork(**read_json(root / FILE))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.is_alive(root) else None


@contextmanager
def working(root: Path, *, since: str, clock: Callable[[], float]) -> Iterator[Tell]:
    """Tell of a command while it works; yield what tells how far it is. `clock` tells seconds."""
    work = AtWork(os.getpid(), _began(os.getpid()), socket.gethostname(), since)
    last = clock()

    def write(value: AtWork) -> None:
        write_atomic(root / FILE, canonical_json(asdict(value)) + b"\n")

    def tell(what: str, done: int, total: int) -> None:
        nonlocal work, last
        new = what != work.what
        work = replace(work, what=what, done=done, total=total)
        if new or clock() - last >= SECONDS:
            last = clock()
            write(work)

    write(work)
    try:
        yield tell
    finally:
        (root / FILE).unlink(missing_ok=True)
        if root.exists():  # a command that failed may have taken its workspace away
            sync_folder(root)


def _is_locked(root: Path) -> bool:
    """Say whether somebody holds the workspace's lock, by asking for it for a moment."""
    try:
        descriptor = os.open(root / "lock", os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _began(pid: int) -> int:
    """Return when a process began, in ticks since the machine did; 0 if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[STARTED])
