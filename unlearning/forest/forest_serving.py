"""Serving a forest: the shipped graph, and one file with its trees."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lineage_store.data import Schema
from lineage_store.errors import BadInput
from unlearning.forest.forest_answers import leaf_answers, roots_of
from unlearning.forest.forest_graph import FILE, GRAPHS, RULES
from unlearning.forest.trees import LEAF, Trees
from unlearning.linear.grid import STEPS_OF_ONE
from unlearning.serving.shipped_graph import columns_of, ends_of, fill


def export_forest(
    parts: Sequence[Trees], folder: Path, *, schema: Schema, scale: float, rule: str
) -> None:
    """Write the SavedModel of parts with rows; no TensorFlow is needed.

    `scale` is that of a label of values. Of the trail the file has nothing. Raises BadInput if
    there is no part, or for a rule that is none of the task's.
    """
    if not parts:
        raise BadInput("No shard has rows: there is no model to serve.")
    task = schema.label.task
    if rule not in RULES[task]:
        raise BadInput(
            f"The aggregate {rule!r} is none of a forest for a {task}: take "
            f"{' or '.join(RULES[task])}."
        )
    spec = columns_of(schema)
    texts = [name.encode("utf-8") for name in (*spec.numbers, *spec.strings, *spec.classes)]
    roots = [list(roots_of(one)) for one in parts]
    starts = ends_of([len(one) for one in parts])[:-1]
    sizes = (len(parts), len(spec.classes), len(spec.numbers), len(spec.strings))
    values = np.concatenate(
        [
            [*sizes, RULES[task].index(rule), sum(len(one) for one in roots)],
            ends_of([len(text) for text in texts]),
            ends_of([len(one) for one in roots]),
            *(np.array(own, np.int64) + start for own, start in zip(roots, starts, strict=True)),
        ]
    ).astype("<i8")
    feature = np.concatenate([one.feature for one in parts])
    after = np.concatenate([one.rights + start for one, start in zip(parts, starts, strict=True)])
    leaves = feature == LEAF
    after[leaves] = np.arange(leaves.sum())
    threshold = np.concatenate([one.threshold for one in parts])
    totals = np.concatenate([one.totals for one in parts])[leaves]
    answers = np.zeros((len(totals), len(spec.classes) or 1))
    held = totals.any(axis=1)  # a tree without a row has an empty leaf, which is not served
    answers[held] = leaf_answers(totals[held], classes=len(spec.classes))
    if not spec.classes:
        answers *= scale / STEPS_OF_ONE
    lines = (
        values.tobytes(),
        b"".join(texts),
        np.stack([feature, after]).astype("<i4").tobytes(),
        threshold.astype("<i8").tobytes(),
        answers.astype("<f8").tobytes(),
    )
    graph = Path(__file__).with_name(GRAPHS[task])
    fill(graph, folder, file=FILE, schema=schema, lines=lines)
