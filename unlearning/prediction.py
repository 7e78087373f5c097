"""Predicting with a pushed SavedModel, from a CSV file."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.inference import parse_number
from lineage_store.models import ModelRecord
from unlearning.determinism import pin_tensorflow
from unlearning.serving import served_columns

AT_ONCE = 4096


def predict_csv(model: Path, source: Path) -> dict[str, Any]:
    """Return `predictions`, one a row, and for classes `classes` and `probabilities` too.

    Columns that the model does not know are ignored. Raises BadInput for a file that cannot be
    read or a column that is missing.
    """
    spec = served_columns(model)
    numbers, strings = _read(source, spec.numbers, spec.strings)
    pin_tensorflow()
    import tensorflow as tf

    serve = tf.saved_model.load(str(model)).signatures["columns"]
    pieces = []
    for start in range(0, len(numbers), AT_ONCE):
        piece = numbers[start : start + AT_ONCE]
        shape = (len(piece), len(spec.strings))
        texts = tf.constant(strings[start : start + AT_ONCE], tf.string, shape)
        pieces.append(serve(numbers=tf.constant(piece), strings=texts))
    if spec.task == "regression":
        return {"predictions": [float(v) for piece in pieces for v in piece["values"].numpy()]}
    return {
        "classes": list(spec.classes),
        "predictions": [v.decode("utf-8") for piece in pieces for v in piece["classes"].numpy()],
        "probabilities": [
            [float(p) for p in row] for piece in pieces for row in piece["probabilities"].numpy()
        ],
    }


def prediction_of(record: ModelRecord, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `predict` says: by which model, and what that may be called."""
    warnings = []
    if record.guarantee == "approximate":
        warnings.append(
            f"{record.id} is approximate: rows that were deleted may still have a part in what it "
            f"predicts."
        )
    return {
        "model_id": record.id,
        "guarantee": record.guarantee,
        "warnings": warnings,
        **found,
    }


def _read(
    source: Path, number_columns: tuple[str, ...], string_columns: tuple[str, ...]
) -> tuple[Any, list[list[str]]]:
    try:
        with source.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.reader(stream, strict=True)
            header = [name.strip() for name in next(reader, [])]
            lines = [(reader.line_num, fields) for fields in reader if fields]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"The file {source} cannot be read: {error}.") from error
    for name in (*number_columns, *string_columns):
        if name not in header:
            raise BadInput(f"There is no column {name!r} in {source}, and the model needs it.")
    for number, fields in lines:
        if len(fields) != len(header):
            raise BadInput(
                f"Line {number} of {source} has {len(fields)} fields, and line 1 has {len(header)}."
            )
    at = {name: place for place, name in enumerate(header)}
    numbers = np.full((len(lines), len(number_columns)), np.nan, np.float32)
    for row, (_, fields) in enumerate(lines):
        for column, name in enumerate(number_columns):
            value = parse_number(fields[at[name]])
            if value is not None:
                numbers[row, column] = value
    return numbers, [[fields[at[name]] for name in string_columns] for _, fields in lines]
