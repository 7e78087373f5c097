"""A module that reads strings as they are, through the TFX pipelines: the same bits as without."""

import csv
import json

import pytest

from pipelines.backends.direct import DirectBackend
from unweave import Project

pytestmark = pytest.mark.tfx

MODULE = """
import keras
from keras import layers

def build_model(spec):
    age = keras.Input((1,), name="age")
    said = keras.Input((1,), dtype="string", name="said")
    ids = layers.TextVectorization(max_tokens=30, output_sequence_length=4, name="words")(said)
    hidden = layers.Flatten()(layers.Embedding(30, 4)(ids))
    output = layers.Dense(1, "sigmoid")(layers.Concatenate()([age / 100, hidden]))
    model = keras.Model([age, said], output)
    model.compile("adam", "binary_crossentropy")
    return model

def adapt(model, rows):
    model.get_layer("words").adapt(rows["said"])
"""


def test_strings_reach_a_module_through_the_pipelines_and_go_with_their_rows(tmp_path):
    lines = [
        [f"p{n % 12:02d}", str(20 + n % 50), f'\'says, %0A "so" by{n % 12:02d}', "ny"[n % 2]]
        for n in range(120)
    ]
    (tmp_path / "model.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "key").chmod(0o600)
    made = {}
    for name, backend in (("tfx", None), ("direct", DirectBackend())):
        path = tmp_path / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["person", "age", "said", "y"], *lines])
        project = Project(tmp_path / name, backend=backend, reveal=True)
        trained = project.train(
            path, label="y", subject="person", module=tmp_path / "model.py", shards=2, slices=2,
            epochs=1, batch_size=16, key_file=tmp_path / "key",
        )  # fmt: skip
        done = project.forget(["p03"], guarantee="exact")
        made[name] = trained["weights_digest"], done["weights_digest_after"]
        left = [path for path in project.root.rglob("*") if path.is_file()]
        assert not [path for path in left if b"by03" in path.read_bytes()], json.dumps(done)
    assert made["tfx"] == made["direct"] and len(set(made["tfx"])) == 2
