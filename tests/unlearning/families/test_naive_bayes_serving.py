"""The served graph of naive Bayes says what the sums say, and knows no model before its file."""

import json
import subprocess
import sys

import numpy as np
import pytest

from lineage_store.data.schema import Column, Label, Schema
from lineage_store.errors import BadInput
from unlearning.bayes.naive_bayes import probabilities, sums_of
from unlearning.bayes.naive_bayes_serving import export_sums
from unlearning.encoding.value_keys import class_key, number_keys, text_keys

CLASSES = ["né", "yes"]
NUMBERS, STRINGS = ["n0", "n1"], ["t0", "t1"]
KINDS = {"t0": "text", "n0": "number", "n1": "number", "t1": "text"}
SCHEMA = Schema(
    tuple(Column(*one) for one in KINDS.items()),
    (Label("label", "text", "classification", tuple(CLASSES)),),
)


@pytest.fixture(scope="module")
def table():
    draw = np.random.default_rng(0)
    numbers = (draw.normal(size=(300, 2)) * 100).astype(np.float32)
    labels = np.where(numbers[:, 0] > 0, "yes", "né")
    numbers[draw.random((300, 2)) < 0.1] = np.nan
    strings = draw.choice(["", "a", "bé", "c\nd"], (300, 2)).astype(object)
    return numbers, strings, labels


@pytest.fixture(scope="module")
def encoded(table):
    numbers, strings, labels = table
    values = np.stack(
        [
            text_keys(list(strings[:, 0]), column="t0"),
            number_keys(numbers[:, 0], column="n0"),
            number_keys(numbers[:, 1], column="n1"),
            text_keys(list(strings[:, 1]), column="t1"),
        ],
        axis=1,
    )
    return values, np.array([class_key(name) for name in labels])


def exported(folder, parts, rule="mean"):
    export_sums(parts, folder, schema=SCHEMA, rule=rule)
    return folder


def examples_of(tf, numbers, strings):
    def feature(name, value):
        if name in NUMBERS:
            given = [] if np.isnan(value) else [value]
            return tf.train.Feature(float_list=tf.train.FloatList(value=given))
        given = [value.encode()] if value else []
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=given))

    rows = (dict(zip([*NUMBERS, *STRINGS], row, strict=True)) for row in _rows(numbers, strings))
    return [
        tf.train.Example(
            features=tf.train.Features(feature={k: feature(k, v) for k, v in row.items()})
        ).SerializeToString()
        for row in rows
    ]


def _rows(numbers, strings):
    return [(*a, *b) for a, b in zip(numbers, strings, strict=True)]


def test_both_signatures_of_two_models_in_one_process_say_what_the_sums_say(
    tmp_path, table, encoded
):
    import tensorflow as tf

    numbers, strings, _ = table
    values, labels = encoded
    parts = [sums_of(values[:120], labels[:120]), None, sums_of(values[120:], labels[120:])]
    keys = [class_key(name) for name in CLASSES]
    members = [probabilities(sums, values, classes=keys) for sums in parts if sums]
    votes = np.mean([np.eye(2)[told.argmax(axis=1)] for told in members], axis=0)
    mean = np.mean(members, axis=0)
    models = {
        rule: tf.saved_model.load(str(exported(tmp_path / rule, parts, rule)))
        for rule in ("mean", "vote")
    }
    for rule, wanted in (("mean", mean), ("vote", votes)):
        by_column = models[rule].signatures["columns"](
            numbers=tf.constant(numbers), strings=tf.constant(strings)
        )
        by_example = models[rule].signatures["serving_default"](
            examples=tf.constant(examples_of(tf, numbers, strings))
        )
        for told in (by_column, by_example):
            assert told["probabilities"].numpy() == pytest.approx(wanted, abs=1e-6)
        best = [name.decode() for name in by_column["classes"].numpy()]
        clear = np.abs(mean[:, 0] - 0.5) > 1e-6
        assert (np.array(best) == np.array(CLASSES)[mean.argmax(axis=1)])[clear].mean() > 0.9


def test_the_same_sums_give_the_same_bytes_and_name_no_machine(tmp_path, encoded):
    values, labels = encoded
    one, other = (exported(tmp_path / name, [sums_of(values, labels)]) for name in ("one", "other"))
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert [(other / file).read_bytes() for file in files] == [
        (one / file).read_bytes() for file in files
    ]
    graph = (one / "saved_model.pb").read_bytes()
    assert b"/tmp" not in graph and b"/home" not in graph


def test_what_cannot_be_served_is_refused(tmp_path, encoded):
    with pytest.raises(BadInput, match="No shard has rows"):
        exported(tmp_path / "none", [None])
    with pytest.raises(BadInput, match="'median' is none of naive Bayes"):
        exported(tmp_path / "median", [sums_of(*encoded)], rule="median")


def test_learning_forgetting_and_exporting_take_no_tensorflow(tmp_path):
    code = f"""
import json, sys
import numpy as np
from pathlib import Path
from lineage_store.data import Column, Label, Schema
from unlearning.bayes.naive_bayes import subtracted, sums_of
from unlearning.bayes.naive_bayes_serving import export_sums
from unlearning.encoding.value_keys import class_key, text_keys
values = text_keys(["x", "y", "x"], column="t")[:, None]
labels = np.array([class_key(name) for name in "aba"])
left = subtracted(sums_of(values, labels), sums_of(values[:1], labels[:1]))
label = Label("y", "text", "classification", ("a", "b"))
schema = Schema((Column("t", "text"),), (label,))
export_sums([left], Path({str(tmp_path / "model")!r}), schema=schema, rule="mean")
print(json.dumps([name for name in sys.modules if name.split(".")[0] in ("tensorflow", "keras")]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
