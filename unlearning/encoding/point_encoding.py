"""How clusters read rows: numbers as they are, and a key for each text, without a label."""

from dataclasses import dataclass

import numpy as np

from lineage_store.data import Schema
from lineage_store.rows import WEIGHT, Field, Rows
from unlearning.encoding.number_and_key_encoding import NUMBERS, TEXT_KEYS
from unlearning.encoding.row_encoding import TypedRows, weights_in
from unlearning.encoding.value_keys import text_keys


@dataclass(frozen=True)
class PointEncoding:
    """`numbers` (n, N) float32, NaN where missing, and `text_keys` (n, M) int64, in the table's
    order of each; if rows have weights, `weight` (n,) int64.
    """

    schema: Schema

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""
        return (
            Field(NUMBERS, "<f4", len(self.schema.names("number"))),
            Field(TEXT_KEYS, "<i8", len(self.schema.names("text"))),
            *(Field(WEIGHT, "<i8") for _ in self.schema.weights),
        )

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
        names, texts = self.schema.names("number"), self.schema.names("text")
        numbers = np.zeros((len(rows), len(names)), np.float32)
        for place, name in enumerate(names):
            numbers[:, place] = rows[name]
        keys = np.zeros((len(rows), len(texts)), np.int64)
        for place, name in enumerate(texts):
            keys[:, place] = text_keys(rows[name].tolist(), column=name)
        given = weights_in(rows, self.schema)
        weights = {name: array.astype(np.int64) for name, array in given.items()}
        return Rows(rows.row_keys, {NUMBERS: numbers, TEXT_KEYS: keys, **weights})
