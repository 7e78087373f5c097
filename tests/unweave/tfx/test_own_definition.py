"""What a definition must not do, refused by the component's id; what artifacts are, by events."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.components.example_gen.csv_example_gen.component import CsvExampleGen
from tfx.components.infra_validator.component import InfraValidator
from tfx.components.statistics_gen.component import StatisticsGen
from tfx.components.trainer.component import Trainer
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.components.common.importer import Importer
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.canned_resolver_functions import latest_created
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration.pipeline import Pipeline
from tfx.proto.infra_validator_pb2 import ServingSpec
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.types.channel import Channel
from tfx.types.channel_utils import union
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, Schema

import own_run_fns as texts
import unweave.tfx
from lineage_store.errors import BadInput, NothingFound, WorkspaceBusy
from lineage_store.mlmd import rewritten
from own_everything import define_everything
from own_pipeline import define
from unweave.tfx import ExampleGate
from unweave.tfx.own_definition import read_definition
from unweave.tfx.own_ended import clear_pages, mark_ended, mark_ending
from unweave.tfx.own_lineage import GATE, read_own_lineage
from unweave.tfx.own_transforms import sees_all_slices


@component
def make_a_model(examples: InputArtifact[Examples], model: OutputArtifact[Model]):
    """A component of somebody's that trains on whatever it likes."""


def test_a_definition_says_its_gate_root_and_metadata(tmp_path):
    read = read_definition(define(tmp_path, texts.GOOD))
    assert (read.name, read.root) == ("their-own", tmp_path / "root")
    assert read.trained == ("train",)
    assert read.metadata_files == (tmp_path / "metadata" / "theirs.db",)
    with pytest.raises(NothingFound, match="no workspace"):
        read.workspace  # noqa: B018


def test_what_smuggles_rows_past_the_gate_is_refused_by_its_id(tmp_path):
    for changed, said in (
        ({"raw_statistics": True}, "StatisticsGen reads the Examples of CsvExampleGen past"),
        ({"trainer": lambda: ExecutorClassSpec(GenericExecutor)}, "Trainer trains on all rows"),
    ):
        with pytest.raises(BadInput, match=said):
            read_definition(define(tmp_path, texts.GOOD, **changed))


def test_what_looks_for_examples_of_earlier_runs_and_what_has_no_gate_is_refused(tmp_path):
    whole = define(tmp_path, texts.GOOD)
    models = Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
    ).with_id("latest_blessed")
    read_definition(Pipeline("p", str(tmp_path), components=[*whole.components, models]))
    spans = Resolver(
        strategy_class=LatestArtifactStrategy, examples=Channel(type=Examples)
    ).with_id("spans")
    looked_for = StatisticsGen(examples=latest_created(Channel(type=Examples), n=2)).with_id("more")
    for one, name in ((spans, "spans"), (looked_for, "more")):
        with pytest.raises(BadInput, match=f"{name} looks for Examples of earlier runs"):
            read_definition(Pipeline("p", str(tmp_path), components=[*whole.components, one]))
    with pytest.raises(BadInput, match="has no ExampleGate, so nobody"):
        read_definition(Pipeline("p", str(tmp_path), components=whole.components[:1]))
    with pytest.raises(BadInput, match="has no Trainer"):
        read_definition(Pipeline("p", str(tmp_path), components=whole.components[:2]))


def test_several_trainers_are_taken_and_several_gates_and_other_makers_of_models_are_not(tmp_path):
    whole = define(tmp_path, texts.GOOD, twice=True)
    read = read_definition(whole)
    assert [one.id for one in read.trainers] == ["Trainer", "Trainer.second"]
    generated, gate, *_ = whole.components
    other = ExampleGate(
        generated.outputs["examples"], workspace=str(tmp_path / "w"), subject_feature="person"
    ).with_id("ExampleGate.other")
    with pytest.raises(BadInput, match=r"ExampleGate and ExampleGate\.other let Examples in"):
        read_definition(Pipeline("p", str(tmp_path), components=[*whole.components, other]))
    made = make_a_model(examples=gate.outputs["examples"])
    with pytest.raises(BadInput, match="make_a_model makes a model and is no Trainer"):
        read_definition(Pipeline("p", str(tmp_path), components=[*whole.components, made]))


def test_one_gate_takes_the_examples_of_several_example_gens_and_none_of_them_is_read_past_it(
    tmp_path,
):
    gens = [CsvExampleGen(str(tmp_path)).with_id(name) for name in ("one", "two")]
    gate = ExampleGate(
        union([one.outputs["examples"] for one in gens]),
        workspace=str(tmp_path / "w"), subject_feature="person",
    )  # fmt: skip
    trainer = Trainer(
        run_fn="own_run_fns.run_fn", examples=gate.outputs["examples"],
        train_args=TrainArgs(), eval_args=EvalArgs(), custom_executor_spec=unweave.tfx.per_shard(),
    )  # fmt: skip
    read = read_definition(Pipeline("p", str(tmp_path), components=[*gens, gate, trainer]))
    assert read.gate is gate
    compiled = Compiler().compile(read.pipeline)
    (node,) = (
        one.pipeline_node for one in compiled.nodes if "Gate" in one.pipeline_node.node_info.id
    )
    assert set(node.upstream_nodes) == {"one", "two"}
    counted = StatisticsGen(examples=gens[1].outputs["examples"])
    with pytest.raises(BadInput, match="StatisticsGen reads the Examples of two past the gate"):
        read_definition(Pipeline("p", str(tmp_path), components=[*gens, gate, counted, trainer]))


def test_examples_that_begin_beside_the_gate_are_refused_whatever_reads_them(tmp_path):
    whole = define(tmp_path, texts.GOOD)
    other = CsvExampleGen(str(tmp_path)).with_id("unlabelled")
    counted = StatisticsGen(examples=other.outputs["examples"]).with_id("counted")
    imported = Importer(source_uri="file:///x", artifact_type=Examples).with_id("imported")
    for more, name in (([other, counted], "unlabelled"), ([imported], "imported")):
        with pytest.raises(BadInput, match=f"{name} lets Examples in beside ExampleGate"):
            read_definition(Pipeline("p", str(tmp_path), components=[*whole.components, *more]))
    schema = Importer(source_uri="file:///x", artifact_type=Schema).with_id("schema")
    read_definition(Pipeline("p", str(tmp_path), components=[*whole.components, schema]))


def test_a_transform_that_analyzes_more_than_first_slices_is_known(tmp_path):
    for all_slices, expected in ((False, []), (True, ["Transform"])):
        given = define(tmp_path, texts.TRANSFORMED, transform=True, all_slices=all_slices)
        assert [one.id for one in read_definition(given).full_passes] == expected
    assert sees_all_slices({"splits_config": None}), "TFX analyzes the split train then"


def test_a_pipeline_of_all_components_compiles_and_says_who_chooses(tmp_path):
    """The InfraValidator is compiled and never run: it needs a container or a cluster."""
    whole = define_everything(tmp_path)
    (trainer,) = (node for node in whole.components if isinstance(node, Trainer))
    serving = ServingSpec(tensorflow_serving={"tags": ["latest"]}, local_docker={})
    checked = InfraValidator(model=trainer.outputs["model"], serving_spec=serving)
    pipeline = Pipeline("p", str(tmp_path), components=[*whole.components, checked])
    read = read_definition(pipeline)
    assert read.choices == ("Tuner",) and not read.full_passes
    ids = {node.pipeline_node.node_info.id for node in Compiler().compile(pipeline).nodes}
    assert {"InfraValidator", "ExampleGate", "latest_blessed_model", "Evaluator"} <= ids
    assert read_definition(define(tmp_path, texts.GOOD)).choices == ()


def cache_of(name, taken, **custom):
    """What a step is found by in a cache, like TFX's: a digest of all that goes into it."""
    return hashlib.sha256(repr((name, list(taken), custom)).encode()).hexdigest()


@pytest.fixture
def store(tmp_path):
    """ML Metadata as two runs of a pipeline leave it, the second behind a new gate."""
    config = mlmd.ConnectionConfig()
    config.sqlite.filename_uri = str(tmp_path / "metadata.db")
    config.sqlite.connection_mode = 3  # READWRITE_OPENCREATE
    store = MetadataStore(config)
    types = {}
    for name in ("Examples", "Model", "ModelRun", "PushedModel", "Schema"):
        kind = mlmd.ArtifactType(name=name)
        kind.properties["split_names"] = mlmd.STRING
        types[name] = store.put_artifact_type(kind)
    for name in ("ExampleGen", GATE, "Trainer", "Pusher", "ImportSchemaGen"):
        types[name] = store.put_execution_type(mlmd.ExecutionType(name=name))
    kind = store.put_context_type(mlmd.ContextType(name="pipeline"))
    context = mlmd.Context(name="their-own", type_id=kind)
    (context.id,) = store.put_contexts([context])

    of_node = store.put_context_type(mlmd.ContextType(name="node"))
    of_cache = store.put_context_type(mlmd.ContextType(name="execution_cache"))
    nodes = {}
    for name in ("ExampleGen", GATE, "Trainer", "Pusher", "ImportSchemaGen"):
        nodes[name] = mlmd.Context(name=f"their-own.{name}.x", type_id=of_node)
        (nodes[name].id,) = store.put_contexts([nodes[name]])

    def ran(name, taken, *made, **custom):
        artifacts = []
        for one in made:
            artifact = mlmd.Artifact(type_id=types[one], uri=str(tmp_path / f"{name}-{one}"))
            for key, value in custom.items():
                artifact.custom_properties[key].string_value = value
            artifacts.append(artifact)
        events = [
            (mlmd.Artifact(id=one), mlmd.Event(type=mlmd.Event.INPUT, artifact_id=one))
            for one in taken
        ]
        known = store.get_artifacts_by_id(list(taken))
        given = [(artifact, event) for artifact, (_, event) in zip(known, events, strict=True)]
        new = [(one, mlmd.Event(type=mlmd.Event.OUTPUT)) for one in artifacts]
        execution = mlmd.Execution(type_id=types[name], last_known_state=mlmd.Execution.COMPLETE)
        for key in custom.keys() & {"input_fingerprint"}:
            execution.custom_properties[key].string_value = custom[key]
        cache = mlmd.Context(name=cache_of(name, taken, **custom), type_id=of_cache)
        (cache.id,) = store.put_contexts([cache])
        _, ids, _ = store.put_execution(execution, [*given, *new], [context, nodes[name], cache])
        return ids[len(taken) :]

    counted = (f"total_bytes:{number}" for number in (7, 9, 4))

    def whole_run(*base):
        (raw,) = ran("ExampleGen", [], "Examples", input_fingerprint=next(counted))
        (gated,) = ran(GATE, [raw], "Examples")
        model, run = ran("Trainer", sorted([gated, *base]), "Model", "ModelRun")
        pushed = ran("Pusher", [model], "PushedModel", pushed_destination=str(tmp_path / "served"))
        return [raw, gated, model, run, *pushed]

    schema = ran("ImportSchemaGen", [], "Schema")
    return config, whole_run(), whole_run(), schema, whole_run


def test_what_came_of_which_examples_follows_from_events_alone(store):
    config, first, second, schema, _ = store
    lineage = read_own_lineage(config, "their-own")
    fates = {number: one.fate for number, one in lineage.artifacts.items()}
    assert [fates[one] for one in first] == ["erased"] * 5
    assert [fates[one] for one in second] == [
        "erased", "regenerated", "retrained", "retrained", "retrained"
    ]  # fmt: skip
    assert [fates[one] for one in schema] == ["proven unaffected"]
    assert lineage.gated == second[1] and lineage.of_newest("Model").id == second[2]
    assert sum(one["count"] for one in lineage.verdicts()) == 11
    assert lineage.of_newest("Model", "Trainer.x").id == second[2]
    with pytest.raises(NothingFound, match="left no ModelEvaluation"):
        lineage.of_newest("ModelEvaluation")
    with pytest.raises(NothingFound, match="left no Model of another"):
        lineage.of_newest("Model", "another")


def test_what_ended_is_marked_once_and_loses_the_fingerprint_of_its_input(store):
    config, first, *_ = store
    for _ in range(2):
        mark_ended(config, "their-own", first)
    lineage = read_own_lineage(config, "their-own")
    assert {number for number, one in lineage.artifacts.items() if one.gone} == set(first)
    fingerprints = {
        one.id: one.custom_properties["input_fingerprint"].string_value
        for one in MetadataStore(config).get_artifacts_by_id(first)
    }
    assert set(fingerprints.values()) == {""}


def test_no_guess_of_a_rows_length_is_confirmed_by_what_stays_in_ml_metadata(store):
    """Neither by a fingerprint, nor by a cache's name, nor by what stood on a page before."""
    config, first, second, schema, _ = store
    file = Path(config.sqlite.filename_uri)
    of_steps = cache_of("ExampleGen", [], input_fingerprint="total_bytes:7")
    held = MetadataStore(config)
    (model,) = held.get_artifacts_by_id([first[2]])
    model.custom_properties["loss of somebody's component"].double_value = 0.6931471805599453
    held.put_artifacts([model])
    assert b"total_bytes:7" in file.read_bytes() and of_steps.encode() in file.read_bytes()

    for _ in range(2):
        mark_ended(config, "their-own", [*first, second[0]])
        clear_pages([file])

    left = file.read_bytes()
    for text in (b"total_bytes", of_steps.encode(), b"loss of somebody's component"):
        assert text not in left, text
    names = {one.name for one in held.get_contexts_by_type("execution_cache")}
    gate = cache_of(GATE, second[:1])  # what it took held a fingerprint
    assert not names & {of_steps, gate}
    # What comes of no Examples, and what stays, are found as before.
    assert {cache_of("ImportSchemaGen", []), cache_of("Trainer", [second[1]])} <= names
    assert held.get_artifacts_by_id([first[4]])[0].custom_properties["pushed_destination"]
    assert held.get_artifacts_by_id(schema)[0].state != mlmd.Artifact.DELETED


def test_somebody_who_uses_the_file_of_ml_metadata_delays_the_end(store, monkeypatch):
    file = Path(store[0].sqlite.filename_uri)
    monkeypatch.setattr(rewritten, "PATIENCE", 0.1)
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM Artifact").fetchone()
        assert rewritten.main(str(file)) == WorkspaceBusy.exit_status
    assert rewritten.main(str(file)) == 0
    assert rewritten.main(str(file.parent)) == BadInput.exit_status


def test_what_a_run_took_of_one_before_is_known_and_what_is_marked_is_no_longer_live(store):
    config, first, second, schema, whole_run = store
    lineage = read_own_lineage(config, "their-own")
    assert lineage.tainted == frozenset()
    assert set(lineage.that_will_end()) == {*first, *second}
    mark_ending(config, lineage.that_will_end())
    states = {one.id: one.state for one in MetadataStore(config).get_artifacts()}
    assert {states[one] for one in (*first, *second)} == {mlmd.Artifact.MARKED_FOR_DELETION}
    assert states[schema[0]] != mlmd.Artifact.MARKED_FOR_DELETION
    third = whole_run(second[2])  # begins from the model of the run before
    lineage = read_own_lineage(config, "their-own")
    assert lineage.tainted == frozenset(third[2:])
    assert lineage.makers_of_tainted() == ["Pusher.x", "Trainer.x"]
    assert {lineage.artifacts[one].fate for one in second} == {"erased"}


def test_a_pipeline_that_never_ran_is_told(store):
    with pytest.raises(NothingFound, match="another has not run yet"):
        read_own_lineage(store[0], "another")
