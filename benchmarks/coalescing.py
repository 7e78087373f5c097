"""Many single-row requests on MNIST, one by one and together, against the theory.

1, 10, 100 and 1,000 requests of one row each, drawn evenly from 60,000 images; 10 shards of 5
slices, perceptron 784-256-256-10, batches of 128, 12 epochs (6,000 images, 3 epochs, up to 100
requests and two carried out singly with --quick). Costs are shares of the full training of the
same run. `theory` derives what is expected:

    one by one   K (2 R + 1) / (3 R S)
    together     sum over stages j of w_j (1 - (1 - j / (S R))^K), with w_j = 2 j / (R (R + 1))

Steps are counted from the real decisions, for ten draws of rows (two with --quick). Carried out in
full are all requests together, for each number, and the first 20 one by one, each from the ledger
that the one before has left; their time is told as a share of the full training's time, without
tracing and evaluation, which each deletion run has once and `deletion-cost` shows. `of cpu` is the
same in processor time, which other work on the machine disturbs less.
"""

import json
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks import mnist, theory
from benchmarks.apart import numbers_of
from benchmarks.chart import Axis, Series, line_chart
from benchmarks.one_unlearning import training_seconds
from benchmarks.result import Result, Tell
from lineage_store.placement import Partition

SIZES = (1, 10, 100, 1_000)
DRAWS, SAMPLE = 10, 20
FIGURE = "coalescing.svg"

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Count and carry out the requests, and compare both with the theory."""
    title = "Single-row requests on MNIST, one by one and together"
    if why := mnist.missing():
        return Result(title, notes=[why])
    limit, epochs, sizes = (6_000, 3, SIZES[:3]) if quick else (60_000, 12, SIZES)
    partition = Partition(shards=10, slices=5, epochs=epochs, batch_size=128, seed=0)
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        asked = {
            "folder": folder,
            "partition": asdict(partition),
            "limit": limit,
            "sizes": sizes,
            "draws": 2 if quick else DRAWS,
            "sample": 2 if quick else SAMPLE,
        }
        found = numbers_of("one_coalescing", json.dumps(asked))
    full = found["full"]
    tell(f"full training: {full['parts']['steps']:.1f} s, {full['computed']:,} steps")
    lines = [compared(found, number, size, partition) for number, size in enumerate(sizes)]
    sample = found["singly"]
    seconds = sum(map(training_seconds, sample))
    steps = sum(one["computed"] for one in sample)
    each, whole = seconds / steps, full["parts"]["steps"] / full["computed"]
    return Result(
        title=title,
        columns=(
            "requests",
            "one by one: theory",
            "counted",
            "together: theory",
            "counted",
            "range",
            "steps computed",
            "time",
            "of cpu",
            "saved",
        ),
        rows=[shown(line) for line in lines],
        notes=[
            "All as multiples of the full training of the same partition: "
            f"{full['computed']:,} steps, {full['parts']['steps']:.1f} s.",
            f"Carried out one by one: the first {len(sample)} requests, {steps:,} steps in "
            f"{seconds:.1f} s; {1000 * each:.2f} ms a step, {each / whole:.2f} of what a step of "
            f"the full training takes ({1000 * whole:.2f} ms). The rest is counted.",
            "After a deletion there are fewer rows, and so fewer steps in a full training.",
        ],
        numbers={"lines": lines, "step_ratio": each / whole, **found},
        figures={FIGURE: figure(lines, partition, title)},
    )


def compared(found: Numbers, number: int, size: int, partition: Partition) -> Numbers:
    """Compare what was counted and carried out for so many requests with the theory."""
    cut = {"shards": partition.shards, "slices": partition.slices}
    full, done = found["full"], found["together"][number]
    together = [draw["together"][number] / full["computed"] for draw in found["counted"]]
    singly = [sum(draw["singly"][:size]) / full["computed"] for draw in found["counted"]]
    return {
        "requests": size,
        "singly_theory": theory.one_by_one(size, **cut),
        "singly": statistics.mean(singly),
        "together_theory": theory.together(size, **cut),
        "together": statistics.mean(together),
        "together_least": min(together),
        "together_most": max(together),
        "computed": done["computed"],
        "computed_share": done["computed"] / full["computed"],
        "time_share": training_seconds(done) / full["parts"]["steps"],
        "cpu_share": training_seconds(done, of="cpu") / full["cpu"]["steps"],
    }


def shown(line: Numbers) -> tuple[str, ...]:
    """Return a line of the table."""
    return (
        f"{line['requests']:,}",
        f"{line['singly_theory']:.3f}",
        f"{line['singly']:.3f}",
        f"{line['together_theory']:.3f}",
        f"{line['together']:.3f}",
        f"{line['together_least']:.3f} to {line['together_most']:.3f}",
        f"{line['computed']:,} ({line['computed_share']:.3f})",
        f"{line['time_share']:.3f}",
        f"{line['cpu_share']:.3f}",
        f"{line['singly'] / line['together']:.1f} times",
    )


def figure(lines: list[Numbers], partition: Partition, title: str) -> bytes:
    """Draw the cost against the number of requests, both axes logarithmic.

    Of the times it is processor time, so that a busy machine draws the same picture.
    """

    def points(what: str) -> tuple[tuple[float, float], ...]:
        return tuple((line["requests"], line[what]) for line in lines)

    def expected(name: str, formula: Callable[..., float]) -> Series:
        numbers = np.geomspace(1, lines[-1]["requests"], 31)
        cut = {"shards": partition.shards, "slices": partition.slices}
        curve = tuple((number, formula(number, **cut)) for number in numbers.tolist())
        return Series(name, curve, marks=False, dashed=True)

    return line_chart(
        title,
        x=Axis("requests of one row", tuple((n, f"{n:,}") for n in SIZES), log=True),
        y=Axis(
            "cost (full trainings)",
            ((0.01, "0.01"), (0.1, "0.1"), (1, "1"), (10, "10"), (100, "100")),
            log=True,
        ),
        series=[
            expected("one by one, theory", theory.one_by_one),
            Series("one by one, steps counted", points("singly"), line=False),
            expected("together, theory", theory.together),
            Series("together, processor time", points("cpu_share"), line=False),
        ],
    )
