"""What the aggregate of some parts answers, and how well, without exporting it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lineage_store.data import Task
from lineage_store.rows import Rows, RowSet, pieces
from lineage_store.tensors import Array, State
from unlearning.serving.aggregation import Aggregation, stacked
from unlearning.serving.measured import Metrics, measured_classes, measured_values

ASKED_AT_ONCE = 8192


class Predictor(Protocol):
    """What answers from the state of a part."""

    @property
    def task(self) -> Task | None:
        """What the label makes it; None if it learns without one."""

    @property
    def units(self) -> int:
        """The units of an answer: classes, or one."""

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the answers (n, units) of a part with this state."""

    def targets(self, rows: Rows) -> Array:
        """Return the right answers (n,), numbers of classes or values; not asked without a task."""


def aggregated(
    learner: Predictor, parts: Sequence[State], rows: Rows, *, aggregate: Aggregation
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the aggregate's outputs and scores, (n, units) each, without exporting it."""
    return aggregate.arrays(stacked([learner.predict(state, rows) for state in parts if state]))


def evaluate(
    learner: Predictor, parts: Sequence[State], rows: RowSet, *, aggregate: Aggregation
) -> Metrics:
    """Return what the aggregate does on rows: the metrics of `measured` that fit; and `rows`.

    Without a label nothing is right or wrong, and no row is asked about.
    """
    if learner.task is None or not len(rows) or not any(parts):
        return {"rows": 0}
    squares = hits = loss = 0.0
    asked: list[Array] = []
    scored: list[Array] = []
    for piece in pieces(rows, ASKED_AT_ONCE):
        told, scores = aggregated(learner, parts, piece, aggregate=aggregate)
        labels = learner.targets(piece)
        asked.append(labels)
        if learner.task == "regression":
            squares += float(np.sum((told[:, 0] - labels) ** 2))
            continue
        scored.append(scores)
        right = told[np.arange(len(piece)), labels]
        hits += float(np.sum(scores.argmax(axis=1) == labels))
        loss -= float(np.sum(np.log(np.clip(right, 1e-7, 1.0))))
    labels = np.concatenate(asked)
    if learner.task == "regression":
        error = float(np.sqrt(squares / len(rows)))
        return {"rows": len(rows), "rmse": error, **measured_values(error, labels)}
    return {
        "rows": len(rows),
        "accuracy": hits / len(rows),
        "log_loss": loss / len(rows),
        **measured_classes(np.concatenate(scored), labels),
    }
