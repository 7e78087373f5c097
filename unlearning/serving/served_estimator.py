"""The served model of estimators: each part's file as its library writes it, and how to ask them.

    estimator.json       the rule by which parts make one answer; of each part its file and classes
    assets/columns.json  which columns it takes (as `export` has it)
    part-000.ubj ...     the files of the parts that have one

It is no SavedModel: no graph of TensorFlow is known to answer as these libraries do in every row,
so their own files are what is pushed. `ServedEstimators` asks them, and so can each library itself,
for one part. What a module makes of rows stands in its source, which the workspace has.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.canonical import canonical_json, read_json, reading_own, write_atomic
from lineage_store.data import Schema, Table
from lineage_store.errors import BadInput
from lineage_store.tensors import Array
from unlearning.encoding.value_keys import class_key
from unlearning.estimators.estimator_module import (
    EstimatorModule,
    EstimatorSpec,
    frame_of,
    spec_of_columns,
)
from unlearning.estimators.estimator_part import EstimatorPart, spread_over
from unlearning.estimators.known_formats import FORMATS
from unlearning.estimators.model_format import StoredModel
from unlearning.keras_models.module_file import ModelSpec, spec_of
from unlearning.serving.aggregation import aggregation_for, stacked
from unlearning.serving.export import ASSET, served_columns

TOLD, ASSETS = "estimator.json", "assets"
FORMAT = 1


def export_estimators(
    parts: Sequence[EstimatorPart], folder: Path, *, schema: Schema, rule: str, seed: int
) -> None:
    """Write the files of parts that have rows, and what says how to ask them.

    Raises BadInput if there is no part, or for a rule that is none of the task's.
    """
    if not parts:
        raise BadInput("No shard has rows: there is no model to serve.")
    aggregation_for(rule, task=schema.label.task)
    (folder / ASSETS).mkdir(parents=True, exist_ok=True)
    names = {class_key(name): name for name in schema.label.classes}
    spec = spec_of_columns(schema, seed=seed, classes=schema.label.classes)
    told = []
    for number, part in enumerate(parts):
        file = f"part-{number:03d}.{part.suffix}" if part.suffix else ""
        if file:
            write_atomic(folder / file, part.file)
        told.append({"file": file, "classes": [names[int(key)] for key in part.classes]})
    answers = {"format": FORMAT, "rule": rule, "spec": spec.to_json(), "parts": told}
    write_atomic(folder / ASSETS / ASSET, canonical_json(spec_of(schema).to_json()) + b"\n")
    write_atomic(folder / TOLD, canonical_json(answers) + b"\n")


def serves_estimators(folder: Path) -> bool:
    """Say whether a served model is of estimators."""
    return (folder / TOLD).is_file()


@dataclass(frozen=True)
class _ServedPart:
    """A part as it is asked: its classes, by keys and by names, and its estimator, if any."""

    part: EstimatorPart
    classes: tuple[str, ...]
    model: StoredModel | None


class ServedEstimators:
    """Estimators as they are served, asked by columns as `ServedModel` is.

    `source` returns the text of their module. Raises BadInput where there is none.
    """

    def __init__(self, folder: Path, *, source: Callable[[], str] | None) -> None:
        self.spec: ModelSpec = served_columns(folder)
        if source is None:
            raise BadInput(
                f"What the estimators in {folder} are asked is made by their module, which is in "
                f"its workspace alone: ask them there, with unweave predict."
            )
        self._folder, self._source = folder, source

    def answers(self, numbers: Array, strings: list[list[str]]) -> dict[str, Array]:
        """Return what they answer, by output as a SavedModel of ours, for the columns of `spec`."""
        columns, classes = self._columns, self._columns.classes
        texts = np.empty((len(numbers), len(columns.strings)), object)
        for place, row in enumerate(strings):
            texts[place] = row
        frame, members = frame_of(columns, numbers.astype(np.float32), texts), []
        keys = [class_key(name) for name in classes]
        for one in self._parts:
            mine = None
            if one.model is not None and len(frame):
                features = self._module.features(frame, self._spec_of(one))
                mine = one.model.shares(features) if classes else one.model.values(features)
            if classes:
                members.append(spread_over(mine, one.part, classes=keys, rows=len(frame)))
            else:
                members.append(np.zeros((len(frame), 1)) if mine is None else mine.reshape(-1, 1))
        rule = aggregation_for(self._document["rule"], task=columns.task)
        outputs, scores = rule.arrays(stacked(members))
        if not classes:
            return {"values": outputs[:, 0].astype(np.float32)}
        names = np.array([name.encode("utf-8") for name in classes], object)
        return {
            "probabilities": outputs.astype(np.float32),
            "classes": names[scores.argmax(axis=1)],
        }

    def of_table(self, table: Table) -> dict[str, Array]:
        """Return what they answer for the rows of a table; raises what `Table.numbers` raises."""
        numbers = table.numbers(self.spec.numbers, dates=self.spec.dates)
        return self.answers(numbers, table.strings(self.spec.strings))

    @cached_property
    def _document(self) -> dict[str, Any]:
        with reading_own(self._folder / TOLD):
            document: dict[str, Any] = read_json(self._folder / TOLD)
            return document

    @cached_property
    def _columns(self) -> EstimatorSpec:
        with reading_own(self._folder / TOLD):
            return EstimatorSpec.from_json(self._document["spec"])

    @cached_property
    def _module(self) -> EstimatorModule:
        return EstimatorModule(self._source(), "the module")

    @cached_property
    def _parts(self) -> list[_ServedPart]:
        return [self._part(one["file"], tuple(one["classes"])) for one in self._document["parts"]]

    def _part(self, name: str, classes: tuple[str, ...]) -> _ServedPart:
        keys = np.array([class_key(one) for one in classes], np.int64)
        if not name:
            return _ServedPart(EstimatorPart(0, keys), classes, None)
        suffix, file = name.rpartition(".")[2], (self._folder / name).read_bytes()
        model = FORMATS.read(suffix, file, self._columns.task)
        return _ServedPart(EstimatorPart(0, keys, suffix, file), classes, model)

    def _spec_of(self, one: _ServedPart) -> EstimatorSpec:
        value = self._columns.to_json() | {"classes": list(one.classes)}
        return EstimatorSpec.from_json(value)
