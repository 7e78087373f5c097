"""What the aggregate of some parts answers, and how well, without exporting it."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from lineage_store.data import Task
from lineage_store.rows import Rows, RowSet, pieces
from lineage_store.tensors import Array, State
from unlearning.serving.aggregation import Aggregation, aggregation_or_default, stacked
from unlearning.serving.kept_answers import Answers, AskedAnew
from unlearning.serving.measured import (
    Metrics,
    measured_classes,
    measured_values,
    pairs_in_order,
)

ASKED_AT_ONCE = 8192
ASKED = AskedAnew()


@runtime_checkable
class WithoutLabel(Protocol):
    """What learns without a label, and knows what its answers are worth all the same."""

    def worth(self, parts: Sequence[State], rows: RowSet) -> Metrics:
        """Return what parts, of which some have a state, do on rows; and `rows`."""


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


@runtime_checkable
class SeveralLabels(Protocol):
    """What answers for further labels, too: each by a predictor of its own."""

    @property
    def further_labels(self) -> Mapping[str, Predictor]:
        """Return who answers for each further label, by its name."""


def aggregated(
    learner: Predictor,
    parts: Sequence[State],
    rows: Rows,
    *,
    aggregate: Aggregation,
    answers: Answers = ASKED,
    start: int = 0,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the aggregate's outputs and scores, (n, units) each, without exporting it.

    So many rows as `start` says came before these.
    """
    outputs = [
        answers.of(learner, part, state, rows, start=start)
        for part, state in enumerate(parts)
        if state
    ]
    return aggregate.arrays(stacked(outputs))


def evaluate(
    learner: Predictor,
    parts: Sequence[State],
    rows: RowSet,
    *,
    aggregate: Aggregation,
    answers: Answers = ASKED,
) -> Metrics:
    """Return what the aggregate does on rows: the metrics of `measured` that fit; and `rows`.

    Of several labels these are the first one's, and `further_labels` has the others' by name, each
    aggregated as fits its task. Rows with weights count for these; of rows that all have weight 0
    none is asked about. Without a label nothing is right or wrong, unless the learner says itself
    what it is worth. What parts say of the first label comes from `answers`.
    """
    found = _evaluate(learner, parts, rows, aggregate=aggregate, answers=answers)
    further = learner.further_labels if isinstance(learner, SeveralLabels) else {}
    of_labels = {}
    for name, one in further.items():
        rule = aggregation_or_default(aggregate.name, task=one.task)
        of_labels[name] = _evaluate(one, parts, rows, aggregate=rule, answers=ASKED)
    return found | ({"further_labels": of_labels} if of_labels else {})


def _evaluate(
    learner: Predictor,
    parts: Sequence[State],
    rows: RowSet,
    *,
    aggregate: Aggregation,
    answers: Answers,
) -> Metrics:
    if not len(rows) or not any(parts):
        return {"rows": 0}
    if learner.task is None:
        return learner.worth(parts, rows) if isinstance(learner, WithoutLabel) else {"rows": 0}
    squares = hits = loss = 0.0
    targets: list[Array] = []
    weighed: list[Array] = []
    scored: list[Array] = []
    for number, piece in enumerate(pieces(rows, ASKED_AT_ONCE)):
        start = number * ASKED_AT_ONCE
        outputs, scores = aggregated(
            learner, parts, piece, aggregate=aggregate, answers=answers, start=start
        )
        labels = learner.targets(piece)
        counts = np.ones(len(piece)) if piece.weights is None else piece.weights.astype(np.float64)
        targets.append(labels)
        weighed.append(counts)
        if learner.task == "regression":
            squares += float(np.sum(counts * (outputs[:, 0] - labels) ** 2))
            scored.append(outputs)
            continue
        scored.append(scores)
        right = outputs[np.arange(len(piece)), labels]
        hits += float(np.sum(counts * (scores.argmax(axis=1) == labels)))
        loss -= float(np.sum(counts * np.log(np.clip(right, 1e-7, 1.0))))
    labels, counts = np.concatenate(targets), np.concatenate(weighed)
    total = float(counts.sum())
    if not total:
        return {"rows": 0}
    if learner.task == "regression":
        error = float(np.sqrt(squares / total))
        found = {"rows": len(rows), "rmse": error, **measured_values(error, labels, counts)}
        values = np.concatenate(scored)[:, 0]
        ordered = pairs_in_order(values, labels, rows.batch_bits, counts)
        return found | ({} if ordered is None else {"pairs_in_order": ordered})
    return {
        "rows": len(rows),
        "accuracy": hits / total,
        "log_loss": loss / total,
        **measured_classes(np.concatenate(scored), labels, counts),
    }
