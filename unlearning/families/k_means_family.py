"""k-means: a part's steps, their sums and centres, are its state (`clusters`).

It learns without a label which rows are alike. Everything is whole numbers and every draw a hash,
so the steps are a function of the set of rows, and a row is taken out by subtracting it from each
step, as long as no centre moves. One shard is best; several are clustered once more when they
answer together. A row of weight n counts as n.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from lineage_store.data import Schema, Task, Weighing
from lineage_store.errors import BadInput
from lineage_store.ledger import TrainOptions
from lineage_store.placement import Partition
from lineage_store.rows import Rows, RowSet, RowStore
from lineage_store.tensors import WEIGHTS, Array, State
from unlearning.clusters.cluster_part import ClusterPart, ClusterRule, joined, learnt, without
from unlearning.clusters.cluster_serving import export_clusters
from unlearning.clusters.points import Points, nearest, points_of
from unlearning.encoding.point_encoding import PointEncoding
from unlearning.encoding.row_encoding import RowEncoding
from unlearning.families.family import Description, Learner, ModelSource, Unfit
from unlearning.families.one_unit import OneUnit, SumsFamily
from unlearning.families.sums_unit import unfit_for_sums
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.environment import environment_of
from unlearning.linear.grid import Grid, declared
from unlearning.linear.row_steps import features_of
from unlearning.serving.measured import Metrics

PACKAGES = ("numpy", "pyfarmhash", "safetensors")
ROOTS = (
    "lineage_store.data.keyed_blocks.read_blocks_of",
    "lineage_store.cells.gate.let_through",
    "unlearning.encoding.encode_records.encode_pieces",
    "unlearning.encoding.point_encoding.PointEncoding",
    "lineage_store.rows.writer.write_rows",
    "unlearning.families.k_means_family.ClusterLearner",
)
# Of all options those of the partition are known to every family, and these besides.
TAKEN = {one.name for one in fields(Partition)} | {"model_family", "scales", "clusters"}


@dataclass(frozen=True)
class ClusterLearner(OneUnit):
    """Clusters of the rows of one table."""

    grid: Grid
    rule: ClusterRule

    @property
    def task(self) -> Task | None:
        """Return that it learns without a label."""
        return None

    @property
    def units(self) -> int:
        """The units of an answer: clusters."""
        return self.rule.clusters

    def describe(self) -> Description:
        """Return the columns, and how many clusters at most; nothing is optimized step by step."""
        spec = {
            "numbers": list(self.schema.names("number")),
            "strings": list(self.schema.names("text")),
            "clusters": self.rule.clusters,
        }
        return Description(spec, {}, ())

    def points(self, rows: RowSet) -> Points:
        """Return rows as points, those that count for anything."""
        told = rows.take(np.arange(len(rows)))
        return points_of(features_of(told, self.schema, self.grid), told.row_keys, told.weights)

    def predict(self, state: State, rows: Rows) -> Array:
        """Return in which cluster of a part each row is, (n, clusters): one, and else zero."""
        which = self._which(_part_of(state), rows)
        return np.eye(self.rule.clusters)[which]

    def targets(self, rows: Rows) -> Array:
        """Return nothing for each row: none is right."""
        return np.zeros(len(rows), np.int64)

    def _which(self, part: ClusterPart, rows: Rows) -> Array:
        values, centres = self._beside(part, rows)
        return nearest(values, centres)

    def _beside(self, part: ClusterPart, rows: Rows) -> tuple[Array, Array]:
        """Return rows, and a part's last centres, in the coordinates that either has."""
        ones = np.ones(len(rows), np.int64)
        points = points_of(features_of(rows, self.schema, self.grid), rows.row_keys, ones)
        return points.beside(part.last, part.columns, part.entries)

    def worth(self, parts: Sequence[State], rows: RowSet) -> Metrics:
        """Return which share of the squared distances from the rows' mean the clusters explain."""
        known = [_part_of(state) for state in parts if state]
        known = [part for part in known if len(part.last)]
        told = rows.take(np.arange(len(rows)))
        if not known or not len(told):
            return {"rows": 0}
        values, centres = self._beside(joined(known, self.rule), told)
        near = centres[nearest(values, centres)].astype(np.float64)
        counts = np.ones(len(told)) if told.weights is None else told.weights.astype(np.float64)
        if not counts.any():
            return {"rows": 0}
        exact = values.astype(np.float64)
        mean = np.average(exact, axis=0, weights=counts)
        within, total = (
            float((counts * ((exact - one) ** 2).sum(axis=1)).sum()) for one in (near, mean)
        )
        return {"rows": len(told), "explained": 1 - within / total if total else 0.0}

    def relearnt(self, rows: RowSet) -> State:
        """Return the steps of rows; none of no rows."""
        return _in_state(learnt(self.points(rows), self.rule)) if len(rows) else {}

    def less(self, state: State, gone: RowSet, *, left: RowSet) -> State | None:
        """Return a part's state without rows that were among its own, but not all of them."""
        part = without(_part_of(state), self.points(gone), lambda: self.points(left), self.rule)
        return None if part is None else _in_state(part)

    def export(self, states: Sequence[State], folder: Path, *, rule: str) -> None:
        """Write the SavedModel: the shipped graph, and one file of all centres."""
        parts = [_part_of(state) for state in states if state]
        export_clusters(parts, folder, schema=self.schema, grid=self.grid, rule=self.rule)


def _in_state(part: ClusterPart) -> State:
    return {f"{WEIGHTS}{name}": one for name, one in part.to_state().items()}


def _part_of(state: State) -> ClusterPart:
    return ClusterPart.from_state({name.removeprefix(WEIGHTS): one for name, one in state.items()})


class KMeans(SumsFamily):
    """The family `k-means`."""

    name = "k-means"
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
        found = unfit_for_sums("k-means", options, taken=TAKEN, module=module, base=base)
        try:
            scales = declared(options.scales)
        except BadInput as error:
            return [*found, Unfit("change this", str(error))]
        if schema is None:
            return found
        if schema.said.items is not None:
            why = "k-means reads columns of features, and no items"
            found.append(Unfit("change this", f"{why}: leave `item_column` out."))
        for label in schema.labels:
            why = f"k-means tells no label, and the column {label.name!r} was named as one"
            found.append(Unfit("change this", f"{why}: leave `label` out."))
        if schema.arrays:
            why = f"k-means reads no arrays, and {', '.join(map(repr, schema.arrays))} holds some"
            found.append(Unfit("never", f"{why}: leave it out."))
        if len(schema.weights) > 1:
            why = f"A row counts for one weight, and {len(schema.weights)} columns were named"
            found.append(Unfit("change this", f"{why}: name one of them."))
        if not schema.columns:
            why = "k-means tells which rows are alike by their columns, and there is none"
            found.append(Unfit("change this", f"{why}: leave fewer out."))
        for column in scales:
            if column not in schema.names("number"):
                why = f"The column {column!r} has a scale, and holds no numbers here"
                found.append(Unfit("change this", f"{why}: leave it out."))
        return found

    def code(self) -> str:
        """Return the digest of the code that reads points and clusters them."""
        return code_digest(ROOTS)

    def environment(self, text: str | None) -> Mapping[str, Any]:
        """Return the versions of what counts and hashes; no processor changes an integer."""
        return environment_of(PACKAGES)

    def encoding(self, schema: Schema, source: ModelSource) -> RowEncoding:
        """Return how it reads the rows of a table."""
        return PointEncoding(schema)

    def open(self, source: ModelSource, store: RowStore, *, options: TrainOptions) -> Learner:
        """Return a learner for the columns of a store."""
        known, names = declared(options.scales), store.schema.names("number")
        grid = Grid(np.array([known.get(name, 1.0) for name in names], np.float64))
        rule = ClusterRule(options.clusters, options.partition.seed)
        return ClusterLearner(store.schema, grid, rule)

    def distance(self, one: State, other: State, *, names: Sequence[str]) -> float | None:
        """Return the Euclidean distance of the last centres; None if their coordinates differ."""
        mine, its = (_part_of(state) for state in (one, other))
        for name in ("columns", "entries"):
            if not np.array_equal(getattr(mine, name), getattr(its, name)):
                return None
        if mine.last.shape != its.last.shape:
            return None
        return float(np.sqrt(float(((mine.last - its.last).astype(np.float64) ** 2).sum())))
