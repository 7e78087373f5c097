"""tf.Examples are read without TensorFlow; which columns there are depends on no single row."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.sources import tf_examples
from lineage_store.sources.source import records_of
from lineage_store.sources.tf_examples import TfExamples, is_tfrecord
from lineage_store.texts.value_texts import text_of_value
from tf_records import example, field, record, tfrecord

ROWS = [
    {"who": ["anna"], "n": [-1], "x": [0.1, 2.0]},
    {"x": [3.0, float("nan")], "n": [], "who": ["b\n"]},
    {"n": [2**62], "who": [], "x": [4.0, 5.0]},
]
NAMES = ("n", "who", "x[0]", "x[1]")
FIELDS = [["-1", "anna", "0.1", "2.0"], ["", "b\n", "3.0", ""], [str(2**62), "", "4.0", "5.0"]]


def fields_of(source):
    """The texts of each row."""
    return [fields for _, fields in records_of(source)]


@pytest.fixture(scope="session")
def saved(new_folder):
    """Return a function that writes Examples to a file and returns the source that it is."""
    path = new_folder() / "given.tfrecord"

    def save(rows, features=(), *, packed=False):
        data = tfrecord(rows)
        path.write_bytes(gzip.compress(data) if packed else data)
        return TfExamples(path, features)

    return save


@pytest.mark.parametrize("packed", [False, True])
def test_columns_and_texts(saved, packed):
    source, places = saved(ROWS, packed=packed), []
    assert source.columns() == NAMES and source.kinds() == {}
    assert list(records_of(source, places.append)) == list(enumerate(FIELDS, start=1))
    assert places[-1] == source.size and source.unit == "row"


def test_what_tensorflow_writes_is_read(tmp_path):
    import tensorflow as tf

    def feature(values):
        if isinstance(values[0], str):
            return tf.train.Feature(
                bytes_list=tf.train.BytesList(value=[one.encode() for one in values])
            )
        if isinstance(values[0], float):
            return tf.train.Feature(float_list=tf.train.FloatList(value=values))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    for name, kind in (("x.tfrecord", ""), ("x.gz", "GZIP")):
        with tf.io.TFRecordWriter(str(tmp_path / name), tf.io.TFRecordOptions(kind)) as writer:
            for row in ROWS:
                features = {
                    name: feature(values) if values else tf.train.Feature()
                    for name, values in row.items()
                }
                message = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(message.SerializeToString())
        source = TfExamples(tmp_path / name)
        assert source.columns() == NAMES
        assert fields_of(source) == FIELDS
        assert is_tfrecord((tmp_path / name).read_bytes()[:100])


VALUES = st.one_of(
    st.lists(st.floats(width=32), max_size=1),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=1),
    st.lists(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0")),
             max_size=1),
)  # fmt: skip


@given(st.data())
def test_any_rows_taken_out_leave_columns_and_texts_as_they_are(saved, data):
    one = st.fixed_dictionaries(
        {"a": VALUES, "b": VALUES, "x": st.lists(st.floats(width=32), min_size=3, max_size=3)}
    )
    rows = data.draw(st.lists(one, min_size=1, max_size=6))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tf_examples, "AT_ONCE", data.draw(st.sampled_from([1, 12, 1 << 18])))
        source = saved(rows, packed=data.draw(st.booleans()))
        names, fields = source.columns(), fields_of(source)
    assert names == ("a", "b", "x[0]", "x[1]", "x[2]")
    assert fields == [
        [
            text_of_value(np.float32(one) if isinstance(one, float) else one)
            for one in (*(row["a"] or [None]), *(row["b"] or [None]), *row["x"])
        ]
        for row in rows
    ]
    kept = sorted(data.draw(st.sets(st.sampled_from(range(len(rows))), min_size=1)))
    fewer = saved([rows[place] for place in kept])
    assert fewer.columns() == names
    assert fields_of(fewer) == [fields[place] for place in kept]


FEATURES = ("a", "b")
MAY_LACK = st.dictionaries(
    st.sampled_from([*FEATURES, "c"]), st.lists(st.integers(0, 9), max_size=2)
)


@given(st.lists(MAY_LACK, min_size=1, max_size=4), st.data())
def test_whatever_is_read_is_read_the_same_without_any_of_its_rows(saved, rows, data):
    features = data.draw(st.sampled_from([(), FEATURES]))
    try:
        source = saved(rows, features)
        names, fields = source.columns(), fields_of(source)
    except BadInput:
        return
    kept = sorted(data.draw(st.sets(st.sampled_from(range(len(rows))), min_size=1)))
    fewer = saved([rows[place] for place in kept], features)
    assert fewer.columns() == names
    assert fields_of(fewer) == [fields[place] for place in kept]


def test_features_that_are_named_may_be_missing(saved):
    rows = [{"a": [1]}, {"b": ["x"], "c": ["left out"]}, {}]
    assert fields_of(saved(rows, ("b", "a"))) == [["", "1"], ["x", ""], ["", ""]]
    assert saved(rows, ("b", "a")).columns() == ("b", "a")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"a": [1]}, {"a": [1], "b": ["anna"]}], "in row 2 of .* has the feature 'b'"),
        ([{"a": [1], "b": ["anna"]}, {"a": [1]}], "in row 2 of .* lacks the feature 'b'"),
        ([{}, {"a": [1]}], "in row 1 of .* has no feature"),
        ([{"a": [1, 2]}, {"a": [1]}], "'a' in row 2 of .* has 1 values, and in row 1 2"),
        ([{"a": []}, {"a": [1, 2]}], "'a' in row 2 of .* has 2 values, and in row 1 1"),
        ([{"a": [1, 2]}, {"a": []}], "'a' in row 2 of .* has 0 values"),
        ([{"a": [b"anna\xff"]}], "'a' in row 1 of .* holds bytes that are no text in UTF-8"),
        ([{"a": ["an\0na"]}], "Row 1 of .* holds a zero byte in column 'a'"),
    ],
)
def test_what_does_not_fit_is_refused_without_a_value(saved, rows, words):
    with pytest.raises(BadInput, match=words) as found:
        fields_of(saved(rows))
    assert "anna" not in str(found.value)


def test_no_example_is_no_column(saved):
    assert saved([]).columns() == () and fields_of(saved([])) == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_file_is_told_with_its_row(saved, packed):
    source = saved(ROWS * 2, packed=packed)
    whole = source.path.read_bytes()
    size = len(record(example(ROWS[0])))
    for data in (whole[:-1], whole[: size + 3], b"a,b\n1,2\n", whole[:20] + b"?" + whole[21:]):
        source.path.write_bytes(data)
        with pytest.raises(BadInput, match="is damaged, breaks off, or is no TFRecord") as found:
            source.columns()
            fields_of(source)
        assert "anna" not in str(found.value) and found.value.__cause__ is None
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        TfExamples(source.path.with_name("none")).columns()


def test_records_of_something_else_are_told(saved):
    source = saved([])
    source.path.write_bytes(record(b"\xff\xff"))
    with pytest.raises(BadInput, match="no TFRecord of tf.Examples, behind row 1"):
        source.columns()
    source.path.write_bytes(record(example(ROWS[0]) + field(2, b"")))
    with pytest.raises(BadInput, match="in row 1 of .* is a SequenceExample"):
        source.columns()


def test_what_is_a_tfrecord_is_told_by_its_first_bytes():
    data = tfrecord(ROWS)
    assert is_tfrecord(data[:12]) and is_tfrecord(gzip.compress(data)[:200])
    others = (b"", data[:11], b"a,b,c\n1,2,3\n4,5,6", gzip.compress(b"a,b\n1,2\n"), b"\x1f\x8bxx")
    assert not any(map(is_tfrecord, others))
