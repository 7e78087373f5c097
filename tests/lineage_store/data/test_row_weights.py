"""What a row counts for: numbers from 0 on, told with their line where they are none."""

import pyarrow as pa
import pytest

from lineage_store.data.columns import Columns, read_header
from lineage_store.data.inference import in_terms_of
from lineage_store.data.row_weights import MOST_WHOLE, first_wrong_weight
from lineage_store.data.schema import Column, Schema
from lineage_store.errors import BadInput
from lineage_store.sources.source import open_source

LINES = [["row", "person", "size", "w", "label"]] + [
    [f"r{n}", f"p{n}", str(n), weight, "yes" if n % 2 else "no"]
    for n, weight in enumerate(["1", "0", " 2.0 ", "1e3", "16777216"])
]
GIVEN = {"row_id": "row", "subjects": ("person",), "weight": "w"}


@pytest.mark.parametrize(
    ("text", "any_number", "whole"),
    [
        ("0", True, True),
        ("-0", True, True),
        (" 3 ", True, True),
        ("2.0", True, True),
        (str(MOST_WHOLE), True, True),
        (str(MOST_WHOLE + 2), True, False),
        ("0.5", True, False),
        ("1e-9", True, False),
        ("-1", False, False),
        ("", False, False),
        ("NA", False, False),
        ("inf", False, False),
        ("1e39", False, False),
        ("007", False, False),
        ("many", False, False),
    ],
)
def test_a_weight_is_a_number_from_0_on_and_there(text, any_number, whole):
    texts = pa.array(["1", text, "1"])
    for taken, good in (("any", any_number), ("whole", whole)):
        found = first_wrong_weight(texts, taken)
        assert found is None if good else found is not None and found[0] == 1


def changed(line, weight):
    return [[*row[:3], weight, row[4]] if at == line else row for at, row in enumerate(LINES)]


@pytest.mark.parametrize("weight", ["", "-77", "1e77", "seven"])
def test_what_is_none_is_refused_with_its_line_and_without_its_value(write_csv, read_csv, weight):
    with pytest.raises(BadInput, match=r"Line 4 of .*: the value in the weight column 'w' is no"):
        read_csv(write_csv(changed(3, weight)), **GIVEN)
    with pytest.raises(BadInput) as caught:
        read_csv(write_csv(changed(3, weight)), **GIVEN)
    assert not weight or weight not in str(caught.value).replace(str(MOST_WHOLE), "")


def test_a_fraction_is_refused_where_a_family_counts_in_whole_numbers(write_csv, read_csv):
    table = write_csv(changed(2, "0.5"))
    read_csv(table, **GIVEN)
    with pytest.raises(BadInput, match=r"Line 3 .* no whole number up to 16,777,216, .* scale"):
        read_csv(table, **GIVEN, weighing="whole")


def test_a_weight_is_a_column_of_a_snapshot_and_no_feature(gated):
    snapshot = gated(LINES, **GIVEN)
    assert snapshot.schema.weights == (Column("w", "number"),)
    assert [column.name for column in snapshot.schema.columns] == ["size"]
    assert [column.name for column in snapshot.schema.all] == ["size", "label", "w"]
    assert snapshot.schema.to_json()["weights"] == [["w", "number"]]
    assert Schema.from_json(snapshot.schema.to_json()) == snapshot.schema


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"weight": "label"}, "weight column 'label' cannot be"),
        ({"weight": "person"}, "weight column 'person' cannot be"),
        ({"weight": "w", "drop": ("w",)}, "weight column 'w' cannot be"),
        ({"weight": "w", "kinds": (("w", "text"),)}, "'w' has the rows' weights"),
        ({"weight": "mass"}, "no column 'mass'"),
    ],
)
def test_it_is_for_nothing_else(write_csv, columns, message):
    source = open_source(write_csv(LINES))
    with pytest.raises(BadInput, match=message):
        read_header(source, Columns("label", ("person",), "row", **columns))


def test_data_in_the_terms_of_a_base_have_weights_if_the_base_s_have(gated):
    with_weights = gated(LINES, **GIVEN).schema
    without = gated(LINES, row_id="row", subjects=("person",), drop=("w",)).schema
    assert in_terms_of(with_weights, with_weights) == with_weights
    for own, base in ((with_weights, without), (without, with_weights)):
        with pytest.raises(BadInput, match="`weight_column`"):
            in_terms_of(own, base)
