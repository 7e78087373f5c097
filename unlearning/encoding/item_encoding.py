"""How families read interactions: which item, how strongly, and in whose history.

A history is what places rows together: a person's, or a group's (`lineage_store.placement`). The
row store writes 64 keyed bits of it beside each row; whose it is they tell nobody who lacks the
secret.
"""

from dataclasses import dataclass

import numpy as np

from lineage_store.data import Schema
from lineage_store.rows import GROUP, TEXT, WEIGHT, Field, Rows
from unlearning.encoding.row_encoding import TypedRows, weights_in

ITEM = "item"


@dataclass(frozen=True)
class ItemEncoding:
    """`item` (n, 1) bytes in UTF-8, and `group` (n,) int64 of the history.

    If rows have weights, `weight` (n,) int64: the gate let whole ones through.
    """

    schema: Schema

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""
        weights = (Field(WEIGHT, "<i8") for _ in self.schema.weights)
        return (Field(ITEM, TEXT, 1), *weights, Field(GROUP, "<i8"))

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
        items = np.empty((len(rows), 1), object)
        items[:, 0] = [text.encode("utf-8") for text in rows[self.schema.columns[0].name]]
        given = weights_in(rows, self.schema)
        weights = {name: array.astype(np.int64) for name, array in given.items()}
        return Rows(rows.row_keys, {ITEM: items, **weights})
