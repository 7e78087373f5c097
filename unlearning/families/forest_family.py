"""Random forests: a part's trees, and the trail that mends them, are its state (`forest`).

A label of numbers is told as a value, classes as shares. Every draw is a hash of the seed, a node's
place and a row's key, so the trees are a function of the set of rows, and a row is taken out by
mending the nodes that it went through. A row of weight n counts as n, and one of weight 0 is in no
tree. One shard is best: a row is taken out exactly, whatever else there is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lineage_store.data import Schema, Task, Weighing
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.ledger import Kind, TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import Array, State
from unlearning.encoding.number_and_key_encoding import NUMBERS, TEXT_KEYS, NumberAndKeyEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.encoding.value_keys import class_key
from unlearning.families.family import (
    Learner,
    ModelSource,
    PartRun,
    Trail,
    TreesRun,
    Unfit,
    not_one_label,
)
from unlearning.families.one_unit import MadeAtOnce, SumsFamily
from unlearning.families.sums_unit import unfit_for_sums
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment_of
from unlearning.forest.at_best import grown_at_best, mended_at_best
from unlearning.forest.forest_answers import answers_of, nodes_apart
from unlearning.forest.forest_rows import ForestRows, class_stats, halves, ordered, value_stats
from unlearning.forest.forest_serving import export_forest
from unlearning.forest.forest_shape import ForestShape
from unlearning.forest.forest_state import from_state, served_trees, to_state
from unlearning.linear.grid import STEPS_OF_ONE, Grid, declared

PACKAGES = ("numpy", "pyfarmhash", "safetensors")
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.number_and_key_encoding.NumberAndKeyEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.families.forest_family.ForestLearner",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {
    "model_family",
    "aggregate",
    "scales",
    "trees",
    "tree_share",
    "tree_depth",
    "candidates",
    "leaf_rows",
}
AGGREGATES = {"classification": ("mean", "vote"), "regression": ("mean", "median")}


@dataclass(frozen=True)
class ForestLearner(MadeAtOnce):
    """A forest for the columns and the label of one table; `scale` is that of a label of values."""

    kind: ClassVar[Kind] = "trees"
    shape: ForestShape
    scale: float

    @property
    def units(self) -> int:
        """The units of an answer: classes, or one value."""
        return len(self.schema.label.classes) or 1

    @cached_property
    def _classes(self) -> dict[int, int]:
        return {class_key(name): place for place, name in enumerate(self.schema.label.classes)}

    def read(self, rows: RowSet, *, labelled: bool = True) -> ForestRows:
        """Return rows as trees read them, those of weight 0 with no share in any sum."""
        told = rows.take(np.arange(len(rows)))
        numbers, texts = told[NUMBERS], told[TEXT_KEYS]
        by_value = np.repeat([False, True], [numbers.shape[1], texts.shape[1]])
        features = np.concatenate([ordered(numbers), texts], axis=1)
        weights = told.weights
        counts = np.ones(len(told), np.int64) if weights is None or not labelled else weights
        if not labelled:
            stats = np.zeros((len(told), 0), np.int64)
        elif self._classes:
            stats = class_stats(self.targets(told), counts, number=len(self._classes))
        else:
            steps = Grid(np.zeros(0), self.scale).of_labels(told.labels)
            stats = value_stats(steps, counts)
        return ForestRows(halves(told.row_keys), features, by_value, stats, len(self._classes))

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the shares (n, classes), or values (n, 1), by the trees of a part."""
        told = answers_of(served_trees(state), self.read(rows, labelled=False))
        return told if self._classes else told / STEPS_OF_ONE * self.scale

    def targets(self, rows: Rows) -> Array:
        """Return the numbers of the classes of rows, or their values."""
        if not self._classes:
            return rows.labels
        return np.array([self._classes[int(key)] for key in rows.labels], dtype=np.int64)

    def relearnt(self, rows: RowSet) -> State:
        """Return the trees of rows, with their trail; none of no rows."""
        if not len(rows):
            return {}
        read = self.read(rows)
        read = read.take(_weighty(read))
        return to_state(grown_at_best(read, self.shape), read)

    def mended(self, state: State, before: RowSet, gone: npt.NDArray[np.int64]) -> State:
        """Return a part's state without rows, by their places, that were among its own."""
        read, goes = self.read(before), np.zeros(len(before), np.bool_)
        goes[gone] = True
        there = _weighty(read)
        read, out = read.take(there), np.flatnonzero(goes[there])
        return to_state(*mended_at_best(from_state(state, read, self.shape), read, self.shape, out))

    def run(self, run: PartRun) -> TreesRun:
        """Return the run that strategies of trees are given."""
        return TreesRun(self, run)

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel: the shipped graph, and one file of all trees."""
        parts = [served_trees(state) for state in states if state]
        export_forest(parts, folder, schema=self.schema, scale=self.scale, rule=rule)


def _weighty(rows: ForestRows) -> npt.NDArray[np.int64]:
    """Return the places of the rows that count for anything."""
    weights = rows.stats.sum(axis=1) if rows.classes else rows.stats[:, 0]
    return np.flatnonzero(weights)


class Forest(SumsFamily):
    """The family `forest`."""

    name = "forest"
    tasks: tuple[Task, ...] = ("classification", "regression")
    trail: Trail = "structure"
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
        found = unfit_for_sums("A forest", options, taken=TAKEN, module=module, base=base)
        try:
            scales = declared(options.scales)
        except BadInput as error:
            return [*found, Unfit("change this", str(error))]
        if schema is None:
            return found
        found += not_one_label(schema, family=self.name, weighing=self.weighing)
        if len(schema.labels) != 1:
            return found
        label = schema.label
        found += [
            Unfit("change this", f"A forest has no use for the scale of {column!r}: leave it out.")
            for column in scales
            if (column, "regression") != (label.name, label.task)
        ]
        if not schema.columns:
            why = "A forest splits by columns, and there is none besides the label"
            found.append(Unfit("change this", f"{why}: leave fewer out."))
        fit = AGGREGATES[label.task]
        if options.aggregate not in fit:
            why = f"`aggregate` {options.aggregate} does not fit a {label.task}"
            found.append(Unfit("change this", f"{why}: choose {' or '.join(fit)}."))
        return found

    def code(self) -> str:
        """Return the digest of the code that encodes rows, grows trees and mends them."""
        return code_digest(ROOTS)

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return the versions of what counts and hashes; no processor changes a bit."""
        return environment_of(PACKAGES)

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return NumberAndKeyEncoding(schema)

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the columns and the label of a store."""
        shape = ForestShape(
            options.trees, options.tree_share, options.tree_depth, options.leaf_rows,
            options.candidates, seed=options.partition.seed,
        )  # fmt: skip
        label = store.schema.label
        return ForestLearner(store.schema, shape, declared(options.scales).get(label.name, 1.0))

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return how many nodes stand in one of two forests only; None if one is damaged."""
        try:
            mine, its = served_trees(one), served_trees(other)
        except CheckFailed:
            return None
        same = mine.totals.shape[1:] == its.totals.shape[1:]
        return float(nodes_apart(mine, its)) if same else None
