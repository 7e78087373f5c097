"""Columns of arrays, of any shape: from lists in JSON and Parquet, large pictures and `.npy` files.

A model that reads a column of arrays learns what one learns that reads their numbers as columns,
bit for bit; and a row that is forgotten is in no file.
"""

import csv
import json

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from lineage_store.errors import BadInput
from lineage_store.texts.array_texts import array_text
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import ModelSpec
from unlearning.keras_models.named_inputs import TableTensors
from unweave import Project

MODEL = """
import keras

def build_model(spec):
    x = keras.Input(SHAPE, name="NAME")
    hidden = keras.layers.Flatten()(keras.layers.Rescaling(1 / 100)(x))
    model = keras.Model(x, keras.layers.Dense(spec.outputs, "softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy")
    return model
"""
SMALL = MODEL.replace("SHAPE", "(2, 3)").replace("NAME", "x")


def given(count=60):
    """Arrays of two by three, some of whole numbers and one of none, and classes that follow."""
    draw = np.random.default_rng(2)
    for number in range(count):
        whole = number % 2
        x = draw.integers(0, 200, (2, 3)) if whole else draw.normal(50, 50, (2, 3)).round(3)
        x = x.astype(np.float32)
        yield f"r{number}", None if number == 9 else x, "ab"[int(x[0, 0] > 60)]


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Return a function that trains a module on a table in a workspace of its own."""
    key_file = tmp_path_factory.mktemp("key") / "secret"
    key_file.write_bytes(bytes(range(32)))
    key_file.chmod(0o600)

    def run(data, text=SMALL, **options):
        folder = tmp_path_factory.mktemp("arrays")
        (folder / "model.py").write_text(text, encoding="utf-8")
        project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
        how = {"label": "label", "row_id": "row", "shards": 1, "slices": 2, "epochs": 1}
        how |= {"batch_size": 16, "key_file": key_file, "module": folder / "model.py"}
        return project, project.train(data, **(how | options))

    return run


def table(rows, path):
    """A Parquet file with the arrays as lists of lists."""
    ids, arrays, labels = zip(*rows, strict=True)
    lists = pa.array([None if one is None else one.tolist() for one in arrays],
                     pa.list_(pa.list_(pa.float32())))  # fmt: skip
    parquet.write_table(pa.table({"row": ids, "x": lists, "label": labels}), path)
    return path


def lines(rows, path, *, spread=False):
    """A CSV file with the arrays as lists in JSON, or with their numbers in columns."""
    header = [f"x[{y}][{x}]" for y in range(2) for x in range(3)] if spread else ["x"]
    with path.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", *header, "label"])
        for name, array, label in rows:
            one = [""] * 6 if array is None else array.astype(float).ravel().tolist()
            text = "" if array is None else json.dumps(array.astype(float).tolist())
            out.writerow([name, *(one if spread else [text]), label])
    return path


def holds(project, array):
    """Say whether a file holds an array as it is spelled."""
    encoded = array_text(array).partition(":")[2].partition(":")[0].encode("ascii")
    files = (path for path in project.root.rglob("*") if path.is_file())
    return any(encoded in path.read_bytes() for path in files)


def test_a_column_of_arrays_is_learnt_as_its_numbers_are_and_forgotten_to_the_bit(train, tmp_path):
    rows = list(given())
    project, made = train(table(rows, tmp_path / "lists.parquet"))
    assert [one["kind"] for one in made["understood"]["columns"]] == ["array"]
    _, spread = train(lines(rows, tmp_path / "spread.csv", spread=True))
    assert spread["weights_digest"] == made["weights_digest"]
    answer = project.predict(lines(rows, tmp_path / "lists.csv"))
    again = project.predict(tmp_path / "lists.parquet")
    assert answer["probabilities"] == again["probabilities"]
    gone = rows[5][1]
    assert holds(project, gone)
    done = project.forget(["r5"], rows=True, guarantee="exact")
    assert not holds(project, gone)
    left = [row for row in rows if row[0] != "r5"]
    _, twin = train(lines(left, tmp_path / "left.csv"), array_columns=["x"])
    assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]


def pictures(folder, *, without=None, side=150):
    draw = np.random.default_rng(0)
    for number in range(40):
        label = "ab"[number % 2]
        (folder / label).mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(100 * (number % 2), 256, (side, side)).astype(np.uint8)
        if number != without:
            Image.fromarray(pixels).save(folder / label / f"{number:02d}.png")
    return folder


def test_large_pictures_are_one_column_and_forgotten_to_the_bit(train, tmp_path):
    text = MODEL.replace("SHAPE", "(150, 150, 1)").replace("NAME", "pixel")
    how = {"label": "class", "row_id": "path"}
    project, made = train(pictures(tmp_path / "all"), text, **how)
    assert [one["name"] for one in made["understood"]["columns"]] == ["pixel"]
    done = project.forget(["b/07.png"], rows=True, guarantee="exact")
    _, twin = train(pictures(tmp_path / "left", without=7), text, **how)
    assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]


def test_rows_of_numpy_files_of_many_numbers_are_arrays(tmp_path):
    from lineage_store.sources import open_sources

    values = np.random.default_rng(0).normal(size=(3, 130, 130)).astype(np.float32)
    np.save(tmp_path / "x.npy", values)
    (source,) = open_sources(tmp_path / "x.npy")
    assert source.columns() == ("x",) and source.kinds() == {"x": "array"}
    texts = [text for rows in source.batches() for text in rows.values.column(0).to_pylist()]
    assert texts == [array_text(one) for one in values]


def learner_of(text, **spec):
    pin_tensorflow()
    known = {"arrays": ("x",), **spec}
    spec = ModelSpec((), ("x",), "classification", ("a", "b"), **known)
    return KerasLearner(text, name="model.py", spec=spec, seed=1)


def test_inputs_of_arrays_take_bytes_floats_and_nothing_in_one_batch():
    import tensorflow as tf

    learner = learner_of(SMALL)
    arrays = [np.arange(6).reshape(2, 3), None, np.full((2, 3), 0.5), np.full((6,), np.nan)]
    texts = tf.constant([["" if one is None else array_text(one)] for one in arrays])
    inputs = learner.inputs.of(TableTensors(tf.zeros([4, 0]), None, texts))
    inputs = inputs if not isinstance(inputs, dict) else inputs["x"]
    assert inputs[0].numpy().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert inputs[2].numpy().tolist() == [[0.5] * 3] * 2
    assert not inputs[1].numpy().any() and not inputs[3].numpy().any()


@pytest.mark.parametrize("shape", ["(7,)", "(2, 2)"])
def test_an_array_of_another_size_is_told_by_its_column(shape):
    import tensorflow as tf

    learner = learner_of(MODEL.replace("SHAPE", shape).replace("NAME", "x"))
    texts = tf.constant([[array_text(np.zeros((2, 3)))]])
    with pytest.raises(tf.errors.InvalidArgumentError, match="column 'x' has not the"):
        learner.inputs.of(TableTensors(tf.zeros([1, 0]), None, texts))


def test_what_no_array_can_be_given_to_is_refused(train, tmp_path):
    rows = lines(list(given(20)), tmp_path / "rows.csv")
    for text, options, words in (
        (SMALL, {}, "takes float32, and the column holds texts"),
        (MODEL.replace("SHAPE", "(None, 3)").replace("NAME", "x").replace(
            "keras.layers.Flatten()(", "keras.layers.GlobalMaxPooling1D()("
        ), {"array_columns": ["x"]}, "give it the shape that they have"),
        (SMALL, {"array_columns": ["label"]}, "label column 'label' holds arrays"),
        (SMALL, {"array_columns": ["x"], "text_columns": ["x"]}, "said to hold texts and arrays"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            train(rows, text, **options)
    for family in ("naive-bayes", "ridge"):
        how = {"module": None, "slices": None, "epochs": 10, "batch_size": 64}
        with pytest.raises(BadInput, match="reads no arrays, and 'x' holds some"):
            train(rows, model_family=family, array_columns=["x"], **how)
    with pytest.raises(BadInput, match="The built-in model reads no arrays"):
        train(rows, module=None, array_columns=["x"])
    rows.write_text('row,x,label\nr0,"[1, 2]",a\nr1,"[1, two]",b\n', encoding="utf-8")
    with pytest.raises(BadInput, match="Line 3 .* in column 'x' is no array"):
        train(rows, array_columns=["x"])
