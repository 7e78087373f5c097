"""A run that is left open: what tells whoever runs its components what they are.

It is a file beside the outputs of the run's components, and goes with these where a failed run is
cleared away. Whoever carries a run on in another way closes it. A run's name comes from an
orchestrator, so it is a name and no path: what is read here says which code runs.
"""

import re
from pathlib import Path

from lineage_store.canonical import sync_folder, write_atomic
from lineage_store.workspace import Workspace

LAST = "RunRecorder"  # of every run
NAME = re.compile(r"(train-m|forget-r)[1-9][0-9]{0,17}")


def open_run(workspace: Workspace, run: str, compiled: str) -> None:
    """Keep the compiled pipeline of a run."""
    file = _file(workspace, run)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, compiled.encode("utf-8"))


def pipeline_of(workspace: Workspace, run: str) -> str | None:
    """Return the compiled pipeline of a run, if that is open; of what is no run's name, None."""
    if not NAME.fullmatch(run):
        return None
    try:
        return _file(workspace, run).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def close_run(workspace: Workspace, run: str) -> None:
    """Have no component of a run launched any more; safe to repeat."""
    file = _file(workspace, run)
    if file.exists():
        file.unlink()
        sync_folder(file.parent)


def _file(workspace: Workspace, run: str) -> Path:
    return workspace.pipeline_root / run / "open-run.json"
