"""Bit equality, model by model: what a deletion leaves is what a run without the rows gives.

The parts are called one after the other (gate, row store, fit, plan, refit), without a workspace.
Of each pair all stages are compared, and of those the whole training state and every loss: weights
that are equal by chance would not do. The twin comes from a file that never had the rows, and whose
lines stand in another order.
"""

import random
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
import pytest

from lineage_store.cells.gate import let_through
from lineage_store.cells.snapshot import read_snapshot, retained
from lineage_store.data.record import EVAL, TRAIN, in_blocks
from lineage_store.data.schema import FIRST_RULES
from lineage_store.errors import BadInput
from lineage_store.index.row_index import IndexedRows
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition, shard_of, slice_of
from lineage_store.tensors import weights_digest
from unlearning.encoding.encode_records import store_from_snapshot
from unlearning.fingerprint.code_fingerprint import code_digest
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.fingerprint.environment import environment
from unlearning.fitting.fit import TrainConfig, fit, refit
from unlearning.planning.choice import WantedResult
from unlearning.planning.plan import AffectedModel, Fingerprints, plan_model

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


def evaluated(records, partition):
    """All evaluation rows of the last slices of the first shard: no step sees one."""
    here = [r for r in records if r.split == EVAL and where(r, partition)[0] == 0]
    return [r for r in here if where(r, partition)[1] > 0]


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


@dataclass(frozen=True)
class Forgotten:
    """A deletion whose result is the twin's; `new` is None for a model that is withdrawn."""

    plan: object
    old: object
    new: object


@pytest.fixture(scope="module")
def train(gated, new_folder):
    """Return a function that trains on lines, by the same command whatever the lines are."""
    pin_tensorflow()

    def run(given, config, text):
        # By the first rules a person has rows on both sides of the split: the harder case.
        snapshot = gated(given, subjects=("person",), row_id="trip", rules=FIRST_RULES)
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
    """Return a function that takes records out and compares with the twin, each case once.

    It gives the plan and both ledgers.
    """
    known = {}

    def check(text, remove, *, shards=4, slices=4, epochs=5, batch_size=24, **options):
        partition = Partition(shards, slices, epochs, batch_size, seed=0)
        config = TrainConfig(
            options=TrainOptions(**asdict(partition), **options),
            module="user module",
            key_id=keys.key_id,
        )
        case = (config, text, remove)
        if case not in known:
            known[case] = compared(config, text, remove)
        return known[case]

    def compared(config, text, remove):
        partition = config.partition
        old = trained(config, text)
        records = [r for split in old.snapshot.splits for r in read_snapshot(old.snapshot, split)]
        gone = sorted(remove(records, partition), key=lambda r: r.row_key)
        assert gone
        plan = plan_model(
            AffectedModel(
                id="m1", ledger=old.ledger, snapshot=old.snapshot, store=old.store, descendants=()
            ),
            model_after="m2",
            deleted=IndexedRows(
                np.frombuffer(b"".join(r.row_key for r in gone), np.uint8).reshape(-1, 16),
                np.concatenate([place_of(r) for r in gone]),
                tuple(r.split for r in gone),
            ),
            asked=WantedResult("exact"),
            today=Fingerprints(code_digest(), environment()),
            derived_until="",
        )
        out = {r.row_key for r in gone}
        header, *rows = lines()
        left = [r for r in rows if keys.row_key(kind="id", value=r[0].encode()) not in out]
        assert len(left) == len(rows) - len(gone)
        random.Random(1).shuffle(left)
        if plan.model_after is None:
            with pytest.raises(BadInput, match="No row is left to train on"):
                train([header, *left], config, text)
            return Forgotten(plan, old.ledger, None)
        twin = train([header, *left], config, text).ledger
        new = refit(
            plan,
            old=old.ledger,
            store=store_from_snapshot(new_folder() / "rows", regated(old, out, new_folder()),
                                      partition),
            folder=new_folder(),
            serving=None,
        )  # fmt: skip
        assert stages(new) == stages(twin)
        assert weights_digest(new.final_weights()) == weights_digest(twin.final_weights())
        return Forgotten(plan, old.ledger, new)

    return check


def regated(old, known, folder):
    """Pass the rows that remain through the gate again, as a deletion does."""
    return let_through(
        in_blocks(retained(old.snapshot, frozenset(known)), len(old.snapshot.schema.all)),
        old.snapshot.schema.roles,
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
    ("dense", "adam", 4, 1, "subject"),
    ("convolutional", "adam", 4, 4, "subjects"),
    ("convolutional", "sgd", 1, 1, "slice"),
    ("embedding", "adam", 4, 4, "slice"),
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
    plan = assert_exact(text, REMOVED[removed], shards=shards, slices=slices).plan
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


# Further models: recurrent ones, other optimizers, schedules, odd batches

RECURRENT = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    categories = keras.Input((len(spec.strings),), dtype="int32", name="categories")
    words = keras.layers.Embedding(spec.buckets, 4)(categories)
    read = keras.layers.GRU(6, dropout=0.2, recurrent_dropout=0.2)(words)
    series = keras.layers.Reshape((8, 2))(numbers)
    ways = keras.layers.Bidirectional(keras.layers.LSTM(5, dropout=0.1))(series)
    hidden = keras.layers.LayerNormalization()(keras.layers.Concatenate()([read, ways]))
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model([numbers, categories], output)
    model.compile(optimizer=OPTIMIZER, loss=spec.loss)
    return model
"""

FURTHER = {
    "recurrent": (RECURRENT, "keras.optimizers.Adam(3e-3, amsgrad=True)"),
    "decoupled decay, a schedule by step": (
        DENSE,
        "keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecayRestarts(0.01, 7), 0.02)",
    ),
    "nesterov, a schedule in pieces": (
        CONVOLUTIONAL,
        "keras.optimizers.SGD(keras.optimizers.schedules.PiecewiseConstantDecay([9, 30], "
        "[0.05, 0.02, 0.01]), momentum=0.9, nesterov=True, global_clipnorm=1.0)",
    ),
    "a state that no weight has": (EMBEDDING, "keras.optimizers.Nadam(3e-3)"),
    "averaged weights": (
        DENSE,
        "keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=4)",
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        "averaged weights",
        *(pytest.param(name) for name in list(FURTHER)[:-1]),
    ],
)
def test_further_models_and_optimizers_forget_to_the_bit(assert_exact, name):
    text, optimizer = FURTHER[name]
    text = text.replace("OPTIMIZER", optimizer)
    plan = assert_exact(text, a_subject, shards=2, slices=3).plan
    assert 0 < plan.steps_planned < plan.steps_full


@pytest.mark.parametrize("batch_size", [1, pytest.param(1000)])
def test_batches_of_one_row_empty_ones_and_one_of_all_rows_are_exact(assert_exact, batch_size):
    text = CONVOLUTIONAL.replace("OPTIMIZER", OPTIMIZERS["adam"])
    options = {"shards": 4, "slices": 2, "epochs": 2, "batch_size": batch_size}
    done = assert_exact(text, one_row, **options)
    assert done.plan.steps_planned > 0
    batches = [s for shard in done.new.shards() for s in shard.stages()]
    assert any(s.steps < s.batches * s.epochs for s in batches) == (batch_size == 1)


# Class weights


def test_with_class_weights_a_deletion_is_exact_and_keeps_the_stages_before_it(assert_exact):
    text = EMBEDDING.replace("OPTIMIZER", OPTIMIZERS["adam"])
    done = assert_exact(text, one_row, class_weights="balanced")
    assert stages(done.old) != stages(assert_exact(text, a_slice).old)
    (changed,) = [decision for decision in done.plan.shards if decision.action == "retrained"]
    assert changed.kept_stages > 0


# Early stopping

EAGER_TEXT = EMBEDDING.replace("OPTIMIZER", "keras.optimizers.Adam(0.03)")
EAGER = {"early_stop": 2, "shards": 2, "slices": 3, "epochs": 24}


def epochs_of(ledger):
    return [[stage.epochs for stage in shard.stages()] for shard in ledger.shards()]


@pytest.mark.parametrize("remove", [one_row, many_subjects])
def test_where_stages_stop_early_a_deletion_is_exact(assert_exact, remove):
    done = assert_exact(EAGER_TEXT, remove, **EAGER)
    planned = Partition(2, 3, 24, 24, seed=0).stage_epochs
    taken = [epochs for shard in epochs_of(done.new) for epochs in shard]
    assert min(taken) < planned and max(taken) <= planned
    assert done.plan.early_stop == 2 and 0 < done.plan.steps_planned <= done.plan.steps_full


def test_an_evaluation_row_that_decided_when_a_stage_ends_is_forgotten_like_a_training_row(
    assert_exact,
):
    """Without the rows of its later slices the first shard stops at other epochs."""
    done = assert_exact(EAGER_TEXT, evaluated, **EAGER)
    assert done.plan.rows_by_split.keys() == {"eval"}
    decisions = [(d.action, d.kept_stages) for d in done.plan.shards]
    assert decisions == [("retrained", 1), ("kept", 3)]
    (before, kept), (after, also_kept) = epochs_of(done.old), epochs_of(done.new)
    assert kept == also_kept and before[0] == after[0] and before[1:] != after[1:]


def test_without_early_stopping_an_evaluation_row_touches_no_stage(assert_exact):
    plan = assert_exact(EAGER_TEXT, evaluated, **{**EAGER, "early_stop": None}).plan
    assert {decision.action for decision in plan.shards} == {"kept"}
