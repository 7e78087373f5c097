"""Training: the same command gives the same bits, and the ledger tells all of it."""

import csv
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.canonical import digest, digest_json
from lineage_store.errors import BadInput, NotReproducible
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.placement import Stage, batch_of, row_bits, schedule
from lineage_store.rows.arrays import in_key_order
from lineage_store.rows.row_store import open_rows
from pipelines.backends.direct import DirectBackend
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_learning.make import make_learner
from unlearning.keras_models.module_file import ModelSpec, built_in_text
from unlearning.training.batches import first_rows, stage_batches
from unlearning.training.config import module_source
from unweave import Project

TOP = Path(__file__).parents[3]
OPTIONS = {
    "label": "label",
    "subject": "person",
    "shards": 2,
    "slices": 3,
    "epochs": 4,
    "batch_size": 16,
    "record": "all",
}

# Batch norm keeps statistics, dropout draws numbers, the optimizer has slots and a schedule.
DEMANDING = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.BatchNormalization()(numbers)
    hidden = keras.layers.Dense(12, activation="relu")(hidden)
    hidden = keras.layers.Dropout(0.5)(hidden)
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    schedule = keras.optimizers.schedules.CosineDecay(0.05, decay_steps=30)
    model.compile(optimizer=keras.optimizers.SGD(schedule, momentum=0.9), loss=spec.loss)
    return model
"""


def lines(*, rows=260, people=24, seed=3):
    draw = random.Random(seed)
    yield ["person", "age", "fare", "city", "label"]
    for _ in range(rows):
        age = draw.gauss(40, 12)
        yield [
            f"person-{draw.randrange(people):02d}",
            f"{age:.1f}" if draw.random() > 0.1 else "",
            f"{draw.expovariate(0.1):.2f}",
            draw.choice(["Ulm", "Bonn", "", "Hof"]),
            "old" if age + draw.gauss(0, 4) > 40 else "young",
        ]


@pytest.fixture(scope="module")
def given_csv(tmp_path_factory):
    path = tmp_path_factory.mktemp("given") / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines())
    return path


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "secret"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def write_module(tmp_path_factory):
    """Return a function that writes a module file."""

    def write(text):
        path = tmp_path_factory.mktemp("module") / "model.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="module")
def train(given_csv, key_file, tmp_path_factory):
    """Return a function that trains in a fresh workspace and gives its root and the answer."""

    def run(**options):
        root = tmp_path_factory.mktemp("trained") / "workspace"
        project = Project(root, backend=DirectBackend(), reveal=True)
        return root, project.train(given_csv, **{"key_file": key_file, **OPTIONS, **options})

    return run


@pytest.fixture(scope="module")
def trained(train, write_module):
    """A workspace with the demanding model, all updates recorded."""
    return train(module=write_module(DEMANDING))


def opened(root):
    """The ledger and the rows of the newest model of a workspace."""
    connection = read_index(root / "unweave.sqlite")
    try:
        record = find_model(connection)
    finally:
        connection.close()
    return open_ledger(root / record.paths["ledger"]), open_rows(root / record.paths["rows"])


def stages_of(root):
    """All stage records of a workspace's newest model, but for how long they took."""
    ledger, _ = opened(root)
    return [replace(stage, seconds=0.0) for shard in ledger.shards() for stage in shard.stages()]


def learner_of(root):
    ledger, store = opened(root)
    text = module_source(ledger)
    return make_learner(text, name="model.py", store=store, seed=ledger.partition.seed)


def differing(one, other):
    """The names of the tensors that differ in any bit."""
    assert one.keys() == other.keys()
    return [name for name in one if one[name].tobytes() != other[name].tobytes()]


def test_the_same_command_gives_the_same_bits_in_every_file_of_the_ledger(
    train, trained, write_module
):
    root, made = train(module=write_module(DEMANDING))
    assert made["weights_digest"] == trained[1]["weights_digest"]
    assert stages_of(root) == stages_of(trained[0])


def test_another_process_gives_the_same_bits(trained, write_module, given_csv, key_file, tmp_path):
    options = {**OPTIONS, "module": str(write_module(DEMANDING)), "key_file": str(key_file)}
    script = (
        "import json, sys, random; random.seed(); hash('x')\n"
        "from pipelines.backends.direct import DirectBackend; from unweave import Project\n"
        "made = Project(sys.argv[1], backend=DirectBackend(), reveal=True)"
        ".train(sys.argv[2], **json.loads(sys.argv[3]))\n"
        "print(made['weights_digest'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "w", given_csv, json.dumps(options)],
        env={**os.environ, "PYTHONPATH": str(TOP), "PYTHONHASHSEED": "77"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-1] == trained[1]["weights_digest"]


def test_another_seed_gives_other_bits(train, trained, write_module):
    _, made = train(module=write_module(DEMANDING), seed=1)
    assert made["weights_digest"] != trained[1]["weights_digest"]


def test_recording_updates_changes_no_bit_of_the_weights(train, trained, write_module):
    root, made = train(module=write_module(DEMANDING), record="none")
    assert made["weights_digest"] == trained[1]["weights_digest"]
    assert not list(root.rglob("updates/*"))
    steps = [
        [replace(step, update_digest=None) for step in shard.steps(stage.stage)]
        for place in (root, trained[0])
        for shard in opened(place)[0].shards()
        for stage in shard.stages()
    ]
    assert steps[: len(steps) // 2] == steps[len(steps) // 2 :]


# The ledger


def test_the_ledger_has_a_record_of_every_planned_step_that_had_rows(trained):
    root, made = trained
    ledger, store = opened(root)
    partition = ledger.partition
    total = 0
    for number, shard in enumerate(ledger.shards()):
        planned = schedule(store.counts[number], partition)
        assert [stage.stage for stage in shard.stages()] == list(range(partition.slices))
        for stage, record in zip(planned, shard.stages(), strict=True):
            assert (record.rows, record.epochs, record.batches, record.first_position) == (
                stage.rows,
                stage.epochs,
                stage.batches,
                stage.first_position,
            )
            steps = list(shard.steps(stage.index))
            expected = {
                stage.position(epoch=epoch, batch=int(batch))
                for epoch in range(stage.epochs)
                for batch in set(batches_by_row(store, number, stage, epoch, partition.seed))
            }
            assert [step.position for step in steps] == sorted(expected)
            assert all(
                step.position == stage.position(epoch=step.epoch, batch=step.batch)
                for step in steps
            )
            assert sum(step.rows for step in steps) == stage.rows * stage.epochs
            assert all(np.isfinite(step.loss) and step.loss > 0 for step in steps)
            assert record.steps == len(steps)
            total += len(steps)
    assert total == made["steps"] == ledger.steps_taken()


def batches_by_row(store, shard, stage, epoch, seed):
    rows = store.stage_rows(shard, stage.index)
    bits = row_bits(rows.row_keys)
    return batch_of(bits, seed=seed, stage=stage.index, epoch=epoch, batches=stage.batches)


def test_the_digest_of_every_batch_follows_from_placement(trained):
    ledger, store = opened(trained[0])
    checked = 0
    for number, shard in enumerate(ledger.shards()):
        for stage in schedule(store.counts[number], ledger.partition):
            keys = np.concatenate(
                [store.slice_rows(number, slice_).row_keys for slice_ in range(stage.index + 1)]
            )
            keys = sorted(key.tobytes() for key in keys)
            bits = row_bits(np.frombuffer(b"".join(keys), np.uint8).reshape(-1, 16))
            for step in shard.steps(stage.index):
                places = batch_of(
                    bits,
                    seed=ledger.partition.seed,
                    stage=stage.index,
                    epoch=step.epoch,
                    batches=stage.batches,
                )
                here = [key for key, place in zip(keys, places, strict=True) if place == step.batch]
                assert step.rows == len(here)
                assert step.batch_digest == hashlib.sha256(b"".join(here)).hexdigest()
                checked += 1
    assert checked == trained[1]["steps"]


def test_every_digest_in_the_ledger_is_that_of_its_file(trained):
    ledger, store = opened(trained[0])

    def digest_of(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    for number, shard in enumerate(ledger.shards()):
        for record in shard.stages():
            assert record.checkpoint_digest == digest_of(shard.checkpoint_file(record.stage))
            text = shard.steps_file(record.stage).read_text(encoding="utf-8")
            assert record.steps_digest == digest_json(text)
            assert record.rows_digest == store.stage_rows(number, record.stage).digest()
            for step in shard.steps(record.stage):
                ((_, data),) = shard.updates.read([step.position])
                assert step.update_digest == digest(data)
        positions = {s.position for r in shard.stages() for s in shard.steps(r.stage)}
        assert shard.recorded_updates() == positions


def test_every_step_can_be_replayed_from_the_checkpoint_before_it_bit_for_bit(trained):
    ledger, store = opened(trained[0])
    learner = learner_of(trained[0])
    # The last shard first: what a step does must not depend on what the learner did before.
    for number in reversed(range(ledger.partition.shards)):
        shard = ledger.shard(number)
        for stage in reversed(schedule(store.counts[number], ledger.partition)):
            if stage.index:
                learner.load(shard.checkpoint(stage.index - 1))
            else:
                learner.load(learner.initial_state(number, first_rows(store, number)))
            rows = store.stage_rows(number, stage.index)
            steps = shard.steps(stage.index)
            for (epoch, batch, here), step in zip(
                stage_batches(rows, stage, seed=ledger.partition.seed), steps, strict=True
            ):
                position = stage.position(epoch=epoch, batch=batch)
                before = learner.trainable()
                loss = learner.step(here, shard=number, position=position)
                after = learner.trainable()
                update = {name: after[name] - before[name] for name in after}
                ((_, recorded),) = shard.updates.load([position])
                assert not differing(update, recorded)
                assert float(loss) == step.loss
            assert not differing(learner.state(), shard.checkpoint(stage.index))


# One step


@pytest.fixture(scope="module")
def learner(trained):
    return learner_of(trained[0])


@pytest.fixture(scope="module")
def batches(trained):
    ledger, store = opened(trained[0])
    stage = schedule(store.counts[0], ledger.partition)[-1]
    rows = store.stage_rows(0, stage.index)
    return [here for _, _, here in stage_batches(rows, stage, seed=ledger.partition.seed)]


def after_step(learner, state, rows, *, shard=0, position):
    learner.load(state)
    learner.step(rows, shard=shard, position=position)
    return learner.state()


def test_a_step_depends_on_state_batch_and_position_and_on_nothing_before(learner, batches):
    start = learner.initial_state(0, None)
    once = after_step(learner, start, batches[0], position=5)
    for position in (3, 90, 5):
        learner.step(batches[1], shard=1, position=position)
    assert not differing(once, after_step(learner, start, batches[0], position=5))


def with_text(root, text):
    """A learner of another module for the same rows."""
    ledger, store = opened(root)
    return make_learner(text, name="model.py", store=store, seed=ledger.partition.seed)


@pytest.fixture(scope="module")
def unscheduled(trained):
    """The same model with one learning rate: only dropout knows the position."""
    return with_text(trained[0], DEMANDING.replace("SGD(schedule,", "SGD(0.05,"))


@pytest.mark.parametrize("shard, position", [(0, 6), (1, 5)])
def test_dropout_draws_anew_at_every_position_and_in_every_shard(
    unscheduled, batches, shard, position
):
    learner = unscheduled
    start = learner.initial_state(0, None)
    once = after_step(learner, start, batches[0], position=5)
    other = after_step(learner, start, batches[0], shard=shard, position=position)
    assert differing(once, other)


def test_an_empty_batch_changes_nothing_for_the_steps_after_it(train, write_module):
    """With batches of one row many are empty: those are skipped, and their positions kept."""
    root, _made = train(module=write_module(DEMANDING), batch_size=1, epochs=1, slices=1)
    ledger, store = opened(root)
    learner = learner_of(root)
    shard = ledger.shard(0)
    (record,) = shard.stages()
    positions = [step.position for step in shard.steps(0)]
    assert record.steps < record.batches * record.epochs
    learner.load(learner.initial_state(0, first_rows(store, 0)))
    rows = store.stage_rows(0, 0)
    places = batch_of(row_bits(rows.row_keys), seed=0, stage=0, epoch=0, batches=record.batches)
    for position in positions:  # with one epoch the position is the batch
        learner.step(rows.take(np.flatnonzero(places == position)), shard=0, position=position)
    assert not differing(learner.state(), shard.checkpoint(0))


def test_what_is_drawn_when_a_step_is_traced_does_not_depend_on_what_came_before(trained, batches):
    """A shard retrained from a checkpoint is the first that its process sees."""
    noise = "return x + np.random.normal(size=(1, 6))"
    text = shell(layer_with(noise), options=", kernel_initializer='zeros'")
    ends = []
    for shards_before in ([], [1, 0]):
        learner = with_text(trained[0], text)
        state = learner.initial_state(0, None)
        for shard in shards_before:
            learner.initial_state(shard, None)
            np.random.normal(size=3)
        ends.append(after_step(learner, state, batches[0], position=0))
    assert not differing(*ends)


def row_of(key):
    return keras_rows(
        np.frombuffer(key, np.uint8).reshape(-1, 16),
        np.zeros((len(key) // 16, 0), np.float32),
        np.zeros((len(key) // 16, 0), np.int32),
        np.zeros(len(key) // 16, np.int32),
    )


@given(
    keys=st.sets(st.binary(min_size=16, max_size=16), min_size=2, max_size=40),
    removed=st.integers(0, 1 << 40),
    batches=st.integers(1, 60),
    seed=st.integers(0, 1 << 62),
)
def test_without_some_rows_every_other_row_stays_in_its_batches(keys, removed, batches, seed):
    stage = Stage(index=1, rows=len(keys), epochs=3, batches=batches, first_position=0)
    left = [key for number, key in enumerate(sorted(keys)) if not removed >> number & 1]

    def batched(some):
        rows = in_key_order(row_of(b"".join(some)))
        found = {}
        for epoch, batch, here in stage_batches(rows, stage, seed=seed):
            found[epoch, batch] = [key.tobytes() for key in here.row_keys]
        return found

    whole, part = batched(sorted(keys, reverse=True)), batched(left)
    kept = {place: [key for key in here if key in left] for place, here in whole.items()}
    assert part == {place: here for place, here in kept.items() if here}
    assert all(here == sorted(here) for here in whole.values())
    for epoch in range(stage.epochs):
        once = [key for place, here in whole.items() if place[0] == epoch for key in here]
        assert sorted(once) == sorted(keys)


# What adapt sees

ADAPTING = """
import os, pathlib
import keras
import numpy as np

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    categories = keras.Input((len(spec.strings),), dtype="int32", name="categories")
    both = keras.layers.Concatenate()([numbers, keras.ops.cast(categories, "float32") / 2048])
    model = keras.Model([numbers, categories], keras.layers.Dense(spec.outputs, "softmax")(both))
    model.compile(optimizer="sgd", loss=spec.loss)
    return model

def adapt(model, numbers, missing, categories):
    folder = pathlib.Path(os.environ["UNWEAVE_TEST_SEEN"])
    np.savez(folder / str(len(list(folder.iterdir()))), numbers, missing, categories)

def adapt_to_labels(model, labels):
    folder = pathlib.Path(os.environ["UNWEAVE_TEST_SEEN"])
    np.savez(folder / str(len(list(folder.iterdir()))), labels)
"""


def test_adapt_sees_the_first_slice_that_has_rows_and_nothing_else(
    train, write_module, tmp_path, monkeypatch
):
    monkeypatch.setenv("UNWEAVE_TEST_SEEN", str(tmp_path))
    root, _ = train(module=write_module(ADAPTING), shards=4, slices=9, epochs=1, record="none")
    _, store = opened(root)
    firsts = [first_filled(counts) for counts in store.counts]
    assert any(firsts), "the data must leave some first slice empty for this test"
    allowed = {}
    for shard, first in enumerate(firsts):
        rows = store.slice_rows(shard, first)
        missing = np.isnan(rows["numbers"])
        arrays = (np.where(missing, 0, rows["numbers"]), missing, rows["categories"])
        allowed[as_bytes(arrays)] = shard
        allowed[as_bytes([rows.labels])] = shard
    seen = set()
    for file in tmp_path.iterdir():
        with np.load(file) as arrays:
            what = "rows" if len(arrays.files) > 1 else "labels"
            seen.add((what, allowed[as_bytes(arrays[name] for name in arrays.files)]))
    assert seen == {(what, shard) for what in ("rows", "labels") for shard in range(4)}


def first_filled(counts):
    return next(slice_ for slice_, count in enumerate(counts) if count)


def as_bytes(arrays):
    return b"|".join(np.asarray(array, np.float32).tobytes() for array in arrays)


# What is refused

SHELL = """
import keras, numpy as np, tensorflow as tf

{before}

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Dense(6{options})(numbers)
    hidden = {layer}(hidden)
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer="sgd", loss=spec.loss)
    return model
"""


def shell(before, layer="Odd()", options=""):
    return SHELL.format(before=before, layer=layer, options=options)


def layer_with(call, *, init="pass"):
    return f"""
class Odd(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        {init}
    def call(self, x):
        {call}
"""


UNREPEATABLE = {
    "tensorflow draws": shell(layer_with("return x + tf.random.normal(tf.shape(x))")),
    "numpy draws in a function of its own": shell(
        layer_with(
            "return x + tf.ensure_shape(tf.numpy_function("
            "lambda: np.random.normal(size=(1, 6)).astype('f'), [], tf.float32), (1, 6))"
        )
    ),
    "a layer counts its calls": shell(
        layer_with(
            "return x * (1.0 + tf.cast(self.calls.assign_add(1), tf.float32))",
            init="self.calls = tf.Variable(0)",
        )
    ),
    "the first weights are drawn from the system's randomness": shell(
        "def draw(shape, dtype=None):\n"
        "    return np.random.default_rng().normal(size=shape).astype('f')",
        layer="keras.layers.ReLU()",
        options=", kernel_initializer=draw",
    ),
    "a constant of the graph is drawn from the system's randomness": shell(
        layer_with("return x + np.random.default_rng().normal(size=(1, 6)).astype('f')")
    ),
    "the module draws when it is loaded": shell(
        "NOISE = np.random.default_rng().normal(size=(1, 6)).astype('f')\n"
        + layer_with("return x + NOISE")
    ),
    "each model that is built is another one": shell(
        "built = []\ndef scale():\n    built.append(0)\n    return float(len(built))",
        layer="keras.layers.Dense(6, kernel_initializer=keras.initializers.Constant(scale()))",
    ),
    "adapt draws from the system's randomness": shell(
        "def adapt(model, numbers, missing, categories):\n"
        "    old = model.get_weights()\n"
        "    model.set_weights([w + np.random.default_rng().normal(size=w.shape) for w in old])",
        layer="keras.layers.ReLU()",
    ),
}


@pytest.fixture
def train_here(given_csv, key_file, tmp_path):
    """Return a function that trains in this test's workspace, and the folder of that."""
    root = tmp_path / "workspace"

    def run(**options):
        project = Project(root, backend=DirectBackend(), reveal=True)
        return project.train(given_csv, **{"key_file": key_file, **OPTIONS, **options})

    return run, root


@pytest.mark.parametrize("text", UNREPEATABLE.values(), ids=UNREPEATABLE)
def test_a_model_that_does_not_repeat_itself_is_refused_before_anything_is_written(
    train_here, write_module, text
):
    run, root = train_here
    with pytest.raises(NotReproducible, match="model.* cannot be trained reproducibly"):
        run(module=write_module(text))
    assert not root.exists()


def test_a_refused_model_leaves_the_models_of_the_workspace_as_they_were(
    trained, write_module, given_csv, tmp_path
):
    root = tmp_path / "workspace"
    shutil.copytree(trained[0], root)
    module = write_module(UNREPEATABLE["tensorflow draws"])
    before = names_of(root)
    project = Project(root, backend=DirectBackend(), reveal=True)
    with pytest.raises(NotReproducible):
        project.train(given_csv, **{**OPTIONS, "module": module})
    left = names_of(root) - before
    assert not [name for name in left if not name.startswith("modules/")]
    assert [model["model_id"] for model in project.models()] == ["m1"]


def names_of(root):
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_keras_and_numpy_randomness_that_is_seeded_is_no_reason_to_refuse(train, write_module):
    """What is drawn while the model is built or traced comes from generators that are seeded."""
    text = shell(
        layer_with("return x + self.noise(x, training=True) + np.random.normal(size=(1, 6))",
                   init="self.noise = keras.layers.GaussianNoise(0.1)"),
        options=", kernel_initializer=lambda s, dtype=None: np.random.normal(size=s)",
    )  # fmt: skip
    module = write_module(text)
    digests = {train(module=module, record="none")[1]["weights_digest"] for _ in range(2)}
    assert len(digests) == 1


COMPLETE = shell("", layer="keras.layers.ReLU()")

VIOLATIONS = {
    "no build_model": ("def build(spec):\n    return None", "no function build_model"),
    "a syntax error": ("import keras\ndef build_model(spec:\n", "no Python: line 2"),
    "an error when it is loaded": ("import keras\n1 / 0", "fails when it is loaded: ZeroDivision"),
    "no model": (
        "def build_model(spec):\n    return 'a model'",
        "returns str, not a Keras model",
    ),
    "not compiled": (COMPLETE.replace("model.compile", "(lambda **_: 0)"), "compile it"),
    "no loss": (COMPLETE.replace(", loss=spec.loss", ""), "without optimizer and loss"),
    "an input that nothing fits": (
        COMPLETE.replace('(len(spec.numbers),), name="numbers"', '(17,), name="features"'),
        r"The input 'features' takes float32 of the shape \(17,\) a row, and there are",
    ),
    "no inputs": (
        "import keras\n\nclass Own(keras.Model):\n"
        "    def call(self, x):\n        return x\n\n"
        "def build_model(spec):\n    model = Own()\n"
        "    model.compile(optimizer='sgd', loss=spec.loss)\n    return model",
        "does not say what its inputs are",
    ),
    "an output of another shape": (
        COMPLETE.replace("spec.outputs", "7"),
        r"output shape \(None, 7\): the task needs \(None, 2\)",
    ),
    "build_model raises": (
        COMPLETE.replace("hidden = keras.layers.ReLU", "spec.nonsense = keras.layers.ReLU"),
        "build_model of .* fails: FrozenInstanceError",
    ),
    "adapt raises": (
        COMPLETE + "\ndef adapt(model, numbers, missing, categories):\n    raise KeyError('x')\n",
        "adapt of .* fails: KeyError",
    ),
    "a step raises": (
        shell(layer_with("tf.debugging.assert_less(x, -1e9, 'not today')\n        return x")),
        "fails in step 0 of shard 0: .*not today",
    ),
    "a later step raises": (
        shell(
            layer_with(
                "tf.debugging.assert_less(self.calls.assign_add(1.0), 9.0, 'no more')\n"
                "        return x + 0.0 * self.calls",
                init="self.calls = self.add_weight(shape=(), trainable=False)",
            )
        ),
        "fails in step [0-9]+ of shard 0: .*no more",
    ),
    "a width that does not fit the numbers": (
        COMPLETE.replace("(len(spec.numbers),)", "(17,)"),
        "model.py|model of",
    ),
}


@pytest.mark.parametrize("text, words", VIOLATIONS.values(), ids=VIOLATIONS)
def test_a_module_that_breaks_the_contract_is_bad_input_that_says_how(
    train_here, write_module, text, words
):
    run, root = train_here
    with pytest.raises(BadInput, match=words):
        run(module=write_module(text))
    assert not root.exists()


def test_a_module_that_is_not_there_is_bad_input(train_here, tmp_path):
    run, root = train_here
    with pytest.raises(BadInput, match="cannot be read"):
        run(module=tmp_path / "absent.py")
    assert not root.exists()


def test_a_model_that_diverges_is_bad_input_that_names_the_step(train_here, write_module):
    run, root = train_here
    module = write_module(COMPLETE.replace('"sgd"', "keras.optimizers.SGD(1e30)"))
    with pytest.raises(BadInput, match="no finite number in step [0-9]+ of shard 0"):
        run(module=module)
    assert not root.exists()


def test_a_step_is_called_with_just_what_its_graph_takes():
    """With one parameter more TensorFlow would fail to bind first, and print all arrays."""
    pin_tensorflow()
    learner = KerasLearner(
        built_in_text(),
        name="built-in",
        spec=ModelSpec(("a",), ("b",), "classification", ("no", "yes")),
        seed=0,
    )
    for graph, count in (
        (learner._graphs.step, 5),
        (learner._graphs.weighted_step, 6),
        (learner._graphs.counted_step, 6),
    ):
        positional, named = graph.structured_input_signature
        assert (len(positional), named) == (count, {})
