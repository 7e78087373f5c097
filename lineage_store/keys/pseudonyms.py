"""Pseudonyms: what stands for a subject outside its own row of data.

A subject's pseudonym is HMAC-SHA256 of its id under a random key of its own. The keys lie in an
SQLite file of their own, found by a keyed digest of the id; destroying a key (`shred`) makes the
pseudonym that stays in logs and metadata meaningless, for the workspace's owner too.

Which keys a training run drew is written down with them until it has ended: those of a run that
made no model stand for nobody, also where it was killed.
"""

import os
import sqlite3
from collections.abc import Callable, Container, Iterable
from pathlib import Path

from lineage_store.keys.secret import Keys, keyed

PSEUDONYM_BYTES = 16
CACHED = 1 << 17


class Pseudonyms:
    """The open store of pseudonym keys; changes last when `commit` is called.

    `run` is the model for which keys are drawn, where they may have to be taken back.
    """

    def __init__(
        self,
        path: Path,
        keys: Keys,
        *,
        run: str | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._keys = keys
        self._run = run
        self._random = random_bytes
        self._cache: dict[str, bytes] = {}
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS keys (lookup BLOB PRIMARY KEY, key BLOB) WITHOUT ROWID"
        )
        if run is not None:
            self._connection.execute("CREATE TABLE IF NOT EXISTS drawn (run TEXT, lookup BLOB)")

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
            if self._run is not None:
                self._connection.execute("INSERT INTO drawn VALUES (?, ?)", (self._run, lookup))
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
        """Destroy the keys that this run drew, committed or not: they stand for nobody."""
        if self._run is not None:
            self._end(self._run, kept=False)

    def keep(self) -> None:
        """Say that this run made a model: its keys stay."""
        if self._run is not None:
            self._end(self._run, kept=True)

    def end_killed_runs(self, models: Container[str]) -> None:
        """Do for runs that were killed what they did not get to; `models` are those there are."""
        tables = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'drawn'")
        if tables.fetchone() is None:
            return
        for (run,) in self._connection.execute("SELECT DISTINCT run FROM drawn").fetchall():
            self._end(run, kept=run in models)

    def _end(self, run: str, *, kept: bool) -> None:
        self._cache.clear()
        self._connection.rollback()  # the file stays as it was, if nothing was committed
        if not kept:
            self._connection.execute(
                "DELETE FROM keys WHERE lookup IN (SELECT lookup FROM drawn WHERE run = ?)", (run,)
            )
        self._connection.execute("DELETE FROM drawn WHERE run = ?", (run,))
        self._connection.commit()

    def commit(self) -> None:
        """Make new keys durable."""
        self._connection.commit()

    def close(self) -> None:
        """Close the store, forgetting what was not committed."""
        self._connection.close()


def each_pseudonym(written: bytes) -> tuple[bytes, ...]:
    """Take pseudonyms apart that were written one after another."""
    length = PSEUDONYM_BYTES
    return tuple(written[start : start + length] for start in range(0, len(written), length))


def _pseudonym(key: bytes, subject: str) -> bytes:
    return keyed(key, "pseudonym", subject.encode("utf-8"))[:PSEUDONYM_BYTES]
