"""Deletion-aware placement against the uniform one, on Adult: steps a request, and accuracy.

The rule in words: people below 25, a sixth of the rows, send 70 of 100 requests. Three placements
of the same rows in 5 shards of 4 slices: uniform; the young in the last slice of every shard; the
young in the last slice of the first two shards, which get fewer others (`risk_share`).

    expected    the formula of `unlearning/planning/expected_cost.py`, from the counts of rows alone
    planned     the mean over 200 requests drawn by that pattern, by the plan's own decisions, and
                its standard error
    ten at once the mean over the same requests, ten in one run each
    computed    for the first few, forgotten by `refit`: the steps that were taken, over the planned
                (a batch that no row falls into takes none)

Accuracy and log loss are means over three seeds: on all evaluation rows, and on the young.
"""

import json
import math
import statistics
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks import adult
from benchmarks.apart import numbers_of
from benchmarks.result import Result, Tell
from lineage_store.placement import Partition

RULE, PATTERN = "age<25", (0.3, 0.7)
Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Measure the three placements and compare."""
    title = "Deletion-aware placement of Adult"
    if why := adult.missing():
        return Result(title, notes=[why])
    uniform = Partition(shards=5, slices=4, epochs=2 if quick else 10, batch_size=64, seed=0)
    late = replace(uniform, risk_rules=("age < 25",))
    placements = {
        "uniform": uniform,
        "late slices": late,
        "late slices of 2 shards": replace(late, risk_shards=2, risk_share=17),
    }
    found = {}
    for name, partition in placements.items():
        found[name] = measured(partition, quick=quick)
        tell(f"{name}: {statistics.mean(found[name]['planned']):.0f} steps a request")
    base = found["uniform"]
    formula = found["late slices"]["cost"]["uniform_steps"]
    return Result(
        title=title,
        columns=(
            "placement",
            "rows of a shard",
            "full steps",
            "expected",
            "planned",
            "of uniform",
            "ten at once",
            "computed",
            "accuracy",
            "log loss",
            "of the young",
        ),
        rows=[line(name, one, base) for name, one in found.items()],
        notes=[
            f"Requests: {len(base['planned'])}, drawn by the pattern {PATTERN} over the bands; the "
            f"formula expects {formula:.1f} steps of a uniform placement that is perfectly even."
        ],
        numbers={"rule": RULE, "pattern": PATTERN, "placements": found},
    )


def measured(partition: Partition, *, quick: bool) -> Numbers:
    """Train and forget with one placement, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        asked = {
            "folder": str(Path(folder)),
            "partition": asdict(partition),
            "rules": [RULE],
            "pattern": PATTERN,
            "limit": 3_000 if quick else 32_561,
            "requests": 20 if quick else 200,
            "carried_out": 1 if quick else 5,
            "seeds": 1 if quick else 3,
        }
        return numbers_of("one_placement", json.dumps(asked))


def line(name: str, one: Numbers, base: Numbers) -> tuple[str, ...]:
    """Return a placement's line of the table."""
    planned, done = statistics.mean(one["planned"]), one["carried_out"]
    computed = sum(d["computed"] for d in done) / sum(d["planned"] for d in done)

    def mean(rows: str, what: str) -> float:
        return statistics.mean(metrics[rows][what] for metrics in one["metrics"])

    return (
        name,
        f"{min(one['shard_rows']):,} to {max(one['shard_rows']):,}",
        f"{one['cost']['steps_full']:,}",
        f"{one['cost']['steps']:.1f}",
        f"{planned:.1f} ± {statistics.stdev(one['planned']) / math.sqrt(len(one['planned'])):.1f}",
        f"{planned / statistics.mean(base['planned']):.2f}",
        f"{statistics.mean(one['together']):.0f}",
        f"{computed:.3f}",
        f"{mean('all', 'accuracy'):.4f}",
        f"{mean('all', 'log_loss'):.4f}",
        f"{mean('likely', 'log_loss'):.4f}",
    )
