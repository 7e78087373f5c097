"""One value that no float32 holds is a missing one: nobody stops a training by it."""

import csv
import random

import numpy as np
import pytest

from lineage_store.data.number_text import column_number, is_missing_number, parse_number
from lineage_store.data.record import SPLITS
from pipelines.backends.direct import DirectBackend
from unweave import Project

BEYOND = ("1e39", "-1e39", "3.4028236e38", "1e309", "-1e999", "1" + "0" * 40)
LARGEST = "3.4028235e38"


@pytest.mark.parametrize("text", BEYOND)
def test_what_is_infinite_as_a_float32_is_missing(text):
    with np.errstate(over="ignore"):
        assert np.isinf(np.float32(float(text)))
    assert column_number(text) is None and is_missing_number(f" {text} ")


@pytest.mark.parametrize("text", [LARGEST, f"-{LARGEST}", "1e38", "1e-50", "0", "3.40282356e38"])
def test_what_a_float32_holds_is_a_number(text):
    assert np.isfinite(np.float32(float(text)))
    assert column_number(text) == parse_number(text) == float(text)
    assert not is_missing_number(text)


def lines(value="", *, at=None, label=None):
    draw = random.Random(5)
    rows = [[str(n), f"{draw.random():.3f}", "ab"[n % 2]] for n in range(120)]
    if at is not None:
        rows[at][1 if label is None else 2] = value
    return [["row", "size", "label"], *rows]


def files_of(snapshot):
    return {split: "".join(file.read_text() for file in snapshot.files(split)) for split in SPLITS}


@pytest.fixture(scope="module")
def place_of(gated):
    """A row of each split, by its number."""
    clear = files_of(gated(lines(), row_id="row"))
    found = {}
    for number in range(120):
        other = files_of(gated(lines("7.5", at=number), row_id="row"))
        for split in SPLITS:
            if other[split] != clear[split]:
                found.setdefault(split, number)
        if len(found) == len(SPLITS):
            return found
    raise AssertionError("120 rows, and one split has none of them")


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("text", BEYOND)
def test_the_gate_writes_the_same_as_for_a_missing_value(gated, place_of, split, text):
    missing = gated(lines("", at=place_of[split]), row_id="row")
    beyond = gated(lines(text, at=place_of[split]), row_id="row")
    assert files_of(beyond) == files_of(missing) and beyond.schema == missing.schema
    assert beyond.schema.columns[0].kind == "number"


def test_in_a_column_of_texts_it_is_a_text(gated):
    rows = lines("1e39", at=0)
    rows[2][1] = "large"
    snapshot = gated(rows, row_id="row")
    assert snapshot.schema.columns[0].kind == "text"
    assert "'1e39" in "".join(files_of(snapshot).values())


def test_a_label_is_missing_likewise(gated):
    rows = [["row", "size", "label"], *([str(n), str(n % 5), f"{n / 7:.3f}"] for n in range(120))]
    rows[7][2] = "1e39"
    snapshot = gated(rows, row_id="row")
    assert snapshot.schema.label.task == "regression"
    assert snapshot.rows["unlabelled"] == 1


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("family", ["naive-bayes", "keras"])
def test_a_training_with_one_such_row_ends_with_a_model(tmp_path, place_of, split, family):
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines("1e39", at=place_of[split]))
    answer = Project(tmp_path / "ws", backend=DirectBackend()).train(
        tmp_path / "t.csv", label="label", row_id="row", model_family=family,
        shards=1, slices=1, epochs=1, place_by="row",
    )  # fmt: skip
    assert np.isfinite(answer["metrics"]["log_loss"])
