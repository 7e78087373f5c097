"""Ridge regression: a part's Gram sums and the weights that follow are its state (`linear`).

A label of numbers is told as a value, classes as shares (linear probabilities). Sums are integers
on a grid that no row moves, so a row is taken out exactly, and one solve tells the weights anew.
One shard is best, as with all sums. There are no stages, steps, draws or modules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Schema, Task
from lineage_store.errors import BadInput
from lineage_store.ledger import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore, pieces
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.encoding.number_and_key_encoding import NumberAndKeyEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.encoding.value_keys import class_key
from unlearning.families.family import (
    Learner,
    ModelSource,
    Unfit,
    not_one_label,
)
from unlearning.families.one_unit import OneUnit, SumsFamily
from unlearning.families.sums_unit import unfit_for_sums
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment_of
from unlearning.linear.grid import STEPS_OF_ONE, Grid, declared, grid_of
from unlearning.linear.ridge_part import RidgePart, RidgeRule
from unlearning.linear.ridge_serving import export_ridge
from unlearning.linear.ridge_solve import answers_of
from unlearning.linear.row_steps import steps_of
from unlearning.linear.row_sums import RowSteps

SUMMED_AT_ONCE = 50_000
PACKAGES = ("numpy", "pyfarmhash", "safetensors")
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.number_and_key_encoding.NumberAndKeyEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.families.ridge_family.RidgeLearner",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {
    "model_family",
    "aggregate",
    "penalty",
    "scales",
    "features",
}
AGGREGATES = {"classification": ("mean", "vote"), "regression": ("mean", "median")}


@dataclass(frozen=True)
class RidgeLearner(OneUnit):
    """Ridge regression for the columns and the label of one table."""

    grid: Grid
    rule: RidgeRule

    @property
    def units(self) -> int:
        """The units of an answer: classes, or one value."""
        return len(self.schema.label.classes) or 1

    @cached_property
    def _classes(self) -> list[int]:
        return [class_key(name) for name in self.schema.label.classes]

    def _read(self, rows: RowSet) -> Iterator[RowSteps]:
        for piece in pieces(rows, SUMMED_AT_ONCE):
            yield steps_of(piece, self.schema, self.grid)

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the shares (n, classes), or values (n, 1), by the weights of a part."""
        part, steps = _part_of(state), steps_of(rows, self.schema, self.grid)
        told = answers_of(part.sums, part.weights, steps, classes=self._classes or None)
        return told if self._classes else told / STEPS_OF_ONE * self.grid.label

    def targets(self, rows: Rows) -> Array:
        """Return the numbers of the classes of rows, or their values."""
        if not self._classes:
            return rows.labels
        number = {key: place for place, key in enumerate(self._classes)}
        return np.array([number[int(key)] for key in rows.labels], dtype=np.int64)

    def relearnt(self, rows: RowSet) -> State:
        """Return the sums of rows, and the weights that follow."""
        part = self.rule.part_of(lambda: self._read(rows))
        return {} if part is None else _in_state(part)

    def less(self, state: State, gone: RowSet, *, left: RowSet) -> State | None:
        """Return a part's state without rows that were among its own, but not all of them."""
        part = self.rule.less(_part_of(state), lambda: self._read(gone))
        return None if part is None else _in_state(part)

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel: the shipped graph, and one file of all weights."""
        parts = [_part_of(state) for state in states if state]
        export_ridge(parts, folder, schema=self.schema, grid=self.grid, rule=rule)


def _in_state(part: RidgePart) -> State:
    return {f"{WEIGHTS}{name}": one for name, one in part.to_state().items()}


def _part_of(state: State) -> RidgePart:
    return RidgePart.from_state({name.removeprefix(WEIGHTS): one for name, one in state.items()})


class Ridge(SumsFamily):
    """The family `ridge`."""

    name = "ridge"
    tasks: tuple[Task, ...] = ("regression", "classification")

    def unfit(
        self,
        schema: Schema | None,
        options: TrainOptions,
        *,
        module: bool = False,
        base: bool = False,
    ) -> Sequence[Unfit]:
        """Return all reasons why it cannot learn so."""
        found = unfit_for_sums("Ridge", options, taken=TAKEN, module=module, base=base)
        try:
            declared(options.scales)
        except BadInput as error:
            return [*found, Unfit("change this", str(error))]
        if schema is None:
            return found
        found += not_one_label(schema, family=self.name, weighing=self.weighing)
        if len(schema.labels) != 1:
            return found
        try:
            grid_of(schema, options.scales)
        except BadInput as error:
            found.append(Unfit("change this", str(error)))
        fit = AGGREGATES[schema.label.task]
        if options.aggregate not in fit:
            why = f"`aggregate` {options.aggregate} does not fit a {schema.label.task}"
            found.append(Unfit("change this", f"{why}: choose {' or '.join(fit)}."))
        return found

    def code(self) -> str:
        """Return the digest of the code that encodes rows, sums them and solves."""
        return code_digest(ROOTS)

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return the versions of what counts and hashes; no processor changes a bit."""
        return environment_of(PACKAGES)

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return NumberAndKeyEncoding(schema)

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the columns and the label of a store."""
        grid = grid_of(store.schema, options.scales)
        return RidgeLearner(store.schema, grid, RidgeRule(options.penalty, options.features))

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return the Euclidean distance of all weights; None if the entries are not the same."""
        mine, its = (_part_of(state) for state in (one, other))
        for names in ("columns", "keys", "classes"):
            if not np.array_equal(getattr(mine.sums, names), getattr(its.sums, names)):
                return None
        arrays, others = mine.weights.to_state(), its.weights.to_state()
        squares = sum(float(((arrays[name] - others[name]) ** 2).sum()) for name in arrays)
        return float(np.sqrt(squares))
