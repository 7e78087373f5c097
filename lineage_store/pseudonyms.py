"""Pseudonyms: what stands for a subject outside its own row of data.

A subject's pseudonym is HMAC-SHA256 of its id under a random key of its own. The keys lie in an
SQLite file of their own, found by a keyed digest of the id; destroying a key (`shred`) makes the
pseudonym that stays in logs and metadata meaningless, for the workspace's owner too.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path

from lineage_store.keys import Keys, keyed

PSEUDONYM_BYTES = 16
CACHED = 1 << 17


class Pseudonyms:
    """The open store of pseudonym keys; changes last when `commit` is called."""

    def __init__(
        self,
        path: Path,
        keys: Keys,
        *,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._keys = keys
        self._random = random_bytes
        self._cache: dict[str, bytes] = {}
        self._drawn: list[bytes] = []
        self._committed: list[bytes] = []
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS keys (lookup BLOB PRIMARY KEY, key BLOB) WITHOUT ROWID"
        )

    def find(self, subject: str) -> bytes | None:
        """Return a known subject's pseudonym (16 bytes), or None."""
        row = self._connection.execute(
            "SELECT key FROM keys WHERE lookup = ?", (self._keys.subject_lookup(subject),)
        ).fetchone()
        return None if row is None else _pseudonym(row[0], subject)

    def get(self, subject: str) -> bytes:
        """Return a subject's pseudonym, drawing a key for a subject not seen before."""
        if (known := self._cache.get(subject)) is not None:
            return known
        pseudonym = self.find(subject)
        if pseudonym is None:
            key, lookup = self._random(32), self._keys.subject_lookup(subject)
            self._connection.execute("INSERT INTO keys VALUES (?, ?)", (lookup, key))
            self._drawn.append(lookup)
            pseudonym = _pseudonym(key, subject)
        if len(self._cache) >= CACHED:
            self._cache.clear()
        self._cache[subject] = pseudonym
        return pseudonym

    def shred(self, subjects: Iterable[str]) -> None:
        """Destroy subjects' keys and overwrite the place where they stood."""
        self._cache.clear()
        lookups = [(self._keys.subject_lookup(subject),) for subject in subjects]
        self._connection.executemany("DELETE FROM keys WHERE lookup = ?", lookups)
        self._connection.commit()
        self._connection.execute("VACUUM")

    def take_back(self) -> None:
        """Destroy the keys that this store drew, committed or not: they stand for nobody."""
        self._cache.clear()
        self._connection.rollback()  # which leaves the file as it was, if nothing was committed
        if self._committed:
            drawn = [(lookup,) for lookup in self._committed]
            self._connection.executemany("DELETE FROM keys WHERE lookup = ?", drawn)
            self._connection.commit()

    def commit(self) -> None:
        """Make new keys durable."""
        self._connection.commit()
        self._committed += self._drawn
        self._drawn.clear()

    def close(self) -> None:
        """Close the store, forgetting what was not committed."""
        self._connection.close()


def each_pseudonym(written: bytes) -> tuple[bytes, ...]:
    """Take pseudonyms apart that were written one after another."""
    length = PSEUDONYM_BYTES
    return tuple(written[start : start + length] for start in range(0, len(written), length))


def _pseudonym(key: bytes, subject: str) -> bytes:
    return keyed(key, "pseudonym", subject.encode("utf-8"))[:PSEUDONYM_BYTES]
