"""The component that judges an unlearned model before it is pushed.

It stands between the checks and the Pusher in every branch of the deletion pipeline whose workspace
has a policy (`evaluation.json`), and stops the run if the policy does not accept the verdict.
"""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.system_executions import Evaluate

from components.artifacts import (
    PLAN_JSON,
    REPORT_JSON,
    CheckReport,
    Evaluation,
    Ledger,
    Plan,
    Rows,
)
from components.properties import folder_of, publish
from lineage_store.canonical import read_json
from lineage_store.ledger import open_ledger
from lineage_store.workspace import open_workspace
from unlearning.evaluation import (
    Policy,
    demanded,
    evaluate_and_keep,
    evaluation_bytes,
    must_be_accepted,
    past_evaluation,
)
from unlearning.planning import ModelPlan


@component(component_annotation=Evaluate)
def UnlearningEvaluator(
    plan: InputArtifact[Plan],
    rows: InputArtifact[Rows],
    old_rows: InputArtifact[Rows],
    old_ledger: InputArtifact[Ledger],
    ledger: InputArtifact[Ledger],
    report: InputArtifact[CheckReport],
    evaluation: OutputArtifact[Evaluation],
    workspace: Parameter[str],
    request_id: Parameter[str],
) -> None:
    """Judges the new model beside the old one and, where the checks trained it, the twin."""
    planned = ModelPlan.from_json(read_json(folder_of(plan) / PLAN_JSON))
    read_json(folder_of(report) / REPORT_JSON)  # only after the checks
    opened = open_workspace(Path(workspace))
    found = evaluate_and_keep(
        opened,
        request_id=request_id,
        plan=planned,
        old=open_ledger(folder_of(old_ledger)),
        new=open_ledger(folder_of(ledger)),
        rows=folder_of(rows),
        old_rows=folder_of(old_rows),
        policy=demanded(opened) or Policy(),
    )
    # The numbers go with the run; MLMD's artifact is what outlives it.
    publish(evaluation, "evaluation.json", evaluation_bytes(past_evaluation(found.to_json())))
    must_be_accepted(found)
