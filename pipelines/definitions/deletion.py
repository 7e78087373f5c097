"""The deletion pipeline: plan, unlearn, check, push, record for each model; then erase and certify.

    DeletionPlanner -> GatedExampleGen -> GatedStatisticsGen -> SchemaGen -> RowIndexer
        -> Unlearner -> DeletionChecker -> UnlearningEvaluator -> Pusher -> ModelRecorder
                                                               one branch a model, on what remains
    Eraser -> Certifier -> RunRecorder                         once, after all branches

What TFX made from the rows is made again without them by the components that made it first; what
they made before is erased whole. A model that is withdrawn has no branch. Where a model was trained
from another, its branch takes the ledger that comes out of the other's, once that one is recorded.
The evaluator is there if the workspace has a policy for it, and TFX's own statistics and validator
if the model was trained with them.
"""

from dataclasses import dataclass

from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Examples, ExampleStatistics

from components.certifier import Certifier
from components.checker import DeletionChecker
from components.eraser import Eraser
from components.evaluator import UnlearningEvaluator
from components.planner import DeletionPlanner
from components.pusher import VersionPusher
from components.unlearner import Unlearner
from lineage_store.canonical import canonical_json
from lineage_store.clock import seconds_ahead
from lineage_store.ledger import TrainOptions
from pipelines.definitions.training import (
    OldData,
    artifact_of,
    ingest_components,
    last_component,
    ledger_of,
    pipeline,
    push_destination,
    recorder_component,
    rows_of,
)
from pipelines.jobs import DeletionJob, ModelChange
from unlearning.fingerprint import code_digest


@dataclass(frozen=True)
class Branch:
    """The components that replace one model: all, the one that trains, and the last."""

    components: list[BaseComponent]
    unlearner: BaseComponent
    recorder: BaseComponent


def deletion_pipeline(
    job: DeletionJob,
    *,
    enable_cache: bool = False,
    awaited: bool = False,
    recorded_by_tfx: bool = True,
) -> Pipeline:
    """Define the deletion pipeline of a job; a run that was killed is defined without its past.

    A command that awaits its end says so, and ends the run once it has read what was measured.
    Where the orchestrator has TFX record nothing in ML Metadata, the last component stands in.
    """
    branches: dict[str, Branch] = {}
    for change in job.changes:
        if change.model_after is not None and not change.recorded:
            base = branches.get(change.base_after or "")
            branches[change.model_after] = _branch(job, change, change.model_after, base=base)
    ahead = seconds_ahead(job.clock)
    eraser = Eraser(workspace=str(job.workspace.root), request_id=job.request_id, ahead=ahead)
    eraser.add_upstream_nodes([branch.recorder for branch in branches.values()])
    certifier = Certifier(
        erasure=eraser.outputs["report"],
        workspace=str(job.workspace.root),
        request_id=job.request_id,
        ahead=ahead,
        version=job.version,
    )
    last = last_component(job, after=[certifier], awaited=awaited, recorded_by_tfx=recorded_by_tfx)
    components = [part for branch in branches.values() for part in branch.components]
    components += [eraser, certifier, last]
    return pipeline(job.workspace, job.name, components, enable_cache=enable_cache)


def _branch(job: DeletionJob, change: ModelChange, model: str, *, base: Branch | None) -> Branch:
    """Define a model's branch; `base` is the one that makes what the new model starts from."""
    suffix = f"_{change.old.id}"
    workspace, snapshot = str(job.workspace.root), job.workspace.snapshot(model)
    planner = DeletionPlanner(
        workspace=workspace, request_id=job.request_id, model_id=change.old.id
    ).with_id(f"DeletionPlanner{suffix}")
    old_ledger = ledger_of(job.workspace, change.old, name=f"OldLedger{suffix}")
    old_rows = rows_of(job.workspace, change.old, name=f"OldRows{suffix}")
    old_examples = artifact_of(
        job.workspace, change.old, "examples", Examples, name=f"OldExamples{suffix}"
    )
    old_statistics = artifact_of(
        job.workspace, change.old, "statistics", ExampleStatistics, name=f"OldStatistics{suffix}"
    )
    ingestion = ingest_components(
        job.workspace,
        model,
        snapshot,
        change.partition,
        options=TrainOptions.from_json(change.old.config),
        suffix=suffix,
        old=OldData(
            snapshot=str(job.workspace.absolute(change.old.paths["data"])),
            examples=None if old_examples is None else old_examples.outputs["result"],
            statistics=None if old_statistics is None else old_statistics.outputs["result"],
            rows=old_rows.outputs["result"],
            ledger=old_ledger.outputs["result"],
        ),
    )
    ingestion["examples"].add_upstream_node(planner)
    ledgers = [old_ledger]
    start: Channel | None = None
    if base is not None:
        start = base.unlearner.outputs["ledger"]
    elif change.base is not None:
        ledgers.append(ledger_of(job.workspace, change.base, name=f"BaseLedger{suffix}"))
        start = ledgers[-1].outputs["result"]
    unlearner = Unlearner(
        plan=planner.outputs["plan"],
        rows=ingestion["rows"].outputs["rows"],
        old_rows=old_rows.outputs["result"],
        old_ledger=old_ledger.outputs["result"],
        code_digest=code_digest(),
        base=start,
    ).with_id(f"Unlearner{suffix}")
    if base is not None:
        unlearner.add_upstream_node(base.recorder)  # checked by then
    checker = DeletionChecker(
        plan=planner.outputs["plan"],
        rows=ingestion["rows"].outputs["rows"],
        old_rows=old_rows.outputs["result"],
        old_ledger=old_ledger.outputs["result"],
        ledger=unlearner.outputs["ledger"],
        workspace=workspace,
        request_id=job.request_id,
        replay=int(job.replay),
        base=start,
    ).with_id(f"DeletionChecker{suffix}")
    judged: list[BaseComponent] = []
    if job.workspace.evaluation_policy.exists():
        evaluator = UnlearningEvaluator(
            plan=planner.outputs["plan"],
            rows=ingestion["rows"].outputs["rows"],
            old_rows=old_rows.outputs["result"],
            old_ledger=old_ledger.outputs["result"],
            ledger=unlearner.outputs["ledger"],
            report=checker.outputs["report"],
            workspace=workspace,
            request_id=job.request_id,
        ).with_id(f"UnlearningEvaluator{suffix}")
        judged.append(evaluator)
    pusher = VersionPusher(
        model=unlearner.outputs["model"],
        model_blessing=checker.outputs["blessing"],
        push_destination=push_destination(job.workspace, change.old.family),
    ).with_id(f"Pusher{suffix}")
    pusher.add_upstream_nodes(judged)
    description = canonical_json(job.description(change).to_json()).decode("utf-8")
    recorder = recorder_component(
        ingestion, unlearner, pusher, job, snapshot, description, suffix=suffix
    )
    given = (old_examples, old_statistics)
    imported = [old_rows, *(one for one in given if one is not None), *ledgers]
    components = [planner, *ingestion.values(), *imported, unlearner, checker]
    components += [*judged, pusher, recorder]
    return Branch(components, unlearner, recorder)
