"""How a family reads rows: from values of the gate's kinds to named arrays of its own.

An encoding is local to a row (law 2): it knows the columns and nothing of other rows, so a deletion
changes no other row's bytes. What a row holds is told by `fields`, and stands so in the row store.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.data import Schema
from lineage_store.rows import WEIGHT, Field, Rows
from lineage_store.tensors import Array


@dataclass(frozen=True)
class TypedRows:
    """Rows as the gate let them through.

    `row_keys` (n, 16) uint8; `columns` an array (n,) by the name of each column of the schema:
    float32 numbers, NaN where missing; or texts, empty where missing, and names of classes.
    """

    row_keys: npt.NDArray[np.uint8]
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.row_keys)

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]


def weights_in(rows: TypedRows, schema: Schema) -> dict[str, Array]:
    """Return what each row counts for, by the name of the array; none if all count alike."""
    if not schema.weights:
        return {}
    (column,) = schema.weights
    return {WEIGHT: rows[column.name]}


class RowEncoding(Protocol):
    """One family's encoding of the columns of one table."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
