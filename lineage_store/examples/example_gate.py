"""The gate for tf.Examples: who is kept out, what a row's key and place are, and its cell.

Whatever ExampleGen wrote, of however many spans and splits, is read once. A row keeps its split.
Whom the exclusion manifest names is kept out, and who is spelled nearly as they are (`asked_rows`).
Features that hold ids of people and rows are no
features to learn from: they are left out, and what stands for them lies beside the Examples. Where
they must stay, since a schema of the user's has them, they hold keyed strings, the same in every
run with this secret. (A schema that is inferred may list such strings one by one, so that it is
another one without somebody, and all shards are trained again.) All other features go through
byte for byte. No type is told from the rows: an Example has its own.

Rows of a split lie in cells, by shard, and in a split that is trained on by slice as well: pure
functions of the person, or of the row where it has nobody (law 1). A cell is one TFRecord file in
the order of the row keys, and a split of TFX's own, so that any component reads it:

    Split-train_s2_r0/examples-00000-of-00001.gz     shard 2, slice 0 of the split train
    Split-eval_s2/examples-00000-of-00001.gz         shard 2 of the split eval
    rows/train_s2_r0.txt                             key, keyed person and place of each row
    people.txt                                       each keyed person, and its folded id, keyed

A person's rows lie in one shard, those of every split. A cell that holds no row is an empty file:
which cells there are is configured, and no function of the rows.

Rows are laid down in one file as they come, and read again in order: memory is 100 bytes a row.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from lineage_store.canonical import write_atomic
from lineage_store.counted import counted
from lineage_store.data import Columns
from lineage_store.errors import BadInput, NothingToLearn
from lineage_store.examples.asked_rows import GivenExample, asked_about
from lineage_store.examples.example_record import (
    features_in,
    id_feature,
    id_in,
    with_features,
)
from lineage_store.examples.record_files import read_records, write_records
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.secret import Keys, keyed
from lineage_store.keys.subject_ids import alike_entry, canonical_id, is_nobody
from lineage_store.placement import U64, Partition, cells_of

CELL_FILE = "examples-00000-of-00001.gz"
ROWS, PEOPLE = "rows", "people.txt"
BLOCK = 1024


@dataclass(frozen=True)
class IdFeatures:
    """The features that hold whose a row is, and its own id; each may be missing.

    With `kept` they stay in the Examples, as keyed strings.
    """

    subject: str | None = None
    row_id: str | None = None
    kept: bool = False

    @property
    def columns(self) -> Columns:
        """The same as columns of a table: so the manifest takes them."""
        return Columns(subjects=() if self.subject is None else (self.subject,), row_id=self.row_id)


@dataclass(frozen=True)
class ExampleCut:
    """How splits are cut: into shards, and those that are trained on into slices as well."""

    shards: int
    slices: int = 1
    trained: tuple[str, ...] = ("train",)

    def cells(self, split: str) -> list[str]:
        """Return the names of all cells of a split, as TFX calls them: splits."""
        return [
            cell_name(split, shard, slice_ if split in self.trained else None)
            for shard in range(self.shards)
            for slice_ in range(self.slices if split in self.trained else 1)
        ]

    @property
    def partition(self) -> Partition:
        """The cut as placement takes it."""
        return Partition(shards=self.shards, slices=self.slices, epochs=1, batch_size=1, seed=0)


def cell_name(split: str, shard: int, slice_: int | None) -> str:
    """Return what TFX calls a cell."""
    return f"{split}_s{shard}" if slice_ is None else f"{split}_s{shard}_r{slice_}"


def is_first_slice(name: str) -> bool:
    """Say whether a cell is the first slice of its shard."""
    return name.endswith("_r0")


def split_of_cell(name: str) -> tuple[str, int]:
    """Return the split and the shard of a cell; raises BadInput for a name that is none."""
    parts = name.split("_")
    if parts[-1][:1] == "r" and parts[-1][1:].isdecimal():
        parts.pop()
    if len(parts) < 2 or parts[-1][:1] != "s" or not parts[-1][1:].isdecimal():
        raise BadInput(
            f"The split {name} is no cell of a shard: give the Trainer the Examples of ExampleGate."
        )
    return "_".join(parts[:-1]), int(parts[-1][1:])


@dataclass(frozen=True)
class GatedRow:
    """What is kept of a row beside its Example: its key, keyed person (or none) and place."""

    key: str
    subject: str
    place: str


def read_gated_rows(folder: Path, cell: str) -> list[GatedRow]:
    """Return the rows of a cell, in the order of its Examples."""
    lines = (folder / ROWS / f"{cell}.txt").read_text(encoding="ascii").splitlines()
    return [GatedRow(*line.split("\t")) for line in lines]


def read_folded(folder: Path) -> dict[str, str]:
    """Return of each keyed person under what all are known that are spelled nearly as they are."""
    file = folder / PEOPLE
    lines = file.read_text(encoding="ascii").splitlines() if file.exists() else ()
    return dict(line.split("\t") for line in lines)


def stand_in(keys: Keys, subject: str) -> bytes:
    """Return what stands for a person in their rows: the same in each run with this secret.

    A pseudonym that is drawn would be another one in the twin, and so would the bits of a model.
    """
    return keyed(keys.row, "subject", canonical_id(subject).encode("utf-8"))[:16]


@dataclass
class _Laid:
    """Rows of one split, where they lie in the file in which they are laid down."""

    keys: list[bytes] = field(default_factory=list)
    subjects: list[bytes] = field(default_factory=list)
    places: list[bytes] = field(default_factory=list)
    at: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class ExampleGateway:
    """Lets rows in, split by split, and writes their cells.

    `exclusions` say who is kept out, and how many rows were.
    """

    ids: IdFeatures
    cut: ExampleCut
    keys: Keys
    exclusions: Exclusions
    _laid: dict[str, _Laid] = field(default_factory=dict)
    _seen: Counter[bytes] = field(default_factory=Counter)
    _people: dict[str, tuple[bytes, bytes]] = field(default_factory=dict)

    def pass_through(self, sources: Sequence[tuple[str, Path]], folder: Path) -> dict[str, int]:
        """Read files of splits, write all cells into a folder, and count their rows.

        Raises BadInput for a file or an Example that does not fit, and for a row id that stands
        twice; NothingToLearn if nobody is left in a split that is trained on.
        """
        folder.mkdir(parents=True, exist_ok=True)
        staging = folder / "staging"
        examples = (
            self._given(split, record, f"record {number} of {file.name}")
            for split, file in sources
            for number, record in enumerate(read_records(file), start=1)
        )
        try:
            with staging.open("w+b") as stream:
                while rows := list(islice(examples, BLOCK)):
                    self._let_in(rows, stream)
                counts: dict[str, int] = {}
                for split in dict.fromkeys(split for split, _ in sources):
                    counts |= self._write(split, stream, folder)
        finally:
            staging.unlink(missing_ok=True)
        self._write_people(folder)
        for split in self.cut.trained:
            if not any(counts.get(cell) for cell in self.cut.cells(split)):
                raise NothingToLearn(
                    f"The split {split} has no row that may be learnt from"
                    f"{self._who_is_out()}: name the splits that are trained on in its list "
                    f"trained, or withdraw the model."
                )
        return counts

    def _given(self, split: str, record: bytes, where: str) -> GivenExample:
        features = features_in(record, where=where)
        subject = self._id(features, self.ids.subject, where)
        row_id = self._id(features, self.ids.row_id, where)
        text = self._text_key(features) if self.exclusions.by_text or not row_id else None
        key = text if text is not None and not row_id else self._id_key(row_id, where)
        return GivenExample(split, features, subject, row_id, key, text)

    def _let_in(self, rows: Sequence[GivenExample], stream: BinaryIO) -> None:
        asked = asked_about(rows, subject=self.ids.subject, row_id=self.ids.row_id)
        for row, is_out in zip(rows, self.exclusions.keep_out(asked, self.keys), strict=True):
            if not is_out:
                self._lay_down(row, stream)

    def _lay_down(self, row: GivenExample, stream: BinaryIO) -> None:
        stand_in, place = self._person(row.subject) if row.subject else (b"", b"")
        features = dict(row.features)
        for name, keyed_as in ((self.ids.subject, stand_in),
                               (self.ids.row_id, row.key if row.row_id else b"")):  # fmt: skip
            if name in features and not self.ids.kept:
                del features[name]
            elif name is not None and keyed_as:
                features[name] = id_feature(keyed_as.hex())
        laid = self._laid.setdefault(row.split, _Laid())
        written = with_features(features)
        laid.keys.append(row.key)
        laid.subjects.append(stand_in)
        laid.places.append(place or _bytes(self.keys.places(kind="row", values=[row.key])))
        laid.at.append((stream.tell(), len(written)))
        stream.write(written)

    def _id(self, features: dict[str, bytes], name: str | None, where: str) -> str:
        if name is None:
            return ""
        text = id_in(features.get(name), name=name, where=where)
        return "" if is_nobody(text) else text

    def _person(self, subject: str) -> tuple[bytes, bytes]:
        """Return a person's keyed string and place."""
        if subject not in self._people:
            canonical = canonical_id(subject).encode("utf-8")
            place = _bytes(self.keys.places(kind="subject", values=[canonical]))
            self._people[subject] = (stand_in(self.keys, subject), place)
        return self._people[subject]

    def _id_key(self, row_id: str, where: str) -> bytes:
        key = self.keys.row_key(kind="id", value=row_id.encode("utf-8"))
        self._seen[key] += 1
        if self._seen[key] > 1:
            raise BadInput(
                f"The id in {self.ids.row_id!r} of {where} stands in another row, too: name a "
                f"feature with ids of rows, or none."
            )
        return key

    def _text_key(self, features: dict[str, bytes]) -> bytes:
        """Return the key of a row of all that it holds, and of which of equal rows it is."""
        text = with_features(features)
        content = keyed(self.keys.row, "example", text)[:16]
        self._seen[content] += 1
        return self.keys.row_key(kind="text", value=b"%d\x00" % self._seen[content] + text)

    def _who_is_out(self) -> str:
        out, alike = self.exclusions.rows, self.exclusions.alike_rows
        if not out:
            return ""
        near = f", {alike:,} of them for ids that are spelled nearly as forgotten ones"
        return f" ({counted(out, 'row was', 'rows were')} kept out{near if alike else ''})"

    def _write_people(self, folder: Path) -> None:
        lines = {
            f"{keyed_as.hex()}\t{alike_entry(self.keys, subject)}\n"
            for subject, (keyed_as, _) in self._people.items()
        }
        write_atomic(folder / PEOPLE, "".join(sorted(lines)).encode("ascii"))

    def _write(self, split: str, stream: BinaryIO, folder: Path) -> dict[str, int]:
        laid = self._laid.get(split, _Laid())
        places = np.array([int.from_bytes(one, "big") for one in laid.places], np.uint64)
        shards, slices = cells_of(places, self.cut.partition)
        lying: dict[str, list[int]] = {cell: [] for cell in self.cut.cells(split)}
        sliced = split in self.cut.trained
        for row in sorted(range(len(laid.keys)), key=laid.keys.__getitem__):
            lying[cell_name(split, shards[row], slices[row] if sliced else None)].append(row)
        for cell, rows in lying.items():
            target = folder / f"Split-{cell}" / CELL_FILE
            target.parent.mkdir(parents=True)
            write_records(target, _read_again(stream, [laid.at[row] for row in rows]))
            row_list = folder / ROWS / f"{cell}.txt"
            row_list.parent.mkdir(exist_ok=True)
            lines = (
                f"{laid.keys[row].hex()}\t{laid.subjects[row].hex()}\t{laid.places[row].hex()}\n"
                for row in rows
            )
            write_atomic(row_list, "".join(lines).encode("ascii"))
        return {cell: len(rows) for cell, rows in lying.items()}


def _read_again(stream: BinaryIO, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    for start, length in places:
        stream.seek(start)
        yield stream.read(length)


def _bytes(places: U64) -> bytes:
    return int(places[0]).to_bytes(8, "big")
