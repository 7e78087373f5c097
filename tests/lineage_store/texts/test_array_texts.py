"""Arrays of numbers as texts: one spelling each, read back as they were, from lists in JSON too."""

import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from lineage_store.errors import BadInput
from lineage_store.texts.array_texts import array_of_text, array_text, canonical_array
from lineage_store.texts.arrow_columns import ArrowColumns

FINITE = st.floats(width=32, allow_infinity=False)
SHAPES = arrays.array_shapes(max_dims=3, max_side=4)


@given(arrays.arrays(np.float32, SHAPES, elements=FINITE))
def test_an_array_is_read_back_as_it_was_and_has_one_spelling(array):
    text = array_text(array)
    back = array_of_text(text)
    assert back.shape == array.shape
    assert np.array_equal(np.asarray(back, np.float32), array, equal_nan=True)
    assert canonical_array(text) == text == array_text(array.tolist())


@given(arrays.arrays(np.uint8, SHAPES))
def test_pixels_take_a_byte_each_and_lists_in_json_come_to_the_same(array):
    text = array_text(array)
    assert text.startswith("u1:") and len(text) < 4 * array.size / 3 + 30
    assert canonical_array(json.dumps(array.tolist())) == text
    assert canonical_array(json.dumps(array.astype(float).tolist())) == text


NONE = [
    "", "x", "3", "[]", "[[1], [2, 3]]", '["a"]', "[1e999]", "[1e39]", "u1:AAEC:4", "u1:AAEC:1x2",
    "u2:AAEC:3", "u1:A*EC:3", "u1:AAEC:0", "[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("text", NONE, ids=range(len(NONE)))
def test_what_is_no_array_is_none(text):
    assert canonical_array(text) is None


@given(st.text(max_size=40))
def test_any_text_is_an_array_or_none_and_no_error(text):
    canonical = canonical_array(text)
    assert canonical is None or canonical_array(canonical) == canonical


def columns_of(**columns):
    batch = pa.record_batch(list(columns.values()), names=list(columns))
    found = ArrowColumns("the file", batch.schema)
    (rows,) = found.rows([batch])
    return found.kinds(), [column.to_pylist() for column in rows.values.columns]


def test_lists_of_any_length_are_a_column_of_arrays_each_in_its_own_shape():
    nested = pa.array([[[1.5, 2], [3, 4]], None, [[0.5, None]]])
    kinds, (texts, more) = columns_of(x=nested, y=pa.array([[1, 2, 3], [4], []]).slice(0, 3))
    assert kinds == {"x": "array", "y": "array"}
    assert [array_of_text(text) is not None for text in texts] == [True, False, True]
    assert array_of_text(texts[0]).tolist() == [[1.5, 2.0], [3.0, 4.0]]
    assert np.isnan(array_of_text(texts[2])[0, 1])
    assert array_of_text(more[0]).tolist() == [1, 2, 3] and more[0].startswith("u1:")


@pytest.mark.parametrize("value", [[[1.0], [2.0, 3.0]], [[float("inf")]]])
def test_lists_that_are_no_array_are_told_by_row_and_column(value):
    with pytest.raises(BadInput, match="Row 2 of the file holds no array of numbers in column 'x'"):
        columns_of(x=pa.array([[[1.0]], value]))
