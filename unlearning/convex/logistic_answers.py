"""What a part of a logistic model answers: the shares of classes, and the file that serves them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lineage_store.data import Schema
from unlearning.convex.double_words import Floats
from unlearning.convex.logistic_graph import GRAPH
from unlearning.convex.logistic_part import LogisticPart
from unlearning.encoding.value_keys import class_key
from unlearning.linear.grid import STEPS_OF_ONE, Grid
from unlearning.linear.ridge_serving import ToldWeights, export_weights
from unlearning.linear.ridge_solve import RidgeWeights, told_by
from unlearning.linear.row_sums import RowSteps


def shares_told(part: LogisticPart, rows: RowSteps, *, classes: Sequence[int]) -> Floats:
    """Return the shares (n, classes) of rows, by the keys of all classes of the model.

    One that the part never saw has none; without any all have as much.
    """
    told = np.nan_to_num(told_by(_by_class(part, classes), part.columns, part.keys, rows))
    powers = np.exp(told - told.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def export_logistic(
    parts: Sequence[LogisticPart], folder: Path, *, schema: Schema, grid: Grid, rule: str
) -> None:
    """Write the SavedModel of parts with rows; no TensorFlow is needed.

    Raises BadInput if there is no part, or for a rule that is none of classes.
    """
    classes = [class_key(name) for name in schema.label.classes]
    told = [ToldWeights(one.columns, one.keys, _by_class(one, classes)) for one in parts]
    graph = Path(__file__).with_name(GRAPH)
    export_weights(told, folder, graph=graph, schema=schema, grid=grid, rule=rule)


def _by_class(part: LogisticPart, classes: Sequence[int]) -> RidgeWeights:
    """Return weights, of numbers by step, by the model's classes: of one not seen, below any."""
    seen = [int(key) for key in part.classes]
    shape = len(classes)
    numbers = np.zeros((len(part.numbers), shape))
    entries = np.zeros((len(part.keys), shape))
    intercepts = np.full(shape, -np.inf if seen else 0.0)
    first = len(seen) - len(part.intercepts)  # of two the first has no weights
    for place, key in enumerate(classes):
        if key not in seen:
            continue
        intercepts[place] = 0.0
        column = seen.index(key) - first
        if column >= 0:
            numbers[:, place] = part.numbers[:, column] / STEPS_OF_ONE
            entries[:, place] = part.entries[:, column]
            intercepts[place] = part.intercepts[column]
    return RidgeWeights(numbers, entries, intercepts)
