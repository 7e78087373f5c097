"""The schema as JSON: what the first version wrote is read, and written as it was."""

import json

import pytest

from lineage_store.canonical import canonical_json
from lineage_store.data.schema import Column, Label, Roles, Schema

COLUMNS = (Column("size", "number"), Column("town", "text"))
PAIRS = [["size", "number"], ["town", "string"]]
TIP = Label("tip", "text", "classification", ("no", "yes"))
PRICE = Label("price", "number", "regression")
# What 961ed0a wrote of a table, byte for byte: digests of ledgers cover it.
FIRST = (
    b'{"classes":["no","yes"],"features":[["size","number"],["town","string"]],"label":"tip",'
    b'"label_type":"string","task":"classification"}'
)


def test_a_table_with_one_label_is_written_as_ever():
    schema = Schema.from_json(json.loads(FIRST))
    assert schema == Schema(COLUMNS, (TIP,))
    assert canonical_json(schema.to_json()) == FIRST


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (Schema(COLUMNS), {"features": PAIRS}),
        (Schema(COLUMNS, (TIP, PRICE)), {"features": PAIRS,
                                         "labels": [TIP.to_json(), PRICE.to_json()]}),
        (Schema(COLUMNS, (PRICE,), (Column("w", "number"),), (Column("query", "text"),)),
         {"features": PAIRS, **PRICE.to_json(), "weights": [["w", "number"]],
          "groups": [["query", "string"]]}),
    ],
)  # fmt: skip
def test_labels_weights_and_groups_are_there_if_there_are_any(schema, told):
    assert schema.to_json() == told
    assert Schema.from_json(json.loads(json.dumps(told))) == schema


def test_a_row_has_the_values_of_all_columns_in_one_order():
    weight, group = Column("w", "number"), Column("query", "text")
    schema = Schema(COLUMNS, (TIP,), (weight,), (group,))
    assert schema.all == (*COLUMNS, TIP, weight)  # a row's group is its place
    assert schema.roles == Roles(("size", "town"), "tip", weights=("w",), groups=("query",))
    assert Schema(COLUMNS).roles == Roles(("size", "town"))


@pytest.mark.parametrize("labels", [(), (TIP, PRICE)])
def test_who_asks_for_the_label_is_told_of_one_alone(labels):
    with pytest.raises(ValueError):
        Schema(COLUMNS, labels).label  # noqa: B018


def test_classes_are_kept_as_texts_whatever_the_column_holds():
    assert Label("y", "number", "classification", ("1", "2")).kept == "text"
    assert (TIP.kept, PRICE.kept) == ("text", "number")
    assert [column.kept for column in COLUMNS] == ["number", "text"]
