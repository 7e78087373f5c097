"""A module's `parse`: what it makes is what the model is given, and it is a function of one row."""

import numpy as np
import pytest

from lineage_store.errors import BadInput, NotReproducible
from lineage_store.rows import Rows
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import TEXTS, ModelSpec
from unlearning.keras_models.parsing import must_be_pure

SPEC = ModelSpec(("size", "age"), ("said",), "classification", ("no", "yes"))
MODULE = """
import numpy as np
{before}

def parse(row):
    {parse}

def build_model(spec):
    import keras  # not above: a process that parses rows alone starts at once
    shape = keras.Input({shape}, name="{name}")
    said = keras.Input((), dtype="string", name="said")
    words = keras.layers.Hashing(8, output_mode="one_hot")(keras.layers.Reshape((1,))(said))
    hidden = keras.layers.Concatenate()([shape, words])
    model = keras.Model({order}, keras.layers.Dense(2, "softmax")(hidden))
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model
"""
MADE = "return {'sizes': np.array([row['size'], len(row['said'])]), 'said': row['said']}"
NOT_A_NUMBER = "return {'sizes': [float(row['size'] != row['size']), 0], 'said': row['said']}"


def text_of(parse=MADE, *, before="", shape="(2,)", name="sizes", order="[said, shape]"):
    return MODULE.format(parse=parse, before=before, shape=shape, name=name, order=order)


def learner_of(parse=MADE, **changes):
    pin_tensorflow()
    return KerasLearner(text_of(parse, **changes), name="model.py", spec=SPEC, seed=1)


def rows(count=12):
    draw = np.random.default_rng(1)
    made = keras_rows(
        draw.integers(0, 256, (count, 16), dtype=np.uint8),
        draw.normal(size=(count, 2)).astype(np.float32),
        np.zeros((count, 1), np.int32),
        np.arange(count, dtype=np.int32) % 2,
    )
    texts = np.array([[f"Wörter {n} of secret".encode()] for n in range(count)], object)
    return Rows(made.row_keys, {**made.columns, TEXTS: texts})


def test_inputs_are_given_what_parse_makes_of_each_row_in_their_order():
    learner, given = learner_of(order="{'sizes': shape, 'said': said}"), rows()
    assert learner.inputs.reads_texts
    made = dict(zip(learner.inputs.names, learner.inputs.arrays(given), strict=True))
    assert np.array_equal(made["sizes"][:, 0], given["numbers"][:, 0])
    assert made["sizes"].dtype == np.float32 and set(made["sizes"][:, 1]) == {18.0, 19.0}
    assert made["said"][3] == "Wörter 3 of secret"
    called = learner.given(given, 2, 4)
    assert sorted(called) == ["said", "sizes"] and called["sizes"].shape == (4, 2)


def test_steps_are_taken_and_repeat():
    learner, given = learner_of(), rows()
    learner.must_repeat([given.take(np.arange(6)), given.take(np.arange(6, 12))], given, shard=0)
    state = learner.initial_state(0, given)
    before = learner.predict(state, given)
    learner.step(given, shard=0, position=0)
    assert not np.array_equal(learner.predict(learner.weights(), given), before)
    assert learner.loss(given) > 0


def test_a_missing_number_is_nan_and_a_missing_text_empty():
    learner, given = learner_of(NOT_A_NUMBER), rows(3)
    given["numbers"][1, 0] = np.nan
    assert learner.inputs.arrays(given)[1][:, 0].tolist() == [0.0, 1.0, 0.0]


IMPURE = {
    "a set": (
        "return {'sizes': [hash(one) % 97 for one in {row['said'], 'x'}], 'said': row['said']}",
        "",
        "no function of the row alone: in another process",
    ),
    "a clock": (
        "return {'sizes': [time.perf_counter(), 0], 'said': row['said']}",
        "import time",
        "no function of the row alone: in another process",
    ),
    "a random number": (
        "return {'sizes': [random.random(), 0], 'said': row['said']}",
        "import random",
        "no function of the row alone: in another process",
    ),
    "what it remembers": (
        "return {'sizes': [SEEN.setdefault(row['said'], len(SEEN)), 0], 'said': row['said']}",
        "SEEN = {}",
        "no function of the row alone: in another process",
    ),
    "a file": (
        "return {'sizes': [len(open('/etc/hostname').read()), 0], 'said': row['said']}",
        "",
        "it opens a file",
    ),
    "a process": (
        "subprocess.run(['true']); return {'sizes': [1, 0], 'said': row['said']}",
        "import subprocess",
        "it opens a process",
    ),
}


@pytest.mark.parametrize("parse, before, words", IMPURE.values(), ids=IMPURE)
def test_what_is_no_function_of_the_row_is_refused_by_name(parse, before, words):
    # The trial alone reads no Keras: a module that imports it takes seconds to start.
    learner = learner_of(parse, before=before)
    text = (
        f"import numpy as np\n{before}\ndef parse(row):\n    {parse}\ndef build_model(spec): pass"
    )
    with pytest.raises(NotReproducible, match=f"^Change this: parse of model.py .*{words}"):
        must_be_pure(learner.inputs, rows(), text=text)


def test_a_pure_one_passes_the_trial_and_a_module_that_ends_its_process_is_named():
    learner = learner_of()
    head = "import numpy as np\n"
    text = f"{head}print('told')\ndef parse(row):\n    {MADE}\ndef build_model(spec): pass"
    must_be_pure(learner.inputs, rows(), text=text)
    with pytest.raises(BadInput, match="ended with 3"):
        must_be_pure(learner.inputs, rows(), text=f"{head}import os\nos._exit(3)")


WRONG = {
    "it raises": ("return {'sizes': [int(row['said']), 0]}", "fails in line 6: ValueError"),
    "a column that is none": (
        "return {'sizes': [0, 0], 'said': row['person']}",
        "KeyError; a row has 'age', 'said', 'size', and a column that names people or rows is none",
    ),
    "no dict": ("return 3", "return a dict of said, sizes"),
    "another name": ("return {'sizes': [0, 0], 'says': ''}", "return a dict of said, sizes"),
    "another shape": ("return {'sizes': [0], 'said': ''}", r"no float32 of the shape \(2,\)"),
    "another type": ("return {'sizes': ['a', 'b'], 'said': ''}", "for the input 'sizes'"),
}


@pytest.mark.parametrize("parse, words", WRONG.values(), ids=WRONG)
def test_what_it_makes_wrongly_is_told_without_a_value(parse, words):
    with pytest.raises(BadInput, match=words) as refused:
        learner_of(parse).predict(learner_of(parse).weights(), rows())
    assert "secret" not in str(refused.value) and refused.value.__cause__ is None


def test_inputs_that_nothing_can_be_made_for_are_refused():
    open_ended = """
import keras

def parse(row):
    return {"my sizes": [[1.0]]}

def build_model(spec):
    given = keras.Input((None, 1), name="my sizes")
    model = keras.Model(given, keras.layers.Dense(2)(keras.layers.GlobalMaxPooling1D()(given)))
    model.compile("sgd", "mse")
    return model
"""
    with pytest.raises(BadInput, match=r"(?s)'my sizes' leaves its shape.*'my sizes' is called"):
        KerasLearner(open_ended, name="model.py", spec=SPEC, seed=1)
