"""What docs/your-table.md says of each kind of source is done here: it is read, or refused."""

import gzip
import re
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from PIL import Image

from fixtures.database_servers import SECRET, postgresql
from lineage_store.data.columns import Columns, open_table, read_headers
from lineage_store.errors import BadInput
from lineage_store.sources import Reading, records_of
from lineage_store.sources.database_query import DatabaseQuery
from tf_records import tfrecord

PAGE = (Path(__file__).parents[2] / "docs" / "your-table.md").read_text(encoding="utf-8")
ROWS = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")][1:]
TABLE = pa.table({"x": [1.5, 2.0], "y": ["no", "yes"]})
WRONG = pa.table({"x": [b"1"], "y": ["no"]})
EXAMPLES = [{"x": [1.5], "y": ["no"]}, {"x": [2.0], "y": ["yes"]}]


@dataclass(frozen=True)
class Example:
    """Makes the table that a line of the page speaks of, and one that it says is refused.

    Both are given a folder, and return what a user gives. `columns` are what is read, with
    the options of `reading`.
    """

    made: Callable
    refused: Callable
    columns: tuple[str, ...] = ("x", "y")
    reading: Mapping = field(default_factory=dict)
    refused_with: Mapping | None = None


def written(name, write):
    """Return a function that writes a file of a name in a folder, and returns its path."""

    def make(folder):
        path = folder / name
        write(path)
        return path

    return make


def in_folder(name, **writers):
    """Return a function that writes several files into a folder of a name."""

    def make(folder):
        for file, write in writers.items():
            path = folder / name / file.replace("__", "/").replace("_at_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        return folder / name

    return make


def parquet(table):
    return lambda path: pq.write_table(table, path)


def feather(table, version=2):
    return lambda path: pyarrow.feather.write_feather(table, str(path), version=version)


def array(values):
    return lambda path: np.save(path, values)


def text(words):
    return lambda path: path.write_text(words)


def picture(size):
    return lambda path: Image.new("L", size).save(path)


def database(path):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table trips (x, y, b)")
        connection.execute("insert into trips values (1.5, 'no', x'01')")
        connection.commit()


def sqlite(query):
    def make(folder):
        database(folder / "trips.db")
        return DatabaseQuery(f"sqlite:///{folder}/trips.db", query)

    return make


ARRAYS = {"x": np.array([1.5, 2.0]), "y": np.array(["no", "yes"])}
PIXELS = tuple(f"pixel[{y}][{x}]" for y in range(2) for x in range(3))
LINES = {
    "a CSV file": Example(
        written("trips.csv", text("x;y\n1.5;no\n2;yes\n")),
        written("trips.csv", text("1.5,no\n2.0,yes\n3,no\n")),
    ),
    "a CSV file without names": Example(
        written("trips.csv", text("1.5,no\n2,yes\n")),
        written("trips.csv", text("x,y\n1.5,no\n")),
        reading={"columns": ("x", "y")},
    ),
    "CSV in another encoding": Example(
        written("trips.csv", lambda path: path.write_bytes("x,y\n1,für\n".encode("latin-1"))),
        written("trips.csv", lambda path: path.write_bytes(b"x,y\n1,f\xffr\n")),
        reading={"encoding": "latin-1"},
        refused_with={},
    ),
    "CSV with 1.234,50 for 1234.50": Example(
        written("trips.csv", text('x,y\n"1.234,50",no\n')),
        written("trips.csv", text("x,y\n1.5,no\n")),
        reading={"decimal": ",", "thousands": "."},
    ),
    "a packed CSV file": Example(
        written("trips.csv.gz", lambda path: path.write_bytes(gzip.compress(b"x,y\n1,no\n"))),
        written("trips.csv.gz", lambda path: path.write_bytes(gzip.compress(b"x,y\n1,n")[:-9])),
    ),
    "a Parquet file": Example(
        written("trips.parquet", parquet(TABLE)), written("trips.parquet", parquet(WRONG))
    ),
    "an Arrow file, Feather, or an Arrow stream": Example(
        written("trips.feather", feather(TABLE)), written("trips.feather", feather(TABLE, 1))
    ),
    "a folder of files with the same columns": Example(
        in_folder("trips", a_at_parquet=parquet(TABLE), b_at_csv=text("x,y\n3,no\n")),
        in_folder("trips", a_at_parquet=parquet(TABLE), b_at_csv=text("y,x\nno,3\n")),
    ),
    "a DataFrame of pandas": Example(
        lambda _: TABLE.to_pandas(), lambda _: pd.DataFrame({"x": [{}], "y": ["no"]})
    ),
    "a DataFrame of polars": Example(
        lambda _: pl.from_arrow(TABLE), lambda _: pl.from_arrow(TABLE).lazy()
    ),
    "an Arrow table": Example(lambda _: TABLE, lambda _: WRONG),
    "NumPy arrays by name": Example(
        lambda _: ARRAYS, lambda _: {**ARRAYS, "x": np.array([1.5, 2.0, 3.0])}
    ),
    "`.npz`, or one `.npy`": Example(
        written("arrays.npz", lambda path: np.savez(path, **ARRAYS)),
        written("arrays.npz", lambda path: np.savez(path, x=np.array([{}]), y=np.array(["no"]))),
    ),
    "`.npy` files and a table of the ids of their rows": Example(
        in_folder("arrays", x_at_npy=array(np.eye(2)), ids_at_csv=text("id,y\n1,no\n2,yes\n")),
        in_folder("arrays", x_at_npy=array(np.eye(3)), ids_at_csv=text("id,y\n1,no\n2,yes\n")),
        ("id", "y", "x[0]", "x[1]"),
    ),
    "TFRecord of tf.Examples, also gzipped": Example(
        written("trips.tfrecord", lambda path: path.write_bytes(gzip.compress(tfrecord(EXAMPLES)))),
        written("trips.tfrecord", lambda path: path.write_bytes(tfrecord([*EXAMPLES, {"x": [1]}]))),
    ),
    "a table in SQLite": Example(
        sqlite("select x, y from trips"), sqlite("select x, b as y from trips")
    ),
    "pictures, each class in a folder": Example(
        in_folder("pictures", no__a_at_png=picture((3, 2)), yes__b_at_png=picture((3, 2))),
        in_folder("pictures", no__a_at_png=picture((3, 2)), yes__b_at_png=picture((2, 3))),
        ("path", "class", *PIXELS),
    ),
    "pictures and a table that names their files": Example(
        in_folder("pictures", a_at_png=picture((3, 2)), y_at_csv=text("file,y\na.png,1\n")),
        in_folder("pictures", a_at_png=picture((3, 2)), y_at_csv=text("file,y\nb.png,1\n")),
        ("file", "y", *PIXELS),
    ),
}
SERVER = "a table in PostgreSQL"


def test_the_page_has_a_line_for_each_kind_of_source_and_no_other():
    assert [line[0] for line in ROWS] == [*list(LINES)[:16], SERVER, *list(LINES)[16:]]
    assert all(len(line) == 4 for line in ROWS)


def read(given, label, options=()):
    """Return the columns of a table, and its rows."""
    sources = open_table(given, Columns(label), Reading(**dict(options)))
    header = read_headers(sources, Columns(label))
    return header.names, [fields for source in sources for _, fields in records_of(source)]


@pytest.mark.parametrize("line", LINES)
def test_what_a_line_says_is_read_and_refused(tmp_path, line):
    example, (_, command, *_) = LINES[line], ROWS[[one[0] for one in ROWS].index(line)]
    label = "class" if "class" in example.columns else "y"
    given = example.made(tmp_path)
    names, rows = read(given, label, example.reading)
    assert names == example.columns and rows
    if isinstance(given, Path):
        shown = {"columns": "x,y"} | {k: v for k, v in example.reading.items() if k != "columns"}
        options = "".join(f" --{name} {shown[name]}" for name in example.reading)
        assert command == f"`--data {given.name}{options}`"
    elif isinstance(given, DatabaseQuery):
        assert re.fullmatch(r'`--data sqlite:///trips.db --query "select \* from trips"`', command)
    else:
        assert re.fullmatch(r'`project\.train\((frame|table|\{.*\}), label="y"\)`', command)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(BadInput):
        with_ = example.reading if example.refused_with is None else example.refused_with
        read(example.refused(other), label, with_)


def test_what_the_line_of_postgresql_says_is_read_and_refused():
    command = next(line[1] for line in ROWS if line[0] == SERVER)
    assert command.startswith("`--data postgresql://me@host/db --query ")
    with postgresql() as server:
        where = f"127.0.0.1:{server.port}/postgres"
        query = "select 1.5 as x, 'no' as y"
        asked = DatabaseQuery(f"postgresql://unweave@{where}", query, SECRET)
        for attempt in range(100):
            try:
                assert read(asked, "y") == (("x", "y"), [["1.5", "no"]])
            except BadInput as error:  # it is still starting
                assert "57P03" in str(error) and attempt < 99
                time.sleep(0.1)
            else:
                break
        with pytest.raises(BadInput, match="holds a password"):
            read(DatabaseQuery(f"postgresql://unweave:word@{where}", query), "y")
