"""Parquet and Arrow files are read as the CSV file of the same values, piece by piece."""

import csv
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_table import tables
from lineage_store.errors import BadInput
from lineage_store.sources.columnar_files import ArrowFile, ParquetFile
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.reading import Reading
from lineage_store.sources.source import records_of
from lineage_store.texts import arrow_columns

TABLE = pa.table({"who": ["a", None, "017"], "n": pa.array([1, 2, None], pa.int32())})


def write_parquet(table, path):
    pq.write_table(table, path, row_group_size=3, version="2.6")


def write_feather(table, path):
    pyarrow.feather.write_feather(table, str(path), chunksize=3)


def write_stream(table, path):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        for batch in table.to_batches(max_chunksize=3):
            writer.write_batch(batch)


@dataclass(frozen=True)
class Form:
    """A kind of file: how one is written, and what reads it."""

    write: object
    source: object


FORMS = {
    "parquet": Form(write_parquet, ParquetFile),
    "feather": Form(write_feather, ArrowFile),
    "stream": Form(write_stream, ArrowFile),
}


@pytest.fixture(scope="session", params=FORMS)
def form(request):
    """A kind of file."""
    return FORMS[request.param]


@pytest.fixture(scope="session")
def given_as(new_folder, form):
    """Return a function that writes a table to a file and returns the source that it is."""
    path = new_folder() / "given"

    def write(table):
        form.write(table, path)
        return form.source(path)

    return write


@pytest.fixture(scope="session")
def as_csv(new_folder):
    """Return a function that writes a source's names and texts to a CSV file, and reads that."""
    path = new_folder() / "given.csv"

    def write(source):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL)
            writer.writerow(source.columns())
            writer.writerows(fields for _, fields in records_of(source))
        return CsvFile(path, Reading(delimiter=",", quote='"', header=True))

    return write


def fields_of(source):
    """The texts of each row."""
    return [fields for _, fields in records_of(source)]


@given(st.data())
def test_any_rows_taken_out_leave_columns_kinds_and_texts_as_they_are(given_as, as_csv, data):
    table = data.draw(tables())
    source = given_as(table)
    names, kinds, fields = source.columns(), source.kinds(), fields_of(source)
    assert [number for number, _ in records_of(source)] == list(range(1, table.num_rows + 1))
    of_csv = as_csv(source)
    assert (of_csv.columns(), fields_of(of_csv)) == (names, fields)
    kept = sorted(data.draw(st.sets(st.sampled_from(range(table.num_rows)))) if fields else [])
    fewer = given_as(table.take(pa.array(kept, pa.int64())))
    assert (fewer.columns(), fewer.kinds()) == (names, kinds)
    assert fields_of(fewer) == [fields[place] for place in kept]


def test_names_kinds_and_texts(given_as):
    source = given_as(TABLE)
    assert source.columns() == ("who", "n")
    assert source.kinds() == {"who": "text", "n": "number"}
    assert list(records_of(source)) == [(1, ["a", "1"]), (2, ["", "2"]), (3, ["017", ""])]


def test_lists_of_one_length_are_columns_and_white_space_around_a_name_goes(given_as):
    pairs = pa.array([[1, 2], [3, None]], pa.list_(pa.int16(), 2))
    source = given_as(pa.table({"x": pairs, " y ": ["a", "b"]}))
    assert source.columns() == ("x[0]", "x[1]", "y")
    assert source.kinds() == {"x[0]": "number", "x[1]": "number", "y": "text"}
    assert fields_of(source) == [["1", "2", "a"], ["3", "", "b"]]


def test_a_missing_list_is_missing_in_all_its_columns_and_lists_of_lists_have_two_numbers(tmp_path):
    deep = pa.list_(pa.list_(pa.int16(), 2), 1)
    write_stream(pa.table({"x": pa.array([[[1, 2]], None, [None]], deep)}), tmp_path / "x")
    source = ArrowFile(tmp_path / "x")
    assert source.columns() == ("x[0][0]", "x[0][1]")
    assert fields_of(source) == [["1", "2"], ["", ""], ["", ""]]


def test_a_column_without_any_value_declares_nothing(given_as):
    source = given_as(pa.table({"a": pa.nulls(2), "b": [1.5, None]}))
    assert source.kinds() == {"b": "number"}
    assert fields_of(source) == [["", "1.5"], ["", ""]]


def test_rows_that_pandas_filtered_have_the_columns_of_all(given_as):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    for rows in (frame, frame[frame.a != 2]):
        source = given_as(pa.Table.from_pandas(rows))
        assert source.columns() == ("a", "b") and source.kinds().keys() == {"a", "b"}
        assert [a for a, _ in fields_of(source)] == [str(one) for one in rows.a]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (pa.array([b"x"]), "holds bytes"),
        (pa.array([["a", "b"]]), "holds lists of what is no number"),
        (pa.array([{"a": 1}]), "holds records"),
        (pa.array([[b"x"]], pa.list_(pa.binary(), 1)), r"\[0\]' of .*given holds bytes"),
    ],
)
def test_a_column_without_text_is_refused_by_its_name(given_as, array, words):
    source = given_as(pa.table({"who": ["anna"], "secret": array}))
    for ask in (source.columns, source.kinds, lambda: list(source.batches())):
        with pytest.raises(BadInput, match=f"column 'secret.*{words}") as found:
            ask()
        assert "anna" not in str(found.value)


def test_zero_bytes_and_what_is_not_utf_8_are_refused_by_their_row(given_as):
    with pytest.raises(BadInput, match="Row 2 of .*given holds a zero byte in column 'who'"):
        fields_of(given_as(pa.table({"who": ["a", "b\0", "c"], "n": [1, 2, 3]})))
    wrong = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    with pytest.raises(BadInput, match="not UTF-8"):
        fields_of(given_as(pa.table({"who": wrong, "n": [1]})))


@pytest.mark.parametrize("place", [0, 5, 40, -30, -9, -5])
def test_a_damaged_file_is_told_without_a_value(given_as, place):
    source = given_as(pa.table({"who": ["anna"] * 50, "n": list(range(50))}))
    data = bytearray(source.path.read_bytes())
    for cut in (data[:place], b"", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff"):
        source.path.write_bytes(bytes(cut))
        try:
            fields = fields_of(source)
        except BadInput as error:
            assert "anna" not in str(error) and "given" in str(error)
            assert error.__cause__ is None
        else:  # a stream may end behind any of its batches
            assert isinstance(source, ArrowFile) and len(fields) <= 50


def test_a_file_that_is_not_there_and_a_folder_are_told(form, tmp_path):
    with pytest.raises(BadInput, match="none cannot be read: No such file"):
        form.source(tmp_path / "none").columns()
    with pytest.raises(BadInput, match="cannot be read as"):
        form.source(tmp_path).columns()


def test_feather_of_version_1_is_told(tmp_path):
    path = tmp_path / "old.feather"
    pyarrow.feather.write_feather(TABLE, str(path), version=1)
    with pytest.raises(BadInput, match="is Feather of version 1"):
        ArrowFile(path).columns()


def test_batches_are_small_whatever_the_file_holds_and_progress_ends_at_its_size(
    given_as, monkeypatch
):
    monkeypatch.setattr(arrow_columns, "AT_ONCE", 20)
    source = given_as(pa.table({"a": range(95), "b": ["x"] * 95}))
    places = []
    batches = list(source.batches(places.append))
    assert max(map(len, batches)) <= 10 and sum(map(len, batches)) == 95
    assert places == sorted(places) and places[-1] <= source.size
    assert places[-1] >= source.size // 2


def test_a_type_that_would_be_unpickled_is_not(tmp_path):
    """Arrow before version 14 ran the code that a file brings along: CVE-2023-47248."""
    payload = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    kept = {b"ARROW:extension:name": b"arrow.py_extension_type",
            b"ARROW:extension:metadata": payload}  # fmt: skip
    path = tmp_path / "given"
    field = pa.field("a", pa.int64(), metadata=kept)
    write_stream(pa.table([[1]], pa.schema([field])), path)
    program = (
        "from pathlib import Path; from lineage_store.sources.columnar_files import ArrowFile\n"
        f"try: print(ArrowFile(Path({str(path)!r})).columns())\n"
        "except Exception as error: print(type(error).__name__)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)  # a process of its own: see `ran`
    assert not (tmp_path / "ran").exists()


def test_memory_does_not_grow_with_a_parquet_file(tmp_path):
    """Of a file of one large row group no more is held than what is handed on."""
    rows = 2_000_000
    values = np.random.default_rng(0).random(rows)
    pq.write_table(pa.table({"a": values, "b": values}), tmp_path / "x.parquet",
                   row_group_size=rows)  # fmt: skip
    source = ParquetFile(tmp_path / "x.parquet")
    before, held = pa.total_allocated_bytes(), []
    for batch in source.batches():
        assert len(batch) <= arrow_columns.AT_ONCE
        held.append(pa.total_allocated_bytes() - before)
    assert len(held) > 10 and max(held) < 64 << 20
