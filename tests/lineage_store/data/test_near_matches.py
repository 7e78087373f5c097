"""Ids that look like the same subject's: the taxi companies' twins, and what is never alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.data.near_matches import NAME, NUMBER, SPELLING, ids_in, near_ids, why_near
from lineage_store.errors import BadInput
from lineage_store.sources.source import open_source

TEXT = st.text(max_size=20)


@pytest.mark.parametrize(
    "one, other, why",
    [
        ("2192 - Zeymane Corp", "2192 - 73487 Zeymane Corp", NUMBER),
        ("5129 - Mengisti Taxi", "5129 - 98755 Mengisti Taxi", NUMBER),
        ("3201 - C&D Cab Co Inc", "C & D Cab Co Inc", NUMBER),
        ("3201 - C&D Cab Co Inc", "3201 - CID Cab Co Inc", NAME),
        ("Chicago Elite Cab Corp.", "Chicago Elite Cab Corp. (Chicago Carriag", NAME),
        ("Anna  Müller", "anna muller", SPELLING),
        ("person-007", "Person 7", SPELLING),
        ("a@b.org", "A@B.ORG ", SPELLING),
        ("person-01", "person-02", None),
        ("person-01", "person-1", SPELLING),
        ("Blue Cab", "Red Cab", None),
        ("12345", "12346", None),
        ("12345", "012345", SPELLING),
        ("5129 - 87128", "5129 - Mengisti Taxi", None),
        ("same", "same", None),
        ("", " ", None),
    ],
)
def test_what_looks_alike_and_why(one, other, why):
    assert why_near(one, other) == why == why_near(other, one)


@given(one=TEXT, other=TEXT)
def test_likeness_is_mutual_and_never_with_itself(one, other):
    assert why_near(one, one) is None
    assert why_near(one, other) == why_near(other, one)


@given(
    words=st.lists(st.sampled_from(["anna", "müller", "cab", "17", "004"]), min_size=1, max_size=4),
    between=st.sampled_from([" ", "  ", "-", ", "]),
    change=st.sampled_from([str.upper, str.title, lambda text: f" {text} "]),
)
def test_case_and_space_never_hide_a_twin(words, between, change):
    one, other = " ".join(words), change(between.join(words))
    assert one == other or why_near(one, other) == SPELLING


def test_ids_that_were_given_are_no_near_matches_and_the_surest_reason_counts():
    known = ["Anna Ott", "anna ott", "Anna Ott 2", "Bert"]
    assert near_ids(["Anna Ott"], known) == {"anna ott": SPELLING, "Anna Ott 2": NUMBER}
    assert near_ids(["Anna Ott", "anna ott 2"], known) == {
        "anna ott": SPELLING, "Anna Ott 2": SPELLING
    }  # fmt: skip


def test_the_ids_of_a_file_are_read_once_each(write_csv):
    path = write_csv([["a", " who "], ["1", "x"], ["2", "y"], ["3", "x"]])
    assert list(ids_in(open_source(path), "who")) == ["x", "y"]
    with pytest.raises(BadInput, match="There is no column 'name'"):
        list(ids_in(open_source(path), "name"))
    with pytest.raises(BadInput, match=r"none\.csv cannot be read: No such file"):
        list(ids_in(open_source(path.with_name("none.csv")), "who"))


def test_a_line_that_does_not_fit_is_told(write_csv):
    path = write_csv([["a", "who"], ["1", "x"], ["2"]])
    with pytest.raises(BadInput, match=r"Line 3 of .* has 1 fields, and line 1 has 2"):
        list(ids_in(open_source(path), "who"))
