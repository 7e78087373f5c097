"""How a family reads rows: from values in the gate's types to named arrays of its own.

An encoding is local to a row (law 2): it knows the columns and nothing of other rows, so a deletion
changes no other row's bytes. What a row holds is told by `fields`, and stands so in the row store.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.rows import Field, Rows
from lineage_store.tensors import Array


@dataclass(frozen=True)
class TypedRows:
    """Rows as the gate let them through.

    `row_keys` (n, 16) uint8; `numbers` (n, N) float32, NaN where missing; `strings` (n, M) texts,
    empty where missing; `labels` (n,): texts of classes, or float32 values.
    """

    row_keys: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.float32]
    strings: npt.NDArray[Any]
    labels: Array


class RowEncoding(Protocol):
    """One family's encoding of the columns of one table."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
