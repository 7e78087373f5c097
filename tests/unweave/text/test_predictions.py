"""Predictions as CSV: what is read back is what was said, and no formula."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from unlearning.serving.predict import Predicted
from unweave.text.predictions import names_of, write_csv

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@given(st.lists(st.tuples(TEXT, TEXT, st.floats(0, 1, width=32), st.floats(0, 1)), min_size=1))
def test_every_text_and_number_reads_back_as_it_was_and_is_no_formula(rows):
    ids, names, single, double = zip(*rows, strict=True)
    pieces = [Predicted(ids, names, np.array([single, double], np.float64).T)]
    stream = io.BytesIO()
    assert write_csv(stream, ["id", "prediction", "a", "b"], pieces) == len(rows)
    text = stream.getvalue().decode("utf-8")
    header, *read = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == ["id", "prediction", "a", "b"]
    for (name, said, one, two), fields in zip(rows, read, strict=True):
        for given_text, field in zip((name, said), fields, strict=False):
            assert field in (given_text, f"'{given_text}")
            assert not field.startswith(FORMULA) or np.isfinite(float(field)) or "n" in field
        assert np.float32(fields[2]) == np.float32(one)
        assert float(fields[3]) == two or np.float32(fields[3]) == two


def test_a_number_is_the_shortest_text_that_is_that_number():
    single = np.array([[0.3, 1e-9, 0.5]], np.float32)
    stream = io.BytesIO()
    write_csv(stream, ["row"], [Predicted([1], [float(np.float32(0.1))], single)])
    write_csv(stream, ["row"], [Predicted([1], [0.1], np.array([[1 / 3, 0, 1]]))])
    assert stream.getvalue().decode().splitlines() == [
        "row", "1,0.1,0.3,1e-09,0.5", "row", "1,0.1,0.3333333333333333,0.0,1.0",
    ]  # fmt: skip


def test_row_ids_are_not_called_as_another_column():
    assert names_of("id", ["=a"]) == ["id", "prediction", "probability_=a"]
    for name in ("prediction", "probability_yes"):
        with pytest.raises(BadInput, match=f"has a column '{name}' of its own"):
            names_of(name, ["no", "yes"])
