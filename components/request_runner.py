"""RequestRunner: the component that an orchestrator schedules to run due requests."""

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import RequestReport
from components.own_process import answer_of
from components.properties import publish


@component(component_annotation=Process)
def RequestRunner(
    report: OutputArtifact[RequestReport],
    entry: Parameter[str],
    workspace: Parameter[str],
    due: Parameter[str],
) -> None:
    """Runs the requests that are due by a day, or all that wait if it is empty.

    The report holds ids of requests, runs and models and what became of each, and no measure.
    """
    arguments = {"job": "run requests", "workspace": workspace, "due": due}
    publish(report, "requests.json", answer_of(entry, arguments))
