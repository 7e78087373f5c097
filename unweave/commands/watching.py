"""Watching who is at work in a workspace: what `unweave status --watch` tells, a line a change."""

import sys
from pathlib import Path
from time import sleep

from lineage_store.workspace import open_workspace, who_works
from unweave.text.printed import say

SECONDS = 1.0


def until_nobody_works(workspace: Path, *, to_stderr: bool) -> None:
    """Tell how far the command is that is at work, whenever that is news, until nobody is.

    One that was killed is not waited for. Raises NothingFound if there is no workspace.
    """
    root, told = open_workspace(workspace).root, ""
    while (worker := who_works(root)) is not None:
        if worker.in_words() != told:
            told = worker.in_words()
            say(told, err=to_stderr)
            (sys.stderr if to_stderr else sys.stdout).flush()
        sleep(SECONDS)
