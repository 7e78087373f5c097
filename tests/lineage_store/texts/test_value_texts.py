"""Values as texts: each type in its one spelling, and each value whatever stands beside it."""

import datetime
import decimal
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_table import arrays, python_values
from lineage_store.data.number_text import column_number, is_missing_number
from lineage_store.texts.value_texts import NoText, spelling_of, text_of_value, texts_of_array

NOON = datetime.datetime(2026, 11, 29, 12, 0, 10)
BERLIN = pa.timestamp("us", "Europe/Berlin")


@pytest.mark.parametrize(
    ("type_", "values", "texts", "kind"),
    [
        (pa.int8(), [1, -5, None], ["1", "-5", ""], "number"),
        (pa.uint64(), [2**64 - 1], ["18446744073709551615"], "number"),
        (pa.float64(), [17850.0, 0.1, 1e16, None, float("nan")],
         ["17850.0", "0.1", "1e+16", "", ""], "number"),
        (pa.float64(), [float("inf"), -0.0, 5e-324], ["1e999", "-0.0", "5e-324"], "number"),
        (pa.float32(), [float("-inf")], ["-1e999"], "number"),
        (pa.float32(), [0.1, 16777216.0, None], ["0.1", "16777216.0", ""], "number"),
        (pa.float16(), [np.float16(0.1), None], ["0.1", ""], "number"),
        (pa.decimal128(12, 2), [decimal.Decimal("5.00"), decimal.Decimal("-0.01"), None],
         ["5.00", "-0.01", ""], "number"),
        (pa.decimal256(40, 10), [decimal.Decimal("0E-10")], ["0.0000000000"], "number"),
        (pa.bool_(), [True, False, None], ["True", "False", ""], "text"),
        (pa.string(), ["x", "", None, "017", "é"], ["x", "", "", "017", "é"], "text"),
        (pa.large_string(), ["x", None], ["x", ""], "text"),
        (pa.date32(), [datetime.date(2026, 1, 2), None], ["2026-01-02", ""], "date"),
        (pa.date64(), [datetime.date(1, 1, 2), None], ["0001-01-02", ""], "date"),
        (pa.timestamp("s"), [NOON, None], ["2026-11-29T12:00:10", ""], "date"),
        (pa.timestamp("ns"), [NOON.replace(microsecond=50_000)], ["2026-11-29T12:00:10.05"],
         "date"),
        (pa.timestamp("ms"), [datetime.datetime(1969, 12, 31)], ["1969-12-31T00:00:00"], "date"),
        (BERLIN, [NOON], ["2026-11-29T12:00:10Z"], "date"),
        (pa.time64("us"), [datetime.time(1, 2, 3, 500_000), None], ["01:02:03.5", ""], "text"),
        (pa.time32("s"), [datetime.time(1, 2, 30)], ["01:02:30"], "text"),
        (pa.dictionary(pa.int8(), pa.string()), ["b", None, "b"], ["b", "", "b"], "text"),
        (pa.dictionary(pa.int8(), pa.int64()), [7, None], ["7", ""], "text"),
    ],
)  # fmt: skip
def test_each_type_has_one_spelling_and_one_kind(type_, values, texts, kind):
    array = pa.array(values, type_)
    assert texts_of_array(array).to_pylist() == texts
    assert texts_of_array(array).type == pa.string()
    assert texts_of_array(array[:0]).to_pylist() == []
    assert spelling_of(type_).kind == kind


def test_what_a_column_cannot_keep_is_read_as_missing():
    for text in texts_of_array(pa.array([np.inf, -np.inf])).to_pylist():
        assert is_missing_number(text) and np.isinf(float(text))
    assert text_of_value(decimal.Decimal("-Infinity")) == text_of_value(-np.inf) == "-1e999"
    far = pa.array([-(2**45), 2**45, 0]).view(pa.timestamp("s"))
    assert texts_of_array(far).to_pylist() == ["", "", "1970-01-01T00:00:00"]


def test_a_column_without_any_value_is_missing_and_of_no_kind():
    assert texts_of_array(pa.array([None, None])).to_pylist() == ["", ""]
    assert spelling_of(pa.null()) is None


@pytest.mark.parametrize(
    "type_",
    [pa.binary(), pa.binary(4), pa.large_binary(), pa.list_(pa.string()), pa.duration("s"),
     pa.struct([("a", pa.int64())]), pa.map_(pa.string(), pa.int64()),
     pa.month_day_nano_interval(), pa.dictionary(pa.int8(), pa.binary())],
)  # fmt: skip
def test_a_type_without_text_is_refused(type_):
    assert spelling_of(type_) is None
    with pytest.raises(NoText):
        texts_of_array(pa.nulls(2, type_))


@given(st.data())
def test_a_value_has_the_same_text_whatever_stands_beside_it(data):
    array = data.draw(arrays(data.draw(st.integers(1, 8))))
    if pa.types.is_fixed_size_list(array.type):
        array = array.flatten()
    texts = texts_of_array(array).to_pylist()
    chosen = sorted(data.draw(st.sets(st.integers(0, len(array) - 1))))
    assert texts_of_array(array.take(pa.array(chosen, pa.int64()))).to_pylist() == [
        texts[place] for place in chosen
    ]
    start = data.draw(st.integers(0, len(array)))
    assert texts_of_array(array[start:]).to_pylist() == texts[start:]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_a_float_reads_back_as_the_same_value(values):
    texts = texts_of_array(pa.array(values, pa.float64())).to_pylist()
    assert [float(text) for text in texts] == values
    assert [text_of_value(value) for value in values] == texts
    single = np.array(values, np.float64).astype(np.float32)
    texts = texts_of_array(pa.array(single)).to_pylist()
    assert [np.float32(text) for text in texts] == single.tolist()
    assert [text_of_value(value) for value in single] == texts


@given(
    st.lists(
        st.decimals(
            places=4, allow_nan=False, allow_infinity=False, max_value=10**9, min_value=-(10**9)
        )
    )
)
def test_a_decimal_is_exact(values):
    texts = texts_of_array(pa.array(values, pa.decimal128(20, 4))).to_pylist()
    assert [decimal.Decimal(text) for text in texts] == values
    assert all("E" not in text for text in texts)


@given(st.data())
def test_one_python_value_has_the_text_of_an_array_of_its_type(data):
    value = data.draw(python_values())
    text = text_of_value(value)
    try:
        array = pa.array([value])
    except (pa.ArrowException, OverflowError):
        return  # whole numbers and decimals that Arrow has no type for
    assert texts_of_array(array).to_pylist() == [text]


@pytest.mark.parametrize("value", [b"x", [1], {"a": 1}, object(), 1j, datetime.timedelta(1),
                                   np.timedelta64(1, "s"), np.bytes_(b"x")])  # fmt: skip
def test_a_python_value_without_text_is_refused(value):
    with pytest.raises(NoText):
        text_of_value(value)


def test_what_pandas_has_for_missing_is_missing():
    for value in (None, np.nan, pd.NaT, pd.NA, np.datetime64("NaT"), np.float32("nan")):
        assert text_of_value(value) == ""
    assert text_of_value(pd.Timestamp("2026-11-29T12:00:10.5")) == "2026-11-29T12:00:10.5"


@given(st.lists(st.floats(allow_infinity=False), min_size=1), st.lists(st.booleans()))
def test_numbers_and_booleans_are_spelled_as_pandas_writes_them(numbers, flags):
    for values in (np.array(numbers, np.float64), np.array(flags, np.bool_)):
        file = io.StringIO(newline="")
        pd.DataFrame({"a": values, "b": "x"}).to_csv(file, index=False, header=False)
        lines = [line.removesuffix(",x") for line in file.getvalue().splitlines()]
        assert texts_of_array(pa.array(values, from_pandas=True)).to_pylist() == lines


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_the_gate_reads_a_number_as_it_was(value):
    (text,) = texts_of_array(pa.array([value], pa.float32())).to_pylist()
    assert np.float32(column_number(text)) == np.float32(value)
