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
import shutil
from collections.abc import Iterator
from pathlib import Path

from lineage_store.canonical import canonical_json, digest_file, write_atomic
from lineage_store.data.inference import (
    Evidence,
    Inference,
    in_terms_of,
    is_missing_number,
    number_text,
    parse_number,
)
from lineage_store.data.snapshot import (
    CSV_FILE,
    DIGEST_MODULUS,
    EVAL,
    FORMAT,
    KEYED,
    SPLITS,
    TRAIN,
    UNLABELLED,
    Record,
    Snapshot,
    csv_reader,
    escape,
    load_snapshot,
    row_digest,
)
from lineage_store.errors import BadInput


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


def _number(text: str) -> str:
    if is_missing_number(text):
        return ""
    number = parse_number(text)
    if number is None:
        raise ValueError("a column of numbers holds text: the file changed between two passes")
    return number_text(number)
