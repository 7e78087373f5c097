"""People's own Keras code: what a module may read and be, trained, forgotten from, and served.

Each module is trained on a table of people, one of them is forgotten, and the whole weights are
compared with those of a twin that was trained from a file without that person. Then the served
model is asked about rows, and must answer what the shards' states answer.
"""

import csv
import random
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

from lineage_store.data import Record
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.encoding import typed
from unlearning.families.known_families import encoding_of_ledger
from unlearning.fitting import learner_of
from unweave import Project

PEOPLE, ROWS = 24, 240
HEADER = ["person", "age", "joined", "city", "said", "label"]
CITIES = ["Ulm", "Bad Hof", ""]
WORDS = ["good", "bad", "fine", "awful", "grand", "poor"]


def lines(*, classes=("no", "yes"), seed=5):
    """Rows of people: numbers and dates with gaps, a city, some words, and a label of both."""
    draw = random.Random(seed)
    for number in range(ROWS):
        person = f"p{number % PEOPLE:02d}"
        age, city = draw.randrange(18, 80), draw.choice(CITIES)
        said = [draw.choice(WORDS) for _ in range(draw.randrange(1, 5))]
        score = age / 40 + said.count("good") + said.count("grand") - said.count("bad")
        label = classes[min(int(score), len(classes) - 1)] if score > 0 else classes[0]
        day = f"2024-0{draw.randrange(1, 9)}-1{draw.randrange(9)}"
        gaps = ["" if draw.random() < 0.1 else str(one) for one in (age, day)]
        yield [person, *gaps, city, " ".join([*said, f"by{person}"]), label]


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Return a function that trains a module on lines in a workspace of its own."""
    key_file = tmp_path_factory.mktemp("key") / "secret"
    key_file.write_bytes(bytes(range(32)))
    key_file.chmod(0o600)

    def run(given, module, *, header=HEADER, **options):
        folder = tmp_path_factory.mktemp("keras_code")
        (folder / "model.py").write_text(module, encoding="utf-8")
        with (folder / "given.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *given])
        project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
        how = {"label": "label", "subject": "person", "shards": 2, "slices": 2, "epochs": 2}
        how |= {"batch_size": 32, "key_file": key_file, "module": folder / "model.py", **options}
        return project, project.train(folder / "given.csv", **how)

    return run


def start(inputs, joined):
    """The first lines of a module: imports, and a model of these inputs down to `hidden`."""
    return f"""
import keras
from keras import layers

def build_model(spec):
{inputs}
    hidden = {joined}
"""


END = """
    hidden = layers.Dense(8, activation="relu")(hidden)
    output = layers.Dense(spec.outputs, spec.activation)(hidden)
    model = keras.Model(inputs, output)
    model.compile("adam", loss=spec.loss)
    return model
"""

BY_NAME = (
    start(
        """
    age = keras.Input((1,), name="age")
    unknown = keras.Input((1,), name="age is missing")
    joined = keras.Input((), name="joined")
    city = keras.Input((1,), dtype="string", name="city")
    inputs = [age, unknown, joined, city]
    place = layers.Flatten()(layers.Embedding(64, 4)(layers.Hashing(64)(city)))
    day = layers.Reshape((1,))(joined) / 10000
    """,
        "layers.Concatenate()([age / 100, unknown, day, place])",
    )
    + END
)

ADAPTED = (
    start(
        """
    age = keras.Input((1,), name="age")
    said = keras.Input((1,), dtype="string", name="said")
    city = keras.Input((1,), dtype="string", name="city")
    inputs = {"age": age, "said": said, "city": city}
    words = layers.TextVectorization(max_tokens=40, output_sequence_length=5, name="words")(said)
    means = layers.GlobalAveragePooling1D()(layers.Embedding(40, 4)(words))
    lookup = layers.StringLookup(
        max_tokens=8, output_mode="multi_hot", pad_to_max_tokens=True, name="cities"
    )
    scaled = layers.Normalization(name="scale")(age)
    binned = layers.Flatten()(
        layers.Embedding(5, 2)(layers.Discretization(num_bins=5, name="bins")(age))
    )
    """,
        "layers.Concatenate()([scaled, binned, means, lookup(city)])",
    )
    + END
    + """
def adapt(model, rows):
    model.get_layer("words").adapt(rows["said"])
    model.get_layer("cities").adapt(rows["city"])
    model.get_layer("scale").adapt(rows["age"])
    model.get_layer("bins").adapt(rows["age"])
"""
)

SEQUENTIAL = """
import keras

def build_model(spec):
    model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model
"""

TEXTS_ALONE = """
import keras
import tensorflow as tf

def build_model(spec):
    model = keras.Sequential([
        keras.Input((), dtype="string"),
        keras.layers.TextVectorization(max_tokens=50, output_mode="tf_idf", pad_to_max_tokens=True),
        keras.layers.Dense(spec.outputs, "softmax"),
    ])
    model.compile("adam", keras.losses.CategoricalCrossentropy())
    return model

def adapt(model, rows):
    model.layers[0].adapt(rows["said"][:, 0])
"""

FOCAL_LOGITS = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(1)(numbers / 100))
    model.compile("adam", keras.losses.BinaryFocalCrossentropy(from_logits=True))
    return model
"""

OWN_LOSS = """
import keras
from keras import ops

def far_off(right, told):
    return ops.sum(ops.square(right - told), axis=-1)

def hits(right, told):
    return ops.mean(ops.equal(ops.argmax(right), ops.argmax(told)))

def targets(labels, spec):
    return ops.one_hot(labels, spec.outputs)

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, "softmax")(numbers / 100))
    model.compile("adam", far_off, metrics=[hits, keras.metrics.AUC()])
    return model
"""

MODULES = {
    "columns by name": BY_NAME,
    "layers that adapt": ADAPTED,
    "a Sequential with one sigmoid": SEQUENTIAL,
    "texts alone": TEXTS_ALONE,
    "focal loss of logits": FOCAL_LOGITS,
    "an own loss and own metrics": OWN_LOSS,
}
DROPPED = {
    "a Sequential with one sigmoid": ["city", "said"],
    "texts alone": ["age", "joined", "city"],
}


FAST = "columns by name"


@pytest.mark.parametrize("name", [one if one == FAST else pytest.param(one) for one in MODULES])
def test_a_module_is_trained_and_forgets_to_the_bit(train, name):
    given = list(lines())
    left_out = {"drop": DROPPED[name]} if name in DROPPED else {}
    project, made = train(given, MODULES[name], **left_out)
    assert 0 < made["metrics"]["accuracy"] <= 1
    must_serve_its_weights(project, made["model_id"], given)
    for gone in one_of_each_slice(project, given):
        again = a_copy_of(project)
        assert bool(holding(again, gone)) == ("said" not in DROPPED.get(name, []))
        done = again.forget([gone], guarantee="exact")
        assert not holding(again, gone)
        _, twin = train([one for one in given if one[0] != gone], MODULES[name], **left_out)
        assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]
        must_serve_its_weights(again, done["model_after"], given)


def holding(project, person):
    """Return the files that hold the word that stands in a person's rows alone."""
    word = f"by{person}".encode()
    files = (path for path in project.root.rglob("*") if path.is_file())
    return [path for path in files if word in path.read_bytes()]


def a_copy_of(project):
    place = Path(tempfile.mkdtemp(dir=project.root.parent)) / "workspace"
    shutil.copytree(project.root, place)
    return Project(place, backend=DirectBackend(), reveal=True)


def one_of_each_slice(project, given):
    """Return a person of the first slice of a shard, and one of the second."""
    found = {}
    for person in sorted({line[0] for line in given}):
        for place in project.trace_subject(person)["models"][0]["slices"]:
            found.setdefault(place["slice"], person)
    return [found[slice_] for slice_ in sorted(found)]


def must_serve_its_weights(project, model, given):
    """Ask what is served, and the states themselves, about the rows that the model learnt."""
    ledger, store = opened(project, model)
    learner = learner_of(ledger, store)()
    asked = project.root.parent / "asked.csv"
    with asked.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *given])
    answer = project.predict(asked)
    encoding = encoding_of_ledger(ledger, store.schema)
    places = [HEADER.index(column.name) for column in store.schema.all]
    records = [
        Record(b"%016d" % n, (), bytes(8), "train", [line[p] for p in places])
        for n, line in enumerate(given)
    ]
    rows = encoding.encode(typed(records, store.schema))
    each = [learner.predict(state, rows) for state in ledger.final_weights()]
    assert np.allclose(np.mean(each, axis=0), answer["probabilities"], atol=1e-5)
    states, pushed = ledger.final_weights(), place_of(project, model, "pushed")
    assert learner.serves(pushed, states, rule="mean")
    assert not learner.serves(pushed, states[:1] * 2, rule="mean")


def opened(project, model):
    paths = (place_of(project, model, what) for what in ("ledger", "rows"))
    return open_ledger(next(paths)), open_rows(next(paths))


def place_of(project, model, what):
    workspace = open_workspace(project.root)
    with reading_index(workspace) as connection:
        return workspace.absolute(find_model(connection, model).paths[what])


def test_no_correction_leaves_a_vocabulary_that_learnt_from_rows_that_go(train):
    """Its words are in no update: amnesiac refuses, and amnesiac-marginal trains the shard anew."""
    given = list(lines())
    options = {"record": "all", "shards": 1, "epochs": 1, "drop": DROPPED["texts alone"]}
    project, _ = train(given, MODULES["texts alone"], **options)
    gone = one_of_each_slice(project, given)[0]
    with pytest.raises(BadInput, match="its layers learnt a vocabulary"):
        project.plan([gone], strategy="amnesiac")
    answer = project.forget([gone], strategy="amnesiac-marginal")
    assert answer["steps_recomputed"] == answer["steps_full"] and not holding(project, gone)
