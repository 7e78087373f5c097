"""Many single-row requests, counted and carried out, in one process.

`python -m benchmarks.one_coalescing JSON`. After one full training, for each draw of rows:

    counted    what the strategy decides, in steps: for each request alone, on the row counts that
               the requests before it have left, and for the first 1, 10, ... requests together
    together   the first draw's requests in one deletion, for each number of them, carried out
    singly     the first requests of the first draw one after the other, each from the ledger that
               the one before has left, carried out

A decision needs the ledger only to know that its checkpoints are there, and retraining writes them
all again: so what is decided on the first ledger is what would be decided on each later one. That
the steps counted are those computed is checked for all that is carried out (RuntimeError if not).
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import mnist
from benchmarks.one_unlearning import forget, place_of, situation_of, train, watched
from benchmarks.stopwatch import Stopwatch
from lineage_store.ledger.shards import Ledger, open_ledger
from lineage_store.placement import Partition
from lineage_store.rows.row_store import open_rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.strategies.retrain_shards import RetrainShards

Numbers = dict[str, Any]
Counts = list[list[int]]


def steps_decided(ledger: Ledger, rows: Sequence[int], counts: Counts) -> int:
    """Count the steps that the strategy decides on; takes the rows out of `counts`."""
    keys = [mnist.row_key("train", row) for row in rows]
    for key in keys:
        shard, slice_ = place_of(key, ledger.partition)
        counts[shard][slice_] -= 1
    decisions = RetrainShards().decide(situation_of(ledger, keys, counts))
    return sum(decision.steps for decision in decisions)


def counted(ledger: Ledger, counts: Counts, rows: Sequence[int], sizes: Sequence[int]) -> Numbers:
    """Count the steps of the first requests: each for itself, and together for each size."""
    left = [list(row) for row in counts]
    singly = [steps_decided(ledger, [row], left) for row in rows]
    together = [steps_decided(ledger, rows[:size], [list(row) for row in counts]) for size in sizes]
    return {"singly": singly, "together": together}


class Execution:
    """Carries out deletions from one training, and compares their steps with those counted."""

    def __init__(self, clock: Stopwatch, folder: Path, partition: Partition, limit: int) -> None:
        self._clock = clock
        self._folder = folder
        self._partition = partition
        self._limit = limit

    def together(self, rows: Sequence[int], *, steps: int) -> Numbers:
        """Forget rows in one deletion, from the full training's ledger."""
        here = self._folder / f"together-{len(rows)}"
        found = self._forget(here, rows, trained=self._folder / "trained", gone=(), steps=steps)
        shutil.rmtree(here)
        return found

    def singly(self, rows: Sequence[int], *, steps: Sequence[int]) -> list[Numbers]:
        """Forget rows one after the other, each from the ledger that the last one left."""
        found, last = [], self._folder / "trained"
        for number, row in enumerate(rows):
            here = self._folder / f"single-{number}"
            found.append(
                self._forget(here, [row], trained=last, gone=rows[:number], steps=steps[number])
            )
            if number:
                shutil.rmtree(last)
            last = here
        return found

    def _forget(
        self, here: Path, rows: Sequence[int], *, trained: Path, gone: Sequence[int], steps: int
    ) -> Numbers:
        found = forget(
            self._clock,
            here,
            self._partition,
            limit=self._limit,
            rows=rows,
            trained=trained / "ledger",
            gone=gone,
            model=f"m{len(gone) + 2}",
            serve=False,
        )
        shutil.rmtree(here / "rows")
        if found["computed"] != steps:
            raise RuntimeError(f"{steps} steps were counted and {found['computed']} computed")
        return found


def main() -> None:
    """Do what the first argument asks for, and print the numbers as JSON."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    asked = json.loads(sys.argv[1])
    pin_tensorflow()
    partition, limit = Partition(**asked["partition"]), asked["limit"]
    folder = Path(asked["folder"])
    sizes, clock = asked["sizes"], watched()
    full = train(clock, folder / "trained", partition, limit=limit, serve=False)
    ledger = open_ledger(folder / "trained" / "ledger")
    counts = [list(row) for row in open_rows(folder / "trained" / "rows").counts]
    drawn = np.random.default_rng(partition.seed).permutation(limit)
    draws = drawn[: asked["draws"] * sizes[-1]].reshape(asked["draws"], sizes[-1]).tolist()
    steps = [counted(ledger, counts, rows, sizes) for rows in draws]
    execution, first = Execution(clock, folder, partition, limit), steps[0]
    together = [
        execution.together(draws[0][:size], steps=count)
        for size, count in zip(sizes, first["together"], strict=True)
    ]
    singly = execution.singly(draws[0][: asked["sample"]], steps=first["singly"])
    print(json.dumps({"full": full, "counted": steps, "together": together, "singly": singly}))


if __name__ == "__main__":
    main()
