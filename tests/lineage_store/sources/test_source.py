"""A source of rows: opened by its name's ending, read as text, refused in words that say where."""

import contextlib
import gzip
import os
import sqlite3

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from lineage_store.data.csv_table import read_table
from lineage_store.errors import BadInput
from lineage_store.sources.array_files import NumpyFile
from lineage_store.sources.columnar_files import ArrowFile, ParquetFile
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.database_query import DatabaseQuery
from lineage_store.sources.reading import Reading
from lineage_store.sources.source import (
    SOURCES,
    Source,
    open_source,
    open_sources,
    records_of,
)
from lineage_store.sources.tf_examples import TfExamples
from tf_records import tfrecord


@pytest.fixture
def given(tmp_path):
    """Return a function that writes bytes to a file and returns its path."""

    def write(data, name="given.csv"):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.mark.parametrize("name", ["given.csv", "given.CSV", "given.txt", "given"])
def test_a_file_is_opened_by_its_ending_and_is_csv_by_any_other(given, name):
    source: Source = open_source(given(b'a, b \r\n1,2\r\n\r\n3,"4\n5"\n', name))
    assert isinstance(source, CsvFile)
    assert source.columns() == ("a", "b")
    assert list(records_of(source)) == [(2, ["1", "2"]), (5, ["3", "4\n5"])]


def test_another_kind_of_file_is_one_line_of_the_registry(given, monkeypatch):
    class Swapped(CsvFile):
        def columns(self):
            return super().columns()[::-1]

    monkeypatch.setattr("lineage_store.sources.source.SOURCES", {**SOURCES, ".swapped": Swapped})
    path = given(b"a,b\n1,2\n", "given.swapped")
    assert open_source(path).columns() == ("b", "a")
    assert read_table(open_source(path)).header == ("b", "a")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b\n1\n", "Line 2 of .*given.csv has 1 fields, and line 1 has 2"),
        (b"a,b\n1,\x00\n", "Line 2 of .*given.csv holds a zero byte"),
        (b'a,b\n1,"2\n', "breaks off or is no CSV at line 2, in the row that begins in line 2"),
        (b"a,b\n1,\xe4\n", "is not UTF-8"),
    ],
)
def test_what_does_not_fit_is_told_alike_to_whoever_reads(given, data, words):
    path = given(data)
    with pytest.raises(BadInput, match=words):
        list(records_of(open_source(path)))
    with pytest.raises(BadInput, match=words):
        read_table(open_source(path))


def test_a_folder_and_a_file_that_is_not_there_are_told(tmp_path):
    with pytest.raises(BadInput, match="The folder .* holds no file"):
        open_source(tmp_path).columns()
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        open_source(tmp_path / "none.csv").columns()


def test_an_empty_file_has_no_columns_and_no_rows(given):
    assert open_source(given(b"")).columns() == ()
    assert list(records_of(open_source(given(b"")))) == []


def test_progress_is_told_in_bytes(given, monkeypatch):
    monkeypatch.setattr("lineage_store.sources.csv_file.PIECE", 1 << 13)
    places = []
    rows = b"".join(b"%d,x\n" % n for n in range(2999))
    path = given(b"a,b\n" + rows)
    batches = list(open_source(path).batches(places.append))
    assert sum(map(len, batches)) == 2999
    assert places == sorted(places) and len(places) == len(batches) == 2
    assert places[-1] == path.stat().st_size


TABLE = pa.table({"a": [1, 2], "b": ["x", None]})
FIELDS = [["1", "x"], ["2", ""]]


def parquet(path):
    pq.write_table(TABLE, path)


def feather(path):
    pyarrow.feather.write_feather(TABLE, str(path))


def stream(path):
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, TABLE.schema) as writer:
        writer.write_table(TABLE)


def examples(path):
    path.write_bytes(tfrecord([{"a": [1], "b": ["x"]}, {"a": [2], "b": []}]))


def packed_examples(path):
    path.write_bytes(gzip.compress(tfrecord([{"a": [1], "b": ["x"]}, {"a": [2], "b": []}])))


def array(path):
    with path.open("wb") as file:
        np.save(file, np.array([["1", "x"], ["2", ""]]))


WRITERS = {
    parquet: ParquetFile, feather: ArrowFile, stream: ArrowFile, examples: TfExamples,
    packed_examples: TfExamples, array: NumpyFile,
}  # fmt: skip


@pytest.mark.parametrize("name", ["x", "x.csv", "data_tfrecord-00000-of-00001.gz", "x.PARQUET"])
@pytest.mark.parametrize("write", WRITERS)
def test_a_file_is_told_by_its_first_bytes_whatever_it_is_called(tmp_path, write, name):
    write(tmp_path / name)
    source: Source = open_source(tmp_path / name)
    assert type(source) is WRITERS[write]
    assert [fields for _, fields in records_of(source)] == FIELDS
    assert source.unit == "row" and source.name == str(tmp_path / name) and source.description


@pytest.mark.parametrize("ending", SOURCES)
def test_a_file_that_is_not_what_its_ending_says_is_told(given, ending):
    with pytest.raises(BadInput, match=rf"given\{ending} (cannot be read as|is damaged)"):
        open_source(given(b"a,b\n1,x\n", f"given{ending}")).columns()


def test_a_named_pipe_is_no_csv_file_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x")
    with pytest.raises(BadInput, match="is a pipe or a device"):
        open_source(tmp_path / "x").columns()


def test_tables_in_memory_and_queries_are_sources(tmp_path):
    path = tmp_path / "x.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (a, b)")
        connection.executemany("insert into t values (?, ?)", [(1, "x"), (2, None)])
        connection.commit()
    query = DatabaseQuery(f"sqlite:///{path}", "select * from t")
    arrays = {"a": np.array([1, 2]), "b": ["x", None]}
    sources = open_sources([TABLE, TABLE.to_pandas(), arrays, query])
    for source in sources:
        assert [fields for _, fields in records_of(source)] == FIELDS
        assert source.unit == "row" and source.name.startswith("the ") and source.description
        assert "x" not in source.description.replace("next", "")
    assert len(open_sources(TABLE)) == len(open_sources(arrays)) == len(open_sources(query)) == 1
    assert len(open_sources((path, path))) == 2
    with pytest.raises(BadInput, match="needs a `query`") as found:
        open_source(f"sqlite:///{path}")
    assert str(path) not in str(found.value)


def test_how_csv_is_read_is_said_of_csv_alone(tmp_path, given):
    parquet(tmp_path / "x")
    examples(tmp_path / "y")
    reading = Reading(delimiter=";")
    for other in (tmp_path / "x", tmp_path / "y", TABLE):
        with pytest.raises(BadInput, match="is no CSV file: leave out `delimiter`"):
            open_source(other, reading)
    features = Reading(columns=("b",))
    assert open_source(tmp_path / "y", features).columns() == ("b",)
    with pytest.raises(BadInput, match="leave out `columns`"):
        open_source(tmp_path / "x", features)


def test_how_csv_is_read_is_said_of_the_csv_files_in_a_folder(tmp_path):
    parquet(tmp_path / "x.parquet")
    reading = Reading(delimiter=";", columns=("a", "b"))
    with pytest.raises(BadInput, match="is no CSV file: leave out `delimiter`"):
        open_source(tmp_path, reading)
    (tmp_path / "y.csv").write_text("3;z\n")
    assert [fields for _, fields in records_of(open_source(tmp_path, reading))] == [
        *FIELDS, ["3", "z"],
    ]  # fmt: skip
