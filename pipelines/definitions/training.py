"""The training pipeline: from the gate's two files to a pushed model with its lineage.

    gate -> GatedExampleGen -> GatedStatisticsGen -> SchemaGen -> RowIndexer -> LineageTrainer
         -> Pusher -> ModelRecorder -> RunRecorder

With `statistics` tfx TFX's own StatisticsGen stands in the place of GatedStatisticsGen, and its
ExampleValidator beside SchemaGen. They read all Examples, at a deletion too, through Beam.

The gate runs before the pipeline. Caching is off by default: a run
is cheap to repeat, and a cached one must never bring back what was deleted.

TFX's modules are imported one by one: `tfx.v1` also imports its extensions for a cloud, which are
not used here and take a third of the time that all imports take.
"""

from dataclasses import dataclass
from pathlib import Path

from tfx.components.schema_gen.component import SchemaGen
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.pusher_pb2 import PushDestination
from tfx.types.artifact import Artifact
from tfx.types.channel import Channel

from components import Ledger, Rows
from components.ingestion import GatedExampleGen, GatedStatisticsGen, RowIndexer
from components.model_recorder import ModelRecorder
from components.pusher import VersionPusher
from components.run_recorder import RunRecorder
from components.trainer import LineageTrainer
from lineage_store.canonical import canonical_json
from lineage_store.cells import load_snapshot
from lineage_store.clock import seconds_ahead
from lineage_store.data import Schema
from lineage_store.index.models import ModelRecord
from lineage_store.ledger import SUMMED, TrainOptions
from lineage_store.mlmd import connection_config
from lineage_store.placement import Partition
from lineage_store.workspace import Workspace, password_from
from pipelines.jobs import DeletionJob, TrainingJob
from unlearning.fingerprint import code_digest

RECORDING = "unweave.recording"  # by its name, since it stands above


@dataclass(frozen=True)
class OldData:
    """What was made of a model's rows before a deletion, and where its data lie."""

    snapshot: str
    examples: Channel | None
    statistics: Channel | None
    rows: Channel
    ledger: Channel


def training_pipeline(
    job: TrainingJob,
    *,
    enable_cache: bool = False,
    awaited: bool = False,
    recorded_by_tfx: bool = True,
) -> Pipeline:
    """Define the training pipeline of a job; a command that awaits its end says so.

    Where the orchestrator has TFX record nothing in ML Metadata, the last component stands in.
    """
    ingestion = ingest_components(
        job.workspace,
        job.model,
        job.snapshot,
        job.config.partition,
        options=job.config.options,
        suffix="",
        module_file=job.module_file,
    )
    base = None if job.base is None else ledger_of(job.workspace, job.base, name="BaseLedger")
    trainer = LineageTrainer(
        rows=ingestion["rows"].outputs["rows"],
        config=_json(job.config.to_json()),
        module_file=str(job.module_file),
        model_id=job.model,
        code_digest=code_digest(),
        base=None if base is None else base.outputs["result"],
    )
    pusher = VersionPusher(
        model=trainer.outputs["model"],
        push_destination=push_destination(job.workspace, job.model),
    ).with_id("Pusher")
    recorder = recorder_component(
        ingestion,
        trainer,
        pusher,
        job,
        job.snapshot,
        _json(job.description().to_json()),
        suffix="",
    )
    last = last_component(job, after=[recorder], awaited=awaited, recorded_by_tfx=recorded_by_tfx)
    return pipeline(
        job.workspace,
        job.name,
        [*ingestion.values(), *([] if base is None else [base]), trainer, pusher, recorder, last],
        enable_cache=enable_cache,
    )


def ingest_components(
    workspace: Workspace,
    model: str,
    snapshot: Path,
    partition: Partition,
    *,
    options: TrainOptions,
    suffix: str,
    module_file: Path | None = None,
    old: OldData | None = None,
) -> dict[str, BaseComponent]:
    """Define the components from a gated snapshot to the row store.

    After a deletion what was made of the old rows goes in too: what loses no row is taken over.
    """
    written = str((snapshot / "gate.json").stat().st_mtime_ns)
    examples = GatedExampleGen(
        snapshot=str(snapshot),
        written=written,
        old_snapshot="" if old is None else old.snapshot,
        old_examples=None if old is None else old.examples,
    )
    if options.statistics == SUMMED:
        statistics = GatedStatisticsGen(
            examples=examples.outputs["examples"],
            snapshot=str(snapshot),
            old_snapshot="" if old is None else old.snapshot,
            old_statistics=None if old is None else old.statistics,
        )
    else:
        statistics = tfx_statistics(examples, load_snapshot(snapshot).schema)
    schema = SchemaGen(statistics=statistics.outputs["statistics"])
    rows = RowIndexer(
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        workspace=str(workspace.root),
        model_id=model,
        snapshot=str(snapshot),
        partition=_json(partition.__dict__),
        family=options.model_family,
        code_digest=code_digest(),
        module_file="" if module_file is None else str(module_file),
        old_snapshot="" if old is None else old.snapshot,
        old_rows=None if old is None else old.rows,
        old_ledger=None if old is None else old.ledger,
    )
    made = {"examples": examples, "statistics": statistics, "schema": schema}
    if options.statistics != SUMMED:
        made["anomalies"] = tfx_validator(statistics, schema)
    made["rows"] = rows
    return {name: component.with_id(component.id + suffix) for name, component in made.items()}


def tfx_statistics(examples: BaseComponent, schema: Schema) -> BaseComponent:
    """Define TFX's StatisticsGen for the columns of Examples.

    Keys and pseudonyms are no columns: statistics of them would only spread them.
    """
    import tensorflow_data_validation as tfdv
    from tfx.components.statistics_gen.component import StatisticsGen

    columns = [column.name for column in schema.all]
    options = tfdv.StatsOptions(feature_allowlist=columns)
    return StatisticsGen(examples=examples.outputs["examples"], stats_options=options)


def tfx_validator(statistics: BaseComponent, schema: BaseComponent) -> BaseComponent:
    """Define TFX's ExampleValidator, which tells what in the statistics the schema does not say."""
    from tfx.components.example_validator.component import ExampleValidator

    return ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )


def ledger_of(workspace: Workspace, record: ModelRecord, *, name: str) -> BaseComponent:
    """Define the component that gives a registered model's ledger to others, as the artifact it is.

    MLMD knows it by its URI, so what is made from it stands downstream of that model's data.
    """
    uri = str(workspace.absolute(record.paths["ledger"]))
    return Importer(source_uri=uri, artifact_type=Ledger).with_id(name)


def rows_of(workspace: Workspace, record: ModelRecord, *, name: str) -> BaseComponent:
    """Define the component that gives a registered model's rows to others, as `ledger_of` does."""
    uri = str(workspace.absolute(record.paths["rows"]))
    return Importer(source_uri=uri, artifact_type=Rows).with_id(name)


def artifact_of(
    workspace: Workspace, record: ModelRecord, output: str, kind: type[Artifact], *, name: str
) -> BaseComponent | None:
    """Define the component that gives what was made for a model to others, if it was."""
    if output not in record.paths:
        return None
    uri = str(workspace.absolute(record.paths[output]))
    return Importer(source_uri=uri, artifact_type=kind).with_id(name)


def recorder_component(
    ingestion: dict[str, BaseComponent],
    trainer: BaseComponent,
    pusher: BaseComponent,
    job: TrainingJob | DeletionJob,
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
        anomalies=(
            ingestion["anomalies"].outputs["anomalies"] if "anomalies" in ingestion else None
        ),
        rows=ingestion["rows"].outputs["rows"],
        ledger=trainer.outputs["ledger"],
        model=trainer.outputs["model"],
        pushed=pusher.outputs["pushed_model"],
        workspace=str(job.workspace.root),
        snapshot=str(snapshot),
        description=description,
        ahead=seconds_ahead(job.clock),
    )
    return recorder.with_id(recorder.id + suffix)


def last_component(
    job: TrainingJob | DeletionJob,
    *,
    after: list[BaseComponent],
    awaited: bool,
    recorded_by_tfx: bool,
) -> BaseComponent:
    """Define the component that takes into ML Metadata what the others left, once they are done."""
    last = RunRecorder(
        entry=RECORDING,
        workspace=str(job.workspace.root),
        ahead=seconds_ahead(job.clock),
        awaited=int(awaited),
        stand_ins=int(not recorded_by_tfx),
    )
    last.add_upstream_nodes(after)
    return last


def push_destination(workspace: Workspace, family: str) -> PushDestination:
    """Return where the models of a family are pushed."""
    return PushDestination(
        filesystem=PushDestination.Filesystem(base_directory=str(workspace.serving(family)))
    )


def pipeline(
    workspace: Workspace, name: str, components: list[BaseComponent], *, enable_cache: bool
) -> Pipeline:
    """Put components into a pipeline whose every file stays inside the workspace.

    The definition holds the metadata server's password, and LocalDagRunner logs it: it is run by
    `tfx_local` alone, which keeps TFX's log off, and it is written nowhere.

    Beam gets no arguments: its default is the direct runner in this process, and with any argument
    TFX would first pack itself for workers that there are not.
    """
    return Pipeline(
        pipeline_name=name,
        pipeline_root=str(workspace.pipeline_root / name),
        components=components,
        enable_cache=enable_cache,
        metadata_connection_config=connection_config(
            workspace.metadata, password_from(), create=True
        ),
    )


def _json(value: object) -> str:
    return canonical_json(value).decode("utf-8")  # type: ignore[arg-type]
