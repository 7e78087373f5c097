"""Poison planted in MNIST and in taxi trips: what each detector proposes, and what that is worth.

No time is measured, so it may run beside other work.
"""

import json
import statistics
import tempfile
from typing import Any

from benchmarks import mnist
from benchmarks.apart import numbers_of
from benchmarks.marginal import spread
from benchmarks.one_poison import ATTACKS, DATA, FLIPPED, OF_TARGET, SHARDS, SOURCES
from benchmarks.result import Result, Tell

SEEDS = 5


def run(*, quick: bool, tell: Tell) -> Result:
    """Plant, detect, remove and compare, for each data set and seed."""
    if why := mnist.missing():
        return Result("Poison", notes=[why])
    seeds, limit, epochs = (1, 600, 1) if quick else (SEEDS, 4_000, 4)
    found: dict[str, list[dict[str, Any]]] = {}
    for data in DATA:
        for seed in range(seeds):
            found.setdefault(data, []).append(once(data, seed, limit, epochs))
            tell(f"{data}, seed {seed}: {found[data][-1]['flip']['loss']}")
    rows = []
    for data, runs in found.items():
        for attack in ATTACKS:
            for way in runs[0][attack]:
                measured = [one[attack][way] for one in runs]
                rows.append(
                    (
                        data,
                        attack,
                        way,
                        *(
                            spread([one[name] for one in measured], 3)
                            for name in ("caught", "clean", "success", "accuracy")
                        ),
                    )
                )
    return Result(
        title=f"Poison in {limit:,} rows, {SHARDS} shards, {epochs} epochs, {seeds} seeds: "
        f"median (least to most)",
        columns=("data", "attack", "removed by", "poison", "clean", "success", "accuracy"),
        rows=rows,
        notes=[
            "Poison and clean: the shares of these rows that are removed; success: the attack's.",
            f"flip: {FLIPPED:.0%} of the labels, success is the error on clean test rows; "
            f"backdoor: {OF_TARGET:.0%} of the target's rows, success is the share of triggered "
            f"test rows of other classes that are told to be the target.",
            f"Loss proposes as large a share of all rows, spectral 1.5 times that of each class; "
            f"for provenance all poison comes from one of {SOURCES} sources, among clean rows.",
            _worth(found),
        ],
        numbers={"runs": found},
    )


def _worth(found: dict[str, list[dict[str, Any]]]) -> str:
    """Name what removes poison at twice the rate of drawing at random, in the median."""
    better = []
    for data, runs in found.items():
        for attack in ATTACKS:
            for way in ("loss", "spectral", "provenance"):
                caught = statistics.median(one[attack][way]["caught"] for one in runs)
                clean = statistics.median(one[attack][way]["clean"] for one in runs)
                if caught > 2 * max(clean, 0.001):
                    better.append(f"{way} ({data}, {attack})")
    return (
        f"At more than twice the rate at which clean rows go, poison goes by: {'; '.join(better)}."
    )


def once(data: str, seed: int, limit: int, epochs: int) -> dict[str, Any]:
    """Measure one data set and seed in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        asked = {"folder": folder, "data": data, "seed": seed, "limit": limit, "epochs": epochs}
        return numbers_of("one_poison", json.dumps(asked))
