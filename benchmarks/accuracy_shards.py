"""Accuracy against the number of shards on MNIST: the published curve, measured again.

S = 1, 2, 5, 10, 20, 50 shards of one slice: 60,000 images, perceptron 784-256-256-10, batches of
128, 10 epochs, evaluated on the 10,000 test images; three runs with different seeds, of which means
and ranges are told (6,000 images, 2 epochs, S = 1, 5 and one run with --quick). Shown are

    mean     the aggregate by mean probability
    vote     the aggregate by majority vote
    alone    one shard by itself, mean over the shards: a model trained on 1/S of the rows

Bourtoule et al. 2021, "Machine Unlearning", section VII, make the same comparison: the aggregate of
S shards against a single model trained on a 1/S fraction of the data. Every shard trains for the
same number of epochs, so it takes 1/S of the steps.
"""

import statistics
from typing import Any

from benchmarks import mnist
from benchmarks.chart import Axis, Series, line_chart
from benchmarks.partition_speedup import in_process
from benchmarks.result import Result, Tell
from lineage_store.placement import Partition

SHARDS = (1, 2, 5, 10, 20, 50)
SEEDS = (0, 1, 2)
SIDES = {"mean": "mean probability", "vote": "majority vote", "alone": "one shard alone (1/S rows)"}
FIGURE = "accuracy-shards.svg"

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Train with every number of shards, and draw the curve."""
    title = "Accuracy on MNIST against the number of shards"
    if why := mnist.missing():
        return Result(title, notes=[why])
    limit, epochs = (6_000, 2) if quick else (60_000, 10)
    seeds = SEEDS[:1] if quick else SEEDS
    found = []
    for shards in (1, 5) if quick else SHARDS:
        runs = []
        for seed in seeds:
            partition = Partition(shards, 1, epochs, batch_size=128, seed=seed)
            full = in_process(partition, limit, [], alone=True)["full"]
            runs.append(sides(full))
            tell(f"S {shards}, seed {seed}: {full['accuracy']:.4f}")
        found.append({"shards": shards, "rows": limit // shards, "runs": runs})
    return Result(
        title=title,
        columns=("S", "rows a shard", *SIDES.values(), "loss", "gain"),
        rows=[line(one, found[0]) for one in found],
        notes=[
            f"Means of {len(seeds)} runs, with their range. Loss: of the mean probability against "
            f"S = 1; gain: of it over one shard alone; both in percentage points.",
        ],
        numbers={"found": found},
        figures={FIGURE: figure(found, title)},
    )


def sides(full: Numbers) -> dict[str, float]:
    """Return what a training's aggregates and its shards by themselves do."""
    alone = statistics.mean(full["alone"])
    return {"mean": full["accuracy"], "vote": full["vote"], "alone": alone}


def mean_of(one: Numbers, side: str) -> float:
    """Return the mean accuracy of a side over the runs."""
    return statistics.mean(run[side] for run in one["runs"])


def line(one: Numbers, first: Numbers) -> tuple[str, ...]:
    """Return a line of the table."""
    cells = []
    for side in SIDES:
        values = [run[side] for run in one["runs"]]
        cells.append(f"{mean_of(one, side):.4f} ({min(values):.4f} to {max(values):.4f})")
    loss = mean_of(first, "mean") - mean_of(one, "mean")
    gain = mean_of(one, "mean") - mean_of(one, "alone")
    return (
        str(one["shards"]),
        f"{one['rows']:,}",
        *cells,
        f"{100 * loss:+.2f}",
        f"{100 * gain:+.2f}",
    )


def figure(found: list[Numbers], title: str) -> bytes:
    """Draw accuracy against the number of shards."""
    lowest = min(mean_of(one, side) for one in found for side in SIDES)
    first = int(100 * lowest)
    step = 1 if first >= 90 else 5
    first -= first % step
    ticks = tuple((value / 100, f"{value} %") for value in range(first, 101, step))
    return line_chart(
        title,
        x=Axis("number of shards", tuple((s, str(s)) for s in SHARDS), log=True),
        y=Axis("accuracy on the test images", ticks),
        series=[
            Series(
                name,
                tuple((one["shards"], mean_of(one, side)) for one in found),
                dashed=side == "alone",
            )
            for side, name in SIDES.items()
        ],
    )
