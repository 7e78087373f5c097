"""Serving a model of items: the shipped graph, and one file with names and lists of neighbours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lineage_store.data import Schema
from lineage_store.errors import BadInput
from unlearning.items.item_graph import FILE
from unlearning.items.neighbours import Neighbours, joined
from unlearning.items.recommended import TOLD
from unlearning.serving.shipped_graph import ends_of, fill

GRAPH = Path(__file__).with_name("item_lists.saved_model")


def export_items(parts: Sequence[Neighbours], folder: Path, *, schema: Schema) -> None:
    """Write the SavedModel of the lists of parts that have rows; no TensorFlow is needed.

    Raises BadInput if there is none.
    """
    import farmhash

    if not parts:
        raise BadInput("No shard has rows: there is no model to serve.")
    lists = joined(parts)
    names = [*lists.names, schema.columns[0].name.encode("utf-8")]
    # As signed numbers, the way the graph reads them.
    prints = np.array([farmhash.fingerprint64(name) for name in lists.names], np.uint64)
    order = np.argsort(prints.view(np.int64), kind="stable")
    values = np.concatenate(
        [
            [len(lists.names), TOLD, len(parts)],
            ends_of([len(name) for name in names]),
            prints.view(np.int64)[order],
            order,
            lists.ends,
            lists.others,
            lists.steps,
        ]
    ).astype("<i8")
    lines = (values.tobytes(), b"".join(names))
    fill(GRAPH, folder, file=FILE, schema=schema, lines=lines)
