"""How long the making of a ledger took, and what it wrote: what later estimates learn from.

Kept beside the ledger's header and no part of it: a run's digest must not hang on how fast it was.
A ledger of an earlier unweave has none.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import canonical_json, read_json, reading_own, write_atomic
from lineage_store.own_files.typed import typed

TIMINGS_FILE = "timings.json"


@dataclass(frozen=True)
class Timings:
    """Seconds of wall time of a run's parts, and the bytes that it wrote.

    `build` is building the model, `trace` the graph of its step, `shards` the work of all shards,
    `finish` evaluation and export. The check before a training, that the model repeats itself, is
    no part of any. A run that took no step built no graph: then `trace` is that of an earlier run,
    and `traced` false. `written` counts the files that the ledger does not share with an older one,
    and the served model. `factor` is `shards` over the seconds of the steps alone: what is written
    and read around them makes it more, several workers make it less.
    """

    build: float
    trace: float
    shards: float
    finish: float
    written: int
    traced: bool = True
    factor: float = 1.0

    @property
    def total(self) -> float:
        """All seconds together."""
        return self.build + (self.trace if self.traced else 0.0) + self.shards + self.finish

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return asdict(self)


def save_timings(folder: Path, timings: Timings) -> None:
    """Write the timings into a ledger's folder."""
    write_atomic(folder / TIMINGS_FILE, canonical_json(timings.to_json()) + b"\n")


def load_timings(folder: Path) -> Timings | None:
    """Read the timings of a ledger, None if it has none; raises Damaged for what is no timings."""
    file = folder / TIMINGS_FILE
    if not file.exists():
        return None
    with reading_own(file):
        return typed(Timings(**read_json(file)))


def own_bytes(folder: Path) -> int:
    """Return the bytes of the files below a folder that no other folder shares as links."""
    files = (path.lstat() for path in folder.rglob("*") if path.is_file())
    return sum(found.st_size for found in files if found.st_nlink == 1)
