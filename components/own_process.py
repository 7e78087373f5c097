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
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(TOP), *filter(None, sys.path)])},
    )
    if done.returncode:
        message = done.stderr.strip()[-500:]
        raise CheckFailed(f"{entry} ended with status {done.returncode}: {message}")
    return done.stdout.encode("utf-8")
