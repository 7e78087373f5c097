"""A small pipeline of a user's own: their root and metadata, the project's gate and executor."""

import csv
from pathlib import Path

from tfx.components.example_gen.csv_example_gen.component import CsvExampleGen
from tfx.components.pusher.component import Pusher
from tfx.components.schema_gen.component import SchemaGen
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.trainer.component import Trainer
from tfx.components.transform.component import Transform
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.pusher_pb2 import PushDestination
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Model

import unweave.tfx
from lineage_store.workspace.folder import writing

PEOPLE = 12
PLANTED, WRITER = "a-letter-that-one-of-them-wrote", "person-03"


def write_people(folder, *, without=(), ids="row"):
    """120 rows of twelve people; three of person-03 hold a planted text."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "people.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["person", "row", "x", "note"])
        for number in range(120):
            person = f"person-{number % PEOPLE:02d}"
            note = PLANTED if number in (3, 15, 27) else f"note {number % 5}"
            if person not in without:
                rows.writerow([person, f"{ids}-{number:04d}", f"{number * 0.25}", note])


def define(
    here,
    run_fn,
    *,
    cache=False,
    statistics=True,
    trainer=None,
    raw_statistics=False,
    transform=False,
    shards=3,
    twice=False,
    resolver=False,
    all_slices=False,
):
    """The definition, of the root and metadata of a folder."""
    module = here / "own_module.py"
    if not module.exists() or module.read_text() != run_fn:
        module.write_text(run_fn)
    generated = CsvExampleGen(input_base=str(here / "data"))
    gate = unweave.tfx.ExampleGate(
        generated.outputs["examples"],
        workspace=str(here / "keys-and-manifest"),
        subject_feature="person",
        row_id_feature="row",
        shards=shards,
        slices=2 if transform else 1,
    )
    counted = StatisticsGen(examples=(generated if raw_statistics else gate).outputs["examples"])
    inferred = SchemaGen(statistics=counted.outputs["statistics"])
    transformed = Transform(
        examples=gate.outputs["examples"],
        schema=inferred.outputs["schema"],
        module_file=str(module),
        splits_config=gate.splits_config("eval", all_slices=all_slices),
    )
    latest = Resolver(strategy_class=LatestArtifactStrategy, model=Channel(type=Model)).with_id(
        "latest_model"
    )
    trained = Trainer(
        module_file=str(module),
        examples=(
            transformed.outputs["transformed_examples"] if transform else gate.outputs["examples"]
        ),
        transform_graph=transformed.outputs["transform_graph"] if transform else None,
        base_model=latest.outputs["model"] if resolver else None,
        train_args=TrainArgs(num_steps=5),
        eval_args=EvalArgs(num_steps=1),
        custom_executor_spec=unweave.tfx.per_shard() if trainer is None else trainer(),
    )
    pushed = Pusher(
        model=trained.outputs["model"],
        push_destination=PushDestination(
            filesystem=PushDestination.Filesystem(base_directory=str(here / "serving"))
        ),
    )
    second = Trainer(
        module_file=str(module),
        examples=gate.outputs["examples"],
        train_args=TrainArgs(num_steps=7),
        eval_args=EvalArgs(num_steps=1),
        custom_executor_spec=unweave.tfx.per_shard(),
    ).with_id("Trainer.second")
    return Pipeline(
        "their-own",
        str(here / "root"),
        sqlite_metadata_connection_config(str(here / "metadata" / "theirs.db")),
        [
            generated,
            gate,
            *([counted] if statistics else []),
            *([inferred, transformed] if transform else []),
            *([latest] if resolver else []),
            trained,
            *([second] if twice else []),
            pushed,
        ],
        enable_cache=cache,
    )


def run(pipeline):
    """Run it on this machine."""
    LocalDagRunner().run(pipeline)


def with_secret(here):
    """Give a folder's workspace the secret that all tests have, so that twins can be compared."""
    here.mkdir(parents=True, exist_ok=True)
    (here / "metadata").mkdir(exist_ok=True)
    secret = here / "secret"
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    with writing(here / "keys-and-manifest", key_file=secret, create=True):
        return Path(here)
