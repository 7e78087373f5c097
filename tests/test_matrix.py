"""Bit equality, model by model: what a deletion leaves is what a run without the rows gives.

The parts are called one after the other (gate, row store, fit, plan, refit), without a workspace.
Of each pair all stages are compared, and of those the whole training state and every loss: weights
that are equal by chance would not do. The twin comes from a file that never had the rows, and whose
lines stand in another order.
"""

import random
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from lineage_store.errors import BadInput
from lineage_store.gate import EVAL, TRAIN, let_through, read_snapshot, retained
from lineage_store.placement import Partition, shard_of, slice_of
from lineage_store.row_index import IndexedRows
from lineage_store.tensors import weights_digest
from unlearning.determinism import code_digest, environment, pin_tensorflow
from unlearning.fitting import TrainConfig, fit, refit
from unlearning.plan import Asked, plan_model
from unlearning.row_source import store_from_snapshot

NUMBERS, PEOPLE, ROWS = 16, 64, 320
CLASSES = ("high", "low", "mid")


def lines(*, seed=4):
    """Trips of people: numbers with gaps, two columns of text, a label of three uneven classes."""
    draw = random.Random(seed)
    yield ["trip", "person", *(f"n{k:02d}" for k in range(NUMBERS)), "city", "line", "label"]
    for trip in range(ROWS):
        numbers = [draw.gauss(0, 1) for _ in range(NUMBERS)]
        city, line = draw.choice(["Ulm", "Bonn", "Hof", ""]), f"line {draw.randrange(30)}"
        score = numbers[0] + numbers[5] * numbers[6] + (city == "Ulm") + draw.gauss(0, 0.5)
        label = "high" if score > 1.6 else "low" if score > -1 else "mid"
        given = [f"{number:.3f}" if draw.random() > 0.05 else "" for number in numbers]
        yield [f"t{trip:03d}", f"p{draw.randrange(PEOPLE):02d}", *given, city, line, label]


DENSE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    missing = keras.Input((len(spec.numbers),), name="missing")
    hidden = keras.layers.Concatenate()([numbers, missing])
    hidden = keras.layers.Dense(24, activation="relu")(hidden)
    hidden = keras.layers.Dense(12, activation="gelu", kernel_regularizer="l2")(hidden)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model([numbers, missing], output)
    model.compile(optimizer=OPTIMIZER, loss=spec.loss)
    return model
"""

CONVOLUTIONAL = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.Reshape((4, 4, 1))(numbers)
    hidden = keras.layers.Conv2D(6, 3, padding="same")(hidden)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.ReLU()(hidden)
    hidden = keras.layers.SpatialDropout2D(0.1)(hidden)
    hidden = keras.layers.Conv2D(8, 3, activation="relu")(hidden)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.3)(keras.layers.Flatten()(hidden))
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer=OPTIMIZER, loss=spec.loss)
    return model
"""

EMBEDDING = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    categories = keras.Input((len(spec.strings),), dtype="int32", name="categories")
    embedded = keras.layers.Embedding(spec.buckets, 6)(categories)
    hidden = keras.layers.Concatenate()([keras.layers.Flatten()(embedded), numbers])
    hidden = keras.layers.Dense(12, activation="relu")(hidden)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model([numbers, categories], output)
    model.compile(optimizer=OPTIMIZER, loss=spec.loss)
    return model
"""

MODELS = {"dense": DENSE, "convolutional": CONVOLUTIONAL, "embedding": EMBEDDING}
OPTIMIZERS = {
    "sgd": "keras.optimizers.SGD(0.05, momentum=0.9)",
    "adam": "keras.optimizers.Adam(3e-3)",
}
SHARDS = SLICES = (1, 4)


# What is taken out: each gives the records that go, of all records and the partition


def one_row(records, partition):
    """A row of the last slice of the last shard, or of the last that has any."""
    return [
        max(
            (r for r in records if r.split == TRAIN), key=lambda r: (where(r, partition), r.row_key)
        )
    ]


def a_subject(records, partition):
    """All rows of the person with most rows, whatever their splits."""
    return of_subjects(records, 1)


def many_subjects(records, partition):
    """All rows of ten people: they lie in several shards and slices."""
    return of_subjects(records, 10)


def a_slice(records, partition):
    """All training rows of the last slice of the first shard."""
    place = (0, partition.slices - 1)
    return [r for r in records if r.split == TRAIN and where(r, partition) == place]


def an_evaluation_row(records, partition):
    """A row that no step sees: of the last slice that has one and is not empty."""
    return [
        max(
            (r for r in records if r.split == EVAL),
            key=lambda r: (where(r, partition)[1], r.row_key),
        )
    ]


REMOVED = {
    "row": one_row,
    "subject": a_subject,
    "subjects": many_subjects,
    "slice": a_slice,
}


def of_subjects(records, count):
    by_subject = {}
    for record in records:
        by_subject.setdefault(record.subjects, []).append(record)
    largest = sorted(by_subject.values(), key=lambda some: (-len(some), some[0].row_key))
    return [record for some in largest[:count] for record in some]


def place_of(record):
    return np.array([int.from_bytes(record.place, "big")], dtype=np.uint64)


def where(record, partition):
    place = place_of(record)
    return int(shard_of(place, partition.shards)[0]), int(slice_of(place, partition.slices)[0])


@dataclass(frozen=True)
class Trained:
    """A trained model with all that a deletion needs of it."""

    config: TrainConfig
    text: str
    snapshot: object
    store: object
    ledger: object


@pytest.fixture(scope="module")
def train(gated, new_folder):
    """Return a function that trains on lines, by the same command whatever the lines are."""
    pin_tensorflow()

    def run(given, config, text):
        snapshot = gated(given, subjects=("person",), row_id="trip")
        store = store_from_snapshot(new_folder() / "rows", snapshot, config.partition)
        folder = new_folder()
        ledger = fit(config, model="m1", text=text, store=store, folder=folder, serving=None)
        return Trained(config, text, snapshot, store, ledger)

    return run


@pytest.fixture(scope="module")
def trained(train):
    """Return a function that trains each configuration once."""
    known = {}

    def run(config, text):
        if (config, text) not in known:
            known[config, text] = train(lines(), config, text)
        return known[config, text]

    return run


@pytest.fixture(scope="module")
def assert_exact(trained, train, keys, new_folder):
    """Return a function that takes records out, and compares with the twin; it gives the plan."""

    def check(text, remove, *, seed=0, shards=4, slices=4, epochs=5, **options):
        partition = Partition(shards, slices, epochs=epochs, batch_size=24, seed=seed)
        config = TrainConfig(partition, "none", "user module", keys.key_id, **options)
        old = trained(config, text)
        records = [r for split in old.snapshot.splits for r in read_snapshot(old.snapshot, split)]
        gone = sorted(remove(records, partition), key=lambda r: r.row_key)
        assert gone
        plan = plan_model(
            model_before="m1",
            model_after="m2",
            ledger=old.ledger,
            snapshot=old.snapshot,
            store=old.store,
            deleted=IndexedRows(
                np.frombuffer(b"".join(r.row_key for r in gone), np.uint8).reshape(-1, 16),
                np.concatenate([place_of(r) for r in gone]),
                tuple(r.split for r in gone),
            ),
            asked=Asked("exact"),
            code=code_digest(),
            environment=environment(),
            descendants=(),
            derived_until="",
        )
        known = {r.row_key for r in gone}
        header, *rows = lines()
        left = [r for r in rows if keys.row_key(kind="id", value=r[0].encode()) not in known]
        assert len(left) == len(rows) - len(gone)
        random.Random(1).shuffle(left)
        if plan.model_after is None:
            with pytest.raises(BadInput, match="No row is left to train on"):
                train([header, *left], config, text)
            return plan
        twin = train([header, *left], config, text).ledger
        new = refit(
            plan,
            old=old.ledger,
            store=store_from_snapshot(new_folder() / "rows", regated(old, known, new_folder()),
                                      partition),
            folder=new_folder(),
            serving=None,
        )  # fmt: skip
        assert stages(new) == stages(twin)
        assert weights_digest(new.final_weights()) == weights_digest(twin.final_weights())
        return plan

    return check


def regated(old, known, folder):
    """Pass the rows that remain through the gate again, as a deletion does."""
    features = tuple(name for name, _ in old.snapshot.inference.features)
    return let_through(
        retained(old.snapshot, frozenset(known)),
        features=features,
        label=old.snapshot.inference.label,
        folder=folder / "snapshot",
    )


def stages(ledger):
    """What was trained in every stage: epochs, steps with their losses, the state at its end."""
    return [
        [(s.epochs, s.batches, s.steps, s.rows_digest, s.steps_digest, s.checkpoint_digest)
         for s in shard.stages()]
        for shard in ledger.shards()
    ]  # fmt: skip


# The matrix

SAMPLE = {
    ("dense", "sgd", 1, 4, "row"),
    ("dense", "sgd", 1, 4, "subjects"),
    ("dense", "adam", 4, 1, "subject"),
    ("convolutional", "adam", 4, 4, "row"),
    ("convolutional", "adam", 4, 4, "subjects"),
    ("convolutional", "sgd", 1, 1, "slice"),
    ("embedding", "adam", 4, 4, "slice"),
    ("embedding", "sgd", 4, 1, "slice"),
}
CELLS = [
    pytest.param(*cell, marks=() if cell in SAMPLE else pytest.mark.slow)
    for cell in product(MODELS, OPTIMIZERS, SHARDS, SLICES, REMOVED)
]


@pytest.mark.parametrize("model, optimizer, shards, slices, removed", CELLS)
def test_a_deletion_leaves_the_bits_of_a_run_without_the_rows(
    assert_exact, model, optimizer, shards, slices, removed
):
    text = MODELS[model].replace("OPTIMIZER", OPTIMIZERS[optimizer])
    plan = assert_exact(text, REMOVED[removed], shards=shards, slices=slices)
    if removed == "slice" and slices == 1:  # they were all rows of a shard, or all there were
        assert plan.steps_planned == 0 and plan.shards[0].action == "empty"
        assert (plan.model_after is None) == (shards == 1)
    else:
        assert plan.steps_planned > 0
    if removed in ("row", "slice") and shards > 1:
        assert len(plan.affected_shards) == 1
    if removed in ("row", "slice") and slices > 1:
        assert plan.steps_planned < plan.steps_full


def test_the_sample_has_every_value_of_the_matrix():
    for place, values in enumerate((MODELS, OPTIMIZERS, SHARDS, SLICES, REMOVED)):
        assert {cell[place] for cell in SAMPLE} == set(values)
