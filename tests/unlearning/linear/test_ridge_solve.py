"""The weights are those of scikit-learn's ridge on standardized numbers, and follow from sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from tests.unlearning.linear.test_gram import TABLES, steps_of
from unlearning.linear.gram import gram_added
from unlearning.linear.grid import STEPS_OF_ONE
from unlearning.linear.ridge_solve import LEAST, answers_of, solved
from unlearning.linear.row_sums import RowSteps, gram_of

PENALTY = 2.5


@pytest.fixture
def table():
    """Rows with numbers far from zero and far apart in scale, texts, and a label of both."""
    draw = np.random.default_rng(3)
    numbers = np.column_stack(
        [draw.normal(2_000, 3, 400), draw.normal(0, 1e5, 400), np.full(400, 7.0)]
    )
    texts = draw.integers(0, [4, 9], (400, 2))
    effect = draw.normal(size=9)
    values = 3 * numbers[:, 0] - numbers[:, 1] / 1e4 + effect[texts[:, 1]] + draw.normal(size=400)
    return numbers, texts, values


def rows_of(numbers, texts, *, values=None, classes=None):
    return RowSteps(
        np.rint(numbers * STEPS_OF_ONE).astype(np.int64),
        np.array([3, 4]),
        texts,
        np.ones(texts.shape, bool),
        classes,
        None if values is None else np.rint(values * STEPS_OF_ONE).astype(np.int64),
    )


def by_scikit(numbers, texts, values):
    spread = numbers.std(axis=0)
    spread[spread == 0] = 1
    encoded = np.concatenate([np.eye(4)[texts[:, 0]], np.eye(9)[texts[:, 1]]], axis=1)
    features = np.concatenate([(numbers - numbers.mean(axis=0)) / spread, encoded], axis=1)
    return Ridge(alpha=PENALTY, solver="svd").fit(features, values).predict(features)


def test_values_are_those_of_ridge_on_standardized_numbers(table):
    numbers, texts, values = table
    rows = rows_of(numbers, texts, values=values)
    sums = gram_of(rows)
    outputs = (
        answers_of(sums, solved(sums, penalty=PENALTY), rows, classes=None)[:, 0] / STEPS_OF_ONE
    )
    assert outputs == pytest.approx(by_scikit(*table), abs=1e-3)


def test_shares_are_those_of_ridge_for_each_class(table):
    numbers, texts, values = table
    classes = np.where(values > np.median(values), 11, -5)
    rows = rows_of(numbers, texts, classes=classes)
    sums = gram_of(rows)
    outputs = answers_of(sums, solved(sums, penalty=PENALTY), rows, classes=[99, 11, -5])
    wanted = by_scikit(numbers, texts, (classes == 11).astype(float))
    cut = np.maximum([np.zeros(400), wanted, 1 - wanted], LEAST)
    assert outputs == pytest.approx((cut / cut.sum(axis=0)).T, abs=1e-6)


def test_a_text_that_was_never_seen_and_one_that_is_missing_say_nothing(table):
    numbers, texts, values = table
    rows = rows_of(numbers, texts, values=values)
    sums = gram_of(rows)
    weights = solved(sums, penalty=PENALTY)
    never = RowSteps(rows.numbers, rows.columns, texts + 100, rows.there, None, rows.values)
    not_there = RowSteps(rows.numbers, rows.columns, texts, ~rows.there, None, rows.values)
    outputs = [answers_of(sums, weights, one, classes=None) for one in (never, not_there)]
    assert np.array_equal(*outputs)
    assert np.allclose(outputs[0][:, 0], rows.numbers @ weights.numbers[:, 0] + weights.intercepts)


@given(TABLES, st.data())
def test_weights_follow_from_the_sums_alone_and_are_finite(table, data):
    classes, rows = table
    if not rows:
        return
    cut = data.draw(st.integers(0, len(rows)))
    one = gram_of(steps_of(rows, classes=classes))
    halves = [gram_of(steps_of(part, classes=classes)) for part in (rows[:cut], rows[cut:])]
    mine, its = (solved(sums, penalty=1e-9).to_state() for sums in (one, gram_added(*halves)))
    for name, array in mine.items():
        assert np.isfinite(array).all()
        assert array.tobytes() == its[name].tobytes()
