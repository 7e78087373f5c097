"""RequestRunner: the component that an orchestrator schedules to run due requests.

It starts the command of the same job in a process of its own (`subcommand`).
"""

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import RequestReport
from components.properties import publish
from components.subcommand import answer_of


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
