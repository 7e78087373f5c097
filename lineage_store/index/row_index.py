"""The row index: which rows a subject has in which data snapshot, and where each of them stands.

It holds keys and pseudonyms only. Rows are stored in *parts*, and a snapshot is a set of parts,
without some of their rows: one that has nearly all rows of an earlier one shares its parts, says
which of their rows it lacks, and stores only what is new. So training again, on the same data or on
more, or on a table of which some rows changed, costs what differs. The model after a deletion
stores nothing: it has the number of the snapshot that it comes from, whose rows are taken out.

    rows            part, row_key -> split, place, subjects (their pseudonyms, one after another)
    row_subjects    subject, part, row_key
    snapshot_parts  snapshot, part
    lacking         part, row_key, snapshot: rows of a snapshot's part that it does not have

A row that is stored is in some snapshot: what all of them lack goes with the last that had it, and
a row that is deleted is lacked by none. Rows are sorted on disk before they are written, so that
the tables grow at their ends, and ten million rows take bounded memory. The place digest is stored
as a signed 64-bit integer, since SQLite has no unsigned one.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lineage_store.data.record import EVAL, TRAIN, UNLABELLED, Record
from lineage_store.index.disk_sort import DiskSort
from lineage_store.keys.pseudonyms import PSEUDONYM_BYTES, each_pseudonym
from lineage_store.placement import U64, Partition, cells_of, row_bits
from lineage_store.progress import counter

PIECE = 20_000
CANDIDATES = 20
SAMPLE = 2_000
LACKING_AT_MOST = 0.1  # of the rows of the parts that a snapshot shares
KEY, PLACE = 16, 8
SPLIT_CODES = {TRAIN: b"t", EVAL: b"e", UNLABELLED: b"u"}
SPLIT_NAMES = {code: name for name, code in SPLIT_CODES.items()}

Stored = tuple[bytes, str, int, bytes]


@dataclass(frozen=True)
class IndexedRows:
    """Rows of one snapshot: keys (n, 16) uint8, places (n,) uint64, one split name each."""

    row_keys: npt.NDArray[np.uint8]
    places: U64
    splits: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.splits)

    def of_split(self, split: str) -> npt.NDArray[np.bool_]:
        """Say of each row whether it is in a split."""
        return np.array([one == split for one in self.splits], dtype=np.bool_)

    def by_slice(
        self, partition: Partition, *, split: str = TRAIN
    ) -> dict[tuple[int, int], npt.NDArray[np.int64]]:
        """Return the indices of the rows of a split, by shard and slice, in order."""
        found = {}
        shard, slice_ = cells_of(self.places, partition)
        mask = self.of_split(split)
        for pair in sorted(set(zip(shard[mask].tolist(), slice_[mask].tolist(), strict=True))):
            here = mask & (shard == pair[0]) & (slice_ == pair[1])
            found[pair] = np.flatnonzero(here)
        return found

    def batch_bits(self, *, grouped: bool) -> U64:
        """Return what places each row in batches (n,): its group's place, or its own key."""
        return self.places if grouped else row_bits(self.row_keys)

    def key_set(self) -> frozenset[bytes]:
        """Return the row keys as a set."""
        return frozenset(key.tobytes() for key in self.row_keys)


def ingest(
    connection: sqlite3.Connection,
    snapshot: int,
    records: Iterable[Record],
    *,
    total: int,
    temporary: Path,
) -> int:
    """Write a snapshot's rows and return their number; writing them again changes nothing.

    `total` is the number of records, for the progress bar alone; `temporary` a folder for what is
    being sorted. Runs in the caller's transaction.
    """
    add = counter("index", total)
    with DiskSort(temporary / "rows-sorted") as rows:
        count = 0
        for record in records:
            count += 1
            rows.add([_packed(record)])
            if count % PIECE == 0:
                add(PIECE)
        add(count % PIECE)
        forget_snapshots(connection, [snapshot])
        base = _base(connection, rows)
        for part in base:
            connection.execute("INSERT INTO snapshot_parts VALUES (?, ?)", (snapshot, part))
        lacking = _lacking(rows, _stored(connection, base))
        connection.executemany(
            "INSERT INTO lacking VALUES (?, ?, ?)",
            ((part, row[:KEY], snapshot) for row, part in lacking),
        )
        _write_part(connection, snapshot, _new_rows(connection, rows, base), temporary)
    return count


def _packed(record: Record) -> bytes:
    return b"".join((record.row_key, record.place, SPLIT_CODES[record.split], *record.subjects))


def _unpacked(item: bytes) -> Stored:
    place = int.from_bytes(item[KEY : KEY + PLACE], "big", signed=True)
    split = SPLIT_NAMES[item[KEY + PLACE : KEY + PLACE + 1]]
    return item[:KEY], split, place, item[KEY + PLACE + 1 :]


def _base(connection: sqlite3.Connection, rows: DiskSort) -> tuple[int, ...]:
    """Return the parts of the newest snapshot of which these rows lack few, if there is one.

    Only the newest few that differ are looked at: where many tables take turns in one workspace,
    some rows are stored again. Keys are evenly spread, so their first rows tell how many they lack.
    """
    known: dict[int, list[int]] = {}
    for snapshot, part in connection.execute(
        "SELECT snapshot, part FROM snapshot_parts ORDER BY snapshot DESC, part"
    ):
        known.setdefault(snapshot, []).append(part)
    newest = dict.fromkeys(tuple(parts) for parts in known.values())
    for parts in islice(newest, CANDIDATES):
        some = list(islice(_stored(connection, parts), SAMPLE))
        if some and len(list(_lacking(rows, some))) <= len(some) * LACKING_AT_MOST:
            return parts
    return ()


def _lacking(
    rows: Iterable[bytes], stored: Iterable[tuple[bytes, int]]
) -> Iterator[tuple[bytes, int]]:
    """Yield what is stored and not among the rows, both in their order."""
    mine = iter(rows)
    here = next(mine, None)
    for one in stored:
        while here is not None and here < one[0]:
            here = next(mine, None)
        if here != one[0]:
            yield one


def _new_rows(
    connection: sqlite3.Connection, rows: DiskSort, base: tuple[int, ...]
) -> Iterator[bytes]:
    known = _stored(connection, base)
    old = next(known, None)
    for item in rows:
        while old is not None and old[0] < item:
            old = next(known, None)
        if old is None or old[0] != item:
            yield item


def _stored(connection: sqlite3.Connection, parts: tuple[int, ...]) -> Iterator[tuple[bytes, int]]:
    """Read the rows of parts, packed, in their order, each with its part."""
    return merge(*(_stored_part(connection, part) for part in parts))


def _stored_part(connection: sqlite3.Connection, part: int) -> Iterator[tuple[bytes, int]]:
    for row_key, split, place, subjects in connection.execute(
        "SELECT row_key, split, place, subjects FROM rows WHERE part = ? ORDER BY row_key", (part,)
    ):
        placed = place.to_bytes(PLACE, "big", signed=True)
        yield b"".join((row_key, placed, SPLIT_CODES[split], subjects)), part


def _write_part(
    connection: sqlite3.Connection, snapshot: int, items: Iterator[bytes], temporary: Path
) -> None:
    (last,) = connection.execute("SELECT coalesce(max(part), 0) FROM snapshot_parts").fetchone()
    part = last + 1
    written = False
    with DiskSort(temporary / "subjects-sorted") as pairs:
        while piece := list(islice(items, PIECE)):
            rows = [_unpacked(item) for item in piece]
            connection.executemany(
                "INSERT INTO rows VALUES (?, ?, ?, ?, ?)", [(part, *row) for row in rows]
            )
            pairs.add(one + row[0] for row in rows for one in each_pseudonym(row[3]))
            written = True
        sorted_pairs = iter(pairs)
        while piece := list(islice(sorted_pairs, PIECE)):
            connection.executemany(
                "INSERT INTO row_subjects VALUES (?, ?, ?)",
                [(pair[:PSEUDONYM_BYTES], part, pair[PSEUDONYM_BYTES:]) for pair in piece],
            )
    if written:
        connection.execute("INSERT INTO snapshot_parts VALUES (?, ?)", (snapshot, part))


_HERE = (
    "NOT EXISTS (SELECT 1 FROM lacking l WHERE l.part = {0}.part AND l.row_key = {0}.row_key "
    "AND l.snapshot = p.snapshot)"
)
HAS_ROW, _HAS_SUBJECT = _HERE.format("r"), _HERE.format("s")  # of a snapshot's part p


def rows_of_subject(connection: sqlite3.Connection, pseudonym: bytes, snapshot: int) -> IndexedRows:
    """Return a subject's rows in a snapshot, in row-key order."""
    found = connection.execute(
        "SELECT r.row_key, r.place, r.split FROM snapshot_parts p "
        "JOIN row_subjects s ON s.subject = ? AND s.part = p.part "
        "JOIN rows r ON r.part = s.part AND r.row_key = s.row_key "
        f"WHERE p.snapshot = ? AND {HAS_ROW} ORDER BY r.row_key",
        (pseudonym, snapshot),
    ).fetchall()
    return _indexed(found)


def rows_of_subjects(
    connection: sqlite3.Connection, pseudonyms: Sequence[bytes], snapshot: int
) -> IndexedRows:
    """Return the rows that any of some subjects has in a snapshot, each once, in row-key order."""
    here = f"IN ({', '.join('?' * len(pseudonyms))})"
    found = connection.execute(
        "SELECT DISTINCT r.row_key, r.place, r.split FROM snapshot_parts p "
        f"JOIN row_subjects s ON s.subject {here} AND s.part = p.part "
        "JOIN rows r ON r.part = s.part AND r.row_key = s.row_key "
        f"WHERE p.snapshot = ? AND {HAS_ROW} ORDER BY r.row_key",
        (*pseudonyms, snapshot),
    ).fetchall()
    return _indexed(found)


def rows_by_key(
    connection: sqlite3.Connection, row_keys: Iterable[bytes], snapshot: int
) -> IndexedRows:
    """Return those of the rows that a snapshot has, in row-key order."""
    found = []
    for row_key in sorted(row_keys):
        row = connection.execute(
            "SELECT r.row_key, r.place, r.split FROM snapshot_parts p "
            f"JOIN rows r ON r.part = p.part AND r.row_key = ? WHERE p.snapshot = ? AND {HAS_ROW}",
            (row_key, snapshot),
        ).fetchone()
        if row is not None:
            found.append(row)
    return _indexed(found)


def people_of(
    connection: sqlite3.Connection, row_keys: Iterable[bytes], snapshot: int
) -> frozenset[bytes]:
    """Return the pseudonyms of all whose some rows of a snapshot are."""
    found = (
        "SELECT r.subjects FROM snapshot_parts p "
        f"JOIN rows r ON r.part = p.part AND r.row_key = ? WHERE p.snapshot = ? AND {HAS_ROW}"
    )
    rows = (connection.execute(found, (key, snapshot)).fetchone() for key in row_keys)
    return frozenset(who for row in rows if row is not None for who in each_pseudonym(row[0]))


def _indexed(found: list[sqlite3.Row]) -> IndexedRows:
    keys = np.frombuffer(b"".join(row["row_key"] for row in found), dtype=np.uint8)
    places = np.array([row["place"] for row in found], dtype=np.int64).view(np.uint64)
    return IndexedRows(keys.reshape(-1, KEY), places, tuple(row["split"] for row in found))


def remove(
    connection: sqlite3.Connection,
    row_keys: Iterable[bytes],
    *,
    subjects: Iterable[bytes] | None = None,
) -> None:
    """Take rows out of every snapshot; with `subjects`, where they are rows of one of those.

    Two tables may number their rows alike, so a row of the same key can be another person's. Rows
    of subjects are found by these, all others by their keys in each part that is stored.
    """
    keys = list(row_keys)
    found = _by_key(connection, keys) if subjects is None else _of_any(connection, subjects)
    wanted = frozenset(keys)
    take_out(connection, [one for one in found if one[1] in wanted])


def take_out(connection: sqlite3.Connection, places: Iterable[tuple[int, bytes]]) -> None:
    """Take rows out, told by part and row key."""
    for part, row_key in places:
        gone = connection.execute(
            "DELETE FROM rows WHERE part = ? AND row_key = ? RETURNING subjects", (part, row_key)
        ).fetchone()
        connection.executemany(
            "DELETE FROM row_subjects WHERE subject = ? AND part = ? AND row_key = ?",
            [(one, part, row_key) for one in each_pseudonym(gone[0])],
        )
        connection.execute("DELETE FROM lacking WHERE part = ? AND row_key = ?", (part, row_key))


def _of_any(connection: sqlite3.Connection, subjects: Iterable[bytes]) -> set[tuple[int, bytes]]:
    """Return where rows of any of some subjects are stored: part and row key."""
    found = "SELECT part, row_key FROM row_subjects WHERE subject = ?"
    return {tuple(row) for one in subjects for row in connection.execute(found, (one,))}


def _by_key(connection: sqlite3.Connection, row_keys: Iterable[bytes]) -> set[tuple[int, bytes]]:
    """Return where rows of some keys are stored, whosever they are: part and row key."""
    found = (
        "SELECT r.part, r.row_key FROM (SELECT DISTINCT part FROM snapshot_parts) p "
        "JOIN rows r ON r.part = p.part AND r.row_key = ?"
    )
    return {tuple(row) for one in row_keys for row in connection.execute(found, (one,))}


def staying(connection: sqlite3.Connection, row_keys: Iterable[bytes]) -> frozenset[bytes]:
    """Return those of the keys that a row of some snapshot still has."""
    return frozenset(row_key for _, row_key in _by_key(connection, row_keys))


def has_rows(connection: sqlite3.Connection, pseudonym: bytes) -> bool:
    """Say whether a subject has a row in any snapshot."""
    found = connection.execute("SELECT 1 FROM row_subjects WHERE subject = ? LIMIT 1", (pseudonym,))
    return found.fetchone() is not None


def snapshots_of_subject(connection: sqlite3.Connection, pseudonym: bytes) -> list[int]:
    """Return the snapshots in which a subject has rows, in ascending order."""
    found = connection.execute(
        "SELECT DISTINCT p.snapshot FROM snapshot_parts p WHERE EXISTS (SELECT 1 FROM "
        f"row_subjects s WHERE s.subject = ? AND s.part = p.part AND {_HAS_SUBJECT}) "
        "ORDER BY p.snapshot",
        (pseudonym,),
    )
    return [row[0] for row in found]


def counts_of_subject(connection: sqlite3.Connection, pseudonym: bytes) -> dict[int, int]:
    """Return how many rows a subject has in each snapshot that has any."""
    found = connection.execute(
        "SELECT p.snapshot, count(*) FROM row_subjects s JOIN snapshot_parts p ON p.part = s.part "
        f"WHERE s.subject = ? AND {_HAS_SUBJECT} GROUP BY p.snapshot",
        (pseudonym,),
    )
    return {snapshot: count for snapshot, count in found}


def keep_snapshots(connection: sqlite3.Connection, snapshots: Iterable[int]) -> None:
    """Take the rows of all other snapshots out."""
    kept = set(snapshots)
    known = {row[0] for row in connection.execute("SELECT DISTINCT snapshot FROM snapshot_parts")}
    forget_snapshots(connection, known - kept)


def forget_snapshots(connection: sqlite3.Connection, snapshots: Iterable[int]) -> None:
    """Take snapshots out, with the rows that no other snapshot shares."""
    freed = set()
    for number in snapshots:
        gone = connection.execute(
            "DELETE FROM snapshot_parts WHERE snapshot = ? RETURNING part", (number,)
        )
        freed |= {row[0] for row in gone.fetchall()}
        connection.execute("DELETE FROM lacking WHERE snapshot = ?", (number,))
    used = {row[0] for row in connection.execute("SELECT DISTINCT part FROM snapshot_parts")}
    for part in freed - used:
        connection.execute("DELETE FROM rows WHERE part = ?", (part,))
        connection.execute("DELETE FROM row_subjects WHERE part = ?", (part,))
    for part in freed & used:
        take_out(connection, lacked_by_all(connection, part))


def lacked_by_all(connection: sqlite3.Connection, part: int) -> list[tuple[int, bytes]]:
    """Return where rows of a part stand that no snapshot has any more."""
    found = connection.execute(
        "SELECT part, row_key FROM lacking WHERE part = ? GROUP BY row_key "
        "HAVING count(*) = (SELECT count(*) FROM snapshot_parts WHERE part = ?)",
        (part, part),
    )
    return [(row[0], row[1]) for row in found]


def subjects(connection: sqlite3.Connection, snapshot: int) -> list[tuple[bytes, int]]:
    """List a snapshot's subjects as (pseudonym, number of rows), the smallest first."""
    found = connection.execute(
        "SELECT s.subject, count(*) AS n FROM snapshot_parts p JOIN row_subjects s "
        f"ON s.part = p.part WHERE p.snapshot = ? AND {_HAS_SUBJECT} "
        "GROUP BY s.subject ORDER BY n, s.subject",
        (snapshot,),
    )
    return [(row["subject"], row["n"]) for row in found]
