"""Features are chosen by what the rows that are there tell of the label, anew without some."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from tests.unlearning.linear.test_gram import TABLES, steps_of
from tests.unlearning.linear.test_ridge_solve import rows_of
from unlearning.linear.ridge_part import RidgePart, RidgeRule
from unlearning.linear.row_sums import gram_of
from unlearning.linear.selection import chosen, marginals_of, scores_of


def part_of(rule, rows, *, classes):
    return rule.part_of(lambda: [steps_of(rows, classes=classes)] if rows else [])


def entries_of(part):
    return {*zip(part.sums.columns.tolist(), part.sums.keys.tolist(), strict=True)}


def bytes_of(part):
    return {name: (a.shape, a.tobytes()) for name, a in part.to_state().items()}


@given(TABLES, st.integers(1, 6), st.data())
def test_without_rows_the_part_is_that_of_the_others_or_they_are_read_again(table, most, data):
    classes, rows = table
    if len(rows) < 2:
        return
    places = st.sampled_from(range(len(rows)))
    gone = data.draw(st.lists(places, unique=True, min_size=1, max_size=len(rows) - 1))
    rule = RidgeRule(1.0, most)
    whole = part_of(rule, rows, classes=classes)
    assert bytes_of(RidgePart.from_state(whole.to_state())) == bytes_of(whole)
    out = [rows[place] for place in gone]
    left = [one for place, one in enumerate(rows) if place not in gone]
    wanted = part_of(rule, left, classes=classes)
    result = rule.less(whole, lambda: [steps_of(out, classes=classes)])
    if result is None:
        assert entries_of(wanted) - entries_of(whole)
    else:
        assert bytes_of(result) == bytes_of(wanted)


def test_an_entry_that_is_chosen_after_a_deletion_was_never_summed_and_the_rows_are_read():
    tells = [((0, 0), (2, None, None), 0)] * 3
    others = [
        ((0, 0), entries, label)
        for entries, label in (((None, 7, None), 1), ((None,) * 3, 1), ((None,) * 3, 0))
    ]
    rule = RidgeRule(1.0, 1)
    whole = part_of(rule, tells + others, classes=True)
    assert whole.sums.keys.tolist() == [2]
    assert rule.less(whole, lambda: [steps_of(tells, classes=True)]) is None
    assert part_of(rule, others, classes=True).sums.keys.tolist() == [7]
    fewer = rule.less(whole, lambda: [steps_of(tells[:1], classes=True)])
    assert bytes_of(fewer) == bytes_of(part_of(rule, tells[1:] + others, classes=True))


def test_scores_are_pearsons_chi_square_and_the_squared_correlation():
    draw = np.random.default_rng(3)
    numbers = np.column_stack([draw.normal(2_000, 3, 400), draw.normal(size=400), np.ones(400)])
    texts = draw.integers(0, [4, 9], (400, 2))
    values = numbers[:, 0] + texts[:, 1] + draw.normal(size=400)
    classes = np.digitize(values, np.quantile(values, [0.3, 0.7]))
    ones = [texts[:, place] == key for place, size in ((0, 4), (1, 9)) for key in range(size)]
    rows = rows_of(numbers, texts, classes=classes)
    sums, marginals = gram_of(rows), marginals_of(rows)
    counts = marginals.rows.astype(object)
    by_class = [[np.bincount(classes[one], minlength=3) for one in (its, ~its)] for its in ones]
    wanted = [chi2_contingency(one, correction=False)[0] for one in by_class]
    assert scores_of(sums, counts, counts, marginals.labels) == pytest.approx(wanted)
    rows = rows_of(numbers, texts, values=values)
    sums, marginals = gram_of(rows), marginals_of(rows)
    squares = np.diagonal(sums.number_pairs)
    by_number = scores_of(sums, sums.number_totals, squares, sums.label_numbers)
    by_entry = scores_of(sums, counts, counts, marginals.labels)
    assert by_number[2] == 0  # it does not vary
    features = [*numbers[:, :2].T, *ones]
    wanted = np.array([np.corrcoef(one, values)[0, 1] ** 2 for one in features])
    scores = np.concatenate([by_number[:2], by_entry])
    assert scores / scores.max() == pytest.approx(wanted / wanted.max(), rel=1e-4)


def test_of_equal_scores_the_first_is_chosen():
    rows = steps_of([((1, 1), (4, 4, 4), 1), ((2, 2), (5, 5, 5), 0)], classes=True)
    numbers, entries = chosen(gram_of(rows), marginals_of(rows), most=3)
    assert numbers.tolist() == [True, True]
    assert entries.tolist() == [True, False, False, False, False, False]
