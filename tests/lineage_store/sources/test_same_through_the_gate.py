"""Whatever a table comes in, the gate writes the bits that it writes of the CSV file of its values.

Also without any of its rows: nothing about what stays depends on them (law 2).
"""

import contextlib
import csv
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from any_table import tables as typed_tables
from fixtures.examples import examples
from lineage_store.cells.gate import let_through
from lineage_store.data.columns import Columns, open_table, read_headers
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.data.record import SPLITS, UNLABELLED
from lineage_store.errors import BadInput
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.sources.database_query import DatabaseQuery
from lineage_store.sources.reading import Reading
from lineage_store.sources.source import open_source, open_sources
from lineage_store.sources.table_folder import kinds_of_all
from tf_records import tfrecord

NAMES = ("id", "person", "share", "whole", "word", "y")
COLUMNS = Columns("y", ("person",), "id")
SCHEMA = pa.schema(
    [("id", pa.int64()), ("person", pa.string()), ("share", pa.float32()), ("whole", pa.int32()),
     ("word", pa.large_string()), ("y", pa.dictionary(pa.int8(), pa.string()))]
)  # fmt: skip


def arrow(rows):
    columns = zip(*rows, strict=True) if rows else [()] * len(NAMES)
    arrays = [pa.array(list(one), type_) for one, type_ in zip(columns, SCHEMA.types, strict=True)]
    return pa.table(arrays, names=list(NAMES))


def as_parquet(rows, folder):
    pq.write_table(arrow(rows), folder / "x.parquet", row_group_size=3)
    return folder / "x.parquet"


def as_feather(rows, folder):
    pyarrow.feather.write_feather(arrow(rows), str(folder / "x.feather"))
    return folder / "x.feather"


def as_folder(rows, folder):
    parts = folder / "parts"
    parts.mkdir(exist_ok=True)
    for place in range(2):
        pq.write_table(arrow(rows[place::2]), parts / f"part-{place}.parquet")
    return parts


def as_arrow(rows, folder):
    return arrow(rows)


def as_pandas(rows, folder):
    """With whole numbers as floats and texts as objects where one is missing."""
    return pd.DataFrame(rows, columns=list(NAMES)).astype({"share": "float32"})


def as_polars(rows, folder):
    return pl.from_arrow(arrow(rows))


def as_arrays(rows, folder):
    frame = pd.DataFrame(rows, columns=list(NAMES))
    numbers = dict.fromkeys(("share", "whole"), np.float64)
    return {name: frame[name].to_numpy(numbers.get(name)) for name in NAMES}


def as_examples(rows, folder):
    named = [dict(zip(NAMES, row, strict=True)) for row in rows]
    examples = ({name: [] if one is None else [one] for name, one in row.items()} for row in named)
    (folder / "x.tfrecord").write_bytes(tfrecord(examples))
    return folder / "x.tfrecord"


def as_query(rows, folder):
    with contextlib.closing(sqlite3.connect(folder / "x.db")) as connection:
        connection.execute("pragma synchronous = off")
        connection.execute("drop table if exists t")
        connection.execute(f"create table t ({', '.join(NAMES)})")
        connection.executemany("insert into t values (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    return DatabaseQuery(f"sqlite:///{folder / 'x.db'}", "select * from t")


def as_files(rows, folder):
    """Files of two kinds, of which one declares nothing."""
    if len(rows) < 2:
        return as_parquet(rows, folder)
    (folder / "half").mkdir(exist_ok=True)
    return [as_parquet(rows[::2], folder), as_csv(rows[1::2], folder / "half")]


FORMS = [as_parquet, as_feather, as_folder, as_arrow, as_pandas, as_polars, as_arrays, as_examples,
         as_query, as_files]  # fmt: skip


def as_csv(rows, folder):
    with (folder / "x.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([NAMES, *rows])
    return folder / "x.csv"


@pytest.fixture(scope="session")
def gate(new_folder, keys):
    """Return a function that passes a table through the gate: all it writes, or why it does not.

    `kinds` are those of columns whose kind is said.
    """
    pseudonyms = Pseudonyms(Path(":memory:"), keys)

    def passed(given_table, reading=None, kinds=()):
        columns = replace(COLUMNS, kinds=tuple(kinds))
        sources = open_table(given_table, columns, Reading() if reading is None else reading)
        header = read_headers(sources, columns)
        blocks = read_blocks_of(
            sources, columns=columns, header=header, keys=keys, pseudonyms=pseudonyms,
            exclusions=Exclusions(), temporary=new_folder(),
        )  # fmt: skip
        try:
            snapshot = let_through(blocks, header.roles, folder=new_folder() / "snapshot")
        except BadInput as error:
            return str(error)
        lines = [
            sorted(file.read_bytes() for file in snapshot.files(split))
            for split in (*SPLITS, UNLABELLED)
        ]
        return snapshot.schema, snapshot.rows, snapshot.data_digest, lines

    return passed


@st.composite
def tables(draw):
    """Rows of people; any of them tells of which kinds the columns are."""
    row = st.tuples(
        st.none() | st.sampled_from(["ann", "bob", "017", "x y"]),
        st.none() | st.integers(-99, 99).map(lambda one: one / 4),
        st.none() | st.integers(-(2**24), 2**24),
        st.sampled_from(["a", "b,c", "d\ne", "é"]),
        st.sampled_from(["no", "yes"]),
    )
    rows = draw(st.lists(row, min_size=1, max_size=12))
    return [(place + 7, *one) for place, one in enumerate(rows)]


@settings(max_examples=15)
@given(st.data())
@pytest.mark.parametrize("form", FORMS)
def test_the_bits_are_those_of_the_csv_file_with_and_without_rows(gate, new_folder, form, data):
    rows, folder = data.draw(tables()), new_folder()
    kept = sorted(data.draw(st.sets(st.sampled_from(range(len(rows))), min_size=1)))
    for some in (rows, [rows[place] for place in kept]):
        given_table = form(some, folder)
        declared = kinds_of_all(open_sources(given_table))
        kinds = [(name, declared[name]) for name in NAMES[2:] if name in declared]
        plain = gate(as_csv(some, folder), Reading(delimiter=",", quote='"', header=True), kinds)
        found = gate(given_table)
        assert found == plain
        if not isinstance(found, str):
            assert {one.name for one in found[0].columns} == {"whole", "share", "word"}


@settings(max_examples=examples(60))
@given(st.data())
def test_what_a_type_declares_the_gate_reads(gate, data):
    """Whatever stands in a column, its kind is the declared one: the gate finds no other text."""
    table = data.draw(typed_tables(rows=6))
    rows = table.num_rows
    assume(rows)
    columns = {"id": range(rows), "person": ["x"] * rows, "y": (["no", "yes"] * rows)[:rows]}
    for name, values in columns.items():
        table = table.append_column(name, pa.array(list(values)))
    kinds = open_source(table).kinds()
    found = gate(table)
    if not isinstance(found, str):
        assert {one.name: one.kind for one in found[0].columns} == {
            name: kind for name, kind in kinds.items() if name not in columns
        }
