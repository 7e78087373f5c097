"""How estimators of other libraries read rows: numbers and texts as they are."""

from dataclasses import dataclass

import numpy as np

from lineage_store.data import Schema
from lineage_store.rows import LABEL, TEXT, WEIGHT, Field, Rows
from unlearning.encoding.row_encoding import TypedRows, weights_in
from unlearning.encoding.value_keys import class_key

NUMBERS, TEXTS = "numbers", "texts"


@dataclass(frozen=True)
class TextAndNumberEncoding:
    """`numbers` (n, N) float32, NaN where missing, and `texts` (n, M) bytes in UTF-8, if there are
    any, in the table's order of each; `label` (n,) the int64 key of a class, or a float32 value.

    If rows have weights, `weight` (n,) float32.
    """

    schema: Schema

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""
        label = "<i8" if self.schema.label.task == "classification" else "<f4"
        strings = self.schema.names("text")
        return (
            Field(NUMBERS, "<f4", len(self.schema.names("number"))),
            *([Field(TEXTS, TEXT, len(strings))] if strings else []),
            Field(LABEL, label),
            *(Field(WEIGHT, "<f4") for _ in self.schema.weights),
        )

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
        names, strings = self.schema.names("number"), self.schema.names("text")
        numbers = np.zeros((len(rows), len(names)), np.float32)
        for place, name in enumerate(names):
            numbers[:, place] = rows[name]
        texts = np.empty((len(rows), len(strings)), object)
        for place, name in enumerate(strings):
            texts[:, place] = [text.encode("utf-8") for text in rows[name]]
        given = {TEXTS: texts} if strings else {}
        label = self.schema.label
        labels = rows[label.name]
        if label.task == "classification":
            known = {name: class_key(name) for name in label.classes}
            labels = np.array([known[name] for name in labels], dtype=np.int64)
        told = weights_in(rows, self.schema)
        return Rows(rows.row_keys, {NUMBERS: numbers, **given, LABEL: labels, **told})
