"""From a ledger to MLMD: shards, batches, steps, updates, checkpoints, and what was made of them.

    Rows -> Placement -> Shard -> Batching -> Batch -> Step -> Update -> Stage -> Checkpoint
         -> Assembly -> Model (TFX's own) -> Pusher -> PushedModel

It runs after a pipeline has succeeded, never inside an executor. Each stage is one atomic write;
what is there already, told by its external id, is not written again, so a killed ingest is simply
run again. A subtraction is an execution too: checkpoint and updates in, new weights out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from ml_metadata.proto import metadata_store_pb2 as pb

from lineage_store.ledger import Ledger, ShardLedger, StageRecord
from lineage_store.metadata import Metadata, set_properties
from lineage_store.models import ModelRecord

Values = dict[str, str | int | float]


@dataclass
class Subgraph:
    """Nodes and edges that are written together."""

    metadata: Metadata
    artifacts: list[pb.Artifact] = field(default_factory=list)
    executions: list[pb.Execution] = field(default_factory=list)
    edges: list[tuple[int, int | None, pb.Event]] = field(default_factory=list)

    def artifact(self, kind: str, external_id: str, values: Values, *, uri: str = "") -> int:
        """Add an artifact and return its place."""
        node = pb.Artifact(
            type_id=self.metadata.artifact_type(kind),
            external_id=external_id,
            uri=uri,
            state=pb.Artifact.LIVE,
        )
        set_properties(node, values)
        self.artifacts.append(node)
        return len(self.artifacts) - 1

    def execution(self, kind: str, external_id: str, values: Values) -> int:
        """Add a finished execution and return its place."""
        node = pb.Execution(
            type_id=self.metadata.execution_type(kind),
            external_id=external_id,
            last_known_state=pb.Execution.COMPLETE,
        )
        set_properties(node, values)
        self.executions.append(node)
        return len(self.executions) - 1

    def edge(self, execution: int, artifact: int, kind: "pb.Event.Type") -> None:
        """Add an event between two nodes of this subgraph."""
        self.edges.append((execution, artifact, pb.Event(type=kind)))

    def edge_to(self, execution: int, artifact_id: int, kind: "pb.Event.Type") -> None:
        """Add an event to an artifact that MLMD has already."""
        self.edges.append((execution, None, pb.Event(type=kind, artifact_id=artifact_id)))

    def write(self) -> None:
        """Write all of it atomically."""
        self.metadata.store.put_lineage_subgraph(
            self.executions,
            self.artifacts,
            [],
            self.edges,
            reuse_artifact_if_already_exist_by_external_id=True,
        )


@dataclass(frozen=True)
class Names:
    """External ids: unique across workspaces by the workspace's key id."""

    key_id: str

    def of(self, model: str, what: str) -> str:
        """Return the external id of a thing of a model."""
        return f"unweave:{self.key_id}:{model}:{what}"

    def checkpoint(self, stage: StageRecord) -> str:
        """Return the external id of the checkpoint of a stage."""
        return self.of(stage.model, f"s{stage.shard}.r{stage.stage}:checkpoint")

    def update(self, stage: StageRecord, position: int) -> str:
        """Return the external id of a step's update."""
        return self.of(stage.model, f"s{stage.shard}.p{position}:update")

    def batch(self, stage: StageRecord, position: int) -> str:
        """Return the external id of a step's batch."""
        return self.of(stage.model, f"s{stage.shard}.p{position}:batch")

    def subtracted(self, model: str, shard: int) -> str:
        """Return the external id of a shard's weights after a subtraction."""
        return self.of(model, f"s{shard}.subtracted:checkpoint")


def ingest_model(
    metadata: Metadata, *, names: Names, record: ModelRecord, ledger: Ledger, uris: dict[str, str]
) -> None:
    """Write a model's lineage; `uris` are those of TFX's artifacts `rows` and `model`."""
    if metadata.execution_exists(names.of(record.id, "assembly")):
        return
    rows, model = metadata.by_uri(uris["rows"]), metadata.by_uri(uris["model"])
    if rows is None or model is None:
        raise ValueError("the pipeline's artifacts are not in MLMD")
    _placement(metadata, names, record, ledger, rows.id)
    for number, shard in enumerate(ledger.shards()):
        recorded = shard.recorded_updates()
        before: StageRecord | None = None
        for stage in shard.stages():
            if stage.model == record.id:
                _stage(metadata, names, shard, stage, before, recorded)
            before = stage
        if shard.subtracted() and shard.final_file.exists():
            _subtraction(metadata, names, record, number, shard)
    _assembly(metadata, names, record, ledger, model.id)


def _placement(
    metadata: Metadata, names: Names, record: ModelRecord, ledger: Ledger, rows_id: int
) -> None:
    external_id = names.of(record.id, "placement")
    if metadata.execution_exists(external_id):
        return
    graph = Subgraph(metadata)
    placed = graph.execution("lineage.Placement", external_id, {"model": record.id})
    graph.edge_to(placed, rows_id, pb.Event.INPUT)
    for number in range(ledger.partition.shards):
        values: Values = {"model": record.id, "shard": number}
        shard = graph.artifact("lineage.Shard", names.of(record.id, f"s{number}:shard"), values)
        graph.edge(placed, shard, pb.Event.OUTPUT)
    graph.write()


def _stage(
    metadata: Metadata,
    names: Names,
    shard: ShardLedger,
    stage: StageRecord,
    before: StageRecord | None,
    recorded: frozenset[int],
) -> None:
    external_id = names.of(stage.model, f"s{stage.shard}.r{stage.stage}:stage")
    if metadata.execution_exists(external_id):
        return
    graph = Subgraph(metadata)
    place: Values = {"model": stage.model, "shard": stage.shard, "stage": stage.stage}
    batching = graph.execution("lineage.Batching", external_id + ":batching", place)
    ended = graph.execution(
        "lineage.Stage", external_id, {**place, "steps": stage.steps, "seconds": stage.seconds}
    )
    known = [names.of(stage.model, f"s{stage.shard}:shard")]
    if before is not None:
        known.append(names.checkpoint(before))
    found = metadata.by_external_id(known)
    graph.edge_to(batching, found[known[0]].id, pb.Event.INPUT)
    if before is not None:
        graph.edge_to(ended, found[known[1]].id, pb.Event.INPUT)
    for step in shard.steps(stage.stage):
        at: Values = {**place, "position": step.position}
        batch = graph.artifact(
            "lineage.Batch",
            names.batch(stage, step.position),
            {**at, "epoch": step.epoch, "batch": step.batch, "rows": step.rows,
             "digest": step.batch_digest},
        )  # fmt: skip
        taken = graph.execution(
            "lineage.Step",
            names.of(stage.model, f"s{stage.shard}.p{step.position}:step"),
            {**at, "loss": step.loss},
        )
        kept = step.position in recorded
        update = graph.artifact(
            "lineage.Update",
            names.update(stage, step.position),
            {**at, "recorded": int(kept), **({"digest": step.update_digest or ""} if kept else {})},
            uri=str(shard.update_file(step.position)) if kept else "",
        )
        graph.edge(batching, batch, pb.Event.OUTPUT)
        graph.edge(taken, batch, pb.Event.INPUT)
        graph.edge(taken, update, pb.Event.OUTPUT)
        graph.edge(ended, update, pb.Event.INPUT)
    checkpoint = graph.artifact(
        "lineage.Checkpoint",
        names.checkpoint(stage),
        {**place, "digest": stage.checkpoint_digest},
        uri=str(shard.checkpoint_file(stage.stage)),
    )
    graph.edge(ended, checkpoint, pb.Event.OUTPUT)
    graph.write()


def _subtraction(
    metadata: Metadata, names: Names, record: ModelRecord, number: int, shard: ShardLedger
) -> None:
    """Record the newest subtraction of a shard, if this model's run made it."""
    external_id = names.of(record.id, f"s{number}.subtraction")
    if metadata.execution_exists(external_id):
        return
    stages = shard.stages()
    by_position = {step.position: stage for stage in stages for step in shard.steps(stage.stage)}
    inputs = [names.checkpoint(stages[-1])]
    inputs += [names.update(by_position[p], p) for p in sorted(shard.subtracted())]
    graph = Subgraph(metadata)
    done = graph.execution(
        "lineage.Subtraction", external_id, {"model": record.id, "shard": number}
    )
    for artifact in metadata.by_external_id(inputs).values():
        graph.edge_to(done, artifact.id, pb.Event.INPUT)
    result = graph.artifact(
        "lineage.Checkpoint",
        names.subtracted(record.id, number),
        {"model": record.id, "shard": number, "stage": len(stages)},
        uri=str(shard.final_file),
    )
    graph.edge(done, result, pb.Event.OUTPUT)
    graph.write()


def _assembly(
    metadata: Metadata, names: Names, record: ModelRecord, ledger: Ledger, model_id: int
) -> None:
    wanted = []
    for number, shard in enumerate(ledger.shards()):
        stages = shard.stages()
        if shard.final_file.exists():
            wanted.append(names.subtracted(record.id, number))
        elif stages and stages[-1].rows:
            wanted.append(names.checkpoint(stages[-1]))
    graph = Subgraph(metadata)
    values: Values = {"model": record.id, "weights": record.weights_digest}
    done = graph.execution("lineage.Assembly", names.of(record.id, "assembly"), values)
    for artifact in metadata.by_external_id(wanted).values():
        graph.edge_to(done, artifact.id, pb.Event.INPUT)
    graph.edge_to(done, model_id, pb.Event.OUTPUT)
    graph.write()


def ingest_deletion(
    metadata: Metadata,
    *,
    names: Names,
    request_id: str,
    time: str,
    certificate_digest: str,
    certificate_uri: str,
    old_model_uris: Iterable[str],
    new_model_uris: Iterable[str],
    guarantees: dict[str, str],
) -> None:
    """Write a deletion as a lineage event: request and old models in, new ones and proof out."""
    external_id = names.of(request_id, "deletion")
    if metadata.execution_exists(external_id):
        return
    graph = Subgraph(metadata)
    values: Values = {"request": request_id, "time": time, "certificate": certificate_digest}
    values |= {f"guarantee_{model}": guarantee for model, guarantee in guarantees.items()}
    event = graph.execution("lineage.Deletion", external_id, values)
    request = graph.artifact(
        "lineage.Request", names.of(request_id, "request"), {"request": request_id}
    )
    graph.edge(event, request, pb.Event.INPUT)
    for uri in old_model_uris:
        if (old := metadata.by_uri(uri)) is not None:
            graph.edge_to(event, old.id, pb.Event.INPUT)
    for uri in [*new_model_uris, certificate_uri]:
        if (new := metadata.by_uri(uri)) is not None:
            graph.edge_to(event, new.id, pb.Event.OUTPUT)
    graph.write()
