"""The row store of a model: its training rows by shard and slice, and its evaluation rows.

    rows.json              what the columns are, and how many rows lie where
    train/s003-r01.npy     the training rows of slice 1 of shard 3, in row-key order
    eval/s003-r01.npy      the evaluation rows of the same place, if there are any

A slice is what a deletion retrains from, so each has a file of its own (`slice_file`), and one that
lost no row can be shared with the store before. A stage is the set of its slices' files; a small
one is read whole, since that is faster, and a large one as its batches are asked for.

Strings are kept as hashes, and as they are only where the model reads them so: its family's own
encoding says it. Stores of format 1, which an earlier unweave wrote as safetensors, are read whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage_store.canonical import read_json
from lineage_store.data.schema import Schema
from lineage_store.errors import BadInput
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

FORMAT = 2
HEADER_FILE, EVALUATION, TRAINING = "rows.json", "eval", "train"
READ_WHOLE_BYTES = 1 << 28


@dataclass(frozen=True)
class RowStore:
    """An open row store; `counts[shard][slice]` is the number of training rows there.

    `fields` are what a row holds in the family's encoding. `evaluation_counts` is the same of
    evaluation rows as `counts`; stores of format 1 do not tell it. A stage
    of at most `read_whole` bytes is read into memory.
    """

    folder: Path
    counts: tuple[tuple[int, ...], ...]
    evaluation_rows: int
    description: Mapping[str, Any]
    fields: tuple[Field, ...]
    evaluation_counts: tuple[tuple[int, ...], ...] = ()
    format: int = FORMAT
    read_whole: int = READ_WHOLE_BYTES

    @property
    def schema(self) -> Schema:
        """The columns that the rows were encoded from."""
        return Schema.from_json(self.description["inference"])

    def slice_file(self, shard: int, slice_: int, *, split: str = TRAINING) -> Path:
        """The file of one slice's rows of a split."""
        return self._file(slice_name(shard, slice_, split=split))

    def slice_rows(self, shard: int, slice_: int) -> Rows:
        """Read the rows of one slice into memory."""
        part = self._open(slice_name(shard, slice_))
        rows = to_rows(part.records, part.texts)
        part.drop()
        return rows

    def stage_rows(self, shard: int, stage: int) -> RowSet:
        """Return the rows of slices 0 to `stage` of a shard as one, in row-key order.

        A stage after the last slice's own, which is a repair, has all of them.
        """
        slices = min(stage + 1, len(self.counts[shard]))
        names = [slice_name(shard, slice_) for slice_ in range(slices)]
        return self._rows([self._open(name) for name in names])

    def evaluation(self) -> RowSet:
        """Return the evaluation rows."""
        if self.format == 1:
            return self._rows([self._open(EVALUATION)])
        return self._evaluation(slices=None, shards=range(len(self.counts)))

    def evaluation_of(self, shard: int, stage: int) -> RowSet:
        """Return the evaluation rows whose places fall into slices 0 to `stage` of a shard."""
        return self._evaluation(slices=stage + 1, shards=[shard])

    def _evaluation(self, *, slices: int | None, shards: Iterable[int]) -> RowSet:
        names = [
            slice_name(shard, slice_, split=EVALUATION)
            for shard in shards
            for slice_, count in enumerate(self.evaluation_counts[shard][:slices])
            if count
        ]
        return self._rows([self._open(name) for name in names])

    def _rows(self, parts: list[Slice]) -> RowSet:
        if not parts:
            return empty_rows(record_type(self.fields), 0)
        rows = SortedRows(parts)
        return rows.whole() if rows.nbytes <= self.read_whole else rows

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.{'safetensors' if self.format == 1 else 'npy'}"

    def _open(self, name: str) -> Slice:
        if self.format > 1:
            return open_slice(self._file(name))
        state = load_state(self._file(name))
        state[LABEL] = state.pop("labels")
        arrays = {one.name: state[one.name] for one in self.fields}
        return Slice(to_records(Rows(state["row_keys"], arrays), record_type(self.fields)))


def slice_name(shard: int, slice_: int, *, split: str = TRAINING) -> str:
    """Return the name of a slice's file in the store, without its suffix."""
    return f"{split}/s{shard:03d}-r{slice_:02d}"


def open_rows(folder: Path) -> RowStore:
    """Open a row store; raises BadInput if a newer unweave wrote it."""
    header = read_json(folder / HEADER_FILE)
    if header["format"] > FORMAT:
        raise BadInput(
            f"The rows of a model have format {header['format']}, and this unweave knows formats "
            f"up to {FORMAT}: use the newer unweave that wrote them."
        )
    return RowStore(
        folder=folder,
        counts=tuple(tuple(row) for row in header["counts"]),
        evaluation_rows=header["evaluation_rows"],
        description=header["description"],
        fields=(
            tuple(Field(*one) for one in header["fields"])
            if "fields" in header
            else fields_of(Schema.from_json(header["description"]["inference"]))
        ),
        evaluation_counts=tuple(tuple(row) for row in header.get("evaluation_counts", ())),
        format=header["format"],
    )


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
