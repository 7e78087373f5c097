"""Risk rules: a row's band follows from its own text and the rules, and no text is recorded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.data.risk import bands_of, parse_rules
from lineage_store.errors import BadInput

NUMBERS = st.floats(-1e6, 1e6).map(repr)


def parsed(*texts):
    return [(rule.column, rule.comparison, rule.value) for rule in parse_rules(texts)]


def test_a_rule_is_a_column_a_comparison_and_a_value():
    assert parsed("p>=0.01", "age<30", "state=CA", " age of person < 1e2", "kind=a=b", "note=") == [
        ("p", ">=", "0.01"),
        ("age", "<", "30"),
        ("state", "=", "CA"),
        ("age of person", "<", " 1e2"),
        ("kind", "=", "a=b"),
        ("note", "=", ""),
    ]


@pytest.mark.parametrize("text", ["", "age", "=5", "  <5", "age>5", "Ann Smith"])
def test_what_is_no_rule_is_named_by_its_number_alone(text):
    with pytest.raises(BadInput, match=r"Risk rule 2 is none: write COLUMN=TEXT") as caught:
        parse_rules(["p>=1", text])
    assert "Smith" not in str(caught.value)


@pytest.mark.parametrize("text", ["age<Ann", "age<=5", "age>=", "age>=nan", "age<1,5"])
def test_a_cut_point_that_is_no_number_is_refused_without_being_said(text):
    with pytest.raises(BadInput, match=r"Risk rule 1 .* column 'age' with what is no number") as c:
        parse_rules([text])
    assert "Ann" not in str(c.value)


@given(here=NUMBERS, cut=NUMBERS)
def test_for_a_number_either_below_or_from_the_cut_point_on_holds(here, cut):
    (below,) = parse_rules([f"p<{cut}"])
    (above,) = parse_rules([f"p>={cut}"])
    assert below.holds(here) == (float(here) < float(cut))
    assert below.holds(here) != above.holds(here)


@pytest.mark.parametrize("text", ["", "NA", "?", "ten", "1,5", "inf"])
def test_for_what_is_no_number_neither_holds(text):
    assert not any(rule.holds(text) for rule in parse_rules(["p<5", "p>=5", "p<-5"]))


def test_texts_are_equal_as_given_or_not_at_all():
    (rule,) = parse_rules(["code=007"])
    assert rule.holds("007")
    assert not any(rule.holds(text) for text in ("7", " 007", "7.0", ""))


def test_the_last_rule_that_holds_tells_the_band():
    rules = parse_rules(["p>=0.01", "p>=0.1", "state=CA"])
    fields = [("0.005", "NV"), ("0.01", "NV"), ("0.5", "NV"), ("", "CA"), ("0.5", "CA"), ("", "")]
    columns = [(texts, np.arange(6)) for texts in zip(*((p, p, s) for p, s in fields), strict=True)]
    assert bands_of(rules, columns).tolist() == [0, 1, 2, 3, 3, 0]
    assert bands_of(rules[2:], [(["NV", "CA"], np.array([1, 0, 1]))]).tolist() == [1, 0, 1]


def test_a_text_that_a_rule_compares_with_is_not_recorded():
    recorded = [rule.recorded() for rule in parse_rules(["name=Ann Smith", "p>= 0.10", "age<30"])]
    assert recorded == ["name = (text)", "p >= 0.10", "age < 30"]


LINES = [["id", "who", "p", "a", "label"]] + [
    [f"r{number}", f"person-{number % 7}", f"{number % 10 / 10}", str(number), str(number % 2)]
    for number in range(60)
]


def test_the_gate_puts_the_band_before_the_digest_and_leaves_the_rest_of_it(write_csv, read_csv):
    path = write_csv(LINES)
    columns = {"subjects": ("who",), "row_id": "id", "drop": ("p",)}
    _, plain = read_csv(path, **columns)
    header, records = read_csv(path, **columns, risk=parse_rules(["p>=0.3", "p>=0.8"]))
    assert header.roles.columns == ("a",), "the column is no feature, and tells the band"
    for line, before, after in zip(LINES[1:], plain, records, strict=True):
        assert after.place[0] == (float(line[2]) >= 0.3) + (float(line[2]) >= 0.8)
        assert after.place[1:] == before.place[1:]
        assert (after.row_key, after.split, after.values) == (
            before.row_key,
            before.split,
            before.values,
        )


@given(data=st.data())
def test_a_row_s_place_depends_on_the_row_alone(write_csv, read_csv, data):
    options = {"row_id": "id", "risk": parse_rules(["p>=0.3", "who=person-3"])}
    header, *rows = LINES
    some = data.draw(st.lists(st.sampled_from(rows), min_size=1, unique_by=lambda row: row[0]))

    def places(lines):
        _, records = read_csv(write_csv([header, *lines]), **options)
        return {record.row_key: record.place for record in records}

    everyone = places(rows)
    alone = places(some)
    assert alone == {key: everyone[key] for key in alone} and len(alone) == len(some)


def test_a_rule_on_a_column_that_is_not_there_is_named(write_csv, read_csv):
    with pytest.raises(BadInput, match="no column 'q'"):
        read_csv(write_csv(LINES), risk=parse_rules(["q>=1"]))
