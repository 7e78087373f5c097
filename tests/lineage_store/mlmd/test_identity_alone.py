"""What is in MLMD is identity and edges: nothing there answers about a row (law 9).

A ledger is taken into a real store, and a deletion with it. `ALLOWED` is the whole list of what any
node may say; tests/tfx/test_tfx_pipeline.py holds a TFX run to it, too.
"""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.handmade import plain_header
from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import ShardLedger, open_ledger, shard_folder, write_header
from lineage_store.ledger.units import planned_positions
from lineage_store.mlmd.ingest import ingest_deletion, ingest_model
from lineage_store.mlmd.metadata_store import Metadata, pb, set_properties
from lineage_store.mlmd.names import Names
from lineage_store.mlmd.read_graph import read_lineage
from lineage_store.mlmd.selection import SUBJECT, picture_of_subject
from lineage_store.placement import Partition
from lineage_store.tensors import save_state

ALLOWED = {
    "lineage.Shard": {"model", "shard"},
    "lineage.Batch": set(),
    "lineage.Update": set(),
    "lineage.Checkpoint": {"model", "shard", "stage"},
    "lineage.Request": {"request"},
    "lineage.Placement": {"model"},
    "lineage.Batching": {"model", "shard", "stage"},
    "lineage.Step": set(),
    "lineage.Stage": {"model", "shard", "stage"},
    "lineage.Sums": {"model", "shard", "stage"},
    "lineage.Trees": {"model", "shard", "stage"},
    "lineage.Optimum": {"model", "shard", "stage"},
    "lineage.Fit": {"model", "shard", "stage"},
    "lineage.Subtraction": {"model", "shard"},
    "lineage.Assembly": {"model"},
    "lineage.Deletion": {"request", "guarantee_m1"},
}
NAMES, URIS = Names("0123"), {"rows": "/at/rows", "model": "/at/model"}
STATE = {"weights/0": np.arange(3, dtype=np.float32)}


def made_ledger(folder, *, subtracted=()):
    """Write a ledger whose numbers nothing else could have."""
    for number in range(2):
        shard = ShardLedger(shard_folder(folder, number))
        for stage in range(2):
            record = StageRecord(number, stage, 7_000 + 10 * number + stage, 3, 4, 12 * stage, 12,
                                 f"{stage + 901:064x}", "", "", "m1", 17.25 + stage)  # fmt: skip
            steps = [
                StepRecord(p, 0, p % 4, 3_000 + p, f"{p + 1_000:064x}", 0.125 + p,
                           f"{p + 2_000:064x}")
                for p in planned_positions(record)
            ]  # fmt: skip
            shard.write_stage(record, steps, STATE)
        if subtracted:
            write_atomic(shard.subtracted_file, canonical_json({"positions": list(subtracted)}))
            save_state(shard.final_file, STATE)
    return write_header(folder, plain_header(Partition(2, 2, 3, 8, 0)))


def numbers_of(ledger):
    """Return every digest, loss, count and time that a ledger holds, as text."""
    found = {ledger.digest()}
    for shard in ledger.shards():
        for stage in shard.stages():
            found |= {str(stage.rows), str(stage.seconds), stage.rows_digest, stage.steps_digest,
                      stage.checkpoint_digest}  # fmt: skip
            for step in shard.steps(stage.stage):
                found |= {str(step.rows), step.batch_digest, str(step.loss), step.update_digest,
                          step.checkpoint_digest}  # fmt: skip
    return found - {None}


def ingest(folder, ledger):
    metadata = Metadata(folder / "metadata.sqlite", create=True)
    for name, kind in (("rows", "components.Rows"), ("model", "Model")):
        node = pb.Artifact(type_id=metadata.artifact_type(kind), uri=URIS[name])
        metadata.store.put_artifacts([node])
    record = ModelRecord("m1", "m1", 1, "live", "2031-02-03T04:05:06Z", "trained", "a" * 64,
                         ledger.digest(), {}, {})  # fmt: skip
    ingest_model(metadata, names=NAMES, record=record, ledger=ledger, uris=URIS)
    ingest_deletion(
        metadata, names=NAMES, request_id="r1", certificate_uri="", old_model_uris=["/at/model"],
        new_model_uris=[], guarantees={"m1": "exact"},
    )  # fmt: skip
    return metadata


def told_besides(metadata, *, forbidden):
    """Return what nodes say that they must not: names that are not allowed, values that tell."""
    found = []
    kinds = {one.id: one.name for one in metadata.store.get_execution_types()}
    nodes = [(metadata.type_name(node.type_id), node) for node in metadata.store.get_artifacts()]
    nodes += [(kinds[node.type_id], node) for node in metadata.store.get_executions()]
    for kind, node in nodes:
        said = {**node.properties, **node.custom_properties}
        found += [(kind, name) for name in said.keys() - ALLOWED.get(kind, set())]
        values = [getattr(value, value.WhichOneof("value")) for value in said.values()]
        values += [getattr(node, "uri", ""), node.external_id, node.name]
        found += [(kind, v) for v in map(str, values) for bad in forbidden if bad in v.split(":")]
    return found


@pytest.mark.parametrize("subtracted", [(), (3, 17)], ids=["trained", "subtracted"])
def test_nothing_is_said_but_where_things_stand(tmp_path, subtracted):
    ledger = made_ledger(tmp_path / "ledger", subtracted=subtracted)
    metadata = ingest(tmp_path, ledger)
    forbidden = numbers_of(ledger) | {"a" * 64}
    assert len(forbidden) > 100
    assert told_besides(metadata, forbidden=forbidden) == []
    # It finds what an older version wrote.
    batch = metadata.store.get_artifacts_by_type("lineage.Batch")[0]
    batch.uri = f"urn:sha256:{1_000:064x}"
    stage = metadata.store.get_executions_by_type("lineage.Stage")[0]
    set_properties(stage, {"seconds": 17.25})
    metadata.store.put_artifacts([batch])
    metadata.store.put_executions([stage])
    assert {kind for kind, _ in told_besides(metadata, forbidden=forbidden)} == {
        "lineage.Batch", "lineage.Stage",
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind, of",
    [
        ("sums", "lineage.Sums"),
        ("trees", "lineage.Trees"),
        ("optimum", "lineage.Optimum"),
        ("fit", "lineage.Fit"),
    ],
)
def test_a_kind_of_unit_without_steps_is_written_and_walked_like_any(
    kind, of, tmp_path, monkeypatch
):
    ledger = made_ledger(tmp_path / "ledger")
    stages = ShardLedger.stages
    monkeypatch.setattr(ShardLedger, "stages", lambda shard: [replace(stages(shard)[0], kind=kind)])
    metadata = ingest(tmp_path, ledger)
    assert told_besides(metadata, forbidden=numbers_of(ledger)) == []
    sums = metadata.store.get_executions_by_type(of)
    assert [node.last_known_state for node in sums] == [pb.Execution.COMPLETE] * 2
    assert not metadata.store.get_executions_by_type("lineage.Step")
    rows, model = (metadata.by_uri(URIS[name]).id for name in ("rows", "model"))
    kinds = [metadata.type_name(a.type_id) for a in metadata.artifacts(metadata.upstream([model]))]
    assert sorted(kinds) == ["components.Rows", *["lineage.Checkpoint"] * 2,
                             *["lineage.Shard"] * 2]  # fmt: skip
    assert model in metadata.downstream([rows])
    touched = {"pseudonym": "ab" * 16,
               "models": [{"model": "m1", "rows": 1, "shards": [1], "batches": []}]}  # fmt: skip
    lineage = read_lineage(metadata)
    drawn = picture_of_subject(metadata, lineage, NAMES, touched, {"m1": ledger})
    (first,) = (end for start, end in drawn.edges if start == SUBJECT)
    assert [n.values["shard"] for n in drawn.nodes if n.key == first] == [1]
    assert of in {node.kind for node in drawn.nodes}


def everything(metadata):
    """Return all nodes and edges by name, without paths and what they are numbered."""
    artifacts = {node.id: node.external_id or node.uri for node in metadata.store.get_artifacts()}
    executions = {node.id: node.external_id for node in metadata.store.get_executions()}
    events = metadata.store.get_events_by_execution_ids(sorted(executions))
    return sorted(artifacts.values()), sorted(executions.values()), sorted(
        (executions[one.execution_id], artifacts[one.artifact_id], one.type) for one in events
    )  # fmt: skip


def test_other_rows_leave_the_same_nodes_and_edges(tmp_path):
    """Losses, rows of batches, empty batches, the steps that a subtraction took back: no trace."""
    found = []
    for name, positions in (("one", (3, 17)), ("other", (0, 1, 2, 22))):
        ledger = made_ledger(tmp_path / name / "ledger", subtracted=positions)
        if name == "other":
            shard = ledger.shard(1)
            (first, _), steps = shard.stages(), list(shard.steps(0))
            less = [replace(step, rows=step.rows - 1, loss=0.5) for step in steps if step.position]
            shard.write_stage(replace(first, rows=first.rows - 9), less, STATE)
            ledger = open_ledger(ledger.folder)
        found.append(everything(ingest(tmp_path / name, ledger)))
    assert found[0] == found[1]
    assert len(found[0][0]) > 2 * 2 * 24
