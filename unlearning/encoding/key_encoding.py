"""How families of sums read rows: a key for each value and for the class (`value_keys`)."""

from dataclasses import dataclass

import numpy as np

from lineage_store.data import Schema
from lineage_store.rows import LABEL, WEIGHT, Field, Rows
from unlearning.encoding.row_encoding import TypedRows, weights_in
from unlearning.encoding.value_keys import class_key, number_keys, text_keys

KEYS = "keys"


@dataclass(frozen=True)
class KeyEncoding:
    """`keys` (n, C) in the table's order of columns, `label` (n,) of the class, all int64.

    If rows have weights, `weight` (n,) int64: the gate let whole ones through.
    """

    schema: Schema

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""
        weights = (Field(WEIGHT, "<i8") for _ in self.schema.weights)
        return (Field(KEYS, "<i8", len(self.schema.columns)), Field(LABEL, "<i8"), *weights)

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
        keys = np.zeros((len(rows), len(self.schema.columns)), np.int64)
        for place, column in enumerate(self.schema.columns):
            values = rows[column.name]
            if column.kept == "number":
                keys[:, place] = number_keys(values, column=column.name)
            else:
                keys[:, place] = text_keys(values.tolist(), column=column.name)
        label = self.schema.label
        known = {name: class_key(name) for name in label.classes}
        labels = np.array([known[name] for name in rows[label.name]], dtype=np.int64)
        given = weights_in(rows, self.schema)
        weights = {name: array.astype(np.int64) for name, array in given.items()}
        return Rows(rows.row_keys, {KEYS: keys, LABEL: labels, **weights})
