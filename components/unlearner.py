"""Unlearner: the component that carries out the plan of one model."""

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Model
from tfx.types.system_executions import Train

from components.artifacts import (
    PLAN_JSON,
    Ledger,
    Plan,
    Rows,
)
from components.properties import folder_of, set_guarantee, set_origin
from components.trainer import SAVED_MODEL
from lineage_store.canonical import read_json
from lineage_store.ledger import open_ledger
from lineage_store.progress import counter, phase
from lineage_store.rows import open_rows
from unlearning.fitting.executor_engine import executor_engine, executor_learner
from unlearning.fitting.fit import Execution, refit
from unlearning.planning import ModelPlan


@component(component_annotation=Train)
def Unlearner(
    plan: InputArtifact[Plan],
    rows: InputArtifact[Rows],
    old_rows: InputArtifact[Rows],
    old_ledger: InputArtifact[Ledger],
    ledger: OutputArtifact[Ledger],
    model: OutputArtifact[Model],
    code_digest: Parameter[str],
    base: InputArtifact[Ledger] = None,
) -> None:
    """Carries out a plan on the rows that remain; `base` is the ledger that the result starts from.

    That is the new one of a model that this run changes too, or the one of a live model. `old_rows`
    are the rows as they were, for corrections and for updates that are computed again.
    """
    planned = ModelPlan.from_json(read_json(folder_of(plan) / PLAN_JSON))
    phase("unlearning")
    unlearned = refit(
        planned,
        old=open_ledger(folder_of(old_ledger)),
        store=open_rows(folder_of(rows)),
        folder=folder_of(ledger),
        serving=folder_of(model) / SAVED_MODEL,
        base=None if base is None else open_ledger(folder_of(base)),
        old_store=open_rows(folder_of(old_rows)),
        how=Execution(
            engine=executor_engine(),
            make=executor_learner(planned.model_before),
            progress=counter("unlearning", planned.steps_planned),
        ),
    )
    set_origin(ledger, unlearned)
    set_guarantee(planned.guarantee, ledger, model)
