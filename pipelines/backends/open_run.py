"""A run that is left open: what tells whoever runs its components what they are.

It is a file beside the outputs of the run's components, and goes with these where a failed run is
cleared away. Whoever carries a run on in another way closes it. A run's name comes from an
orchestrator, so it is a name and no path: what is read here says which code runs.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from lineage_store.canonical import canonical_json, read_json, sync_folder, write_atomic
from lineage_store.workspace import Workspace

LAST = "RunRecorder"  # of every run
NAME = re.compile(r"(train-m|forget-r)[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class OpenRun:
    """The compiled pipeline of a run, as JSON, and the digest of the program that left it open."""

    pipeline: str
    program: str


def open_run(workspace: Workspace, run: str, left: OpenRun) -> None:
    """Keep what a run is."""
    file = _file(workspace, run)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, canonical_json({"pipeline": left.pipeline, "program": left.program}))


def opened_run(workspace: Workspace, run: str) -> OpenRun | None:
    """Return a run that is open; None of one that is not, and of what is no run's name."""
    if not NAME.fullmatch(run):
        return None
    try:
        read = read_json(_file(workspace, run))
    except FileNotFoundError:
        return None
    return OpenRun(read["pipeline"], read["program"])


def close_run(workspace: Workspace, run: str) -> None:
    """Have no component of a run launched any more; safe to repeat."""
    file = _file(workspace, run)
    if file.exists():
        file.unlink()
        sync_folder(file.parent)


def _file(workspace: Workspace, run: str) -> Path:
    return workspace.pipeline_root / run / "open-run.json"
