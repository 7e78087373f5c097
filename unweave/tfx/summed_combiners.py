"""What `summed_analyzers` count over all rows, and what alone of it a graph holds.

Counts are of whole numbers, so they come to the same however rows are bundled. What is told of them
is worked out here and not in the graph: a graph that held the counts would be another one whenever
anybody goes, and would say how many they were.

These are TFT's combiners, and lie in a file of their own, since it is slow to import.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_transform import analyzer_nodes

from lineage_store.placement import I64


class SummedCombiner(analyzer_nodes.Combiner):
    """Adds whole numbers, (n,) int64."""

    size: int

    def create_accumulator(self) -> I64:
        """Return nothing counted."""
        return np.zeros(self.size, np.int64)

    def merge_accumulators(self, accumulators: Iterable[Any]) -> I64:
        """Return the sum of what was counted; from a cache it comes as lists."""
        total = self.create_accumulator()
        for one in accumulators:
            total += np.asarray(one, np.int64)
        return total


class MomentsOfSteps(SummedCombiner):
    """Counts numbers, their sum and that of their squares; tells mean and standard deviation."""

    size = 3

    def __repr__(self) -> str:
        return "<MomentsOfSteps>"

    def add_input(self, accumulator: Any, batch_values: Sequence[Any]) -> I64:
        """Count a batch of steps."""
        (steps,) = batch_values
        new = np.array([steps.size, steps.sum(), (steps * steps).sum()], np.int64)
        return np.asarray(accumulator, np.int64) + new

    def extract_output(self, accumulator: Any) -> list[Any]:
        """Return mean and standard deviation, in steps; 0 and 0 of no rows."""
        count, total, squares = (int(one) for one in accumulator)
        if not count:
            return [np.float64(0), np.float64(0)]
        variance = (squares * count - total * total) / count**2  # of whole numbers: exact
        return [np.float64(total / count), np.float64(variance**0.5)]

    def output_tensor_infos(self) -> list[Any]:
        """Return what the two are as tensors."""
        return [analyzer_nodes.TensorInfo(tf.float64, (), None) for _ in range(2)]


class LimitsOfCells(SummedCombiner):
    """Counts numbers by cells; tells the cells at which each bucket but the last ends."""

    def __init__(self, cells: int, buckets: int) -> None:
        self.size, self.buckets = cells, buckets

    def __repr__(self) -> str:
        return f"<LimitsOfCells {self.size} {self.buckets}>"

    def add_input(self, accumulator: Any, batch_values: Sequence[Any]) -> I64:
        """Count a batch of cells."""
        (cells,) = batch_values
        return np.asarray(accumulator, np.int64) + np.bincount(cells.ravel(), minlength=self.size)

    def extract_output(self, accumulator: Any) -> list[Any]:
        """Return the limits: where a bucket's share of all is reached."""
        reached = np.cumsum(np.asarray(accumulator, np.int64)) * self.buckets
        shares = np.arange(1, self.buckets) * (reached[-1] // self.buckets)
        return [np.searchsorted(reached, shares).astype(np.int64)]

    def output_tensor_infos(self) -> list[Any]:
        """Return what they are as a tensor."""
        return [analyzer_nodes.TensorInfo(tf.int64, (self.buckets - 1,), None)]


def told_of(combiner: SummedCombiner, values: Any) -> list[Any]:
    """Return the tensors that a combiner tells of all rows' values."""
    from tensorflow_transform.analyzers import apply_cacheable_combine_operation

    return list(
        map(analyzer_nodes.wrap_as_tensor, apply_cacheable_combine_operation(combiner, values))
    )
