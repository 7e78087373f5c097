"""DeletionPlanner: the component that publishes the plan of one model."""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Process

from components.artifacts import (
    PLAN_JSON,
    Plan,
)
from components.properties import publish, set_guarantee
from lineage_store.canonical import canonical_json
from lineage_store.workspace import open_workspace
from unlearning.planning import load_plan


@component(component_annotation=Process)
def DeletionPlanner(
    plan: OutputArtifact[Plan],
    workspace: Parameter[str],
    request_id: Parameter[str],
    model_id: Parameter[str],
) -> None:
    """Publishes the plan that was made for one model when the request was recorded."""
    folder = open_workspace(Path(workspace)).request(request_id)
    mine = next(item for item in load_plan(folder) if item.model_before == model_id)
    publish(plan, PLAN_JSON, canonical_json(mine.to_json()) + b"\n")
    set_guarantee(mine.guarantee, plan)
