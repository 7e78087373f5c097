"""The deletion pipeline: plan, unlearn, check, push, record for each model; then erase and certify.

    DeletionPlanner -> CsvExampleGen -> StatisticsGen -> SchemaGen -> RowIndexer -> Unlearner
        -> DeletionChecker -> Pusher -> ModelRecorder          one branch a model, on what remains
    Eraser -> Certifier                                        once, after all branches

What TFX made from the rows is made again without them by the components that made it first; what
they made before is erased whole. A model that is withdrawn has no branch. Where a model was trained
from another, its branch takes the ledger that comes out of the other's.
"""

from collections.abc import Mapping

from tfx.components.pusher.component import Pusher
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import Channel

from components.deletion import Certifier, DeletionChecker, DeletionPlanner, Eraser, Unlearner
from lineage_store.canonical import canonical_json
from lineage_store.placement import Partition
from pipelines.jobs import DeletionJob, ModelChange
from pipelines.training import (
    ingest_components,
    ledger_of,
    pipeline,
    push_destination,
    recorder_component,
)
from unlearning.determinism import code_digest


def deletion_pipeline(job: DeletionJob, *, enable_cache: bool = False) -> Pipeline:
    """Define the deletion pipeline of a job; a run that was killed is defined without its past."""
    components: list[BaseComponent] = []
    recorders: list[BaseComponent] = []
    ledgers: dict[str, Channel] = {}
    for change in job.changes:
        if change.model_after is not None and not change.recorded:
            branch, ledgers[change.model_after] = _branch(
                job, change, change.model_after, made=ledgers
            )
            components += branch
            recorders.append(branch[-1])
    eraser = Eraser(workspace=str(job.workspace.root), request_id=job.request_id, time=job.time)
    eraser.add_upstream_nodes(recorders)
    certifier = Certifier(
        erasure=eraser.outputs["report"],
        workspace=str(job.workspace.root),
        request_id=job.request_id,
        time=job.time,
        version=job.version,
    )
    return pipeline(
        job.workspace, job.name, [*components, eraser, certifier], enable_cache=enable_cache
    )


def _branch(
    job: DeletionJob, change: ModelChange, model: str, *, made: Mapping[str, Channel]
) -> tuple[list[BaseComponent], Channel]:
    """Return a model's branch, recorder last, and its new ledger; `made` are those before it."""
    suffix = f"_{change.old.id}"
    workspace, snapshot = str(job.workspace.root), job.workspace.snapshot(model)
    planner = DeletionPlanner(
        workspace=workspace, request_id=job.request_id, model_id=change.old.id
    ).with_id(f"DeletionPlanner{suffix}")
    ingestion = ingest_components(
        job.workspace,
        model,
        snapshot,
        Partition(**change.old.config["partition"]),
        suffix=suffix,
    )
    ingestion["examples"].add_upstream_node(planner)
    old_ledger = ledger_of(job.workspace, change.old, name=f"OldLedger{suffix}")
    imported: list[BaseComponent] = []
    base: Channel | None = None
    if change.base is not None:
        imported = [ledger_of(job.workspace, change.base, name=f"BaseLedger{suffix}")]
        base = imported[0].outputs["result"]
    elif change.base_after is not None:
        base = made[change.base_after]
    unlearner = Unlearner(
        plan=planner.outputs["plan"],
        rows=ingestion["rows"].outputs["rows"],
        old_ledger=old_ledger.outputs["result"],
        code_digest=code_digest(),
        base=base,
    ).with_id(f"Unlearner{suffix}")
    checker = DeletionChecker(
        plan=planner.outputs["plan"],
        rows=ingestion["rows"].outputs["rows"],
        old_ledger=old_ledger.outputs["result"],
        ledger=unlearner.outputs["ledger"],
        workspace=workspace,
        request_id=job.request_id,
        replay=int(job.replay),
        base=base,
    ).with_id(f"DeletionChecker{suffix}")
    pusher = Pusher(
        model=unlearner.outputs["model"],
        model_blessing=checker.outputs["blessing"],
        push_destination=push_destination(job.workspace, change.old.family),
    ).with_id(f"Pusher{suffix}")
    description = canonical_json(job.description(change)).decode("utf-8")
    recorder = recorder_component(
        ingestion, unlearner, pusher, job.workspace, snapshot, description, suffix=suffix
    )
    ledgers = [old_ledger, *imported]
    branch = [planner, *ingestion.values(), *ledgers, unlearner, checker, pusher, recorder]
    return branch, unlearner.outputs["ledger"]
