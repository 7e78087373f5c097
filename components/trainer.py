"""LineageTrainer: the component that trains, with lineage.

Parameters are primitives and hold no personal data: paths inside the workspace, numbers, digests.
`code_digest` is a parameter because TFX's cache does not look at a custom component's code.
"""

import json
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import (
    Model,
)
from tfx.types.system_executions import Train

from components.artifacts import Ledger, Rows
from components.properties import folder_of, set_guarantee, set_origin
from lineage_store.ledger import open_ledger
from lineage_store.progress import counter
from lineage_store.rows import open_rows
from unlearning.families import family_of, planned_steps
from unlearning.fitting.executor_engine import executor_engine
from unlearning.fitting.fit import Execution, fit
from unlearning.training import TrainConfig

SAVED_MODEL = "Format-Serving"


@component(component_annotation=Train)
def LineageTrainer(
    rows: InputArtifact[Rows],
    ledger: OutputArtifact[Ledger],
    model: OutputArtifact[Model],
    config: Parameter[str],
    module_file: Parameter[str],
    model_id: Parameter[str],
    code_digest: Parameter[str],
    base: InputArtifact[Ledger] = None,
) -> None:
    """Trains all shards with their ledger, and exports their aggregate as one SavedModel.

    `base` is the ledger of the model whose weights they start from, if there is one.
    """
    train_config = TrainConfig.from_json(json.loads(config))
    store, family = open_rows(folder_of(rows)), family_of(train_config.options.model_family)
    trained = fit(
        train_config,
        model=model_id,
        text=Path(module_file).read_text(encoding="utf-8"),
        store=store,
        folder=folder_of(ledger),
        serving=folder_of(model) / SAVED_MODEL,
        base=None if base is None else open_ledger(folder_of(base)),
        how=Execution(
            engine=executor_engine(),
            progress=counter("training", planned_steps(family, store, train_config.partition)),
        ),
    )
    set_origin(ledger, trained)
    set_guarantee("trained", ledger, model)
