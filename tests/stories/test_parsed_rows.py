"""A module whose `parse` decodes photos and cuts texts: trained, served, forgotten from.

The photos stand in the table as JPEG in base64, from scikit-learn's digits, and a text beside them
that says nothing but who wrote it. The module is that of docs/your-keras.md.
"""

import base64
import csv
import io
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.datasets import load_digits

from lineage_store.errors import BadInput, NotReproducible
from pipelines.backends.direct import DirectBackend
from unlearning.fingerprint.determinism import pin_tensorflow
from unlearning.keras_models.module_file import ModelSpec, load_module
from unweave import Project

MODULE = Path(__file__).parents[2] / "docs" / "modules" / "parsed_rows.py"
TEXT = MODULE.read_text(encoding="utf-8")
LATE = TEXT.replace("import keras\n", "").replace("from keras import layers\n", "")
LATE = LATE.replace("def build_model(spec):", "def build_model(spec):\n    import keras\n"
                    "    from keras import layers\n")  # fmt: skip
"""The same, of which a process that parses rows alone need not import Keras: it starts at once."""
HEADER = ["row", "photo", "said", "digit"]


def lines(count):
    """The first digits as JPEG in base64, with a word of each writer's own."""
    found = load_digits()
    for number in range(count):
        stream = io.BytesIO()
        picture = Image.fromarray((found.images[number] * 15).astype(np.uint8))
        picture.save(stream, format="JPEG", quality=90)
        photo = base64.b64encode(stream.getvalue()).decode("ascii")
        label = "abcdefghij"[found.target[number]]
        yield [f"r{number}", photo, f"written by writer{number:05d}x", label]


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Return a function that trains a module on lines in a workspace of its own."""
    key_file = tmp_path_factory.mktemp("key") / "secret"
    key_file.write_bytes(bytes(range(32)))
    key_file.chmod(0o600)

    def run(given, text=LATE, **options):
        folder = tmp_path_factory.mktemp("parsed")
        (folder / "model.py").write_text(text, encoding="utf-8")
        write(folder / "given.csv", given)
        project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
        how = {"label": "digit", "row_id": "row", "shards": 1, "slices": 2, "batch_size": 32}
        how |= {"epochs": 1, "key_file": key_file, "module": folder / "model.py"}
        return project, project.train(folder / "given.csv", **(how | options))

    return run


def write(path, given):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([HEADER, *given])
    return path


def test_rows_are_parsed_and_nothing_of_it_is_stored_and_forgotten_to_the_bit(train):
    given = list(lines(120))
    project, made = train(given)
    word = b"writer00007x"
    held = [path for path in project.root.rglob("*") if path.is_file() and holds(path, word)]
    assert held
    answer = project.predict(project.root.parent / "given.csv")
    pushed = next((project.root / "serving").rglob("saved_model.pb")).parent
    served = tf.saved_model.load(str(pushed)).signatures["serving_default"]
    parsed = [load_module(TEXT, name="m").parse(dict(zip(HEADER, line, strict=True)))
              for line in given]  # fmt: skip
    direct = served(
        pixels=tf.constant(np.array([one["pixels"] for one in parsed])),
        words=tf.constant(np.array([one["words"] for one in parsed]), tf.int32),
    )
    assert np.allclose(direct["probabilities"], answer["probabilities"], atol=1e-6)
    done = project.forget(["r7"], rows=True, guarantee="exact")
    assert not any(holds(path, word) for path in project.root.rglob("*") if path.is_file())
    _, twin = train([line for line in given if line[0] != "r7"])
    assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]
    with pytest.raises(BadInput, match="takes what parse of its module makes"):
        from unlearning.serving.served_model import ServedModel

        ServedModel(next((project.root / "serving").rglob("saved_model.pb")).parent)


def holds(path, word):
    return word in path.read_bytes()


def test_one_that_draws_is_refused_before_anything_is_trained(train):
    text = LATE.replace("import base64", "import base64\nimport random")
    text = text.replace("(ids + [0]", "([random.randrange(500)] + ids + [0]")
    with pytest.raises(NotReproducible, match="^Change this: parse of .* no function of the row"):
        train(list(lines(60)), text)


def test_the_module_of_the_page_is_within_a_point_of_fit(train, tmp_path):
    pin_tensorflow()
    given = list(lines(1797))
    learn = [line for n, line in enumerate(given) if n % 4]
    ask = [line for n, line in enumerate(given) if not n % 4]
    project, made = train(learn, TEXT, epochs=25)
    right = np.array([line[-1] for line in ask])
    mine = np.mean(right == project.predict(write(tmp_path / "ask.csv", ask))["predictions"])
    keras.utils.set_random_seed(1)
    module = load_module(TEXT, name="m")
    model = module.build_model(ModelSpec((), ("photo", "said"), "classification", (*"abcdefghij",)))

    def fed(some):
        made = [module.parse(dict(zip(HEADER, line, strict=True))) for line in some]
        return [np.array([one[name] for one in made]) for name in ("pixels", "words")]

    labels = np.array(["abcdefghij".index(line[-1]) for line in learn])
    model.fit(fed(learn), labels, batch_size=32, epochs=25, verbose=0)
    plain = np.mean(right == np.array([*"abcdefghij"])[model.predict(fed(ask)).argmax(axis=1)])
    print(f"parsed rows: {mine:.4f}, under plain fit {plain:.4f}")
    assert mine >= plain - 0.01
    done = project.forget(["r7"], rows=True, guarantee="exact")
    _, twin = train([line for line in learn if line[0] != "r7"], TEXT, epochs=25)
    assert done["weights_digest_after"] == twin["weights_digest"] != made["weights_digest"]
