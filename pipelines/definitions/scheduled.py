"""The pipelines that an orchestrator schedules: to run due requests, to look for poisoned rows.

    RequestRunner                    one component, once an evening, say
    PoisonDetector -> RequestRunner  looks for poisoned rows, files a request, and runs what may run

They have ML Metadata of their own, `schedule.sqlite`, and not the workspace's: there the deletions
that they run are recorded, by the pipelines that those are. Never cached: the same question has
another answer tomorrow.
"""

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline

from components.poison_detector import PoisonDetector
from components.request_runner import RequestRunner
from lineage_store.workspace import Workspace

SCHEDULE = "schedule.sqlite"
ENTRY = "unweave.scheduled"  # by its name, since it stands above: what it does is the front door's


def request_pipeline(workspace: Workspace, *, due: str = "") -> Pipeline:
    """Define the pipeline that runs the requests due by a day, or all that wait."""
    runner = RequestRunner(entry=ENTRY, workspace=str(workspace.root), due=due)
    return _scheduled(workspace, "run-requests", [runner])


def detection_pipeline(workspace: Workspace) -> Pipeline:
    """Define the pipeline that looks for poisoned rows, and then runs the requests that wait."""
    detector = PoisonDetector(entry=ENTRY, workspace=str(workspace.root))
    runner = RequestRunner(entry=ENTRY, workspace=str(workspace.root), due="")
    runner.add_upstream_node(detector)
    return _scheduled(workspace, "detect-poison", [detector, runner])


def _scheduled(workspace: Workspace, name: str, components: list[BaseComponent]) -> Pipeline:
    return Pipeline(
        pipeline_name=name,
        pipeline_root=str(workspace.pipeline_root / name),
        components=components,
        enable_cache=False,
        metadata_connection_config=sqlite_metadata_connection_config(
            str(workspace.root / SCHEDULE)
        ),
    )
