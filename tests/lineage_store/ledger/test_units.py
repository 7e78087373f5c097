"""The units of a ledger: in order, each after what it was made from, and the same for any data."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.handmade import plain_header
from lineage_store.canonical import canonical_json, write_atomic
from lineage_store.graph.unit_types import UNIT_TYPES, name_of_unit
from lineage_store.ledger import units
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import ShardLedger, open_ledger, shard_folder, write_header
from lineage_store.placement import Partition
from lineage_store.tensors import save_state

STATE = {"weights/0": np.zeros(2, np.float32)}


def stage_of(number, *, shard=0, batches=2, epochs=2, first=0, model="m1"):
    steps = epochs * batches
    return StageRecord(shard, number, 40 * batches, epochs, batches, first, steps, "r" * 64, "", "",
                       model, 0.5)  # fmt: skip


def write_stages(folder, stages, *, empty=(), shards=1):
    """Write a ledger by hand; `empty` are positions of batches that no row fell into."""
    for stage in stages:
        taken = [
            StepRecord(p, (p - stage.first_position) // stage.batches, p % stage.batches, 7 + p,
                       f"{p:064x}", 0.25)
            for p in units.planned_positions(stage) if p not in empty
        ]  # fmt: skip
        ShardLedger(shard_folder(folder, stage.shard)).write_stage(stage, taken, STATE)
    return write_header(folder, plain_header(Partition(shards, 2, 1, 8, 0), model=stages[-1].model))


def names_of(ledger, **options):
    return [name_of_unit(record.unit) for record in units.unit_records(ledger, **options)]


@st.composite
def shards_of_stages(draw):
    """Draw stages of a shard or two: batches, epochs, and which model trained them."""
    found = []
    for shard in range(draw(st.integers(1, 2))):
        first = 0
        for number in range(draw(st.integers(1, 3))):
            made = stage_of(
                number, shard=shard, batches=draw(st.integers(0, 3)), first=first,
                epochs=draw(st.integers(1, 2)), model=draw(st.sampled_from(["m1", "m2"])),
            )  # fmt: skip
            first += made.steps
            found.append(made)
    return found


@settings(max_examples=30, deadline=None)
@given(shards_of_stages(), st.sampled_from([None, "m1", "m2"]))
def test_every_unit_comes_once_and_after_all_that_it_is_joined_to(tmp_path_factory, stages, model):
    shards = 1 + max(stage.shard for stage in stages)
    ledger = write_stages(tmp_path_factory.mktemp("l") / "ledger", stages, shards=shards)
    own = model or ledger.header.model
    seen, artifacts = {units.Unit("rows", units.Place(own))}, set()
    for record in units.unit_records(ledger, model=model):
        ours = {end for end in record.inputs + record.feeds if model in (None, end.place.model)}
        # Of another model's stage the shard is its own.
        assert {end for end in ours if end.place.model == own or end.kind != "shard"} <= seen
        assert record.unit not in seen
        for end in record.inputs + record.feeds:
            one, other = record.unit.kind, end.kind
            assert other == "rows" or UNIT_TYPES[one].execution != UNIT_TYPES[other].execution
        seen.add(record.unit)
        artifacts |= {record.unit} if not UNIT_TYPES[record.unit.kind].execution else set()
    mine = [stage for stage in stages if model in (None, stage.model)]
    assert sum(unit.kind == "step" for unit in seen) == sum(stage.steps for stage in mine)
    assert sum(unit.kind == "checkpoint" for unit in artifacts) == len(mine)


def test_the_order_and_the_names_are_these(tmp_path):
    ledger = write_stages(tmp_path / "ledger", [stage_of(0, epochs=1), stage_of(1, first=2)])
    found = names_of(ledger)
    step = ["s0.r0.p{}:batch", "s0.r0.p{}:step", "s0.r0.p{}:update"]
    assert found[:11] == [
        "placement", "s0:shard", "s0.r0:stage:batching", "s0.r0:stage",
        *(name.format(0) for name in step), *(name.format(1) for name in step), "s0.r0:checkpoint",
    ]  # fmt: skip
    assert found[11:13] == ["s0.r1:stage:batching", "s0.r1:stage"]
    assert found[-1] == "s0.r1:checkpoint" and len(found) == len(set(found))
    (began,) = (one for one in units.unit_records(ledger) if one.unit.kind == "stage"
                and one.unit.place.stage == 1)  # fmt: skip
    assert [name_of_unit(end) for end in began.inputs] == ["s0.r0:checkpoint"]


def test_a_batch_without_rows_has_the_units_of_any_other(tmp_path):
    stages = [stage_of(0), stage_of(1, first=4)]
    full = write_stages(tmp_path / "full", stages)
    holed = write_stages(tmp_path / "holed", stages, empty={1, 6})
    plain = [replace(one, file=None) for one in units.unit_records(full)]
    assert [replace(one, file=None) for one in units.unit_records(holed)] == plain


def test_which_updates_a_subtraction_took_back_is_not_among_its_inputs(tmp_path):
    folder = tmp_path / "ledger"
    write_stages(folder, [stage_of(0), stage_of(1, first=4)])
    shard = ShardLedger(shard_folder(folder, 0))
    found = []
    for positions in ([1], [2, 5]):
        write_atomic(shard.subtracted_file, canonical_json({"positions": positions}))
        save_state(shard.final_file, STATE)
        found.append(list(units.unit_records(open_ledger(folder))))
    one, other = ([(r.unit, r.inputs, r.feeds) for r in records] for records in found)
    assert one == other
    assert [name_of_unit(unit) for unit, _, _ in one[-2:]] == [
        "s0.subtraction", "s0.subtracted:checkpoint"
    ]  # fmt: skip
    assert one[-2][1] == (units.checkpoint_of(shard.stages()[-1]),)
    assert all(r.live for records in found for r in records if r.unit.kind == "update")
    assert units.served(open_ledger(folder), 0) == one[-1][0]


def test_a_stage_of_sums_comes_straight_from_the_rows(tmp_path, monkeypatch):
    ledger = write_stages(tmp_path / "ledger", [stage_of(0, batches=0)])
    (plain,) = ledger.shard(0).stages()
    summed = replace(plain, kind="sums")
    monkeypatch.setattr(ShardLedger, "stages", lambda _: [summed])
    found = list(units.unit_records(ledger))
    assert [name_of_unit(one.unit) for one in found] == [
        "placement", "s0:shard", "s0.r0:sums", "s0.r0:checkpoint"
    ]  # fmt: skip
    assert found[2].inputs == (found[1].unit,) and found[3].inputs == (found[2].unit,)
    assert UNIT_TYPES[found[2].unit.kind].name == "lineage.Sums"


@pytest.mark.parametrize("kind", UNIT_TYPES)
def test_names_of_units_differ_by_kind_and_place(kind):
    places = [units.Place("m1", s, r, p) for s in (0, 1) for r in (0, 1) for p in (0, 1)]
    named = {(k, name_of_unit(units.Unit(k, place))) for k in UNIT_TYPES for place in places}
    alone = {name for k, name in named if k == kind}
    others = {name for k, name in named if k != kind}
    assert alone and not alone & others
