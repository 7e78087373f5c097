"""Data larger than memory: five million rows from a CSV file to a trained model, and its memory.

    gate       the file is read, checked and written as a snapshot
    index      the snapshot's rows are written to the row index
    store      the snapshot's rows are written by shard and slice
    train      all shards are trained, with their ledger, and the model is written to be served
    by batch   the same, but no stage is read whole, however small: as if it were too large

Each stands in a process of its own, so that its peak is its own. It is what the process holds at
the most, imports and mapped pages included. The rows are made up, piece by piece, from a seed.
"""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.apart import numbers_of
from benchmarks.result import Result, Tell

ROWS, QUICK_ROWS = 5_000_000, 200_000
NUMBERS = 10
ROWS_A_PERSON = 50
PIECE = 100_000
GOAL_MIB = 2048
PHASES = ("gate", "index", "store", "train", "by batch")


def run(*, quick: bool, tell: Tell) -> Result:
    """Make the file, pass it through all phases, and compare the peaks with the goal."""
    rows = QUICK_ROWS if quick else ROWS
    found = {}
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as name:
        folder = Path(name)
        write_rows(folder / "given.csv", rows)
        given = (folder / "given.csv").stat().st_size
        for phase in PHASES:
            found[phase] = numbers_of("one_large", phase, str(folder))
            tell(f"{phase}: {found[phase]['seconds']:.0f} s, {found[phase]['peak_mib']:.0f} MiB")
    digests = {found[phase]["weights_digest"] for phase in ("train", "by batch")}
    return Result(
        title=f"{rows:,} rows of {NUMBERS} numbers, {given / 2**20:,.0f} MiB as CSV",
        columns=("phase", "rows", "s", "of processor", "rows a second of processor", "peak MiB"),
        rows=[
            (
                phase,
                f"{took['rows']:,}",
                f"{took['seconds']:.1f}",
                f"{took['cpu']:.1f}",
                f"{took['rows'] / took['cpu']:,.0f}",
                f"{took['peak_mib']:,.0f}",
            )
            for phase, took in found.items()
        ],
        notes=[
            f"Goal: no peak above {GOAL_MIB:,} MiB. Rows of a training count once for each epoch "
            f"of each stage.",
            "Both trainings gave the same weights."
            if len(digests) == 1
            else "THE TWO TRAININGS GAVE DIFFERENT WEIGHTS.",
        ],
        numbers={"rows": rows, "csv_bytes": given, "phases": found},
    )


def write_rows(path: Path, rows: int) -> None:
    """Write a table of made-up rows: an id, a person, ten numbers, and a label that they tell."""
    draw = np.random.default_rng(4)
    weights = draw.normal(size=NUMBERS)
    header = ["id", "person", *(f"n{number}" for number in range(NUMBERS)), "label"]
    with path.open("w", encoding="utf-8") as stream:
        stream.write(",".join(header) + "\n")
        for start in range(0, rows, PIECE):
            numbers = draw.normal(size=(min(PIECE, rows - start), NUMBERS))
            labels = numbers @ weights + draw.normal(size=len(numbers)) > 0
            people = draw.integers(0, max(1, rows // ROWS_A_PERSON), len(numbers))
            for place, (values, person, label) in enumerate(
                zip(numbers.tolist(), people.tolist(), labels.tolist(), strict=True), start
            ):
                fields = ",".join(f"{value:.4f}" for value in values)
                stream.write(f"{place},p{person},{fields},{'yes' if label else 'no'}\n")
