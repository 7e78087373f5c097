"""Sums: whatever is taken out, and in whatever order it came, the bytes are as if never given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import BadInput, CheckFailed
from unlearning.bayes import naive_bayes
from unlearning.bayes.naive_bayes import (
    Sums,
    added,
    nothing,
    probabilities,
    subtracted,
    sums_of,
)

ROWS = st.lists(
    st.tuples(st.integers(-2, 2), st.integers(-1, 1), st.integers(0, 2)), min_size=0, max_size=30
)


def arrays(rows):
    table = np.array(rows, np.int64).reshape(-1, 3)
    return table[:, :2], table[:, 2]


def bytes_of(sums):
    return {name: (a.dtype, a.shape, a.tobytes()) for name, a in sums.to_state().items()}


@given(rows=ROWS, draw=st.randoms(use_true_random=False))
def test_what_is_taken_out_leaves_the_bytes_of_never_having_been_there(rows, draw):
    gone = [draw.random() < 0.4 for _ in rows]
    left = [row for row, out in zip(rows, gone, strict=True) if not out]
    draw.shuffle(left)
    out = [row for row, out in zip(rows, gone, strict=True) if out]
    result = subtracted(sums_of(*arrays(rows)), sums_of(*arrays(out)))
    assert bytes_of(result) == bytes_of(sums_of(*arrays(left)))
    assert bytes_of(added(result, sums_of(*arrays(out)))) == bytes_of(sums_of(*arrays(rows)))


@given(rows=ROWS.filter(len), place=st.integers(0, 29))
def test_an_untouched_state_is_another_than_without_a_row(rows, place):
    rest = rows[: place % len(rows)] + rows[place % len(rows) + 1 :]
    assert bytes_of(sums_of(*arrays(rows))) != bytes_of(sums_of(*arrays(rest)))


def test_a_value_and_a_class_that_nobody_has_any_more_leave_no_trace():
    values, labels = arrays([(1, 0, 0), (2, 0, 0), (3, 0, 1)])
    left = subtracted(sums_of(values, labels), sums_of(values[2:], labels[2:]))
    assert left.classes.tolist() == [0]
    assert left.keys.tolist() == [1, 2, 0]
    assert left.counts.tolist() == [[1], [1], [2]]


def test_sums_of_nothing_have_no_state():
    assert nothing().to_state() == {}
    assert Sums.from_state({}).rows == 0
    whole = sums_of(*arrays([(1, 0, 0)]))
    assert subtracted(whole, whole).to_state() == {}


@pytest.mark.parametrize("stranger", [(9, 0, 0), (1, 0, 1)])
def test_rows_that_were_never_summed_cannot_be_taken_out(stranger):
    with pytest.raises(CheckFailed, match="not among those"):
        subtracted(sums_of(*arrays([(1, 0, 0), (1, 1, 0)])), sums_of(*arrays([stranger])))


def test_more_rows_than_sums_can_hold_exactly_are_refused_at_the_limit(monkeypatch):
    monkeypatch.setattr(naive_bayes, "MOST_ROWS", 3)
    two, one = sums_of(*arrays([(1, 0, 0)] * 2)), sums_of(*arrays([(1, 0, 0)]))
    three = added(two, one)
    assert three.rows == 3
    with pytest.raises(BadInput, match="cannot hold exactly"):
        added(three, one)


def test_probabilities_are_those_of_the_formula():
    sums = sums_of(*arrays([(1, 0, 0), (1, 1, 0), (2, 0, 1)]))
    shares = probabilities(sums, np.array([[1, 0], [7, 7]], np.int64), classes=[0, 1, 2])
    # Priors 3/6, 2/6, 1/6; of column 0 the shares of value 1 are 3/5, 1/4, 1/3, of an unseen one
    # 1/5, 1/4, 1/3; of column 1 those of value 0 are 2/5, 2/4, 1/3, of an unseen one as before.
    seen = np.array([3 / 6 * 3 / 5 * 2 / 5, 2 / 6 * 1 / 4 * 2 / 4, 1 / 6 / 9])
    unseen = np.array([3 / 6 / 25, 2 / 6 / 16, 1 / 6 / 9])
    assert shares == pytest.approx(np.stack([seen / seen.sum(), unseen / unseen.sum()]))


def test_a_row_of_weight_0_leaves_no_trace_of_its_values_or_its_class():
    values, labels = arrays([(1, 0, 0), (2, 0, 1)])
    found = sums_of(values, labels, np.array([2, 0]))
    assert bytes_of(found) == bytes_of(sums_of(*arrays([(1, 0, 0), (1, 0, 0)])))
    assert sums_of(values, labels, np.zeros(2, np.int64)).rows == 0


@given(rows=ROWS, draw=st.randoms(use_true_random=False))
def test_a_whole_weight_is_so_many_equal_rows_whatever_is_taken_out(rows, draw):
    weights = np.array([draw.randrange(4) for _ in rows], np.int64)
    gone = np.array([draw.random() < 0.4 for _ in rows], bool)
    repeated = [row for row, times in zip(rows, weights, strict=True) for _ in range(times)]
    values, labels = arrays(rows)
    assert bytes_of(sums_of(values, labels, weights)) == bytes_of(sums_of(*arrays(repeated)))
    ones = np.ones(len(rows), np.int64)
    assert bytes_of(sums_of(values, labels, ones)) == bytes_of(sums_of(values, labels))
    left, out = (sums_of(values[part], labels[part], weights[part]) for part in (~gone, gone))
    assert bytes_of(subtracted(sums_of(values, labels, weights), out)) == bytes_of(left)
    assert bytes_of(added(left, out)) == bytes_of(sums_of(values, labels, weights))


@given(rows=ROWS, draw=st.randoms(use_true_random=False))
def test_many_rows_are_summed_and_subtracted_to_the_bytes_of_a_few(rows, draw):
    weights = np.array([draw.randrange(3) for _ in rows], np.int64)
    gone = np.array([draw.random() < 0.3 for _ in rows], bool)
    values, labels = arrays(rows)

    def found():
        whole = sums_of(values, labels, weights)
        out = sums_of(values[gone], labels[gone], weights[gone])
        return [bytes_of(one) for one in (whole, out, subtracted(whole, out))]

    few = found()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(naive_bayes, "SMALL", -1)
        patched.setattr(naive_bayes, "FEW", -1)
        assert found() == few
    left = sums_of(values[~gone], labels[~gone], weights[~gone])
    assert few[2] == bytes_of(left)
