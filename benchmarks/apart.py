"""A part of a benchmark in a process of its own, so that its time and its memory are its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def run_module(module: str, *arguments: str) -> str:
    """Run `python -m benchmarks.MODULE` and return what it printed.

    Raises RuntimeError with the end of what it said on standard error.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"benchmarks.{module} {arguments} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def numbers_of(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module and return the JSON object in its last line."""
    numbers: dict[str, Any] = json.loads(run_module(module, *arguments).splitlines()[-1])
    return numbers


def peak_kib() -> int:
    """Return the most memory that this process has held, in KiB.

    Not from getrusage, whose figure begins with that of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0])
