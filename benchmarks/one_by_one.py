"""Thirty patients of diabetes130, drawn at random, forgotten one by one: what a request costs.

Each request is a command of its own, whole, through TFX with MLMD, in the workspace that the one
before left; partition, model and table are those of `diabetes130`. With `--old` the code of 961ed0a
does the same in turn. Told are processor seconds, children included, and those that passed: the
median, an interval that covers it with 95 % (between two of the ordered values: no distribution is
assumed), and the worst. The first requests are told apart too: an old model's first one leaves
behind what later ones take over.
"""

import math
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks import diabetes130, mnist
from benchmarks.apart import ROOT
from benchmarks.deletion_growth import Case, Turn, whole
from benchmarks.result import Result, Tell
from lineage_store.keys.secret import create_secret

REQUESTS, QUICK_REQUESTS = 30, 1
BACKEND = "tfx"
FEWEST_FOR_AN_INTERVAL = 6

Numbers = dict[str, Any]


def run(
    *,
    quick: bool,
    tell: Tell,
    requests: int = REQUESTS,
    rows: int | None = None,
    old: Path | None = None,
) -> Result:
    """Train on the table, or its first rows, and forget patients one by one."""
    title = "Patients of diabetes130, forgotten one by one: whole commands"
    if not diabetes130.FILE.exists():
        name, folder = diabetes130.FILE.name, diabetes130.FILE.parent
        return Result(title, notes=[f"Skipped: it needs {name} in {folder}."])
    count = QUICK_REQUESTS if quick else requests
    cases = [Case("now", ROOT, BACKEND, "keras")]
    if old is not None:
        cases.append(Case("961ed0a", old.absolute(), BACKEND, "keras"))
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        table, key = Path(folder) / "encounters.csv", Path(folder) / "key"
        create_secret(key, mnist.SECRET)
        patients = diabetes130.write_table(table, limit=1_000 if quick else rows)
        asked = {
            "csv": str(table),
            "label": diabetes130.LABEL,
            "subject": diabetes130.SUBJECT,
            "row_id": diabetes130.ROW_ID,
            "shards": 2 if quick else diabetes130.SHARDS,
            "slices": 2 if quick else diabetes130.SLICES,
            "epochs": 1 if quick else 6,
            "batch_size": 128,
            "seed": diabetes130.SEED,
            "key_file": str(key),
        }
        turns = [Turn(one, Path(folder) / str(number)) for number, one in enumerate(cases)]
        for turn in turns:
            turn.train(asked)
            tell(turn.said("train", turn.trained))
        for patient in diabetes130.drawn(patients, [1] * count):
            for turn in turns:
                turn.forget(*patient)
                tell(turn.said("forget", turn.forgotten[-1]))
    return Result(
        title,
        columns=("commit, backend, family", "seconds", "train", "median", "95 %", "worst", "first"),
        rows=[line for turn in turns for line in _lines(turn)],
        notes=[_compared(turns)] if old is not None else [],
        numbers={
            turn.case.name: {"train": turn.trained, "forget": turn.forgotten} for turn in turns
        },
    )


def _lines(turn: Turn) -> list[tuple[str, ...]]:
    lines = []
    for name, seconds in (("of processor", whole), ("passed", _passed)):
        each = [seconds(one) for one in turn.forgotten]
        lines.append(
            (
                turn.case.name,
                name,
                f"{seconds(turn.trained):.1f}",
                f"{statistics.median(each):.1f}",
                _interval(each),
                f"{max(each):.1f}",
                f"{each[0]:.1f}",
            )
        )
    return lines


def _passed(one: Numbers) -> float:
    seconds: float = one["passed"]
    return seconds


def _compared(turns: Sequence[Turn]) -> str:
    now, before = (statistics.median(map(whole, turn.forgotten)) for turn in turns)
    return f"A request takes {before / now:.1f} times the processor seconds at 961ed0a (goal: 5)."


def _interval(values: Sequence[float]) -> str:
    """Return the ordered values between which the median lies with at least 95 %."""
    count = len(values)
    if count < FEWEST_FOR_AN_INTERVAL:
        return "-"
    left_out, chance = 0, 0.0
    while (chance := chance + math.comb(count, left_out) / 2**count) <= 0.025:
        left_out += 1
    ordered = sorted(values)
    return f"{ordered[left_out - 1]:.1f} to {ordered[count - left_out]:.1f}"


@click.command()
@click.option("--requests", default=REQUESTS, show_default=True, help="Patients to forget.")
@click.option("--rows", type=int, help="Only so many of the table's rows.")
@click.option("--old", type=click.Path(exists=True, path_type=Path), help="A clone of 961ed0a.")
@click.option("--quick", is_flag=True, help="Few rows: to see that it works.")
def main(**asked: Any) -> None:
    """Run this benchmark alone, with options of its own."""
    from rich.console import Console

    from benchmarks.__main__ import WIDTH, show

    result = run(tell=lambda text: click.echo(text, err=True), **asked)
    show(Console(highlight=False, width=WIDTH + 30), result)


if __name__ == "__main__":
    main()
