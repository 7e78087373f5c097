"""The expected cost of a request: the formula against a search through every row."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_store.errors import BadInput
from lineage_store.placement import Partition, band_at, schedule
from unlearning.planning.expected_cost import even_counts, expected_cost


@st.composite
def placed(draw):
    """A partition, and counts that have rows in every cell."""
    shards, slices = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    rules = draw(st.integers(0, slices - 1))
    partition = Partition(
        shards, slices, epochs=draw(st.integers(1, 9)), batch_size=draw(st.integers(1, 40)), seed=0,
        risk_rules=("p >= 1",) * rules, risk_shards=draw(st.integers(0, shards)),
    )  # fmt: skip
    line = st.lists(st.integers(1, 60), min_size=slices, max_size=slices)
    return partition, draw(st.lists(line, min_size=shards, max_size=shards))


def cost_of_each_row(counts, partition):
    """Return (band, steps) for each row, by retraining in thought."""
    for shard, line in enumerate(counts):
        for slice_, count in enumerate(line):
            steps = sum(stage.steps for stage in schedule(line, partition)[slice_:])
            yield from [(band_at(shard, slice_, partition), steps)] * count


@settings(deadline=None)
@given(placed())
def test_without_a_pattern_it_is_the_mean_over_all_rows(found):
    partition, counts = found
    each = [steps for _, steps in cost_of_each_row(counts, partition)]
    cost = expected_cost(counts, partition)
    assert cost.steps == pytest.approx(sum(each) / len(each))
    assert cost.steps_full == sum(s.steps for line in counts for s in schedule(line, partition))
    assert cost.shard_rows == tuple(map(sum, counts))


@settings(deadline=None)
@given(placed(), st.data())
def test_with_a_pattern_it_is_the_mean_over_the_bands_it_names(found, data):
    partition, counts = found
    weights = data.draw(
        st.lists(st.integers(1, 9), min_size=partition.bands, max_size=partition.bands)
    )
    pattern = [weight / sum(weights) for weight in weights]
    means = []
    for band in range(partition.bands):
        each = [steps for one, steps in cost_of_each_row(counts, partition) if one == band]
        means.append(sum(each) / len(each))
    cost = expected_cost(counts, partition, pattern=pattern)
    assert [band.steps for band in cost.bands] == pytest.approx(means)
    assert cost.steps == pytest.approx(sum(q * c for q, c in zip(pattern, means, strict=True)))
    assert cost.uniform_steps == expected_cost(counts, partition).uniform_steps


@given(st.integers(0, 500), st.integers(1, 6), st.integers(1, 6))
def test_even_counts_are_even_and_lose_no_row(rows, shards, slices):
    counts = even_counts(rows, Partition(shards, slices, 1, 1, 0))
    each = [count for line in counts for count in line]
    assert sum(each) == rows and len(each) == shards * slices
    assert max(each) - min(each) <= 1


def test_the_numbers_of_a_small_example():
    """Stages of 10, 21 and 30 batches (20 is no point of the grid), each for 2 epochs."""
    partition = Partition(2, 3, epochs=4, batch_size=10, seed=0, risk_rules=("p >= 1",))
    cost = expected_cost([[100] * 3] * 2, partition, pattern=[0.1, 0.9])
    assert [stage.steps for stage in schedule([100] * 3, partition)] == [20, 42, 60]
    assert [band.steps for band in cost.bands] == [(122 + 102) / 2, 60]
    assert cost.steps == pytest.approx(0.1 * 112 + 0.9 * 60)
    assert cost.uniform_steps == pytest.approx((122 + 102 + 60) / 3)
    assert cost.steps_full == cost.uniform_steps_full == 244


def test_a_model_without_rows_costs_nothing():
    cost = expected_cost([[0, 0]], Partition(1, 2, 1, 1, 0))
    assert (cost.steps, cost.steps_full, cost.uniform_steps) == (0, 0, 0)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ([1.0], "has 1 shares, and the model's rows are of 2 bands"),
        ([0.5, 0.6], "add up to 1"),
        ([-0.5, 1.5], "go from 0 to 1"),
        ([float("nan"), 1.0], "go from 0 to 1"),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(pattern, message):
    partition = Partition(1, 2, 1, 1, 0, risk_rules=("p >= 1",))
    with pytest.raises(BadInput, match=message):
        expected_cost([[5, 5]], partition, pattern=pattern)


def test_requests_for_a_band_without_rows_are_refused():
    partition = Partition(1, 2, 1, 1, 0, risk_rules=("p >= 1",))
    with pytest.raises(BadInput, match="Band 1 has no training row"):
        expected_cost([[5, 0]], partition, pattern=[0.5, 0.5])
    assert expected_cost([[5, 0]], partition, pattern=[1.0, 0.0]).steps == 10
