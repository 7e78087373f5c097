"""Inference: what is told from the rows, from all of them alike and from nothing else (law 2)."""

import json
import math
from dataclasses import replace
from functools import reduce
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from fixtures.the_old_gate import OldEvidence
from lineage_store.canonical import canonical_json
from lineage_store.data import number_text
from lineage_store.data.evidence import Evidence
from lineage_store.data.schema import WORD_RULES, Column, Declarations, Roles, Schema
from lineage_store.errors import BadInput, NothingToLearn
from lineage_store.texts.text_rows import rows_of_words, text_batch

CELLS = [
    "0", "-0.0", "1", "1.0", "2", "+3", "007", "1.5", ".5", "5.", "1e3", "1e999", "-2E-2",
    "1_000", "0x1", "٣", "inf", "NaN", "NA", "n/a", "null", "None", "?", "text", "", " 4 ", " ",
    "'1", "x\ny",
]  # fmt: skip
NUMBERS = [
    "0", "1", "-1", "+1", "10", "1.5", "0.25", ".5", "5.", "-0.0", "1e5", "1E-5", "1.5e+300",
    "123456789012345678901234567890", " 7 ", "\t7",
]  # fmt: skip
TEXTS = [
    "001", "00", "-01", "00.5", "1_000", "1,5", "0x10", "1e", "inf", "-inf",
    "Infinity", "1.2.3", ".", "-", "e5", "12a", "٣", "1٣", "½", "'1", "$5", "1 2", "n.a.", "5\x00",
]  # fmt: skip
ROWS = st.lists(st.tuples(*[st.sampled_from(CELLS)] * 3), min_size=1, max_size=8)


def inferred(rows, names=("a", "b")):
    """Infer from rows: the last cell is the label."""
    evidence = Evidence(Roles(names, "label"))
    for part in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        evidence.add_block(text_batch(part, len(names) + 1))
    return evidence.conclude()


def column_type(*cells):
    """The kind of one column with these cells."""
    rows = [(cell, str(place % 2)) for place, cell in enumerate([*cells, "", ""])]
    return inferred(rows, ("a",)).columns[0].kind


def labelled(*labels):
    """What is told of a label from rows with these."""
    return inferred([("1", label) for label in labels], ("a",)).label


def outcome(rows):
    try:
        return inferred(rows)
    except BadInput as error:
        return type(error), str(error)


@pytest.mark.parametrize("text", NUMBERS)
def test_a_finite_decimal_number_makes_a_number_column(text):
    assert column_type(text, "3") == "number"
    assert number_text.parse_number(text) == float(text)


@pytest.mark.parametrize("text", TEXTS)
def test_ids_infinities_and_text_make_a_column_of_texts(text):
    assert column_type(text, "3") == "text"
    assert number_text.parse_number(text) is None


@pytest.mark.parametrize(
    "mark", ["", " ", "NA", "na", "N/A", "NaN", "null", "NULL", "None", "?", " ? "]
)
def test_a_mark_for_a_missing_value_leaves_a_number_column_one(mark):
    assert column_type("1", mark, "2.5") == "number"
    assert column_type("text", mark) == "text"


def test_a_column_that_is_all_missing_is_a_number_column():
    assert column_type("", "NA", "?") == "number"


def test_a_float_column_that_loses_its_fractions_stays_a_number_column():
    rows = [("1.5", "2", "0"), ("2", "3", "1"), ("4", "5", "0")]
    assert inferred(rows) == inferred(rows[1:])


def test_a_string_column_becomes_a_number_column_when_its_text_rows_go():
    rows = [("n7", "2", "0"), ("2", "3", "1"), ("4", "5", "0")]
    assert inferred(rows).columns == (Column("a", "text"), Column("b", "number"))
    assert inferred(rows[1:]).columns == (Column("a", "number"), Column("b", "number"))


def test_classes_are_sorted_as_numbers_or_as_text():
    assert labelled("10", "9", "2").classes == ("2", "9", "10")
    assert labelled("10", "9", "2", "x").classes == ("10", "2", "9", "x")
    assert labelled("1", "1.0", " 1", "+1", "0", "-0.0").classes == ("0", "1")


@pytest.mark.parametrize(
    ("labels", "task", "kind"),
    [
        (["0", "1"], "classification", "number"),
        ([str(n) for n in range(20)], "classification", "number"),
        ([str(n) for n in range(21)], "regression", "number"),
        (["0", "1", "0.5"], "regression", "number"),
        (["1.0", "2.0"], "classification", "number"),
        (["yes", "no"], "classification", "text"),
        (["0", "1", "0.5", "other"], "classification", "text"),
        (["01", "02"], "classification", "text"),
        ([f"c{n}" for n in range(1000)], "classification", "text"),
    ],
)
def test_the_label_decides_the_task(labels, task, kind):
    label = labelled(*labels)
    assert (label.task, label.kind) == (task, kind)
    assert len(label.classes) == (len(labels) if task == "classification" else 0)


def test_a_mark_is_a_class_among_text_labels_and_a_missing_label_among_numbers():
    text = labelled("yes", "no", "NA", "?")
    assert text.classes == ("?", "NA", "no", "yes")
    assert text.canonical("NA") == "NA"

    numbers = labelled("1", "2", "NA", "?")
    assert numbers.classes == ("1", "2")
    assert numbers.canonical("NA") is None


def test_a_row_with_a_marked_label_counts_for_the_columns_only_if_it_is_a_row():
    marked = ("text", "1", "NA")
    numbers = [("1", "1", "0"), ("2", "1", "1"), marked]
    assert inferred(numbers) == inferred(numbers[:2])
    assert inferred([*numbers, ("3", "1", "yes")]).columns[0] == Column("a", "text")
    assert inferred([*numbers, ("3", "1", "yes")][::-1]).columns[0] == Column("a", "text")


def test_a_row_without_a_label_says_nothing():
    rows = [("1", "1", "0"), ("2", "1", "1")]
    assert inferred([("text", "text", ""), *rows]) == inferred(rows)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "No row has a value in the label column 'label'"),
        (["", ""], "No row has a value in the label column 'label'"),
        (["NA", "?", "NA"], "No row has a value in the label column 'label'"),
        (["1", "1.0", "NA"], "has one class"),
        (["0.5", "0.5"], "has one class"),
        (["0", "-0.0"], "has one class"),
        (["yes", "yes", ""], "has one class"),
    ],
)
def test_labels_that_leave_nothing_to_learn_are_said_to(labels, message):
    with pytest.raises(NothingToLearn, match=message):
        labelled(*labels)


def test_text_with_more_than_a_thousand_values_is_no_label():
    with pytest.raises(BadInput, match="more than 1000 distinct") as caught:
        labelled(*(f"c{n}" for n in range(1001)))
    assert not isinstance(caught.value, NothingToLearn)


def test_many_numbers_and_one_text_are_too_many_classes_whichever_comes_first():
    labels = [*map(str, range(1000)), "text"]
    for order in (labels, labels[::-1]):
        with pytest.raises(BadInput, match="more than 1000 distinct"):
            labelled(*order)


def test_a_value_has_one_spelling():
    assert labelled("yes", "no").canonical("yes") == "yes"
    assert labelled("5", "3", "4").canonical(" 4.0") == "4"
    assert labelled("0.5", "3").canonical("3") == "3.0"
    assert labelled("5", "3").canonical("3.0") == "3"
    assert labelled("0.5", "3").canonical("") is None
    assert Column("a", "number").canonical(" 1e3 ") == "1000.0"
    assert Column("a", "number").canonical(" NA ") == ""
    assert Column("a", "number").canonical("three") is None
    assert Column("a", "text").canonical(" NA ") == " NA "


def test_a_table_without_a_label_is_a_legal_one_and_every_row_of_it_counts():
    evidence = Evidence(Roles(("a", "b")))
    evidence.add_block(text_batch([("1", ""), ("2", "x"), ("", "NA")], 2))
    assert evidence.conclude() == Schema((Column("a", "number"), Column("b", "text")))
    with pytest.raises(NothingToLearn, match="^No row is there.$"):
        Evidence(Roles(("a", "b"))).conclude()


@settings(deadline=None, max_examples=examples(150))
@given(rows=ROWS, data=st.data())
@example(rows=[("1", "1", "0"), ("1", "1", "-0.0"), ("1", "1", "1")], data=None)
@example(rows=[("1", "1", "1.5"), ("1", "1", "2")], data=None)
def test_the_order_of_the_rows_never_matters(rows, data):
    order = rows[::-1] if data is None else data.draw(st.permutations(rows))
    assert outcome(order) == outcome(rows)


@settings(deadline=None, max_examples=examples(150))
@given(rows=ROWS)
def test_the_same_rows_twice_tell_nothing_new(rows):
    assert outcome(rows + rows) == outcome(rows)


@settings(deadline=None, max_examples=examples(150))
@given(rows=ROWS, gone=st.data())
def test_without_some_rows_a_string_column_may_become_one_of_numbers_but_never_the_reverse(
    rows, gone
):
    fewer = gone.draw(st.lists(st.sampled_from(rows), min_size=1, unique=True))
    before, after = outcome(rows), outcome(fewer)
    if isinstance(before, Schema) and isinstance(after, Schema):
        assert {*before.names("number")} <= {*after.names("number")}
        label, later = before.label, after.label
        assert (label.kind, later.kind) != ("number", "text")
        assert (label.task, later.task) != ("classification", "regression") or label.kind == "text"


@given(rows=ROWS)
def test_a_schema_is_read_back_from_json_as_it_was(rows):
    schema = outcome(rows)
    if isinstance(schema, Schema):
        assert Schema.from_json(schema.to_json()) == schema


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_as_no_integer_and_read_back_bit_for_bit(number):
    text = number_text.number_text(number)
    assert "." in text or "e" in text
    back = number_text.parse_number(text)
    assert back == number and math.copysign(1, back) == math.copysign(1, number)


def test_what_is_remembered_does_not_grow_with_the_rows():
    evidence = Evidence(Roles(("a",), "label"))
    for number in range(0, 5000, 100):
        rows = [(str(one), str(one)) for one in range(number, number + 100)]
        evidence.add_block(text_batch(rows, 2))
        evidence.add_block(text_batch([(f"value {a}", f"label {b}") for a, b in rows], 2))
    assert evidence.labels[0].strings is None and evidence.labels[0].numbers is None
    assert len(canonical_json(evidence.to_json())) < 250
    evidence = Evidence(Roles(("a",), "label"))
    evidence.add_block(text_batch([("1", f"l{number}") for number in range(1000)], 2))
    evidence.add_block(text_batch([("1", str(number)) for number in range(20)], 2))
    assert evidence.labels[0].strings is None and len(evidence.labels[0].numbers) == 20


MORE = [str(number) for number in range(25)] + [f"c{number}" for number in range(1010)]


@settings(deadline=None, max_examples=examples(150))
@given(
    rows=ROWS,
    more=st.sampled_from([[], MORE[:19], MORE[:25], MORE[25:], MORE]),
    label=st.sampled_from(["label", None]),
    cuts=st.lists(st.integers(0, 8), max_size=3),
    data=st.data(),
)
def test_evidence_of_blocks_is_that_of_each_row_and_of_any_parts_merged(
    rows, more, label, cuts, data
):
    rows = data.draw(st.permutations(rows)) + [("1", "1", one) for one in more]
    roles = Roles(("a", "b") if label else ("a", "b", "c"), label)
    old, single, whole = OldEvidence(roles), Evidence(roles), Evidence(roles)
    for row in rows:
        old.add(row)
    for row in rows[:50]:
        single.add_block(text_batch([row], 3))
    whole.add_block(text_batch(rows, 3))
    parts = []
    for start, end in pairwise([0, *sorted(cuts), 50, len(rows)]):
        parts.append(Evidence(roles))
        parts[-1].add_block(text_batch(rows[start:end], 3))
    one = reduce(Evidence.merged, parts)
    other = reduce(Evidence.merged, data.draw(st.permutations(parts)))
    assert one == other == whole == reduce(Evidence.merged, [single, parts[-1]])
    assert canonical_json(one.to_json()) == canonical_json(whole.to_json())
    assert Evidence.from_json(json.loads(canonical_json(one.to_json())), roles) == whole
    assert said(whole) == said(old)
    assert (whole.rows, whole.marked_rows) == (old.rows, old.marked_rows)


def said(evidence):
    try:
        return evidence.conclude()
    except BadInput as error:
        return type(error), str(error)


BY_WORDS = Roles(("a", "b"), "label", Declarations(rules=WORD_RULES))
WORDED = st.lists(
    st.tuples(st.sampled_from(["one", "1", "", "we met at noon", "a  b\tc\nd", "1 2 3 4"]),
              st.sampled_from(["x", "7", "so it is now"]), st.sampled_from(["0", "1", "NA"])),
    min_size=1, max_size=9,
)  # fmt: skip


def worded(rows, roles=BY_WORDS):
    evidence = Evidence(roles)
    evidence.add_block(text_batch(rows, 3))
    return evidence


def test_a_column_is_of_words_if_half_of_its_rows_hold_several():
    rows = [("we met at noon", "x", "0"), ("at noon", "we met at noon", "1")]
    assert worded(rows).conclude().words == ("a", "b")
    assert worded([*rows, ("", "", "1")]).conclude().words == ()
    assert worded([*rows, ("so it is now", "", "1")]).conclude().words == ("a",)
    earlier = replace(BY_WORDS, said=Declarations(rules=2))
    assert worded(rows, earlier).conclude().words == ()
    assert "worded" not in worded(rows, earlier).to_json()


def test_without_some_rows_a_column_is_none_of_words_any_more():
    """So a plan finds another schema, and makes again whatever read the column so."""
    rows = [("we met at noon", "x", "0"), ("noon", "x", "1"), ("now", "x", "0")]
    assert worded(rows[:2]).conclude() != worded(rows).conclude()


@given(st.lists(st.sampled_from(["", "one", "a b c", "a b c d", " a\tb c  d ", "so it is now"])))
def test_each_row_of_words_counts_also_where_texts_are_alike(texts):
    found = rows_of_words(pa.array(["before", *texts], pa.string()).slice(1))
    assert found == sum(len(text.split()) >= 4 for text in texts)


@given(rows=WORDED, cut=st.integers(0, 9))
def test_rows_of_words_are_counted_in_any_parts_and_order(rows, cut):
    whole = worded(rows)
    one, other = worded(rows[cut:]), worded(rows[:cut]) if cut else Evidence(BY_WORDS)
    assert one.merged(other) == worded(rows[::-1]) == whole
    again = Evidence.from_json(json.loads(canonical_json(whole.to_json())), BY_WORDS)
    assert again == whole and again.to_json() == whole.to_json()
    try:
        schema = whole.conclude()
    except BadInput:
        return
    assert Schema.from_json(json.loads(canonical_json(schema.to_json()))) == schema
