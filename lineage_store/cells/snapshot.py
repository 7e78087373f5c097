"""A snapshot: the data of one model as the gate wrote them, and how they are read back."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lineage_store.canonical import read_json
from lineage_store.data.record import SPLITS, UNLABELLED, Record, csv_reader, joined
from lineage_store.data.schema import Schema
from lineage_store.keys.pseudonyms import each_pseudonym

CSV_FILE = "rows.csv"
FORMAT = 1
DIGEST_MODULUS = 1 << 256


@dataclass(frozen=True)
class Snapshot:
    """What the gate let through: `folder` holds one CSV file a split.

    `data_digest` is the sum modulo 2**256 of the rows' SHA-256, so that the order of the lines
    does not matter; pseudonyms, which differ between workspaces, are no part of it.
    """

    folder: Path
    schema: Schema
    rows: Mapping[str, int]
    data_digest: str

    def csv_file(self, split: str) -> Path:
        """The CSV file of a split."""
        return self.folder / split / CSV_FILE

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows."""
        return tuple(split for split in SPLITS if self.rows[split])


def load_snapshot(folder: Path) -> Snapshot:
    """Open a snapshot that the gate wrote."""
    value = read_json(folder / "gate.json")
    return Snapshot(
        folder=folder,
        schema=Schema.from_json(value["inference"]),
        rows=value["rows"],
        data_digest=value["data_digest"],
    )


def read_snapshot(snapshot: Snapshot, split: str) -> Iterator[Record]:
    """Read a split's records back, their values as text in which every type can be told again."""
    with snapshot.csv_file(split).open(newline="", encoding="utf-8") as stream:
        reader = csv_reader(stream)
        next(reader)
        for row_key, subjects, place, *values in reader:
            yield Record(
                bytes.fromhex(row_key[1:]),
                each_pseudonym(bytes.fromhex(subjects[1:])),
                bytes.fromhex(place[1:]),
                split,
                [unescape(value) for value in values],
            )


def read_places(snapshot: Snapshot, split: str) -> Iterator[bytes]:
    """Read the place of each of a split's rows (8 bytes), in order, and nothing else of it."""
    with snapshot.csv_file(split).open("rb") as stream:
        next(stream)
        for line in stream:  # a row is one line, and its first three fields are hexadecimal
            yield bytes.fromhex(line.split(b",", 3)[2][1:].decode("ascii"))


def read_keys(snapshot: Snapshot) -> Iterator[Record]:
    """Read the keys of the rows without a label: all that is kept of them."""
    with snapshot.csv_file(UNLABELLED).open(newline="", encoding="utf-8") as stream:
        for row_key, subjects, place in csv_reader(stream):
            yield Record(
                bytes.fromhex(row_key[1:]),
                each_pseudonym(bytes.fromhex(subjects[1:])),
                bytes.fromhex(place[1:]),
                UNLABELLED,
                [],
            )


def retained(snapshot: Snapshot, deleted: frozenset[bytes]) -> Iterator[Record]:
    """Read all records of a snapshot but those whose row key is deleted.

    Those without a label come last, as empty as they are kept.
    """
    for split in snapshot.splits:
        for record in read_snapshot(snapshot, split):
            if record.row_key not in deleted:
                yield record
    nothing = [""] * len(snapshot.schema.all)
    for record in read_keys(snapshot):
        if record.row_key not in deleted:
            yield replace(record, values=nothing)


def row_digest(row_key: str, place: str, written: list[str]) -> int:
    """Return what a row adds to the data's digest: its key and place in hexadecimal, its text."""
    return int.from_bytes(hashlib.sha256(joined([row_key, place, *written])).digest(), "big")


def escape(text: str) -> str:
    """Write a string in one line that no reader takes for a number; an empty one stays empty."""
    if "\n" in text or "\r" in text:
        return "'%" + text.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
    if text.startswith("'") or _looks_like_number(text):
        return "'" + text
    return text


def unescape(text: str) -> str:
    """Read back what `escape` wrote."""
    if text.startswith("'%"):
        return text[2:].replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
    return text[1:] if text.startswith("'") else text


def _looks_like_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """Return what a ledger keeps of a snapshot."""
    return {
        "data_digest": snapshot.data_digest,
        "rows": dict(snapshot.rows),
        "inference": snapshot.schema.to_json(),
    }
