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
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from lineage_store.errors import BadInput
from lineage_store.keys import spellings
from lineage_store.keys.secret import Keys, keyed, keyed_all, keyed_each
from lineage_store.keys.subject_ids import canonical_id
from lineage_store.own_files.overwritten import is_overwritten
from lineage_store.own_files.own_tables import connect

PSEUDONYM_BYTES, KEY_BYTES, NONCE_BYTES = 16, 32, 12
SPELLING = b" spelling"  # of what is sealed beside a key
CACHED = 1 << 17
AT_ONCE = 1 << 14
ASKED_AT_ONCE = 500  # values that SQLite takes in one statement, in any build
DRAWN_BYTES = KEY_BYTES + 2 * NONCE_BYTES


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
        self._all_cached = self._all_of_run = False
        if to_read and path.exists():
            self._connection = connect(f"{path.absolute().as_uri()}?mode=ro", path, uri=True)
            return
        self._connection = connect(":memory:" if to_read else path, path)
        self._connection.execute("PRAGMA secure_delete = ON")
        self._connection.execute("PRAGMA cache_size = -65536")  # keyed digests come in no order
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS keys (lookup BLOB PRIMARY KEY, key BLOB) WITHOUT ROWID"
        )
        spellings.prepare(self._connection)
        self._unspelled = spellings.without(self._connection) > 0
        self._all_cached = self._connection.execute("SELECT 1 FROM keys").fetchone() is None
        self._all_of_run = self._all_cached and run is not None
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
            if self._run is not None and not self._all_of_run:
                self._connection.execute("INSERT INTO drawn VALUES (?, ?)", (self._run, lookup))
            pseudonym = _pseudonym(key, subject)
        if is_new or self._unspelled:
            sealed = self._sealed(lookup + SPELLING, subject.encode("utf-8"))
            folded = spellings.digest_of(self._keys, subject)
            spellings.keep(self._connection, lookup, folded, sealed, is_new=is_new)
        if len(self._cache) >= CACHED:
            self._forget_cached()
        self._cache[subject] = pseudonym
        return pseudonym

    def get_all(self, subjects: Sequence[str]) -> list[bytes]:
        """Return different subjects' pseudonyms, as `get` does, many at a time."""
        if self._unspelled:
            return [self.get(subject) for subject in subjects]
        found: list[bytes] = []
        for start in range(0, len(subjects), AT_ONCE):
            some = subjects[start : start + AT_ONCE]
            if len(self._cache) + len(some) > CACHED:
                self._forget_cached()
            self._know([subject for subject in some if subject not in self._cache])
            found += [self._cache[subject] for subject in some]
        return found

    def _know(self, subjects: Sequence[str]) -> None:
        """Take the pseudonyms of some subjects into the cache, drawing keys for those not known."""
        texts = [subject.encode("utf-8") for subject in subjects]
        lookups = _each(keyed_all(self._keys.lookup, "subject", texts), 32)
        stored = {} if self._all_cached else self._stored(lookups)
        new = []
        for subject, text, lookup in zip(subjects, texts, lookups, strict=True):
            if lookup in stored:
                self._cache[subject] = _pseudonym(self._key(lookup, stored[lookup]), subject)
            else:
                new.append((lookup, subject, text))
        if new:
            self._draw(sorted(new))

    def _stored(self, lookups: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the keys of subjects as they are stored, those that are."""
        found: dict[bytes, bytes] = {}
        ordered = sorted(lookups)
        for start in range(0, len(ordered), ASKED_AT_ONCE):
            some = ordered[start : start + ASKED_AT_ONCE]
            marks = ",".join("?" * len(some))
            query = f"SELECT lookup, key FROM keys WHERE lookup IN ({marks})"
            found.update(self._connection.execute(query, some).fetchall())
        return found

    def _draw(self, new: Sequence[tuple[bytes, str, bytes]]) -> None:
        """Draw keys for subjects, in the order in which they lie in the tables."""
        seal = ChaCha20Poly1305(self._keys.pseudonyms).encrypt
        drawn = _each(self._random(DRAWN_BYTES * len(new)), DRAWN_BYTES)
        folded = _each(spellings.digests_of(self._keys, [subject for _, subject, _ in new]), 32)
        keys = [one[:KEY_BYTES] for one in drawn]
        pseudonyms = keyed_each(keys, "pseudonym", [text for _, _, text in new])
        stored, spelled = [], []
        for (lookup, subject, text), key, random, fold, pseudonym in zip(
            new, keys, drawn, folded, pseudonyms, strict=True
        ):
            first, second = random[KEY_BYTES:-NONCE_BYTES], random[-NONCE_BYTES:]
            stored.append((lookup, first + seal(first, key, lookup)))
            spelled.append((lookup, fold, second + seal(second, text, lookup + SPELLING)))
            self._cache[subject] = pseudonym[:PSEUDONYM_BYTES]
        spellings.insert(self._connection, "INSERT INTO keys", stored)
        spellings.keep_new(self._connection, spelled)
        if self._run is not None and not self._all_of_run:
            of_run = [(self._run, lookup) for lookup, _, _ in new]
            spellings.insert(self._connection, "INSERT INTO drawn", of_run)

    def _forget_cached(self) -> None:
        self._cache.clear()
        self._all_cached = False

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

    def every_spelling(self) -> list[str]:
        """Return all ids of which a spelling is kept."""
        found = spellings.all_sealed(self._connection)
        return [self._opened(lookup + SPELLING, one).decode("utf-8") for lookup, one in found]

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
        self._forget_cached()
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
        self._forget_cached()
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
        if self._all_of_run:
            self._connection.execute("INSERT INTO drawn SELECT ?, lookup FROM keys", (self._run,))
            self._all_of_run = False
        spellings.index(self._connection)
        self._connection.commit()

    def close(self) -> None:
        """Close the store, forgetting what was not committed."""
        self._connection.close()


def each_pseudonym(written: bytes) -> tuple[bytes, ...]:
    """Take pseudonyms apart that were written one after another."""
    length = PSEUDONYM_BYTES
    return tuple(written[start : start + length] for start in range(0, len(written), length))


def _each(together: bytes, size: int) -> list[bytes]:
    return [together[start : start + size] for start in range(0, len(together), size)]


def _pseudonym(key: bytes, subject: str) -> bytes:
    return keyed(key, "pseudonym", subject.encode("utf-8"))[:PSEUDONYM_BYTES]
