"""Models trained from other models' weights: forgetting reaches them, and is exact there too.

The twin of a chain is the same chain, trained by the same commands in a fresh workspace on files
without the rows. Digests of all live models are compared, so every bit counts.
"""

import csv
import os
import random
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.warm_python import warm_python
from lineage_store.data.inference import in_terms_of
from lineage_store.data.schema import Column, Label, Schema
from lineage_store.errors import BadInput, CheckFailed, NothingFound, UnweaveError
from lineage_store.index.database import read_index
from lineage_store.index.descent import descended, families_from, reached
from lineage_store.index.models import ModelRecord
from lineage_store.ledger.shards import open_ledger
from lineage_store.log import events
from lineage_store.tensors import load_state, save_state
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

TOP = Path(__file__).parents[2]
OPTIONS = {"label": "label", "subject": "person", "slices": 2, "epochs": 2, "batch_size": 32}

# Batch norm keeps statistics, dropout draws at every step, Adam has slots, adapt sees the rows.
MODULE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    categories = keras.Input((len(spec.strings),), dtype="int32", name="categories")
    embedded = keras.layers.Flatten()(keras.layers.Embedding(spec.buckets, 2)(categories))
    scaled = keras.layers.Dense(len(spec.numbers), trainable=False, name="scale")(numbers)
    hidden = keras.layers.Concatenate()([scaled, embedded])
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(6, activation="relu")(hidden))
    hidden = keras.layers.Dropout(0.3)(hidden)
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model([numbers, categories], output)
    model.compile(optimizer=keras.optimizers.Adam(5e-3), loss=spec.loss)
    return model

def adapt(model, numbers, missing, categories):
    kernel, bias = model.get_layer("scale").get_weights()
    model.get_layer("scale").set_weights([kernel / (1 + abs(numbers).max()), bias])
"""


def rows(seed, *, people, labels, code, number=150):
    draw = random.Random(seed)
    for _ in range(number):
        age = draw.gauss(40, 12)
        yield [
            draw.choice(people),
            f"{age:.1f}",
            draw.choice(["Ulm", "Bonn", "Hof"]),
            code(draw.randrange(9)),
            labels[0] if age > 40 else draw.choice(labels[1:]),
        ]


def tables():
    """Three files: the second lacks classes of the first, and its codes look like numbers."""
    first = [
        *rows(1, people=[*(f"a{n:02d}" for n in range(14)), "both"],
              labels=["old", "young", "mid"], code=lambda n: f"x{n}"),
        *(["solo", f"{30 + n}", "Ulm", "x1", "ancient"] for n in range(6)),
        *(["shared", f"{30 + n}", "Ulm", "x1", "odd"] for n in range(6)),
    ]  # fmt: skip
    second = [
        *rows(2, people=[*(f"b{n:02d}" for n in range(12)), "both"],
              labels=["old", "young"], code=str),
    ]  # fmt: skip
    third = [*rows(3, people=[f"c{n:02d}" for n in range(8)], labels=["old", "young"], code=str)]
    return [first, second, third]


ODD = [["late", f"{30 + n}", "Ulm", "5", "odd"] for n in range(5)]


@dataclass(frozen=True)
class Chain:
    """A folder in which chains of models are trained."""

    folder: Path

    def write(self, name, table, *, header=("person", "age", "city", "code", "label")):
        path = self.folder / name
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *table])
        return path

    def train(self, name, given, *, gone=(), bases=(None, "m1", "m2"), **options):
        """Train a chain in a fresh workspace; return the project and the digests."""
        project, digests = Project(self.folder / name, backend=DirectBackend(), reveal=True), []
        for number, (table, base) in enumerate(zip(given, bases, strict=False)):
            kept = [row for row in table if row[0] not in gone]
            random.Random(f"{name}{number}").shuffle(kept)
            made = project.train(
                self.write(f"{name}-{number}.csv", kept),
                base=base,
                module=None if base else self.folder / "module.py",
                shards=None if base else 2,
                key_file=self.folder / "key",
                **{**OPTIONS, **options},
            )
            digests.append(made["weights_digest"])
        return project, digests

    def copy(self, project, name):
        shutil.copytree(project.root, self.folder / name)
        return Project(self.folder / name, backend=DirectBackend(), reveal=True)


def chain_in(folder):
    (folder / "key").write_bytes(bytes(range(50, 82)))
    (folder / "key").chmod(0o600)
    (folder / "module.py").write_text(MODULE, encoding="utf-8")
    return Chain(folder)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return chain_in(tmp_path_factory.mktemp("chain"))


@pytest.fixture(scope="module")
def original(chain):
    """Three models, each trained from the one before; never written to after this."""
    return chain.train("original", tables())


@pytest.fixture
def project(chain, original, request):
    return chain.copy(original[0], f"copy-{request.node.name.replace('/', '-')}")


def live(project):
    return [model for model in project.models() if model["state"] == "live"]


def digests_of(project):
    return [model["weights_digest"] for model in live(project)]


def people_of_shard(project, shard, *, model="m1"):
    found = set()
    for person in {row[0] for row in tables()[0]}:
        for touched in project.trace_subject(person)["models"]:
            if touched["model"] == model and touched["shards"] == [shard]:
                found.add(person)
    return sorted(found)


def test_a_descendant_says_from_what_it_was_trained(chain, original):
    project, _ = original
    assert [model["base"] for model in project.models()] == [None, "m1", "m2"]
    assert project.trace_model("m3")["config"]["base"] == "m2"
    assert "base" not in project.trace_model("m1")["config"]
    ledgers = [
        open_ledger(folder / "ledger") for folder in sorted((project.root / "tfx").iterdir())
    ]
    assert ledgers[0].header.base is None
    assert ledgers[1].header.base.model == "m1"
    assert len(set(ledgers[1].header.base.weights)) == 2
    assert ledgers[1].header.spec == ledgers[0].header.spec
    assert project.trace_subject("a03")["descendants"] == ["m2", "m3"]
    assert project.trace_subject("both")["descendants"] == ["m2", "m3"]
    assert project.trace_subject("c03")["descendants"] == []


@pytest.fixture(scope="module")
def forgotten(chain, original):
    """The chain without a subject that only its first model has, and what was answered."""
    project = chain.copy(original[0], "forgotten")
    return project, project.forget(["a03"], replay=True)


def assert_twin(chain, project, *gone):
    _, digests = chain.train(f"twin-{'-'.join(gone)}", tables(), gone=gone)
    now = live(project)
    assert digests_of(project) == digests
    assert [model["base"] for model in now] == [None, now[0]["model_id"], now[1]["model_id"]]


def test_forgetting_from_the_base_is_exact_in_the_whole_chain(chain, original, forgotten):
    project, done = forgotten
    assert_twin(chain, project, "a03")
    assert not set(digests_of(project)) & set(original[1])
    assert {change["guarantee"] for change in done["models"]} == {"exact"}


@pytest.mark.parametrize("person", ["b03", "both", "c03", "solo"])
def test_forgetting_is_exact_wherever_the_rows_are(chain, project, person):
    """In the middle, in two models, at the end; and with them a class of the base goes."""
    project.forget([person])
    assert_twin(chain, project, person)


def test_only_the_shards_that_a_base_changes_retrain_in_its_descendants(original):
    plans = original[0].plan(["a03"])["plans"]
    assert [plan["rows_found"] > 0 for plan in plans] == [True, False, False]
    (shard,) = {item["shard"] for item in plans[0]["shards"] if item["action"] != "kept"}
    for plan, before, after in zip(plans[1:], ["m1", "m2"], ["m4", "m5"], strict=True):
        assert [item["shard"] for item in plan["shards"] if item["action"] != "kept"] == [shard]
        assert plan["shards"][shard]["kept_stages"] == 0
        assert plan["base"] == {
            "before": before, "after": after, "guarantee": "exact", "moved": [shard],
        }  # fmt: skip
        assert plan["why"] == f"it was trained from {before}, which is {after} now"
        kinds = {verdict["kind"] for verdict in plan["verdicts"]}
        assert {"Model", "PushedModel", "lineage.Checkpoint"} <= kinds


def test_a_deletion_from_a_descendant_leaves_its_base_alone(project, original):
    done = project.forget(["b03"], replay=True)
    assert [change["model_before"] for change in done["models"]] == ["m2", "m3"]
    assert {change["basis"] for change in done["models"]} == {"by replay"}
    assert digests_of(project)[0] == original[1][0]
    assert [model["base"] for model in live(project)] == [None, "m1", "m4"]


def test_the_checks_of_a_descendant_look_at_its_start(forgotten):
    _, done = forgotten
    for change in done["models"][1:]:
        checks = {check["name"]: check for check in change["checks"]}
        start = checks["all shards started from the weights that the base model has now"]
        assert start["outcome"] == "passed" and "started from other weights" in start["detail"]
        assert checks["all weights equal the twin's, byte for byte"]["outcome"] == "passed"


def test_certificate_and_log_name_the_base(forgotten):
    project, done = forgotten
    proved = verify(done["certificate"], public_key=done["public_key"])
    assert proved["ok"]
    assert [model.get("base") for model in proved["models"]] == [
        None, {"before": "m1", "after": "m4"}, {"before": "m2", "after": "m5"},
    ]  # fmt: skip
    connection = read_index(project.root / "unweave.sqlite")
    try:
        bodies = [e.body for e in events.events(connection) if e.kind == "model made"]
    finally:
        connection.close()
    assert [body.get("base") for body in bodies] == [None, "m1", "m2", None, "m4", "m5"]
    assert project.doctor()["ok"]


def test_where_the_base_has_no_shard_left_its_descendants_start_that_one_afresh(chain, project):
    gone = people_of_shard(project, 0)
    done = project.forget(gone)
    _, digests = chain.train("twin-shard", tables()[:2], gone=gone)
    assert digests_of(project)[:2] == digests
    assert 0 in done["models"][1]["affected_shards"]
    ledger = open_ledger(project.root / "tfx" / "forget-r1" / "m2" / "ledger")
    assert ledger.header.base.weights[0] is None
    # From then on there is nothing in it that could change again.
    again = project.plan(["a03" if "a03" not in gone else "a04"])["plans"]
    assert 0 not in again[1]["base"]["moved"]


def test_without_its_base_a_descendant_is_what_its_own_rows_make_of_it(chain, project):
    gone = sorted({row[0] for row in tables()[0]})
    project.forget(gone)
    _, digests = chain.train("twin-gone", tables()[1:], gone=gone, bases=[None, "m1"])
    assert digests_of(project) == digests
    assert [model["state"] for model in project.models()][:3] == ["withdrawn", "deleted", "deleted"]
    assert [model["base"] for model in live(project)] == [None, "m5"]


def test_rows_that_fit_the_base_no_more_are_trained_afresh(chain):
    given = [tables()[0], [*tables()[1], *ODD]]
    project, _ = chain.train("odd", given)
    plan = project.plan(["shared"])["plans"][1]
    assert plan["base"]["after"] is None
    project.forget(["shared"])
    _, digests = chain.train("twin-odd", given[1:], gone=["shared"])
    assert digests_of(project)[1:] == digests
    assert [model["base"] for model in live(project)] == [None, None]
    later = project.plan(["a03"])["plans"]
    assert [plan["model_before"] for plan in later] == ["m3"]


def test_nothing_exact_comes_of_an_approximate_base(chain):
    given = tables()
    project, _ = chain.train("approximate", given, record="all")
    done = project.forget(["a03"], strategy="amnesiac", replay=True)
    strategies = [change["strategy"] for change in done["models"]]
    assert strategies == ["amnesiac", "retrain-shards", "retrain-shards"]
    assert {change["guarantee"] for change in done["models"]} == {"approximate"}
    distances = [change["distance_to_twin"] for change in done["models"]]
    assert distances[0] > 0 and distances[1:] == [None, None]
    with pytest.raises(BadInput, match="m4 is approximate"):
        train_from(chain, project, "m4")
    # An exact result of the last of them needs exact ones before it, so these are made exact.
    exact = project.forget(["c03"], replay=True)
    assert [change["model_before"] for change in exact["models"]] == ["m4", "m5", "m6"]
    assert {change["basis"] for change in exact["models"]} == {"by replay"}
    _, digests = chain.train("twin-exact", given, gone=["a03", "c03"], record="all")
    assert digests_of(project) == digests


def test_an_approximate_deletion_from_a_descendant_alone_subtracts_there(chain):
    project, digests = chain.train("own-updates", tables()[:2], record="all")
    (change,) = project.forget(["b04"], strategy="amnesiac", replay=True)["models"]
    assert (change["strategy"], change["guarantee"]) == ("amnesiac", "approximate")
    assert change["updates_subtracted"] > 0 and change["distance_to_twin"] > 0
    assert digests_of(project)[0] == digests[0]


def train_from(chain, project, base, *, table=None, header=None, **options):
    given = tables()[1] if table is None else table
    header = header or ["person", "age", "city", "code", "label"]
    path = chain.write("refused.csv", given, header=header)
    return project.train(path, base=base, **{**OPTIONS, **options})


def replaced(place, value):
    first, rest = tables()[1][:40], tables()[1][40:]
    return [*([*row[:place], value, *row[place + 1 :]] for row in first), *rest]


def numbered(row):
    return [*row[:4], "1" if row[4] == "old" else "2"]


def exchanged(row):
    return [row[0], row[2], row[1], *row[3:]]


REFUSED = {
    "an unknown base": ({"base": "m77"}, "no such model"),
    "other shards": ({"shards": 4}, "`shards` is 4, and m1 has 2"),
    "another module": ({"module": "other.py"}, "not the one that built m1"),
    "a column less": ({"drop": ["city"]}, "one of the two lacks 'city'"),
    "another order": (
        {
            "table": list(map(exchanged, tables()[1])),
            "header": ["person", "city", "age", "code", "label"],
        },
        "their order",
    ),
    "another label": ({"label": "city", "drop": ["label"]}, "columns are not those"),
    "text for a number": ({"table": replaced(1, "many")}, "'age' holds texts here and numbers"),
    "a class of its own": ({"table": replaced(4, "unheard-of")}, "no class of the base model"),
    "numbers for classes": (
        {"table": list(map(numbered, tables()[1]))},
        r"label column 'label' \(number\) is not that of",
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_a_base_that_does_not_fit_is_refused_in_one_sentence(case, chain, original):
    project, _ = original
    options, message = REFUSED[case]
    if "module" in options:
        (chain.folder / "other.py").write_text(MODULE + "\n# other\n", encoding="utf-8")
        options = {**options, "module": chain.folder / "other.py"}
    with pytest.raises(UnweaveError, match=message) as caught:
        train_from(chain, project, **{"base": "m1", **options})
    assert isinstance(caught.value, NothingFound if "unknown" in case else BadInput)
    assert "unheard-of" not in str(caught.value)
    assert len(project.models()) == 3
    assert not (project.root / "data" / "m4").exists()


def test_an_ended_base_is_refused(chain, forgotten):
    project, _ = forgotten
    with pytest.raises(BadInput, match="m1 is deleted"):
        train_from(chain, project, "m1")


def test_the_same_module_and_the_base_s_number_of_shards_may_be_named(chain, project):
    made = train_from(chain, project, "m1", shards=2, module=chain.folder / "module.py")
    assert made["config"]["base"] == "m1"
    assert made["weights_digest"] == digests_of(project)[1]


def test_a_base_whose_weights_were_exchanged_starts_nothing(chain, project):
    folder = next((project.root / "tfx" / "train-m1").glob("ledger/shards/000"))
    file = sorted(folder.glob("*.safetensors"))[-1]
    state = load_state(file)
    name = next(name for name in state if "kernel" in name)
    save_state(file, {**state, name: state[name] + 1})
    before = digests_of(project)
    for attempt in (lambda: project.forget(["b03"]), lambda: train_from(chain, project, "m1")):
        with pytest.raises(CheckFailed, match="m1.* not those that were recorded"):
            attempt()
    assert digests_of(project) == before


FORGET = """
import sys
from pipelines.backends.direct import DirectBackend
from unweave import Project
Project(sys.argv[1], backend=DirectBackend(), reveal=True).forget([sys.argv[2]])
"""


def test_a_run_that_is_killed_between_base_and_descendant_is_finished(project, forgotten):
    process = subprocess.Popen(
        [*warm_python(), "-W", "ignore", "-c", FORGET, str(project.root), "a03"],
        env={**os.environ, "PYTHONPATH": str(TOP)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 120
    while not any((project.root / "tfx").glob("forget-r1/m2/ledger/shards/*")):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert [model["model_id"] for model in live(project)] == ["m1", "m2", "m3", "m4"]
    project.forget(["a03"])
    assert digests_of(project) == digests_of(forgotten[0])
    assert project.doctor()["ok"]


# The rules alone


def record_of(number, base, *, guarantee="trained", family=None):
    return ModelRecord(
        id=f"m{number}", family=family or f"m{number}", snapshot=number, state="live",
        created="", guarantee=guarantee, weights="", ledger="", paths={},
        config={} if base is None else {"base": f"m{base}"},
    )  # fmt: skip


@st.composite
def forests(draw):
    size = draw(st.integers(1, 9))
    records, approximate = [], set()
    for number in range(1, size + 1):
        base = draw(st.none() | st.integers(1, number - 1)) if number > 1 else None
        if base in approximate or draw(st.booleans()):
            approximate.add(number)
        guarantee = "approximate" if number in approximate else "exact"
        records.append(record_of(number, base, guarantee=guarantee))
    touched = draw(st.sets(st.sampled_from([record.id for record in records]), min_size=1))
    return records, touched


@given(forests(), st.booleans())
def test_what_a_deletion_reaches_is_closed(forest, exact):
    records, touched = forest
    found = reached(records, touched, exact=exact)
    assert touched <= found
    by_id = {record.id: record for record in records}
    for record in records:
        base = record.config.get("base")
        assert base not in found or record.id in found
        if exact and record.id in found and base is not None:
            assert base in found or by_id[base].guarantee != "approximate"
    assert reached(records, found, exact=exact) == found
    if not exact:
        assert found == touched | descended(records, touched)


def test_families_are_followed_through_models_that_ended():
    records = [
        record_of(1, None), record_of(2, 1), record_of(3, None, family="m2"), record_of(4, 3),
        record_of(5, None),
    ]  # fmt: skip
    assert families_from(records, "m1") == {"m2", "m4"}
    assert families_from(records, "m5") == set()


A = Column("a", "number")
CLASSES = Schema(
    (A, Column("b", "text")), (Label("y", "number", "classification", ("1", "2", "3")),)
)
VALUES = Schema((A,), (Label("y", "number", "regression"),))


def test_rows_that_fit_are_read_in_the_terms_of_the_base():
    columns = (A, Column("b", "number"))
    fewer = Schema(columns, (Label("y", "number", "classification", ("1", "3")),))
    assert in_terms_of(fewer, CLASSES) == CLASSES
    assert in_terms_of(fewer, None) == fewer
    whole = Schema((A,), (Label("y", "number", "classification", ("4", "7")),))
    assert in_terms_of(whole, VALUES) == VALUES


def test_a_regression_does_not_fit_a_classification():
    many = Schema(CLASSES.columns, VALUES.labels)
    with pytest.raises(BadInput, match="no class of the base"):
        in_terms_of(many, CLASSES)


def test_rows_without_a_label_or_with_another_do_not_fit():
    theirs = "is not that of the base model's data, 'y' .number.: give it the same"
    for labels in ((), (Label("z", "text", "classification", ("1", "2")),)):
        with pytest.raises(BadInput, match=theirs):
            in_terms_of(Schema(CLASSES.columns, labels), CLASSES)
