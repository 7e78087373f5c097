"""Versions of the code that give the same bits as today's, though their fingerprints differ.

A ledger keeps the fingerprint of the code that made it. A line of `equivalent.json` says that code
of an older fingerprint and that of a newer one gave equal digests of all states over a recorded
number of configurations (`make equivalent OLD=<commit>` runs both and writes it). It holds for that
newer fingerprint alone: any change that today's fingerprint notices takes the line away.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

from lineage_store.canonical import read_json

TABLE = "equivalent.json"


@dataclass(frozen=True)
class Equivalent:
    """Code of fingerprint `old`, at a commit, gives the bits of code of fingerprint `now`."""

    old: str
    now: str
    commit: str
    configurations: int
    states: str


@functools.cache
def equivalents(table: Path) -> tuple[Equivalent, ...]:
    """Read a table of equivalent versions."""
    return tuple(Equivalent(**entry) for entry in read_json(table))


def same_code(old: str, now: str) -> bool:
    """Say whether code of one fingerprint gives the bits of code of another."""
    known = equivalents(Path(__file__).with_name(TABLE))
    return old == now or any((entry.old, entry.now) == (old, now) for entry in known)
