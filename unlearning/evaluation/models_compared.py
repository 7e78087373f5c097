"""The three models of an evaluation, and what each of their runs answers.

    untouched   trained with the rows; nothing was forgotten: what doing nothing looks like
    unlearned   what is to be judged
    retrained   trained by the same command on data that never held the rows: what success is like

A kind may have several runs, trained with other seeds. A run holds its answers on three sets of
rows, `forgotten`, `retained` and `test`, and its weights where they can be read.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lineage_store.data import Task
from lineage_store.tensors import Array
from unlearning.metrics.accuracy import hits
from unlearning.metrics.divergence import activation_distance, jensen_shannon
from unlearning.metrics.prediction_error import log_losses, squared_errors

Kind = Literal["untouched", "unlearned", "retrained"]
KINDS: tuple[Kind, ...] = ("untouched", "unlearned", "retrained")

RowSetName = Literal["forgotten", "retained", "test"]

COMPARED = 50

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ModelRun:
    """One trained model: its outputs (n, units) on each set of rows, and its weights by name.

    Outputs are probabilities, or one value a row for a regression.
    """

    answers: Mapping[RowSetName, Array]
    weights: Mapping[str, Array] | None = None

    @cached_property
    def weights_digest(self) -> str | None:
        """A digest of names, types, shapes and bytes of all weights; None if they are not read."""
        return None if self.weights is None else _digest(self.weights)

    @cached_property
    def answers_digest(self) -> str:
        """A digest of all answers."""
        return _digest(self.answers)


@dataclass(frozen=True)
class Evaluated:
    """All that a verdict is made from; `labels` are class numbers, or values for a regression."""

    task: Task
    labels: Mapping[RowSetName, Array]
    runs: Mapping[Kind, tuple[ModelRun, ...]]

    def finite(self, kind: Kind) -> bool:
        """Say whether all answers of a kind's runs are finite numbers."""
        return all(
            bool(np.isfinite(answers).all())
            for run in self.runs.get(kind, ())
            for answers in run.answers.values()
        )

    def count(self, kind: Kind) -> int:
        """Return how many runs there are of a kind."""
        return len(self.runs.get(kind, ()))

    def twins(self) -> tuple[ModelRun, ...]:
        """Return the retrained runs that others are compared with one by one: not all of many."""
        return self.runs.get("retrained", ())[:COMPARED]

    def fewest(self) -> int:
        """Return the number of runs of the kind that has fewest."""
        return min(self.count(kind) for kind in KINDS)

    def has(self, rows: RowSetName) -> bool:
        """Say whether there are rows of a set."""
        return len(self.labels.get(rows, ())) > 0

    def too_few(self, least: int) -> str | None:
        """Say that fewer rows than `least` are forgotten: a mean of them would speak of persons."""
        count = len(self.labels.get("forgotten", ()))
        if count >= least:
            return None
        return f"{count} forgotten rows are too few to tell anything by: {least} are needed"

    def losses(self, run: ModelRun, rows: RowSetName) -> Values:
        """Return a run's loss on each row, in nats or in the label's units squared."""
        outputs, labels = run.answers[rows], self.labels[rows]
        if self.task == "regression":
            return squared_errors(outputs[:, 0], labels)
        return log_losses(outputs, labels)

    def hits(self, run: ModelRun, rows: RowSetName) -> Values:
        """Return 1 for each row that a run classifies right, else 0."""
        return hits(run.answers[rows], self.labels[rows]).astype(np.float64)

    def apart(self, one: ModelRun, other: ModelRun, rows: RowSetName) -> Values:
        """Return how far two runs' answers on each row are apart: in bits, or the label's units."""
        distance = activation_distance if self.task == "regression" else jensen_shannon
        return distance(one.answers[rows], other.answers[rows])


def identical(one: ModelRun, other: ModelRun) -> bool:
    """Say whether two runs are one model: by their weights, or by all answers without them."""
    if one.weights_digest is not None and other.weights_digest is not None:
        return one.weights_digest == other.weights_digest
    return one.answers_digest == other.answers_digest


def _digest(arrays: Mapping[Any, Array]) -> str:
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name], order="C")
        state.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        state.update(array.tobytes())
    return state.hexdigest()
