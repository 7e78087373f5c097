"""The seam between a component and what stands above it: a module that runs in its own process.

Components are adapters, and import nothing of the runs that they schedule. The pipeline's
definition names a module (`entry`), which is started as `python -m`: it reads what is asked as one
JSON object, and prints the answer as another. A process of its own is needed besides: the deletions
that it runs write to the workspace's ML Metadata, and a process that holds one store must not open
another.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lineage_store.errors import CheckFailed

TOP = Path(__file__).parents[1]


def answer_of(entry: str, arguments: Mapping[str, str]) -> bytes:
    """Run a module in a process of its own and return the JSON that it prints.

    Raises CheckFailed, with the sentence that it says, if it ends with another status than 0.
    """
    done = subprocess.run(
        [sys.executable, "-m", entry],
        input=json.dumps(dict(arguments)),
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
    )
    _must_have_ended_well(entry, done.returncode, done.stderr)
    return done.stdout.encode("utf-8")


def carried_out(entry: str, arguments: Mapping[str, str | int]) -> None:
    """Run a module in a process of its own that goes when this one does, and wait for its end.

    The arguments are a line of its standard input, which stays open until it has ended: where it
    comes to an end before, this process was killed, and the other must not go on alone. Raises
    CheckFailed as `answer_of` does.
    """
    with subprocess.Popen(
        [sys.executable, "-m", entry],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        with suppress(BrokenPipeError):  # it has ended, and says why
            process.stdin.write(json.dumps(dict(arguments)) + "\n")
            process.stdin.flush()
        message = process.stderr.read()
        status = process.wait()
    _must_have_ended_well(entry, status, message)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(TOP), *filter(None, sys.path)])}


def _must_have_ended_well(entry: str, status: int, message: str) -> None:
    if status:
        raise CheckFailed(f"{entry} ended with status {status}: {message.strip()[-500:]}")
