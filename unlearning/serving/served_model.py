"""A SavedModel of ours, asked by columns."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Table
from lineage_store.tensors import Array
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_models.module_file import ModelSpec
from unlearning.serving.export import served_columns

AT_ONCE = 4096


class ServedModel:
    """A model as it is served; TensorFlow is imported when it is first asked.

    Raises BadInput for a folder whose model does not say which columns it takes.
    """

    def __init__(self, folder: Path) -> None:
        self.spec: ModelSpec = served_columns(folder)
        self._folder = folder

    def answers(self, numbers: Array, strings: list[list[str]]) -> dict[str, Array]:
        """Return what it answers (`export`), by output, for the columns of `spec`, row by row."""
        pieces: list[dict[str, Array]] = []
        for start in range(0, max(len(numbers), 1), AT_ONCE):  # one empty piece tells the outputs
            end = start + AT_ONCE
            pieces.append(self._asked(numbers[start:end], strings[start:end]))
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def of_table(self, table: Table) -> dict[str, Array]:
        """Return what it answers for the rows of a table; raises what `Table.numbers` raises."""
        numbers = table.numbers(self.spec.numbers, dates=self.spec.dates)
        return self.answers(numbers, table.strings(self.spec.strings))

    def _asked(self, numbers: Array, strings: list[list[str]]) -> dict[str, Array]:
        serve = self._signature
        import tensorflow as tf

        texts = tf.constant(strings, tf.string, (len(numbers), len(self.spec.strings)))
        told = serve(numbers=tf.constant(numbers), strings=texts)
        return {name: value.numpy() for name, value in told.items()}

    @cached_property
    def _signature(self) -> Any:
        pin_tensorflow()
        import tensorflow as tf

        return tf.saved_model.load(str(self._folder)).signatures["columns"]
