"""What docs/your-keras.md says is done here: each input and output is taken, each refusal refused.

The page's example and its command are tried by `test_docs` and `test_readme`, the modules that it
links to by `stories/test_keras_io`.
"""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lineage_store.errors import BadInput, NotReproducible
from lineage_store.rows import label_name
from lineage_store.rows.arrays import GROUP
from lineage_store.texts.array_texts import array_text
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fingerprint.module_imports import must_be_followed
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import LabelSpec, ModelSpec

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "your-keras.md").read_text(encoding="utf-8")
INPUTS, OUTPUTS, REFUSED = (
    [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
)
SPEC = ModelSpec(("size", "x[0]", "x[1]"), ("city",), "classification", ("no", "yes"))
MODULE = """
{top}
{before}

def build_model(spec):
    {within}
    given = {input}
    hidden = layers.Flatten()({read}(given)) if len(given.shape) > 2 else {read}(given)
    output = {output}
    model = {model}(given, output)
    model.compile({optimizer}, {loss})
    return model
{after}
"""
USUAL = {
    "top": "import keras\nimport tensorflow as tf\nfrom keras import layers", "within": "",
    "before": "", "after": "", "input": "keras.Input((3,), name='numbers')",
    "read": "layers.Identity()", "output": "layers.Dense(spec.outputs, 'softmax')(hidden)",
    "model": "keras.Model", "optimizer": "'sgd'", "loss": "spec.loss",
}  # fmt: skip
HASHED = "layers.Hashing(8, output_mode='one_hot')"


TWO_OUTPUTS = (
    "[layers.Dense(1, name='wage')(hidden), layers.Dense(1, 'sigmoid', name='late')(hidden)]"
)
LABELS = (
    LabelSpec("late", "classification", ("no", "yes")), LabelSpec("wage", "regression", ())
)  # fmt: skip


def tried(*, several=False, arrays=(), **changes):
    """Build a module's model and take its first steps, as a training does."""
    pin_tensorflow()
    if "def parse" in changes.get("after", ""):  # it is tried in processes that need no Keras
        changes |= {"top": "", "within": USUAL["top"].replace("\n", "; ")}
    text = MODULE.format(**{**USUAL, **changes})
    must_be_followed(text, module="model.py")
    labels, rows = LABELS if several else (), ROWS
    spec = replace(SPEC, grouped=True, labels=labels, arrays=arrays)
    if arrays:
        texts = np.array([[array_text([n, 1, 2]).encode()] for n in range(8)], object)
        rows = type(ROWS)(ROWS.row_keys, {**ROWS.columns, "texts": texts})
    learner = KerasLearner(text, name="model.py", spec=spec, seed=1)
    learner.must_repeat([rows.take(np.arange(4)), rows.take(np.arange(4, 8))], rows, shard=0)
    assert learner.predict(learner.weights(), rows).shape == (8, 3 if several else 2)


def rows():
    draw = np.random.default_rng(1)
    made = keras_rows(
        draw.integers(0, 256, (8, 16), dtype=np.uint8),
        draw.normal(size=(8, 3)).astype(np.float32),
        draw.integers(0, 32, (8, 1), dtype=np.int32),
        np.arange(8, dtype=np.int32) % 2,
    )
    texts = np.array([[b"Ulm"], [b""]] * 4, object)
    second = {label_name(1): draw.normal(size=8).astype(np.float32), GROUP: np.arange(8) // 2}
    return type(made)(made.row_keys, {**made.columns, **second, "texts": texts})


ROWS = rows()
TAKEN = {
    "as a column of numbers or dates": [{"input": "keras.Input((1,), name='size')"}],
    "as a column of texts": [
        {"input": "keras.Input((1,), dtype='string', name='city')", "read": HASHED}
    ],
    "as a column, and ` is missing` behind it": [
        {"input": "keras.Input((1,), name='city is missing')"}
    ],
    "`x`, a column of arrays, or of columns called `x[0]`, `x[1]`, ... or `x[0][0]`, ...": [
        {"input": "keras.Input((2, 1), name='x')"},
        {"input": "keras.Input((1, 3), name='city')", "arrays": ("city",)},
    ],
    "anything, if it is the only one": [
        {"input": "keras.Input((3,))"},
        {"input": "keras.Input((1,), dtype='string')", "read": HASHED},
    ],
    "`numbers`, `missing`; `categories`": [
        {},
        {"input": "keras.Input((3,), name='missing')"},
        {
            "input": "keras.Input((1,), dtype='int32', name='categories')",
            "read": "(lambda given: layers.Flatten()(layers.Embedding(2048, 2)(given)))",
        },
    ],
    "anything, by a function `parse(row)`": [
        {
            "input": "keras.Input((2,), name='both')",
            "after": "def parse(row):\n    return {'both': [row['size'], len(row['city'])]}\n",
        }
    ],
    "`spec.outputs` units, any loss": [{}],
    "the same, a categorical loss or its focal one": [
        {"loss": "'categorical_crossentropy'"},
        {"loss": "'categorical_focal_crossentropy'"},
    ],
    "1 unit for two classes": [
        {"output": "layers.Dense(1, 'sigmoid')(hidden)", "loss": "'binary_crossentropy'"}
    ],
    "one called like each label, as key of a dict or last layer": [
        {"several": True, "output": TWO_OUTPUTS, "loss": "['mse', 'binary_crossentropy']"},
        {
            "several": True,
            "output": TWO_OUTPUTS.replace("[", "{'wage': ").replace(", lay", ", 'late': lay")[:-1]
            + "}",
            "loss": "{'wage': 'mse', 'late': 'binary_crossentropy'}, loss_weights=[1, 2]",
        },
    ],
    "any, with a function `targets(labels, spec)`, or `targets(labels, spec, groups)`": [
        {
            "loss": "lambda y, p: keras.ops.sum(keras.ops.square(y - p), -1)",
            "after": "def targets(labels, spec, groups):\n"
            "    return keras.ops.one_hot(groups % 2, 2)\n",
        },
        {
            "loss": "lambda y, p: keras.ops.sum(keras.ops.square(y - p), -1)",
            "after": "def targets(labels, spec):\n    return keras.ops.one_hot(labels, 2)\n",
        },
    ],
}


def layer(call, init="pass"):
    return (
        "class Odd(layers.Layer):\n    def __init__(self):\n        super().__init__()\n"
        f"        {init}\n    def call(self, x):\n        {call}\n"
    )


def odd(call, init="pass"):
    return {"before": layer(call, init), "read": "Odd()"}


TABLE = "self.t = tf.lookup.experimental.MutableHashTable(tf.int64, tf.int64, 0)"
WRITES = (
    "k = tf.cast(x[:, 0], tf.int64)\n"
    "        with tf.control_dependencies([self.t.insert(k, k)]):\n            return x + 0.0"
)
STATEFUL = {
    "input": "keras.Input((3,), batch_size=4, name='numbers')",
    "output": "layers.Dense(2)(layers.GRU(2, stateful=True)(layers.Reshape((3, 1))(hidden)))",
}
REFUSALS = {
    "an input that fits no column, an output of another shape, of no label, without a loss": [
        ({"input": "keras.Input((1,), name='wage')"}, BadInput, "'wage'"),
        ({"output": "layers.Dense(7)(hidden)"}, BadInput, r"output shape \(None, 7\)"),
        ({"output": TWO_OUTPUTS, "loss": "'mse'"}, BadInput, "name a label for each output"),
        (
            {
                "several": True,
                "output": TWO_OUTPUTS,
                "loss": "{'wage': 'mse'}",
            },
            BadInput,
            "The output 'late' of model.py has no loss",
        ),
    ],
    "a `train_step` of its own": [
        (
            {
                "before": "class Own(keras.Model):\n    def train_step(self, _):\n        pass\n",
                "model": "Own",
            },
            BadInput,
            "train_step of its own",
        ),
    ],
    "a layer with `stateful=True`, gradients that are accumulated, averages that only `fit` "
    "would use": [
        (STATEFUL, NotReproducible, "is stateful"),
        (
            {"optimizer": "keras.optimizers.SGD(gradient_accumulation_steps=2)"},
            BadInput,
            "gradient_accumulation_steps",
        ),
        ({"optimizer": "keras.optimizers.SGD(use_ema=True)"}, BadInput, "use_ema"),
    ],
    "a variable that is no weight, what `adapt` sets beside weights, an op that draws, Python code "
    "in the graph, a table that steps write into": [
        (
            odd("return x + 0.0 * self.v.assign_add(1.0)", "self.v = tf.Variable(0.0)"),
            NotReproducible,
            "a variable that is no weight",
        ),
        (
            odd("return x + self.by", "self.by = 0.0")
            | {"after": "def adapt(model, rows):\n    model.layers[1].by = 5.0\n"},
            NotReproducible,
            "adapt sets what is no weight",
        ),
        (odd("return x + tf.random.normal(tf.shape(x))"), NotReproducible, "draws from"),
        (
            odd("return tf.ensure_shape(tf.numpy_function(lambda a: a, [x], tf.float32), x.shape)"),
            NotReproducible,
            "is Python code",
        ),
        (odd(WRITES, TABLE), NotReproducible, "writes into a table"),
    ],
    "an op without a deterministic kernel": [
        (
            odd("return x + 0.0 * tf.cast(tf.timestamp(), tf.float32)"),
            NotReproducible,
            "Timestamp cannot be called",
        )
    ],
    "first steps that differ when they are taken twice, by the module loaded anew": [
        (
            odd("self.n += 1\n        return x * float(self.n)", "self.n = 0"),
            NotReproducible,
            "differs",
        )
    ],
    "a `parse` that makes something else in another process, of rows in another order; that opens "
    "anything": [
        (
            {
                "input": "keras.Input((2,), name='both')",
                "after": "def parse(row):\n    return {'both': [hash(row['city']) % 9, 0]}\n",
            },
            NotReproducible,
            "no function of the row alone: in another process",
        ),
        (
            {
                "input": "keras.Input((2,), name='both')",
                "after": "def parse(row):\n"
                "    return {'both': [len(open('/etc/hostname').read()), 0]}\n",
            },
            NotReproducible,
            "it opens a file",
        ),
    ],
    "an import of what can change unnoticed: a compiled file, `importlib`, `exec`": [
        ({"before": "import importlib"}, NotReproducible, "importlib"),
        ({"before": "exec('')"}, NotReproducible, "exec"),
    ],
}


def test_the_page_is_short_and_its_command_is_that_of_the_door():
    assert len(PAGE.splitlines()) <= 80
    (command,) = re.findall(r"^    (unweave .*) --workspace ws$", PAGE, re.MULTILINE)
    assert f"`{command}`" in (TOP / "README.md").read_text(encoding="utf-8")


def test_every_row_of_the_page_is_tried():
    assert [row[0] for row in (*INPUTS, *OUTPUTS)] == list(TAKEN)
    assert [row[0] for row in REFUSED] == list(REFUSALS)


@pytest.mark.parametrize("row", TAKEN)
def test_what_is_said_to_be_taken_is_taken(row):
    for changes in TAKEN[row]:
        tried(**changes)


@pytest.mark.parametrize("row", REFUSALS)
def test_what_is_said_to_be_refused_is_refused_by_name(row):
    when = next(line[1] for line in REFUSED if line[0] == row)
    for changes, kind, words in REFUSALS[row]:
        with pytest.raises(kind, match=words) as refused:
            tried(**changes)
        if "import" not in words and "exec" not in words:
            assert str(refused.value).startswith(f"{when.capitalize()}: ")
