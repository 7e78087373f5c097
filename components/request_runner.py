"""The components that an orchestrator schedules: RequestRunner and PoisonDetector.

Both start the command of the same job in a process of its own (`command`).
"""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import DetectionReport, RequestReport
from components.properties import publish
from components.subcommand import answer_of
from lineage_store.canonical import read_json
from lineage_store.errors import NothingFound
from lineage_store.requests.detection import DETECTION_FILE, arguments_of


@component(component_annotation=Process)
def RequestRunner(
    report: OutputArtifact[RequestReport],
    workspace: Parameter[str],
    due: Parameter[str],
) -> None:
    """Runs the requests that are due by a day, or all that wait if it is empty.

    What the command says is the report: numbers and ids of requests, runs and models.
    """
    by = ("--due", due) if due else ()
    publish(report, "requests.json", answer_of(["run-requests", "--workspace", workspace, *by]))


@component(component_annotation=Process)
def PoisonDetector(
    report: OutputArtifact[DetectionReport],
    workspace: Parameter[str],
) -> None:
    """Looks for poisoned rows as `detect.json` of the workspace says, and files a request for them.

    Whether the request waits for somebody or runs with the others is the policy's
    (`request policy --detectors`). What the command says is the report: counts, and no id. Paths
    and columns stand in that file, and not in parameters, which ML Metadata keeps for ever.
    """
    asked = arguments_of(read_json(Path(workspace) / DETECTION_FILE))
    arguments = ["detect", "--workspace", workspace, *asked, "--queue"]
    publish(report, "detection.json", answer_of(arguments, accepted=(0, NothingFound.exit_status)))
