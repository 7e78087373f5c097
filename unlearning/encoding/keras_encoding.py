"""How Keras models read rows: numbers, hash buckets of strings, and labels as class numbers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lineage_store.data import Inference
from lineage_store.rows import LABEL, Field, Rows, fields_of
from lineage_store.tensors import Array
from unlearning.encoding.row_encoding import TypedRows
from unlearning.keras_models.encoding import encode_strings
from unlearning.keras_models.module_file import spec_of


@dataclass(frozen=True)
class KerasEncoding:
    """`numbers` float32, `categories` int32 buckets, `label` int32 classes or float32 values."""

    inference: Inference

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a row holds, in this order."""
        return fields_of({"inference": self.inference.to_json()})

    def encode(self, rows: TypedRows) -> Rows:
        """Return the rows in this encoding, in the order given."""
        spec = spec_of(self.inference)
        labels = rows.labels
        if self.inference.task == "classification":
            number = {name: place for place, name in enumerate(self.inference.classes)}
            labels = np.array([number[name] for name in labels], dtype=np.int32)
        categories = encode_strings(rows.strings, columns=spec.strings, buckets=spec.buckets)
        return keras_rows(rows.row_keys, rows.numbers, categories, labels)


def keras_rows(
    row_keys: npt.NDArray[np.uint8],
    numbers: npt.NDArray[np.float32],
    categories: npt.NDArray[np.int32],
    labels: Array,
) -> Rows:
    """Return rows of this encoding from its arrays."""
    return Rows(row_keys, {"numbers": numbers, "categories": categories, LABEL: labels})
