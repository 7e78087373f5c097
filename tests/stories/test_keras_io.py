"""The kinds of models that Keras's own pages begin with, rebuilt in `docs/modules`.

Each trains under plain `fit` unchanged, by the same `build_model` and `adapt`; trained here in one
shard, it answers as well within a point; and it forgets to the bit. Texts come as strings, pictures
from files.
"""

import csv
import gzip
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks import real_tables
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_models.module_file import ModelSpec, load_module
from unweave import Project

MODULES = Path(__file__).parents[2] / "docs" / "modules"
POINT = 0.01


@dataclass(frozen=True)
class Given:
    """Rows to learn from and to be asked about: columns of numbers and strings, or pictures.

    `columns` are arrays (n, ...) by name; `labels` (n,) names of classes; `numbers` (n,) name rows.
    """

    columns: dict
    labels: np.ndarray
    numbers: np.ndarray

    def cut(self, places):
        columns = {name: values[places] for name, values in self.columns.items()}
        return Given(columns, self.labels[places], self.numbers[places])


def given_of(columns, labels):
    return Given(columns, labels.astype(str), np.arange(len(labels)))


def table(name, *, rows, numbers=()):
    """Rows of a real table, some columns of it as numbers."""

    def read():
        if why := real_tables.missing(name):
            pytest.skip(why)
        found = real_tables.TABLES[name]()
        columns = list(zip(*found.lines[:rows], strict=True))
        by_name = {
            column: np.array(values, np.float32 if column in numbers else object)
            for column, values in zip(found.names, columns, strict=True)
        }
        labels = by_name.pop(real_tables.LABEL)
        return given_of(by_name, labels)

    return read


def digits():
    """The digits that scikit-learn brings along, as pictures."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return given_of({"pixel": (found.images * 15).astype(np.uint8)}, found.target)


def mnist():
    """The first handwritten digits."""
    folder = real_tables.FOLDER / "mnist"
    if not folder.exists():
        pytest.skip(f"there is no {folder}")
    pixels, labels = (
        np.frombuffer(gzip.decompress((folder / f"train-{name}.gz").read_bytes()), np.uint8)
        for name in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
    images = pixels[16:].reshape(-1, 28, 28)[:3000]
    return given_of({"pixel": images}, labels[8:3008])


@dataclass(frozen=True)
class Kind:
    """One kind of model: its data, and how long it learns."""

    given: Callable
    epochs: int
    batch_size: int = 32
    drop: tuple = ()


AMOUNTS = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours")
KINDS = {
    "structured_data": Kind(table("adult", rows=4000, numbers=AMOUNTS), epochs=5),
    "text_from_scratch": Kind(table("sms-spam", rows=5574), epochs=3),
    "image_from_scratch": Kind(digits, epochs=12, drop=("path",)),
    "mnist": Kind(mnist, epochs=3, drop=("path",)),
}


ELSEWHERE = {"several_labels", "ranking", "parsed_rows"}  # tried in stories of their own


@pytest.mark.parametrize("name", sorted(KINDS.keys() | ELSEWHERE))
def test_a_module_is_at_most_40_lines_and_stands_on_the_page(name):
    text = (MODULES / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    assert f"modules/{name}.py" in (MODULES.parent / "your-keras.md").read_text(encoding="utf-8")
    assert {path.stem for path in MODULES.glob("*.py")} == KINDS.keys() | ELSEWHERE


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "secret"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


def write(given, folder):
    """Write a CSV file, or a folder of pictures for each class; return it and the ids of rows."""
    if "pixel" not in given.columns:
        path = folder / "given.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            out = csv.writer(stream)
            out.writerow(["row", *given.columns, "class"])
            names = [f"r{number}" for number in given.numbers]
            out.writerows(zip(names, *given.columns.values(), given.labels, strict=True))
        return path, names
    from PIL import Image

    names = []
    for number, pixels, label in zip(
        given.numbers, given.columns["pixel"], given.labels, strict=True
    ):
        names.append(f"{label}/{number:05d}.png")
        (folder / "pictures" / label).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "pictures" / names[-1])
    return folder / "pictures", names


def plainly(name, learn, ask, kind):
    """Train the module under plain `fit`, and return the share of right answers."""
    import keras

    classes = tuple(sorted(set(learn.labels)))
    columns = learn.columns
    spec = ModelSpec(
        tuple(one for one, values in columns.items() if values.dtype == np.float32),
        tuple(one for one, values in columns.items() if values.dtype == object),
        "classification",
        classes,
    )
    keras.utils.set_random_seed(1)
    module = load_module((MODULES / f"{name}.py").read_text(encoding="utf-8"), name=name)
    model = module.build_model(spec)
    fed = [
        {tensor.name: fit_for(tensor, given.columns, spec) for tensor in model.inputs}
        for given in (learn, ask)
    ]
    if hasattr(module, "adapt"):
        assert len(inspect.signature(module.adapt).parameters) == 2
        module.adapt(model, fed[0])
    right = np.searchsorted(classes, learn.labels)
    one_hot = model.loss == "categorical_crossentropy"
    inputs = [list(one.values()) if len(one) > 1 else next(iter(one.values())) for one in fed]
    model.fit(
        inputs[0], np.eye(len(classes))[right] if one_hot else right,
        batch_size=kind.batch_size, epochs=kind.epochs, verbose=0,
    )  # fmt: skip
    outputs = model.predict(inputs[1], verbose=0)
    said = outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)
    return float(np.mean(np.array(classes)[said] == ask.labels))


def fit_for(tensor, columns, spec):
    import tensorflow as tf

    named = {spec.input_name(column): values for column, values in columns.items()}
    (only,) = columns.values() if len(columns) == 1 else (None,)
    values = named.get(tensor.name, only)
    shaped = values.reshape(-1, *tensor.shape[1:])
    return tf.constant(shaped, tensor.dtype) if values.dtype == object else shaped


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_kind_trains_as_under_fit_and_forgets_to_the_bit(name, key_file, tmp_path):
    pin_tensorflow()
    kind = KINDS[name]
    given = kind.given()
    order = np.random.default_rng(0).permutation(len(given.labels))
    learn, ask = (given.cut(np.sort(part)) for part in np.split(order, [len(order) * 3 // 4]))
    paths, ids = {}, {}
    for what, some in (("learn", learn), ("ask", ask)):
        (tmp_path / what).mkdir()
        paths[what], ids[what] = write(some, tmp_path / what)
    options = {
        "label": "class", "row_id": "path" if kind.drop else "row", "shards": 1, "slices": 2,
        "epochs": kind.epochs, "batch_size": kind.batch_size, "key_file": key_file,
        "module": MODULES / f"{name}.py",
    }  # fmt: skip
    project = Project(tmp_path / "workspace", backend=DirectBackend(), reveal=True)
    made = project.train(paths["learn"], **options)
    answer = project.predict(paths["ask"], row_id=options["row_id"])
    right = dict(zip(ids["ask"], ask.labels, strict=True))
    score = np.mean(
        [
            right[row] == said
            for row, said in zip(answer["rows"], answer["predictions"], strict=True)
        ]
    )
    plain = plainly(name, learn, ask, kind)
    print(f"{name}: {score:.4f}, under plain fit {plain:.4f}")
    assert score >= plain - POINT
    gone = ids["learn"][7]
    done = project.forget([gone], rows=True, guarantee="exact")
    rest = learn.cut(np.flatnonzero([one != gone for one in ids["learn"]]))
    (tmp_path / "rest").mkdir()
    left, _ = write(rest, tmp_path / "rest")
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    again = twin.train(left, **options)
    assert done["weights_digest_after"] == again["weights_digest"] != made["weights_digest"]
