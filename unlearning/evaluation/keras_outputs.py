"""Asking a plain Keras SavedModel about the rows of a table.

Saved with `model.export(folder)`, it has the signature `serving_default`, and takes either

    one input of floats (n, d): the columns of the CSV file but the label, in the file's order; or
    an input (n,) or (n, 1) for each column, named after it, of numbers or strings

and has one output: probabilities (n, classes) for labels 0, 1, ..., or one value a row, which is
the probability of 1 or a number: that has to be said (`task`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Table, Task
from lineage_store.errors import BadInput
from lineage_store.tensors import Array
from unlearning.evaluation.models_compared import RowSetName
from unlearning.serving.served_model import AT_ONCE

TOLERANCE = 1e-3  # how far the probabilities of a row may be from a sum of 1


@dataclass(frozen=True)
class Reader:
    """How one SavedModel is asked: its task, its classes, its label column."""

    task: Task
    classes: tuple[str, ...]
    label: str


def ask_keras(
    folder: Path, tables: Mapping[RowSetName, Table], *, label: str | None, task: Task | None
) -> tuple[Reader, dict[RowSetName, Array]]:
    """Return how a model is to be read, and its outputs (n, units) for each table.

    Raises BadInput for a signature, an output or a table that does not fit.
    """
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(folder))
        serve = loaded.signatures["serving_default"]
    except (OSError, KeyError, ValueError) as error:
        raise BadInput(
            f"The model in {folder} cannot be asked: it has no signature serving_default that "
            f"TensorFlow can load."
        ) from error
    inputs = serve.structured_input_signature[1]
    first = next(iter(tables.values()))
    wide = len(inputs) == 1 and len(next(iter(inputs.values())).shape) == 2
    if label is None and wide:
        raise BadInput("Name the label column with `label`: these models do not say what it is.")
    labelled = label or only_other(first, tuple(inputs))
    answers: dict[RowSetName, Array] = {}
    for rows, table in tables.items():
        pieces = []
        for start in range(0, max(len(table), 1), AT_ONCE):
            piece = table.part(start, AT_ONCE)
            fed = {
                name: _fed(tf, piece, name, wanted, label=labelled, wide=wide)
                for name, wanted in inputs.items()
            }
            served = serve(**fed)
            if len(served) != 1:
                raise BadInput(f"The model in {folder} has {len(served)} outputs: one is wanted.")
            pieces.append(next(iter(served.values())).numpy())
        outputs = np.concatenate(pieces)
        answers[rows] = as_columns(outputs).astype(np.float64)
    return _as_answers(folder, answers, labelled, task)


def as_columns(outputs: Array) -> Array:
    """Return outputs as (n, units), also those of one unit that come as (n,)."""
    return outputs[:, None] if outputs.ndim == 1 else outputs


def _as_answers(
    folder: Path, answers: dict[RowSetName, Array], label: str, task: Task | None
) -> tuple[Reader, dict[RowSetName, Array]]:
    """Say what the outputs of a Keras model are, and return them as probabilities or values."""
    units = next(iter(answers.values())).shape[1]
    if task is None and units == 1:
        raise BadInput(
            f"The model in {folder} has one output: say with `task` whether it is a probability "
            f"(classification) or a number (regression)."
        )
    if task == "regression":
        if units != 1:
            raise BadInput(f"The model in {folder} has {units} outputs: a regression has one.")
        return Reader("regression", (), label), answers
    if units == 1:
        answers = {rows: np.column_stack([1 - p, p]) for rows, p in answers.items()}
    for outputs in answers.values():
        sums = np.abs(outputs.sum(axis=1) - 1)
        # NaN is neither: a model that was destroyed is judged, not refused.
        if (outputs < -TOLERANCE).any() or (sums > TOLERANCE).any():
            raise BadInput(
                f"The outputs of the model in {folder} are no probabilities: save it with a "
                f"softmax or a sigmoid at its end."
            )
    classes = tuple(str(n) for n in range(next(iter(answers.values())).shape[1]))
    return Reader("classification", classes, label), answers


def _fed(tf: Any, table: Table, name: str, wanted: Any, *, label: str, wide: bool) -> Any:
    if wide:
        columns = [column for column in table.header if column != label]
        width = wanted.shape[1]
        if width is not None and width != len(columns):
            raise BadInput(
                f"{table.source.name} has {len(columns)} columns besides the label, and the model "
                f"takes {width}."
            )
        return tf.cast(table.numbers(columns), wanted.dtype)
    shape = (len(table), 1)[: len(wanted.shape)]
    if wanted.dtype == tf.string:
        return tf.constant([row[0] for row in table.strings([name])], tf.string, shape)
    return tf.cast(table.numbers([name]).reshape(shape), wanted.dtype)


def only_other(table: Table, columns: Sequence[str]) -> str:
    """Return the one column that a model does not take; raises BadInput if there are others."""
    others = [name for name in table.header if name not in columns]
    if len(others) != 1:
        raise BadInput(
            f"{table.source.name} has {len(others)} columns that the model does not take: name the "
            f"label column with `label`."
        )
    return others[0]
