"""SavedModels of unweave or of anybody else, as runs of an evaluation.

A model of ours says itself which columns it takes (`serving`); others are asked as `keras_outputs`
says. All are asked about the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lineage_store.data import Table, Task, class_text, column_number, read_table
from lineage_store.errors import BadInput
from lineage_store.sources import Source
from lineage_store.tensors import Array
from unlearning.evaluation.keras_outputs import Reader, as_columns, ask_keras, only_other
from unlearning.evaluation.models_compared import Evaluated, Kind, ModelRun, RowSetName
from unlearning.evaluation.policy import Policy
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.serving.export import ASSET, told_as
from unlearning.serving.saved_weights import saved_weights
from unlearning.serving.served_model import ServedModel


@dataclass(frozen=True)
class ToEvaluate:
    """The SavedModels of each kind, the tables of rows, and what they do not say themselves.

    `label` may be None if one column of the files is not among the models' columns; `task` is for
    models with one output.
    """

    models: Mapping[Kind, Sequence[Path]]
    rows: Mapping[RowSetName, Source]
    label: str | None = None
    task: Task | None = None


def read_evaluated(given: ToEvaluate, policy: Policy) -> Evaluated:
    """Ask all models about all rows.

    Raises BadInput for a folder that is no SavedModel or is of two kinds, a signature, a file
    or a label that does not fit, or models of different tasks.
    """
    tables: dict[RowSetName, Table] = {
        name: read_table(source).drawn(policy.most_rows, seed=policy.seed)
        for name, source in given.rows.items()
    }
    if not len(tables["forgotten"]):
        raise BadInput(
            f"There are no rows in {given.rows['forgotten'].name}: nothing can be judged."
        )
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
    runs: dict[Kind, tuple[ModelRun, ...]] = {}
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
            found.append(ModelRun(answers, saved_weights(folder)))
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
        served = ServedModel(folder)
        spec = served.spec
        first = next(iter(tables.values()))
        label = given.label or spec.heads[0].name
        label = label or only_other(first, (*spec.numbers, *spec.strings))
        known = {head.name: head for head in spec.heads} if spec.labels else {label: spec.heads[0]}
        if label not in known:
            raise BadInput(f"The model in {folder} has no output for the label {label!r}.")
        head = known[label]
        name = told_as("values" if head.task == "regression" else "probabilities", head, spec)
        answers = {rows: as_columns(served.of_table(table)[name]) for rows, table in tables.items()}
        return Reader(head.task, head.classes, label), answers
    return ask_keras(folder, tables, label=given.label, task=given.task)


def _labels(table: Table, reader: Reader) -> Array:
    """Return class numbers, or values for a regression; an error tells the line, not the value."""
    places = {name: number for number, name in enumerate(reader.classes)}
    found: list[float] = []
    for (text,), line in zip(table.strings([reader.label]), table.lines, strict=True):
        number = column_number(text)
        value: float | None = number
        if reader.task == "classification":
            value = places.get(text)
            if value is None and number is not None and number.is_integer():
                value = places.get(class_text(number))
        if value is None:
            wanted = "a number" if reader.task == "regression" else "a class of the model"
            raise BadInput(
                f"Line {line} of {table.source.name}: the label column {reader.label!r} does not "
                f"hold {wanted}."
            )
        found.append(value)
    return np.array(found, np.float64 if reader.task == "regression" else np.int64)
