"""How families of sums read rows: a key for each value and for the class (`value_keys`)."""

from dataclasses import dataclass

import numpy as np

from lineage_store.data import Inference
from lineage_store.rows import LABEL, Field, Rows
from unlearning.encoding.row_encoding import TypedRows
from unlearning.encoding.value_keys import class_key, number_keys, text_keys

KEYS = "keys"


@dataclass(frozen=True)
class KeyEncoding:
    """`keys` (n, C) in the table's order of columns, `label` (n,) of the class, all int64."""

    inference: Inference

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""
        return (Field(KEYS, "<i8", len(self.inference.features)), Field(LABEL, "<i8"))

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
        told = self.inference
        keys = np.zeros((len(rows.row_keys), len(told.features)), np.int64)
        for place, (name, kind) in enumerate(told.features):
            if kind == "number":
                numbers = rows.numbers[:, told.numbers.index(name)]
                keys[:, place] = number_keys(numbers, column=name)
            else:
                keys[:, place] = text_keys(
                    list(rows.strings[:, told.strings.index(name)]), column=name
                )
        known = {name: class_key(name) for name in told.classes}
        labels = np.array([known[name] for name in rows.labels], dtype=np.int64)
        return Rows(rows.row_keys, {KEYS: keys, LABEL: labels})
