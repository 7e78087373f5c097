"""PoisonDetector: the component that looks for poisoned rows when it is scheduled."""

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import DetectionReport
from components.own_process import answer_of
from components.properties import publish


@component(component_annotation=Process)
def PoisonDetector(
    report: OutputArtifact[DetectionReport],
    entry: Parameter[str],
    workspace: Parameter[str],
) -> None:
    """Looks for poisoned rows as `detect.json` of the workspace says, and files a request for them.

    Whether the request waits for somebody or runs with the others is the policy's. The answer is
    the report: counts, and no id. Paths and columns stand in that file, and not in parameters,
    which ML Metadata keeps for ever.
    """
    arguments = {"job": "detect", "workspace": workspace}
    publish(report, "detection.json", answer_of(entry, arguments))
