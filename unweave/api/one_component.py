"""Running one component of a run that `train` or `run-requests` left open."""

from time import monotonic
from typing import Any

from lineage_store.disk_full import translated
from lineage_store.progress import listening
from lineage_store.workspace import working
from unweave.session.session import Session, both


def run_one_component(session: Session, component: str, *, run: str) -> dict[str, Any]:
    """Run a component of an open run, once; the answer's `outcome` says how that went.

    What killed commands left stays: this run would be taken for such. Raises WorkspaceBusy for a
    component that comes after others which have not run, BadInput for a run that is not open.
    """
    from pipelines.by_tasks import run_component

    with (
        translated(),
        session.holding() as workspace,
        working(workspace.root, since=session.time, clock=monotonic) as tell,
        listening(both(session.listener, tell)),
    ):
        outcome = run_component(workspace, run, component, command=session.command())
    return {"run": run, "component": component, "outcome": outcome}
