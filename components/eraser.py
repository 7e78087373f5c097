"""Eraser: the component that erases, and proves it by a scan."""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import (
    ERASURE_JSON,
    ErasureReport,
)
from components.properties import publish
from lineage_store.canonical import canonical_json
from lineage_store.clock import clock_ahead
from lineage_store.workspace import open_workspace
from unlearning.erasure.erase import erase


@component(component_annotation=Process)
def Eraser(
    report: OutputArtifact[ErasureReport],
    workspace: Parameter[str],
    request_id: Parameter[str],
    ahead: Parameter[int],
) -> None:
    """Erases what learnt from the rows, and proves by a scan that nothing is left."""
    scan = erase(open_workspace(Path(workspace)), request_id, clock=clock_ahead(ahead))
    publish(report, ERASURE_JSON, canonical_json(scan.past.to_json()) + b"\n")
