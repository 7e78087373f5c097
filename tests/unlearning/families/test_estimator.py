"""Anybody's estimator: fitted whole, forgotten by shards to the bit, served by its own file."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lineage_store.errors import BadInput, NotReproducible
from lineage_store.keys.secret import create_secret
from pipelines.backends.direct import DirectBackend
from tests.unlearning.families.contract_cases import Learnt
from tests.unlearning.families.contract_states import differing, state_of
from unlearning.estimators.estimator_module import EstimatorModule, EstimatorSpec
from unlearning.estimators.fitting import RowsToFit, fitted
from unweave import Project

SECRET = bytes(range(32))
PEOPLE = [f"p{n:02d}" for n in range(60)]
HEADER = ["who", "age", "income", "town", "count", "kind"]
TREE = """
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

def build_estimator(spec):
    kind = DecisionTreeClassifier if spec.classes else DecisionTreeRegressor
    return kind(max_depth=4, random_state=spec.seed)

def features(frame, spec):
    return spec.hashed(frame)
"""


def rows(*, without=()):
    """Rows of people with two numbers, a text that comes and goes, and a class."""
    draw = np.random.default_rng(1)
    for number in range(240):
        person, age, income = PEOPLE[number % 60], draw.integers(18, 80), draw.lognormal(10, 1)
        town = "alone" if person == "p07" else draw.choice(["Ulm", "Trier", ""])
        score = age / 20 + (town == "Ulm") + draw.normal() / 3
        kind = "high" if score > 3 else "low" if score < 1.5 else "mid"
        if person not in without:
            yield [person, f"{age}", "" if number % 7 == 0 else f"{income:.2f}", town,
                   f"{number % 3}", kind]  # fmt: skip


@pytest.fixture
def learnt(tmp_path):
    """Return a function that learns the rows but those of some people, by a module."""
    key = tmp_path / "key"
    create_secret(key, SECRET)

    def learn(name, *, module=TREE, without=(), label="kind", **options):
        table = tmp_path / f"{name}.csv"
        with table.open("w", newline="") as stream:
            csv.writer(stream).writerows([HEADER, *rows(without=without)])
        if module is not None:
            options["module"] = tmp_path / "mine.py"
            options["module"].write_text(module)
        project = Project(tmp_path / name, backend=DirectBackend())
        answer = project.train(
            table, label=label, subject="who", key_file=key, model_family="estimator", **options
        )
        return Learnt(tmp_path / name), answer

    return learn


def test_an_estimator_is_forgotten_to_the_bit_and_served_by_its_own_file(learnt, tmp_path):
    options, gone = {"shards": 4, "weight_column": "count", "aggregate": "vote"}, ["p07", "p31"]
    original, answer = learnt("original", **options)
    twin, _ = learnt("twin", without=gone, **options)
    assert answer["metrics"]["accuracy"] > 0.7 and (answer["shards"], answer["slices"]) == (4, 1)
    before = state_of(original)
    done = original.project.forget(gone, replay=True)
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert (done["strategy"], done["claim"]["level"]) == ("retrain-whole-shards", "bits")
    assert differing(state_of(original), state_of(twin)) == []
    changed = [name for name in differing(before, state_of(twin)) if name.endswith("safetensors")]
    assert 0 < len(changed) < 8
    answer = original.project.predict(tmp_path / "twin.csv")
    assert answer["predictions"] == twin.project.predict(tmp_path / "twin.csv")["predictions"]
    right = [row[5] for row in rows(without=gone)]
    assert (
        np.mean([one == other for one, other in zip(answer["predictions"], right, strict=True)])
        > 0.7
    )
    assert original.project.audit(replay=5)["ok"] and original.project.doctor()["ok"]
    served = original.root / original.record.paths["pushed"]
    parts = json.loads((served / "estimator.json").read_text())["parts"]
    assert len(parts) == 4 and all((served / one["file"]).stat().st_size for one in parts)


def test_values_are_told_and_a_class_that_a_shard_lacks_has_no_share(learnt, tmp_path):
    by_value, answer = learnt("values", label="age", shards=2, aggregate="median")
    assert answer["metrics"]["rmse"] < 25
    assert np.std(by_value.project.predict(tmp_path / "values.csv")["predictions"]) > 5
    few = [one for one in PEOPLE if one not in PEOPLE[:9]]
    small, _ = learnt("small", shards=5, without=few)
    answer = small.project.predict(tmp_path / "small.csv")
    assert np.allclose(np.sum(answer["probabilities"], axis=1), 1, atol=1e-5)
    assert small.project.forget(PEOPLE[:4], replay=True)["guarantee"] == "exact"


def of(built, *, imports="from sklearn.tree import DecisionTreeClassifier"):
    return f"import os\n{imports}\n\ndef build_estimator(spec):\n    return {built}\n"


FOREST = "from sklearn.ensemble import RandomForestClassifier"
NEIGHBOURS = "from sklearn.neighbors import KNeighborsClassifier"
BUILDS, FEATURES = TREE[: TREE.index("def features")], TREE[TREE.index("def features") :]
AMONG_OTHERS = """
def features(frame, spec):
    return spec.hashed(frame) - spec.hashed(frame).min(axis=0)
"""
OWN = """
from sklearn.tree import DecisionTreeClassifier

class Mine(DecisionTreeClassifier):
    pass

def build_estimator(spec):
    return Mine()
"""
DRAWN = of("RandomForestClassifier(3, random_state=int.from_bytes(os.urandom(3), 'big'))",
           imports=FOREST)  # fmt: skip
REFUSED = (
    ("import nothing_like_it", "imports nothing_like_it, which is not there: install"),
    ("build = 1", r"The module mine.py has no function build_estimator\(spec\)"),
    (of("DecisionTreeClassifier"), "returns the class DecisionTreeClassifier, which has no fit"),
    (of("spec"), "returns EstimatorSpec, which has no fit"),
    (OWN, "an object of Mine is of a class of its own, which no file without code can hold"),
    (of("RandomForestClassifier(n_jobs=4)", imports=FOREST), r"asks for 4 threads \(n_jobs\)"),
    (of("DecisionTreeClassifier()"), "fails with ValueError on the rows of a part: try it on"),
    (of("KNeighborsClassifier()", imports=NEIGHBOURS) + FEATURES, "takes no sample_weight: leave"),
    (BUILDS + "def features(frame, spec):\n    return frame.a\n", "returns no array or DataFrame"),
    (BUILDS + AMONG_OTHERS, "makes something else of a row alone than among others"),
)


def test_what_cannot_be_fitted_or_stored_is_refused_by_name():
    numbers, texts = np.arange(8, dtype=np.float32).reshape(4, 2), np.full((4, 1), "Ulm", object)
    spec = EstimatorSpec(
        ("a", "b", "town"), ("town",), "classification", ("no", "yes"), 1, weighed=True
    )
    weighed = RowsToFit(numbers, texts, np.array([0, 1, 0, 1]), np.ones(4))
    for text, words in REFUSED:
        with pytest.raises(BadInput, match=words):
            fitted(EstimatorModule(text, "mine.py"), spec, weighed)
    assert fitted(EstimatorModule(TREE, "mine.py"), spec, weighed)[0] == "skops"


def test_what_an_estimator_has_no_use_for_is_refused_by_name(learnt, tmp_path):
    for options, error, words in (
        ({"module": None}, BadInput, "built by a `module` with build_estimator"),
        ({"slices": 2}, BadInput, "An estimator takes no steps, and has no use for `slices`"),
        ({"aggregate": "median"}, BadInput, "`aggregate` median is for a regression"),
        ({"trees": 5}, BadInput, "has no use for `trees`"),
        ({"label": None}, BadInput, "learns to tell a label, and no column was named as one"),
        ({"module": TREE + "eval('1')"}, NotReproducible, "uses eval, by which code can be loaded"),
    ):
        with pytest.raises(error, match=words):
            learnt("refused", **options)
    assert not Path(tmp_path / "refused").exists()


def test_an_estimator_that_is_another_when_it_is_fitted_again_is_refused(learnt):
    with pytest.raises(NotReproducible, match="fitted twice to the same rows in two processes, is"):
        learnt("refused", module=DRAWN + FEATURES, shards=1)
