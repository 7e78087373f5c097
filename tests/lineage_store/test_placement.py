"""Placement: every row goes its own way, whatever the others do (law 1)."""

import hmac
import itertools
import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store import placement
from lineage_store.placement import (
    BatchId,
    Partition,
    band_at,
    banded,
    batch_count,
    batch_of,
    bucket_count,
    bucket_of,
    cells_of,
    schedule,
)

ROW_KEYS = st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=40, unique=True)
PARTITIONS = st.builds(
    Partition,
    shards=st.integers(1, 9),
    slices=st.integers(1, 6),
    epochs=st.integers(1, 8),
    batch_size=st.integers(1, 64),
    seed=st.integers(0, 2**63),
)


@st.composite
def partitions_by_risk(draw):
    """Partitions with risk rules, and at least a slice for each band."""
    rules = draw(st.integers(1, 4))
    shards = draw(st.integers(1, 9))
    return Partition(
        shards=shards,
        slices=draw(st.integers(rules + 1, 9)),
        epochs=3,
        batch_size=8,
        seed=0,
        risk_rules=tuple(f"p >= {number}" for number in range(rules)),
        risk_shards=draw(st.integers(0, shards)),
        risk_share=draw(st.integers(0, 99)),
    )


def as_array(row_keys):
    return np.frombuffer(b"".join(row_keys), np.uint8).reshape(-1, 16)


def places(row_keys):
    return np.array([int.from_bytes(key[:8], "big") for key in row_keys], np.uint64)


def hashed_keys(number, *, key=b"a fixed key of the tests"):
    digests = (hmac.digest(key, b"%d" % n, "sha256")[:16] for n in range(number))
    return as_array(list(digests))


def hashed_places(number):
    return (
        hashed_keys(number, key=b"places")[:, :8].copy().view(">u8").reshape(-1).astype(np.uint64)
    )


def assert_as_even_as_chance(counts):
    """Chi-square within five standard deviations of what independent hashing gives."""
    counts = np.asarray(counts, float).reshape(-1)
    expected = counts.sum() / counts.size
    chi_square = ((counts - expected) ** 2 / expected).sum()
    freedom = counts.size - 1
    assert abs(chi_square - freedom) < 5 * math.sqrt(2 * freedom), (chi_square, freedom)


def assert_independent(first, second):
    """Chi-square of a table of two drawings, against the product of their margins."""
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / table.sum()
    chi_square = ((table - expected) ** 2 / expected).sum()
    freedom = (table.shape[0] - 1) * (table.shape[1] - 1)
    assert abs(chi_square - freedom) < 5 * math.sqrt(2 * freedom), (chi_square, freedom)


@settings(deadline=None, max_examples=examples(60))
@given(row_keys=ROW_KEYS, partition=PARTITIONS, data=st.data())
def test_removing_adding_or_reordering_rows_moves_no_other_row(row_keys, partition, data):
    def placed(keys):
        bits = placement.row_bits(as_array(keys))
        batches = batch_of(bits, seed=partition.seed, stage=1, epoch=2, batches=7)
        shards, slices = cells_of(places(keys), partition)
        splits = [placement.in_evaluation(key, percent=10) for key in keys]
        return dict(zip(keys, zip(shards, slices, batches, splits, strict=True), strict=True))

    others = data.draw(ROW_KEYS)
    some = data.draw(st.lists(st.sampled_from(row_keys), min_size=1, unique=True))
    changed = data.draw(st.permutations(list(dict.fromkeys(some + others))))
    before, after = placed(row_keys), placed(changed)
    for key in some:
        assert after[key] == before[key]


def with_bands(keys, bands):
    """Places that carry bands, as the gate makes them."""
    texts = (banded(bytes(key[:8]), band) for key, band in zip(keys, bands, strict=True))
    return np.array([int.from_bytes(text, "big") for text in texts], np.uint64)


@settings(deadline=None, max_examples=examples(100))
@given(row_keys=ROW_KEYS, partition=partitions_by_risk(), data=st.data())
def test_with_bands_too_removing_adding_or_reordering_rows_moves_no_other_row(
    row_keys, partition, data
):
    band = dict(
        zip(
            row_keys,
            data.draw(
                st.lists(
                    st.integers(0, partition.bands - 1),
                    min_size=len(row_keys),
                    max_size=len(row_keys),
                )
            ),
            strict=True,
        )
    )

    def placed(keys):
        cells = cells_of(with_bands(keys, [band[key] for key in keys]), partition)
        return dict(zip(keys, zip(*(cell.tolist() for cell in cells), strict=True), strict=True))

    together = placed(row_keys)
    some = data.draw(st.lists(st.sampled_from(row_keys), min_size=1, unique=True))
    assert placed(some) == {key: together[key] for key in some}
    for key, (shard, slice_) in together.items():
        assert 0 <= shard < partition.shards and 0 <= slice_ < partition.slices
        assert band_at(shard, slice_, partition) == band[key], "a cell holds rows of one band"
        if band[key]:
            assert shard < partition.taking
            assert slice_ == partition.slices - partition.bands + band[key]


@settings(deadline=None, max_examples=30)
@given(partition=partitions_by_risk(), share=st.sampled_from([0, 99]))
def test_the_bands_share_out_all_slices_of_all_shards(partition, share):
    partition = replace(partition, risk_share=share)  # in between, a cell may hold next to nothing
    keys = hashed_keys(4000)
    taken = set()
    for band in range(partition.bands):
        shards, slices = cells_of(with_bands(keys, [band] * len(keys)), partition)
        taken |= set(zip(shards.tolist(), slices.tolist(), strict=True))
    cells = set(itertools.product(range(partition.shards), range(partition.slices)))
    if partition.risk_share * partition.shards >= 100 * partition.taking:
        early = itertools.product(range(partition.taking), range(partition.early_slices))
        cells -= set(early)  # the likely rows alone fill their shards, as the user expects
    assert taken == cells


@pytest.mark.parametrize(("taking", "share"), [(1, 10), (2, 30), (5, 40)])
def test_shards_are_even_if_the_share_of_likely_rows_is_as_expected(taking, share):
    partition = Partition(
        5, 4, 1, 1, 0, risk_rules=("p >= 1",), risk_shards=taking, risk_share=share
    )
    keys = hashed_keys(50_000)
    bands = [int(number % 100 < share) for number in range(len(keys))]
    shards, _ = cells_of(with_bands(keys, bands), partition)
    assert_as_even_as_chance(np.bincount(shards, minlength=5))


def test_a_person_stays_in_one_shard_whatever_the_band_if_all_shards_take_likely_rows():
    partition = Partition(7, 4, 1, 1, 0, risk_rules=("p >= 1", "p >= 2"))
    keys = hashed_keys(500)
    first, *others = (cells_of(with_bands(keys, [band] * 500), partition)[0] for band in range(3))
    assert all((other == first).all() for other in others)


def test_a_place_of_a_band_that_the_partition_does_not_have_is_refused():
    partition = Partition(2, 3, 1, 1, 0, risk_rules=("p >= 1",))
    with pytest.raises(ValueError, match="of band 2, and there are 2 bands"):
        cells_of(with_bands(hashed_keys(3), [0, 2, 1]), partition)


def test_a_partition_is_read_from_the_header_of_an_older_ledger_and_of_a_new_one():
    old = {"shards": 3, "slices": 4, "epochs": 1, "batch_size": 8, "seed": 5}
    partition = Partition(**old)
    assert partition.bands == 1 and partition.taking == 3
    bits = placement.row_bits(hashed_keys(50))
    shards, slices = cells_of(bits, partition)
    assert (shards == placement.shard_of(bits, 3)).all()
    assert (slices == placement.slice_of(bits, 4)).all()
    new = Partition(**old, risk_rules=("p >= 1",), risk_shards=2, risk_share=10)
    assert Partition(**json.loads(json.dumps(asdict(new)))) == new


def test_the_same_rows_are_placed_as_in_earlier_versions():
    """Ledgers on disk rely on these numbers: a change of them is a change of format."""
    keys = hashed_keys(6)
    bits = placement.row_bits(keys)
    assert placement.shard_of(bits, 10).tolist() == [0, 2, 1, 0, 2, 2]
    assert placement.slice_of(bits, 10).tolist() == [8, 1, 4, 8, 6, 1]
    by_risk = Partition(
        10, 10, 1, 1, 0, risk_rules=("p >= 1", "p >= 2"), risk_shards=4, risk_share=20
    )
    shards, slices = cells_of(with_bands(keys, [0, 0, 0, 1, 1, 2]), by_risk)
    assert shards.tolist() == [4, 5, 1, 0, 2, 3]
    assert slices.tolist() == [6, 9, 2, 8, 8, 9]
    batches = batch_of(bits, seed=7, stage=2, epoch=3, batches=1000)
    assert batches.tolist() == [159, 687, 901, 41, 169, 1]


@given(st.integers(0, 2**64 - 1))
def test_the_two_mixers_agree(value):
    assert placement.mix(np.array([value], np.uint64))[0] == placement.mix_int(value)


def test_a_row_is_drawn_anew_by_purpose_seed_stage_and_epoch():
    bits = placement.row_bits(hashed_keys(20_000))
    base = batch_of(bits, seed=1, stage=0, epoch=0, batches=20)
    for other in [
        batch_of(bits, seed=2, stage=0, epoch=0, batches=20),
        batch_of(bits, seed=1, stage=1, epoch=0, batches=20),
        batch_of(bits, seed=1, stage=0, epoch=1, batches=20),
        placement.shard_of(bits, 20),
        placement.slice_of(bits, 20),
    ]:
        assert_independent(base, other)
    assert_independent(placement.shard_of(bits, 20), placement.slice_of(bits, 20))


def test_shards_slices_and_batches_are_as_even_as_independent_hashing_gives():
    by_place = hashed_places(50_000)
    bits = placement.row_bits(hashed_keys(50_000))
    shards, slices = placement.shard_of(by_place, 16), placement.slice_of(by_place, 12)
    assert_as_even_as_chance(np.bincount(shards * 12 + slices, minlength=16 * 12))
    for choices in (3, 64, 333):
        counts = np.bincount(placement.shard_of(by_place, choices), minlength=choices)
        assert_as_even_as_chance(counts)
    for epoch in range(5):
        batches = batch_of(bits, seed=11, stage=3, epoch=epoch, batches=391)
        assert_as_even_as_chance(np.bincount(batches, minlength=391))


def test_the_evaluation_split_takes_its_share_and_no_more():
    row_keys = [key.tobytes() for key in hashed_keys(20_000)]
    for percent in (1, 10, 50):
        taken = sum(placement.in_evaluation(key, percent=percent) for key in row_keys)
        mean = len(row_keys) * percent / 100
        assert abs(taken - mean) < 5 * math.sqrt(mean)
    assert not any(placement.in_evaluation(key, percent=0) for key in row_keys)
    assert all(placement.in_evaluation(key, percent=100) for key in row_keys)
    assert placement.in_evaluation(bytes(16), percent=1)
    assert not placement.in_evaluation(b"\xff" * 16, percent=99)


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8), st.data())
def test_the_split_and_the_batches_use_different_halves_of_the_key(first, second, data):
    other = data.draw(st.binary(min_size=8, max_size=8))
    assert placement.in_evaluation(first + second, percent=10) == placement.in_evaluation(
        first + other, percent=10
    )
    here, there = placement.row_bits(as_array([first + second, other + second]))
    assert here == there == int.from_bytes(second, "big")


def test_the_split_says_nothing_about_shard_or_batch():
    row_keys = hashed_keys(50_000)
    split = np.array([placement.in_evaluation(k.tobytes(), percent=10) for k in row_keys], np.int64)
    bits = placement.row_bits(row_keys)
    assert_independent(split, batch_of(bits, seed=5, stage=0, epoch=0, batches=40))
    assert_independent(split, placement.shard_of(hashed_places(50_000), 40))


@pytest.mark.parametrize("choices", [0, -1, (1 << 32) + 1])
def test_an_impossible_number_of_choices_is_refused(choices):
    with pytest.raises(ValueError, match="choices"):
        placement.draw(np.zeros(1, np.uint64), constant=1, choices=choices)


def test_a_draw_reaches_the_first_and_the_last_choice_and_no_other():
    values = placement.row_bits(hashed_keys(2000))
    for choices in (1, 2, 10):
        assert set(placement.draw(values, constant=9, choices=choices)) == set(range(choices))


def test_the_grid_of_batch_numbers_is_the_documented_one():
    grid = sorted({batch_count(rows, 1) for rows in range(200)})
    assert grid[:17] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 21]
    assert batch_count(0, 32) == 0
    assert batch_count(1, 32) == batch_count(32, 32) == 1
    assert batch_count(33, 32) == 2


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(1, 4096))
def test_the_number_of_batches_is_enough_little_more_and_never_falls(rows, more, batch_size):
    batches = batch_count(rows, batch_size)
    needed = -(-rows // batch_size)
    assert needed <= batches <= needed * 1.1 + 1
    assert batches <= batch_count(rows + more, batch_size)
    assert batch_count(batches * batch_size, batch_size) == batches, "a point of the grid stays"


def test_the_number_of_batches_seldom_changes():
    numbers = [batch_count(rows, 10) for rows in range(20_001)]
    changes = sum(a != b for a, b in itertools.pairwise(numbers))
    assert changes <= 66  # 10 + log(2000 / 10) / log(1.1); without the grid 2000


@given(st.lists(st.integers(0, 500), min_size=1, max_size=8), PARTITIONS)
def test_the_positions_of_a_schedule_are_contiguous_and_disjoint(slice_rows, partition):
    stages = schedule(slice_rows, partition)
    positions = [
        stage.position(epoch=epoch, batch=batch)
        for stage in stages
        for epoch in range(stage.epochs)
        for batch in range(stage.batches)
    ]
    assert positions == list(range(sum(stage.steps for stage in stages)))
    assert [stage.index for stage in stages] == list(range(len(slice_rows)))
    assert [stage.rows for stage in stages] == np.cumsum(slice_rows).tolist()
    assert all(s.batches == batch_count(s.rows, partition.batch_size) for s in stages)


@given(st.lists(st.integers(0, 500), min_size=2, max_size=8), PARTITIONS, st.data())
def test_a_deletion_leaves_the_stages_before_it_as_they_were(slice_rows, partition, data):
    hit = data.draw(st.integers(0, len(slice_rows) - 1))
    fewer = [*slice_rows[:hit], data.draw(st.integers(0, slice_rows[hit])), *slice_rows[hit + 1 :]]
    assert schedule(slice_rows, partition)[:hit] == schedule(fewer, partition)[:hit]


@pytest.mark.parametrize("epochs", [1, 4, 10, 30])
@pytest.mark.parametrize("slices", [1, 2, 5, 10])
def test_all_stages_together_cost_about_the_epochs_asked_for(epochs, slices):
    stage_epochs = Partition(1, slices, epochs, 1, 0).stage_epochs
    # A stage r of R sees r / R of the rows: all of them cost (R + 1) / 2 of a stage on all rows.
    cost = stage_epochs * (slices + 1) / 2
    assert stage_epochs == 1 or abs(cost - epochs) <= (slices + 1) / 4
    assert stage_epochs >= 1


def test_one_slice_trains_for_exactly_the_epochs_asked_for():
    assert [Partition(1, 1, epochs, 1, 0).stage_epochs for epochs in range(1, 9)] == [*range(1, 9)]


@settings(deadline=None, max_examples=examples(60))
@given(row_keys=ROW_KEYS, partition=PARTITIONS, data=st.data())
def test_the_batches_that_saw_a_row_are_those_of_a_search_through_all(row_keys, partition, data):
    slices = [key[0] % partition.slices for key in row_keys]
    stages = schedule([slices.count(index) for index in range(partition.slices)], partition)
    first = data.draw(st.sampled_from(slices))
    asked = [key for key, slice_ in zip(row_keys, slices, strict=True) if slice_ == first]

    expected = {}
    for stage in stages:
        present = [k for k, slice_ in zip(row_keys, slices, strict=True) if slice_ <= stage.index]
        for epoch in range(stage.epochs):
            for key in present:
                (batch,) = batch_of(
                    placement.row_bits(as_array([key])),
                    seed=partition.seed,
                    stage=stage.index,
                    epoch=epoch,
                    batches=stage.batches,
                )
                if key in asked:
                    name = BatchId(4, stage.index, epoch, int(batch))
                    expected.setdefault(name, []).append(key)

    found = [
        (name, [asked[index] for index in where])
        for name, where in placement.batches_of_rows(
            placement.row_bits(as_array(asked)),
            shard=4,
            first_stage=first,
            stages=stages,
            seed=partition.seed,
        )
    ]
    assert dict(found) == expected
    assert [name for name, _ in found] == sorted(expected), "each once, in order"


def test_a_stage_without_batches_saw_no_row():
    stages = schedule([0, 0], Partition(1, 2, 3, 8, 0))
    bits = placement.row_bits(hashed_keys(3))
    found = placement.batches_of_rows(bits, shard=0, first_stage=0, stages=stages, seed=0)
    assert list(found) == []


def test_a_batch_is_named_by_shard_stage_epoch_and_number():
    assert str(BatchId(shard=1, stage=2, epoch=3, batch=4)) == "s1.r2.e3.b4"


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.integers(1, 99), PARTITIONS)
def test_a_row_keeps_its_bucket_whatever_the_others_do(places, buckets, partition):
    """And whatever its band is: a bucket is drawn from the digest alone."""
    drawn = bucket_of(np.array(places, np.uint64), buckets)
    assert drawn.min() >= 0
    assert drawn.max() < buckets
    for place, bucket in zip(places, drawn, strict=True):
        alone = bucket_of(np.array([place & ((1 << 56) - 1)], np.uint64), buckets)
        assert alone == [bucket]


def test_buckets_are_even_within_every_cell_of_a_partition():
    """So a bucket is no shard or slice by another name."""
    places = np.random.default_rng(0).integers(0, 2**56, 60_000, np.uint64)
    shards, slices = cells_of(places, Partition(3, 2, 1, 4, 0))
    counts = np.bincount((shards * 2 + slices) * 5 + bucket_of(places, 5), minlength=30)
    assert counts.min() > 1_800
    assert counts.max() < 2_200


@pytest.mark.parametrize(
    ("rows", "buckets"), [(0, 1), (1, 1), (6 * 4096, 1), (6 * 4096 + 1, 2), (1_000_000, 41)]
)
def test_there_are_as_many_buckets_as_cells_of_4096_rows_need(rows, buckets):
    assert bucket_count(rows, Partition(3, 2, 1, 4, 0)) == buckets
