"""A command of unweave in a process of its own, from within a component.

The deletions that such a command runs write to the workspace's ML Metadata, and a process that
holds one store of it must not open another.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lineage_store.errors import CheckFailed

TOP = Path(__file__).parents[1]


def answer_of(arguments: Sequence[str], *, accepted: Sequence[int] = (0,)) -> bytes:
    """Run `unweave ARGUMENTS --json` and return the JSON that it prints.

    Raises CheckFailed, with the sentence that it says, for an exit status that is not accepted.
    """
    done = subprocess.run(
        [sys.executable, "-m", "unweave", *arguments, "--json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TOP), *filter(None, sys.path)])},
    )
    if done.returncode not in accepted:
        said = done.stderr.strip()[-500:]
        raise CheckFailed(f"unweave {arguments[0]} ended with status {done.returncode}: {said}")
    return done.stdout.encode("utf-8")
