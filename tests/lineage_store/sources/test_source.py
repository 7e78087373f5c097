"""A source of rows: opened by its name's ending, read as text, refused in words that say where."""

import pytest

from lineage_store.data.csv_table import read_table
from lineage_store.errors import BadInput
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.source import SOURCES, Source, open_source, records_of


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
    with pytest.raises(BadInput, match="is a folder: give a file"):
        open_source(tmp_path).columns()
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        open_source(tmp_path / "none.csv").columns()


def test_an_empty_file_has_no_columns_and_no_rows(given):
    assert open_source(given(b"")).columns() == ()
    assert list(records_of(open_source(given(b"")))) == []


def test_progress_is_told_in_bytes(given, monkeypatch):
    monkeypatch.setattr("lineage_store.sources.csv_file.PIECE", 1 << 13)
    told = []
    rows = b"".join(b"%d,x\n" % n for n in range(2999))
    path = given(b"a,b\n" + rows)
    batches = list(open_source(path).batches(told.append))
    assert sum(map(len, batches)) == 2999
    assert told == sorted(told) and len(told) == len(batches) == 2
    assert told[-1] == path.stat().st_size
