"""The row index: which rows a subject has in which data snapshot, and where each of them stands.

It holds keys and pseudonyms only. The place digest is stored as a signed 64-bit integer, since
SQLite has no unsigned one.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.gate import TRAIN, Record
from lineage_store.placement import U64, shard_of, slice_of

PIECE = 20_000


@dataclass(frozen=True)
class IndexedRows:
    """Rows of one snapshot: keys (n, 16) uint8, places (n,) uint64, one split name each."""

    row_keys: npt.NDArray[np.uint8]
    places: U64
    splits: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.splits)

    @property
    def trained(self) -> npt.NDArray[np.bool_]:
        """Which of the rows the model was trained on."""
        return np.array([split == TRAIN for split in self.splits], dtype=np.bool_)

    def by_slice(self, *, shards: int, slices: int) -> dict[tuple[int, int], npt.NDArray[np.int64]]:
        """Return the indices of the training rows, by shard and slice, in order."""
        found = {}
        shard, slice_ = shard_of(self.places, shards), slice_of(self.places, slices)
        trained = self.trained
        for pair in sorted(
            set(zip(shard[trained].tolist(), slice_[trained].tolist(), strict=True))
        ):
            here = trained & (shard == pair[0]) & (slice_ == pair[1])
            found[pair] = np.flatnonzero(here)
        return found

    def key_set(self) -> frozenset[bytes]:
        """Return the row keys as a set."""
        return frozenset(key.tobytes() for key in self.row_keys)


def ingest(connection: sqlite3.Connection, snapshot: int, records: Iterable[Record]) -> int:
    """Write a snapshot's rows and return their number; writing them again changes nothing."""
    count = 0
    piece: list[tuple[int, bytes, bytes | None, str, int]] = []
    for record in records:
        place = int.from_bytes(record.place, "big", signed=True)
        piece.append((snapshot, record.row_key, record.subject or None, record.split, place))
        if len(piece) == PIECE:
            count += _write(connection, piece)
            piece.clear()
    return count + _write(connection, piece)


def _write(
    connection: sqlite3.Connection, piece: list[tuple[int, bytes, bytes | None, str, int]]
) -> int:
    connection.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?)", piece)
    return len(piece)


def rows_of_subject(connection: sqlite3.Connection, pseudonym: bytes, snapshot: int) -> IndexedRows:
    """Return a subject's rows in a snapshot, in row-key order."""
    found = connection.execute(
        "SELECT row_key, place, split FROM rows WHERE subject = ? AND snapshot = ? "
        "ORDER BY row_key",
        (pseudonym, snapshot),
    ).fetchall()
    return _indexed(found)


def rows_by_key(
    connection: sqlite3.Connection, row_keys: Iterable[bytes], snapshot: int
) -> IndexedRows:
    """Return those of the rows that a snapshot has, in row-key order."""
    found = []
    for row_key in sorted(row_keys):
        row = connection.execute(
            "SELECT row_key, place, split FROM rows WHERE snapshot = ? AND row_key = ?",
            (snapshot, row_key),
        ).fetchone()
        if row is not None:
            found.append(row)
    return _indexed(found)


def _indexed(found: list[sqlite3.Row]) -> IndexedRows:
    keys = np.frombuffer(b"".join(row["row_key"] for row in found), dtype=np.uint8)
    places = np.array([row["place"] for row in found], dtype=np.int64).view(np.uint64)
    return IndexedRows(keys.reshape(-1, 16), places, tuple(row["split"] for row in found))


def remove(connection: sqlite3.Connection, row_keys: Iterable[bytes]) -> None:
    """Take rows out of every snapshot."""
    snapshots = [row[0] for row in connection.execute("SELECT DISTINCT snapshot FROM rows")]
    pairs = [(snapshot, key) for key in row_keys for snapshot in snapshots]
    connection.executemany("DELETE FROM rows WHERE snapshot = ? AND row_key = ?", pairs)


def has_rows(connection: sqlite3.Connection, pseudonym: bytes) -> bool:
    """Say whether a subject has a row in any snapshot."""
    found = connection.execute("SELECT 1 FROM rows WHERE subject = ? LIMIT 1", (pseudonym,))
    return found.fetchone() is not None


def keep_snapshots(connection: sqlite3.Connection, snapshots: Iterable[int]) -> None:
    """Take the rows of all other snapshots out."""
    kept = set(snapshots)
    for (snapshot,) in connection.execute("SELECT DISTINCT snapshot FROM rows").fetchall():
        if snapshot not in kept:
            connection.execute("DELETE FROM rows WHERE snapshot = ?", (snapshot,))


def subjects(connection: sqlite3.Connection, snapshot: int) -> list[tuple[bytes, int]]:
    """List a snapshot's subjects as (pseudonym, number of rows), the smallest first."""
    found = connection.execute(
        "SELECT subject, count(*) AS n FROM rows WHERE snapshot = ? AND subject IS NOT NULL "
        "GROUP BY subject ORDER BY n, subject",
        (snapshot,),
    )
    return [(row["subject"], row["n"]) for row in found]
