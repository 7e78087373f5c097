"""What the pipeline around training and forgetting costs, part by part, on the taxi trips.

`unweave train` (five shards of four slices) and `unweave forget --rows` of one trip, whole command
lines with TFX and MLMD, each in a process of its own. The parts are timed by wrapping functions in
that process, so they are those of real runs. Medians over the rounds.
"""

import csv
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.apart import run_module
from benchmarks.mnist import KEYS, SECRET
from benchmarks.result import Result, Tell
from lineage_store.data.record import EVALUATION_PERCENT
from lineage_store.keys.secret import create_secret
from lineage_store.placement import in_evaluation
from unweave.demo.taxi import LABEL, SUBJECT, write_trips

ROUNDS = 3
ROW_ID = "trip_id"

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Train and forget through TFX, and take the commands apart."""
    rounds, epochs = (1, 1) if quick else (ROUNDS, 10)
    turns: dict[str, list[Numbers]] = {"train": [], "forget": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
            for name, arguments in commands(Path(folder), epochs).items():
                turns[name].append(timed(Path(folder), arguments))
                tell(f"round {number + 1}, {name}: {turns[name][-1]['seconds']:.1f} s")
    found = {name: medians(each) for name, each in turns.items()}
    return Result(
        title="What is around training and forgetting, in seconds",
        columns=("part", "train", "TFX's share", "forget", "TFX's share"),
        rows=table(found["train"], found["forget"]),
        notes=[
            f"Rounds: {rounds}; medians of wall time. TFX's share of a component is what its "
            f"executor does not take: drivers and MLMD. Parts that begin with a stroke are within "
            f"the one above.",
        ],
        numbers={**found, "turns": turns},
    )


def commands(folder: Path, epochs: int) -> dict[str, list[str]]:
    """Write the trips with a number each; return the two commands' arguments."""
    write_trips(folder / "plain.csv")
    with (
        (folder / "plain.csv").open(newline="", encoding="utf-8") as plain,
        (folder / "trips.csv").open("w", newline="", encoding="utf-8") as numbered,
    ):
        reader, writer = csv.reader(plain), csv.writer(numbered)
        writer.writerow([ROW_ID, *next(reader)])
        writer.writerows([f"trip-{number:06d}", *row] for number, row in enumerate(reader))
    create_secret(folder / "secret", SECRET)
    workspace = ["--workspace", str(folder / "workspace"), "--json"]
    return {
        "train": [
            "train", "--csv", str(folder / "trips.csv"), "--label-column", LABEL,
            "--subject-column", SUBJECT, "--row-id-column", ROW_ID, "--place-by", "row",
            "--shards", "5", "--slices", "4", "--epochs", str(epochs), "--batch-size", "64",
            "--key-file", str(folder / "secret"), *workspace,
        ],
        "forget": ["forget", "--rows", trained_on(), *workspace],
    }  # fmt: skip


def trained_on() -> str:
    """Return the first trip that is no evaluation row."""
    number = 0
    while True:
        name = f"trip-{number:06d}"
        key = KEYS.row_key(kind="id", value=name.encode())
        if not in_evaluation(key, percent=EVALUATION_PERCENT):
            return name
        number += 1


def timed(folder: Path, arguments: list[str]) -> Numbers:
    """Run a command in a process of its own and return its times."""
    file = folder / "times.json"
    began = time.perf_counter()
    run_module("one_command", str(file), *arguments)
    seconds = time.perf_counter() - began
    return {**json.loads(file.read_text(encoding="utf-8")), "seconds": seconds}


def medians(turns: list[Numbers]) -> Numbers:
    """Return the medians of the parts and of the whole; what is left over is `all else`."""
    whole = [complete(turn) for turn in turns]
    parts = {name: statistics.median(turn.get(name, 0.0) for turn in whole) for name in whole[0]}
    components = components_of(parts)
    return {
        "seconds": statistics.median(turn["seconds"] for turn in turns),
        "parts": parts,
        "components": components,
        "tfx": sum(parts[name] - parts.get(f"{name}/executor", 0.0) for name in components),
    }


def complete(turn: Numbers) -> dict[str, float]:
    """Return a turn's parts with what no watched function took, inside the pipeline and around."""
    parts = dict(turn["parts"])
    pipeline = parts.pop("pipeline")
    parts["compile the pipeline"] = pipeline - sum(parts[name] for name in components_of(parts))
    top = [name for name in parts if "/" not in name]
    parts["all else"] = turn["seconds"] - sum(parts[name] for name in top)
    return parts


def components_of(parts: dict[str, float]) -> list[str]:
    """Return the parts that are components of the pipeline."""
    return [name for name in parts if f"{name}/executor" in parts or name == "OldLedger"]


def table(train: Numbers, forget: Numbers) -> list[tuple[str, ...]]:
    """Return the lines: imports, what is before, the components, what is after, the whole."""
    before = ["import unweave", "import TensorFlow", "import TFX", "gate", "find and plan",
              "compile the pipeline"]  # fmt: skip
    components = list(dict.fromkeys([*forget["components"], *train["components"]]))
    order = ["DeletionPlanner", "OldLedger", "GatedExampleGen", "GatedStatisticsGen", "SchemaGen",
             "RowIndexer", "LineageTrainer", "Unlearner", "DeletionChecker", "Pusher",
             "ModelRecorder", "Eraser", "Certifier"]  # fmt: skip
    components.sort(key=lambda name: order.index(name) if name in order else len(order))
    within = {"LineageTrainer": "fit/", "Unlearner": "fit/", "DeletionChecker": "checker/",
              "Eraser": "eraser/"}  # fmt: skip
    lines = [line(name, name, train, forget) for name in before]
    for name in components:
        lines.append(line(name, name, train, forget))
        side = train if name in train["components"] else forget
        for part in side["parts"]:
            if name in within and part.startswith(within[name]):
                told = f"  / {part.partition('/')[2]}"
                lines.append(line(told, part, *(n if n is side else None for n in (train, forget))))
    lines += [line(name, name, train, forget) for name in ("record in MLMD", "all else")]
    whole = [f"{train['seconds']:.1f}", f"{train['tfx']:.1f}"]
    lines.append(("the whole command", *whole, f"{forget['seconds']:.1f}", f"{forget['tfx']:.1f}"))
    return lines


def line(told: str, name: str, train: Numbers | None, forget: Numbers | None) -> tuple[str, ...]:
    """Return a part's line: its seconds in both commands, and TFX's share of a component."""
    cells = [told]
    for side in (train, forget):
        parts = {} if side is None else side["parts"]
        cells.append(f"{parts[name]:.2f}" if name in parts else "")
        executor = parts.get(f"{name}/executor")
        cells.append("" if executor is None else f"{parts[name] - executor:.2f}")
    return tuple(cells)
