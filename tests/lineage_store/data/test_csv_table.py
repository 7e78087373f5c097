"""A table's columns as a model takes them: what is no number is an error, or is counted."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.data.csv_table import read_table, tables_of
from lineage_store.data.number_text import (
    column_number,
    date_number,
    is_missing_number,
    parse_date,
)
from lineage_store.errors import BadInput
from lineage_store.sources import csv_file
from lineage_store.sources.reading import Reading
from lineage_store.sources.source import open_source


def opened(path):
    """A file of which it is said that it has a header."""
    return open_source(path, Reading(header=True))


TEXTS = st.sampled_from(
    (
        *("1", "-2.5", " 3 ", "", "NA", "?", "1e39", "001", "abc", "1,5", "1,000", "+4", "inf"),
        *("2020-02-29", "2021-02-29", "2020-01-01T06:00", "2020-01-01T06:00+02:00", "1.1.2020"),
    )
)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1))
def test_a_value_is_read_as_the_gate_reads_it_and_counted_if_it_is_none(write_csv, rows):
    table = read_table(opened(write_csv([["n", "d", "x"], *[[*row, "k"] for row in rows]])))
    unread = Counter()
    found = table.numbers(["n", "d"], dates=["d"], unread=unread)
    numbers = [column_number(text) for text, _ in rows]
    days = [None if (time := parse_date(text)) is None else date_number(time) for _, text in rows]
    wanted = np.array(list(zip(numbers, days, strict=True)), np.float64).astype(np.float32)
    assert np.array_equal(found, wanted, equal_nan=True)
    wrong = [
        (line, name)
        for line, (texts, values) in enumerate(zip(rows, wanted, strict=True), start=2)
        for name, text, value in zip("nd", texts, values, strict=True)
        if np.isnan(value) and not is_missing_number(text)
    ]
    assert unread == Counter(name for _, name in wrong)
    if not wrong:
        assert np.array_equal(table.numbers(["n", "d"], dates=["d"]), found, equal_nan=True)
        return
    line, name = wrong[0]
    with pytest.raises(BadInput) as raised:
        table.numbers(["n", "d"], dates=["d"])
    kind = {"n": "number", "d": "date in ISO 8601"}[name]
    assert str(raised.value) == (
        f"Line {line} of {table.source.name} has no {kind} in the column '{name}', where the model "
        f"takes one: correct it, or leave it empty."
    )


def test_a_column_that_is_missing_or_there_twice_is_refused(write_csv):
    table = read_table(opened(write_csv([["age", "age", "town"], ["1", "2", "Ulm"]])))
    assert table.strings(["town"]) == [["Ulm"]]  # of columns that nobody takes nothing is asked
    for read in (table.numbers, table.strings):
        with pytest.raises(BadInput, match="The column 'age' stands twice in .*given.csv"):
            read(["town", "age"] if read == table.strings else ["age"])
        with pytest.raises(BadInput, match="There is no column 'size' in .*given.csv"):
            read(["size"])


def test_a_table_read_in_pieces_is_the_whole_and_one_without_rows_is_one_piece(
    write_csv, monkeypatch
):
    path = write_csv([["a", "b"], *[[n, f"{n}\n{n}"] for n in range(300)]])
    whole = read_table(opened(path))
    monkeypatch.setattr(csv_file, "PIECE", 64)
    pieces = list(tables_of(opened(path)))
    assert len(pieces) > 10
    assert [text for one in pieces for text in one.strings(["b"])] == whole.strings(["b"])
    assert np.array_equal(np.concatenate([one.lines for one in pieces]), whole.lines)
    assert whole.lines.tolist() == [3 + 2 * n for n in range(300)]
    assert whole.part(298, 10).numbers(["a"]).tolist() == [[298], [299]]
    (empty,) = tables_of(opened(write_csv([["a", "b"]])))
    assert len(empty) == 0 and empty.numbers(["a"]).shape == (0, 1) and empty.strings([]) == []
    assert len(read_table(opened(write_csv([["a", "b"]])))) == 0
