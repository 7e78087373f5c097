"""Logistic regression, of two classes or more: a part's rounded weights are its state (`convex`).

The weights are the one optimum of a convex function of the rows, rounded to a public grid. When
rows go, steps are taken again from where the weights were, and what comes of it is kept where it
provably rounds to what the fit from nothing does. One shard is best. A row of weight n counts as n.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lineage_store.data import Schema, Task, Weighing
from lineage_store.errors import BadInput
from lineage_store.ledger import Kind, TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.convex.logistic_answers import export_logistic, shares_told
from unlearning.convex.logistic_part import LogisticPart, converged, learnt, without_share
from unlearning.convex.standing_rows import StandingRows, standing
from unlearning.encoding.number_and_key_encoding import NumberAndKeyEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.encoding.value_keys import class_key
from unlearning.families.family import (
    Learner,
    ModelSource,
    OptimumRun,
    PartRun,
    Trail,
    Unfit,
    not_one_label,
)
from unlearning.families.one_unit import MadeAtOnce, SumsFamily
from unlearning.families.sums_unit import unfit_for_sums
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment_of
from unlearning.linear.grid import Grid, declared, grid_of
from unlearning.linear.row_steps import steps_of

PACKAGES = ("numpy", "pyfarmhash", "safetensors")
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.number_and_key_encoding.NumberAndKeyEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.families.logistic_family.LogisticLearner",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {
    "model_family",
    "aggregate",
    "penalty",
    "scales",
}
AGGREGATES = ("mean", "vote")


@dataclass(frozen=True)
class LogisticLearner(MadeAtOnce):
    """Logistic regression for the columns and the classes of one table."""

    kind: ClassVar[Kind] = "optimum"
    grid: Grid
    penalty: float

    @property
    def units(self) -> int:
        """The units of an answer: classes."""
        return len(self.schema.label.classes)

    @cached_property
    def _classes(self) -> list[int]:
        return [class_key(name) for name in self.schema.label.classes]

    def _standing(self, rows: RowSet) -> StandingRows | None:
        told = rows.take(np.arange(len(rows)))
        return standing(steps_of(told, self.schema, self.grid), told.weights)

    def predict(self, state: State, rows: Rows) -> Array:
        """Return the shares (n, classes) by the weights of a part."""
        steps = steps_of(rows, self.schema, self.grid)
        return shares_told(_part_of(state), steps, classes=self._classes)

    def targets(self, rows: Rows) -> Array:
        """Return the numbers of the classes of rows."""
        number = {key: place for place, key in enumerate(self._classes)}
        return np.array([number[int(key)] for key in rows.labels], dtype=np.int64)

    def relearnt(self, rows: RowSet) -> State:
        """Return the weights of rows, told from nothing; none of no rows."""
        return self._told(rows, None) if len(rows) else {}

    def converged(self, state: State, left: RowSet) -> State:
        """Return what `relearnt` does of rows, told from the state of a part that had more."""
        return self._told(left, _part_of(state))

    def _told(self, rows: RowSet, before: LogisticPart | None) -> State:
        there = self._standing(rows)
        if there is None:
            return _in_state(without_share(len(self.schema.names("number"))))
        if before is None:
            return _in_state(learnt(there, penalty=self.penalty))
        return _in_state(converged(there, before, penalty=self.penalty))

    def run(self, run: PartRun) -> OptimumRun:
        """Return the run that strategies of an optimum are given."""
        return OptimumRun(self, run)

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel: the shipped graph, and one file of all weights."""
        parts = [_part_of(state) for state in states if state]
        export_logistic(parts, folder, schema=self.schema, grid=self.grid, rule=rule)


def _in_state(part: LogisticPart) -> State:
    return {f"{WEIGHTS}{name}": np.ascontiguousarray(one) for name, one in part.to_state().items()}


def _part_of(state: State) -> LogisticPart:
    return LogisticPart.from_state({name.removeprefix(WEIGHTS): one for name, one in state.items()})


class LogisticFamily(SumsFamily):
    """The family `logistic`."""

    name = "logistic"
    tasks: tuple[Task, ...] = ("classification",)
    trail: Trail = "optimum"
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
        name = "Logistic regression"
        found = unfit_for_sums(name, options, taken=TAKEN, module=module, base=base)
        try:
            declared(options.scales)
        except BadInput as error:
            return [*found, Unfit("change this", str(error))]
        if options.aggregate not in AGGREGATES:
            why = f"`aggregate` {options.aggregate} does not fit classes"
            found.append(Unfit("change this", f"{why}: choose {' or '.join(AGGREGATES)}."))
        if schema is None:
            return found
        found += not_one_label(schema, family=self.name, weighing=self.weighing)
        if len(schema.labels) != 1:
            return found
        if schema.label.task != "classification":
            why = f"{name} tells classes, and the label {schema.label.name!r} holds numbers"
            found.append(Unfit("never", f"{why}: take the family ridge."))
            return found
        try:
            grid_of(schema, options.scales)
        except BadInput as error:
            found.append(Unfit("change this", str(error)))
        return found

    def code(self) -> str:
        """Return the digest of the code that encodes rows and finds their optimum."""
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
        return LogisticLearner(store.schema, grid, options.penalty)

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return the Euclidean distance of all weights; None if the entries are not the same."""
        mine, its = (_part_of(state) for state in (one, other))
        for name in ("columns", "keys", "classes"):
            if not np.array_equal(getattr(mine, name), getattr(its, name)):
                return None
        weights = (
            getattr(mine, name) - getattr(its, name)
            for name in ("numbers", "entries", "intercepts")
        )
        return float(np.sqrt(sum(float((apart**2).sum()) for apart in weights)))
