"""Serving a naive Bayes model: the shipped graph, and one file with all that the model knows."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lineage_store.data import Schema
from lineage_store.errors import BadInput
from unlearning.bayes.naive_bayes import Sums
from unlearning.bayes.naive_bayes_graph import RULES, SUMS_FILE
from unlearning.encoding.value_keys import class_key
from unlearning.serving.shipped_graph import columns_of, ends_of, fill

GRAPH = Path(__file__).with_name("naive_bayes_graph.saved_model")


def export_sums(parts: Sequence[Sums | None], folder: Path, *, schema: Schema, rule: str) -> None:
    """Write the SavedModel of the parts that have rows, not None; no TensorFlow is needed.

    Numbers and texts are the inputs of the signature `columns`; the sums number all columns in the
    schema's order. Raises BadInput if no part has rows, or for another rule than `RULES`.
    """
    members = [sums for sums in parts if sums is not None]
    if not members:
        raise BadInput("No shard has rows: there is no model to serve.")
    if rule not in RULES:
        raise BadInput(f"The aggregate {rule!r} is none of naive Bayes: take {' or '.join(RULES)}.")
    spec = columns_of(schema)
    inputs, classes = (*spec.numbers, *spec.strings), [class_key(name) for name in spec.classes]
    columns = [column.name for column in schema.columns]
    texts = [name.encode("utf-8") for name in (*inputs, *spec.classes)]
    sizes = [len(members), len(classes), len(spec.numbers), len(spec.strings), RULES.index(rule)]
    values = np.concatenate(
        [
            sizes,
            ends_of([len(text) for text in texts]),
            [columns.index(name) for name in inputs],
            *_tables(members, columns=len(columns), classes=classes),
        ]
    ).astype("<i8")
    lines = (values.tobytes(), b"".join(texts))
    fill(GRAPH, folder, file=SUMS_FILE, schema=schema, lines=lines)


def _tables(
    members: Sequence[Sums], *, columns: int, classes: Sequence[int]
) -> list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Return rows by class, ends of entries, keys and counts of all parts, each in one."""
    priors, sizes, keys, counts = [], [], [], []
    for sums in members:
        at = {int(key): place for place, key in enumerate(sums.classes)}
        known = [(place, at[key]) for place, key in enumerate(classes) if key in at]
        prior, table = (
            np.zeros(len(classes), np.int64),
            np.zeros((len(sums.keys), len(classes)), np.int64),
        )
        for place, mine in known:
            prior[place], table[:, place] = sums.class_counts[mine], sums.counts[:, mine]
        priors.append(prior)
        sizes.append(np.bincount(sums.columns, minlength=columns))
        keys.append(sums.keys)
        counts.append(table.reshape(-1))
    ends = ends_of(np.concatenate(sizes).tolist())
    return [np.concatenate(priors), ends, np.concatenate(keys), np.concatenate(counts)]
