"""One component of a run that was left open, and what follows where it fails or was the last.

What fails is taken back as by a command that runs the whole pipeline: a training goes, and so does
a deletion that has not registered a new model; its requests wait again. A run that another command
has carried on, or cleared away, is open no more.
"""

from typing import Literal

from lineage_store.disk_full import translated
from lineage_store.errors import (
    BadInput,
    CheckFailed,
    DiskFull,
    MetadataUnavailable,
    NotRecorded,
    Unfinished,
    WorkspaceBusy,
)
from lineage_store.index import deletions, models, record_failure, writing_index
from lineage_store.progress import phase
from lineage_store.workspace import Workspace
from pipelines.backends.open_run import LAST, close_run, opened_run
from pipelines.by_tasks.launching import launch
from pipelines.jobs import Command
from pipelines.runs.forget import take_back
from pipelines.runs.killed_runs import sweep

TRAIN, FORGET = "train-", "forget-"

Outcome = Literal["has run", "is no part of it", "its run has ended"]


def run_component(workspace: Workspace, run: str, component: str, *, command: Command) -> Outcome:
    """Run a component, once, and say how that went.

    Raises BadInput for a run that is not open and has not ended, CheckFailed for one whose model a
    deletion has ended, WorkspaceBusy for a component that comes after others which have not run,
    MetadataUnavailable where it is to be run again, Unfinished for a run that is to begin anew,
    and what it raises itself.
    """
    opened = opened_run(workspace, run)
    if opened is None:
        _must_have_ended(workspace, run, component)
        return "its run has ended"
    phase(component)
    try:
        with translated():
            there = launch(workspace, opened, component)
    except (WorkspaceBusy, NotRecorded, MetadataUnavailable, Unfinished):
        raise  # to be run again, or anew
    except Exception as error:
        if not isinstance(error, (BadInput, DiskFull)):
            record_failure(workspace.index_file, run=run, error=error, time=command.time)
        _give_up(workspace, run, command=command)
        raise
    if component == LAST:
        close_run(workspace, run)
    return "has run" if there else "is no part of it"


def _give_up(workspace: Workspace, run: str, *, command: Command) -> None:
    if run.startswith(FORGET):
        take_back(workspace, run.removeprefix(FORGET), time=command.time)
    else:
        sweep(workspace, today=command.today)


def _must_have_ended(workspace: Workspace, run: str, component: str) -> None:
    """A deletion that is done is this run's, whoever carried it on; a model may be another's."""
    with writing_index(workspace) as connection:
        states = {one.id: one.state for one in models.models(connection)}
        done = {f"{FORGET}{one.id}" for one in deletions.all_requests(connection)
                if one.state == "done"}  # fmt: skip
    made = states.get(run.removeprefix(TRAIN), "") if run.startswith(TRAIN) else ""
    if made not in ("", "live"):
        raise CheckFailed(
            f"The model of {run} has ended: no task makes it again. Train another by a new run."
        )
    if run not in done and not (made and component == LAST):
        raise BadInput(
            f"There is no open run {run}: it has ended or failed, or another command that writes "
            f"to the workspace came between and cleared it away. Begin a new one."
        )
