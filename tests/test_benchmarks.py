"""The benchmarks' command line: it says what there is, and refuses what there is not."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]
NAMES = [
    "training-overhead",
    "deletion-cost",
    "pipeline-cost",
    "lineage-scale",
    "ingest-rate",
    "closure",
    "placement-cost",
    "large-data",
    "parallel-shards",
    "marginal",
]


def run(*arguments):
    """Run the command line of the benchmarks."""
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=False,
    )


def test_list_names_every_benchmark_and_runs_none():
    done = run("--list")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == NAMES


def test_an_unknown_name_is_refused():
    done = run("no-such-benchmark")
    assert done.returncode == 2
    assert "no-such-benchmark" in done.stderr


def test_the_closure_runs_and_both_sides_agree():
    done = run("closure", "--quick")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert sum("networkx" in line for line in lines) == sum("ours" in line for line in lines) == 2
