"""What Keras's own layers learn from rows is state: of its shard alone, and put back with it."""

from dataclasses import replace

import numpy as np
import pytest

from lineage_store.errors import NotReproducible
from lineage_store.rows.arrays import Rows
from lineage_store.tensors import first_difference
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import ModelSpec

SPEC = ModelSpec(("age",), ("said",), "classification", ("no", "yes"))

WORDS = """
import keras
from keras import layers

def build_model(spec):
    age = keras.Input((1,), name="age")
    said = keras.Input((1,), dtype="string", name="said")
    ids = layers.TextVectorization(max_tokens=9, output_sequence_length=3, name="words")(said)
    hidden = layers.Flatten()(layers.Embedding(9, 2)(ids))
    whole = layers.IntegerLookup(
        max_tokens=6, output_mode="multi_hot", pad_to_max_tokens=True, name="whole"
    )(keras.ops.cast(age, "int64"))
    scaled = layers.Normalization(name="scale")(age)
    bins = layers.Discretization(num_bins=3, output_mode="one_hot", name="bins")
    if BINS:
        scaled = layers.Embedding(4, 2)(layers.Discretization(num_bins=3, name="bins")(age))
        scaled = layers.Flatten()(scaled)
    output = layers.Dense(2, "softmax")(layers.Concatenate()([hidden, scaled, whole]))
    model = keras.Model([age, said], output)
    model.compile("sgd", spec.loss)
    return model

def adapt(model, rows):
    for name, column in NAMES.items():
        model.get_layer(name).adapt(rows[column])
"""
NAMES = {"words": "said", "whole": "age", "scale": "age"}
BINNED = {"words": "said", "whole": "age", "bins": "age"}


def learner_of(names):
    pin_tensorflow()
    text = WORDS.replace("NAMES", repr(names)).replace("BINS", str("bins" in names))
    return KerasLearner(text, name="model.py", spec=SPEC, seed=3)


def rows_of(words, ages):
    count = len(words)
    made = keras_rows(
        np.arange(count * 16, dtype=np.uint32).astype(np.uint8).reshape(count, 16),
        np.array(ages, np.float32)[:, None],
        np.zeros((count, 1), np.int32),
        np.arange(count, dtype=np.int32) % 2,
    )
    texts = np.array([[word.encode()] for word in words], object)
    return Rows(made.row_keys, {**made.columns, "texts": texts})


ONE = rows_of(["good day", "bad day", "day", "Größe"], [20, 20, 40, 90])
OTHER = rows_of(["grim night", "mild night", "", "night"], [1, 2, 3, 4])
NOTHING = rows_of(["", "", "", ""], [5, 5, 5, 5])


@pytest.mark.parametrize("names", [NAMES, BINNED], ids=["scale", "bins"])
def test_a_model_put_into_a_shards_state_is_that_shards_and_no_others(names):
    learner = learner_of(names)
    states = [learner.initial_state(shard, rows) for shard, rows in enumerate([ONE, OTHER])]
    vocabulary = next(name for name in states[0] if name.endswith("StringLookup.vocabulary"))
    kept = [state[vocabulary].tobytes().decode() for state in states]
    assert "größe\0" in kept[0] and "night\0" in kept[1] and "night" not in kept[0]
    alone = [fresh_answers(names, state) for state in states]
    assert not np.array_equal(alone[0], alone[1])
    for shard in (0, 1, 0):  # loaded one after another, in one learner
        assert np.array_equal(learner.predict(states[shard], ONE), alone[shard])
        assert first_difference(learner.state(), states[shard]) is None
    learner.step(ONE, shard=0, position=0)
    assert learner.state()[vocabulary].tobytes().decode() == kept[0]
    assert learner.weights().keys() <= learner.state().keys() and vocabulary in learner.weights()


def fresh_answers(names, state):
    return learner_of(names).predict(state, ONE)


def test_rows_that_hold_no_word_leave_a_vocabulary_without_any():
    learner = learner_of(NAMES)
    state = learner.initial_state(0, NOTHING)
    (vocabulary,) = (array for name, array in state.items() if "StringLookup.vocab" in name)
    assert not len(vocabulary)
    assert np.isfinite(learner.predict(state, ONE)).all()


def test_the_first_steps_are_tried_with_what_was_learnt():
    learner_of(NAMES).must_repeat([ONE, OTHER], OTHER, shard=1)


HIDDEN = """
import keras

class Shift(keras.layers.Layer):
    by = 0.0
    def call(self, x):
        return x + self.by

def build_model(spec):
    age = keras.Input((1,), name="age")
    output = keras.layers.Dense(2, "softmax")(Shift(name="shift")(age / 100))
    model = keras.Model(age, output)
    model.compile("sgd", spec.loss)
    return model

def adapt(model, rows):
    model.get_layer("shift").by = rows["age"].mean()
"""


def test_what_adapt_sets_beside_weights_is_refused_and_not_lost_in_silence():
    pin_tensorflow()
    learner = KerasLearner(HIDDEN, name="model.py", spec=SPEC, seed=3)
    with pytest.raises(NotReproducible, match="model.py .*adapt sets what is no weight"):
        learner.must_repeat([ONE], ONE, shard=0)


TABLE = """
import keras
import tensorflow as tf

class Seen(keras.layers.Layer):
    def __init__(self):
        super().__init__(name="seen")
        self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, 0)
    def call(self, x):
        keys = x[:, 0]
        before = self.table.lookup(keys)
        with tf.control_dependencies([self.table.insert(keys, before + 1)]):
            return tf.ensure_shape(tf.cast(before[:, None], tf.float32), (None, 1))
    def compute_output_shape(self, shape):
        return shape

def build_model(spec):
    said = keras.Input((1,), dtype="string", name="said")
    model = keras.Model(said, keras.layers.Dense(2, "softmax")(Seen()(said)))
    model.compile("sgd", spec.loss)
    return model
"""


def test_a_table_that_steps_write_into_is_refused():
    pin_tensorflow()
    learner = KerasLearner(TABLE, name="model.py", spec=SPEC, seed=3)
    with pytest.raises(NotReproducible, match=r"LookupTableInsertV2 of the layer seen \(Seen\)"):
        learner.must_repeat([ONE], ONE, shard=0)


def test_rows_that_have_texts_and_weights_count_as_their_weights_say():
    pin_tensorflow()
    text = WORDS.replace("NAMES", repr(NAMES)).replace("BINS", "False")
    ends = []
    for weights in ([1, 1, 1, 1], [1, 1, 1, 9]):
        spec = replace(SPEC, weighed=True)
        learner = KerasLearner(text, name="model.py", spec=spec, seed=3)
        columns = {**ONE.columns, "weight": np.array(weights, np.float32)}
        rows = Rows(ONE.row_keys, columns)
        learner.load(learner.initial_state(0, rows))
        learner.step(rows, shard=0, position=0)
        ends.append((learner.loss(rows), learner.trainable()))
    assert ends[0][0] != ends[1][0]
    assert first_difference(ends[0][1], ends[1][1]) is not None
