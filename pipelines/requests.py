"""The request pipeline: what an orchestrator schedules to run the requests that are due.

    RequestRunner       one component, once an evening, say

It has ML Metadata of its own, `schedule.sqlite`, and not the workspace's: there the deletions that
it runs are recorded, by the pipelines that they are. Never cached: the same question has another
answer tomorrow.
"""

from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline

from components.requests import RequestRunner
from lineage_store.workspace import Workspace

SCHEDULE = "schedule.sqlite"


def request_pipeline(workspace: Workspace, *, due: str = "") -> Pipeline:
    """Define the pipeline that runs the requests due by a day, or all that wait."""
    return Pipeline(
        pipeline_name="run-requests",
        pipeline_root=str(workspace.pipeline_root / "run-requests"),
        components=[RequestRunner(workspace=str(workspace.root), due=due)],
        enable_cache=False,
        metadata_connection_config=sqlite_metadata_connection_config(
            str(workspace.root / SCHEDULE)
        ),
    )
