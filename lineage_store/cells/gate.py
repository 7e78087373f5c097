"""The one gate that all data passes before it becomes tf.Examples.

A stream of records goes in (from a CSV file, or from an older snapshot when rows are taken out)
and a *snapshot* comes out: one CSV file a split, and `gate.json`, which says what was inferred.
Two passes: the first checks every line, drops what the exclusion manifest names, computes keys
from the text as given and gathers evidence of the types; the second writes the files in these
types. Memory is bounded: what must be remembered of every row (keys, occurrences) lies on disk.

Nothing that the gate decides about one row depends on another row, but for the inference, which
is recorded and which a deletion computes again (law 2).

TFX's ExampleGen infers types of its own. So that it cannot differ, a number is written with a point
or an exponent, and a string that could be read as a number gets an apostrophe in front, as does one
that has an apostrophe already. It also reads line by line, so a string with line breaks is written
in one line, marked by an apostrophe and a per cent sign.
"""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

from lineage_store.canonical import canonical_json, digest_file, write_atomic
from lineage_store.cells.snapshot import (
    CSV_FILE,
    DIGEST_MODULUS,
    FORMAT,
    Snapshot,
    escape,
    load_snapshot,
    row_digest,
)
from lineage_store.data.evidence import Evidence
from lineage_store.data.inference import in_terms_of
from lineage_store.data.record import (
    EVAL,
    KEYED,
    SPLITS,
    TRAIN,
    UNLABELLED,
    Record,
    csv_reader,
    in_blocks,
    records_in,
)
from lineage_store.data.schema import Roles, Schema
from lineage_store.errors import BadInput


def let_through(
    records: Iterator[Record], roles: Roles, *, folder: Path, like: Schema | None = None
) -> Snapshot:
    """Pass records through the gate into a new snapshot folder, in the terms of a base's data.

    The folder must not exist; it is complete when this returns (`gate.json` is written last), and
    gone if it raises. Raises BadInput for records that do not fit `like`.
    """
    folder.mkdir(parents=True, mode=0o700)
    try:
        return _let_through(records, roles, folder=folder, like=like)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _let_through(
    records: Iterator[Record], roles: Roles, *, folder: Path, like: Schema | None
) -> Snapshot:
    staged = folder / "staged.csv"
    evidence = Evidence(roles)
    with staged.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        for block in in_blocks(records, len(roles.all)):
            evidence.add_block(block.values)
            for record in records_in([block]):
                writer.writerow(
                    [
                        record.row_key.hex(),
                        b"".join(record.subjects).hex(),
                        record.place.hex(),
                        record.split,
                        *record.values,
                    ]
                )
    schema = in_terms_of(evidence.conclude(), like)
    counts, total = _write_splits(staged, schema, folder)
    staged.unlink()
    if not counts[TRAIN]:
        raise BadInput("No row is left to train on: give more rows.")
    files = {f"{split}/{CSV_FILE}": digest_file(folder / split / CSV_FILE) for split in SPLITS}
    description = {
        "format": FORMAT,
        "inference": schema.to_json(),
        "rows": counts,
        "data_digest": total,
        "files": files,
    }
    write_atomic(folder / "gate.json", canonical_json(description) + b"\n")
    return load_snapshot(folder)


def _write_splits(staged: Path, schema: Schema, folder: Path) -> tuple[dict[str, int], str]:
    header = [*KEYED, *(column.name for column in schema.all)]
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
            for row_key, subjects, place, split, *values in csv_reader(stream):
                # ExampleGen takes digits for numbers, whatever they are: hence the letter.
                keyed = [f"k{row_key}", f"k{subjects}", f"k{place}"]
                written = _written(values, schema)
                if written is None:
                    counts[UNLABELLED] += 1
                    writers[UNLABELLED].writerow(keyed)
                    continue
                counts[split] += 1
                total += row_digest(row_key, place, written)
                writers[split].writerow(keyed + written)
    finally:
        for stream in streams.values():
            stream.close()
    return counts, f"{total % DIGEST_MODULUS:064x}"


def _written(values: list[str], schema: Schema) -> list[str] | None:
    """Return the values of a row as they are written; None for one that lacks its label."""
    columns, first = schema.all, len(schema.columns)
    texts = [column.canonical(value) for column, value in zip(columns, values, strict=True)]
    if None in texts[first : first + len(schema.labels)]:
        return None
    written = [
        escape(text) if column.kept == "text" else text
        for column, text in zip(columns, texts, strict=True)
        if text is not None
    ]
    if len(written) < len(texts):
        raise ValueError("a column of numbers holds text: the file changed between two passes")
    return written
