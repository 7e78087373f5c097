"""The writer of tables: formulas are texts, nothing is nothing, and an empty table has its head."""

import csv
import io

import pytest
from pyarrow.parquet import read_table

from unweave.exports.tables import Table, csv_of, parquet_of

COLUMNS = {"seq": "number", "at": "moment", "what": "text"}


def table(*rows):
    return Table(name="things", columns=COLUMNS, rows=rows)


@pytest.mark.parametrize("formula", ["=1+1", "+A1", "-A1", "@sum(A1)", "\t=1", "\r=1"])
def test_no_cell_of_csv_is_a_formula_and_parquet_has_it_as_it_is(formula):
    rows = table((1, None, formula))
    (read,) = list(csv.reader(io.StringIO(csv_of(rows).decode(), newline="")))[1:]
    assert read == ["1", "", f"'{formula}"]
    (kept,) = read_table(io.BytesIO(parquet_of(rows))).to_pylist()
    assert kept == {"seq": 1, "at": None, "what": formula}


def test_a_table_without_rows_has_its_columns():
    assert csv_of(table()) == b"seq,at,what\n"
    read = read_table(io.BytesIO(parquet_of(table())))
    assert read.column_names == [*COLUMNS] and not read.num_rows
    assert str(read.schema.field("at").type) == "timestamp[ms, tz=UTC]"


def test_what_has_commas_quotes_and_lines_is_one_cell():
    text = 'a,"b"\nc'
    (read,) = list(csv.reader(io.StringIO(csv_of(table((-2, "", text))).decode(), newline="")))[1:]
    assert read == ["-2", "", text]
