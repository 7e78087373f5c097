"""What a definition must not do, refused by the component's id; what artifacts are, by events."""

import pytest
from ml_metadata.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.components.base.executor_spec import ExecutorClassSpec
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.orchestration.pipeline import Pipeline
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Model, ModelBlessing

import own_run_fns as texts
from lineage_store.errors import BadInput, NothingFound
from own_pipeline import define
from unweave.tfx.own_definition import read_definition
from unweave.tfx.own_lineage import GATE, mark_ended, read_own_lineage


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


def test_what_looks_for_models_of_earlier_runs_and_what_has_no_gate_is_refused(tmp_path):
    whole = define(tmp_path, texts.GOOD)
    resolver = Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=Channel(type=Model),
        model_blessing=Channel(type=ModelBlessing),
    ).with_id("latest_blessed")
    with pytest.raises(BadInput, match="latest_blessed looks for models of earlier runs"):
        read_definition(Pipeline("p", str(tmp_path), components=[*whole.components, resolver]))
    with pytest.raises(BadInput, match="has 0 components ExampleGate"):
        read_definition(Pipeline("p", str(tmp_path), components=whole.components[:1]))


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
        _, ids, _ = store.put_execution(execution, [*given, *new], [context])
        return ids[len(taken) :]

    def whole_run():
        (raw,) = ran("ExampleGen", [], "Examples", input_fingerprint="total_bytes:7")
        (gated,) = ran(GATE, [raw], "Examples")
        model, run = ran("Trainer", [gated], "Model", "ModelRun")
        pushed = ran("Pusher", [model], "PushedModel", pushed_destination=str(tmp_path / "served"))
        return [raw, gated, model, run, *pushed]

    schema = ran("ImportSchemaGen", [], "Schema")
    return config, whole_run(), whole_run(), schema


def test_what_came_of_which_examples_follows_from_events_alone(store):
    config, first, second, schema = store
    lineage = read_own_lineage(config, "their-own")
    fates = {number: one.fate for number, one in lineage.artifacts.items()}
    assert [fates[one] for one in first] == ["erased"] * 5
    assert [fates[one] for one in second] == [
        "erased", "regenerated", "retrained", "retrained", "retrained"
    ]  # fmt: skip
    assert [fates[one] for one in schema] == ["proven unaffected"]
    assert lineage.gated == second[1] and lineage.of_newest("Model").id == second[2]
    assert sum(one["count"] for one in lineage.verdicts()) == 11
    with pytest.raises(NothingFound, match="left no ModelEvaluation"):
        lineage.of_newest("ModelEvaluation")


def test_what_ended_is_marked_once_and_loses_the_fingerprint_of_its_input(store):
    config, first, _, _ = store
    for _ in range(2):
        mark_ended(config, "their-own", first)
    lineage = read_own_lineage(config, "their-own")
    assert {number for number, one in lineage.artifacts.items() if one.gone} == set(first)
    told = {
        one.id: one.custom_properties["input_fingerprint"].string_value
        for one in MetadataStore(config).get_artifacts_by_id(first)
    }
    assert set(told.values()) == {""}


def test_a_pipeline_that_never_ran_is_told(store):
    with pytest.raises(NothingFound, match="another has not run yet"):
        read_own_lineage(store[0], "another")
