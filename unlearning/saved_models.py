"""SavedModels of unweave or of anybody else, as runs of an evaluation.

A model of ours says itself which columns it takes (`serving`). A plain Keras model, saved with
`model.export(folder)`, has the signature `serving_default`, and takes either

    one input of floats (n, d): the columns of the CSV file but the label, in the file's order; or
    an input (n,) or (n, 1) for each column, named after it, of numbers or strings

and has one output: probabilities (n, classes) for labels 0, 1, ..., or one value a row, which is
the probability of 1 or a number: that has to be said (`--task`).

Weights are read from the checkpoint beside the graph, but for those of optimizers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.errors import BadInput
from lineage_store.inference import Task, class_text, parse_number
from lineage_store.tensors import Array
from unlearning.csv_table import Table, read_table
from unlearning.determinism import pin_tensorflow
from unlearning.evaluated import Evaluated, Kind, RowSetName, Run
from unlearning.evaluation_policy import Policy
from unlearning.prediction import AT_ONCE, served_answers
from unlearning.serving import ASSET, served_columns

TOLERANCE = 1e-3  # how far the probabilities of a row may be from a sum of 1


@dataclass(frozen=True)
class ToEvaluate:
    """The SavedModels of each kind, the CSV files of rows, and what they do not say themselves.

    `label` may be None if one column of the files is not among the models' columns; `task` is for
    models with one output.
    """

    models: Mapping[Kind, Sequence[Path]]
    rows: Mapping[RowSetName, Path]
    label: str | None = None
    task: Task | None = None


@dataclass(frozen=True)
class Reader:
    """How one SavedModel is asked: its task, its classes, its label column."""

    task: Task
    classes: tuple[str, ...]
    label: str


def read_evaluated(given: ToEvaluate, policy: Policy) -> Evaluated:
    """Ask all models about all rows.

    Raises BadInput for a folder that is no SavedModel or is of two kinds, a signature that is none
    of the above, a file or a label that does not fit, or models of different tasks.
    """
    tables: dict[RowSetName, Table] = {
        name: read_table(path).drawn(policy.most_rows, seed=policy.seed)
        for name, path in given.rows.items()
    }
    if not len(tables["forgotten"]):
        raise BadInput(f"There are no rows in {given.rows['forgotten']}: nothing can be judged.")
    for folders in given.models.values():
        for folder in folders:
            if not (folder / "saved_model.pb").exists():
                raise BadInput(f"{folder} is no SavedModel: there is no saved_model.pb in it.")
    twins = [folder.resolve() for folder in given.models.get("retrained", ())]
    for folder in given.models.get("unlearned", ()):
        if folder.resolve() in twins:
            raise BadInput(
                f"The model in {folder} is given as unlearned and as retrained: it would be "
                f"compared with itself."
            )
    pin_tensorflow()
    reader: Reader | None = None
    runs: dict[Kind, tuple[Run, ...]] = {}
    for kind, folders in given.models.items():
        found = []
        for folder in folders:
            mine, answers = _ask(folder, tables, given)
            if reader is not None and (mine.task, mine.classes) != (reader.task, reader.classes):
                raise BadInput(
                    f"The model in {folder} has another task or other classes than the first: "
                    f"models of one table are compared."
                )
            reader = mine
            found.append(Run(answers, _weights(folder)))
        if found:
            runs[kind] = tuple(found)
    if reader is None:
        raise BadInput("There is no model to evaluate.")
    labels = {name: _labels(table, reader) for name, table in tables.items()}
    return Evaluated(reader.task, labels, runs)


def _ask(
    folder: Path, tables: Mapping[RowSetName, Table], given: ToEvaluate
) -> tuple[Reader, dict[RowSetName, Array]]:
    if (folder / "assets" / ASSET).exists():
        spec = served_columns(folder)
        first = next(iter(tables.values()))
        label = given.label or _only_other(first, (*spec.numbers, *spec.strings))
        name = "values" if spec.task == "regression" else "probabilities"
        answers = {
            rows: _as_columns(served_answers(folder, spec, table)[name])
            for rows, table in tables.items()
        }
        return Reader(spec.task, spec.classes, label), answers
    return _ask_keras(folder, tables, given)


def _ask_keras(
    folder: Path, tables: Mapping[RowSetName, Table], given: ToEvaluate
) -> tuple[Reader, dict[RowSetName, Array]]:
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
    if given.label is not None:
        label = given.label
    elif wide:
        raise BadInput("Name the label column with --label: these models do not say what it is.")
    else:
        label = _only_other(first, tuple(inputs))
    answers: dict[RowSetName, Array] = {}
    for rows, table in tables.items():
        pieces = []
        for start in range(0, max(len(table), 1), AT_ONCE):
            piece = _part(table, start)
            fed = {
                name: _fed(tf, piece, name, wanted, label=label, wide=wide)
                for name, wanted in inputs.items()
            }
            told = serve(**fed)
            if len(told) != 1:
                raise BadInput(f"The model in {folder} has {len(told)} outputs: one is wanted.")
            pieces.append(next(iter(told.values())).numpy())
        outputs = np.concatenate(pieces)
        answers[rows] = _as_columns(outputs).astype(np.float64)
    return _told(folder, answers, label, given.task)


def _as_columns(outputs: Array) -> Array:
    return outputs[:, None] if outputs.ndim == 1 else outputs


def _told(
    folder: Path, answers: dict[RowSetName, Array], label: str, task: Task | None
) -> tuple[Reader, dict[RowSetName, Array]]:
    """Say what the outputs of a Keras model are, and return them as probabilities or values."""
    units = next(iter(answers.values())).shape[1]
    if task is None and units == 1:
        raise BadInput(
            f"The model in {folder} has one output: say with --task whether it is a probability "
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


def _part(table: Table, start: int) -> Table:
    end = start + AT_ONCE
    return Table(table.source, table.header, table.rows[start:end], table.lines[start:end])


def _fed(tf: Any, table: Table, name: str, wanted: Any, *, label: str, wide: bool) -> Any:
    if wide:
        columns = [column for column in table.header if column != label]
        width = wanted.shape[1]
        if width is not None and width != len(columns):
            raise BadInput(
                f"{table.source} has {len(columns)} columns besides the label, and the model "
                f"takes {width}."
            )
        return tf.cast(table.numbers(columns), wanted.dtype)
    shape = (len(table), 1)[: len(wanted.shape)]
    if wanted.dtype == tf.string:
        return tf.constant([row[0] for row in table.strings([name])], tf.string, shape)
    return tf.cast(table.numbers([name]).reshape(shape), wanted.dtype)


def _only_other(table: Table, columns: Sequence[str]) -> str:
    others = [name for name in table.header if name not in columns]
    if len(others) != 1:
        raise BadInput(
            f"{table.source} has {len(others)} columns that the model does not take: name the "
            f"label column with --label."
        )
    return others[0]


def _labels(table: Table, reader: Reader) -> Array:
    """Return class numbers, or values for a regression; an error tells the line, not the value."""
    places = {name: number for number, name in enumerate(reader.classes)}
    found: list[float] = []
    for (text,), line in zip(table.strings([reader.label]), table.lines, strict=True):
        number = parse_number(text)
        value: float | None = number
        if reader.task == "classification":
            value = places.get(text)
            if value is None and number is not None and number.is_integer():
                value = places.get(class_text(number))
        if value is None:
            wanted = "a number" if reader.task == "regression" else "a class of the model"
            raise BadInput(
                f"Line {line} of {table.source}: the label column {reader.label!r} does not hold "
                f"{wanted}."
            )
        found.append(value)
    return np.array(found, np.float64 if reader.task == "regression" else np.int64)


def _weights(folder: Path) -> dict[str, Array] | None:
    """Return the tensors of a SavedModel's checkpoint by name, or None if there are none."""
    import tensorflow as tf

    prefix = folder / "variables" / "variables"
    if not prefix.with_suffix(".index").exists():
        return None
    checkpoint = tf.train.load_checkpoint(str(prefix))
    found = {}
    for name, dtype in checkpoint.get_variable_to_dtype_map().items():
        if dtype == tf.string or "optimizer" in name or name.startswith("save_counter"):
            continue
        found[name] = np.asarray(checkpoint.get_tensor(name))
    return found or None
