"""A folder is one table: files of the same columns, or arrays beside the ids of their rows."""

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.sources import array_files, csv_file
from lineage_store.sources.source import open_source, records_of
from tf_records import tfrecord


def fields_of(source):
    """The texts of each row."""
    return [fields for _, fields in records_of(source)]


@pytest.fixture
def parts(tmp_path):
    """A folder as Spark leaves it, of three rows in two files, with other things beside them."""
    folder = tmp_path / "parts"
    folder.mkdir()
    pq.write_table(pa.table({"a": [3.5], "b": ["z"]}), folder / "part-00001.parquet")
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", None]}), folder / "part-00000.parquet")
    for name in ("_SUCCESS", ".part-00000.parquet.crc", "_metadata"):
        (folder / name).write_bytes(b"no table")
    return folder


def test_files_are_read_one_after_the_other_by_their_names(parts):
    source = open_source(parts)
    places = []
    assert source.columns() == ("a", "b") and source.kinds() == {"a": "number", "b": "text"}
    assert list(records_of(source, places.append)) == [
        (1, ["1", "x"]), (2, ["2", ""]), (3, ["3.5", "z"]),
    ]  # fmt: skip
    assert places == sorted(places) and places[-1] == source.size
    assert (source.name, source.unit) == (str(parts), "row")


def test_files_of_several_kinds_make_one_table(parts):
    (parts / "part-00002.csv").write_text("a,b\n4,w\n")
    pyarrow.feather.write_feather(pa.table({"a": [5], "b": ["v"]}), str(parts / "x.feather"))
    assert fields_of(open_source(parts))[2:] == [["3.5", "z"], ["4", "w"], ["5", "v"]]


def test_a_file_without_any_value_in_a_column_leaves_its_kind_to_the_others(parts):
    pq.write_table(pa.table({"a": [9], "b": pa.nulls(1)}), parts / "part-00002.parquet")
    assert open_source(parts).kinds() == {"a": "number", "b": "text"}


def test_a_file_that_holds_nothing_has_no_say(tmp_path):
    for name, rows in (("a", []), ("b", [{"x": [1], "y": ["z"]}]), ("c", [])):
        (tmp_path / f"{name}.tfrecord").write_bytes(tfrecord(rows))
    source = open_source(tmp_path)
    assert source.columns() == ("x", "y") and fields_of(source) == [["1", "z"]]
    (tmp_path / "b.tfrecord").unlink()
    assert open_source(tmp_path).columns() == ()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pa.table({"a": [1]}), "columns of .*part-2.parquet are not those of .*part-00000.parquet"),
        (pa.table({"b": ["x"], "a": [1]}), "are not those of"),
        (pa.table({"a": ["1"], "b": ["x"]}), "'a' is of the kind number in .*00000.* text in .*-2"),
    ],
)
def test_files_that_are_not_of_one_table_are_told(parts, table, words):
    pq.write_table(table, parts / "part-2.parquet")
    with pytest.raises(BadInput, match=words):
        open_source(parts).columns()
        open_source(parts).kinds()
    if table.schema.names != ["a", "b"]:
        with pytest.raises(BadInput, match=words):
            fields_of(open_source(parts))


def test_a_folder_that_is_no_table_is_told(tmp_path, parts):
    with pytest.raises(BadInput, match="holds folders: give those that hold files"):
        open_source(tmp_path)
    for one in parts.glob("part-*"):
        one.unlink()
    with pytest.raises(BadInput, match="holds no file"):
        open_source(parts)


@given(st.integers(0, 40), st.integers(1, 9), st.integers(4, 40))
def test_arrays_stand_beside_the_table_of_their_ids(new_folder, rows, at_once, piece):
    folder = new_folder()
    np.save(folder / "x.npy", np.arange(rows * 2, dtype=np.float32).reshape(rows, 2))
    lines = ["id,y", *(f"p{row},{row % 2}" for row in range(rows))]
    (folder / "ids.csv").write_text("\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(array_files, "AT_ONCE", at_once)
        patch.setattr(csv_file, "PIECE", piece)
        source = open_source(folder)
        assert source.columns() == ("id", "y", "x[0]", "x[1]")
        assert source.kinds() == {"x[0]": "number", "x[1]": "number"}
        assert list(records_of(source)) == [
            (row + 1, [f"p{row}", str(row % 2), f"{2.0 * row}", f"{2.0 * row + 1}"])
            for row in range(rows)
        ]


@pytest.mark.parametrize(("ids", "arrays"), [(3, 2), (2, 3), (0, 2), (2, 0)])
def test_arrays_of_other_rows_than_the_ids_are_told(tmp_path, ids, arrays):
    np.save(tmp_path / "x.npy", np.arange(arrays))
    (tmp_path / "ids.csv").write_text("id,n\n" + "".join(f"p{row},{row}\n" for row in range(ids)))
    source, read = open_source(tmp_path), []
    more, fewer = ("ids.csv", "x.npy") if ids > arrays else ("x.npy", "ids.csv")
    words = f"{more} has more rows than .*{fewer}, which ends after row {min(ids, arrays)}"
    with pytest.raises(BadInput, match=words):
        read.extend(records_of(source))
