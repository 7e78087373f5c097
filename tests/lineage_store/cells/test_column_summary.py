"""Summaries of columns: no order of rows or merges changes a bit, and sums are exact."""

import json
import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.cells import NumberSummary, TextSummary, summary_of_numbers, summary_of_texts
from lineage_store.cells.column_summary import MOST_TEXTS, order_keys, values_of

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)
CELLS = st.lists(st.lists(st.none() | FLOATS, max_size=8), min_size=1, max_size=5)


def of_numbers(cell):
    there = np.array([one for one in cell if one is not None], np.float32)
    return summary_of_numbers(there, rows=len(cell))


def exact(values):
    return [Fraction(float(np.float32(one))) for one in values]


@given(CELLS, st.randoms(use_true_random=False))
def test_however_rows_are_cut_and_merged_the_summary_of_numbers_is_the_same(cells, draw):
    rows = [one for cell in cells for one in cell]
    whole = of_numbers(rows)
    summaries = [of_numbers(cell) for cell in cells]
    draw.shuffle(summaries)
    draw.shuffle(rows)
    for other in (reduce(NumberSummary.merged, summaries, NumberSummary()), of_numbers(rows)):
        assert repr((other.mean, other.deviation, other.quantiles(10))) == repr(
            (whole.mean, whole.deviation, whole.quantiles(10))
        )
        assert other == whole


@given(st.lists(st.none() | FLOATS, max_size=8))
def test_what_is_written_is_read_back_and_so_is_what_an_earlier_unweave_wrote(cell):
    summary = of_numbers(cell)
    text = json.dumps(summary.to_json())
    assert NumberSummary.from_json(json.loads(text)) == summary
    pairs = {name: sorted(getattr(summary, name).items()) for name in ("sums", "squares", "grid")}
    earlier = json.loads(json.dumps({**summary.to_json(), **pairs}))
    assert NumberSummary.from_json(earlier) == summary


@given(st.lists(FLOATS, min_size=1, max_size=30))
def test_mean_and_deviation_are_those_of_the_exact_sums(values):
    found, numbers = of_numbers(values), exact(values)
    mean = sum(numbers) / len(numbers)
    assert found.mean == float(mean)
    assert found.deviation == math.sqrt(sum((one - mean) ** 2 for one in numbers) / len(numbers))


@given(st.lists(FLOATS, min_size=1, max_size=60), st.integers(1, 12))
def test_quantiles_are_the_values_of_their_ranks_as_far_as_the_grid_tells(values, parts):
    ordered = sorted(float(np.float32(one)) for one in values)
    found = of_numbers(values).quantiles(parts)
    assert (found[0], found[-1]) == (ordered[0], ordered[-1])
    for place, value in enumerate(found):
        wanted = ordered[min(len(ordered) * place // parts, len(ordered) - 1)]
        assert abs(value - wanted) <= abs(wanted) * 2.0**-11 + 2.0**-137


@given(st.lists(FLOATS, min_size=2, max_size=30))
def test_order_keys_are_in_the_order_of_values_and_lead_back_to_them(values):
    given_ = np.array(values, np.float32)
    keys = order_keys(given_)
    assert values_of(keys).tobytes() == given_.tobytes()
    assert np.all(np.diff(given_[np.argsort(keys)]) >= 0)


TEXTS = st.dictionaries(st.binary(max_size=3), st.integers(1, 9), max_size=5)


@given(st.lists(TEXTS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_summaries_of_texts_are_merged_in_any_order(cells, draw):
    summaries = [summary_of_texts(cell, rows=sum(cell.values()) + 2) for cell in cells]
    whole = reduce(TextSummary.merged, summaries, TextSummary())
    draw.shuffle(summaries)
    assert reduce(TextSummary.merged, summaries, TextSummary()) == whole
    assert whole.missing == 2 * len(cells)
    assert whole.counts == {
        text: sum(cell.get(text, 0) for cell in cells) for cell in cells for text in cell
    }


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_more_texts_than_are_kept_are_only_more(order):
    half = MOST_TEXTS // 2
    cells = [
        {b"%d" % number: 1 for number in range(start, start + half)} for start in (0, half, half)
    ]
    cells[2] = {b"one more": 3}
    summaries = [summary_of_texts(cells[place], rows=half) for place in order]
    whole = reduce(TextSummary.merged, summaries)
    assert whole.counts is None
    assert whole.values == 2 * half + 3
    assert whole.merged(summary_of_texts({b"0": 1}, rows=1)).counts is None
