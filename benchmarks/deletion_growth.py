"""What training and forgetting one row cost, and how that grows with the table.

A table in the shape of a census, in which each person has one row, is trained on (10 shards of 5
slices, one epoch, batches of 256), and rows drawn at random are forgotten, one by one, in the
workspace as the one before left it. Each command is a process of its own. Told are its processor
seconds, children included, in five columns that are measured as it runs: `one_growth` says which.
Through TFX and without it, and with `--old` also by the code of 961ed0a, in turn.
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.apart import ROOT
from benchmarks.bars import Bar, stacked_bars
from benchmarks.bytes_written import files_of, written
from benchmarks.census_table import write_census
from benchmarks.result import Result, Tell

ROWS, QUICK_ROWS = (12_500, 50_000, 200_000, 1_000_000), (400,)
DELETIONS = 20
COLUMNS = ("start", "steps", "replay", "scan", "else")
IN_WORDS = ("start", "steps", "replay", "scan", "everything else")
FIGURE = "deletion-growth.svg"
SCRIPT = Path(__file__).with_name("one_growth.py")
PARTITION = {"shards": 10, "slices": 5}
STEPS = {"epochs": 1, "batch_size": 256}

Numbers = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A way to train and to forget: by which code, which backend, a model of which family."""

    commit: str
    code: Path
    backend: str
    family: str

    @property
    def name(self) -> str:
        """What it is called in tables."""
        return f"{self.commit}, {self.backend}, {self.family}"

    def options(self, partition: dict[str, int]) -> Numbers:
        """Return the options of the training; what 961ed0a trains is always Keras's."""
        if self.family == "keras":
            return {**STEPS, **partition}
        return {"model_family": self.family}


WAYS = ("tfx/keras", "direct/keras", "direct/naive-bayes")
ALL_WAYS = (*WAYS, "tfx/naive-bayes")


def run(
    *,
    quick: bool,
    tell: Tell,
    rows: Sequence[int] = (),
    deletions: int = DELETIONS,
    old: Path | None = None,
    ways: Sequence[str] = WAYS,
    by_default: bool = False,
    seen: Sequence[Path] = (),
) -> Result:
    """Train on tables of several sizes, and forget rows of each, one by one.

    `old` is a clone of 961ed0a, which had Keras alone; `ways` are backends with families. What was
    `seen`, numbers of earlier runs, is told as well; without `rows` that alone.
    """
    sizes, count = (QUICK_ROWS, 1) if quick else (tuple(rows) or ROWS, deletions)
    sizes = () if seen and not rows else sizes
    partition = {"shards": 2, "slices": 2} if quick else ({} if by_default else PARTITION)
    split = [way.split("/") for way in ways]
    cases = [Case("now", ROOT, *one) for one in split]
    if old is not None:
        cases += [Case("961ed0a", old.absolute(), *one) for one in split if one[1] == "keras"]
    found = [one for file in seen for one in turns_seen(file)]
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
        for size in sizes:
            table = Path(folder) / f"{size}.csv"
            write_census(table, size)
            people = random.Random(size).sample(range(size), count)
            turns = [Turn(one, Path(folder) / f"{n}-{size}") for n, one in enumerate(cases)]
            for turn in turns:
                asked = {"csv": str(table), "label": "label", "subject": "person"}
                turn.train(asked | turn.case.options(partition))
                tell(turn.said(f"train {size:,}", turn.trained))
            for person in people:
                for turn in turns:
                    turn.forget(f"person {person}")
                    tell(turn.said(f"forget of {size:,}", turn.forgotten[-1]))
            found += [(size, turn) for turn in turns]
            table.unlink()
            for turn in turns:
                shutil.rmtree(turn.workspace)
    found.sort(key=lambda one: one[0])
    return Result(
        title="Training, and forgetting one row: processor seconds",
        columns=(
            "rows", "commit, backend, family", "command", *IN_WORDS, "whole",
            "worst: else", "whole", "MiB written", "peak MiB",
        ),
        rows=[line for size, turn in found for line in turn.lines(size)],
        notes=[
            "Rows drawn at random, forgotten one by one: medians, and the worst. How many, and how "
            "many of them of the evaluation split: "
            + "; ".join(
                f"{size:,} ({turn.case.name}): {len(turn.forgotten)}, {turn.evaluated}"
                for size, turn in found
            )
            + ".",
            *(
                f"Written by a deletion ({size:,} rows; {turn.case.name}): {turn.kinds_written()}."
                for size, turn in found
            ),
        ],
        numbers={
            "turns": [
                {"rows": size, **vars(turn.case), "code": None,
                 "train": turn.trained, "forget": turn.forgotten}
                for size, turn in found
            ],
        },
        figures={FIGURE: figure(cases[0].name, found)},
    )  # fmt: skip


class Turn:
    """One case on one table: its workspace, and the numbers of its commands."""

    def __init__(self, case: Case, workspace: Path) -> None:
        self.case, self.workspace = case, workspace
        self.trained: Numbers = {}
        self.forgotten: list[Numbers] = []

    def train(self, asked: Numbers) -> None:
        """Train as is asked of `Project.train`."""
        self.trained = self._run(train=asked)

    def forget(self, *people: str) -> None:
        """Forget people, by one request."""
        self.forgotten.append(self._run(forget=[*people]))

    def _run(self, **asked: Any) -> Numbers:
        before = files_of(self.workspace)
        where = {"workspace": str(self.workspace), "backend": self.case.backend}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.read_text(encoding="utf-8"), json.dumps(where | asked)],
            capture_output=True,
            text=True,
            cwd=self.case.code,
            env={**os.environ, "PYTHONPATH": str(self.case.code)},
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.case.name}, {asked} failed:\n{done.stderr[-2000:]}")
        numbers: Numbers = json.loads(done.stdout.splitlines()[-1])
        return numbers | {"written": written(before, files_of(self.workspace))}

    @property
    def evaluated(self) -> int:
        """How many of the rows were no training rows."""
        return sum(not one["affected_shards"] for one in self.forgotten)

    def kinds_written(self) -> str:
        """Say what a deletion wrote: the median KiB of each kind, if any, the largest first."""
        kinds = {kind for one in self.forgotten for kind in one["written"]}
        each = [
            (statistics.median(one["written"].get(kind, 0) for one in self.forgotten), kind)
            for kind in kinds
        ]
        each = sorted((one for one in each if one[0] >= 512), reverse=True)
        sizes = (f"{kind} {size / 1024:,.0f}" for size, kind in each)
        return f"KiB of {', '.join(sizes)}"

    def said(self, what: str, one: Numbers) -> str:
        """Say what a command took."""
        phases = ", ".join(f"{name} {seconds_of(one, name):.1f}" for name in COLUMNS)
        return f"{what}, {self.case.name}: {phases}"

    def lines(self, size: int) -> list[tuple[str, ...]]:
        """Return the table's lines: the training, and the deletions."""
        return [
            (f"{size:,}", self.case.name, "train", *_line([self.trained])),
            (f"{size:,}", self.case.name, "forget", *_line(self.forgotten)),
        ]


def turns_seen(file: Path) -> list[tuple[int, Turn]]:
    """Read the numbers of an earlier run, as `--json` wrote them."""
    found = []
    for one in json.loads(file.read_text(encoding="utf-8"))["turns"]:
        case = Case(one["commit"], Path(), one["backend"], one["family"])
        turn = Turn(case, Path())
        turn.trained, turn.forgotten = one["train"], one["forget"]
        found.append((one["rows"], turn))
    return found


def seconds_of(one: Numbers, phase: str) -> float:
    """Return the processor seconds of a command's phase."""
    seconds: float = one["phases"].get(phase, 0.0)
    return seconds


def whole(one: Numbers) -> float:
    """Return the processor seconds of a command."""
    return sum(seconds_of(one, phase) for phase in COLUMNS)


def _line(each: Sequence[Numbers]) -> tuple[str, ...]:
    return (
        *(f"{seconds:.1f}" for seconds in _medians(each)),
        f"{statistics.median(map(whole, each)):.1f}",
        f"{max(seconds_of(one, 'else') for one in each):.1f}",
        f"{max(map(whole, each)):.1f}",
        f"{statistics.median(sum(one['written'].values()) for one in each) / 2**20:.1f}",
        f"{max(one['peak_mib'] for one in each):.0f}",
    )


def figure(name: str, found: Sequence[tuple[int, "Turn"]]) -> bytes:
    """Draw where the time of one case goes, training and forgetting, at each size."""
    bars = []
    for size, turn in found:
        if turn.case.name == name:
            for command, each in (("train", [turn.trained]), ("forget", turn.forgotten)):
                bars.append(Bar(command, f"{size:,}", _medians(each)))
    title = f"Where the time goes, by rows of the table ({name})"
    return stacked_bars(title, label="processor seconds", parts=IN_WORDS, bars=bars)


def _medians(each: Sequence[Numbers]) -> tuple[float, ...]:
    return tuple(statistics.median(seconds_of(one, phase) for one in each) for phase in COLUMNS)


@click.command()
@click.option("--rows", multiple=True, type=int, help="A size of the table; may be repeated.")
@click.option("--deletions", default=DELETIONS, show_default=True, help="Rows to forget.")
@click.option("--old", type=click.Path(exists=True, path_type=Path), help="A clone of 961ed0a.")
@click.option(
    "--way",
    "ways",
    multiple=True,
    default=WAYS,
    type=click.Choice(ALL_WAYS),
    help="A backend and a family; may be repeated.",
)
@click.option("--by-default", is_flag=True, help="The partition that is chosen by default.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write all numbers there.")
@click.option(
    "--figures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Write the figure into this folder.",
)
@click.option(
    "--seen",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="Numbers of an earlier run, told as well; without --rows they alone; may be repeated.",
)
@click.option("--markdown", is_flag=True, help="Print the table as Markdown.")
@click.option("--quick", is_flag=True, help="Few rows: to see that it works.")
def main(file: Path | None, figures: Path | None, markdown: bool, **asked: Any) -> None:
    """Run this benchmark alone, with options of its own."""
    from rich.console import Console

    from benchmarks.__main__ import WIDTH, as_markdown, show

    result = run(tell=lambda text: click.echo(text, err=True), **asked)
    if file is not None:
        file.write_text(json.dumps(result.numbers, indent=1) + "\n", encoding="utf-8")
    if figures is not None:
        for figure_name, drawn in result.figures.items():
            (figures / figure_name).write_bytes(drawn)
    if markdown:
        click.echo(as_markdown(result))
    else:
        show(Console(highlight=False, width=WIDTH + 30), result)


if __name__ == "__main__":
    main()
