"""What a deletion would do, told without doing anything."""

from collections.abc import Sequence
from dataclasses import dataclass

from lineage_store.index import reading_index
from lineage_store.workspace import Workspace
from pipelines.jobs import Backend
from pipelines.runs.before_a_run import to_be_decided
from pipelines.runs.find_rows import ForgetRequest, find
from pipelines.runs.forget import plan_all
from unlearning.erasure import LeftOut
from unlearning.planning import ModelPlan


@dataclass(frozen=True)
class Planned:
    """The plans of a deletion, and the ids that would have to be left out of the scan."""

    plans: Sequence[ModelPlan]
    left_out: Sequence[LeftOut]


def dry_run(workspace: Workspace, request: ForgetRequest, *, backend: Backend) -> Planned:
    """Find and plan, and change nothing."""
    with reading_index(workspace) as connection:
        found = find(connection, workspace, request, workspace.keys())
        plans = plan_all(connection, workspace, request, found, backend=backend)
        return Planned(plans, to_be_decided(connection, workspace, request, found))
