"""How fast step records get into MLMD, and how much memory that takes for a long run.

A ledger of one shard and one stage, with nothing trained: each step has one batch and one update.
`singly` is one `put_execution` a step; `pieces` is unweave's ingest, which also writes the events
that tie batch and update to their stage; `bare` is the same from a bare loop, to tell what MLMD
could take at the most. SQLite, each turn in a process and a file of its own, the ways in turn;
medians. Memory is the peak of the process above what it held before.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.apart import numbers_of
from benchmarks.handmade import plain_header
from benchmarks.result import Result, Tell
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import ShardLedger, shard_folder, write_header
from lineage_store.placement import Partition

SINGLY = 2_000
WAYS = {
    "singly": "one put_execution a step",
    "bare": "in pieces, from a bare loop",
    "short": "unweave's ingest",
    "long": "unweave's ingest",
}


def run(*, quick: bool, tell: Tell) -> Result:
    """Ingest a short and a long run, and a few steps one by one."""
    short, long, singly, rounds = (500, 2_000, 200, 1) if quick else (10_000, 100_000, SINGLY, 3)
    found: dict[str, list[dict[str, Any]]] = {what: [] for what in WAYS}
    with tempfile.TemporaryDirectory(prefix="unweave-benchmark-") as name:
        folder = Path(name)
        for length in (short, long):
            make_ledger(folder / str(length), length)
        for number in range(rounds):
            turns = (
                ("singly", short, singly),
                ("bare", short, short),
                ("short", short, short),
                ("long", long, long),
            )
            for what, length, steps in turns:
                how = what if what in ("singly", "bare") else "pieces"
                took = one_ingest(folder, length, how, steps)
                found[what].append(took)
                tell(f"round {number + 1}, {what}: {took['steps'] / took['seconds']:.0f} steps/s")
    rate = {what: statistics.median(t["steps"] / t["seconds"] for t in turns)
            for what, turns in found.items()}  # fmt: skip
    memory = {what: statistics.median((t["peak"] - t["before"]) / 1024 for t in turns)
              for what, turns in found.items()}  # fmt: skip
    steps = {what: turns[0]["steps"] for what, turns in found.items()}
    return Result(
        title="Step records into MLMD (SQLite)",
        columns=("way", "steps", "steps a second", "times singly", "memory, MiB"),
        rows=[
            (
                WAYS[what],
                f"{steps[what]:,}",
                f"{rate[what]:,.0f}",
                f"{rate[what] / rate['singly']:.1f}",
                f"{memory[what]:.1f}",
            )
            for what in found
        ],
        notes=[f"Rounds: {rounds}; medians."],
        numbers={"rate": rate, "memory_mib": memory, "turns": found},
    )


def make_ledger(folder: Path, steps: int) -> None:
    """Write a ledger of one shard and one stage by hand."""
    shard = ShardLedger(shard_folder(folder, 0))
    stage = StageRecord(0, 1, 4 * steps, 1, steps, 0, steps, "0" * 64, "", "", "m1", 1.0)
    taken = (StepRecord(n, 0, n, 64, f"{n:064x}", 0.5) for n in range(steps))
    shard.write_stage(stage, taken, {"w": np.zeros(2, np.float32)})
    write_header(folder, plain_header(Partition(1, 1, 1, 4, 0)))


def one_ingest(folder: Path, length: int, how: str, steps: int) -> dict[str, Any]:
    """Ingest in a process of its own, into a new file."""
    file = folder / "metadata.sqlite"
    ledger = folder / str(length)
    answer = numbers_of("one_ingest", str(ledger), str(file), how, str(steps))
    file.unlink()
    return answer
