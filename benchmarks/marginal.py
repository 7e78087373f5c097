"""Approximate ways to forget against the retrained twin: MNIST, SGD, momentum and Adam.

No time is measured: only distances, accuracies, losses and steps, so it may run beside other work.
"""

import json
import statistics
import tempfile
from typing import Any

from benchmarks import mnist
from benchmarks.apart import numbers_of
from benchmarks.one_marginal import OPTIMIZERS
from benchmarks.result import Result, Tell
from unlearning.strategies.last_epoch import WINDOWS

SEEDS = 5
FORGET = ["10", "100", "1000", "class"]
COMPARED = [1, 4, 8]
OURS = f"last epoch, {WINDOWS} windows"


def run(*, quick: bool, tell: Tell) -> Result:
    """Train, forget and compare for all optimizers and seeds."""
    if why := mnist.missing():
        return Result("Marginal subtraction", notes=[why])
    seeds, limit, epochs = (1, 2_000, 2) if quick else (SEEDS, 20_000, 4)
    found: dict[str, list[dict[str, Any]]] = {}
    for optimizer in OPTIMIZERS:
        for seed in range(seeds):
            found.setdefault(optimizer, []).append(once(optimizer, seed, limit, epochs))
            ratios = {
                name: one["ways"][OURS]["ratio"] for name, one in found[optimizer][-1].items()
            }
            tell(f"{optimizer}, seed {seed}: {ratios}")
    rows, further = [], []
    for optimizer, runs in found.items():
        for name in FORGET:
            for way in runs[0][name]["ways"]:
                measured = [one[name]["ways"][way] for one in runs]
                ratio = [one["ratio"] for one in measured]
                if way == OURS and statistics.median(ratio) > 1:
                    further.append(f"{optimizer}, {name}")
                rows.append(
                    (
                        optimizer,
                        name,
                        way,
                        spread(ratio, 3),
                        spread([one["accuracy"] for one in measured], 4),
                        spread([one["loss"] for one in measured], 3),
                        f"{statistics.median(one['cost'] for one in measured):.2f}",
                    )
                )
    return Result(
        title=f"MLP 784-128-10, {limit:,} rows of MNIST, {epochs} epochs, {seeds} seeds: "
        f"median (least to most)",
        columns=("optimizer", "forgotten", "way", "distance", "accuracy", "loss on them", "steps"),
        rows=rows,
        notes=[
            "Distance to the twin as a share of the untouched model's; steps as a share of the "
            "twin's.",
            f"The strategy ({OURS}) is further from the twin than the untouched model, in the "
            f"median, in: {'; '.join(further) or 'no case'}.",
        ],
        numbers={"runs": found},
    )


def spread(values: list[float], digits: int) -> str:
    """Return the median of values with the least and the greatest."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def once(optimizer: str, seed: int, limit: int, epochs: int) -> dict[str, Any]:
    """Measure one optimizer and seed in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        asked = {
            "folder": folder,
            "optimizer": optimizer,
            "seed": seed,
            "limit": limit,
            "epochs": epochs,
            "forget": FORGET,
            "windows": COMPARED,
        }
        return numbers_of("one_marginal", json.dumps(asked))
