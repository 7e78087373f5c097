"""PoisonDetector: the component that looks for poisoned rows when it is scheduled."""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import DetectionReport
from components.properties import publish
from components.subcommand import answer_of
from lineage_store.canonical import read_json
from lineage_store.errors import NothingFound
from lineage_store.requests import DETECTION_FILE, arguments_of


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
