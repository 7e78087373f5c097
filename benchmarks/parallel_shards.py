"""Eight shards of MNIST trained by two workers, against one process.

Both sides train the same eight shards, in turns, and must end with the same weights. Workers are
processes of this machine with one TensorFlow thread each; their start (imports, tracing) is part of
what they take.
"""

import json
import os
import statistics
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import mnist
from benchmarks.apart import numbers_of
from benchmarks.result import Result, Tell
from lineage_store.placement import Partition

ROUNDS = 3
GOAL = 1.6


def run(*, quick: bool, tell: Tell) -> Result:
    """Train with one process and with two workers, in turns, and compare."""
    if why := mnist.missing():
        return Result("Shards in parallel", notes=[why])
    partition = Partition(shards=8, slices=1, epochs=1 if quick else 60, batch_size=64, seed=0)
    rounds, limit = (1, 2_000) if quick else (ROUNDS, 60_000)
    found: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for _ in range(rounds):
        for count, told in found.items():
            told.append(once(partition, limit, workers=count))
            tell(f"{count} workers: {told[-1]['training']:.1f} s")
    digests = {one["weights_digest"] for told in found.values() for one in told}
    ratios = {
        part: [one[part] / two[part] for one, two in zip(found[1], found[2], strict=True)]
        for part in ("training", "whole")
    }
    return Result(
        title=f"Eight shards of MNIST, {partition.epochs} epochs, on {os.cpu_count()} cores",
        columns=("workers", "steps", "training s", "whole s"),
        rows=[
            (
                str(count),
                f"{told[0]['steps']:,}",
                f"{statistics.median(one['training'] for one in told):.1f}",
                f"{statistics.median(one['whole'] for one in told):.1f}",
            )
            for count, told in found.items()
        ],
        notes=[
            f"Two workers train {statistics.median(ratios['training']):.2f} times as fast as one "
            f"process (goal: at least {GOAL}), their start included; the whole of `fit` "
            f"{statistics.median(ratios['whole']):.2f} times.",
            f"The weights of all runs are {'the same' if len(digests) == 1 else 'NOT the same'}.",
        ],
        numbers={"ratios": ratios, "runs": {str(n): told for n, told in found.items()}},
    )


def once(partition: Partition, limit: int, *, workers: int) -> dict[str, Any]:
    """Train in a process of its own; return its numbers."""
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        asked = {"folder": str(Path(folder)), "partition": asdict(partition)}
        return numbers_of("one_parallel", json.dumps(asked | {"limit": limit, "workers": workers}))
