"""Serving a ridge model: the shipped graph, and one file with its weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lineage_store.data import Schema
from lineage_store.errors import BadInput
from unlearning.encoding.value_keys import class_key
from unlearning.linear.gram import GramSums, Integers
from unlearning.linear.grid import Grid
from unlearning.linear.ridge_graph import FILE, GRAPHS, RULES
from unlearning.linear.ridge_part import RidgePart
from unlearning.linear.ridge_solve import Floats, RidgeWeights
from unlearning.serving.shipped_graph import columns_of, ends_of, fill


def export_ridge(
    parts: Sequence[RidgePart], folder: Path, *, schema: Schema, grid: Grid, rule: str
) -> None:
    """Write the SavedModel of parts with rows; no TensorFlow is needed.

    Of the sums the file has the keys of entries alone. Raises BadInput if there is no part, or for
    a rule that is none of the task's.
    """
    classes = [class_key(name) for name in schema.label.classes]
    told = [
        ToldWeights(part.sums.columns, part.sums.keys, _by_label(part.sums, part.weights, classes))
        for part in parts
    ]
    graph = Path(__file__).with_name(GRAPHS[schema.label.task])
    export_weights(told, folder, graph=graph, schema=schema, grid=grid, rule=rule)


@dataclass(frozen=True)
class ToldWeights:
    """Weights of a part by the model's classes, or of values, and what names its entries (E,)."""

    columns: Integers
    keys: Integers
    weights: RidgeWeights


def export_weights(
    parts: Sequence[ToldWeights],
    folder: Path,
    *,
    graph: Path,
    schema: Schema,
    grid: Grid,
    rule: str,
) -> None:
    """Write the SavedModel of a graph that reads weights as ridge's do.

    Raises BadInput if there is no part, or for a rule that is none of the task's.
    """
    if not parts:
        raise BadInput("No shard has rows: there is no model to serve.")
    task = schema.label.task
    if rule not in RULES[task]:
        raise BadInput(
            f"The aggregate {rule!r} is none for a {task}: take {' or '.join(RULES[task])}."
        )
    spec = columns_of(schema)
    inputs = (*spec.numbers, *spec.strings)
    names = [column.name for column in schema.columns]
    texts = [name.encode("utf-8") for name in (*inputs, *spec.classes)]
    sizes = (len(parts), len(spec.classes), len(spec.numbers), len(spec.strings))
    lengths = [np.bincount(part.columns, minlength=len(names)) for part in parts]
    values = np.concatenate(
        [
            [*sizes, RULES[task].index(rule)],
            ends_of([len(text) for text in texts]),
            [names.index(name) for name in inputs],
            ends_of(np.concatenate(lengths).tolist()),
            *(part.keys for part in parts),
        ]
    ).astype("<i8")
    tables = [part.weights for part in parts]
    floats = np.concatenate(
        [
            grid.numbers,
            [grid.label],
            *(np.concatenate([own.intercepts, own.numbers.reshape(-1)]) for own in tables),
            *(own.entries.reshape(-1) for own in tables),
        ]
    ).astype("<f8")
    lines = (values.tobytes(), b"".join(texts), floats.tobytes())
    fill(graph, folder, file=FILE, schema=schema, lines=lines)


def _by_label(sums: GramSums, weights: RidgeWeights, classes: Sequence[int]) -> RidgeWeights:
    """Return weights by the model's classes: of one that the part never saw, less than any."""
    if not classes:
        return weights
    at = {int(key): place for place, key in enumerate(sums.classes)}
    found = RidgeWeights(
        np.zeros((len(weights.numbers), len(classes))),
        np.zeros((len(weights.entries), len(classes))),
        np.full(len(classes), -np.inf),
    )
    for place, key in enumerate(classes):
        if key in at:
            _copy(weights, at[key], found, place)
    return found


def _copy(weights: RidgeWeights, mine: int, into: RidgeWeights, place: int) -> None:
    pairs: tuple[tuple[Floats, Floats], ...] = (
        (into.numbers, weights.numbers),
        (into.entries, weights.entries),
    )
    for there, here in pairs:
        there[:, place] = here[:, mine]
    into.intercepts[place] = weights.intercepts[mine]
