"""ModelRecorder: the component that registers a pushed model."""

import json
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import (
    ExampleAnomalies,
    Examples,
    ExampleStatistics,
    Model,
    PushedModel,
    Schema,
)

from components.artifacts import Ledger, ModelRecord, Rows
from components.properties import folder_of, set_guarantee
from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.clock import clock_ahead
from lineage_store.workspace import open_workspace
from unlearning.registry import NewModel, describe_model, record_model


@component
def ModelRecorder(
    examples: InputArtifact[Examples],
    statistics: InputArtifact[ExampleStatistics],
    schema: InputArtifact[Schema],
    rows: InputArtifact[Rows],
    ledger: InputArtifact[Ledger],
    model: InputArtifact[Model],
    pushed: InputArtifact[PushedModel],
    record: OutputArtifact[ModelRecord],
    workspace: Parameter[str],
    snapshot: Parameter[str],
    description: Parameter[str],
    ahead: Parameter[int],
    anomalies: InputArtifact[ExampleAnomalies] = None,
) -> None:
    """Registers the pushed model in the workspace's index and event log."""
    opened = open_workspace(Path(workspace))
    new = NewModel.from_json(json.loads(description))
    pushed_path = Path(pushed.get_string_custom_property("pushed_destination"))
    registered = describe_model(
        opened,
        new,
        paths={
            "data": Path(snapshot),
            "examples": folder_of(examples),
            "statistics": folder_of(statistics),
            "schema": folder_of(schema),
            **({} if anomalies is None else {"anomalies": folder_of(anomalies)}),
            "rows": folder_of(rows),
            "ledger": folder_of(ledger),
            "model": folder_of(model),
            "pushed_artifact": folder_of(pushed),
            "pushed": pushed_path,
        },
    )
    record_model(opened, registered, clock=clock_ahead(ahead))
    summary = {
        "model": registered.id,
        "guarantee": registered.guarantee,
        "weights": registered.weights,
    }
    write_atomic(folder_of(record) / "record.json", canonical_json(summary) + b"\n")
    set_guarantee(registered.guarantee, record)
