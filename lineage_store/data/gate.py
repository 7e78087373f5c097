"""The one gate that all data passes before ExampleGen.

A stream of records goes in (from a CSV file, or from an older snapshot when rows are taken out)
and a *snapshot* comes out: one CSV file a split, and `gate.json`, which says what was inferred.
Two passes: the first checks every line, drops what the exclusion manifest names, computes keys
from the text as given and gathers evidence of the types; the second writes the files in these
types. Memory is bounded: what must be remembered of every row (keys, occurrences) lies on disk.

Nothing that the gate decides about one row depends on another row, but for the inference, which
is recorded and which a deletion computes again (law 2).

ExampleGen infers types of its own. So that it cannot differ, a number is written with a point or
an exponent, and a string that could be read as a number gets an apostrophe in front, as does one
that has an apostrophe already. It also reads line by line, so a string with line breaks is written
in one line, marked by an apostrophe and a per cent sign.
"""

import csv
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

from lineage_store.canonical import canonical_json, digest_file, read_json, write_atomic
from lineage_store.data.inference import (
    Evidence,
    Inference,
    in_terms_of,
    is_missing_number,
    number_text,
    parse_number,
)
from lineage_store.errors import BadInput
from lineage_store.keys.pseudonyms import each_pseudonym

ROW, SUBJECT, PLACE = "unweave_row", "unweave_subject", "unweave_place"
KEYED = (ROW, SUBJECT, PLACE)
TRAIN, EVAL, UNLABELLED = "train", "eval", "unlabelled"
SPLITS = (TRAIN, EVAL)
EVALUATION_PERCENT = 10
CSV_FILE = "rows.csv"
FORMAT = 1
DIGEST_MODULUS = 1 << 256
LARGEST_FIELD = 1 << 26
SEPARATOR = "\x1f"

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Record:
    """One row on its way through the gate.

    `row_key` has 16 bytes, each of `subjects` 16, `place` 8; `values` are the features as text,
    in the order of the file.
    """

    row_key: bytes
    subjects: tuple[bytes, ...]
    place: bytes
    split: str
    values: list[str]
    label: str


@dataclass(frozen=True)
class Snapshot:
    """What the gate let through: `folder` holds one CSV file a split.

    `data_digest` is the sum modulo 2**256 of the rows' SHA-256, so that the order of the lines
    does not matter; pseudonyms, which differ between workspaces, are no part of it.
    """

    folder: Path
    inference: Inference
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
        inference=Inference.from_json(value["inference"]),
        rows=value["rows"],
        data_digest=value["data_digest"],
    )


def joined(fields: Sequence[str]) -> bytes:
    """Return two or more fields as one text, which no other fields give."""
    text = SEPARATOR.join(fields).encode("utf-8")
    if text.count(SEPARATOR.encode("ascii")) == len(fields) - 1:
        return text
    return canonical_json(list(fields))  # escapes control characters: no separator is in it


def csv_reader(stream: TextIO) -> Iterator[list[str]]:
    """Read CSV as the gate does."""
    csv.field_size_limit(LARGEST_FIELD)  # Python's own limit is less than the gate lets through
    return csv.reader(stream, strict=True)


def read_snapshot(snapshot: Snapshot, split: str) -> Iterator[Record]:
    """Read a split's records back, their values as text in which every type can be told again."""
    with snapshot.csv_file(split).open(newline="", encoding="utf-8") as stream:
        reader = csv_reader(stream)
        next(reader)
        for row_key, subjects, place, *values, label in reader:
            yield Record(
                bytes.fromhex(row_key[1:]),
                each_pseudonym(bytes.fromhex(subjects[1:])),
                bytes.fromhex(place[1:]),
                split,
                [unescape(value) for value in values],
                unescape(label),
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
                "",
            )


def retained(snapshot: Snapshot, deleted: frozenset[bytes]) -> Iterator[Record]:
    """Read all records of a snapshot but those whose row key is deleted.

    Those without a label come last, as empty as they are kept.
    """
    for split in snapshot.splits:
        for record in read_snapshot(snapshot, split):
            if record.row_key not in deleted:
                yield record
    nothing = [""] * len(snapshot.inference.features)
    for record in read_keys(snapshot):
        if record.row_key not in deleted:
            yield replace(record, values=nothing)


def infer(records: Iterator[Record], *, features: tuple[str, ...], label: str) -> Inference:
    """Infer types, task and classes from records alone; raises what `Evidence.conclude` raises."""
    evidence = Evidence(features, label)
    for record in records:
        evidence.add(record.values, record.label)
    return evidence.conclude()


def let_through(
    records: Iterator[Record],
    *,
    features: tuple[str, ...],
    label: str,
    folder: Path,
    like: Inference | None = None,
) -> Snapshot:
    """Pass records through the gate into a new snapshot folder, in the terms of a base's data.

    The folder must not exist; it is complete when this returns (`gate.json` is written last), and
    gone if it raises. Raises BadInput for records that do not fit `like`.
    """
    folder.mkdir(parents=True, mode=0o700)
    try:
        return _let_through(records, features=features, label=label, folder=folder, like=like)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _let_through(
    records: Iterator[Record],
    *,
    features: tuple[str, ...],
    label: str,
    folder: Path,
    like: Inference | None,
) -> Snapshot:
    staged = folder / "staged.csv"
    evidence = Evidence(features, label)
    with staged.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        for record in records:
            evidence.add(record.values, record.label)
            writer.writerow(
                [
                    record.row_key.hex(),
                    b"".join(record.subjects).hex(),
                    record.place.hex(),
                    record.split,
                    *record.values,
                    record.label,
                ]
            )
    inference = in_terms_of(evidence.conclude(), like)
    counts, total = _write_splits(staged, inference, folder)
    staged.unlink()
    if not counts[TRAIN]:
        raise BadInput("No row is left to train on: give more rows.")
    files = {f"{split}/{CSV_FILE}": digest_file(folder / split / CSV_FILE) for split in SPLITS}
    description = {
        "format": FORMAT,
        "inference": inference.to_json(),
        "rows": counts,
        "data_digest": total,
        "files": files,
    }
    write_atomic(folder / "gate.json", canonical_json(description) + b"\n")
    return load_snapshot(folder)


def _write_splits(staged: Path, inference: Inference, folder: Path) -> tuple[dict[str, int], str]:
    kinds = [kind for _, kind in inference.features]
    header = [*KEYED, *(name for name, _ in inference.features), inference.label]
    counts = {TRAIN: 0, EVAL: 0, UNLABELLED: 0}
    total = 0
    streams = {}
    for split in counts:
        (folder / split).mkdir()
        streams[split] = (folder / split / CSV_FILE).open("w", newline="", encoding="utf-8")
    try:
        writers = {split: csv.writer(stream) for split, stream in streams.items()}
        for split in SPLITS:
            writers[split].writerow(header)
        with staged.open(newline="", encoding="utf-8") as stream:
            for row_key, subjects, place, split, *values, label in csv_reader(stream):
                name = inference.class_of(label)
                # ExampleGen takes digits for numbers, whatever they are: hence the letter.
                keyed = [f"k{row_key}", f"k{subjects}", f"k{place}"]
                if name is None:
                    counts[UNLABELLED] += 1
                    writers[UNLABELLED].writerow(keyed)
                    continue
                written = [
                    _number(value) if kind == "number" else escape(value)
                    for value, kind in zip(values, kinds, strict=True)
                ]
                written.append(name if inference.task == "regression" else escape(name))
                counts[split] += 1
                total += row_digest(row_key, place, written)
                writers[split].writerow(keyed + written)
    finally:
        for stream in streams.values():
            stream.close()
    return counts, f"{total % DIGEST_MODULUS:064x}"


def row_digest(row_key: str, place: str, written: list[str]) -> int:
    """Return what a row adds to the data's digest: its key and place in hexadecimal, its text."""
    return int.from_bytes(hashlib.sha256(joined([row_key, place, *written])).digest(), "big")


def _number(text: str) -> str:
    if is_missing_number(text):
        return ""
    number = parse_number(text)
    if number is None:
        raise ValueError("a column of numbers holds text: the file changed between two passes")
    return number_text(number)


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
        "inference": snapshot.inference.to_json(),
    }
