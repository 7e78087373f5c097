"""Predicting with a pushed SavedModel, from tables, some rows at a time.

It is strict (`Table.numbers`): what is no number where the model takes one ends it, unless it is
asked to be lenient, and counts such values by column.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Table, tables_of
from lineage_store.index.models import ModelRecord
from lineage_store.sources import AS_IT_IS, Given, Reading, open_sources
from lineage_store.tensors import Array
from unlearning.keras_models.module_file import LabelSpec, ModelSpec
from unlearning.serving.export import told_as
from unlearning.serving.served_estimator import ServedEstimators, serves_estimators
from unlearning.serving.served_model import ServedModel

ROW = "row"
LENIENTLY = "correct it, leave it empty, or give `lenient` to take all such values for missing"


@dataclass(frozen=True, kw_only=True)
class ToPredict:
    """Tables to predict for, as one.

    `row_id` is the column that names their rows. With `lenient`, what is no number where the model
    takes one is missing, and counted.
    """

    data: Given | Sequence[Given]
    reading: Reading = AS_IT_IS
    row_id: str | None = None
    lenient: bool = False


@dataclass(frozen=True)
class LabelPredictions:
    """What a model says of a label of n rows.

    `predictions` (n,) are names of classes, or values; `probabilities` (n, classes), for a
    regression (n, 0).
    """

    predictions: Sequence[str] | Sequence[float]
    probabilities: Array


@dataclass(frozen=True)
class Predicted:
    """What a model says of n rows: of its first label, and of each further one by name.

    `rows` are their ids, or numbers; `predictions` and `probabilities` as `LabelPredictions`.
    """

    rows: Sequence[str] | Sequence[int]
    predictions: Sequence[str] | Sequence[float]
    probabilities: Array
    further: Mapping[str, LabelPredictions] = field(default_factory=dict)


class Predictions:
    """What a served model says of tables, some rows at a time, so that memory is bounded.

    `rows_by` is what rows are called by: the column of ids, or lines or rows for their numbers;
    `classes` are those of the probabilities, `further` those of further labels. `source` returns
    the text of its module. Raises BadInput for a model that cannot be asked so.
    """

    def __init__(
        self, folder: Path, asked: ToPredict, *, source: Callable[[], str] | None = None
    ) -> None:
        self._model: ServedModel | ServedEstimators = (
            ServedEstimators(folder, source=source)
            if serves_estimators(folder)
            else ServedModel(folder, source=source)
        )
        self._asked = asked
        self._unread: Counter[str] = Counter()
        spec, ids = self._model.spec, [asked.row_id]
        known = asked.reading.knowing([*spec.numbers, *spec.strings, *ids], ids=ids)
        self._sources = open_sources(asked.data, known)
        self._one = len(self._sources) == 1
        self.rows_by = asked.row_id or (self._sources[0].unit if self._one else ROW)
        self.task, self.classes = spec.task, spec.classes
        self.further = {label.name: label.classes for label in spec.labels[1:]}

    def pieces(self) -> Iterator[Predicted]:
        """Yield what is said of the rows, in order: one piece of each table at least.

        Columns that the model does not know are ignored. Raises BadInput for a table that cannot be
        read, a column that is missing or there twice, and a value that is no number, after what is
        said of rows before.
        """
        before = 0
        for source in self._sources:
            for table in tables_of(source):
                yield self._of(table, before)
                before += len(table)

    def warnings(self) -> list[str]:
        """Say what has been taken for missing so far, by column."""
        dates = self._model.spec.dates
        return [
            f"Values of the column {name!r} that are no {'date' if name in dates else 'number'} "
            f"were taken for missing: {count:,}."
            for name, count in self._unread.items()
        ]

    def _of(self, table: Table, before: int) -> Predicted:
        spec = self._model.spec
        rows = self._rows(table, before)
        unread = self._unread if self._asked.lenient else None
        numbers = table.numbers(spec.numbers, dates=spec.dates, unread=unread, instead=LENIENTLY)
        outputs = self._model.answers(numbers, table.strings(spec.strings))
        first, *further = (_said(outputs, head, spec, rows=len(table)) for head in spec.heads)
        by_name = zip(self.further, further, strict=True)
        return Predicted(rows, first.predictions, first.probabilities, dict(by_name))

    def _rows(self, table: Table, before: int) -> Sequence[str] | Sequence[int]:
        if self._asked.row_id is not None:
            return [name for (name,) in table.strings([self._asked.row_id])]
        if not self._one:
            return range(before + 1, before + len(table) + 1)
        numbers: list[int] = table.lines.tolist()
        return numbers


def _said(
    outputs: Mapping[str, Array], head: LabelSpec, spec: ModelSpec, *, rows: int
) -> LabelPredictions:
    if head.task == "regression":
        values = outputs[told_as("values", head, spec)].tolist()
        return LabelPredictions(values, np.zeros((rows, 0), np.float32))
    names = [name.decode("utf-8") for name in outputs[told_as("classes", head, spec)]]
    return LabelPredictions(names, outputs[told_as("probabilities", head, spec)])


def all_predicted(found: Predictions) -> dict[str, Any]:
    """Return `rows` and `predictions`, one a row, and for classes `classes` and `probabilities`.

    Of a model of several labels these are the first one's, and `further_labels` has the others'.
    """
    pieces = list(found.pieces())
    answer = {
        "rows_by": found.rows_by,
        "rows": [row for piece in pieces for row in piece.rows],
        **_together(found.classes, pieces),
    }
    further = {
        name: _together(classes, [piece.further[name] for piece in pieces])
        for name, classes in found.further.items()
    }
    return answer | ({"further_labels": further} if further else {})


def _together(
    classes: Sequence[str], pieces: Sequence[Predicted | LabelPredictions]
) -> dict[str, Any]:
    """Return what pieces say of one label, which is a regression if it has no classes."""
    predictions = [one for piece in pieces for one in piece.predictions]
    if not classes:
        return {"predictions": predictions}
    return {
        "classes": list(classes),
        "predictions": predictions,
        "probabilities": [row for piece in pieces for row in piece.probabilities.tolist()],
    }


def prediction_of(record: ModelRecord, warnings: Sequence[str]) -> dict[str, Any]:
    """Return by which model is predicted, what that may be called, and what to be warned of."""
    warnings = list(warnings)
    if record.claim.leaves_derived:
        warnings.insert(
            0,
            f"{record.id} is {record.claim.word}: rows that were deleted may still have a part in "
            f"what it predicts.",
        )
    named = {"model_id": record.id, "model": record.id}
    return named | {"guarantee": record.guarantee, "warnings": warnings}
