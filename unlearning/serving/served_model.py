"""A SavedModel of ours, asked by columns."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Column, Table
from lineage_store.errors import BadInput
from lineage_store.tensors import Array
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_models.module_file import ModelSpec, load_module
from unlearning.keras_models.parsing import Parser, row_of
from unlearning.serving.export import served_columns, served_inputs

AT_ONCE = 4096


class ServedModel:
    """A model as it is served; TensorFlow is imported when it is first asked.

    `source` returns the text of its module, which is asked where that has `parse`. Raises BadInput
    for a folder whose model does not say which columns it takes, or needs a source and has none.
    """

    def __init__(self, folder: Path, *, source: Callable[[], str] | None = None) -> None:
        self.spec: ModelSpec = served_columns(folder)
        self._folder = folder
        self._parsed = served_inputs(folder)
        self._source = source
        if self._parsed and source is None:
            raise BadInput(
                f"The model in {folder} takes what parse of its module makes, and the module is in "
                f"its workspace alone: ask it there, with unweave predict."
            )

    def answers(self, numbers: Array, strings: list[list[str]]) -> dict[str, Array]:
        """Return what it answers (`export`), by output, for the columns of `spec`, row by row."""
        strings = self._spelled(strings)
        pieces: list[dict[str, Array]] = []
        for start in range(0, max(len(numbers), 1), AT_ONCE):  # one empty piece tells the outputs
            end = start + AT_ONCE
            pieces.append(self._asked(numbers[start:end], strings[start:end]))
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def of_table(self, table: Table) -> dict[str, Array]:
        """Return what it answers for the rows of a table; raises what `Table.numbers` raises."""
        numbers = table.numbers(self.spec.numbers, dates=self.spec.dates)
        return self.answers(numbers, table.strings(self.spec.strings))

    def _spelled(self, strings: list[list[str]]) -> list[list[str]]:
        """Return texts of which arrays are spelled as the model reads them."""
        for name in self.spec.arrays:
            column, place = Column(name, "array"), self.spec.strings.index(name)
            for number, row in enumerate(strings, start=1):
                text = column.canonical(row[place])
                if text is None:
                    raise BadInput(
                        f"The value of row {number} in the column {name!r} is no array of numbers, "
                        f"which the model takes: correct it."
                    )
                row[place] = text
        return strings

    def _asked(self, numbers: Array, strings: list[list[str]]) -> dict[str, Array]:
        serve = self._signature
        if self._parsed:
            return self._asked_parsed(numbers, strings)
        import tensorflow as tf

        texts = tf.constant(strings, tf.string, (len(numbers), len(self.spec.strings)))
        outputs = serve(numbers=tf.constant(numbers), strings=texts)
        return {name: value.numpy() for name, value in outputs.items()}

    def _asked_parsed(self, numbers: Array, strings: list[list[str]]) -> dict[str, Array]:
        import tensorflow as tf

        each = zip(numbers.tolist(), strings, strict=True)
        made = self._parser.arrays([row_of(*row, self.spec) for row in each])
        inputs = {
            one.name: tf.constant(array, one.dtype, array.shape)
            for one, array in zip(self._parsed, made, strict=True)
        }
        return {name: value.numpy() for name, value in self._signature(**inputs).items()}

    @cached_property
    def _parser(self) -> Parser:
        assert self._source is not None
        name = "the module"
        module: Any = load_module(self._source(), name=name)
        return Parser(module.parse, self._parsed, name)

    @cached_property
    def _signature(self) -> Any:
        pin_tensorflow()
        import tensorflow as tf

        return tf.saved_model.load(str(self._folder)).signatures[
            "serving_default" if self._parsed else "columns"
        ]
