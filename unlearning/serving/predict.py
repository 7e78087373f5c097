"""Predicting with a pushed SavedModel, from a table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Table, read_table
from lineage_store.index.models import ModelRecord
from lineage_store.sources import Given, Reading, open_sources
from lineage_store.tensors import Array
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_models.module_file import ModelSpec
from unlearning.serving.export import served_columns

AT_ONCE = 4096


def predict_table(model: Path, data: Given | Sequence[Given], reading: Reading) -> dict[str, Any]:
    """Return `predictions`, one a row, and for classes `classes` and `probabilities` too.

    Columns that the model does not know are ignored. Raises BadInput for a file that cannot be
    read or a column that is missing.
    """
    spec = served_columns(model)
    sources = open_sources(data, reading.knowing([*spec.numbers, *spec.strings]))
    each = [served_answers(model, spec, read_table(source)) for source in sources]
    answers = {name: np.concatenate([one[name] for one in each]) for name in each[0]}
    if spec.task == "regression":
        return {"predictions": [float(value) for value in answers["values"]]}
    return {
        "classes": list(spec.classes),
        "predictions": [value.decode("utf-8") for value in answers["classes"]],
        "probabilities": [[float(p) for p in row] for row in answers["probabilities"]],
    }


def served_answers(model: Path, spec: ModelSpec, table: Table) -> dict[str, Array]:
    """Return what a SavedModel of ours answers for the rows of a table (`serving`), by output."""
    numbers, strings = table.numbers(spec.numbers, dates=spec.dates), table.strings(spec.strings)
    pin_tensorflow()
    import tensorflow as tf

    serve = tf.saved_model.load(str(model)).signatures["columns"]
    pieces: list[dict[str, Array]] = []
    for start in range(0, max(len(numbers), 1), AT_ONCE):  # one empty piece tells the outputs
        piece = numbers[start : start + AT_ONCE]
        shape = (len(piece), len(spec.strings))
        texts = tf.constant(strings[start : start + AT_ONCE], tf.string, shape)
        answer = serve(numbers=tf.constant(piece), strings=texts)
        pieces.append({name: value.numpy() for name, value in answer.items()})
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def prediction_of(record: ModelRecord, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `predict` says: by which model, and what that may be called."""
    warnings = []
    if record.claim.leaves_derived:
        warnings.append(
            f"{record.id} is {record.claim.word}: rows that were deleted may still have a part in "
            f"what it predicts."
        )
    return {
        "model_id": record.id,
        "guarantee": record.guarantee,
        "warnings": warnings,
        **found,
    }
