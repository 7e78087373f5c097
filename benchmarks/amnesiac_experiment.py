"""The experiment of Graves et al. 2021 on MNIST: forget one digit, and forget 100 scattered rows.

A perceptron 784-128-10 under Adam, one shard of one slice. Compared are the untouched model,
one epoch of plain fine-tuning on what remains, both subtractions before and after a repair of one
epoch, and retraining. The attack tells forgotten training rows from test rows of the same classes
by their lower loss: the area under its curve, 0.5 is by chance. No time is measured.
"""

import json
import math
import statistics
import tempfile

from benchmarks import mnist
from benchmarks.apart import numbers_of
from benchmarks.result import Result, Tell

SEEDS = 5
FORGET = ["class", "100"]
T_95 = {4: 2.776}  # Student's t, two-sided, by degrees of freedom


def run(*, quick: bool, tell: Tell) -> Result:
    """Train, forget and compare for all seeds."""
    title = "The amnesiac experiment on MNIST"
    if why := mnist.missing():
        return Result(title, notes=[why])
    seeds, limit, epochs = (1, 2_000, 2) if quick else (SEEDS, 20_000, 4)
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        asked = {
            "folder": folder,
            "seeds": seeds,
            "limit": limit,
            "epochs": epochs,
            "optimizer": "Adam",
            "forget": FORGET,
        }
        tell(f"{seeds} seeds, two twins each")
        found = numbers_of("one_amnesiac", json.dumps(asked))
    rows, notes = [], []
    for name in FORGET:
        runs = [one["cases"][name] for one in found["seeds"]]
        what = "one digit" if name == "class" else f"{name} rows"
        for way in runs[0]["ways"]:
            measured = [one["ways"][way] for one in runs]
            rows.append(
                (
                    what,
                    way,
                    *(
                        interval([one[column] for one in measured])
                        for column in ("rest", "forgotten", "ratio", "attack")
                    ),
                    f"{statistics.mean(one['cost'] for one in measured):.2f}",
                )
            )
        shares = statistics.mean(one["share"] for one in runs)
        notes.append(f"{what}: {shares:.1%} of the batches held one of the rows.")
        if spread := found["spread"][name]:
            relative = statistics.median(spread) / statistics.mean(o["distance"] for o in runs)
            notes.append(
                f"{what}: twins of two seeds lie {relative:.2f} times as far from each other as "
                f"the untouched model from its own twin (median of {len(spread)} pairs)."
            )
    return Result(
        title=f"{title}: {limit:,} rows, {epochs} epochs, {seeds} seeds, mean and 95 % interval",
        columns=(
            "forgotten",
            "way",
            "accuracy on the rest",
            "on the forgotten",
            "distance",
            "attack",
            "steps",
        ),
        rows=rows,
        notes=[
            *notes,
            "Distance to the twin as a share of the untouched model's: 1 and more is no progress. "
            "Steps as a share of the twin's.",
        ],
        numbers=found,
    )


def interval(values: list[float]) -> str:
    """Return the mean with half the width of its 95 % interval, by Student's t."""
    mean = statistics.mean(values)
    if len(values) - 1 not in T_95:
        return f"{mean:.3f}"
    half = T_95[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.3f} ± {half:.3f}"
