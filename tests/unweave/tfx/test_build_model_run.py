"""A module's `build_model` in a user's own pipeline: what is read, and what comes of a shard."""

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest

from lineage_store.errors import BadInput
from tf_records import example, tfrecord
from unweave.tfx import trains_build_model
from unweave.tfx.build_model_run import run_fn, table_of
from unweave.tfx.per_shard_executor import PerShardExecutor

SCHEMA = """
feature { name: "age" type: INT }
feature { name: "late" type: BYTES }
feature { name: "town" type: BYTES }
feature { name: "x" type: FLOAT }
"""
MODULE = """
import keras
from keras import layers

def build_model(spec):
    inputs = [keras.Input((1,), name=spec.input_name(column)) for column in spec.numbers]
    town = keras.Input((1,), name="town", dtype="string")
    hashed = layers.Embedding(16, 2)(layers.Hashing(16)(town))
    joined = layers.Concatenate()([*inputs, layers.Flatten()(hashed)])
    told = layers.Dense(spec.outputs, activation=spec.activation)(joined)
    made = keras.Model([*inputs, town], told)
    made.compile("adam", loss=spec.loss)
    return made
"""


def row(number):
    late = "yes" if number % 7 < 3 else "no"
    given = {"age": [number], "late": [late], "town": [f"town-{number % 3}"], "x": [number * 0.5]}
    return given if number % 5 else {**given, "x": []}


@pytest.fixture
def given(tmp_path):
    """A folder with a module, a schema of TFX's, and Examples of 60 and 20 rows."""
    (tmp_path / "model.py").write_text(MODULE)
    (tmp_path / "schema.pbtxt").write_text(SCHEMA)
    for split, numbers in (("train", range(60)), ("eval", range(60, 80))):
        (tmp_path / split).mkdir()
        (tmp_path / split / "examples.gz").write_bytes(tfrecord(map(row, numbers)))
    return tmp_path


def arguments(given, into, **changed):
    """What TFX gives a `run_fn`."""
    asked = trains_build_model(given / "model.py", label="late", classes=["yes", "no"], epochs=2,
                               batch_size=16, **changed)  # fmt: skip
    assert asked["custom_executor_spec"].executor_class is PerShardExecutor
    return SimpleNamespace(
        custom_config=asked["custom_config"],
        schema_path=str(given / "schema.pbtxt"),
        train_files=[str(given / "train" / "*")],
        eval_files=[str(given / "eval" / "*")],
        serving_model_dir=str(into),
    )


def test_a_schema_of_tfx_says_what_the_columns_are(given):
    file = given / "schema.pbtxt"
    table = table_of(file, label="late", classes=["no", "yes"])
    assert [(one.name, one.kind) for one in table.columns] == [
        ("age", "number"), ("town", "text"), ("x", "number")
    ]  # fmt: skip
    assert (table.label.task, table.label.classes) == ("classification", ("no", "yes"))
    assert table_of(file, label="age").label.task == "regression"
    with pytest.raises(BadInput, match="has no feature 'early'; it has: age, late"):
        table_of(file, label="early")
    with pytest.raises(BadInput, match="'late' holds texts: name its classes"):
        table_of(file, label="late")
    file.write_text('feature { name: "nested" type: STRUCT }')
    with pytest.raises(BadInput, match="'nested' holds neither numbers nor texts"):
        table_of(file, label="nested")


def test_what_a_trainer_is_given_changes_with_the_module_and_holds_no_path(given):
    asked = trains_build_model(given / "model.py", label="late", classes=["b", "a"])
    assert asked["custom_config"]["classes"] == ["a", "b"]
    assert str(given) not in str(asked["custom_config"])
    (given / "model.py").write_text(MODULE + "\n# another\n")
    other = trains_build_model(given / "model.py", label="late", classes=["b", "a"])
    assert other["custom_config"]["source"] != asked["custom_config"]["source"]
    with pytest.raises(BadInput, match="epochs"):
        trains_build_model(given / "model.py", label="late", epochs=0)


def test_a_shard_s_module_is_trained_and_serves_examples_of_the_schema_s_types(given):
    import tensorflow as tf

    run_fn(arguments(given, given / "one"))
    served = tf.saved_model.load(str(given / "one")).signatures["serving_default"]
    asked = tf.constant([example(row(number)) for number in range(6)])
    outputs = served(examples=asked)
    assert set(outputs) == {"probabilities"}
    assert outputs["probabilities"].shape == (6, 2)
    np.testing.assert_allclose(outputs["probabilities"].numpy().sum(axis=1), 1, rtol=1e-5)

    def weights(name):
        (file,) = (given / name / "variables").glob("*.data*")
        return hashlib.sha256(file.read_bytes()).hexdigest()

    rows = [*map(row, reversed(range(60)))]
    (given / "train" / "examples.gz").write_bytes(tfrecord(rows))
    run_fn(arguments(given, given / "two"))
    assert weights("one") == weights("two"), "no bit depends on the order of rows"
    run_fn(arguments(given, given / "three", seed=1))
    assert weights("one") != weights("three")
