"""The doctor on ML Metadata: TFX makes a workspace once, and its metadata is damaged in each way.

MLMD knows artifacts by absolute paths, so a test puts a copy back to the place where the story was
told. MLMD's file is opened by `sqlite3` in another process only, since MLMD has no delete.
"""

import csv
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

import unweave
from benchmarks.handmade import plain_header
from fixtures import SMALL_MODEL
from fixtures.warm_python import warm_python
from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.doctor.rebuilt_metadata import rebuild
from lineage_store.errors import BadInput, CheckFailed, MetadataLost
from lineage_store.index import models
from lineage_store.index.database import read_index
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import ShardLedger, shard_folder, write_header
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.mlmd.names import Names
from lineage_store.placement import Partition
from lineage_store.workspace.folder import METADATA, Workspace, open_workspace
from pipelines.backends.tfx_local import TfxBackend
from unweave import Project

pytestmark = pytest.mark.tfx

STORY = """
import sys
from unweave import Project
project = Project("ws")
project.train("given.csv", label="label", subject="person", row_id="row", shards=2, slices=2,
              epochs=2, batch_size=64, record="all", key_file="key", module=sys.argv[1])
project.forget(["p0"])
project.forget(["p1"], strategy="amnesiac")
"""


def python(code, *arguments, folder, start=None):
    """Run code in another process with this source tree; `start` is the Python that starts it."""
    subprocess.run(
        [*(start or warm_python()), "-W", "ignore", "-c", code, *map(str, arguments)],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(Path(unweave.__file__).parents[1])},
    )


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """m1 of everyone; m2 without one person, exactly; m3 without another, approximately."""
    here = tmp_path_factory.mktemp("metadata")
    draw = random.Random(2)
    with (here / "given.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["row", "person", "points", "city", "label"])
        for number in range(300):
            points = draw.random()
            city, label = draw.choice(["Ulm", "Hof"]), "a" if points > 0.5 else "b"
            writer.writerow([number, f"p{number % 12}", f"{points:.3f}", city, label])
    write_atomic(here / "key", bytes(range(32)), mode=0o600)
    python(STORY, SMALL_MODEL, folder=here)
    shutil.copytree(here / "ws", here / "told")
    return here


@pytest.fixture
def root(story):
    shutil.rmtree(story / "ws", ignore_errors=True)
    shutil.copytree(story / "told", story / "ws")
    return story / "ws"


def opened(root):
    return Metadata(root / "metadata.sqlite", create=False)


def sql(root, *statements):
    code = (
        "import sqlite3, sys\n"
        "connection = sqlite3.connect(sys.argv[1])\n"
        "assert all(connection.execute(one).rowcount for one in sys.argv[2:])\n"
        "connection.commit()"
    )
    python(code, root / "metadata.sqlite", *statements, folder=root)


def lines_of(answer):
    return [f"{one['where']}: {one['what']}" for one in answer["differences"]]


def everything(root):
    """Return all nodes and events of MLMD, named without its numbers."""
    metadata = opened(root)
    names, found = {}, []
    for node in metadata.store.get_artifacts():
        names[node.id] = node.external_id or (metadata.type_name(node.type_id), node.uri)
        found.append((str(names[node.id]), node.state, node.uri, properties(node)))
    executions = {}
    for node in metadata.store.get_executions():
        if node.external_id:
            executions[node.id] = node.external_id
            found.append((node.external_id, node.last_known_state, "", properties(node)))
    events = metadata.store.get_events_by_execution_ids(sorted(executions))
    ends = [(executions[e.execution_id], str(names[e.artifact_id]), e.type) for e in events]
    return sorted(found), sorted(ends)


def properties(node):
    return sorted(
        (name, value.SerializeToString()) for name, value in node.custom_properties.items()
    )


def test_metadata_that_nobody_touched_has_no_difference(root):
    before = everything(root)
    assert Project(root).doctor() == {
        "ok": True, "repair": False, "differences": [], "left": 0
    }  # fmt: skip
    assert Project(root).doctor(repair=True)["ok"]
    assert everything(root) == before


def test_the_checkpoint_of_a_first_stage_without_rows_comes_from_the_shard(tmp_path):
    """Or no deletion would find it, neither to move it nor to mark it deleted."""
    folder = tmp_path / "tfx" / "ledger"
    shard = ShardLedger(shard_folder(folder, 0))
    for stage, steps in ((0, 0), (1, 2)):
        taken = [StepRecord(n, 0, n, 8, "d" * 64, 0.5) for n in range(steps)]
        record = StageRecord(0, stage, 8 * steps, 1, steps, 0, steps, "r" * 64, "", "", "m1", 1.0)
        shard.write_stage(record, taken, {"weights/0": np.zeros(1, np.float32)})
    write_header(folder, plain_header(Partition(1, 2, 1, 8, 0)))
    paths = {"examples": "tfx/e", "rows": "tfx/r", "ledger": "tfx/ledger", "model": "tfx/m"}
    record = models.ModelRecord("m1", "m1", 1, "live", "", "trained", "", "", paths, {})
    store = Metadata(tmp_path / "metadata.sqlite", create=True)
    rebuild(Workspace(tmp_path), Names("k"), [record], [], into=store, beside=store)
    (rows,) = store.store.get_artifacts_by_type("components.Rows")
    checkpoints = {node.id for node in store.store.get_artifacts_by_type("lineage.Checkpoint")}
    assert len(checkpoints) == 2 and checkpoints <= store.downstream([rows.id])


def test_a_lost_record_is_made_again_from_where_tfx_leaves_its_outputs(root):
    index = root / "unweave.sqlite"

    def record():
        with closing(read_index(index)) as connection:
            return models.find_model(connection, "m3")

    before = record()
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.execute("DELETE FROM models WHERE id = 'm3'")
    assert lines_of(Project(root).doctor()) == ["index, model m3: its record is missing"]
    assert Project(root).doctor(repair=True)["ok"]
    after = record()
    assert replace(after, report=before.report) == before
    # Until when derived values may be kept was in the record alone: they are due at once.
    assert after.report == {**before.report, "derived_until": before.created[:10]}


def test_comparing_imports_neither_tensorflow_nor_tfx(root):
    python(
        "import sys; from unweave import Project\n"
        "assert Project('.').doctor()['ok']\n"
        "assert not {'tensorflow', 'keras', 'tfx', 'sqlite_utils'} & set(sys.modules)",
        folder=root,
        start=[sys.executable],  # one that has imported nothing yet
    )


def artifact(root, kind, state=pb.Artifact.LIVE):
    metadata = opened(root)
    found = [n for n in metadata.store.get_artifacts_by_type(kind) if n.state == state]
    return metadata, found[0]


def change_property(root):
    metadata, node = artifact(root, "lineage.Shard")
    node.custom_properties["shard"].int_value += 1
    metadata.store.put_artifacts([node])


def change_uri(root):
    metadata, node = artifact(root, "lineage.Checkpoint")
    node.uri = "/elsewhere"
    metadata.store.put_artifacts([node])


def name_a_file_of_a_batch(root):
    metadata, node = artifact(root, "lineage.Batch")
    node.uri = "/elsewhere"
    metadata.store.put_artifacts([node])


def end_what_is_live(root):
    metadata, node = artifact(root, "lineage.Update")
    metadata.mark_deleted([node])


def revive_what_was_erased(root):
    metadata, node = artifact(root, "lineage.Batch", pb.Artifact.DELETED)
    node.state = pb.Artifact.LIVE
    metadata.store.put_artifacts([node])


def revive_a_model(root):
    metadata, node = artifact(root, "Model", pb.Artifact.DELETED)
    node.state = pb.Artifact.LIVE
    metadata.store.put_artifacts([node])


def change_what_stage_it_is(root):
    metadata = opened(root)
    node = live_executions(metadata, "lineage.Stage")[0]
    node.custom_properties["stage"].int_value += 1
    metadata.store.put_executions([node])


def leave_a_stage_running(root):
    metadata = opened(root)
    node = live_executions(metadata, "lineage.Stage")[0]
    node.last_known_state = pb.Execution.RUNNING
    metadata.store.put_executions([node])


def live_executions(metadata, kind):
    """Return executions that the live ledger still has: their outputs are live."""
    found = []
    for node in metadata.store.get_executions_by_type(kind):
        events = metadata.store.get_events_by_execution_ids([node.id])
        ids = [event.artifact_id for event in events if event.type == pb.Event.OUTPUT]
        if all(one.state == pb.Artifact.LIVE for one in metadata.artifacts(ids)):
            found.append(node)
    return found


def take_nodes_out(root):
    metadata, node = artifact(root, "lineage.Update")
    sql(
        root,
        f"DELETE FROM Artifact WHERE id = {node.id}",
        f"DELETE FROM Event WHERE artifact_id = {node.id}",
    )
    del metadata


def take_an_event_out(root):
    _, node = artifact(root, "lineage.Batch")
    sql(root, f"DELETE FROM Event WHERE artifact_id = {node.id} AND type = {pb.Event.INPUT}")


def take_the_deletion_out(root):
    node = opened(root).store.get_executions_by_type("lineage.Deletion")[0]
    sql(
        root,
        f"DELETE FROM Execution WHERE id = {node.id}",
        f"DELETE FROM ExecutionProperty WHERE execution_id = {node.id}",
        f"DELETE FROM Event WHERE execution_id = {node.id}",
    )


DAMAGES = {
    change_property: "MLMD, lineage.Shard: 1 with another `shard`",
    change_uri: "MLMD, lineage.Checkpoint: 1 with another URI",
    name_a_file_of_a_batch: "MLMD, lineage.Batch: 1 with another URI",
    end_what_is_live: "MLMD, lineage.Update: 1 not LIVE",
    revive_what_was_erased: "MLMD, lineage.Batch: 1 ",
    revive_a_model: "MLMD, Model: 1 not DELETED",
    change_what_stage_it_is: "MLMD, lineage.Stage: 1 with another `stage`",
    leave_a_stage_running: "MLMD, lineage.Stage: 1 not COMPLETE",
    take_nodes_out: "MLMD, lineage.Update: 1 missing",
    take_an_event_out: "MLMD, lineage.Step: 1 missing among their events",
    take_the_deletion_out: "MLMD, lineage.Deletion: 1 missing",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_each_damage_is_named_and_mended(root, damage):
    before = everything(root)
    damage(root)
    assert everything(root) != before
    found = Project(root).doctor()
    assert len(found["differences"]) == 1 and lines_of(found)[0].startswith(DAMAGES[damage])
    assert Project(root).doctor(repair=True)["ok"]
    assert Project(root).doctor()["differences"] == []
    assert everything(root) == before


def test_a_node_of_another_type_is_told_and_stays(root):
    metadata, node = artifact(root, "lineage.Shard")
    other = metadata.artifact_type("lineage.Batch")
    sql(root, f"UPDATE Artifact SET type_id = {other} WHERE id = {node.id}")
    answer = Project(root).doctor(repair=True)
    assert lines_of(answer)[0] == "MLMD, lineage.Shard: 1 of another type"
    assert answer["left"] == 1 and not answer["ok"]


def test_what_an_older_version_wrote_besides_is_no_difference(root):
    metadata, batch = artifact(root, "lineage.Batch")
    batch.uri = "urn:sha256:" + "00" * 32
    batch.custom_properties["rows"].int_value = 17
    metadata.store.put_artifacts([batch])
    step = live_executions(metadata, "lineage.Step")[0]
    step.custom_properties["loss"].double_value = 0.25
    metadata.store.put_executions([step])
    # Which updates were taken back, too: m3 is an approximate result.
    (taken,) = metadata.store.get_executions_by_type("lineage.Subtraction")
    _, update = artifact(root, "lineage.Update", pb.Artifact.DELETED)
    event = pb.Event(type=pb.Event.INPUT, execution_id=taken.id, artifact_id=update.id)
    metadata.store.put_events([event])
    before = everything(root)
    assert Project(root).doctor(repair=True)["differences"] == []
    assert everything(root) == before
    told_of = Project(root).trace_artifact(str(batch.id))
    assert told_of["uri"] is None and told_of["properties"] == {}


def test_what_is_too_much_is_told_and_stays(root):
    metadata, batch = artifact(root, "lineage.Batch")
    names = Names(open_workspace(root).keys().key_id)
    made = pb.Artifact(type_id=batch.type_id, external_id=names.of("m3", "s0.p999:batch"))
    made.custom_properties["model"].string_value = "m3"
    metadata.store.put_artifacts([made])
    wrong = live_executions(metadata, "lineage.Assembly")[-1]
    event = pb.Event(type=pb.Event.INPUT, execution_id=wrong.id, artifact_id=batch.id)
    metadata.store.put_events([event])
    answer = Project(root).doctor(repair=True)
    assert sorted(lines_of(answer)) == [
        "MLMD, lineage.Assembly: 1 too many among their events",
        "MLMD, lineage.Batch: 1 that nothing on disk accounts for",
    ]
    assert answer["left"] == 2 and not answer["ok"]


def test_a_lost_file_is_made_again_as_far_as_it_can_be_and_all_is_reached(story, root):
    (root / "metadata.sqlite").unlink()
    for command in (
        lambda: Project(root).forget(["p2"]),
        lambda: Project(root).train(story / "given.csv", label="label", subject="person"),
    ):
        with pytest.raises(MetadataLost, match="unweave doctor `repair`"):
            command()
    answer = Project(root).doctor(repair=True)
    assert answer["ok"] and "are lost" in lines_of(answer)[0]
    assert Project(root).doctor()["differences"] == []
    metadata = opened(root)
    (live,) = (n for n in metadata.store.get_artifacts_by_type("PushedModel") if n.state == 2)
    above = {
        metadata.type_name(node.type_id)
        for node in metadata.artifacts(metadata.upstream([live.id]))
    }
    ours = {"Shard", "Batch", "Update", "Checkpoint", "Request"}
    tfx = {"Examples", "ExampleStatistics", "Schema", "components.Rows", "Model"}
    assert above == tfx | {f"lineage.{name}" for name in ours}
    assert live.custom_properties["rebuilt"].int_value == 1
    assert len(metadata.store.get_executions_by_type("lineage.Deletion")) == 2
    # What the next deletion will give verdicts to: all that is live, and nothing else.
    workspace = open_workspace(root)
    with closing(read_index(workspace.index_file)) as connection:
        reached = TfxBackend().descendants(workspace, models.find_model(connection))
    alive = {
        (node.type_id, node.uri, node.external_id)
        for node in metadata.store.get_artifacts()
        if node.state == pb.Artifact.LIVE
    }
    assert len(reached) == len(alive) - 2, "the requests come from nowhere"


def test_a_deletion_runs_on_rebuilt_metadata(story, root):
    (root / "metadata.sqlite").unlink()
    assert Project(root).doctor(repair=True)["ok"]
    python("from unweave import Project; Project('ws').forget(['p2'])", folder=story)
    assert Project(root).doctor()["differences"] == []


def test_a_file_that_was_made_anew_is_told_by_name(root):
    (root / "metadata.sqlite").unlink()
    Metadata(root / "metadata.sqlite", create=True)
    with pytest.raises(MetadataLost, match="unweave doctor `repair`"):
        Project(root).forget(["p2"])
    assert Project(root).doctor(repair=True)["ok"]
    assert Project(root).doctor()["differences"] == []


def test_a_file_that_is_no_database_is_told_by_name(root):
    (root / "metadata.sqlite").write_text("no database")
    with pytest.raises(MetadataLost, match="is damaged: .* run unweave doctor `rebuild`"):
        Project(root).doctor()


def test_what_is_rebuilt_is_what_log_and_ledgers_say_and_nothing_that_was_there_besides(root):
    metadata, _ = artifact(root, "lineage.Batch")
    step = live_executions(metadata, "lineage.Step")[0]
    step.custom_properties["loss"].double_value = 0.25  # as an earlier unweave wrote it
    metadata.store.put_executions([step])
    del metadata, step
    assert Project(root).doctor(rebuild=True)["ok"]
    rebuilt = everything(root)
    assert not any("loss" in dict(properties) for *_, properties in rebuilt[0])
    (root / "metadata.sqlite").write_text("no database")
    (root / "metadata.sqlite-journal").write_text("of what was there")
    assert Project(root).doctor(rebuild=True)["ok"]
    assert everything(root) == rebuilt and Project(root).doctor()["differences"] == []


def test_a_file_that_was_named_is_not_thrown_away_since_others_may_record_there(root, tmp_path):
    named = (root / "metadata.sqlite").rename(tmp_path / "named.sqlite")
    write_atomic(root / METADATA, canonical_json({"address": str(named)}))
    named.write_text("no database")
    with pytest.raises(BadInput, match="others may record there: move it away"):
        Project(root).doctor(rebuild=True)
    assert named.read_text() == "no database"
    named.unlink()
    assert Project(root).doctor(repair=True)["ok"] and named.exists()


def test_without_a_live_ledger_nothing_is_rebuilt_and_all_stays(root):
    ledger = next(root.glob("tfx/forget-r2/Unlearner_m2/ledger/*"))
    (ledger / "header.json").unlink()
    before = (root / "metadata.sqlite").stat().st_ino
    with pytest.raises(CheckFailed, match="nothing was changed"):
        Project(root).doctor(rebuild=True)
    assert (root / "metadata.sqlite").stat().st_ino == before


def test_without_a_live_ledger_nothing_is_compared_with_it(root):
    ledger = next(root.glob("tfx/forget-r2/Unlearner_m2/ledger/*"))
    (ledger / "header.json").unlink()
    answer = Project(root).doctor(repair=True)
    assert any(line.startswith("MLMD: it was not compared") for line in lines_of(answer))
    assert not answer["ok"] and not any(one["repairable"] for one in answer["differences"])
