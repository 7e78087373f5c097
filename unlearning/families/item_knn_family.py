"""Item-based nearest neighbours: a part's sums over histories are its whole state (`items`).

It learns which items go together in people's histories, and recommends to a history what is most
alike. There is no label: a row says that somebody had to do with an item. One shard is best, as
with all sums; there are no stages, steps, draws from a seed or modules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Schema, Task, Weighing
from lineage_store.errors import CheckFailed
from lineage_store.ledger import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore, pieces
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.encoding.item_encoding import ITEM, ItemEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.families.family import Description, Learner, ModelSource, Unfit
from unlearning.families.one_unit import OneUnit, SumsFamily
from unlearning.families.sums_unit import unfit_for_sums
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment_of
from unlearning.items.histories import histories_of
from unlearning.items.item_counts import ItemCounts, added, counts_of, difference
from unlearning.items.item_serving import export_items
from unlearning.items.neighbours import (
    SIMILARITIES,
    STEPS_OF_ONE,
    Neighbours,
    joined,
    nearest,
)
from unlearning.items.recommended import hits, left_out_scores
from unlearning.serving.measured import Metrics

READ_AT_ONCE = 100_000
PACKAGES = ("numpy", "pyfarmhash", "safetensors")
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.item_encoding.ItemEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.families.item_knn_family.ItemLearner",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {
    "model_family",
    "aggregate",
    "similarity",
    "neighbours",
}


@dataclass(frozen=True)
class ItemLearner(OneUnit):
    """Item-based nearest neighbours for the items of one table."""

    similarity: str
    neighbours: int

    @property
    def task(self) -> Task | None:
        """Return that it learns without a label."""
        return None

    @property
    def units(self) -> int:
        """The units of an answer: one score."""
        return 1

    def describe(self) -> Description:
        """Return the column of items, and how lists are made; nothing is optimized."""
        spec = {
            "items": self.schema.said.items,
            "similarity": self.similarity,
            "neighbours": self.neighbours,
        }
        return Description(spec, {}, ())

    def predict(self, state: State, rows: Rows) -> Array:
        """Return how each row's item (n, 1) suits the others of its history among these rows."""
        lists = self._lists(_as_counts(state))
        known = left_out_scores(lists, _read(rows))
        pairs = zip(rows.batch_bits.tolist(), rows[ITEM][:, 0].tolist(), strict=True)
        steps = np.array([known.get(pair, 0) for pair in pairs], np.float64)
        return steps[:, np.newaxis] / STEPS_OF_ONE

    def targets(self, rows: Rows) -> Array:
        """Return 1 for each row: what it says has happened."""
        return np.ones(len(rows), np.float32)

    def worth(self, parts: Sequence[State], rows: RowSet) -> Metrics:
        """Return how often a hidden item of somebody's history is recommended to the rest of it."""
        counts = [_as_counts(state) for state in parts if state]
        lists = joined([self._lists(one) for one in counts])
        return {"rows": len(rows), **hits(lists, counts, _read(rows))}

    def relearnt(self, rows: RowSet) -> State:
        """Return the sums of the histories of rows."""
        return _in_state(counts_of(_read(rows))) if len(rows) else {}

    def less(self, state: State, gone: RowSet, *, left: RowSet) -> State:
        """Return a part's sums without rows: their histories go, and come as they are now."""
        counts = _as_counts(state)
        histories = np.unique(gone.batch_bits)
        touched = left.take(np.flatnonzero(np.isin(left.batch_bits, histories)))
        counts.subtract(_read(gone, touched))
        counts = counts.cleared()
        return _in_state(added(counts, counts_of(_read(touched))) if len(touched) else counts)

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel: the shipped graph, and one file of all lists."""
        lists = [self._lists(_as_counts(state)) for state in states if state]
        export_items(lists, folder, schema=self.schema)

    def _lists(self, counts: ItemCounts) -> Neighbours:
        return nearest(counts, rule=SIMILARITIES[self.similarity], most=self.neighbours)


def _read(*some: RowSet) -> Any:
    return histories_of(piece for rows in some for piece in pieces(rows, READ_AT_ONCE))


def _in_state(counts: ItemCounts) -> State:
    return {f"{WEIGHTS}{name}": one for name, one in counts.to_state().items()}


def _as_counts(state: Mapping[str, Array]) -> ItemCounts:
    return ItemCounts.from_state({name.removeprefix(WEIGHTS): one for name, one in state.items()})


class ItemKnn(SumsFamily):
    """The family `item-knn`."""

    name = "item-knn"
    tasks: tuple[Task, ...] = ()
    weighing: Weighing = "whole"

    def unfit(
        self,
        schema: Schema | None,
        options: TrainOptions,
        *,
        module: bool = False,
        base: bool = False,
    ) -> Sequence[Unfit]:
        """Return all reasons why it cannot learn so."""
        found = unfit_for_sums("item-knn", options, taken=TAKEN, module=module, base=base)
        if options.aggregate != "mean":
            why = f"`aggregate` {options.aggregate} is no way to join scores of items"
            found.append(Unfit("change this", f"{why}: choose mean."))
        if schema is None:
            return found
        if schema.said.items is None:
            why = "item-knn learns which items go together, and no column was named as theirs"
            found.append(Unfit("change this", f"{why}: name it with `item_column`."))
        for label in schema.labels:
            why = f"item-knn tells no label, and the column {label.name!r} was named as one"
            found.append(Unfit("change this", f"{why}: leave `label` out."))
        if len(schema.weights) > 1:
            why = f"A row counts for one weight, and {len(schema.weights)} columns were named"
            found.append(Unfit("change this", f"{why}: name one of them."))
        return found

    def code(self) -> str:
        """Return the digest of the code that reads histories and sums them."""
        return code_digest(ROOTS)

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return the versions of what counts and hashes; no processor changes an integer."""
        return environment_of(PACKAGES)

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return ItemEncoding(schema)

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the items of a store."""
        return ItemLearner(store.schema, options.similarity, options.neighbours)

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return the Euclidean distance of all sums; None if a state is damaged."""
        try:
            return difference(_as_counts(one), _as_counts(other))
        except CheckFailed:
            return None
