"""Pseudonyms: what stands for a subject outside its own row of data.

A subject's pseudonym is HMAC-SHA256 of its id under a random key of its own. The keys lie in an
SQLite file of their own beside the secret, found by a keyed digest of the id and sealed under a key
of the secret's: whoever has the file alone can try no name. Beside each lies the id itself, sealed
likewise (`spellings.py`). Destroying a key (`shred`) makes the
pseudonym that stays in logs and metadata meaningless, for the workspace's owner too.

Which keys a training run drew is written down with them until it has ended: those of a run that
made no model stand for nobody, also where it was killed.
"""

import os
import sqlite3
from collections.abc import Callable, Container, Iterable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from lineage_store.errors import BadInput
from lineage_store.keys import spellings
from lineage_store.keys.secret import Keys, keyed
from lineage_store.keys.subject_ids import canonical_id
from lineage_store.overwritten import is_overwritten

PSEUDONYM_BYTES, KEY_BYTES, NONCE_BYTES = 16, 32, 12
SPELLING = b" spelling"  # of what is sealed beside a key
CACHED = 1 << 17


class Pseudonyms:
    """The open store of pseudonym keys; changes last when `commit` is called.

    `run` is the model for which keys are drawn, where they may have to be taken back. A store that
    is opened `to_read` is not written to, and is empty where there is no file.
    """

    def __init__(
        self,
        path: Path,
        keys: Keys,
        *,
        run: str | None = None,
        to_read: bool = False,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._keys = keys
        self._path = path
        self._run = run
        self._random = random_bytes
        self._cache: dict[str, bytes] = {}
        if to_read and path.exists():
            self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
            return
        self._connection = sqlite3.connect(":memory:" if to_read else path)
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA cache_size = -65536")  # keyed digests come in no order
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS keys (lookup BLOB PRIMARY KEY, key BLOB) WITHOUT ROWID"
        )
        spellings.prepare(self._connection)
        self._unspelled = spellings.without(self._connection) > 0
        if run is not None:
            self._connection.execute("CREATE TABLE IF NOT EXISTS drawn (run TEXT, lookup BLOB)")

    def find(self, subject: str) -> bytes | None:
        """Return a known subject's pseudonym (16 bytes), or None."""
        lookup = self._keys.subject_lookup(subject)
        row = self._connection.execute(
            "SELECT key FROM keys WHERE lookup = ?", (lookup,)
        ).fetchone()
        return None if row is None else _pseudonym(self._key(lookup, row[0]), subject)

    def get(self, subject: str) -> bytes:
        """Return a subject's pseudonym, drawing a key for a subject not seen before."""
        if (known := self._cache.get(subject)) is not None:
            return known
        pseudonym, lookup = self.find(subject), self._keys.subject_lookup(subject)
        is_new = pseudonym is None
        if pseudonym is None:
            key = self._random(KEY_BYTES)
            self._connection.execute(
                "INSERT INTO keys VALUES (?, ?)", (lookup, self._sealed(lookup, key))
            )
            if self._run is not None:
                self._connection.execute("INSERT INTO drawn VALUES (?, ?)", (self._run, lookup))
            pseudonym = _pseudonym(key, subject)
        if is_new or self._unspelled:
            sealed = self._sealed(lookup + SPELLING, subject.encode("utf-8"))
            folded = spellings.digest_of(self._keys, subject)
            spellings.keep(self._connection, lookup, folded, sealed, is_new=is_new)
        if len(self._cache) >= CACHED:
            self._cache.clear()
        self._cache[subject] = pseudonym
        return pseudonym

    def seal_older(self) -> None:
        """Seal the keys that an earlier unweave kept as they are."""
        plain = self._connection.execute(
            "SELECT lookup, key FROM keys WHERE length(key) = ?", (KEY_BYTES,)
        ).fetchall()
        sealed = [(self._sealed(lookup, key), lookup) for lookup, key in plain]
        self._connection.executemany("UPDATE keys SET key = ? WHERE lookup = ?", sealed)
        self._connection.commit()
        self._connection.execute("VACUUM")

    def spelled_like(self, subject: str) -> tuple[str, ...]:
        """Return all known ids that fold as this one does, it itself included, in order."""
        folded = spellings.digest_of(self._keys, subject)
        found = spellings.folding_to(self._connection, folded)
        opened = (self._opened(lookup + SPELLING, sealed) for lookup, sealed in found)
        return tuple(sorted(one.decode("utf-8") for one in opened))

    def of_same(self, subject: str) -> dict[str, bytes]:
        """Return the pseudonyms of all known ids that are canonically this one, by their spelling.

        Of an earlier unweave's, only those as given and as canonical are found.
        """
        canonical = canonical_id(subject)
        like = (one for one in self.spelled_like(subject) if canonical_id(one) == canonical)
        known = {one: self.find(one) for one in dict.fromkeys((subject, canonical, *like))}
        return {one: pseudonym for one, pseudonym in known.items() if pseudonym is not None}

    def unspelled(self) -> int:
        """Count the ids of which nothing can be said to look alike: an earlier unweave's."""
        return spellings.without(self._connection)

    def _sealed(self, place: bytes, content: bytes) -> bytes:
        """Return a key or an id as it lies on disk, bound to the place where it lies."""
        nonce = self._random(NONCE_BYTES)
        return nonce + ChaCha20Poly1305(self._keys.pseudonyms).encrypt(nonce, content, place)

    def _opened(self, place: bytes, stored: bytes) -> bytes:
        nonce, hidden = stored[:NONCE_BYTES], stored[NONCE_BYTES:]
        try:
            return ChaCha20Poly1305(self._keys.pseudonyms).decrypt(nonce, hidden, place)
        except InvalidTag as error:
            raise BadInput(
                "The keys of the pseudonyms cannot be read with the workspace's secret: they were "
                "changed, or the secret is another one; restore both from the same backup."
            ) from error

    def _key(self, lookup: bytes, stored: bytes) -> bytes:
        # As it is, an earlier unweave kept it.
        return stored if len(stored) == KEY_BYTES else self._opened(lookup, stored)

    def shred(self, subjects: Iterable[str]) -> None:
        """Destroy subjects' keys and spellings, and overwrite the place where they stood."""
        self._cache.clear()
        lookups = [self._keys.subject_lookup(subject) for subject in subjects]
        gone = "DELETE FROM keys WHERE lookup = ? RETURNING key"
        keys = [
            row[0] for one in lookups for row in self._connection.execute(gone, (one,)).fetchall()
        ]
        sealed = spellings.drop(self._connection, lookups)
        self._connection.commit()
        # Where a killed run has deleted some, nobody knows what they were.
        known = len(keys) == len(lookups)
        if not known or not is_overwritten(self._path, [*lookups, *keys, *sealed]):
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
            drawn = "SELECT lookup FROM drawn WHERE run = ?"
            gone = [row[0] for row in self._connection.execute(drawn, (run,))]
            self._connection.execute(f"DELETE FROM keys WHERE lookup IN ({drawn})", (run,))
            spellings.drop(self._connection, gone)
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
