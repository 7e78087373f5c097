"""Whole TFX pipelines: trained, forgotten twice, and read back with ML Metadata's own client.

One story is told through the command line, once for all tests: `train` on taxi trips, `forget` of
one company (exact), `forget` of another (approximate). The workspace is copied after each step.
MLMD knows artifacts by absolute paths, so a test that runs something more puts a copy back to the
place where the story was told.
"""

import csv
import functools
import importlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import networkx as nx
import numpy as np
import pytest
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb

import components
import unweave
from fixtures.cell_files import lines_of_data
from fixtures.compiled_ir import local_paths
from fixtures.warm_python import warm_python
from lineage_store.canonical import digest_json
from lineage_store.cells.gate import let_through
from lineage_store.clock import clock_ahead
from lineage_store.data.columns import Columns, read_header
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.data.risk import parse_rules
from lineage_store.graph.closure import artifact_key, execution_key
from lineage_store.index import models
from lineage_store.index.database import read_index
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.ledger.shards import open_ledger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.log import events as eventlog
from lineage_store.mlmd.metadata_store import INPUTS, OUTPUTS, Metadata
from lineage_store.mlmd.read_graph import read_lineage
from lineage_store.placement import Partition
from lineage_store.rows.row_store import open_rows
from lineage_store.sources.source import open_source
from lineage_store.workspace.folder import open_workspace, writing
from pipelines.backends.direct import DirectBackend
from pipelines.backends.kubeflow import compile_pipeline
from pipelines.backends.tfx_local import TfxBackend, quiet_and_inside, run_locally
from pipelines.jobs import DeletionJob, ModelChange, TrainingJob
from unlearning.encoding.encode_records import store_from_snapshot
from unlearning.encoding.keras_encoding import KerasEncoding
from unlearning.training.config import TrainConfig

pytestmark = pytest.mark.tfx

FIRST, SECOND = "Blue Ribbon Taxi Association Inc.", "Top Cab Affiliation"
TRIPS = "examples/chicago_taxi_pipeline/data/simple/data.csv"
KEPT_COLUMNS = (
    "company",
    "trip_start_timestamp",
    "trip_start_hour",
    "pickup_latitude",
    "pickup_longitude",
    "trip_miles",
    "fare",
    "payment_type",
)
OPTIONS = {"shards": 3, "slices": 2, "epochs": 2, "batch_size": 64, "record": "all"}
TRAIN = [
    *("train", "--csv", "trips.csv", "--label-column", "big_tip"),
    *("--subject-column", "company", "--row-id-column", "trip", "--workspace", "ws"),
    *itertools.chain.from_iterable(
        (f"--{name.replace('_', '-')}", str(value)) for name, value in OPTIONS.items()
    ),
]
FORGET_FIRST = ["forget", FIRST, "--workspace", "ws", "--reveal", "--json"]
FORGET_SECOND = [
    "forget",
    SECOND,
    "--strategy",
    "amnesiac",
    "--workspace",
    "ws",
    "--reveal",
    "--json",
]


def start(*arguments, folder, python=None):
    """Start this Python in a folder, with this source tree."""
    return subprocess.Popen(
        [*(python or warm_python()), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(unweave.__file__).parents[1])},
    )


def run(*arguments, folder):
    """Run a command; return its exit status, output and standard error."""
    process = start("-m", "unweave", *arguments, folder=folder)
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def answer_of(*arguments, folder):
    status, output, errors = run(*arguments, folder=folder)
    assert status == 0, (output, errors)
    return json.loads(output)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """The story: its folder, the three answers, and a copy of the workspace after each step."""
    here = tmp_path_factory.mktemp("story")
    (here / "key").write_bytes(bytes(range(32)))
    (here / "key").chmod(0o600)
    write_trips(here / "trips.csv")
    made = SimpleNamespace(here=here, csv=here / "trips.csv")
    steps = {
        "trained": [*TRAIN, "--key-file", "key", "--reveal", "--json"],
        "forgotten": FORGET_FIRST,
        "forgotten_twice": FORGET_SECOND,
    }
    for name, command in steps.items():
        setattr(made, name, answer_of(*command, folder=here))
        shutil.copytree(here / "ws", here / f"after-{name}")
        rows = record_of(here / "ws", None).paths["rows"]
        shutil.copytree(here / "ws" / rows, here / f"rows-{name}", copy_function=os.link)
    return made


def write_trips(path):
    tfx = Path(importlib.util.find_spec("tfx").submodule_search_locations[0])
    with (tfx / TRIPS).open(newline="") as stream:
        trips = list(itertools.islice(csv.DictReader(stream), 1500))
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["trip", *KEPT_COLUMNS, "big_tip"])
        for number, trip in enumerate(trips):
            big = float(trip["tips"]) > 0.2 * float(trip["fare"] or 0)
            values = [trip[name] for name in KEPT_COLUMNS]
            writer.writerow([f"trip-no-{number:05d}", *values, int(big)])


def put_back(story, name):
    """Make the workspace as it was after a step, at the place where it was."""
    shutil.rmtree(story.here / "ws")
    shutil.copytree(story.here / f"after-{name}", story.here / "ws")
    return open_workspace(story.here / "ws")


class Mlmd:
    """A stock ML Metadata client on a workspace's file, and walks over its events alone."""

    def __init__(self, workspace):
        config = pb.ConnectionConfig()
        config.sqlite.filename_uri = str(workspace / "metadata.sqlite")
        config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READONLY
        self.store = metadata_store.MetadataStore(config)
        self.artifact_names = {kind.id: kind.name for kind in self.store.get_artifact_types()}
        self.execution_names = {kind.id: kind.name for kind in self.store.get_execution_types()}

    def artifacts(self, kind):
        return self.store.get_artifacts_by_type(kind)

    def executions(self, kind):
        return self.store.get_executions_by_type(kind)

    def walk(self, artifact_ids, *, up):
        """Return ids of all artifacts and executions that are reached, level by level."""
        into, out_of = (OUTPUTS, INPUTS) if up else (INPUTS, OUTPUTS)
        artifacts, executions, level = set(artifact_ids), set(), set(artifact_ids)
        while level:
            events = self.store.get_events_by_artifact_ids(sorted(level))
            found = {event.execution_id for event in events if event.type in into} - executions
            executions |= found
            events = self.store.get_events_by_execution_ids(sorted(found)) if found else []
            level = {event.artifact_id for event in events if event.type in out_of} - artifacts
            artifacts |= level
        return artifacts, executions

    def events(self):
        ids = [execution.id for execution in self.store.get_executions()]
        return self.store.get_events_by_execution_ids(ids)

    def everything(self):
        """Return all nodes and events, to compare two times."""
        nodes = [*self.store.get_artifacts(), *self.store.get_executions()]
        return sorted(node.SerializeToString(deterministic=True) for node in nodes), sorted(
            event.SerializeToString(deterministic=True) for event in self.events()
        )


def place(node, *names):
    """Return custom properties, or parts of the external id, as a tuple."""
    kind = r"unweave:\w+:(?P<model>m\d+):s(?P<shard>\d+)\.r(?P<stage>\d+)(\.p(?P<position>\d+))?:"
    found = re.match(kind, node.external_id)

    def value(name):
        if name in node.custom_properties:
            held = node.custom_properties[name]
            return getattr(held, held.WhichOneof("value"))
        return found[name] if name == "model" else int(found[name])

    return tuple(map(value, names))


def ledger_of(workspace, model):
    return open_ledger(workspace / record_of(workspace, model).paths["ledger"])


def record_of(workspace, model):
    connection = read_index(workspace / "unweave.sqlite")
    try:
        return models.find_model(connection, model)
    finally:
        connection.close()


def steps_of(ledger):
    """Return (model, shard, position) of all steps behind a model."""
    return [
        (stage.model, stage.shard, step.position)
        for shard in ledger.shards()
        for stage in shard.stages()
        for step in shard.steps(stage.stage)
    ]


def stages_of(ledger):
    """Return (model, shard, stage) of all stages of which the checkpoint is there."""
    return [
        (stage.model, stage.shard, stage.stage)
        for shard in ledger.shards()
        for stage in shard.stages()
        if shard.has_checkpoint(stage.stage)
    ]


def test_a_stock_client_walks_from_the_pushed_model_up_to_the_examples(story):
    mlmd = Mlmd(story.here / "after-trained")
    (pushed,) = mlmd.artifacts("PushedModel")
    artifacts, executions = mlmd.walk([pushed.id], up=True)
    for kind in ("Shard", "Batch", "Update", "Checkpoint"):
        everyone = {artifact.id for artifact in mlmd.artifacts(f"lineage.{kind}")}
        assert everyone and everyone <= artifacts, kind
    for kind in ("Model", "components.Rows", "Schema", "Examples"):
        assert {artifact.id for artifact in mlmd.artifacts(kind)} <= artifacts, kind
    for kind in ("Placement", "Batching", "Step", "Stage", "Assembly"):
        everyone = {execution.id for execution in mlmd.executions(f"lineage.{kind}")}
        assert everyone and everyone <= executions, kind


def test_a_stock_client_walks_from_the_examples_down_to_the_pushed_model(story):
    mlmd = Mlmd(story.here / "after-trained")
    (examples,) = mlmd.artifacts("Examples")
    (pushed,) = mlmd.artifacts("PushedModel")
    artifacts, executions = mlmd.walk([examples.id], up=False)
    assert pushed.id in artifacts
    for kind in ("Shard", "Batch", "Update", "Checkpoint"):
        assert {artifact.id for artifact in mlmd.artifacts(f"lineage.{kind}")} <= artifacts, kind
    assert {execution.id for execution in mlmd.executions("lineage.Step")} <= executions
    # And from one batch to the one update that it caused, through one step.
    batch = mlmd.artifacts("lineage.Batch")[7]
    (read,) = mlmd.store.get_events_by_artifact_ids([batch.id])[1:]
    (written,) = (
        event.artifact_id
        for event in mlmd.store.get_events_by_execution_ids([read.execution_id])
        if event.type in OUTPUTS
    )
    (update,) = mlmd.store.get_artifacts_by_id([written])
    assert mlmd.artifact_names[update.type_id] == "lineage.Update"
    same = ("model", "shard", "stage", "position")
    assert place(update, *same) == place(batch, *same)


def test_closures_in_memory_are_those_of_networkx_on_the_real_store(story):
    workspace = story.here / "after-forgotten_twice"
    lineage = read_lineage(Metadata(workspace / "metadata.sqlite", create=False))
    mlmd = Mlmd(workspace)
    other = nx.DiGraph()
    for event in mlmd.events():
        ends = artifact_key(event.artifact_id), execution_key(event.execution_id)
        other.add_edge(*(ends if event.type in INPUTS else ends[::-1]))
    assert lineage.graph.edges == len(mlmd.events()) > 300
    ends = [a.id for kind in ("Examples", "Model", "lineage.Request") for a in mlmd.artifacts(kind)]
    for key in map(artifact_key, ends):
        assert set(lineage.graph.downstream([key]).tolist()) == nx.descendants(other, key)
        assert set(lineage.graph.upstream([key]).tolist()) == nx.ancestors(other, key)


def test_there_is_one_step_batch_and_update_a_step_and_one_checkpoint_a_stage(story):
    workspace = story.here / "after-trained"
    mlmd, ledger = Mlmd(workspace), ledger_of(workspace, "m1")
    steps = sorted(steps_of(ledger))
    assert len(steps) == story.trained["steps"] > 20
    of_step = ("model", "shard", "position")
    for nodes in (
        mlmd.executions("lineage.Step"),
        mlmd.artifacts("lineage.Batch"),
        mlmd.artifacts("lineage.Update"),
    ):
        assert sorted(place(node, *of_step) for node in nodes) == steps
    found = [
        place(node, "model", "shard", "stage") for node in mlmd.artifacts("lineage.Checkpoint")
    ]
    assert sorted(found) == sorted(stages_of(ledger)) and len(found) == 3 * 2
    assert len(mlmd.artifacts("lineage.Shard")) == 3


OF_PLACE = {"model", "shard", "stage", "request", "guarantee_m1", "guarantee_m2"}
OF_OURS = {"guarantee", "code", "environment"}
OF_PARAMETERS = {
    "ahead", "artifact_uri", "awaited", "code_digest", "config", "custom_config", "description",
    "entry", "exclude_splits",
    "family", "infer_feature_shape", "input_base", "input_config", "model_id", "module_file",
    "old_snapshot",
    "output_config", "output_data_format", "output_file_format", "output_key", "partition",
    "push_destination", "reimport", "replay", "request_id", "snapshot", "stand_ins",
    "stats_options_json",
    "version", "workspace", "written",
}  # fmt: skip
OF_TFX = {
    "blessed", "file_format", "input_fingerprint", "is_external", "payload_format", "pushed",
    "pushed_destination", "pushed_version", "sample_rate_by_split", "span", "split_names",
    "stats_dashboard_link", "tfx_version",
}  # fmt: skip


def numbers_of(ledger, record):
    """Return every digest, loss, count and time of a training, as text."""
    made = record.report["made_with"]
    found = {ledger.digest(), record.weights, record.ledger, made["data_digest"]}
    for stage in (stage for shard in ledger.shards() for stage in shard.stages()):
        found |= {str(stage.rows), str(stage.seconds), stage.rows_digest, stage.steps_digest,
                  stage.checkpoint_digest}  # fmt: skip
        for step in ledger.shard(stage.shard).steps(stage.stage):
            found |= {str(step.rows), str(step.loss), step.batch_digest, step.update_digest,
                      step.checkpoint_digest}  # fmt: skip
    return found - {None}


@pytest.mark.parametrize("step", ["trained", "forgotten", "forgotten_twice"])
def test_mlmd_says_where_things_stand_and_nothing_else_of_a_training(step, story):
    workspace = story.here / f"after-{step}"
    mlmd, forbidden = Mlmd(workspace), set()
    for earlier, model in (("trained", "m1"), ("forgotten", "m2"), ("forgotten_twice", "m3")):
        then = story.here / f"after-{earlier}"
        forbidden |= numbers_of(ledger_of(then, model), record_of(then, model))
    assert len(forbidden) > 200
    nodes = [*mlmd.store.get_artifacts(), *mlmd.store.get_executions()]
    names, seen = OF_PLACE | OF_OURS | OF_PARAMETERS | OF_TFX, set()
    for node in nodes:
        said = {**node.properties, **node.custom_properties}
        ours = node.external_id.startswith("unweave:")
        assert said.keys() <= (OF_PLACE if ours else names), node
        values = [getattr(value, value.WhichOneof("value")) for value in said.values()]
        # TFX's own numbers, and those of shards and stages, are small ones.
        texts = {str(value) for value in values if not isinstance(value, int)}
        texts |= {getattr(node, "uri", ""), *node.external_id.split(":")}
        assert not texts & forbidden, node
        seen |= said.keys()
    assert {"guarantee", "code", "environment", "model", "shard", "stage"} <= seen
    held = (workspace / "metadata.sqlite").read_bytes()
    long = {text.encode() for text in forbidden if len(text) > 8}
    assert len(long) > 200 and not found_in(held, long)


def test_a_ledger_says_by_which_code_and_where_it_was_made(story):
    workspace = put_back(story, "forgotten_twice")
    mlmd = Mlmd(workspace.root)

    def told(kind, name):
        made = mlmd.artifacts(kind)
        assert made and all(one.custom_properties[name].string_value for one in made)
        return {one.custom_properties[name].string_value for one in made}

    with closing(read_index(workspace.index_file)) as connection:
        records = models.models(connection)
    made_with = [record.report["made_with"] for record in records]
    assert told("components.Ledger", "code") == {made["code"] for made in made_with}
    assert told("components.Ledger", "environment") == {
        digest_json(made["environment"]) for made in made_with
    }


@pytest.mark.parametrize(
    ("step", "request_id", "before", "after"),
    [("forgotten", "r1", "m1", "m2"), ("forgotten_twice", "r2", "m2", "m3")],
)
def test_a_deletion_is_an_event_of_the_lineage(step, request_id, before, after, story):
    workspace = story.here / f"after-{step}"
    answer = getattr(story, step)
    assert (answer["request_id"], answer["model_before"], answer["model_after"]) == (
        request_id,
        before,
        after,
    )
    mlmd = Mlmd(workspace)
    deletions = {place(one, "request")[0]: one for one in mlmd.executions("lineage.Deletion")}
    assert list(deletions) == ["r1", "r2"][: len(deletions)] and list(deletions)[-1] == request_id
    event = deletions[request_id]
    certificate = workspace / "requests" / request_id / "certificate.json"
    assert place(event, f"guarantee_{before}") == (answer["guarantee"],)
    ends = {INPUTS: [], OUTPUTS: []}
    for one in mlmd.store.get_events_by_execution_ids([event.id]):
        (artifact,) = mlmd.store.get_artifacts_by_id([one.artifact_id])
        ends[INPUTS if one.type in INPUTS else OUTPUTS].append(artifact)
    sides = {
        side: {mlmd.artifact_names[node.type_id]: node for node in nodes}
        for side, nodes in ends.items()
    }
    assert sorted(sides[INPUTS]) == ["Model", "lineage.Request"] and len(ends[INPUTS]) == 2
    assert place(sides[INPUTS]["lineage.Request"], "request") == (request_id,)
    assert sides[INPUTS]["Model"].state == pb.Artifact.DELETED
    assert not at(sides[INPUTS]["Model"].uri, workspace).exists()
    assert sorted(sides[OUTPUTS]) == ["Model", "components.Certificate"]
    assert sides[OUTPUTS]["Model"].state == pb.Artifact.LIVE
    assert at(sides[OUTPUTS]["Model"].uri, workspace).exists()
    proof = sides[OUTPUTS]["components.Certificate"]
    assert proof.state == pb.Artifact.LIVE
    sealed = at(proof.uri, workspace) / "certificate.json"
    assert sealed.read_bytes() == certificate.read_bytes()


def at(uri, workspace):
    """Return where a path of the story's workspace lies in a copy of it."""
    return workspace / Path(uri).relative_to(workspace.parent / "ws")


@pytest.mark.parametrize(("step", "model"), [("forgotten", "m2"), ("forgotten_twice", "m3")])
def test_what_was_erased_is_marked_deleted_and_what_is_kept_is_live(step, model, story):
    workspace = story.here / f"after-{step}"
    mlmd, ledger = Mlmd(workspace), ledger_of(workspace, model)
    steps = set(steps_of(ledger))  # what was taken back looks like the rest
    states = Counter()
    for kind in ("Batch", "Update"):
        for node in mlmd.artifacts(f"lineage.{kind}"):
            kept = place(node, "model", "shard", "position") in steps
            assert node.state == (pb.Artifact.LIVE if kept else pb.Artifact.DELETED)
            states[kind, kept] += 1
    stages = set(stages_of(ledger))
    for node in mlmd.artifacts("lineage.Checkpoint"):
        kept = place(node, "model", "shard", "stage") in stages
        if node.external_id.endswith("subtracted:checkpoint"):
            kept = ledger.shard(place(node, "shard")[0]).final_file.exists()
        assert node.state == (pb.Artifact.LIVE if kept else pb.Artifact.DELETED)
        states["Checkpoint", kept] += 1
    assert len(states) == 6, f"of each kind something is erased and something kept: {states}"


@pytest.mark.parametrize("step", ["trained", "forgotten", "forgotten_twice"])
def test_every_file_that_mlmd_calls_live_is_there_and_no_other(step, story):
    workspace = story.here / f"after-{step}"
    seen = Counter()
    for artifact in Mlmd(workspace).store.get_artifacts():
        if artifact.uri:
            live = artifact.state == pb.Artifact.LIVE
            assert at(artifact.uri, workspace).exists() == live, artifact
            seen[live] += 1
    assert seen[True] > 10 and (seen[False] > 10) == (step != "trained")


def training_job(workspace):
    """The job of the story's training run, once more."""
    record = record_of(workspace.root, "m1")
    (module_file,) = (workspace.root / "modules").iterdir()
    return TrainingJob(
        workspace=workspace,
        model="m1",
        snapshot=workspace.snapshot("m1"),
        snapshot_number=record.snapshot,
        config=TrainConfig.from_json(record.config),
        module_file=module_file,
        clock=clock_ahead(0),
        excluded=record.report["excluded"],
        columns=Columns(subjects=("company",), row_id="trip"),
    )


def test_ingesting_a_training_run_again_changes_nothing(story):
    workspace = put_back(story, "trained")
    before = Mlmd(workspace.root).everything()
    TfxBackend().record_training(training_job(workspace))
    assert Mlmd(workspace.root).everything() == before


def test_ingesting_a_deletion_again_changes_nothing(story):
    workspace = put_back(story, "forgotten_twice")
    old = record_of(workspace.root, "m2")
    before = Mlmd(workspace.root).everything()
    change = ModelChange(old, "m3", workspace.snapshot("m3"), "approximate", recorded=True)
    again = DeletionJob(workspace, "r2", [change], False, "", lambda: old.ended, "0")
    TfxBackend().record_deletion(again)
    assert Mlmd(workspace.root).everything() == before


def personal_patterns(story):
    """Bytes by which somebody could be recognised: as text, as stored numbers, keyed and raw."""
    with story.csv.open(newline="") as stream:
        trips = list(csv.DictReader(stream))
    texts, numbers = set(), set()
    for trip in trips:
        texts |= {trip["trip"], trip["company"], trip["trip_start_timestamp"]}
        for name in ("pickup_latitude", "pickup_longitude"):
            if len(trip[name]) > 8:
                texts.add(trip[name])
                numbers.add(float(trip[name]))
        numbers.add(float(trip["trip_start_timestamp"]))
    texts.discard("")
    keyed = set()
    for split in ("train", "eval"):
        lines = lines_of_data(story.here / "after-trained", "m1", split).decode()
        for row_key, subject, *_ in csv.reader(io.StringIO(lines, newline="")):
            keyed |= {row_key[1:], subject[1:]}
    keyed.discard("")
    patterns = {text.encode() for text in texts | keyed} | {bytes.fromhex(key) for key in keyed}
    for number in numbers:
        patterns |= {struct.pack(order + "d", number) for order in "<>"}
        if number.is_integer():
            patterns |= {struct.pack(order, int(number)) for order in ("<q", ">q")}
    assert len(patterns) > 6000 and min(map(len, patterns)) >= 5
    return patterns


def found_in(data, patterns):
    """Return the patterns that stand anywhere in the data."""
    found = set()
    for length in {len(pattern) for pattern in patterns}:
        wanted = {pattern for pattern in patterns if len(pattern) == length}
        found |= wanted & {data[i : i + length] for i in range(len(data) - length + 1)}
    return found


def test_no_name_id_or_value_of_a_row_is_in_the_metadata_or_in_a_path(story):
    patterns = personal_patterns(story)
    for step in ("trained", "forgotten_twice"):
        workspace = story.here / f"after-{step}"
        assert not found_in((workspace / "metadata.sqlite").read_bytes(), patterns)
        texts = [str(path.relative_to(workspace)) for path in workspace.rglob("*")]
        for execution in Mlmd(workspace).store.get_executions():
            texts += [f"{name}={value}" for name, value in execution.custom_properties.items()]
        assert "workspace=" in "\n".join(texts) and not found_in(
            "\n".join(texts).encode(), patterns
        )
    # The search itself finds what is where it may be: in the gate's file, and in the index.
    trained = story.here / "after-trained"
    assert len(found_in(lines_of_data(trained, "m1"), patterns)) > 1500
    assert len(found_in((trained / "unweave.sqlite").read_bytes(), patterns)) > 1500


def test_no_name_of_a_subject_is_in_index_log_or_certificate(story):
    with story.csv.open(newline="") as stream:
        names = {trip[name] for trip in csv.DictReader(stream) for name in ("company", "trip")}
    names = {name.encode() for name in names if name}
    workspace = story.here / "after-forgotten_twice"
    files = ["unweave.sqlite", "keys/pseudonyms.sqlite", "log.head"]
    files += [str(path.relative_to(workspace)) for path in workspace.glob("requests/*/*")]
    assert any(file.endswith("certificate.json") for file in files)
    for file in files:
        assert not found_in((workspace / file).read_bytes(), names), file


@pytest.mark.parametrize(
    ("before", "after"), [("trained", "forgotten"), ("forgotten", "forgotten_twice")]
)
def test_slices_that_lose_no_row_are_the_files_that_they_were(before, after, story):
    """The links that the story kept have the same inodes, though the old folder is gone."""
    old, new = (open_rows(story.here / f"rows-{name}") for name in (before, after))
    cells = itertools.product(range(OPTIONS["shards"]), range(OPTIONS["slices"]))
    same = {
        (shard, slice_): all(
            map(os.path.samefile, old.files(shard, slice_), new.files(shard, slice_))
        )
        for shard, slice_ in cells
    }
    lost = {(s, r) for s, r in same if new.counts[s][r] != old.counts[s][r]}
    assert len(lost) == 1  # a company stands in one slice of one shard
    assert {cell for cell, taken_over in same.items() if not taken_over} == lost


def test_without_tfx_the_same_command_gives_the_same_weights(story, tmp_path):
    project = unweave.Project(tmp_path / "direct", backend=DirectBackend(), reveal=True)
    trained = project.train(
        story.csv,
        label="big_tip",
        subject="company",
        row_id="trip",
        key_file=story.here / "key",
        **OPTIONS,
    )
    assert trained["weights_digest"] == story.trained["weights_digest"]
    assert trained["key_id"] == story.trained["key_id"]
    first = project.forget([FIRST])
    assert first["weights_digest_after"] == story.forgotten["weights_digest_after"]
    second = project.forget([SECOND], strategy="amnesiac")
    assert second["weights_digest_after"] == story.forgotten_twice["weights_digest_after"]
    digests = (trained["weights_digest"], first["weights_digest_after"])
    assert len({*digests, second["weights_digest_after"]}) == 3


def test_upstream_and_downstream_are_the_closure_over_all_events(story):
    workspace = story.here / "after-forgotten_twice"
    mlmd, metadata = Mlmd(workspace), Metadata(workspace / "metadata.sqlite", create=False)
    graph = nx.DiGraph()
    for event in mlmd.events():
        ends = ("artifact", event.artifact_id), ("execution", event.execution_id)
        graph.add_edge(*(ends if event.type in INPUTS else reversed(ends)))
    everyone = [artifact.id for artifact in mlmd.store.get_artifacts()]
    longest = 0
    for one in everyone[::5]:
        node = ("artifact", one)
        down = {n for kind, n in nx.descendants(graph, node) if kind == "artifact"}
        up = {n for kind, n in nx.ancestors(graph, node) if kind == "artifact"}
        assert metadata.downstream([one]) == down
        assert metadata.upstream([one]) == up
        longest = max(longest, len(down), len(up))
    assert longest > 50


def test_the_command_line_traces_an_artifact_in_both_directions_without_tensorflow(story):
    put_back(story, "forgotten_twice")
    mlmd = Mlmd(story.here / "ws")
    pushed = max(mlmd.artifacts("PushedModel"), key=lambda artifact: artifact.id)
    command = ["trace", "artifact", str(pushed.id), "--workspace", "ws", "--json"]
    code = (
        "import sys; from unweave.cli import main; main()\n"
        "print([name for name in ('tensorflow', 'tfx', 'networkx') if name in sys.modules])"
    )
    process = start("-c", code, *command, folder=story.here, python=[sys.executable])
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    answer, imported = output.splitlines()
    assert imported == "[]"
    traced = json.loads(answer)
    assert (traced["type"], traced["state"]) == ("PushedModel", "LIVE")
    assert set(traced["upstream_ids"]) == mlmd.walk([pushed.id], up=True)[0] - {pushed.id}
    assert traced["upstream"]["lineage.Checkpoint"] > 3


RUN_AGAIN = """
import sys
from pathlib import Path

sys.path[:0] = sys.argv[1:]
from test_tfx_pipeline import training_job
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.tfx_local import quiet_and_inside, run_locally

workspace = open_workspace(Path("ws"))
workspace.temporary.mkdir(exist_ok=True)
with quiet_and_inside(workspace):
    from pipelines.definitions.training import training_pipeline

    run_locally(training_pipeline(training_job(workspace), enable_cache=True))
"""


def run_with_cache(story):
    """Run the story's training pipeline again with TFX's cache; return what it published."""
    before = {execution.id for execution in Mlmd(story.here / "ws").store.get_executions()}
    here = Path(__file__).parent
    process = start("-c", RUN_AGAIN, str(here), str(here.parent), folder=story.here)
    _, errors = process.communicate(timeout=300)
    mlmd = Mlmd(story.here / "ws")
    new = [e for e in mlmd.store.get_executions() if e.id not in before]
    events = mlmd.store.get_events_by_execution_ids([e.id for e in new]) if new else []
    published = {event.artifact_id for event in events if event.type in OUTPUTS}
    states = Counter(pb.Execution.State.Name(execution.last_known_state) for execution in new)
    return process.returncode, errors, states, mlmd.store.get_artifacts_by_id(sorted(published))


def test_the_cache_brings_nothing_back_after_a_deletion(story):
    put_back(story, "trained")
    old = {artifact.id for artifact in Mlmd(story.here / "ws").store.get_artifacts()}
    status, errors, states, published = run_with_cache(story)
    # Before the deletion the cache gives the very model that there is; what records makes nothing.
    assert status == 0 and states.pop("COMPLETE") == 1 and set(states) == {"CACHED"}, errors
    assert {artifact.id for artifact in published} < old

    workspace = put_back(story, "forgotten")
    status, errors, states, published = run_with_cache(story)
    # After it there is nothing to begin with, and nothing was published.
    assert status != 0 and "gate.json" in errors
    assert not states and not published
    # Not even for one who puts the rows back from a backup.
    shutil.copytree(story.here / "after-trained/data/m1", workspace.snapshot("m1"))
    status, errors, states, published = run_with_cache(story)
    assert "CACHED" not in states, (status, errors)
    assert all(artifact.state != pb.Artifact.DELETED for artifact in published)
    assert not {artifact.id for artifact in published} & old
    # The run stops before it has read a row, and the model is what it was.
    assert status != 0 and "m1 was ended by a deletion" in errors
    assert not [artifact for artifact in published if artifact.name.startswith("train-m1:rows")]
    assert record_of(workspace.root, "m1").state == "deleted"


NASTY = [
    ["id", "text", "code", "mixed", "number", "label"],
    *(
        [f"{n}", text, f"{n % 9 + 1:03d}", mixed, number, "yes" if n % 3 else "no"]
        for n, (text, mixed, number) in enumerate(
            itertools.product(
                ["'5", "nan", "1_000", "", "'", "''x", "inf", " 7", "7", "é\u2028", 'a,"b\n'],
                ["1e5", "word", "-0", "٣"],
                ["1", "2.5", "", "NA", "1e30"],
            )
        )
    ),
]  # fmt: skip


READS_TEXTS = """
import keras

def build_model(spec):
    text = keras.Input((1,), dtype="string", name="text")
    hashed = keras.layers.Hashing(8, output_mode="one_hot")(text)
    model = keras.Model(text, keras.layers.Dense(spec.outputs, spec.activation)(hashed))
    model.compile("sgd", spec.loss)
    return model
"""


def test_ids_and_texts_that_look_like_numbers_pass_example_gen_unharmed(tmp_path):
    from pipelines.definitions.training import ingest_components, pipeline

    path, module = tmp_path / "nasty.csv", tmp_path / "module.py"
    module.write_text(READS_TEXTS, encoding="utf-8")
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(NASTY)
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "key").chmod(0o600)
    rules = parse_rules(["number>=2"])  # bands too pass through ExampleGen, within the places
    columns = Columns("label", row_id="id", risk=rules)
    partition = Partition(2, 2, 2, 16, 0, risk_rules=("number >= 2",))
    with writing(tmp_path / "ws", key_file=tmp_path / "key", create=True) as workspace:
        header = read_header(open_source(path), columns)
        blocks = read_blocks_of(
            [open_source(path)],
            columns=columns,
            header=header,
            keys=workspace.keys(),
            pseudonyms=Pseudonyms(workspace.pseudonym_file, workspace.keys()),
            exclusions=Exclusions(),
            temporary=workspace.temporary,
        )
        snapshot = let_through(blocks, header.roles, folder=workspace.snapshot("m1"))
        with quiet_and_inside(workspace):
            ingestion = ingest_components(
                workspace, "m1", snapshot.folder, partition,
                options=TrainOptions(), suffix="", module_file=module,
            )  # fmt: skip
            parts = list(ingestion.values())
            run_locally(pipeline(workspace, "ingest", parts, enable_cache=False))
        (folder,) = (workspace.pipeline_root / "ingest" / "RowIndexer" / "rows").iterdir()
        by_tfx = open_rows(folder)
        as_they_are = functools.partial(KerasEncoding, texts=True)
        by_gate = store_from_snapshot(
            tmp_path / "rows", snapshot, partition, encoding_of=as_they_are
        )
    assert snapshot.schema.names("text") == ("text", "code", "mixed")
    assert snapshot.schema.names("number") == ("number",)
    assert by_tfx.counts == by_gate.counts
    assert sum(map(sum, by_tfx.counts)) + by_tfx.evaluation_rows == len(NASTY) - 1
    for shard, slice_ in itertools.product(range(2), range(2)):
        theirs, ours = (store.slice_rows(shard, slice_) for store in (by_tfx, by_gate))
        assert theirs.digest() == ours.digest()
    assert by_tfx.evaluation().digest() == by_gate.evaluation().digest()
    # Texts that differ are told apart.
    categories = np.concatenate([by_tfx.stage_rows(shard, 1)["categories"] for shard in range(2)])
    for column, name in enumerate(("text", "code")):
        given = {line[NASTY[0].index(name)] for line in NASTY[1:]}
        assert len({*categories[:, column].tolist()}) == len(given) >= 9


RAISING = """
import keras


def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(numbers)
    model = keras.Model(numbers, output)

    def loss(truth, predicted):
        raise RuntimeError("there is no loss today")

    model.compile(optimizer="sgd", loss=loss)
    return model
"""


def files_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if not path.name.endswith(("-shm", "-wal"))
    }


def test_a_training_pipeline_that_fails_leaves_nothing_but_a_sentence(story, tmp_path):
    workspace = put_back(story, "forgotten")
    (tmp_path / "raising.py").write_text(RAISING)
    before = files_of(workspace.root)
    module = ["--module", str(tmp_path / "raising.py")]
    status, output, errors = run(*TRAIN, *module, folder=story.here)
    assert status == 2 and output.startswith("Read "), errors  # and nothing was trained
    assert "Trained" not in output
    assert errors.startswith("unweave: ") and errors.count("\n") == 1
    assert "there is no loss today" in errors
    after = files_of(workspace.root)
    # MLMD keeps that an execution failed; a module file says nothing of anybody.
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert "metadata.sqlite" in changed
    assert {name.split("/")[0] for name in changed} <= {"metadata.sqlite", "modules"}
    mlmd = Mlmd(workspace.root)
    names = Counter(mlmd.execution_names[e.type_id] for e in mlmd.store.get_executions())
    assert names["components.model_recorder.ModelRecorder"] == 2, (
        "of m1 and m2, none of the failed run"
    )


# When a killed run is killed, told by what lies on disk.
MOMENTS = {
    "while it unlearns": lambda ws: any((ws / "tfx/forget-r1").glob("Unlearner_m1/ledger/*")),
    "when the erasure is proven": lambda ws: (ws / "requests/r1/erasure.json").exists(),
    "when the request is closed": lambda ws: _is_newer(
        ws / "log.head", ws / "keys/receipts/r1.json"
    ),
}


def _is_newer(one, other):
    return other.exists() and one.stat().st_mtime_ns > other.stat().st_mtime_ns


# In `test_kill` a deletion is killed at the first two.
@pytest.mark.parametrize(
    "moment",
    [
        *(pytest.param(one) for one in list(MOMENTS)[:2]),
        *list(MOMENTS)[2:],
    ],
)
def test_a_killed_deletion_run_again_ends_like_one_that_was_not_killed(moment, story):
    workspace = put_back(story, "trained")
    process = start("-m", "unweave", *FORGET_FIRST, folder=story.here)
    while not MOMENTS[moment](workspace.root) and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was over before the moment came"

    answer = answer_of(*FORGET_FIRST, folder=story.here)
    twin = story.forgotten
    for same in ("weights_digest_after", "request_id", "model_after", "rows_found", "guarantee"):
        assert answer[same] == twin[same], same
    assert len(list(workspace.root.glob("requests/*/certificate.json"))) == 1
    verified = unweave.verify(answer["certificate"], public_key=answer["public_key"])
    assert verified["ok"] and verified["request_id"] == "r1"
    assert not list(workspace.root.glob("requests/*/open.sealed"))
    assert len(list(workspace.root.glob("serving/*/*"))) == 1
    assert kinds_of_events(workspace.root) == kinds_of_events(story.here / "after-forgotten")
    assert states_of_lineage(workspace.root) == states_of_lineage(story.here / "after-forgotten")
    assert len(Mlmd(workspace.root).executions("lineage.Deletion")) == 1
    assert run(*FORGET_FIRST, folder=story.here)[0] == 3, "now there is nobody to forget"


def test_a_training_run_killed_before_its_ingest_is_ingested_by_the_next_command(story):
    shutil.rmtree(story.here / "ws")
    process = start("-m", "unweave", *TRAIN, "--key-file", "key", folder=story.here)
    recorded = story.here / "ws/tfx/train-m1/ModelRecorder/record"
    while not list(recorded.glob("*/record.json")) and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was over before the moment came"
    assert not Mlmd(story.here / "ws").executions("lineage.Step")
    assert run("forget", "nobody", "--workspace", "ws", folder=story.here)[0] == 3
    assert states_of_lineage(story.here / "ws") == states_of_lineage(story.here / "after-trained")


def kinds_of_events(workspace):
    connection = read_index(workspace / "unweave.sqlite")
    try:
        return [event.kind for event in eventlog.events(connection)]
    finally:
        connection.close()


def states_of_lineage(workspace):
    """Count the artifacts of unweave's own lineage, and TFX's models, by type and state."""
    mlmd = Mlmd(workspace)
    found = Counter()
    for artifact in mlmd.store.get_artifacts():
        name = mlmd.artifact_names[artifact.type_id]
        if name.startswith("lineage."):
            found[name, artifact.state] += 1
    return found


ARTIFACT_TYPES = [getattr(components, name) for name in components.__all__]


@pytest.mark.parametrize("kind", ARTIFACT_TYPES, ids=lambda kind: kind.__name__)
def test_artifact_types_are_what_kubeflow_takes(kind):
    pattern = r"[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}"
    assert re.fullmatch(pattern, kind.TYPE_NAME)
    module, _, name = kind.TYPE_NAME.rpartition(".")
    assert getattr(importlib.import_module(module), name) is kind
    assert not kind.PROPERTIES


def test_the_types_in_the_metadata_are_all_of_these(story):
    mlmd = Mlmd(story.here / "after-forgotten_twice")
    elsewhere = {
        f"components.{n}" for n in ("Evaluation", "RequestReport", "DetectionReport")
    }  # no policy, no queue here
    known = {kind.TYPE_NAME for kind in ARTIFACT_TYPES} - elsewhere
    assert {n for n in mlmd.artifact_names.values() if n.startswith("components.")} == known


def test_all_pipelines_compile_for_kubeflow(story, tmp_path):
    from pipelines.definitions.deletion import deletion_pipeline
    from pipelines.definitions.scheduled import detection_pipeline
    from pipelines.definitions.training import training_pipeline

    workspace = put_back(story, "trained")
    workspace.evaluation_policy.write_text("{}")
    old = record_of(workspace.root, "m1")
    shutil.copytree(workspace.snapshot("m1"), workspace.snapshot("m2"))
    change = ModelChange(old, "m2", workspace.snapshot("m2"), "exact", recorded=False)
    deletion = DeletionJob(workspace, "r1", [change], False, "", lambda: old.created, "0")
    file = tmp_path / "pipeline.json"
    for wanted, pipeline in (
        ("LineageTrainer", training_pipeline(training_job(workspace))),
        ("UnlearningEvaluator", deletion_pipeline(deletion)),
        ("PoisonDetector", detection_pipeline(workspace)),
    ):
        compile_pipeline(pipeline, image="example.org/unweave:1", file=file)
        compiled = file.read_text()
        assert local_paths(json.loads(compiled), volume=workspace.root) == []
        kind = "DetectionReport" if wanted == "PoisonDetector" else "Ledger"
        assert wanted in compiled and f"components.{kind}" in compiled
