"""Training with lineage against Keras's own `fit`: same model, rows, epochs and batch size.

Every training runs in a process of its own on one thread (`one_training` says what is timed). The
sides take turns, and each is compared with the deterministic `fit` of its own round, so that a
drift of the machine cancels; what is told are medians over the rounds.

    MNIST         60,000 images, perceptron 784-256-256-10, batches of 128, one shard, one slice
    taxi          13,533 trips, the built-in tabular model, batches of 64, one shard, one slice
    taxi 5 x 4    the same trips in the demo's five shards of four slices, against `fit` of ONE
                  model on all of them for the same number of epochs: what a user has without us

Ours takes a few per cent more steps for the same epochs: the number of batches is rounded up on a
10 % grid, and the batches are that much smaller. Its time is told as it is.
"""

import json
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import mnist, taxi_rows
from benchmarks.apart import ROOT, numbers_of
from benchmarks.result import Result, Tell
from lineage_store.placement import Partition
from unlearning.encoding.encode_records import store_from_snapshot

TABULAR = ROOT / "unlearning" / "keras_models" / "built_in.py"
SIDES = ("fit", "none", "int8", "all", "stock")
ROUNDS = 5
NAMES = {
    "fit": "fit, deterministic",
    "none": "ours, record none",
    "int8": "ours, record all, int8",
    "all": "ours, record all, float32",
    "stock": "fit, as it comes",
}
GOAL, GOAL_INT8 = 1.05, 1.35

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One comparison: a row store on disk, a model file, and how they are trained."""

    name: str
    store: Path
    module: Path
    partition: Partition


def run(*, quick: bool, tell: Tell) -> Result:
    """Measure all cases and compare each side with the deterministic `fit`."""
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        cases = prepare(Path(folder), quick=quick)
        found = {case.name: measured(case, 1 if quick else ROUNDS, tell) for case in cases}
    notes = [
        f"Rounds: {1 if quick else ROUNDS}; medians. Ratios are to the deterministic fit of the "
        f"same round; goal for record none: at most {GOAL}, for record all in 8 bits on MNIST: at "
        f"most {GOAL_INT8}. 'fit, as it comes' is not "
        f"deterministic, and Keras compiles it with XLA.",
    ]
    if mnist.missing():
        notes.append(f"MNIST: {mnist.missing()}")
    return Result(
        title="Training with lineage against Keras's fit",
        columns=(
            "data",
            "side",
            "steps",
            "loop s",
            "ratio",
            "of cpu",
            "with tracing s",
            "ratio",
            "accuracy",
        ),
        rows=[line(name, side, sides[side]) for name, sides in found.items() for side in SIDES],
        notes=notes,
        numbers={"cases": found},
    )


def prepare(folder: Path, *, quick: bool) -> list[Case]:
    """Write the row stores and model files of all cases."""
    cases = []
    if mnist.missing() is None:
        partition = Partition(shards=1, slices=1, epochs=1 if quick else 5, batch_size=128, seed=0)
        store = mnist.write_store(folder / "mnist", partition, limit=6_000 if quick else 60_000)
        module = folder / "perceptron.py"
        module.write_text(mnist.MODULE, encoding="utf-8")
        cases.append(Case("MNIST", store.folder, module, partition))
    snapshot = taxi_rows.gate_trips(folder)
    for name, shards, slices in (("taxi", 1, 1), ("taxi 5 x 4", 5, 4)):
        partition = Partition(shards, slices, epochs=1 if quick else 10, batch_size=64, seed=0)
        store = store_from_snapshot(folder / name, snapshot, partition)
        cases.append(Case(name, store.folder, TABULAR, partition))
    return cases[:2] if quick else cases


def measured(case: Case, rounds: int, tell: Tell) -> dict[str, Numbers]:
    """Let the sides take turns; return the medians of each, with its ratios to `fit`."""
    turns: dict[str, list[Numbers]] = {side: [] for side in SIDES}
    for number in range(rounds):
        for side in SIDES:
            turns[side].append(train_apart(case, side))
            tell(f"{case.name}, round {number + 1}, {NAMES[side]}: {turns[side][-1]['loop']:.2f} s")
    found = {}
    for side in SIDES:
        medians: Numbers = {"steps": turns[side][0]["steps"]}
        medians["accuracy"] = turns[side][0]["accuracy"]
        for what in ("loop", "cpu", "whole"):
            medians[what] = statistics.median(turn[what] for turn in turns[side])
            medians[f"{what}_ratio"] = statistics.median(
                turn[what] / fit[what] for turn, fit in zip(turns[side], turns["fit"], strict=True)
            )
        found[side] = medians | {"turns": turns[side]}
    return found


def train_apart(case: Case, side: str) -> Numbers:
    """Run one training in a process of its own and return its numbers."""
    asked = {
        "side": side,
        "store": str(case.store),
        "module": str(case.module),
        "partition": asdict(case.partition),
    }
    return numbers_of("one_training", json.dumps(asked))


def line(name: str, side: str, found: Numbers) -> tuple[str, ...]:
    """Return a side's line of the table."""
    return (
        name,
        NAMES[side],
        f"{found['steps']:,}",
        f"{found['loop']:.2f}",
        f"{found['loop_ratio']:.2f}",
        f"{found['cpu_ratio']:.2f}",
        f"{found['whole']:.2f}",
        f"{found['whole_ratio']:.2f}",
        f"{found['accuracy']:.4f}",
    )
