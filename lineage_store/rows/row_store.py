"""The row store of a model: its training rows by shard and slice, and its evaluation rows.

    rows.json                     what the columns are, and how many rows lie where
    train/s003-r01-b00002.npy     the training rows of bucket 2 of slice 1 of shard 3, by row key
    eval/s003-r01-b00002.npy      the evaluation rows of the same place, if there are any

A cell is what a deletion writes again, so each has a file of its own (`slice_file`), and one that
lost no row can be shared with the store before. A stage is the set of its slices' files, in row-key
order whatever their number; a small one is read whole, since that is faster, and a large one as its
batches are asked for.

Strings are kept as hashes, and as they are only where the model reads them so: its family's own
encoding says it. An earlier unweave wrote a file a slice: format 2, and format 1, whose files are
safetensors and are read whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from lineage_store.canonical import read_json, reading_own
from lineage_store.cells.cell import CellId
from lineage_store.data.schema import Schema
from lineage_store.errors import BadInput
from lineage_store.own_files.typed import typed
from lineage_store.rows.arrays import GROUP, LABEL, WEIGHT, Rows, RowSet, label_name
from lineage_store.rows.slice_file import (
    Field,
    Slice,
    empty_rows,
    open_slice,
    record_type,
    to_records,
    to_rows,
)
from lineage_store.rows.slice_set import SortedRows
from lineage_store.tensors import load_state

FORMAT = 3
HEADER_FILE, EVALUATION, TRAINING = "rows.json", "eval", "train"
READ_WHOLE_BYTES = 1 << 28
CellCounts: TypeAlias = tuple[tuple[tuple[int, ...], ...], ...]
"""How many rows lie in each bucket of each slice of each shard."""


@dataclass(frozen=True)
class RowStore:
    """An open row store; `cells` are the numbers of rows of each split, by cell.

    `fields` are what a row holds in the family's encoding. Of evaluation rows stores of format 1
    do not tell where they lie. A stage of at most `read_whole` bytes is read into memory.
    """

    folder: Path
    cells: Mapping[str, CellCounts]
    evaluation_rows: int
    description: Mapping[str, Any]
    fields: tuple[Field, ...]
    format: int = FORMAT
    read_whole: int = READ_WHOLE_BYTES

    @cached_property
    def counts(self) -> tuple[tuple[int, ...], ...]:
        """The number of training rows, by shard and slice."""
        return _by_slice(self.cells[TRAINING])

    @property
    def buckets(self) -> int:
        """How many cells a slice has."""
        return len(self.cells[TRAINING][0][0])

    @cached_property
    def evaluation_counts(self) -> tuple[tuple[int, ...], ...]:
        """The number of evaluation rows, by shard and slice; none in stores of format 1."""
        return _by_slice(self.cells[EVALUATION])

    @property
    def schema(self) -> Schema:
        """The columns that the rows were encoded from."""
        return Schema.from_json(self.description["inference"])

    def files(self, shard: int, slice_: int, *, split: str = TRAINING) -> list[Path]:
        """The files of one slice's rows of a split: of each cell that has rows."""
        return [self.cell_file(cell) for cell in self.cells_of(shard, slice_, split=split)]

    def cells_of(self, shard: int, slice_: int, *, split: str = TRAINING) -> list[CellId]:
        """The cells of a slice that have rows."""
        counts = self.cells[split][shard][slice_]
        return [CellId(split, shard, slice_, n) for n, count in enumerate(counts) if count]

    def rows_in(self, cell: CellId) -> int:
        """The number of rows in a cell."""
        return self.cells[cell.split][cell.shard][cell.slice][cell.bucket]

    def cell_file(self, cell: CellId) -> Path:
        """The file of one cell's rows."""
        if self.format > 2:
            return self.folder / f"{cell}.npy"
        suffix = "safetensors" if self.format == 1 else "npy"
        return self.folder / f"{cell.split}/s{cell.shard:03d}-r{cell.slice:02d}.{suffix}"

    def slice_rows(self, shard: int, slice_: int) -> Rows:
        """Read the rows of one slice into memory."""
        rows = self._rows(self.files(shard, slice_))
        return rows if isinstance(rows, Rows) else rows.whole()

    def cell_rows(self, cell: CellId) -> Rows:
        """Read the rows of one cell, which has some, into memory."""
        part = self._open(self.cell_file(cell))
        rows = to_rows(part.records, part.texts)
        part.drop()
        return rows

    def stage_rows(self, shard: int, stage: int) -> RowSet:
        """Return the rows of slices 0 to `stage` of a shard as one, in row-key order.

        A stage after the last slice's own, which is a repair, has all of them.
        """
        slices = min(stage + 1, len(self.counts[shard]))
        return self._rows([file for slice_ in range(slices) for file in self.files(shard, slice_)])

    def evaluation(self) -> RowSet:
        """Return the evaluation rows."""
        if self.format == 1:
            return self._rows([self.folder / f"{EVALUATION}.safetensors"])
        return self._evaluation(slices=None, shards=range(len(self.counts)))

    def evaluation_of(self, shard: int, stage: int) -> RowSet:
        """Return the evaluation rows whose places fall into slices 0 to `stage` of a shard."""
        return self._evaluation(slices=stage + 1, shards=[shard])

    def _evaluation(self, *, slices: int | None, shards: Iterable[int]) -> RowSet:
        files = [
            file
            for shard in shards
            for slice_ in range(len(self.evaluation_counts[shard][:slices]))
            for file in self.files(shard, slice_, split=EVALUATION)
        ]
        return self._rows(files)

    def _rows(self, files: list[Path]) -> SortedRows | Rows:
        if not files:
            return empty_rows(record_type(self.fields), 0)
        rows = SortedRows([self._open(file) for file in files])
        return rows.whole() if rows.nbytes <= self.read_whole else rows

    def _open(self, file: Path) -> Slice:
        if self.format > 1:
            return open_slice(file)
        state = load_state(file)
        state[LABEL] = state.pop("labels")
        arrays = {one.name: state[one.name] for one in self.fields}
        return Slice(to_records(Rows(state["row_keys"], arrays), record_type(self.fields)))


def _by_slice(cells: CellCounts) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(sum, shard)) for shard in cells)


def _counts(value: Any) -> CellCounts:
    """Read counts by bucket; stores of an earlier unweave tell them by slice."""
    return tuple(
        tuple((one,) if isinstance(one, int) else tuple(one) for one in shard) for shard in value
    )


def open_rows(folder: Path) -> RowStore:
    """Open a row store.

    Raises BadInput if a newer unweave wrote it, Damaged if it is not as it was written.
    """
    with reading_own(folder / HEADER_FILE):
        header = read_json(folder / HEADER_FILE)
        if header["format"] > FORMAT:
            raise BadInput(
                f"The rows of a model have format {header['format']}, and this unweave knows "
                f"formats up to {FORMAT}: use the newer unweave that wrote them."
            )
        store = RowStore(
            folder=folder,
            cells={
                TRAINING: _counts(header["counts"]),
                EVALUATION: _counts(header.get("evaluation_counts", ())),
            },
            evaluation_rows=header["evaluation_rows"],
            description=header["description"],
            fields=(
                tuple(Field(*one) for one in header["fields"])
                if "fields" in header
                else fields_of(Schema.from_json(header["description"]["inference"]))
            ),
            format=header["format"],
        )
        return typed(store)


def fields_of(schema: Schema) -> tuple[Field, ...]:
    """Return what rows of a table hold where nothing else is said: Keras's encoding."""
    return (
        Field("numbers", "<f4", len(schema.names("number"))),
        Field("categories", "<i4", len(schema.names("text"))),
        *(
            Field(label_name(place), "<i4" if label.kept == "text" else "<f4")
            for place, label in enumerate(schema.labels)
        ),
        *(Field(WEIGHT, "<f4") for _ in schema.weights),
        *(Field(GROUP, "<i8") for _ in schema.groups),
    )
