"""Cells: the rows of one split, shard, slice and bucket of a model's data.

Which cell a row lies in is a function of its own place (law 1), and of a layout that is fixed when
the model is trained. Whatever is made of rows is kept cell by cell, so that a deletion makes those
again that lose a row, and takes over the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.data.record import EVAL, TRAIN, UNLABELLED
from lineage_store.placement import (
    I64,
    MOST_CHOICES,
    U64,
    Partition,
    bucket_count,
    bucket_of,
    cells_of,
)

KEPT = (TRAIN, EVAL, UNLABELLED)
"""What a snapshot keeps rows of, in the order in which its cells stand."""


@dataclass(frozen=True, order=True)
class CellId:
    """The name of a cell."""

    split: str
    shard: int
    slice: int
    bucket: int

    @property
    def place(self) -> str:
        """Where it is within its split."""
        return f"s{self.shard:03d}-r{self.slice:02d}-b{self.bucket:05d}"

    def __str__(self) -> str:
        return f"{self.split}/{self.place}"

    @classmethod
    def from_name(cls, name: str) -> "CellId":
        """Read a name back."""
        split, _, place = name.partition("/")
        return cls(split, *(int(one[1:]) for one in place.split("-")))


@dataclass(frozen=True)
class CellLayout:
    """Into which cells rows fall: a model's partition, and how many buckets each slice has."""

    partition: Partition
    buckets: int

    def numbers(self, places: U64, splits: npt.NDArray[np.int64]) -> I64:
        """Return the number of each row's cell, from its place and its split's place in `KEPT`."""
        shards, slices = cells_of(places, self.partition)
        cells = (shards * self.partition.slices + slices) * self.buckets
        here: I64 = cells + bucket_of(places, self.buckets)
        return here + splits * (self.partition.shards * self.partition.slices * self.buckets)

    def cell(self, number: int) -> CellId:
        """Return the name of the cell with a number."""
        rest, bucket = divmod(number, self.buckets)
        rest, slice_ = divmod(rest, self.partition.slices)
        split, shard = divmod(rest, self.partition.shards)
        return CellId(KEPT[split], shard, slice_, bucket)

    def first_of(self, cell: CellId, size: int) -> CellId:
        """Return the first cell of a cell's group, if so many of a split lie in one."""
        number = (cell.shard * self.partition.slices + cell.slice) * self.buckets + cell.bucket
        return replace(self.cell(number - number % size), split=cell.split)

    def by_cell(
        self, row_keys: npt.NDArray[np.uint8], places: U64, splits: Sequence[str]
    ) -> dict[CellId, set[bytes]]:
        """Return the keys of rows by their cells; `row_keys` (n, 16), `places` (n,)."""
        found: dict[CellId, set[bytes]] = {}
        numbers = self.numbers(places, np.array([*map(KEPT.index, splits)], np.int64))
        for number, key in zip(numbers.tolist(), row_keys, strict=True):
            found.setdefault(self.cell(number), set()).add(key.tobytes())
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the value as JSON."""
        return {"partition": asdict(self.partition), "buckets": self.buckets}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "CellLayout":
        """Read the value back; raises ValueError if it has no cells, or more than can be drawn."""
        layout = cls(Partition(**value["partition"]), value["buckets"])
        counts = (layout.partition.shards, layout.partition.slices, layout.buckets)
        if min(counts) < 1 or max(counts) > MOST_CHOICES:
            raise ValueError("cells are counted from one on")
        return layout


def layout_of(rows: int, partition: Partition) -> CellLayout:
    """Return the layout of the data of a model that is trained on so many rows."""
    return CellLayout(partition, bucket_count(rows, partition))
