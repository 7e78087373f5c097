"""Tables in memory are read as the CSV file of the same values, whichever library made them."""

import datetime
import decimal
import io
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from any_table import python_values, tables
from lineage_store.errors import BadInput
from lineage_store.sources import data_frame
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.data_frame import table_in_memory
from lineage_store.sources.source import records_of
from lineage_store.texts import arrow_columns
from lineage_store.texts.value_texts import text_of_value


def fields_of(source):
    """The texts of each row."""
    return [fields for _, fields in records_of(source)]


def chosen_from(data, rows):
    """Some rows' places, in order."""
    return sorted(data.draw(st.sets(st.sampled_from(range(rows)))) if rows else [])


def same_but_for(source, fewer, kept):
    """Assert that a table without some rows is that table without them."""
    assert (fewer.columns(), fewer.kinds()) == (source.columns(), source.kinds())
    fields = fields_of(source)
    assert fields_of(fewer) == [fields[place] for place in kept]


@given(st.data())
def test_any_rows_taken_out_of_an_arrow_table_change_nothing_else(data):
    table = data.draw(tables())
    kept = chosen_from(data, table.num_rows)
    fewer = table.take(pa.array(kept, pa.int64()))
    same_but_for(table_in_memory(table), table_in_memory(fewer), kept)


@st.composite
def frames(draw):
    """A DataFrame of pandas with columns of most of its types."""
    rows = draw(st.integers(0, 6))

    def many(one):
        return draw(st.lists(one, min_size=rows, max_size=rows))

    texts = st.sampled_from(["a", "017", "", "é", "b,c", 'q"', "x\ny"])
    whole = st.integers(-(2**40), 2**40)
    days = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1))
    found = {
        "whole": pd.Series(many(whole), dtype="int64"),
        "float": pd.Series(many(st.none() | st.floats(width=32)), dtype="float32"),
        "object": pd.Series(many(python_values()), dtype=object),
        "texts": pd.Series(many(st.none() | texts), dtype=object),
        "string": pd.array(many(st.none() | texts), dtype="string"),
        "category": pd.Categorical(many(st.none() | texts), ["a", "017", "é"]),
        "Int64": pd.array(many(st.none() | whole), dtype="Int64"),
        "boolean": pd.array(many(st.none() | st.booleans()), dtype="boolean"),
        "day": pd.Series(many(st.none() | days), dtype="datetime64[ns]"),
        "zoned": pd.Series(many(days), dtype="datetime64[ns]").dt.tz_localize("UTC"),
    }
    names = draw(st.permutations(sorted(found)))[: draw(st.integers(2, len(found)))]
    return pd.DataFrame({name: found[name] for name in names})


@given(st.data())
def test_any_rows_taken_out_of_a_frame_of_pandas_change_nothing_else(data):
    frame = data.draw(frames())
    kept = chosen_from(data, len(frame))
    same_but_for(table_in_memory(frame), table_in_memory(frame.iloc[kept]), kept)


@given(st.data())
def test_a_frame_of_polars_is_read_as_the_arrow_table_that_it_was(data):
    table = data.draw(tables())
    assume(not any(re.search(r"decimal256|\+05:30", str(one)) for one in table.schema.types))
    frame = pl.from_arrow(table)
    source = table_in_memory(frame)
    assert source.name == "the data frame"
    kept = chosen_from(data, table.num_rows)
    same_but_for(source, table_in_memory(frame[kept]), kept)


@given(st.data())
def test_any_rows_taken_out_of_arrays_change_nothing_else(data):
    rows = data.draw(st.integers(0, 6))

    def many(one):
        return data.draw(st.lists(one, min_size=rows, max_size=rows))

    arrays = {
        "f": np.array(many(st.floats()), np.float64),
        "x": np.array(many(st.integers(-9, 9)), np.int8).repeat(2).reshape(rows, 2),
        "s": np.array(many(st.sampled_from(["a", "b", "017"])), np.str_),
        "o": np.array([*many(st.none() | st.booleans() | st.integers()), None], object)[:-1],
        "d": np.array(many(st.dates()), "M8[D]"),
        "h": np.array(many(st.dates()), "M8[D]").astype("M8[h]"),
        "list": many(st.none() | st.floats() | st.sampled_from(["a", "b"])),
    }
    kept = chosen_from(data, rows)
    fewer = {
        name: [one[n] for n in kept] if isinstance(one, list) else one[np.array(kept, int)]
        for name, one in arrays.items()
    }
    same_but_for(table_in_memory(arrays), table_in_memory(fewer), kept)


def test_a_frame_is_the_csv_file_that_pandas_writes_of_it(tmp_path):
    frame = pd.DataFrame(
        {
            "id": [17850.0, np.nan, 3.0],
            "who": ["a", None, "b,c"],
            "n": [1, 2, 3],
            "flag": [True, False, True],
            "kind": pd.Categorical(["x", None, "y"]),
            "when": pd.to_datetime(["2026-11-29 12:00:10.5", None, "2026-11-29 00:00:00.0"]),
        }
    )
    source = table_in_memory(frame)
    frame.drop(columns="when").to_csv(tmp_path / "x.csv", index=False)
    csv = CsvFile(tmp_path / "x.csv")
    assert source.columns() == (*csv.columns(), "when")
    assert [fields[:-1] for fields in fields_of(source)] == fields_of(csv)
    assert [fields[-1] for fields in fields_of(source)] == [
        "2026-11-29T12:00:10.5", "", "2026-11-29T00:00:00",
    ]  # fmt: skip
    assert source.kinds() == {"id": "number", "n": "number", "flag": "text", "kind": "text",
                              "when": "date"}  # fmt: skip


@given(frames())
def test_a_frame_has_the_texts_of_its_parquet_file(frame):
    frame = frame.drop(columns="object", errors="ignore")
    file = io.BytesIO()
    frame.to_parquet(file, version="2.6")
    table = table_in_memory(pa.parquet.read_table(file))
    assert fields_of(table_in_memory(frame)) == fields_of(table)


def test_an_index_is_no_column():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}, index=pd.Index(["p", "q"], name="who"))
    assert table_in_memory(frame).columns() == ("a", "b")
    assert table_in_memory(pa.Table.from_pandas(frame[["a"]].reset_index())).columns() == (
        "who", "a",
    )  # fmt: skip


def test_arrays_of_more_dimensions_are_columns():
    source = table_in_memory(
        {"x": np.arange(8).reshape(2, 2, 2), "y": np.array(["a", "b"]), 3: [1, None]}
    )
    assert source.columns() == ("x[0][0]", "x[0][1]", "x[1][0]", "x[1][1]", "y", "3")
    assert fields_of(source) == [["0", "1", "2", "3", "a", "1"], ["4", "5", "6", "7", "b", ""]]
    assert source.kinds().keys() == {*source.columns()} - {"3"}


def test_record_batches_and_readers_are_tables():
    batch = pa.record_batch([pa.array([1, 2]), pa.array(["x", "y"])], names=["a", "b"])
    reader = pa.RecordBatchReader.from_batches(batch.schema, [batch, batch])
    assert fields_of(table_in_memory(batch)) == [["1", "x"], ["2", "y"]]
    source = table_in_memory(reader)
    for _ in range(2):  # a reader is at its end after once; a source is read as often as asked
        assert fields_of(source) == [["1", "x"], ["2", "y"]] * 2


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pd.DataFrame({"x": [b"anna"]}), "'x' of the data frame holds values of the type bytes"),
        (pd.DataFrame({"x": [["anna"]]}), "holds values of the type list"),
        (pd.DataFrame({"x": pd.to_timedelta([1])}), "'x' of the data frame holds .*timedelta64"),
        (pd.DataFrame({"x": pd.period_range("2020", periods=1)}), "'x' of the data frame holds"),
        (pd.DataFrame({"x": pd.arrays.SparseArray([1])}), "holds values of the type Sparse"),
        (pd.DataFrame({("a", "b"): [1]}), "name is a tuple"),
        (pd.DataFrame({"x": ["\ud800"]}), "'x' of the data frame holds text that is not Unicode"),
        (pd.DataFrame({"x": ["a", "b\0"]}), "Row 2 of the data frame holds a zero byte"),
        (pd.Series(["anna"]), "Series of pandas is no table: give a DataFrame"),
        (
            pl.DataFrame({"x": [["a", "b"]]}),
            "'x' of the data frame holds lists of what is no number",
        ),
        (pl.DataFrame({"x": pl.Series([1], dtype=pl.Int128)}), "cannot be given to Arrow"),
        (pl.DataFrame({"x": [object()]}), "'x' of the data frame holds bytes"),
        (pl.Series(["anna"]), "Series is no table"),
        (pl.LazyFrame({"x": ["anna"]}), "LazyFrame is no table"),
        (pa.table({"x": [b"anna"]}), "'x' of the table holds bytes"),
        ({"x": np.array([b"anna"])}, r"holds values of the type \|S4"),
        ({"x": np.array([1j])}, "holds values of the type complex128"),
        ({"x": np.ma.masked_array([1, 2], [True, False])}, "'x' is masked"),
        ({"x": np.array([1]), "y": np.array([1, 2])}, "have 1 and 2 rows"),
        ({"x": np.array(1)}, "'x' is a ndarray"),
        ({"x": "anna"}, "'x' is a str"),
        ([{"x": "anna"}], "A list is no table that can be read: give a pandas or polars"),
        (None, "A NoneType is no table"),
    ],
)
def test_what_has_no_text_is_refused_without_a_value(data, words):
    with pytest.raises(BadInput, match=words) as found:
        fields_of(table_in_memory(data))
    assert "anna" not in str(found.value)
    assert found.value.__cause__ is None


def test_no_value_stands_in_what_a_source_says_of_itself():
    for data in (pd.DataFrame({"x": ["anna"]}), pa.table({"x": ["anna"]}), {"x": ["anna"]}):
        assert "anna" not in repr(table_in_memory(data))


def test_batches_are_small_and_progress_is_told_in_rows(monkeypatch):
    monkeypatch.setattr(arrow_columns, "AT_ONCE", 20)
    monkeypatch.setattr(data_frame, "AT_ONCE", 20)
    for data in (
        {"a": np.arange(95), "b": np.arange(95)},
        pa.table({"a": range(95), "b": range(95)}),
    ):
        source, places = table_in_memory(data), []
        assert [len(rows) for rows in source.batches(places.append)] == [10] * 9 + [5]
        assert places[-1] == source.size == 95


def test_an_object_column_is_spelled_value_by_value():
    values = ["1", 1, 1.0, True, None, decimal.Decimal("1.50"), datetime.date(2026, 1, 2)]
    source = table_in_memory(pd.DataFrame({"x": pd.Series(values, dtype=object)}))
    assert [text for (text,) in fields_of(source)] == list(map(text_of_value, values))
    assert source.kinds() == {}


def test_no_library_is_imported_that_was_not_given():
    program = (
        "import sys, pyarrow as pa, numpy as np\n"
        "from lineage_store.sources.data_frame import table_in_memory\n"
        "list(table_in_memory(pa.table({'a': ['x'], 'b': ['y']})).batches())\n"
        "try: table_in_memory(3)\n"
        "except Exception: pass\n"
        "print('polars' in sys.modules)"  # pandas is, by pyarrow itself
    )
    asked = [sys.executable, "-c", program]  # a process of its own: the question is what it imports
    assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout == "False\n"
