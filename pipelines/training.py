"""The training pipeline: from the gate's two files to a pushed model with its lineage.

    gate -> CsvExampleGen -> StatisticsGen -> SchemaGen -> RowIndexer -> LineageTrainer -> Pusher
         -> ModelRecorder

The gate runs before the pipeline, since ExampleGen reads files. Caching is off by default: a run
is cheap to repeat, and a cached one must never bring back what was deleted.
"""

from pathlib import Path

import tensorflow_data_validation as tfdv
from tfx import v1 as tfx
from tfx.dsl.components.base.base_component import BaseComponent

from components.training import LineageTrainer, ModelRecorder, RowIndexer
from lineage_store.canonical import canonical_json
from lineage_store.gate import load_snapshot
from lineage_store.placement import Partition
from lineage_store.workspace import Workspace
from pipelines.jobs import TrainingJob
from unlearning.determinism import code_digest


def training_pipeline(job: TrainingJob, *, enable_cache: bool = False) -> tfx.dsl.Pipeline:
    """Define the training pipeline of a job."""
    ingestion = ingest_components(job.snapshot, job.config.partition, suffix="")
    trainer = LineageTrainer(
        rows=ingestion["rows"].outputs["rows"],
        config=_json(job.config.to_json()),
        module_file=str(job.module_file),
        model_id=job.model,
        code_digest=code_digest(),
    )
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        push_destination=push_destination(job.workspace, job.model),
    )
    recorder = recorder_component(
        ingestion, trainer, pusher, job.workspace, job.snapshot, _json(job.description()), suffix=""
    )
    return pipeline(
        job.workspace,
        job.name,
        [*ingestion.values(), trainer, pusher, recorder],
        enable_cache=enable_cache,
    )


def ingest_components(
    snapshot: Path, partition: Partition, *, suffix: str
) -> dict[str, BaseComponent]:
    """Define the components from a gated snapshot to the row store."""
    gated = load_snapshot(snapshot)
    splits = [tfx.proto.Input.Split(name=split, pattern=f"{split}/*.csv") for split in gated.splits]
    examples = tfx.components.CsvExampleGen(
        input_base=str(snapshot), input_config=tfx.proto.Input(splits=splits)
    )
    features = [name for name, _ in gated.inference.features]
    statistics = tfx.components.StatisticsGen(
        examples=examples.outputs["examples"],
        # Keys and pseudonyms are no features; statistics of them would only spread them.
        stats_options=tfdv.StatsOptions(feature_allowlist=[*features, gated.inference.label]),
    )
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    rows = RowIndexer(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        snapshot=str(snapshot),
        partition=_json(partition.__dict__),
        code_digest=code_digest(),
    )
    made = {"examples": examples, "statistics": statistics, "schema": schema, "rows": rows}
    return {name: component.with_id(component.id + suffix) for name, component in made.items()}


def recorder_component(
    ingestion: dict[str, BaseComponent],
    trainer: BaseComponent,
    pusher: BaseComponent,
    workspace: Workspace,
    snapshot: Path,
    description: str,
    *,
    suffix: str,
) -> BaseComponent:
    """Define the component that registers a pushed model."""
    recorder = ModelRecorder(
        examples=ingestion["examples"].outputs["examples"],
        statistics=ingestion["statistics"].outputs["statistics"],
        schema=ingestion["schema"].outputs["schema"],
        rows=ingestion["rows"].outputs["rows"],
        ledger=trainer.outputs["ledger"],
        model=trainer.outputs["model"],
        pushed=pusher.outputs["pushed_model"],
        workspace=str(workspace.root),
        snapshot=str(snapshot),
        description=description,
    )
    return recorder.with_id(recorder.id + suffix)


def push_destination(workspace: Workspace, family: str) -> tfx.proto.PushDestination:
    """Return where the models of a family are pushed."""
    return tfx.proto.PushDestination(
        filesystem=tfx.proto.PushDestination.Filesystem(
            base_directory=str(workspace.serving(family))
        )
    )


def pipeline(
    workspace: Workspace, name: str, components: list[BaseComponent], *, enable_cache: bool
) -> tfx.dsl.Pipeline:
    """Put components into a pipeline whose every file stays inside the workspace.

    Beam gets no arguments: its default is the direct runner in this process, and with any argument
    TFX would first pack itself for workers that there are not.
    """
    return tfx.dsl.Pipeline(
        pipeline_name=name,
        pipeline_root=str(workspace.pipeline_root / name),
        components=components,
        enable_cache=enable_cache,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(workspace.metadata_file)
        ),
    )


def _json(value: object) -> str:
    return canonical_json(value).decode("utf-8")  # type: ignore[arg-type]
