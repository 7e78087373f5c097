"""A user's `run_fn`, unchanged, once a shard: what comes to the same bits twice, and what not."""

import json
from pathlib import Path

import numpy as np
import pytest
from tfx.components.util.examples_utils import set_file_format, set_payload_format
from tfx.proto.example_gen_pb2 import FORMAT_TF_EXAMPLE
from tfx.proto.trainer_pb2 import EvalArgs, TrainArgs
from tfx.types.artifact_utils import encode_split_names
from tfx.types.standard_artifacts import Examples, Model, ModelRun, Schema
from tfx.utils import json_utils, proto_utils

import own_run_fns as texts
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.examples import ExampleCut, ExampleGateway, IdFeatures
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.secret import derive
from tf_records import example, tfrecord
from unlearning.whole_shards import open_whole_ledger
from unweave.tfx import trains_build_model
from unweave.tfx.per_shard_executor import LEDGER, PerShardExecutor

pytestmark = pytest.mark.tfx

KEYS = derive(bytes(range(32)), manifest=bytes(32))


def row(number):
    return {"person": [f"p-{number}"], "x": [0.5 * number], "y": [number]}


def gated(folder, shards, without=()):
    """Examples in cells, as ExampleGate leaves them."""
    folder.mkdir(parents=True)
    raw = folder / "raw"
    raw.write_bytes(tfrecord([row(n) for n in range(40) if n not in without]))
    (folder / "more").write_bytes(tfrecord([row(n) for n in range(40, 60)]))
    gateway = ExampleGateway(IdFeatures("person"), ExampleCut(shards), KEYS, Exclusions())
    cells = gateway.pass_through([("train", raw), ("eval", folder / "more")], folder / "examples")
    made = Examples()
    made.uri = str(folder / "examples")
    made.split_names = encode_split_names(list(cells))
    set_payload_format(made, FORMAT_TF_EXAMPLE)
    set_file_format(made, "tfrecords_gzip")
    return made


def trained(folder, text, *, run="1", shards=1, without=(), steps=5, schema=None, **more):
    """One run of the Trainer; the ledgers of a folder's earlier runs lie beside its own."""
    examples = gated(folder / "data" / run, shards, without)
    module = folder / "module.py"
    module.write_text(text)
    model, model_run = Model(), ModelRun()
    model.uri, model_run.uri = str(folder / "model" / run), str(folder / "model_run" / run)
    for one in (model, model_run):
        Path(one.uri).mkdir(parents=True)
    PerShardExecutor().Do(
        {"examples": [examples]} | ({} if schema is None else {"schema": [schema]}),
        {"model": [model], "model_run": [model_run]},
        {
            "module_file": str(module),
            "train_args": proto_utils.proto_to_json(TrainArgs(num_steps=steps)),
            "eval_args": proto_utils.proto_to_json(EvalArgs(num_steps=1)),
            "custom_config": "null",
        }
        | more,
    )
    return open_whole_ledger(Path(model_run.uri) / LEDGER), Path(model.uri) / "Format-Serving"


def test_a_run_fn_is_run_for_each_shard_and_again_for_those_alone_that_lose_rows(tmp_path):
    first, served = trained(tmp_path / "w", texts.GOOD, shards=2)
    assert first.repeatable and [one.how for one in first.shards] == ["trained"] * 2
    models = [json.loads((one / "weights.json").read_text()) for one in first.models()]
    assert sum(one["seen"] for one in models) == 40 and sum(one["checked"] for one in models) == 20
    assert models[0]["weight"] != models[1]["weight"]
    assert sorted(one.name for one in served.iterdir()) == ["member-000", "member-001"]
    second, _ = trained(tmp_path / "w", texts.GOOD, run="2", shards=2, without=[7])
    assert sorted(one.how for one in second.shards) == ["taken over", "trained"]
    assert (second.trial, second.repeatable) == ("taken again", True)
    twin, _ = trained(tmp_path / "twin", texts.GOOD, shards=2, without=[7])
    assert [one.state for one in second.shards] == [one.state for one in twin.shards]
    assert [one.state for one in second.shards] != [one.state for one in first.shards]
    left = {p.name for p in first.folder.rglob("*") if p.is_file()}
    assert left == {"ledger.json", "nonce", "weights.json"}, "no rows are left in the ledger"
    third, _ = trained(tmp_path / "w", texts.GOOD, run="3", shards=2, without=[7], steps=6)
    assert {one.how for one in third.shards} == {"trained"}, "other parameters"


@pytest.mark.parametrize("name", ["SECOND_EPOCH", "CLOCK", "A_SET"])
def test_what_cannot_be_trained_to_the_same_bits_is_caught_by_the_second_training(tmp_path, name):
    ledger, _ = trained(tmp_path, getattr(texts, name))
    assert not ledger.repeatable and ledger.differs == ("weights.json",)


def test_scikit_learn_draws_of_a_seeded_generator(tmp_path):
    ledger, served = trained(tmp_path, texts.SCIKIT)
    assert ledger.repeatable and [one.name for one in served.iterdir()] == ["model.pkl"]


def test_keras_is_joined_to_one_model_of_the_shards_means(tmp_path):
    import tensorflow as tf

    ledger, served = trained(tmp_path, texts.KERAS, shards=2)
    assert ledger.repeatable, ledger.differs
    asked = tf.constant([example({"x": [0.5 * n]}) for n in range(5)])
    answers = [
        tf.saved_model.load(str(one)).signatures["serving_default"](examples=asked)["outputs"]
        for one in ledger.models()
    ]
    joined = tf.saved_model.load(str(served))
    mean = joined.signatures["serving_default"](examples=asked)["outputs"]
    np.testing.assert_allclose(mean, (answers[0] + answers[1]) / 2, rtol=1e-6)
    assert not np.allclose(answers[0], answers[1])
    whole = joined.signatures["transform_features"](examples=asked)["whole"]
    assert whole.numpy().ravel().tolist() == [0, 0, 1, 1, 2]


BUILDS = """
import keras
from keras import layers

def build_model(spec):
    made = keras.Sequential([keras.Input((1,), name="y"), layers.Dense(8, activation="tanh"),
                             layers.Dropout(0.2), layers.Dense(1)])
    made.compile("adam", loss="mse")
    return made
"""


def test_a_module_s_build_model_is_trained_once_a_shard_and_again_where_rows_go(tmp_path):
    """In place of a `run_fn`: the module that `unweave train` takes, with a schema of TFX's."""
    import tensorflow as tf

    (tmp_path / "model.py").write_text(BUILDS)
    schema = Schema()
    schema.uri = str(tmp_path / "schema")
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "schema.pbtxt").write_text(
        'feature { name: "x" type: FLOAT } feature { name: "y" type: INT }'
    )
    asked = trains_build_model(tmp_path / "model.py", label="x", epochs=3, batch_size=8)
    given = {
        "schema": schema, "run_fn": asked["run_fn"], "module_file": None, "shards": 2,
        "custom_config": json_utils.dumps(asked["custom_config"]),
    }  # fmt: skip
    first, served = trained(tmp_path / "w", "", **given)
    assert first.repeatable, first.differs
    asked = tf.constant([example({"y": [n]}) for n in range(5)])
    answers = [
        tf.saved_model.load(str(one)).signatures["serving_default"](examples=asked)["values"]
        for one in first.models()
    ]
    mean = tf.saved_model.load(str(served)).signatures["serving_default"](examples=asked)["values"]
    np.testing.assert_allclose(mean, (answers[0] + answers[1]) / 2, rtol=1e-6)
    assert not np.allclose(answers[0], answers[1])
    second, _ = trained(tmp_path / "w", "", run="2", without=[7], **given)
    assert sorted(one.how for one in second.shards) == ["taken over", "trained"]
    assert second.repeatable and [one.state for one in second.shards] != [
        one.state for one in first.shards
    ]


def test_jax_is_joined_likewise_where_it_is_installed(tmp_path):
    pytest.importorskip("jax", reason="not among the locked versions, and installs beside them")
    import tensorflow as tf

    ledger, served = trained(tmp_path, texts.JAX, shards=2)
    assert ledger.repeatable, ledger.differs
    asked = tf.constant([example({"x": [0.5 * n]}) for n in range(5)])
    answers = [
        tf.saved_model.load(str(one)).signatures["serving_default"](examples=asked)["outputs"]
        for one in ledger.models()
    ]
    mean = tf.saved_model.load(str(served)).signatures["serving_default"](examples=asked)["outputs"]
    np.testing.assert_allclose(mean, (answers[0] + answers[1]) / 2, rtol=1e-6)
    assert not np.allclose(answers[0], answers[1])


def test_what_fails_and_what_does_not_come_from_the_gate_is_refused(tmp_path):
    with pytest.raises(CheckFailed, match="runs `run_fn` for a shard failed"):
        trained(tmp_path / "a", "def run_fn(fn_args):\n    raise SystemExit(3)\n")
    whole = gated(tmp_path / "b", 1)
    whole.split_names = encode_split_names(["train", "eval"])
    arguments = {"train_args": "{}", "eval_args": "{}"}
    with pytest.raises(BadInput, match="give the Trainer the Examples of ExampleGate"):
        run = ModelRun()
        run.uri = str(tmp_path / "run")
        PerShardExecutor().Do(
            {"examples": [whole]}, {"model": [Model()], "model_run": [run]}, arguments
        )
