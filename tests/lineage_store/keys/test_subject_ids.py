"""Spellings of ids: which are one, and which may be one."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.keys.secret import derive
from lineage_store.keys.subject_ids import canonical_id, entries_of, folded_id, why_alike

KEYS = derive(bytes(range(32)))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("17850.0", "17850"), ("1.785e4", "17850"), (" 17850", "17850"), ("17850 \t", "17850"),
        ("17850.", "17850"), ("1.785E+04", "17850"), ("0.50", "0.5"), ("-3.0", "-3"), ("-0", "0"),
        ("12345678901234567890.0", "12345678901234567890"), ("1e3", "1000"), ("5e-1", "0.5"),
        ("017850", "017850"), ("K-17", "K-17"), ("+17850", "+17850"), ("1,785", "1,785"),
        ("1_000", "1_000"), ("1e400", "1e400"), ("1e99999999", "1e99999999"), ("nan", "nan"),
        ("\uff11\uff17", "\uff11\uff17"),
        ("Mu\u0308ller", "Müller"), ("p003 ", "p003"), ("Ann  Lee", "Ann  Lee"),
        ("", ""), ("\u00a0x", "x"),
    ],
)  # fmt: skip
def test_the_canonical_form_is_a_function_of_the_text(text, canonical):
    assert canonical_id(text) == canonical


@given(st.text() | st.from_regex(r"[ ]?-?\d{1,30}(\.\d{0,9})?(e[+-]?\d{1,3})?", fullmatch=True))
def test_a_canonical_form_is_its_own(text):
    once = canonical_id(text)
    assert canonical_id(once) == once
    assert folded_id(text) == folded_id(once)


@given(st.integers(0, 2**53))
def test_a_whole_number_that_became_a_float_is_the_same_person(number):
    assert canonical_id(repr(float(number))) == str(number)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("Anna Müller", "anna müller", "case"),
        ("Anna Müller", "Anna Muller", "accents"),
        ("Anna Müller", "Anna Mueller", "accents"),
        ("Anna Müller", unicodedata.normalize("NFD", "anna Müller"), "case"),
        ("Anna Müller", "Müller Anna", "order of words"),
        ("Anna Müller", "MUELLER, ANNA",
         "case, accents, spaces or punctuation, order of words"),
        ("Sean O'Brien", "Sean OBrien", "spaces or punctuation"),
        ("Sean O'Brien", "Sean O\u2019Brien", "spaces or punctuation"),
        ("person-1", "person-001", "zeros before numbers"),
        ("person-1", "person 1", "spaces or punctuation"),
        ("17850", "017850", "zeros before numbers"),
        ("p003", "P003", "case"),
        ("Łukasz Æbelø", "lukasz abelo", "case, accents"),
        ("GROSS", "groß", "case"),
    ],
)  # fmt: skip
def test_ids_that_may_be_one_fold_alike_and_it_is_said_why(one, other, why):
    assert folded_id(one) == folded_id(other)
    assert why_alike(one, other) == why_alike(other, one) == why


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("person-1", "person-2"), ("person-1", "person-11"), ("Ann Lee", "Anne Lee"),
        ("17850", "-17850.5"), ("??", "?"), ("Ivan Müller", "Nora Müller"), ("a b", "ab"),
        ("1 2", "12"),
    ],
)  # fmt: skip
def test_ids_of_two_people_do_not(one, other):
    assert folded_id(one) != folded_id(other)


def test_the_manifest_is_asked_for_an_id_as_given_and_as_canonical():
    def entry(text):
        return KEYS.commitment(kind="subject", value=text.encode("utf-8"))

    assert entries_of(KEYS, "17850.0") == (entry("17850.0"), entry("17850"))
    assert entries_of(KEYS, "17850") == (entry("17850"),)
