"""The oracle: after an exact deletion the weights are those of a model that never saw the rows.

The twin is made by the same `train`, with the same secret, in a fresh workspace, on the file
without the rows and with its lines shuffled. Digests are compared, so every bit counts.
"""

import csv
import gzip
import importlib.util
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from fixtures import SMALL_MODEL
from fixtures.first_rules import first_rules
from lineage_store.data.record import EVALUATION_PERCENT
from lineage_store.errors import NothingFound
from lineage_store.keys.secret import derive
from lineage_store.placement import placed_in_evaluation
from pipelines.backends.direct import DirectBackend
from unweave import Project

DATA = Path(__file__).parents[3] / "shared" / "data"
SECRET = bytes(range(100, 132))

SMALL = {"shards": 3, "slices": 3, "epochs": 4, "batch_size": 32}
SUMS = {"model_family": "naive-bayes"}
OF_KERAS = ("slices", "epochs", "batch_size", "module")
# What is a question of rows and of what is inferred from them is asked of sums, which take
# milliseconds; `make test-all` asks it of Keras, too.
EACH_FAMILY = pytest.mark.parametrize(
    "family", [pytest.param(SUMS, id="sums"), pytest.param({}, id="keras")]
)

# Batch norm keeps statistics, dropout draws at every step, Jitter once, when the step is traced.
NORMALISED = """
import keras
import numpy as np

class Jitter(keras.layers.Layer):
    def call(self, inputs):
        return inputs + np.random.normal(scale=0.1, size=(1, 8)).astype("float32")

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.BatchNormalization()(numbers)
    hidden = keras.layers.Dense(16, activation="relu")(hidden)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.4)(hidden)
    hidden = keras.layers.Dense(8, activation="relu")(hidden)
    hidden = Jitter()(keras.layers.GaussianNoise(0.1)(hidden))
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    model.compile(optimizer=keras.optimizers.Adam(3e-3, amsgrad=True), loss=spec.loss)
    return model
"""

SCHEDULED = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    missing = keras.Input((len(spec.numbers),), name="missing")
    categories = keras.Input((len(spec.strings),), dtype="int32", name="categories")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(spec.buckets, 4)(categories))
    scaled = keras.ops.tanh(numbers / 50.0)
    hidden = keras.layers.Concatenate()([scaled, missing, embedded])
    hidden = keras.layers.Dense(16, activation="gelu")(hidden)
    inputs = [numbers, missing, categories]
    model = keras.Model(inputs, keras.layers.Dense(spec.outputs, spec.activation)(hidden))
    schedule = keras.optimizers.schedules.CosineDecay(0.05, decay_steps=40, alpha=0.1)
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, clipnorm=1.0)
    model.compile(optimizer=optimizer, loss=spec.loss)
    return model
"""


@dataclass(frozen=True)
class Table:
    """A CSV file as lists of text, and the options that it is trained with."""

    name: str
    header: list[str]
    rows: list[list[str]]
    options: dict = field(default_factory=dict)

    def column(self, name):
        return [row[self.header.index(name)] for row in self.rows]

    def subjects(self):
        return Counter(value for value in self.column(self.options["subject"]) if value)

    def without(self, column, ids):
        place = self.header.index(column)
        return replace(self, rows=[row for row in self.rows if row[place] not in ids])

    def write(self, path, *, shuffle=None):
        rows = list(self.rows)
        if shuffle is not None:
            random.Random(shuffle).shuffle(rows)
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([self.header, *rows])
        return path


def people(*, rows=420, subjects=60, seed=5, extra=(), **options):
    """A synthetic table: numbers with gaps, strings, three classes; `extra` rows are appended."""
    draw = random.Random(seed)
    header = ["trip", "person", "age", "fare", "miles", "city", "code", "label"]
    lines = []
    for number in range(rows):
        age, fare = draw.gauss(40, 12), draw.expovariate(0.1)
        city = draw.choice(["Ulm", "Köln", "Bonn", "", "Hof"])
        label = "high" if fare + draw.gauss(0, 3) > 9 else "low" if age > 35 else "mid"
        lines.append(
            [
                f"trip-{number:05d}",
                f"person-{draw.randrange(subjects):03d}",
                f"{age:.1f}" if draw.random() > 0.1 else "",
                f"{fare:.2f}",
                str(draw.randrange(30)),
                city,
                str(draw.randrange(500)),
                label,
            ]
        )
    lines += [list(row) for row in extra]
    given = {"label": "label", "subject": "person", "module": SMALL_MODEL, **options}
    return Table("people", header, lines, given)


def oddities():
    """People, and among them some whose rows decide on a column's type or on the classes."""
    extra = [
        ["x", "text", "007", "3.5", "2", "Ulm", "B7", "low"],
        ["x", "fraction", "30", "3.5", "2.25", "Ulm", "7", "low"],
        ["x", "rare", "30", "3.5", "2", "Ulm", "7", "unheard-of"],
    ]
    extra += [[f"y{n}", f"lone-{n:02d}", "41", "3.5", "2", "Ulm", "7", "low"] for n in range(40)]
    extra += [[f"z{n}", ("001", "1", "01")[n % 3], f"{20 + n}", "3", "2", "Ulm", "7", "low"]
              for n in range(60)]  # fmt: skip
    extra += [["same", f"double-{n % 2}", "30", "3.5", "2", "Ulm", "7", "low"] for n in range(40)]
    return replace(people(extra=extra), name="oddities")


def trips():
    """A fixed tenth of the taxi trips that ship with TFX; the label is made here."""
    # find_spec alone: TFX takes ten seconds to import, and only its data file is wanted.
    folder = Path(importlib.util.find_spec("tfx").submodule_search_locations[0])
    file = folder / "examples" / "chicago_taxi_pipeline" / "data" / "simple" / "data.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        given = list(csv.DictReader(stream))[::10]
    kept = [name for name in given[0] if name != "tips"]
    rows = []
    for number, row in enumerate(given):
        big = float(row["tips"] or 0) > 0.2 * float(row["fare"] or 0)
        rows.append([str(number), *(row[name] for name in kept), "yes" if big else "no"])
    header = ["trip", *kept, "big_tip"]
    return Table(
        "trips", header, rows, {"label": "big_tip", "subject": "company", "row_id": "trip"}
    )


def shared(folder, file):
    path = DATA / folder / file
    if not path.exists():
        pytest.skip(f"the data set {folder} is not in {DATA}: this case needs it")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return list(csv.reader(stream, skipinitialspace=True))


def voices():
    """Parkinson's telemonitoring: 42 people, a regression."""
    header, *rows = shared("parkinsons-telemonitoring", "parkinsons_updrs.data.gz")
    options = {"label": "total_UPDRS", "subject": "subject#", "drop": ("motor_UPDRS",)}
    return Table("voices", header, rows[::3], options)


def adults():
    """Adult: one row a person, ids with zeros in front."""
    rows = [row for row in shared("adult", "adult.data.gz") if row][:1200]
    header = ["id", "age", "workclass", "fnlwgt", "education", "education-num", "marital-status",
              "occupation", "relationship", "race", "sex", "capital-gain", "capital-loss",
              "hours-per-week", "native-country", "income"]  # fmt: skip
    numbered = [[f"{number:04d}", *row] for number, row in enumerate(rows)]
    return Table("adults", header, numbered, {"label": "income", "row_id": "id"})


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "secret"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def train(key_file, tmp_path_factory):
    """Return a function that trains a table in a fresh workspace."""

    def run(table, *, shuffle=None, **options):
        folder = tmp_path_factory.mktemp(table.name)
        given = table.write(folder / "given.csv", shuffle=shuffle)
        project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
        how = {**SMALL, **table.options, **options}
        if SUMS.items() <= options.items():
            how = {name: one for name, one in how.items() if name not in OF_KERAS}
        made = project.train(given, key_file=key_file, **how)
        return project, made

    return run


@pytest.fixture(scope="module")
def trained(train, tmp_path_factory):
    """Return a function that gives a copy of a workspace trained once for each configuration."""
    known = {}

    def copy(table, **options):
        name = repr((table, sorted(options.items())))
        if name not in known:
            known[name] = train(table, **options)
        project, made = known[name]
        root = tmp_path_factory.mktemp("copy") / "workspace"
        shutil.copytree(project.root, root)
        return Project(root, backend=DirectBackend(), reveal=True), made

    return copy


@pytest.fixture(scope="module")
def assert_exact(trained, train):
    """Return a function that forgets ids and compares the weights with the twin's."""

    def check(table, ids, *, column=None, rows=False, shuffle=1, **options):
        project, made = trained(table, **options)
        column = column or (table.options["row_id"] if rows else table.options["subject"])
        plan = project.plan(ids, rows=rows, guarantee="exact")["plans"][0]
        done = project.forget(ids, rows=rows, guarantee="exact")
        _, twin = train(table.without(column, set(ids)), shuffle=shuffle, **options)
        assert done["guarantee"] == "exact"
        assert done["rows_found"] == len(table.rows) - len(table.without(column, set(ids)).rows)
        assert done["weights_digest_before"] == made["weights_digest"]
        assert done["weights_digest_after"] == twin["weights_digest"]
        learnt = plan["rows_by_split"].get("train", 0) > 0 or plan["inference_changed"]
        assert (done["weights_digest_after"] != made["weights_digest"]) == learnt
        assert done["metrics_after"] == twin["metrics"]
        return done, plan

    return check


def placed_in(project, subjects):
    """Which (shards, splits) each subject's rows touch."""
    found = {}
    for subject in subjects:
        (touched,) = project.trace_subject(subject)["models"]
        found[subject] = (touched["shards"], set(touched["splits"]))
    return found


def test_one_person_of_the_voices_is_forgotten_to_the_bit(assert_exact):
    done, _ = assert_exact(voices(), ["7"])
    assert 0 < done["steps_recomputed"] < done["steps_full"]


def test_ten_people_of_the_voices_are_forgotten_to_the_bit(assert_exact):
    assert_exact(voices(), [str(number) for number in range(1, 11)])


def test_a_person_whose_rows_lie_in_every_shard_is_forgotten_to_the_bit(assert_exact):
    _, plan = assert_exact(voices(), ["7"], place_by="row", seed=7)
    assert [decision["action"] for decision in plan["shards"]] == ["retrained"] * 3


@pytest.mark.parametrize("rank", [2, -1])
def test_a_taxi_company_is_forgotten_to_the_bit(assert_exact, rank):
    table = trips()
    assert_exact(table, [table.subjects().most_common()[rank][0]])


def test_ten_taxi_companies_are_forgotten_to_the_bit(assert_exact):
    table = trips()
    assert_exact(table, [name for name, _ in table.subjects().most_common()[-10:]])


@EACH_FAMILY
def test_one_trip_is_forgotten_to_the_bit(assert_exact, family):
    done, _ = assert_exact(trips(), ["77"], rows=True, **family)
    assert done["rows_found"] == 1


@EACH_FAMILY
@pytest.mark.parametrize("ids", [[f"{number:04d}" for number in range(40, 50)], ["0011"]])
def test_adults_are_forgotten_to_the_bit_by_ids_with_zeros_in_front(assert_exact, ids, family):
    assert_exact(adults(), ids, column="id", **family)


@pytest.mark.parametrize("seed", [0, pytest.param(3)])
def test_one_person_of_a_last_slice_is_forgotten_to_the_bit(assert_exact, trained, seed):
    """The shard starts again from its checkpoint before that slice."""
    table = people()
    project, _ = trained(table, seed=seed)
    someone = next(
        subject
        for subject in sorted(table.subjects())
        if {p["slice"] for p in project.trace_subject(subject)["models"][0]["slices"]} == {2}
    )
    _, plan = assert_exact(table, [someone], seed=seed)
    assert sorted(decision["kept_stages"] for decision in plan["shards"]) == [2, 3, 3]


@EACH_FAMILY
def test_a_whole_shard_of_people_is_forgotten_and_leaves_the_aggregate(
    assert_exact, trained, family
):
    table = people()
    project, _ = trained(table, **family)
    places = placed_in(project, table.subjects())
    shard = [subject for subject, (shards, _) in places.items() if shards == [1]]
    done, plan = assert_exact(table, shard, **family)
    assert [decision["action"] for decision in plan["shards"]] == ["kept", "empty", "kept"]
    assert done["steps_recomputed"] == 0


def test_more_shards_and_slices_than_people_leave_some_of_them_empty(assert_exact):
    assert_exact(people(rows=150, subjects=6), ["person-002"], shards=5, slices=4, epochs=2)


@EACH_FAMILY
def test_a_person_of_the_evaluation_rows_alone_changes_no_weight(assert_exact, trained, family):
    table = oddities()
    project, made = trained(table, **family)
    places = placed_in(project, [f"lone-{n:02d}" for n in range(40)])
    evaluated = next(one for one, (_, splits) in places.items() if splits == {"eval"})
    done, plan = assert_exact(table, [evaluated], **family)
    assert done["weights_digest_after"] == made["weights_digest"]
    assert {decision["action"] for decision in plan["shards"]} == {"kept"}


@EACH_FAMILY
def test_without_the_last_row_of_a_class_there_is_one_class_less(assert_exact, family):
    done, plan = assert_exact(oddities(), ["rare"], **family)
    assert plan["inference_changed"] and "classes" in done["why"]
    assert all(decision["action"] == "retrained" for decision in plan["shards"])


def test_without_their_only_text_columns_of_strings_become_ones_of_numbers(assert_exact):
    _, plan = assert_exact(oddities(), ["text"])
    assert plan["inference_changed"]


@EACH_FAMILY
def test_without_its_only_fraction_a_column_of_numbers_stays_what_it_was(assert_exact, family):
    _, plan = assert_exact(oddities(), ["fraction"], **family)
    assert not plan["inference_changed"]


@EACH_FAMILY
def test_ids_that_are_equal_as_numbers_are_people_of_their_own(assert_exact, family):
    done, plan = assert_exact(oddities(), ["001", "double-1", "fraction"], **family)
    assert done["rows_found"] == 20 + 20 + 1
    assert not plan["inference_changed"]  # the fraction was the only one of its column


def test_without_its_only_fraction_a_label_of_numbers_becomes_one_of_classes(assert_exact):
    table = people(rows=300)
    grades = [[*row[:-1], str(len(row[3]) % 3)] for row in table.rows]
    half = ["x", "odd-one", "30", "3.5", "2", "Ulm", "7", "1.5"]
    _, plan = assert_exact(replace(table, rows=[*grades, half]), ["odd-one"])
    assert plan["inference_changed"]


@EACH_FAMILY
def test_rows_marked_as_unlabelled_leave_with_the_text_that_made_their_mark_a_class(
    assert_exact, family
):
    """By the first rules NA is a class beside text; without the text it marks a row without one."""
    table = people(rows=300)
    grades = [
        [*row[:-1], "NA" if number % 9 == 0 else str(number % 2)]
        for number, row in enumerate(table.rows)
    ]
    with first_rules():
        worded = ["x", "odd-one", "30", "3.5", "2", "Ulm", "7", "two"]
        _, plan = assert_exact(replace(table, rows=[*grades, worded]), ["odd-one"], **family)
    assert plan["inference_changed"]


@pytest.mark.parametrize("module", [NORMALISED, SCHEDULED], ids=["normalised", "scheduled"])
def test_a_users_own_model_forgets_to_the_bit(assert_exact, tmp_path_factory, module):
    path = tmp_path_factory.mktemp("module") / "model.py"
    path.write_text(module, encoding="utf-8")
    done, _ = assert_exact(people(), ["person-017"], module=path, seed=5)
    assert 0 < done["steps_recomputed"] < done["steps_full"]


# With "fare>=20" rather less than a sixth of the rows are of band 1, "city=Hof" a fifth of band 2.
BY_RISK = {
    "risk_rules": ("fare>=20", "city=Hof"),
    "slices": 4,
    "risk_shards": 2,
    "risk_share": 30,
    "place_by": "row",
}


@pytest.mark.parametrize(
    ("band", "kept"),
    [
        (2, [3, 4, 4]),
        pytest.param(0, None),
        pytest.param(1, [2, 4, 4]),
    ],
)
def test_one_row_of_each_band_is_forgotten_to_the_bit(assert_exact, trained, band, kept):
    """A row of the last band costs one stage of one shard; one of band 0 lies before or apart."""
    table = people(row_id="trip")
    _, made = trained(table, **BY_RISK)
    assert made["config"]["partition"]["risk_rules"] == ["fare >= 20", "city = (text)"]
    keys = derive(SECRET)
    of_band = [
        trip
        for trip, fare, city in zip(*map(table.column, ("trip", "fare", "city")), strict=True)
        if (2 if city == "Hof" else int(float(fare) >= 20)) == band
    ]
    row_keys = [keys.row_key(kind="id", value=trip.encode()) for trip in of_band]
    judged = placed_in_evaluation(
        keys.places(kind="row", values=row_keys), percent=EVALUATION_PERCENT
    )
    learnt = next(trip for trip, away in zip(of_band, judged.tolist(), strict=True) if not away)
    done, plan = assert_exact(table, [learnt], rows=True, **BY_RISK)
    stages = sorted(decision["kept_stages"] for decision in plan["shards"])
    assert stages == kept if kept else stages[0] < 4 == stages[1]
    assert 0 < done["steps_recomputed"] < done["steps_full"]


def test_a_person_with_rows_of_all_bands_is_forgotten_to_the_bit(assert_exact, trained):
    """All shards take likely rows, so one shard holds them, in a slice for each band."""
    options = {"risk_rules": BY_RISK["risk_rules"], "slices": 4}
    table = people()
    project, _ = trained(table, **options)
    touched = {
        one: project.trace_subject(one)["models"][0] for one in sorted(table.subjects())[:20]
    }
    assert {len(found["shards"]) for found in touched.values()} == {0, 1}  # 0 of who is evaluated
    someone = next(one for one, found in touched.items() if len(found["slices"]) == 3)
    assert_exact(table, [someone], **options)


@EACH_FAMILY
def test_two_deletions_one_after_the_other_end_at_the_twin_without_both(trained, train, family):
    table = people()
    project, _ = trained(table, **family)
    project.forget(["person-017"], guarantee="exact")
    done = project.forget(["person-040", "person-003"], guarantee="exact")
    left = table.without("person", {"person-017", "person-040", "person-003"})
    assert done["weights_digest_after"] == train(left, shuffle=2, **family)[1]["weights_digest"]


def in_one_shard(project, table, *, ascending):
    """Two people of the training rows in one shard, the first in an earlier slice or a later."""
    by_shard = {}
    for subject in sorted(table.subjects()):
        (touched,) = project.trace_subject(subject)["models"]
        for place in touched["slices"]:
            by_shard.setdefault(place["shard"], {})[place["slice"]] = subject
    slices = max(by_shard.values(), key=len)
    first, last = slices[min(slices)], slices[max(slices)]
    assert first != last
    return (first, last) if ascending else (last, first)


@pytest.mark.parametrize("ascending", [True, pytest.param(False)])
def test_an_exact_deletion_undoes_an_approximate_one_before_it(trained, train, ascending):
    table = people()
    project, made = trained(table, record="all")
    first, second = in_one_shard(project, table, ascending=ascending)
    roughly = project.forget([first], strategy="amnesiac")
    done = project.forget([second], guarantee="exact")
    twin = train(table.without("person", {first, second}), shuffle=3)[1]
    assert roughly["weights_digest_after"] not in (made["weights_digest"], twin["weights_digest"])
    assert done["weights_digest_after"] == twin["weights_digest"]


def test_an_approximate_deletion_elsewhere_does_not_survive_an_exact_one(trained, train):
    table = people()
    project, _ = trained(table, record="all")
    places = placed_in(project, sorted(table.subjects()))
    first = next(one for one, (shards, _) in places.items() if shards == [0])
    second = next(one for one, (shards, _) in places.items() if shards == [2])
    project.forget([first], strategy="amnesiac")
    done = project.forget([second], guarantee="exact")
    twin = train(table.without("person", {first, second}), shuffle=3)[1]
    assert done["weights_digest_after"] == twin["weights_digest"]


@EACH_FAMILY
def test_one_deletion_reaches_every_model_of_the_workspace(trained, train, tmp_path, family):
    table = people()
    project, _ = trained(table, **family)
    other = {"shards": 2, "seed": 9, **family}
    if not family:
        other |= {"slices": 2, "epochs": 3, "batch_size": 24}
    known = table.options if not family else {"label": "label", "subject": "person"}
    project.train(table.write(tmp_path / "given.csv"), **known, **other)
    done = project.forget(["person-017"], guarantee="exact")
    left = table.without("person", {"person-017"})
    twins = [train(left, shuffle=4, **options)[1] for options in (family, other)]
    assert [change["weights_digest_after"] for change in done["models"]] == [
        twin["weights_digest"] for twin in twins
    ]
    assert [model["state"] for model in project.models()] == ["deleted", "deleted", "live", "live"]


def assert_withdrawn(project, done, *, because):
    assert done["model_after"] is None and done["weights_digest_after"] is None
    assert because in done["why"] and done["steps_recomputed"] == 0
    assert [model["state"] for model in project.models()][-1] == "withdrawn"
    assert not list((project.root / "serving").rglob("saved_model.pb"))
    assert not list(project.root.rglob("*.safetensors"))
    with pytest.raises(NothingFound):
        project.trace_model()


@EACH_FAMILY
def test_a_model_that_would_have_one_class_left_is_withdrawn(trained, family):
    rows = [[f"t{n}", f"p{n % 6}", f"{n}", "1.5", "2", "Ulm", "7", "yes" if n % 6 < 2 else "no"]
            for n in range(120)]  # fmt: skip
    project, _ = trained(replace(people(rows=0), rows=rows), **family)
    assert project.forget(["p0"], guarantee="exact")["model_after"] == "m2"
    assert_withdrawn(project, project.forget(["p1"], guarantee="exact"), because="one class")


@EACH_FAMILY
def test_a_model_without_any_row_is_withdrawn(trained, family):
    table = people()
    project, _ = trained(table, **family)
    done = project.forget(sorted(table.subjects()), guarantee="exact")
    assert_withdrawn(project, done, because="No row has a value in the label column")


@EACH_FAMILY
def test_a_model_without_a_row_to_train_on_is_withdrawn(trained, family):
    table = people(row_id="trip")
    keys = derive(SECRET)
    whose = [one.encode() for one in table.column("person")]
    judged = placed_in_evaluation(
        keys.places(kind="subject", values=whose), percent=EVALUATION_PERCENT
    )
    trips = zip(table.column("trip"), judged.tolist(), strict=True)
    learnt = [trip for trip, away in trips if not away]
    assert 0 < len(learnt) < len(table.rows)
    project, _ = trained(table, **family)
    done = project.forget(learnt, rows=True, guarantee="exact")
    assert_withdrawn(project, done, because="no row is left to train on")
