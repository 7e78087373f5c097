"""A SavedModel's canonical form: the same in whatever process, and another for another model."""

import subprocess

import pytest

from fixtures.warm_python import warm_python
from unlearning.serving.canonical_graph import canonical_digest, canonical_graph, copy_canonical

WRITE = """
import sys
import tensorflow as tf
for earlier in range(int(sys.argv[2])):
    tf.function(lambda x: x + earlier).get_concrete_function(tf.TensorSpec([None], tf.float32))
module = tf.Module()
module.weight = tf.Variable(2.0)
inner = tf.function(lambda x: x * float(sys.argv[3]))
@tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
def answer(x):
    return {"y": inner(x) * module.weight}
module.answer = answer
tf.saved_model.save(module, sys.argv[1], signatures={"serving_default": answer})
"""
READ = """
import sys
import tensorflow as tf
print(tf.saved_model.load(sys.argv[1]).signatures["serving_default"](x=[1.0, 2.0])["y"].numpy())
"""


def run(*arguments):
    done = subprocess.run(
        [*warm_python(), "-c", *map(str, arguments)], text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model from a process that had done nothing, the same from one that had, and another."""
    here = tmp_path_factory.mktemp("models")
    for name, earlier, factor in (("fresh", 0, 3), ("later", 40, 3), ("other", 0, 4)):
        run(WRITE, here / name, earlier, factor)
    return here


def test_the_same_model_of_another_process_is_other_bytes_and_one_canonical_form(models):
    graphs = [(models / name / "saved_model.pb").read_bytes() for name in ("fresh", "later")]
    assert graphs[0] != graphs[1]
    assert canonical_graph(graphs[0]) == canonical_graph(graphs[1])
    assert canonical_graph(canonical_graph(graphs[0])) == canonical_graph(graphs[0])
    assert canonical_digest(models / "fresh") == canonical_digest(models / "later")
    assert canonical_digest(models / "fresh") != canonical_digest(models / "other")


def test_a_canonical_copy_answers_as_the_original_does(models, tmp_path):
    copy_canonical(models / "later", tmp_path / "copy")
    assert not (tmp_path / "copy" / "fingerprint.pb").exists()
    assert run(READ, tmp_path / "copy") == run(READ, models / "later") == "[ 6. 12.]\n"
    assert canonical_digest(tmp_path / "copy") == canonical_digest(models / "later")


def test_a_changed_weight_or_asset_is_another_digest(models, tmp_path):
    copy_canonical(models / "fresh", tmp_path / "copy")
    before = canonical_digest(tmp_path / "copy")
    (tmp_path / "copy" / "assets" / "words").write_text("one")
    assert canonical_digest(tmp_path / "copy") != before
