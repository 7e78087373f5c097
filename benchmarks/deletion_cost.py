"""Forgetting one row exactly against its share of the full training, on MNIST.

Ten shards of five slices; every image is a subject of its own. The full training and the deletion
of one row from each of the five slices take turns, each in a process of its own, and a deletion is
compared with the full training of its own round, so that a drift of the machine cancels.

    steps       computed against what the partition says is needed: the stages from the row's
                slice on, of its shard
    time        the deletion's training time against its share of the full training's, share being
                computed steps over all steps

Tracing a graph costs the same for one step as for all, and so has a column of its own, as have
evaluation and export, and what is taken again before anything is taken over (law 3): its seconds,
the processor's seconds, and its steps. The pipeline around it is measured by `pipeline-cost`.
"""

import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import mnist
from benchmarks.apart import numbers_of
from benchmarks.one_unlearning import place_of
from benchmarks.result import Result, Tell
from lineage_store.placement import Partition

ROUNDS = 2
STEPS_GOAL, TIME_GOAL = 1.05, 1.15

Numbers = dict[str, Any]


def run(*, quick: bool, tell: Tell) -> Result:
    """Train, forget one row of each slice, and compare."""
    if why := mnist.missing():
        return Result("Forgetting one row of MNIST", notes=[why])
    partition = Partition(shards=10, slices=5, epochs=3 if quick else 36, batch_size=64, seed=0)
    limit, rounds = (6_000, 1) if quick else (60_000, ROUNDS)
    fulls, deletions = [], []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as folder:
            trained = Path(folder) / "trained"
            full = apart(trained, partition, limit)
            fulls.append(full)
            tell(f"full training: {full['parts']['steps']:.1f} s, {full['computed']:,} steps")
            for row, shard, slice_ in one_row_a_slice(partition, limit, skip=number):
                if quick and slice_ not in (0, partition.slices - 1):
                    continue
                one = apart(Path(folder) / str(row), partition, limit, row=row, trained=trained)
                shutil.rmtree(Path(folder) / str(row))
                deletions.append(compared(one, full) | {"shard": shard, "slice": slice_})
                tell(f"slice {slice_}: {one['parts']['steps']:.1f} s, {one['computed']:,} steps")
    mean = {
        what: statistics.mean(one[what] for one in deletions)
        for what in ("steps_ratio", "time_ratio", "cpu_ratio")
    }
    longest = statistics.median(full["parts"]["steps"] for full in fulls)
    return Result(
        title="Forgetting one row of MNIST, against its share of the full training",
        columns=(
            "deleted from",
            "steps",
            "needed",
            "ratio",
            "of all",
            "training s",
            "share s",
            "ratio",
            "of cpu",
            "tracing s",
            "keeping s",
            "replay s",
            "of cpu",
            "steps again",
            "evaluate s",
            "export s",
        ),
        rows=[*(line(one) for one in deletions), *(full_line(full) for full in fulls)],
        notes=[
            f"Means: steps {mean['steps_ratio']:.3f} of what is needed (goal: at most "
            f"{STEPS_GOAL}), time {mean['time_ratio']:.3f} of its share (goal: at most "
            f"{TIME_GOAL}), processor time {mean['cpu_ratio']:.3f}.",
            f"The full training's steps took {longest:.0f} s; accuracy "
            f"{fulls[0]['accuracy']:.4f} before and {deletions[0]['accuracy']:.4f} after.",
        ],
        numbers={"means": mean, "full": fulls, "deletions": deletions},
    )


def one_row_a_slice(
    partition: Partition, limit: int, *, skip: int
) -> Iterator[tuple[int, int, int]]:
    """Yield (row, shard, slice) for one row of each slice, all in different shards."""
    wanted = list(range(partition.slices))
    used: set[int] = set()
    for row in range(skip * limit // (ROUNDS + 1), limit):
        shard, slice_ = place_of(mnist.row_key("train", row), partition)
        if slice_ in wanted and shard not in used:
            wanted.remove(slice_)
            used.add(shard)
            yield row, shard, slice_


def apart(
    folder: Path,
    partition: Partition,
    limit: int,
    *,
    row: int | None = None,
    trained: Path | None = None,
) -> Numbers:
    """Train, or forget one row, in a process of its own; return its numbers."""
    folder.mkdir()
    asked = {"folder": str(folder), "partition": asdict(partition), "limit": limit, "row": row}
    return numbers_of("one_unlearning", json.dumps(asked | {"trained": str(trained)}))


def compared(one: Numbers, full: Numbers) -> Numbers:
    """Add to a deletion's numbers its ratios to what is needed and to its share."""
    share = one["computed"] / full["computed"]
    fair = share * full["parts"]["steps"]
    return one | {
        "share": share,
        "fair": fair,
        "steps_ratio": one["computed"] / one["needed"],
        "time_ratio": one["parts"]["steps"] / fair,
        "cpu_ratio": one["cpu"]["steps"] / (share * full["cpu"]["steps"]),
    }


def line(one: Numbers) -> tuple[str, ...]:
    """Return a deletion's line of the table."""
    return (
        f"shard {one['shard']}, slice {one['slice']}",
        f"{one['computed']:,}",
        f"{one['needed']:,}",
        f"{one['steps_ratio']:.3f}",
        f"{one['share']:.1%}",
        f"{one['parts']['steps']:.2f}",
        f"{one['fair']:.2f}",
        f"{one['time_ratio']:.2f}",
        f"{one['cpu_ratio']:.2f}",
        *parts(one),
    )


def full_line(full: Numbers) -> tuple[str, ...]:
    """Return the full training's line of the table."""
    nothing = ("", "", "100.0%", f"{full['parts']['steps']:.2f}", "", "", "")
    return ("full training", f"{full['computed']:,}", *nothing, *parts(full))


def parts(found: Numbers) -> tuple[str, ...]:
    """Return what is not training, in seconds."""
    before, after = (
        [f"{found['parts'].get(name, 0.0):.2f}" for name in names]
        for names in (("tracing", "keeping"), ("evaluating", "exporting"))
    )
    again = ("", "", "")
    if "replay" in found:
        again = (
            f"{found['replay']:.2f}",
            f"{found['replay_cpu']:.2f}",
            f"{found['replayed']}",
        )
    return (*before, *again, *after)
