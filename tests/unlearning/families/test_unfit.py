"""What a family says of a table that it cannot learn from: all at once, each of its kind."""

from dataclasses import replace

import pytest

from lineage_store.data.schema import Column, Declarations, Label, Schema
from lineage_store.errors import BadInput
from lineage_store.ledger import TrainOptions
from unlearning.families.family import must_be_fit, not_one_label
from unlearning.families.known_families import FAMILIES, family_of
from unlearning.families.not_there import NOT_THERE
from unweave import Project

SIZE, WEIGHT = Column("size", "number"), Column("w", "number")
CLASS = Label("kind", "text", "classification", ("a", "b"))
VALUE = Label("price", "number", "regression")


def reasons(family, schema, **options):
    asked = TrainOptions(model_family=family, **options)
    found = family_of(family).unfit(schema, asked, module=family == "estimator")
    assert all(one.why.endswith(".") for one in found)
    return [(one.when, one.why) for one in found]


@pytest.mark.parametrize("name", NOT_THERE)
def test_what_is_no_family_yet_is_refused_with_the_reason_and_the_next_best(name):
    with pytest.raises(BadInput, match=f"There is no family '{name}'; there are: .*") as refused:
        family_of(name)
    assert "Take the family" in str(refused.value)
    with pytest.raises(BadInput, match=r"forest, logistic, k-means[^.]*\.$"):
        family_of("something else")


ITEMS = Schema((Column("song", "text"),), said=Declarations((("song", "text"),), items="song"))
WITH_LABEL = [name for name in FAMILIES if family_of(name).tasks]


@pytest.mark.parametrize("family", WITH_LABEL)
def test_a_table_with_one_label_fits(family):
    assert reasons(family, Schema((SIZE,), (CLASS,))) == []


@pytest.mark.parametrize("family", WITH_LABEL)
def test_a_table_of_items_fits_who_learns_these_and_nobody_else(family):
    assert reasons("item-knn", ITEMS) == []
    assert reasons("item-knn", replace(ITEMS, weights=(WEIGHT,))) == []
    (items, label) = reasons(family, ITEMS)
    assert "reads columns of features, and no items: leave `item_column` out" in items[1]
    assert "no column was named as one" in label[1]


@pytest.mark.parametrize(
    "named", [{}, {"item_column": "song", "subject": "person"}], ids=["nothing", "items"]
)
def test_what_names_alone_tell_is_refused_before_a_row_is_read(tmp_path, named):
    (tmp_path / "given.csv").write_text("person,song\np1,1\np2,2\np3,3,4\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no column was named as one") as raised:
        Project(tmp_path / "ws").train(tmp_path / "given.csv", model_family="ridge", **named)
    assert ("no items" in str(raised.value)) == bool(named)
    with pytest.raises(BadInput, match="Line 4"):
        Project(tmp_path / "ws").train(tmp_path / "given.csv", model_family="ridge", label="song")


def test_item_knn_names_all_that_it_cannot_use_at_once():
    schema = Schema((SIZE,), (CLASS,), (WEIGHT, WEIGHT))
    found = reasons("item-knn", schema, aggregate="vote", slices=2, penalty=2.0)
    assert [when for when, _ in found] == ["never", "never", *["change this"] * 4]
    text = " ".join(why for _, why in found)
    for words in ("`penalty`", "`slices`", "`aggregate`", "`item_column`", "`label`", "2 columns"):
        assert words in text


@pytest.mark.parametrize("family", WITH_LABEL)
def test_labels_and_weights_that_it_does_not_take_are_named_all_at_once(family):
    schema = Schema((SIZE,), (CLASS, CLASS), (WEIGHT, WEIGHT), (Column("query", "text"),))
    found = reasons(family, schema)
    taken = family_of(family).weighing != "none"
    assert [when for when, _ in found] == ["not yet", "change this"] + ["not yet"] * (not taken)
    one = f"The family {family} learns one label, and 2 columns"
    assert ("The built-in model tells one label" if family == "keras" else one) in found[0][1]
    assert "A row counts for one weight" in found[1][1]
    assert taken or "takes no weights of rows: leave the column 'w'" in found[2][1]


def test_weights_are_refused_by_a_family_that_takes_none_and_two_of_them_by_every_one():
    one, two = (Schema((SIZE,), (CLASS,), (WEIGHT,) * number) for number in (1, 2))
    assert not_one_label(one, family="sums", weighing="any") == []
    (refused,) = not_one_label(one, family="sums", weighing="none")
    assert refused.when == "not yet" and "The family sums takes no weights of rows" in refused.why
    (refused,) = not_one_label(two, family="sums", weighing="whole")
    assert refused.when == "change this" and "2 columns" in refused.why


def test_what_keras_is_asked_for_must_fit_the_label():
    asked = {"aggregate": "vote", "class_weights": "balanced"}
    found = reasons("keras", Schema((SIZE,), (VALUE,)), **asked)
    assert [when for when, _ in found] == ["change this"] * 2
    with pytest.raises(BadInput, match="^Change this: .* Change this: "):
        asked = TrainOptions(**asked)
        must_be_fit(family_of("keras").unfit(Schema((SIZE,), (VALUE,)), asked))


def test_naive_bayes_says_never_of_numbers_and_of_options_that_mean_nothing_to_it():
    found = reasons("naive-bayes", Schema((SIZE,), (VALUE,)), record="all")
    assert [when for when, _ in found] == ["never", "never"]
    assert "`record`" in found[0][1] and "'price'" in found[1][1]


def test_an_estimator_without_a_module_is_none():
    (refused,) = family_of("estimator").unfit(Schema((SIZE,), (CLASS,)), TrainOptions())
    assert refused.when == "change this" and "build_estimator(spec)" in refused.why
