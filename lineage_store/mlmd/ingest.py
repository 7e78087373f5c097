"""From a ledger to MLMD: shards, batches, steps, updates, checkpoints, and what was made of them.

    Rows -> Placement -> Shard -> Batching -> Batch -> Step -> Update -> Stage -> Checkpoint
         -> Assembly -> Model (TFX's own) -> Pusher -> PushedModel

The first stage of a shard that started from the weights of another model reads their checkpoint.

It runs after a pipeline has succeeded, never inside an executor. A stage is written in pieces of
bounded size, each atomic: its execution is RUNNING while steps are added to it, and COMPLETE with
its checkpoint. What is there already, told by its external id, is not written again, so a killed
ingest is simply run again, and two at once come to the same. A subtraction is an execution too:
checkpoint and updates in, new weights out, and a repair is a stage that starts from these.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from lineage_store.errors import MetadataLost
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import Ledger, ShardLedger
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.mlmd.names import Names, content_uri
from lineage_store.mlmd.subgraph import Subgraph, Values, write_once

STEPS_AT_ONCE = 500


def ingest_model(
    metadata: Metadata,
    *,
    names: Names,
    record: ModelRecord,
    ledger: Ledger,
    uris: dict[str, str],
    base: Ledger | None = None,
) -> None:
    """Write a model's lineage; `uris` are those of TFX's artifacts `rows` and `model`.

    `base` is the ledger of the model that it was trained from, which is written already.
    """
    if metadata.execution_exists(names.of(record.id, "assembly")):
        return
    rows, model = metadata.by_uri(uris["rows"]), metadata.by_uri(uris["model"])
    if rows is None or model is None:
        raise MetadataLost(
            f"The artifacts of {record.id} are not in ML Metadata, as if it was lost and made "
            f"anew: run unweave doctor --repair, which makes again what can be."
        )
    ingest_placement(metadata, names, record, ledger, rows.id)
    for number, shard in enumerate(ledger.shards()):
        before: StageRecord | None = None
        for stage in shard.stages():
            if stage.model == record.id:
                if stage.start_digest:
                    _subtraction(metadata, names, record, number, shard)
                start = None if base is None else served(names, base, number)
                ingest_stage(metadata, names, shard, stage, before, start)
            before = stage
        if shard.subtracted() and shard.final_file.exists():
            _subtraction(metadata, names, record, number, shard)
    ingest_assembly(metadata, names, record, model.id, checkpoints=_serving(names, ledger))


def ingest_placement(
    metadata: Metadata, names: Names, record: ModelRecord, ledger: Ledger, rows_id: int
) -> None:
    """Write how rows were placed: a model's shards."""
    external_id = names.of(record.id, "placement")

    def missing() -> Subgraph | None:
        if metadata.execution_exists(external_id):
            return None
        graph = Subgraph(metadata)
        placed = graph.execution("lineage.Placement", external_id, {"model": record.id})
        graph.edge_to(placed, rows_id, pb.Event.INPUT)
        for number in range(ledger.partition.shards):
            values: Values = {"model": record.id, "shard": number}
            shard = graph.artifact("lineage.Shard", names.of(record.id, f"s{number}:shard"), values)
            graph.edge(placed, shard, pb.Event.OUTPUT)
        return graph

    write_once(missing)


def ingest_stage(
    metadata: Metadata,
    names: Names,
    shard: ShardLedger,
    stage: StageRecord,
    before: StageRecord | None,
    start: str | None = None,
) -> None:
    """Write a stage: its two executions, its steps piece by piece, its checkpoint last.

    `start` names the checkpoint of another model that its shard started from, if there is one.
    """
    if metadata.execution_is_complete(names.stage(stage)):
        return
    fresh = not metadata.execution_exists(names.stage(stage))
    write_once(lambda: _stage_begun(metadata, names, stage, before, start))
    known = metadata.executions_by_external_id([names.batching(stage), names.stage(stage)])
    batching, ended = known[names.batching(stage)], known[names.stage(stage)]
    steps, files = shard.steps(stage.stage), shard.updates.files()
    while piece := list(islice(steps, STEPS_AT_ONCE)):
        _write_steps(metadata, names, shard, stage, piece, files, batching.id, ended.id, fresh)
    write_once(lambda: _stage_ended(metadata, names, shard, stage))


def _stage_begun(
    metadata: Metadata,
    names: Names,
    stage: StageRecord,
    before: StageRecord | None,
    start: str | None,
) -> Subgraph | None:
    if metadata.execution_exists(names.stage(stage)):
        return None
    graph = Subgraph(metadata)
    place = _place(stage)
    batching = graph.execution("lineage.Batching", names.batching(stage), place)
    values: Values = {
        **place,
        "steps": stage.steps,
        "seconds": stage.seconds,
        "first_position": stage.first_position,
        "epochs": stage.epochs,
        "batches": stage.batches,
    }
    if stage.kind != "stage":
        values = place  # of sums MLMD holds identity and edges (law 9)
    begun = graph.execution("lineage.Stage", names.stage(stage), values)
    graph.executions[begun].last_known_state = pb.Execution.RUNNING
    shard = names.of(stage.model, f"s{stage.shard}:shard")
    read = {batching: shard}
    if stage.start_digest:
        start = names.subtracted(stage.model, stage.shard)
    elif before is not None:
        read[begun] = names.checkpoint(before)
    elif not stage.steps:  # without it, nothing would lead from the rows to the checkpoint
        read[begun] = shard
    found = metadata.by_external_id(set(read.values()))
    for execution, external_id in read.items():
        graph.edge_to(execution, found[external_id].id, pb.Event.INPUT)
    if start is not None and (before is None or stage.start_digest):
        # Made without TFX, the other model may not be there; nor an ended one's subtraction.
        for given in metadata.by_external_id([start]).values():
            graph.edge_to(begun, given.id, pb.Event.INPUT)
    return graph


def _write_steps(
    metadata: Metadata,
    names: Names,
    shard: ShardLedger,
    stage: StageRecord,
    steps: Sequence[StepRecord],
    files: Mapping[int, Path],
    batching: int,
    ended: int,
    fresh: bool,
) -> None:
    """Write those of a piece of steps that MLMD lacks; a step comes with all that is its own.

    Of a stage that this ingest has begun none should be there, so the first try does not ask.
    """
    ask = not fresh

    def missing() -> Subgraph | None:
        nonlocal ask
        named = {names.step(stage, step.position): step for step in steps}
        there = metadata.executions_by_external_id(named) if ask else {}
        ask = True  # a try that failed was not the first to write them
        graph = Subgraph(metadata)
        for external_id, step in named.items():
            if external_id not in there:
                _step(graph, names, shard, stage, step, files, batching, ended)
        return graph if graph.executions else None

    write_once(missing)


def _step(
    graph: Subgraph,
    names: Names,
    shard: ShardLedger,
    stage: StageRecord,
    step: StepRecord,
    files: Mapping[int, Path],
    batching: int,
    ended: int,
) -> None:
    """Add a step, its batch and its update; `files` are those of the updates that are recorded.

    They say where they stand by their external ids alone: MLMD takes its time for every property,
    and a long run has millions of steps.
    """
    batch = graph.artifact(
        "lineage.Batch",
        names.batch(stage, step.position),
        {"rows": step.rows},
        uri=content_uri(step.batch_digest),
    )
    taken = graph.execution("lineage.Step", names.step(stage, step.position), {"loss": step.loss})
    file = files.get(step.position)
    digest = None if file is None else step.update_digest
    update = graph.artifact(
        "lineage.Update",
        names.update(stage, step.position),
        {} if digest is None else {"digest": digest},
        uri="" if file is None or digest is None else str(file),
    )
    if step.checkpoint_digest is not None:
        kept = shard.step_checkpoint_file(step.position)
        checkpoint = graph.artifact(
            "lineage.Checkpoint",
            names.step_checkpoint(stage, step.position),
            {"digest": step.checkpoint_digest},
            uri=str(kept) if kept.exists() else "",
        )
        graph.edge(taken, checkpoint, pb.Event.OUTPUT)
    graph.edge_from(batching, batch, pb.Event.OUTPUT)
    graph.edge(taken, batch, pb.Event.INPUT)
    graph.edge(taken, update, pb.Event.OUTPUT)
    graph.edge_from(ended, update, pb.Event.INPUT)


def _stage_ended(
    metadata: Metadata, names: Names, shard: ShardLedger, stage: StageRecord
) -> Subgraph | None:
    ended = metadata.executions_by_external_id([names.stage(stage)])[names.stage(stage)]
    if ended.last_known_state == pb.Execution.COMPLETE:
        return None
    graph = Subgraph(metadata)
    ended.last_known_state = pb.Execution.COMPLETE
    graph.executions.append(ended)
    digest: Values = {"digest": stage.checkpoint_digest} if stage.kind == "stage" else {}
    checkpoint = graph.artifact(
        "lineage.Checkpoint" if stage.kind == "stage" else "lineage.Sums",
        names.checkpoint(stage),
        {**_place(stage), **digest},
        uri=str(shard.checkpoint_file(stage.stage)),
    )
    graph.edge(0, checkpoint, pb.Event.OUTPUT)
    return graph


def _place(stage: StageRecord) -> Values:
    return {"model": stage.model, "shard": stage.shard, "stage": stage.stage}


def _subtraction(
    metadata: Metadata, names: Names, record: ModelRecord, number: int, shard: ShardLedger
) -> None:
    """Record the newest subtraction of a shard, if this model's run made it."""
    external_id = names.of(record.id, f"s{number}.subtraction")
    subtracted, repaired = shard.subtracted(), shard.repair()
    stages = [stage for stage in shard.stages() if stage != repaired]
    inputs = [names.checkpoint(stages[-1])]
    for stage in stages:
        for step in shard.steps(stage.stage):
            if step.position in subtracted:
                inputs.append(names.update(stage, step.position))

    def missing() -> Subgraph | None:
        if metadata.execution_exists(external_id):
            return None
        graph = Subgraph(metadata)
        values: Values = {"model": record.id, "shard": number}
        done = graph.execution("lineage.Subtraction", external_id, values)
        for artifact in metadata.by_external_id(inputs).values():
            graph.edge_to(done, artifact.id, pb.Event.INPUT)
        result = graph.artifact(
            "lineage.Checkpoint",
            names.subtracted(record.id, number),
            {**values, "stage": len(stages)},
            uri=str(shard.final_file) if shard.final_file.exists() else "",
        )
        graph.edge(done, result, pb.Event.OUTPUT)
        return graph

    write_once(missing)


def _serving(names: Names, ledger: Ledger) -> list[str]:
    """Return the names of the checkpoints that a model consists of."""
    found = [served(names, ledger, number) for number in range(ledger.partition.shards)]
    return [name for name in found if name is not None]


def served(names: Names, ledger: Ledger, number: int) -> str | None:
    """Return the name of the checkpoint that a shard gives to its model; None if it has no rows."""
    shard = ledger.shard(number)
    if shard.final_file.exists():
        return names.subtracted(ledger.header.model, number)
    stages = shard.stages()
    return names.checkpoint(stages[-1]) if stages and stages[-1].rows else None


def ingest_assembly(
    metadata: Metadata, names: Names, record: ModelRecord, model_id: int, *, checkpoints: list[str]
) -> None:
    """Write what a model consists of; checkpoints that MLMD lacks are left out."""
    values: Values = {"model": record.id, "weights": record.weights_digest}

    def missing() -> Subgraph | None:
        if metadata.execution_exists(names.of(record.id, "assembly")):
            return None
        graph = Subgraph(metadata)
        done = graph.execution("lineage.Assembly", names.of(record.id, "assembly"), values)
        for artifact in metadata.by_external_id(checkpoints).values():
            graph.edge_to(done, artifact.id, pb.Event.INPUT)
        graph.edge_to(done, model_id, pb.Event.OUTPUT)
        return graph

    write_once(missing)


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
    values: Values = {"request": request_id, "time": time, "certificate": certificate_digest}
    values |= {f"guarantee_{model}": guarantee for model, guarantee in guarantees.items()}
    before, after = list(old_model_uris), [*new_model_uris, certificate_uri]

    def missing() -> Subgraph | None:
        if metadata.execution_exists(external_id):
            return None
        graph = Subgraph(metadata)
        event = graph.execution("lineage.Deletion", external_id, values)
        request = graph.artifact(
            "lineage.Request", names.of(request_id, "request"), {"request": request_id}
        )
        graph.edge(event, request, pb.Event.INPUT)
        for uris, kind in ((before, pb.Event.INPUT), (after, pb.Event.OUTPUT)):
            for uri in uris:
                if (found := metadata.by_uri(uri)) is not None:
                    graph.edge_to(event, found.id, kind)
        return graph

    write_once(missing)
