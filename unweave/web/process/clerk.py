"""The clerk: has a command do what changes something, in a process of its own.

The desk cannot: it has neither the key of the manifest nor that of signing. What is told goes
through a pipe as JSON, and stands in no command line. What runs long, a deletion, is started and
left alone: it goes on if the desk ends, and what of it failed is written to a file (`run_process`).
"""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

from lineage_store.errors import (
    AlreadyForgotten,
    BadInput,
    CheckFailed,
    NothingFound,
    OnHold,
    Unfinished,
    UnweaveError,
    WorkspaceBusy,
)
from unweave.web.process.desk import Desk

Answer = dict[str, Any]
SECONDS = 120
MODULE = "unweave.web.process.clerk_process"
RUN_MODULE = "unweave.web.process.run_process"
ERRORS: Mapping[str, type[UnweaveError]] = {
    one.__name__: one
    for one in (
        AlreadyForgotten,
        BadInput,
        CheckFailed,
        NothingFound,
        OnHold,
        Unfinished,
        UnweaveError,
        WorkspaceBusy,
    )
}


class ClerkFailed(UnweaveError):
    """The command that was to change something ended as nobody foresaw: nothing is known of it."""

    exit_status = 4


def have_done(desk: Desk, operation: str, arguments: Mapping[str, Any]) -> Answer:
    """Have an operation of `clerk_process` done, and return what it says.

    Raises what it raised, and ClerkFailed where it says nothing.
    """
    asked = {"operation": operation, "arguments": dict(arguments)}
    try:
        done = subprocess.run(
            [*desk.python, "-m", MODULE, str(desk.root)],
            input=json.dumps(asked).encode("utf-8"),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
        told = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise ClerkFailed(
            "The command that was to do this gave no answer: look at the request before you try "
            "again."
        ) from error
    if told["ok"]:
        answer: Answer = told["answer"]
        return answer
    raise ERRORS.get(told["kind"], BadInput)(told["error"])


def is_started(desk: Desk) -> bool:
    """Say whether a run that was started here is on: it takes seconds until it holds anything."""
    return any(one.poll() is None for one in desk.runs)


def start_run(desk: Desk) -> None:
    """Start the command that runs what is due; whoever calls holds `starting`.

    It has a session of its own, so that nothing that ends the desk ends it.
    """
    root = desk.root.resolve()
    desk.last_run.unlink(missing_ok=True)
    process = subprocess.Popen(
        [*desk.python, "-m", RUN_MODULE, str(root / desk.last_run.name), str(desk.outbox),
         *desk.python, *desk.run, "--workspace", str(root), "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=root.parent,
    )  # fmt: skip
    desk.runs[:] = [process]


def said_last(desk: Desk) -> Answer | None:
    """Return what failed of the last run that was started here; None while it has not ended."""
    try:
        answer: Answer = json.loads(desk.last_run.read_bytes())
    except (OSError, ValueError):
        return None
    return answer
