"""The built-in model: what it learns, on labels of any scale, and what it keeps to itself."""

import csv
import random
from dataclasses import replace

import numpy as np
import pytest

from lineage_store.errors import Damaged
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.arrays import Rows
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_models.encoding import encode_strings
from unlearning.keras_models.module_file import (
    BUILT_IN,
    FIRST_BUILT_IN,
    ModelSpec,
    built_in_text,
    load_module,
)
from unlearning.training.config import MODULE_FILE, module_source
from unweave import Project

PEOPLE = 100


def lines(*, rows=1000):
    """Rows of a hundred people, whose label is 50,000 + 100 x."""
    draw = random.Random(3)
    for number in range(rows):
        x = draw.uniform(0, 1000)
        yield [f"p{number % PEOPLE:02d}", f"{x:.3f}", f"{50_000 + 100 * x:.9g}"]


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Return a function that trains on lines in a workspace of its own."""
    key_file = tmp_path_factory.mktemp("key") / "secret"
    key_file.write_bytes(bytes(range(32)))
    key_file.chmod(0o600)

    def run(given, **options):
        folder = tmp_path_factory.mktemp("built_in")
        with (folder / "given.csv").open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["person", "x", "y"], *given])
        project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
        how = {"label": "y", "subject": "person", "key_file": key_file, **options}
        return project, project.train(folder / "given.csv", **how)

    return run


def test_a_label_of_tens_of_thousands_is_learnt(train):
    """It was not: predictions were 24 to 38, and the error three deviations."""
    given = list(lines())
    project, made = train(given, shards=1, slices=1, epochs=10)
    deviation = np.std([float(line[-1]) for line in given])
    assert made["metrics"]["rmse"] < 0.1 * deviation
    asked = project.root.parent / "asked.csv"
    asked.write_text("x\n250\n750\n", encoding="utf-8")
    predictions = project.predict(asked)["predictions"]
    assert predictions == pytest.approx([75_000, 125_000], abs=0.15 * deviation)
    (kept,) = project.root.glob(f"**/{MODULE_FILE}")
    assert kept.read_text(encoding="utf-8") == built_in_text()


@pytest.mark.parametrize(("shift", "factor"), [(0, 1e-6), (-3e9, 1e8), (7, 0)])
def test_a_label_of_any_scale_is_learnt(shift, factor):
    rows = value_rows(shift, factor)
    learner = learner_of()
    learner.load(learner.initial_state(0, rows))
    for position in range(300):
        learner.step(rows, shard=0, position=position)
    outputs = learner.predict(learner.weights(), rows)[:, 0]
    error = np.sqrt(np.mean((outputs - rows.labels.astype(np.float64)) ** 2))
    assert error < 0.1 * (rows.labels.std() or 1)


def test_the_first_steps_are_the_same_on_any_scale():
    """With powers of two no bit is rounded, so the weights are the same; only the scale is not."""
    ends = []
    for factor in (1.0, 1024.0):
        learner, rows = learner_of(), value_rows(0, factor)
        learner.load(learner.initial_state(0, rows))
        for position in range(3):
            learner.step(rows, shard=0, position=position)
        ends.append(learner.trainable())
    assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])


def learner_of(name=BUILT_IN):
    pin_tensorflow()
    spec = ModelSpec(("x",), (), "regression", ())
    return KerasLearner(built_in_text(name), name=name, spec=spec, seed=0)


def value_rows(shift, factor, *, rows=256):
    x = np.linspace(0, 1, rows, dtype=np.float32)
    columns = {
        "numbers": x[:, None],
        "categories": np.zeros((rows, 0), np.int32),
        "label": (shift + factor * x.astype(np.float64)).astype(np.float32),
    }
    return Rows(
        np.arange(rows * 16, dtype=np.uint32).view(np.uint8)[: rows * 16].reshape(rows, 16), columns
    )


def test_text_that_no_two_rows_share_is_left_out_and_codes_are_not():
    """Learnt by heart, it made a model of messages worse than the majority's class."""
    draw = np.random.default_rng(0)
    strings = np.array(
        [[f"message {n}", f"code {draw.integers(300)}", "all"] for n in range(2000)], dtype=object
    )
    names = ("message", "code", "same")
    categories = encode_strings(strings, columns=names, buckets=2048)
    module = load_module(built_in_text(), name=BUILT_IN)
    model = module.build_model(ModelSpec((), names, "classification", ("a", "b")))
    nothing = np.zeros((2000, 0), np.float32)
    module.adapt(model, nothing, nothing, categories)
    assert model.get_layer("kept").kept.numpy().ravel().tolist() == [0, 1, 1]
    many = np.arange(9000) % 2048  # as many rows as cannot be told apart are kept
    assert not module.nearly_unique(many, 2048)


def test_numbers_are_read_in_bins_between_quantiles():
    module = load_module(built_in_text(), name=BUILT_IN)
    column = np.arange(256.0)
    constant, huge = np.full(256, 3.0), np.linspace(0, 1e-38, 256)
    values = np.stack([column, constant, huge, np.where(column < 200, np.nan, column)], axis=1)
    low, factor = module.edges(values, 4)
    assert low[0].tolist() == [0, 127.5, 0, 0]  # 256 rows are two bins of 128
    assert factor[0] == pytest.approx([1 / 127.5, 1 / 127.5, 0, 0])
    assert not factor[1].any() and low[3, 0] == 200
    assert not module.edges(values[:100], 4)[1].any()  # too few rows for any
    model = module.build_model(ModelSpec(("a", "b", "c", "d"), (), "regression", ()))
    numbers = np.nan_to_num(values).astype(np.float32)
    missing = np.isnan(values).astype(np.float32)
    module.adapt(model, numbers, missing, np.zeros((256, 0), np.int32))
    binned = np.asarray(model.get_layer("bins")(numbers))
    assert np.isfinite(binned).all() and binned.min() == 0 and binned.max() == 1
    assert binned[[0, 64, 255], 0, 0] == pytest.approx([0, 64 / 127.5, 1])


@pytest.mark.parametrize("slice_", [0, 1])
def test_a_deletion_that_moves_the_labels_scale_is_exact(train, slice_):
    given, cut = list(lines(rows=300)), {"shards": 1, "slices": 2, "epochs": 2, "batch_size": 32}
    project, made = train(given, **cut)
    before = scale_of(project, made["model_id"])
    gone = next(
        person
        for person in sorted({line[0] for line in given})
        if [place["slice"] for place in places(project, person)] == [slice_]
    )
    done = project.forget([gone], guarantee="exact")
    _, twin = train([line for line in given if line[0] != gone], **cut)
    assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]
    assert (scale_of(project, done["model_after"]) != before) == (slice_ == 0)


def messages():
    """Rows of a hundred people: what they say tells the label, and each says a word of his own."""
    draw = random.Random(6)
    for number in range(400):
        person = f"p{number % PEOPLE:02d}"
        said = [draw.choice(["win", "prize", "call", "home", "dinner", "late"]) for _ in range(5)]
        spam = said.count("win") + said.count("prize") > 1
        yield [person, " ".join([*said, f"by{person}"]) + "!", "spam" if spam else "ham"]


def test_words_are_learnt_from_and_forgotten_to_the_bit(train):
    """A message was read as one name: then nothing could be told from it."""
    given, cut = list(messages()), {"shards": 1, "slices": 2, "epochs": 5, "batch_size": 32}
    project, made = train(given, **cut)
    assert made["metrics"]["accuracy"] > 0.9
    asked = project.root.parent / "asked.csv"
    asked.write_text("x\nWIN: a PRIZE; win!\nlate for dinner at home\n", encoding="utf-8")
    assert project.predict(asked)["predictions"] == ["spam", "ham"]
    gone = given[0][0]
    done = project.forget([gone], guarantee="exact")
    _, twin = train([line for line in given if line[0] != gone], **cut)
    assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]


def places(project, person):
    return project.trace_subject(person)["models"][0]["slices"]


def scale_of(project, model):
    """The mean and the deviation of the label in the one shard of a model."""
    ledgers = (open_ledger(path.parent) for path in project.root.glob("tfx/**/header.json"))
    (state,) = next(one for one in ledgers if one.header.model == model).final_weights()
    return [float(array) for name, array in state.items() if array.shape == ()]


@pytest.fixture(scope="module")
def small(train):
    """A project with a model of few rows, and the header of its ledger."""
    project, _ = train(list(lines(rows=40)), shards=1, slices=1, epochs=1)
    (header,) = project.root.glob("tfx/**/header.json")
    return project, header


def test_a_ledger_of_an_earlier_version_is_trained_on_by_the_model_of_that_time(small):
    _, header = small
    ledger = open_ledger(header.parent)
    assert module_source(ledger) == built_in_text() != built_in_text(FIRST_BUILT_IN)
    origin = replace(ledger.header.module, name=FIRST_BUILT_IN)
    earlier = replace(ledger, header=replace(ledger.header, module=origin))
    assert module_source(earlier) == built_in_text(FIRST_BUILT_IN)


def test_a_ledger_s_module_that_was_changed_is_not_run(small):
    project, header = small
    module = header.with_name(MODULE_FILE)
    whole = module.read_bytes()
    for changed in (whole + b"\nimport os\n", b"\xff\xfe", b""):
        module.write_bytes(changed)
        with pytest.raises(Damaged, match=f"The file {module} is not as unweave wrote it"):
            module_source(open_ledger(header.parent))
        with pytest.raises(Damaged, match=str(module)):
            project.plan(["p00"])
    module.write_bytes(whole)
    assert module_source(open_ledger(header.parent)) == whole.decode()
