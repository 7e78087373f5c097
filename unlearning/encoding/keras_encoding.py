"""How Keras models read rows: numbers, hash buckets of strings, and labels as class numbers.

A model that reads strings as they are is given the texts too, as UTF-8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lineage_store.data import Label, Schema
from lineage_store.rows import LABEL, TEXT, Field, Rows, fields_of, label_name
from lineage_store.tensors import Array
from unlearning.encoding.row_encoding import TypedRows, weights_in
from unlearning.keras_models.encoding import encode_strings
from unlearning.keras_models.module_file import TEXTS, spec_of


@dataclass(frozen=True)
class KerasEncoding:
    """`numbers` float32, `categories` int32 buckets, `label` int32 classes or float32 values.

    Of several labels each has an array of its own (`label_name`). If rows have weights, `weight`
    float32; if they have groups, the row store adds `group`. With `texts` a row has its texts
    besides, (M,) bytes.
    """

    schema: Schema
    texts: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""
        usual = fields_of(self.schema)
        width = len(self.schema.names("text"))
        return (*usual, Field(TEXTS, TEXT, width)) if self.texts else usual

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
        spec = spec_of(self.schema)
        first, *further = (_label_of(rows, label) for label in self.schema.labels)
        numbers = _side_by_side(rows, spec.numbers, np.dtype(np.float32))
        strings = _side_by_side(rows, spec.strings, np.dtype(object))
        categories = encode_strings(strings, columns=spec.strings, buckets=spec.buckets)
        made = keras_rows(rows.row_keys, numbers, categories, first)
        others = {label_name(place): labels for place, labels in enumerate(further, start=1)}
        columns = {**made.columns, **others, **weights_in(rows, self.schema)}
        if self.texts:
            columns[TEXTS] = np.empty(strings.shape, object)
            for place in np.ndindex(*strings.shape):
                columns[TEXTS][place] = strings[place].encode("utf-8")
        return Rows(made.row_keys, columns)


def _label_of(rows: TypedRows, label: Label) -> Array:
    """Return a label as values, or numbers of classes."""
    labels = rows[label.name]
    if label.task != "classification":
        return labels
    number = {name: place for place, name in enumerate(label.classes)}
    return np.array([number[name] for name in labels], dtype=np.int32)


def _side_by_side(rows: TypedRows, names: Sequence[str], kind: "np.dtype[Any]") -> Array:
    """Return columns as one array (n, len(names))."""
    together = np.empty((len(rows), len(names)), kind)
    for place, name in enumerate(names):
        together[:, place] = rows[name]
    return together


def keras_rows(
    row_keys: npt.NDArray[np.uint8],
    numbers: npt.NDArray[np.float32],
    categories: npt.NDArray[np.int32],
    labels: Array,
) -> Rows:
    """Return rows of this encoding from its arrays."""
    return Rows(row_keys, {"numbers": numbers, "categories": categories, LABEL: labels})
