"""DeletionChecker: the component that checks a new model and blesses it."""

from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import ModelBlessing
from tfx.types.system_executions import Evaluate

from components.artifacts import (
    PLAN_JSON,
    REPORT_JSON,
    CheckReport,
    Ledger,
    Plan,
    Rows,
)
from components.properties import folder_of, publish, set_guarantee
from lineage_store.canonical import canonical_json, read_json
from lineage_store.ledger import open_ledger
from lineage_store.rows import open_rows
from lineage_store.workspace import open_workspace
from unlearning.fitting.executor_engine import executor_engine, executor_learner
from unlearning.planning import ModelPlan
from unlearning.verification import Unlearned, check_and_keep, must_pass


@component(component_annotation=Evaluate)
def DeletionChecker(
    plan: InputArtifact[Plan],
    rows: InputArtifact[Rows],
    old_rows: InputArtifact[Rows],
    old_ledger: InputArtifact[Ledger],
    ledger: InputArtifact[Ledger],
    report: OutputArtifact[CheckReport],
    blessing: OutputArtifact[ModelBlessing],
    workspace: Parameter[str],
    request_id: Parameter[str],
    replay: Parameter[int],
    base: InputArtifact[Ledger] = None,
) -> None:
    """Checks the new model and blesses it for the Pusher; a failed check stops the run."""
    planned = ModelPlan.from_json(read_json(folder_of(plan) / PLAN_JSON))
    found = check_and_keep(
        open_workspace(Path(workspace)),
        Unlearned(
            plan=planned,
            old=open_ledger(folder_of(old_ledger)),
            new=open_ledger(folder_of(ledger)),
            store=open_rows(folder_of(rows)),
            old_store=open_rows(folder_of(old_rows)),
            base=None if base is None else open_ledger(folder_of(base)),
        ),
        request_id=request_id,
        replay=bool(replay),
        engine=executor_engine(),
        make=executor_learner(planned.model_before),
    )
    publish(report, REPORT_JSON, canonical_json(found.to_json()) + b"\n")
    set_guarantee(found.guarantee, report)
    must_pass(found)
    blessing.set_int_custom_property("blessed", 1)
    (folder_of(blessing) / "BLESSED").touch()
