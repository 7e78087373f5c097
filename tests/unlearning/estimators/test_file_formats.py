"""Files of estimators: the same bytes wherever they were fitted, and no code in any."""

import io
import json
import zipfile

import numpy as np
import pytest

from lineage_store.errors import BadInput, CheckFailed
from unlearning.estimators.estimator_module import EstimatorModule, EstimatorSpec, frame_of
from unlearning.estimators.fitting import RowsToFit
from unlearning.estimators.fitting_processes import HASHES, OTHER_HASHES, fitted_apart
from unlearning.estimators.known_formats import FORMATS
from unlearning.estimators.skops_format import canonical

HASHED = """
def features(frame, spec):
    return spec.hashed(frame)
"""
MODULES = {
    "skops": """
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

def build_estimator(spec):
    kind = RandomForestClassifier if spec.classes else RandomForestRegressor
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), list(spec.strings)), remainder=SimpleImputer()
    )
    return make_pipeline(columns, kind(n_estimators=3))  # without a seed of its own
""",
    "ubj": """
from xgboost import XGBClassifier, XGBRegressor

def build_estimator(spec):
    return (XGBClassifier if spec.classes else XGBRegressor)(n_estimators=4, subsample=0.7)
"""
    + HASHED,
    "txt": """
from lightgbm import LGBMClassifier, LGBMRegressor

def build_estimator(spec):
    kind = LGBMClassifier if spec.classes else LGBMRegressor
    return kind(n_estimators=4, min_child_samples=3, verbose=-1)
"""
    + HASHED,
    "cbm": """
from catboost import CatBoostClassifier, CatBoostRegressor

def build_estimator(spec):
    kind = CatBoostClassifier if spec.classes else CatBoostRegressor
    return kind(iterations=4, cat_features=list(spec.strings), verbose=False)
""",
}
LIBRARY = {"skops": "sklearn", "ubj": "xgboost", "txt": "lightgbm", "cbm": "catboost"}


def some(classes):
    """Return rows with a number that is missing now and then, and texts; a spec of them."""
    draw = np.random.default_rng(3)
    numbers = draw.normal(size=(120, 2)).astype(np.float32)
    numbers[::9, 1] = np.nan
    texts = draw.choice(["Ulm", "Trier", ""], size=(120, 1)).astype(object)
    score = numbers[:, 0] + (texts[:, 0] == "Ulm")
    names = tuple(f"class {n}" for n in range(classes))
    targets = np.digitize(score, np.linspace(0, 1, classes - 1)) if classes else score
    spec = EstimatorSpec(
        ("a", "town", "b"), ("town",), "classification" if classes else "regression", names, 7
    )
    return spec, RowsToFit(
        numbers, texts, np.asarray(targets, np.int64 if classes else float), None
    )


@pytest.mark.parametrize("classes", [2, 3, 0])
@pytest.mark.parametrize("suffix", MODULES)
def test_a_file_has_the_same_bytes_from_two_processes_and_answers_when_it_is_read(suffix, classes):
    spec, rows = some(classes)
    module = EstimatorModule(MODULES[suffix], "mine.py")
    one, other = (
        fitted_apart(module, spec, rows, libraries=[LIBRARY[suffix]], hash_seed=seed)
        for seed in (HASHES, OTHER_HASHES)
    )
    assert one == other and one[0] == suffix
    frame = frame_of(spec, rows.numbers, rows.texts)
    features = module.features(frame, spec)
    read = FORMATS.by_suffix[suffix].loaded(one[1], spec.task)
    if classes:
        outputs = read.shares(features)
        assert outputs.shape == (120, classes) and np.allclose(outputs.sum(axis=1), 1, atol=1e-5)
        assert (outputs.argmax(axis=1) == rows.targets).mean() > 0.7
    else:
        outputs = read.values(features)
        assert outputs.shape == (120,) and np.corrcoef(outputs, rows.targets)[0, 1] > 0.7
    changed = RowsToFit(rows.numbers[1:], rows.texts[1:], rows.targets[1:], None)
    assert fitted_apart(
        module, spec, changed, libraries=[LIBRARY[suffix]], hash_seed=HASHES
    ) != one  # fmt: skip


def test_rows_come_to_another_process_as_they_are():
    _, rows = some(3)
    rows = RowsToFit(rows.numbers, rows.texts, rows.targets, np.arange(120.0))
    back = RowsToFit.from_state(rows.to_state())
    assert back.texts.tolist() == rows.texts.tolist()
    for name in ("numbers", "targets", "weights"):
        assert getattr(back, name).tobytes() == getattr(rows, name).tobytes()


def test_a_file_of_skops_says_no_address_and_no_time_and_is_read_by_skops_itself():
    import skops.io
    from sklearn.naive_bayes import GaussianNB

    _, rows = some(3)
    made = GaussianNB().fit(rows.numbers[:, :1], rows.targets)
    file = canonical(skops.io.dumps(made))
    assert file == canonical(skops.io.dumps(made)) == canonical(file)
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        names = [one.filename for one in archive.infolist()]
        assert names == ["schema.json", *(f"{n}.npy" for n in range(len(names) - 1))]
        ids = json.loads(archive.read("schema.json"))["__id__"]
    assert ids < 1_000
    assert skops.io.loads(file).theta_.tobytes() == made.theta_.tobytes()


def test_a_file_with_anybodys_code_is_refused_by_name_stored_or_loaded():
    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    step = FunctionTransformer(json.dumps).fit(np.zeros((2, 1)))
    for refused in (
        lambda: FORMATS.by_suffix["skops"].stored(step),
        lambda: FORMATS.by_suffix["skops"].loaded(skops.io.dumps(step), "regression"),
    ):
        with pytest.raises(BadInput, match="holds json.dumps, which could be code of anybody's"):
            refused()


@pytest.mark.parametrize("suffix", MODULES)
def test_a_file_that_is_damaged_is_told_of_in_a_sentence(suffix):
    with pytest.raises(CheckFailed, match=rf"file of an estimator \({suffix}\) is damaged"):
        FORMATS.read(suffix, b"PK\x05nothing that a library wrote", "classification")
