"""Predictions as CSV: what is read back is what was said, and no formula."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from lineage_store.errors import BadInput
from unlearning.serving.predict import LabelPredictions, Predicted
from unweave.text.predictions import answer_lines, names_of, write_csv, write_parquet

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
NONE = np.zeros((1, 0))
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


def test_further_labels_stand_behind_the_first_one():
    further = {
        "kind": LabelPredictions(["b"], np.array([[0.25, 0.75]])),
        "minutes": LabelPredictions([2.5], NONE),
    }
    piece = Predicted(["r1"], ["yes"], np.array([[0.5, 0.5]]), further)
    names = names_of("id", ["no", "yes"], {"kind": ["a", "b"], "minutes": []})
    stream = io.BytesIO()
    write_csv(stream, names, [piece])
    header, row = stream.getvalue().decode("utf-8").splitlines()
    assert header == (
        "id,prediction,probability_no,probability_yes,prediction_kind,probability_kind_a,"
        "probability_kind_b,prediction_minutes"
    )
    assert row == "r1,yes,0.5,0.5,b,0.25,0.75,2.5"
    stream = io.BytesIO()
    write_parquet(stream, names, [piece])
    (read,) = parquet.read_table(stream).to_pylist()
    assert list(read) == names and read["prediction_minutes"] == 2.5
    predicted = {"classes": ["no", "yes"], "predictions": ["yes"], "probabilities": [[0.5, 0.5]]}
    answer = {"rows_by": "id", "rows": ["r1"], **predicted, "further_labels": {"kind": predicted}}
    assert list(answer_lines(answer))[1] == "r1,yes,0.5,0.5,yes,0.5,0.5"


def test_row_ids_are_not_called_as_another_column():
    assert names_of("id", ["=a"]) == ["id", "prediction", "probability_=a"]
    for name in ("prediction", "probability_yes"):
        with pytest.raises(BadInput, match=f"has a column '{name}' of its own"):
            names_of(name, ["no", "yes"])
