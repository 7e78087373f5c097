"""What the last component of a pipeline starts: `python -m unweave.recording`.

It does what the next command would do first: what is not in ML Metadata yet goes there, told by
external ids, and a run that nobody awaits is ended. So it may run twice, and be killed anywhere.
It is a process of its own, since one that holds a store of ML Metadata must not open another.

Standard input is a line with a JSON object, and stays open: where it comes to an end, whoever
started this is gone, and this goes, too, before another command begins.

    {"workspace": "ws", "ahead": 0, "awaited": 1, "stand_ins": 0}

`awaited`: whoever waits for the run ends it. `stand_ins`: TFX itself wrote nothing to ML Metadata.

Exit status: that of the error, whose sentence goes to standard error; 0 otherwise.
"""

import json
import os
import sys
import threading
from pathlib import Path

from lineage_store.clock import clock_ahead
from lineage_store.errors import UnweaveError
from lineage_store.mlmd import translating_server_errors
from lineage_store.workspace import open_workspace
from pipelines.backends import catch_up, stand_in


def main() -> None:
    """Record what there is to record, and end the process."""
    os.umask(0o077)
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_go_with_who_started_this, daemon=True).start()
    try:
        record(
            Path(asked["workspace"]),
            ahead=asked["ahead"],
            awaited=bool(asked["awaited"]),
            stand_ins=bool(asked["stand_ins"]),
        )
    except UnweaveError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)


def record(root: Path, *, ahead: int, awaited: bool, stand_ins: bool = False) -> None:
    """Take what finished runs left into ML Metadata, and end those that nobody awaits.

    `ahead` is by how many seconds the run's clock is ahead of the machine's. With `stand_ins` what
    TFX would have written of a run's artifacts is written as well.
    """
    workspace = open_workspace(root)
    with translating_server_errors(workspace.metadata):
        if stand_ins:
            stand_in(workspace)
        catch_up(workspace)
    if not awaited:
        from pipelines.runs import sweep

        sweep(workspace, today=clock_ahead(ahead)()[:10])


def _go_with_who_started_this() -> None:
    while os.read(0, 1):  # not by `sys.stdin`, whose lock the end of Python wants
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
