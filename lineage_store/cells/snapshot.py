"""A snapshot: the data of one model as the gate wrote them, and how they are read back.

    gate.json                    what was inferred, the layout of the cells, how many rows there are
    cells.json, nonces           what is known of each cell (`kept`)
    train/s000-r00-b00000.csv    the training rows of a cell, in row-key order; a row is one line
    eval/…, unlabelled/…         the evaluation rows, and the keys of rows that lack their label

Snapshots of format 1, which an earlier unweave wrote, have one file a split, `train/rows.csv`, in
the order of their source. They are read as if each was one cell.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lineage_store.canonical import read_json, reading_own
from lineage_store.cells.cell import CellId, CellLayout
from lineage_store.cells.kept import KeptCell, load_cells
from lineage_store.cells.lines import BREAK, unescape
from lineage_store.data.record import EVAL, SPLITS, TRAIN, UNLABELLED, Record, csv_reader
from lineage_store.data.schema import Schema
from lineage_store.errors import BadInput
from lineage_store.keys.pseudonyms import each_pseudonym
from lineage_store.own_files.typed import typed

GATE_FILE, CSV_FILE = "gate.json", "rows.csv"
FORMAT = 2
DIGEST_MODULUS = 1 << 256


@dataclass(frozen=True)
class Snapshot:
    """What the gate let through.

    `data_digest` is the sum modulo 2**256 of the rows' SHA-256, so that neither the order of the
    lines nor the cut into cells matters; pseudonyms, which differ between workspaces, are no part
    of it. `layout` is None in a snapshot of format 1, which has no cells.
    """

    folder: Path
    schema: Schema
    rows: Mapping[str, int]
    data_digest: str
    layout: CellLayout | None = None

    @cached_property
    def cells(self) -> tuple[KeptCell, ...]:
        """What is known of the cells, in order; none in a snapshot of format 1."""
        return () if self.layout is None else load_cells(self.folder)

    @property
    def buckets(self) -> int:
        """How many cells a slice has."""
        return 1 if self.layout is None else self.layout.buckets

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that have rows."""
        return tuple(split for split in SPLITS if self.rows[split])

    def files(self, split: str, *, without: Container[CellId] = ()) -> list[Path]:
        """The files that hold the rows of a split, one after another.

        Those of the cells in `without` are left out, if there are cells.
        """
        if self.layout is None:
            return [self.folder / split / CSV_FILE]
        return [
            self.folder / cell.file
            for cell in self.cells
            if cell.id.split == split and cell.id not in without
        ]


def load_snapshot(folder: Path) -> Snapshot:
    """Open a snapshot that the gate wrote.

    Raises BadInput if a newer unweave wrote it, Damaged if it is not as it was written.
    """
    with reading_own(folder / GATE_FILE):
        value = read_json(folder / GATE_FILE)
        if value["format"] > FORMAT:
            raise BadInput(
                f"The data of a model have format {value['format']}, and this unweave knows "
                f"formats up to {FORMAT}: use the newer unweave that wrote them."
            )
        snapshot = Snapshot(
            folder=folder,
            schema=Schema.from_json(value["inference"]),
            rows={split: value["rows"][split] for split in (*SPLITS, UNLABELLED)},
            data_digest=value["data_digest"],
            layout=CellLayout.from_json(value["layout"]) if "layout" in value else None,
        )
        return typed(snapshot)


def read_snapshot(
    snapshot: Snapshot, split: str, *, without: Container[CellId] = ()
) -> Iterator[Record]:
    """Read a split's records back, their values as text in which every type can be told again.

    Cells in `without` are left out, as by `Snapshot.files`.
    """
    for file in snapshot.files(split, without=without):
        yield from read_file(file, split)


def read_file(file: Path, split: str) -> Iterator[Record]:
    """Read the records of one file of a split."""
    with file.open(newline="", encoding="utf-8") as stream:
        reader = csv_reader(stream)
        next(reader)
        yield from (record_of(fields, split) for fields in reader)


def record_of(fields: Sequence[str], split: str) -> Record:
    """Return the record of the fields of a line."""
    row_key, subjects, place, *values = fields
    return Record(
        bytes.fromhex(row_key[1:]),
        each_pseudonym(bytes.fromhex(subjects[1:])),
        bytes.fromhex(place[1:]),
        split,
        [unescape(value) for value in values],
    )


def read_places(snapshot: Snapshot, split: str) -> Iterator[bytes]:
    """Read the place of each of a split's rows (8 bytes), in order, and nothing else of it."""
    for file in snapshot.files(split):
        with file.open("rb") as stream:
            next(stream)
            for line in stream:  # a row is one line, and its first three fields are hexadecimal
                yield bytes.fromhex(line.split(b",", 3)[2][1:].decode("ascii"))


def read_keys(snapshot: Snapshot, split: str) -> Iterator[Record]:
    """Read a split's records without their values: many times as fast as with them."""
    for file in snapshot.files(split):
        with file.open("rb") as stream:
            if snapshot.layout is not None or split != UNLABELLED:
                next(stream)
            for line in stream:  # a row is one line, and its first three fields are hexadecimal
                row_key, subjects, place = line.rstrip(BREAK).split(b",", 3)[:3]
                yield Record(
                    bytes.fromhex(row_key[1:].decode("ascii")),
                    each_pseudonym(bytes.fromhex(subjects[1:].decode("ascii"))),
                    bytes.fromhex(place[1:].decode("ascii")),
                    split,
                    [],
                )


def read_all_keys(snapshot: Snapshot) -> Iterator[Record]:
    """Read all records of a snapshot without their values, those without a label last."""
    for split in (TRAIN, EVAL, UNLABELLED):
        if snapshot.rows[split]:
            yield from read_keys(snapshot, split)


def retained(snapshot: Snapshot, deleted: frozenset[bytes]) -> Iterator[Record]:
    """Read all records of a snapshot but those whose row key is deleted.

    Those without a label come last, as empty as they are kept.
    """
    for split in snapshot.splits:
        for record in read_snapshot(snapshot, split):
            if record.row_key not in deleted:
                yield record
    nothing = [""] * len(snapshot.schema.all)
    for record in read_keys(snapshot, UNLABELLED):
        if record.row_key not in deleted:
            yield replace(record, values=nothing)


def describe(snapshot: Snapshot) -> dict[str, Any]:
    """Return what a ledger keeps of a snapshot."""
    return {
        "data_digest": snapshot.data_digest,
        "rows": dict(snapshot.rows),
        "inference": snapshot.schema.to_json(),
    }
