"""Gram sums are what Python's own integers say, and lose a row as if it had never been there."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput, CheckFailed
from unlearning.linear import gram, row_sums
from unlearning.linear.gram import GramSums, gram_added, gram_subtracted, no_gram
from unlearning.linear.grid import LIMIT
from unlearning.linear.row_sums import MOST_AT_ONCE, RowSteps, gram_of

STEPS = st.one_of(st.integers(-LIMIT, LIMIT), st.sampled_from([-LIMIT, LIMIT, -1, 0, 1]))
COLUMNS = (3, 0, 1)


def row(*, numbers=2, classes):
    label = st.integers(-2, 2) if classes else STEPS
    entry = st.one_of(st.none(), st.integers(-3, 3))
    return st.tuples(st.tuples(*[STEPS] * numbers), st.tuples(*[entry] * 3), label)


TABLES = st.booleans().flatmap(
    lambda classes: st.tuples(st.just(classes), st.lists(row(classes=classes), max_size=12))
)


def steps_of(rows, *, classes):
    there = np.array([[one is not None for one in entries] for _, entries, _ in rows], bool)
    labels = np.array([label for *_, label in rows], np.int64)
    return RowSteps(
        numbers=np.array([numbers for numbers, *_ in rows], np.int64).reshape(len(rows), 2),
        columns=np.array(COLUMNS),
        entries=np.array([[one or 0 for one in e] for _, e, _ in rows], np.int64).reshape(-1, 3),
        there=there.reshape(-1, 3),
        classes=labels if classes else None,
        values=None if classes else labels,
    )


def summed(rows, *, classes):
    return gram_of(steps_of(rows, classes=classes))


def plainly(rows, *, classes):
    """The sums of products of any two of a row's features, by Python's integers."""
    found = {}
    for numbers, entries, label in rows:
        features = {("one",): 1}
        features |= {("number", place): one for place, one in enumerate(numbers)}
        features |= {
            ("entry", column, one): 1
            for column, one in zip(COLUMNS, entries, strict=True)
            if one is not None
        }
        label_features = {("class", label): 1} if classes else {("value",): label}
        for one, its in features.items():
            for other, amount in {**features, **label_features}.items():
                found[one, other] = found.get((one, other), 0) + its * amount
    return found


def by_name(sums: GramSums):
    """The same of sums, as names of features."""
    numbers = [("number", place) for place in range(sums.numbers)]
    entries = [
        ("entry", *one) for one in zip(sums.columns.tolist(), sums.keys.tolist(), strict=True)
    ]
    labels = [("class", key) for key in sums.classes.tolist()] or [("value",)]
    one = ("one",)
    found = {(one, one): sums.rows}

    def tell(rows, columns, table, *, both=True):
        for place, name in enumerate(rows):
            for at, other in enumerate(columns):
                found[name, other] = int(table[place, at])
                if both:
                    found[other, name] = found[name, other]

    tell([one], numbers, sums.number_totals[np.newaxis])
    tell([one], entries, sums.entry_rows[np.newaxis])
    tell([one], labels, sums.label_totals[np.newaxis], both=False)
    tell(numbers, numbers, sums.number_pairs)
    tell(numbers, entries, sums.number_entries)
    tell(entries, entries, sums.pairs)
    tell(numbers, labels, sums.label_numbers, both=False)
    tell(entries, labels, sums.label_entries, both=False)
    return found


def same(one, other):
    mine, its = one.to_state(), other.to_state()
    return mine.keys() == its.keys() and all(
        mine[name].tobytes() == its[name].tobytes() and mine[name].shape == its[name].shape
        for name in mine
    )


@given(TABLES)
def test_sums_are_those_of_pythons_integers(table):
    classes, rows = table
    if rows:
        found, wanted = by_name(summed(rows, classes=classes)), plainly(rows, classes=classes)
        assert {name: one for name, one in found.items() if one} == {
            name: one for name, one in wanted.items() if one
        }


@given(TABLES, st.data())
def test_what_rows_added_is_subtracted_whatever_the_order(table, data):
    classes, rows = table
    places = st.sampled_from(range(len(rows))) if rows else st.nothing()
    gone = data.draw(st.lists(places, unique=True))
    cut = data.draw(st.integers(0, len(rows)))
    mixed = data.draw(st.permutations(rows))
    whole = gram_added(summed(mixed[:cut], classes=classes), summed(mixed[cut:], classes=classes))
    assert same(whole, summed(rows, classes=classes))
    left = [one for place, one in enumerate(rows) if place not in gone]
    result = gram_subtracted(whole, summed([rows[place] for place in gone], classes=classes))
    assert same(result, summed(left, classes=classes))
    assert same(GramSums.from_state(result.to_state()), result)


ROW = ((LIMIT, -LIMIT), (1, None, 2), LIMIT)


def test_what_was_not_summed_is_not_subtracted():
    whole = summed([ROW, ((1, 1), (1, None, None), 5)], classes=False)
    for other in (((1, 1), (2, None, None), 5), ((LIMIT, 1), (None, None, None), 1)):
        with pytest.raises(CheckFailed, match="not among those that were summed"):
            mine = summed([((LIMIT, -LIMIT), (1, None, None), 1)], classes=False)
            gram_subtracted(mine, summed([other], classes=False))
    with pytest.raises(CheckFailed, match="not among"):
        gram_subtracted(no_gram(), whole)
    with pytest.raises(CheckFailed, match="other columns"):
        gram_subtracted(replace(whole, number_totals=np.zeros(5, object)), whole)


def test_sums_hold_the_most_rows_of_the_greatest_steps_and_refuse_one_more():
    one = summed([ROW], classes=False)
    many = {
        name: getattr(one, name) * gram.MOST_ROWS
        for name in (
            "rows", "pairs", "number_totals", "number_pairs", "number_entries", "label_totals",
            "label_numbers", "label_entries",
        )
    }  # fmt: skip
    full = replace(one, **many)
    assert same(GramSums.from_state(full.to_state()), full)
    assert full.number_pairs[0, 0] == LIMIT**2 * gram.MOST_ROWS
    with pytest.raises(BadInput, match="more than 2,147,483,647 rows"):
        gram_added(full, one)


def test_a_full_piece_of_the_greatest_steps_is_summed_exactly():
    rows = steps_of([ROW, ((-LIMIT + 1, LIMIT), (0, 0, 0), -LIMIT)], classes=False)
    times = MOST_AT_ONCE // 2
    many = RowSteps(
        *(np.repeat(one, times, axis=0) for one in (rows.numbers,)), rows.columns,
        np.repeat(rows.entries, times, axis=0), np.repeat(rows.there, times, axis=0), None,
        np.repeat(rows.values, times),
    )  # fmt: skip
    sums, one = gram_of(many), gram_of(rows)
    for name in ("pairs", "number_pairs", "number_entries", "label_numbers", "label_entries"):
        assert (getattr(sums, name) == getattr(one, name) * times).all()


def test_more_entries_than_pairs_are_kept_of_are_refused(monkeypatch):
    monkeypatch.setattr(gram, "MOST_ENTRIES", 3)
    rows = [((1, 1), (n, None, None), 0) for n in range(4)]
    with pytest.raises(BadInput, match="4 different values together"):
        summed(rows, classes=False)
    with pytest.raises(BadInput, match="4 different values together"):
        gram_added(summed(rows[:2], classes=False), summed(rows[2:], classes=False))


@given(TABLES)
def test_rows_that_are_summed_column_by_column_have_the_bytes_of_a_few_summed_at_once(table):
    classes, rows = table
    at_once = summed(rows, classes=classes)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(row_sums, "SOME", 0)
        patched.setattr(row_sums, "FEW", -1)
        by_column = summed(rows, classes=classes)
    assert same(at_once, by_column)
