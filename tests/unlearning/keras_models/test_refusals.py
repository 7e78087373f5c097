"""What cannot be exact is refused by name, before the first step of a training run."""

import numpy as np
import pytest

from lineage_store.errors import BadInput, NotReproducible
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.module_file import ModelSpec

SPEC = ModelSpec(("a", "b", "c", "d"), ("s", "t"), "classification", ("no", "yes"), 32)

SHELL = """
import keras
import numpy as np
import tensorflow as tf

{before}

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = {layer}(keras.layers.Dense(4)(numbers))
    model = {model}(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer={optimizer}, loss=spec.loss)
    return model
"""


def module(before="", layer="keras.layers.ReLU()", model="keras.Model", optimizer="'sgd'"):
    return SHELL.format(before=before, layer=layer, model=model, optimizer=optimizer)


def odd(call, init="pass"):
    """A module with a layer of its own, called "mine"."""
    before = f"""
class Odd(keras.layers.Layer):
    def __init__(self):
        super().__init__(name="mine")
        {init}
    def call(self, x):
        {call}
"""
    return module(before, layer="Odd()")


@pytest.fixture(scope="module")
def rows():
    draw = np.random.default_rng(1)
    return keras_rows(
        draw.integers(0, 256, (12, 16), dtype=np.uint8),
        draw.normal(size=(12, 4)).astype(np.float32),
        draw.integers(0, 32, (12, 2), dtype=np.int32),
        np.arange(12, dtype=np.int32) % 2,
    )


@pytest.fixture(scope="module")
def probe(rows):
    """Return a function that builds a module's model and takes its first steps."""
    pin_tensorflow()

    def run(text):
        learner = KerasLearner(text, name="model.py", spec=SPEC, seed=3)
        learner.must_repeat([rows.take(np.arange(8)), rows.take(np.arange(8, 12))], rows, shard=0)
        return learner

    return run


MINE = r"layer mine \(Odd\)"

UNREPEATABLE = {
    "a recurrent layer that carries its state": (
        """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), batch_size=8, name="numbers")
    series = keras.layers.Reshape((4, 1))(numbers)
    hidden = keras.layers.GRU(3, stateful=True, name="memory")(series)
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer="sgd", loss=spec.loss)
    return model
""",
        r"layer memory \(GRU\) is stateful.*stateful=False",
    ),
    "a counter that changes nothing for a thousand steps": (
        odd(
            "calls = tf.cast(self.calls.assign_add(1), tf.float32)\n"
            "        return tf.where(calls > 1000.0, 2.0 * x, x)",
            init="self.calls = tf.Variable(0)",
        ),
        rf"calls of the {MINE} keeps state in a variable that is no weight",
    ),
    "a generator of TensorFlow's": (
        odd(
            "return x + self.generator.normal([1, 4])",
            init="self.generator = tf.random.Generator.from_seed(1)",
        ),
        rf"generator of the {MINE} keeps state",
    ),
    "a variable of the module": (
        "import tensorflow as tf\nCALLS = tf.Variable(0.0, name='calls')\n"
        + odd("return x + 0.0 * CALLS.assign_add(1.0)"),
        "the variable calls keeps state",
    ),
    "an op that draws": (
        odd("return x + tf.random.normal(tf.shape(x), seed=5)"),
        rf"the op RandomStandardNormal of the {MINE} draws from a generator",
    ),
    "an op that draws within a loop": (
        odd(
            "more = lambda i, y: (i + 1, y + tf.random.uniform(tf.shape(y)))\n"
            "        return tf.while_loop(lambda i, y: i < 2, more, [0, x])[1]"
        ),
        "the op RandomUniform of .* draws from a generator",
    ),
    "Python code within the graph": (
        odd(
            "return tf.ensure_shape(tf.numpy_function(lambda a: a, [x], tf.float32), x.shape)",
        ),
        rf"the op PyFunc of the {MINE} is Python code",
    ),
    "a count in Python of how often it was called": (
        odd("self.calls += 1\n        return x * float(self.calls)", init="self.calls = 0"),
        "differs",
    ),
    "an op without a deterministic kernel": (
        odd("return x + 0.0 * tf.cast(tf.timestamp(), tf.float32)"),
        "Timestamp cannot be called when determinism is enabled",
    ),
}


@pytest.mark.parametrize("text, words", UNREPEATABLE.values(), ids=UNREPEATABLE)
def test_what_no_run_could_repeat_is_refused_by_name(probe, text, words):
    with pytest.raises(NotReproducible, match=f"model of model.py cannot be .*: .*{words}"):
        probe(text)


OWN_STEP = """
class Own(keras.Model):
    def train_step(self, data):
        return {}
"""

OTHERWISE_TRAINED = {
    "a train_step of its own": (module(OWN_STEP, model="Own"), "train_step of its own"),
    "accumulated gradients": (
        module(optimizer="keras.optimizers.Adam(gradient_accumulation_steps=4)"),
        "optimizer Adam of model.py has gradient_accumulation_steps",
    ),
    "averages that nothing would use": (
        module(optimizer="keras.optimizers.SGD(use_ema=True)"),
        "optimizer SGD of model.py has use_ema without ema_overwrite_frequency",
    ),
    "scaled losses": (
        module(optimizer="keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())"),
        "is a LossScaleOptimizer",
    ),
}


@pytest.mark.parametrize("text, words", OTHERWISE_TRAINED.values(), ids=OTHERWISE_TRAINED)
def test_what_only_fit_would_do_is_refused_by_name(probe, text, words):
    with pytest.raises(BadInput, match=words):
        probe(text)


def test_a_weight_without_values_is_refused_before_tensorflow_ends_the_process():
    pin_tensorflow()
    spec = ModelSpec((), ("s", "t"), "classification", ("no", "yes"), 32)
    with pytest.raises(BadInput, match=r"weight without values, .*kernel of shape \(0, 4\)"):
        KerasLearner(module(), name="model.py", spec=spec, seed=3)


def test_state_in_weights_and_random_numbers_of_keras_are_no_reason_to_refuse(probe):
    init = (
        "self.calls = self.add_weight(shape=(), initializer='zeros', trainable=False); "
        "self.draw = keras.random.SeedGenerator(5)"
    )
    call = (
        "self.calls.assign_add(1.0)\n"
        "        return x + self.calls + keras.random.normal(keras.ops.shape(x), seed=self.draw)"
    )
    learner = probe(odd(call, init=init))
    assert sum(name.startswith("weights/") for name in learner.state()) == 5


def test_all_reasons_are_told_at_once_each_with_what_it_can_come_to():
    text = module(OWN_STEP, model="Own", optimizer="keras.optimizers.SGD(use_ema=True)")
    text = text.replace('(len(spec.numbers),), name="numbers"', '(9,), name="wage"')
    with pytest.raises(BadInput) as refused:
        KerasLearner(text.replace("spec.outputs", "7"), name="model.py", spec=SPEC, seed=3)
    message = str(refused.value)
    assert (
        message.count("Not yet: ") == 1
        and "Not yet: The model of model.py has a train_step" in message
    )
    assert message.count("Change this: ") == 3
    assert all(word in message for word in ("use_ema", "'wage'", "output shape (None, 7)"))


def test_two_ops_that_hide_something_are_both_told(probe):
    call = "y = tf.random.normal(tf.shape(x), seed=5); return x + y + 0.0 * CALLS.assign_add(1.0)"
    text = "import tensorflow as tf\nCALLS = tf.Variable(0.0, name='calls')\n" + odd(call)
    with pytest.raises(NotReproducible, match="the variable calls keeps .*RandomStandardNormal"):
        probe(text)
