"""Recommending with a pushed SavedModel of items: histories from tables, and what suits each.

A row is an item that a history holds, as in training: rows of one id make one history, wherever
they stand. Without ids every row is a history of its own, and told is what goes with its item. So a
table is read whole before anything is told; histories are held in memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.canonical import read_json, reading_own
from lineage_store.data import tables_of
from lineage_store.sources import open_sources
from lineage_store.tensors import Array
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.serving.export import ASSET
from unlearning.serving.predict import ROW, Predictions, ToPredict

ASKED_AT_ONCE = 1024


@dataclass(frozen=True)
class Recommended:
    """What a model recommends to n histories, best first, with scores; to some it may be nothing.

    `histories` are their ids, or the numbers of their rows.
    """

    histories: Sequence[str] | Sequence[int]
    items: Sequence[Sequence[str]]
    scores: Sequence[Sequence[float]]

    @property
    def rows(self) -> Sequence[Any]:
        """The history of each item that is recommended, history by history."""
        pairs = zip(self.histories, self.items, strict=True)
        return [one for one, items in pairs for _ in items]

    @property
    def predictions(self) -> Sequence[str]:
        """The items, history by history."""
        return list(chain.from_iterable(self.items))

    @property
    def probabilities(self) -> Array:
        """Their scores, (n, 1)."""
        return np.array([*chain.from_iterable(self.scores)], np.float32)[:, np.newaxis]

    @property
    def further(self) -> Mapping[str, Any]:
        """There are no labels, and no further ones."""
        return {}


class Recommendations:
    """What a served model recommends to the histories of tables.

    `rows_by` is what histories are called by: the column of ids, or lines or rows for their
    numbers.
    """

    task = None
    classes: tuple[str, ...] = ()

    def __init__(self, folder: Path, asked: ToPredict, *, item: str) -> None:
        self._folder, self._asked, self._item = folder, asked, item
        ids = [item, asked.row_id]
        self._sources = open_sources(asked.data, asked.reading.knowing(ids, ids=ids))
        one = len(self._sources) == 1
        self.rows_by = asked.row_id or (self._sources[0].unit if one else ROW)

    def pieces(self) -> Iterator[Recommended]:
        """Yield what is recommended, in the order in which histories begin: one piece at least.

        Raises BadInput for a table that cannot be read, and a column that is missing.
        """
        held = self._histories()
        names = list(held)
        for start in range(0, max(len(names), 1), ASKED_AT_ONCE):
            some = names[start : start + ASKED_AT_ONCE]
            yield self._of(some, [held[name] for name in some])

    def warnings(self) -> list[str]:
        """Return nothing: any text may be an item."""
        return []

    def _histories(self) -> dict[Any, list[str]]:
        held: dict[Any, list[str]] = {}
        before, one = 0, len(self._sources) == 1
        for source in self._sources:
            for table in tables_of(source):
                wanted = [self._item, *([] if self._asked.row_id is None else [self._asked.row_id])]
                lines = table.lines.tolist() if one else range(before + 1, before + len(table) + 1)
                for line, (item, *name) in zip(lines, table.strings(wanted), strict=True):
                    held.setdefault(name[0] if name else line, []).append(item)
                before += len(table)
        return held

    def _of(self, names: Sequence[Any], held: Sequence[Sequence[str]]) -> Recommended:
        serve = self._signature
        import tensorflow as tf

        width = max(map(len, held), default=0)
        texts = [[*items, *[""] * (width - len(items))] for items in held]
        outputs = serve(items=tf.constant(texts, tf.string, (len(held), width)))
        items, scores, kept = [], [], outputs["items"].numpy() != b""
        for row, here in enumerate(kept):
            items.append(
                [one.decode("utf-8") for one in outputs["items"].numpy()[row][here].tolist()]
            )
            scores.append(outputs["scores"].numpy()[row][here].tolist())
        return Recommended(names, items, scores)

    @cached_property
    def _signature(self) -> Any:
        pin_tensorflow()
        import tensorflow as tf

        return tf.saved_model.load(str(self._folder)).signatures["histories"]


def asked_of(
    folder: Path, asked: ToPredict, *, source: Callable[[], str] | None = None
) -> Predictions | Recommendations:
    """Return what a served model says of tables: predictions, or of items what it recommends.

    `source` reads the model's module, where rows must be parsed by it. Raises BadInput for a model
    that cannot be asked so.
    """
    file = folder / "assets" / ASSET
    with reading_own(file):
        item = read_json(file).get("items") if file.exists() else None
    if item is None:
        return Predictions(folder, asked, source=source)
    return Recommendations(folder, asked, item=item)


def all_recommended(found: Recommendations) -> dict[str, Any]:
    """Return `rows`, the histories, and beside each the `items` for it with their `scores`."""
    pieces = list(found.pieces())
    return {
        "rows_by": found.rows_by,
        "rows": [row for piece in pieces for row in piece.histories],
        "items": [one for piece in pieces for one in piece.items],
        "scores": [one for piece in pieces for one in piece.scores],
    }
