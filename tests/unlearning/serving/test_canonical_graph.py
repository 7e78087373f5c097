"""A SavedModel's canonical form: the same whenever it is written, another for another model."""

import pytest

from unlearning.fingerprint import pin_tensorflow
from unlearning.serving.canonical_graph import canonical_digest, canonical_graph, copy_canonical


def write(folder, *, factor, words):
    """Write a model that captures a constant and a weight, and looks words up in a file."""
    import tensorflow as tf

    words.parent.mkdir(parents=True)
    words.write_text("one\ntwo\n")
    captured = tf.constant([2.0, float(factor)])
    module = tf.Module()
    module.weight = tf.Variable(2.0)
    text = tf.lookup.TextFileInitializer(
        str(words), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
        tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER,
    )  # fmt: skip
    module.table = tf.lookup.StaticHashTable(text, -1)
    inner = tf.function(lambda x: x * captured)

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32), tf.TensorSpec([2], tf.string)])
    def answer(x, word):
        return {"y": inner(x) * module.weight, "number": module.table.lookup(word)}

    tf.saved_model.save(module, str(folder), signatures={"serving_default": answer})


def answers(folder):
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))
    outputs = model.signatures["serving_default"](
        x=tf.constant([1.0, 2.0]), word=tf.constant(["two", "no"])
    )
    return {name: value.numpy().tolist() for name, value in outputs.items()}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model, the same after much else was traced in this process, and another."""
    pin_tensorflow()
    import tensorflow as tf

    here = tmp_path_factory.mktemp("models")
    write(here / "first", factor=3, words=here / "a" / "tftransform_tmp" / "words")
    for number in range(40):
        tf.function(lambda x, more=number: x + more).get_concrete_function(1.0)
    write(here / "later", factor=3, words=here / "b" / "tftransform_tmp" / "words")
    write(here / "other", factor=4, words=here / "c" / "tftransform_tmp" / "words")
    return here


def test_the_same_model_written_later_is_other_bytes_and_one_canonical_form(models):
    graphs = [(models / name / "saved_model.pb").read_bytes() for name in ("first", "later")]
    assert graphs[0] != graphs[1]
    assert canonical_graph(graphs[0]) == canonical_graph(graphs[1])
    assert canonical_graph(canonical_graph(graphs[0])) == canonical_graph(graphs[0])
    assert canonical_digest(models / "first") == canonical_digest(models / "later")
    assert canonical_digest(models / "first") != canonical_digest(models / "other")


def test_a_canonical_copy_answers_as_the_original_does(models, tmp_path):
    copy_canonical(models / "later", tmp_path / "copy")
    assert not (tmp_path / "copy" / "fingerprint.pb").exists()
    outputs = answers(tmp_path / "copy")
    assert outputs == answers(models / "later") == {"y": [4.0, 12.0], "number": [1, -1]}
    assert canonical_digest(tmp_path / "copy") == canonical_digest(models / "later")


def test_a_changed_asset_is_another_digest(models, tmp_path):
    copy_canonical(models / "first", tmp_path / "copy")
    before = canonical_digest(tmp_path / "copy")
    (tmp_path / "copy" / "assets" / "words").write_text("one")
    assert canonical_digest(tmp_path / "copy") != before
