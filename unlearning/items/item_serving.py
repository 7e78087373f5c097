"""Serving a model of items: the shipped graph, and one file with names and lists of neighbours."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lineage_store.data import Schema
from lineage_store.errors import BadInput
from unlearning.items.item_graph import COLUMN, FILE, SIZES
from unlearning.items.neighbours import Neighbours, joined
from unlearning.items.recommended import TOLD
from unlearning.serving.shipped_graph import coded, fill_with

GRAPH = Path(__file__).with_name("item_lists.saved_model")


def export_items(parts: Sequence[Neighbours], folder: Path, *, schema: Schema) -> None:
    """Write the SavedModel of the lists of parts that have rows; no TensorFlow is needed.

    Raises BadInput if there is none.
    """
    if not parts:
        raise BadInput("No shard has rows: there is no model to serve.")
    column = schema.columns[0].name.encode("utf-8")
    lines = _lines(joined(parts), column=column, parts=len(parts))
    fill_with(GRAPH, folder, file=FILE, schema=schema, lines=lines)


def _lines(lists: Neighbours, *, column: bytes, parts: int) -> Iterator[bytes]:
    sizes = np.array([TOLD, parts], "<i8").tobytes()
    yield SIZES + b"\t" + coded(sizes)
    yield COLUMN + b"\t" + coded(column)
    pairs = np.stack([lists.others, lists.steps], axis=1).astype("<i8")
    for place, name in enumerate(lists.names):
        own = pairs[lists.ends[place] : lists.ends[place + 1]]
        yield coded(name) + b"\t" + coded(own.tobytes())
