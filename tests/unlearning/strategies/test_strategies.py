"""The strategies' decisions, on situations made by hand, and what the approximate one does."""

import csv
import random
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.handmade import plain_header
from fixtures import SMALL_MODEL
from fixtures.examples import examples
from lineage_store.errors import BadInput
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.records import StageRecord, StepRecord
from lineage_store.ledger.shards import ShardLedger, open_ledger, shard_folder, write_header
from lineage_store.placement import Partition, batch_of, row_bits, schedule
from lineage_store.tensors import save_state
from pipelines.backends.direct import DirectBackend
from unlearning.strategies.amnesiac import Amnesiac
from unlearning.strategies.amnesiac_marginal import AmnesiacMarginal
from unlearning.strategies.exposure import affected_positions
from unlearning.strategies.known_strategies import choose, strategies
from unlearning.strategies.retrain_shards import RetrainShards
from unlearning.strategies.shard_decision import ShardDecision
from unlearning.strategies.strategy import Situation
from unweave import Project

PARTITION = Partition(shards=3, slices=3, epochs=4, batch_size=10, seed=2)
COUNTS = ((40, 20, 10), (0, 30, 20), (25, 25, 0))


def keys(number, *, seed=0):
    return np.frombuffer(random.Random(seed).randbytes(16 * number), np.uint8).reshape(-1, 16)


def weights(value):
    array = np.full((2, 3), value, np.float32)
    return {"weights/0000.w": array, "weights/0001.statistics": array * 7}


def update(position):
    return {"weights/0000.w": np.full((2, 3), 0.1 * position + 0.3, np.float32)}


def write_update(shard, position):
    """Record an update as an earlier unweave did: in a file of its own."""
    folder = shard.folder / "updates"
    folder.mkdir(exist_ok=True)
    save_state(folder / f"{position:08d}.safetensors", update(position))


def make_ledger(folder, *, counts=COUNTS, updates=False):
    """A ledger as a training run leaves it, with weights that are easy to tell apart."""
    for number, row in enumerate(counts):
        shard = ShardLedger(shard_folder(folder, number))
        shard.folder.mkdir(parents=True)
        if not sum(row):
            continue
        for stage in schedule(row, PARTITION):
            steps = []
            for epoch in range(stage.epochs):
                for batch in range(stage.batches):
                    position = stage.position(epoch=epoch, batch=batch)
                    steps.append(StepRecord(position, epoch, batch, 1, "", 0.5))
                    if updates:
                        write_update(shard, position)
            record = StageRecord(
                shard=number,
                stage=stage.index,
                rows=stage.rows,
                epochs=stage.epochs,
                batches=stage.batches,
                first_position=stage.first_position,
                steps=len(steps),
                rows_digest="",
                checkpoint_digest="",
                steps_digest="",
                model="m1",
                seconds=0.0,
            )
            shard.write_stage(record, steps, weights(10 * number + stage.index))
    return write_header(
        folder, plain_header(PARTITION, trainable=("weights/0000.w",), options={"record": "all"})
    )


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return make_ledger(tmp_path_factory.mktemp("ledger") / "ledger", updates=True)


@pytest.fixture
def own_ledger(ledger, tmp_path):
    """A copy to change."""
    shutil.copytree(ledger.folder, tmp_path / "ledger")
    return open_ledger(tmp_path / "ledger")


def situation(ledger, *deleted, fresh_start=None, counts=COUNTS):
    """A situation from (shard, slice, number of rows) triples."""
    left = [list(row) for row in counts]
    for shard, slice_, number in deleted:
        left[shard][slice_] -= number
        assert left[shard][slice_] >= 0
    places = {(shard, slice_): keys(number, seed=number) for shard, slice_, number in deleted}
    return Situation(ledger, places, left, fresh_start)


def actions(decisions):
    return [(decision.action, decision.kept_stages) for decision in decisions]


# retrain-shards


@pytest.mark.parametrize(
    "deleted, expected",
    [
        ([], [("kept", 3), ("kept", 3), ("kept", 3)]),
        ([(0, 0, 1)], [("retrained", 0), ("kept", 3), ("kept", 3)]),
        ([(0, 1, 1)], [("retrained", 1), ("kept", 3), ("kept", 3)]),
        ([(0, 2, 10)], [("retrained", 2), ("kept", 3), ("kept", 3)]),
        ([(0, 2, 1), (0, 1, 3)], [("retrained", 1), ("kept", 3), ("kept", 3)]),
        ([(0, 2, 1), (1, 2, 3)], [("retrained", 2), ("retrained", 2), ("kept", 3)]),
        # The start of shard 1 was adapted to slice 1, its first with rows: stage 0 has it too.
        ([(1, 1, 1)], [("kept", 3), ("retrained", 0), ("kept", 3)]),
        ([(1, 1, 30), (1, 2, 20)], [("kept", 3), ("empty", 0), ("kept", 3)]),
        ([(2, 0, 25)], [("kept", 3), ("kept", 3), ("retrained", 0)]),
    ],
)
def test_a_shard_keeps_the_stages_before_its_first_deleted_row(ledger, deleted, expected):
    assert actions(RetrainShards().decide(situation(ledger, *deleted))) == expected


def test_planned_steps_are_those_of_the_stages_after_the_kept_ones_on_the_rows_that_remain(ledger):
    decision = RetrainShards().decide(situation(ledger, (0, 1, 15)))[0]
    stages = schedule((40, 5, 10), PARTITION)
    assert decision.steps == stages[1].steps + stages[2].steps == 2 * (5 + 6)


def test_what_changed_for_all_rows_retrains_all_shards_and_says_why(ledger):
    decisions = RetrainShards().decide(situation(ledger, (0, 2, 1), fresh_start="it is another"))
    assert actions(decisions) == [("retrained", 0)] * 3
    assert {decision.why for decision in decisions} == {"it is another"}
    full = sum(stage.steps for row in ((40, 20, 9), *COUNTS[1:]) for stage in schedule(row,
               PARTITION))  # fmt: skip
    assert sum(decision.steps for decision in decisions) == full


def test_stages_without_their_checkpoint_are_trained_again_whoever_is_deleted(own_ledger):
    own_ledger.shard(1).checkpoint_file(1).unlink()
    decisions = RetrainShards().decide(situation(own_ledger, (0, 2, 1)))
    assert actions(decisions) == [("retrained", 2), ("retrained", 1), ("kept", 3)]
    assert "only 1 checkpoint is left" in decisions[1].why
    decisions = RetrainShards().decide(situation(own_ledger, (1, 2, 1)))
    assert actions(decisions) == [("kept", 3), ("retrained", 1), ("kept", 3)]


@given(
    counts=st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=3, max_size=3),
    data=st.data(),
)
@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_no_kept_stage_has_ever_seen_a_deleted_row(tmp_path_factory, counts, data):
    if not any(map(sum, counts)):
        return
    made = make_ledger(tmp_path_factory.mktemp("drawn") / "ledger", counts=counts)
    deleted = [
        (shard, slice_, number)
        for shard, row in enumerate(counts)
        for slice_, count in enumerate(row)
        if (number := data.draw(st.sampled_from([0, min(1, count), count])))
    ]
    asked = situation(made, *deleted, counts=counts)
    for decision in RetrainShards().decide(asked):
        slices = [slice_ for shard, slice_, _ in deleted if shard == decision.shard]
        left = asked.new_counts[decision.shard]
        if not sum(left):
            assert decision.action == "empty" and decision.steps == 0
        elif not slices:
            assert actions([decision]) == [("kept", 3)] and decision.steps == 0
        else:
            assert decision.action == "retrained" and decision.kept_stages <= min(slices)
            # Not more than needed: all stages that had rows and none of the deleted are kept.
            if any(counts[decision.shard][: min(slices)]):
                assert decision.kept_stages == min(slices)
            steps = [stage.steps for stage in schedule(left, PARTITION)]
            assert decision.steps == sum(steps[decision.kept_stages :])


def test_a_deleted_row_that_decided_when_a_stage_ends_counts_like_one_that_was_learnt(ledger):
    asked = Situation(ledger, {(0, 2): keys(1)}, COUNTS, None, frozenset({(0, 1), (2, 1)}))
    assert actions(RetrainShards().decide(asked)) == [
        ("retrained", 1),
        ("kept", 3),
        ("retrained", 1),
    ]
    decisions = Amnesiac().decide(asked)
    assert actions(decisions) == [("subtracted", 1), ("kept", 3), ("subtracted", 1)]
    assert decisions[0].positions != () == decisions[2].positions


def test_a_start_that_nothing_adapts_is_kept_and_a_step_of_the_next_stage_resumed_from(own_ledger):
    """Shard 1 has no rows in slice 0, and a checkpoint after the first step of stage 1."""
    shard, row_keys = own_ledger.shard(1), keys(1)
    first = affected_positions(Situation(own_ledger, {(1, 1): row_keys}, COUNTS, None), 1)[0]
    assert first > 0, "the row must not stand in the first batch for this test"
    shard.write_step_checkpoint(0, weights(10))
    asked = Situation(own_ledger, {(1, 1): row_keys}, COUNTS, None, adapts=False)
    decision = RetrainShards().decide(asked)[1]
    assert (decision.action, decision.kept_stages, decision.resume) == ("retrained", 1, 0)
    adapting = RetrainShards().decide(replace(asked, adapts=True))[1]
    assert (adapting.kept_stages, adapting.resume) == (0, None)


def test_where_all_begins_anew_no_step_is_resumed_from(own_ledger):
    """Shard 0 loses rows of its first slice, and a checkpoint lies before their first step."""
    shard, row_keys = own_ledger.shard(0), keys(1)
    first = affected_positions(Situation(own_ledger, {(0, 0): row_keys}, COUNTS, None), 0)[0]
    assert first > 0, "the row must not stand in the first batch for this test"
    shard.write_step_checkpoint(0, weights(10))
    asked = Situation(own_ledger, {(0, 0): row_keys}, COUNTS, None, adapts=False)
    assert RetrainShards().decide(asked)[0].resume == 0
    for afresh in (replace(asked, fresh_start="other code"), replace(asked, moved={0})):
        assert RetrainShards().decide(afresh)[0].resume is None


# amnesiac


@given(slice_=st.integers(0, 2), number=st.integers(1, 12), seed=st.integers(0, 99))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_steps_to_subtract_are_those_whose_batch_held_a_row(ledger, slice_, number, seed):
    row_keys = keys(number, seed=seed)
    asked = Situation(ledger, {(0, slice_): row_keys}, COUNTS, None)
    expected = {
        stage.position(epoch=epoch, batch=int(batch))
        for stage in schedule(COUNTS[0], PARTITION)[slice_:]
        for epoch in range(stage.epochs)
        for batch in batch_of(
            row_bits(row_keys),
            seed=PARTITION.seed,
            stage=stage.index,
            epoch=epoch,
            batches=stage.batches,
        )
    }
    assert affected_positions(asked, 0) == sorted(expected)
    (decision, *others) = Amnesiac().decide(asked)
    assert decision.positions == tuple(sorted(expected))
    assert (decision.action, decision.kept_stages, decision.steps) == ("subtracted", slice_, 0)
    assert actions(others) == [("kept", 3), ("kept", 3)]


def test_a_shard_without_rows_left_leaves_instead_of_being_subtracted_from(ledger):
    deleted = [(1, 1, 30), (1, 2, 20)]
    assert actions(Amnesiac().decide(situation(ledger, *deleted)))[1] == ("empty", 0)


def test_without_recorded_updates_amnesiac_is_refused_with_what_to_do(tmp_path):
    bare = make_ledger(tmp_path / "ledger")
    with pytest.raises(BadInput, match="needs recorded updates, and 2 of the 2 affected steps of "
                       "shard 0 have none: train with `record` all or regenerate, or ask for "
                       "`guarantee` exact"
                       ):  # fmt: skip
        Amnesiac().decide(situation(bare, (0, 2, 1)))


def test_amnesiac_is_refused_where_nothing_of_the_old_run_may_be_reused(ledger):
    with pytest.raises(BadInput, match="since the classes change: ask for `guarantee` exact"):
        Amnesiac().decide(situation(ledger, (0, 2, 1), fresh_start="the classes change"))


def apply(decision, old, folder):
    new = ShardLedger(shard_folder(folder, decision.shard))
    Amnesiac().apply(decision, old=old, new=new, run=None, store=None)
    return new


def test_subtraction_takes_updates_from_the_weights_and_what_learnt_from_rows_off_the_disk(
    ledger, tmp_path
):
    old = ledger.shard(0)
    decision = Amnesiac().decide(situation(ledger, (0, 1, 3)))[0]
    before = {path: path.read_bytes() for path in old.folder.rglob("*") if path.is_file()}
    new = apply(decision, old, tmp_path / "new")
    last = weights(2)
    expected = last["weights/0000.w"].astype(np.float64)
    for position in decision.positions:
        expected = expected - update(position)["weights/0000.w"]
    found = new.final_weights()
    assert np.array_equal(found["weights/0000.w"], expected.astype(np.float32))
    assert not np.array_equal(found["weights/0000.w"], last["weights/0000.w"])
    assert np.array_equal(found["weights/0001.statistics"], last["weights/0001.statistics"])
    assert [new.has_checkpoint(stage) for stage in range(3)] == [True, False, False]
    assert new.recorded_updates() == old.recorded_updates() - set(decision.positions)
    assert new.subtracted() == set(decision.positions)
    # The files may be links: the old ledger must not have changed with the new one.
    assert before == {path: path.read_bytes() for path in old.folder.rglob("*") if path.is_file()}


def test_no_update_is_subtracted_twice(ledger, tmp_path):
    first = Amnesiac().decide(situation(ledger, (0, 1, 3)))[0]
    once = apply(first, ledger.shard(0), tmp_path / "once")
    shutil.copytree(ledger.folder, tmp_path / "rest", dirs_exist_ok=True)
    shutil.rmtree(tmp_path / "rest" / "shards" / "000")
    shutil.copytree(once.folder, tmp_path / "rest" / "shards" / "000")
    middle = open_ledger(tmp_path / "rest")
    second = Amnesiac().decide(situation(middle, (0, 1, 5)))[0]
    all_of_second = set(affected_positions(situation(middle, (0, 1, 5)), 0))
    assert set(second.positions) == all_of_second - set(first.positions)
    assert all_of_second & set(first.positions), "the two must share a batch for this test"
    twice = apply(second, middle.shard(0), tmp_path / "twice")
    assert twice.subtracted() == all_of_second | set(first.positions)
    expected = once.final_weights()["weights/0000.w"].astype(np.float64)
    for position in second.positions:
        expected = expected - update(position)["weights/0000.w"]
    assert np.array_equal(twice.final_weights()["weights/0000.w"], expected.astype(np.float32))


def test_a_shard_that_loses_nothing_is_taken_over_whole(ledger, tmp_path):
    decision = Amnesiac().decide(situation(ledger, (0, 1, 3)))[2]
    new = apply(decision, ledger.shard(2), tmp_path / "new")
    names = {path.relative_to(new.folder) for path in new.folder.rglob("*") if path.is_file()}
    old = ledger.shard(2).folder
    assert names == {path.relative_to(old) for path in old.rglob("*") if path.is_file()}
    assert all((new.folder / name).read_bytes() == (old / name).read_bytes() for name in names)


# Choosing


@pytest.mark.parametrize(
    "guarantee, name, chosen",
    [
        (None, None, "retrain-shards"),
        ("exact", None, "retrain-shards"),
        ("approximate", None, "amnesiac-marginal"),
        (None, "amnesiac", "amnesiac"),
        ("exact", "retrain-shards", "retrain-shards"),
    ],
)
def test_the_strategy_is_the_one_named_or_the_one_that_gives_the_guarantee(guarantee, name, chosen):
    assert choose(guarantee=guarantee, name=name).name == chosen
    assert chosen in strategies()


@pytest.mark.parametrize(
    "guarantee, name, words",
    [
        ("exact", "amnesiac", "gives approximate results, not exact ones"),
        (
            None,
            "magic",
            "no strategy 'magic'; there are: retrain-shards, subtract-sums, mend-trees, "
            "reconverge, retrain-whole-shards, amnesiac-marginal, amnesiac",
        ),
        ("certified", None, "No strategy gives a result that is certified"),
    ],
)
def test_what_no_strategy_gives_is_refused(guarantee, name, words):
    with pytest.raises(BadInput, match=words):
        choose(guarantee=guarantee, name=name)


# The approximate strategy on a model that was trained


@pytest.fixture(scope="module")
def given_csv(tmp_path_factory):
    draw = random.Random(4)
    path = tmp_path_factory.mktemp("given") / "people.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person", "age", "fare", "label"])
        for number in range(200):
            age = draw.gauss(40, 12)
            label = "old" if age > 40 else "young"
            writer.writerow([f"person-{number % 20}", f"{age:.1f}", f"{draw.random():.2f}", label])
    return path


def small(root, given_csv, **how):
    project = Project(root, backend=DirectBackend())
    options = {"label": "label", "subject": "person", "slices": 2, "epochs": 2, "batch_size": 8}
    project.train(given_csv, shards=1, module=SMALL_MODEL, **options, **how)
    return project


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


def newest_ledger(project):
    connection = read_index(project.root / "unweave.sqlite")
    try:
        return open_ledger(project.root / find_model(connection).paths["ledger"])
    finally:
        connection.close()


def test_two_approximate_deletions_subtract_each_shared_batch_once(given_csv, tmp_path):
    project = small(tmp_path / "workspace", given_csv, record="all")
    ledger = newest_ledger(project)
    weights = ledger.shard(0).final_weights()
    trainable = ledger.header.trainable
    recorded = ledger.shard(0).updates
    updates = dict(recorded.load(recorded.files()))
    gone = set()
    for person in ("person-3", "person-4"):
        touched = project.trace_subject(person)["models"][0]["batches"]
        stages = {stage.stage: stage for stage in newest_ledger(project).shard(0).stages()}
        positions = set()
        for name in touched:
            _, stage, epoch, batch = (int(part[1:]) for part in name.split("."))
            record = stages[stage]
            positions.add(record.first_position + epoch * record.batches + batch)
        done = project.forget([person], strategy="amnesiac")
        assert done["guarantee"] == "approximate" and done["steps_recomputed"] == 0
        assert done["updates_subtracted"] == len(positions - gone)
        for name in trainable:
            total = weights[name].astype(np.float64)
            for position in sorted(positions - gone):
                total = total - updates[position][name]
            weights[name] = total.astype(np.float32)
        shared, gone = positions & gone, gone | positions
        found = newest_ledger(project).shard(0).final_weights()
        assert all(np.array_equal(found[name], weights[name]) for name in weights)
    assert shared, "the two people must share a batch for this test"


@pytest.mark.parametrize("codec", ["bfloat16", "int8"])
def test_rounded_updates_are_subtracted_as_they_were_kept(given_csv, tmp_path, codec):
    project = small(tmp_path / "workspace", given_csv, record="all", update_codec=codec)
    ledger = newest_ledger(project)
    assert ledger.header.options.codec == codec
    before, updates = ledger.shard(0).final_weights(), ledger.shard(0).updates
    kept = dict(updates.load(updates.files()))
    project.forget(["person-3"], strategy="amnesiac")
    shard = newest_ledger(project).shard(0)
    assert shard.recorded_updates() == set(kept) - shard.subtracted()
    for name, found in shard.final_weights().items():
        total = before[name].astype(np.float64)
        for position in sorted(shard.subtracted()):
            total = total - kept[position].get(name, 0)
        assert np.array_equal(found, total.astype(np.float32))


def test_updates_of_rows_at_risk_alone_are_kept_and_subtracted(given_csv, tmp_path):
    rule = {"risk_rules": ("person=person-3",)}
    project = small(tmp_path / "workspace", given_csv, record="at-risk", **rule)
    ledger = newest_ledger(project)
    shard, touched = ledger.shard(0), project.trace_subject("person-3")["models"][0]["batches"]
    assert 0 < len(shard.recorded_updates()) == len(touched) < ledger.steps_taken()
    assert b"person-3" not in (ledger.folder / "header.json").read_bytes()
    with pytest.raises(BadInput, match="have none: train with `record` all"):
        project.forget(["person-5"], strategy="amnesiac")
    done = project.forget(["person-3"], strategy="amnesiac")
    assert done["updates_subtracted"] == len(touched)


def test_regenerated_updates_give_what_recorded_ones_give(given_csv, tmp_path, key_file):
    found = {}
    for record in ("all", "regenerate"):
        project = small(tmp_path / record, given_csv, record=record, key_file=key_file)
        before = newest_ledger(project).shard(0)
        assert bool(before.recorded_updates()) == (record == "all")
        answers = []
        for person in ("person-3", "person-4"):
            try:
                done = project.forget([person], strategy="amnesiac")
            except BadInput as error:
                answers.append(str(error))
                break
            answers.append(done["updates_subtracted"])
            shard = newest_ledger(project).shard(0)
            found[record, person] = shard.final_weights()
            assert {c["outcome"] for c in done["models"][0]["checks"]} <= {
                "passed",
                "uninformative",
            }
        if record == "regenerate":
            # All that comes after the rows' first step has learnt from them: it can never be again.
            assert "took rows that they build on: ask for `guarantee` exact" in answers[1]
            assert not shard.recorded_updates()
            assert all(position < min(shard.subtracted()) for position in shard.step_checkpoints())
            done = project.forget(["person-4"], replay=True)
            assert done["guarantee"] == "exact"
        else:
            subtracted = answers[0]
    assert answers[0] == subtracted
    one, other = found["all", "person-3"], found["regenerate", "person-3"]
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


@pytest.mark.parametrize(
    "record, codec, words",
    [
        ("none", "int8", "goes with `record` all or at-risk"),
        ("regenerate", "int8", "goes with `record` all or at-risk"),
        ("at-risk", None, "goes with `risk_rules`"),
        ("all", "xor", "it is one of float32, bfloat16, int8"),
    ],
)
def test_a_codec_that_does_not_fit_is_refused(given_csv, tmp_path, record, codec, words):
    with pytest.raises(BadInput, match=words):
        small(tmp_path / "workspace", given_csv, record=record, update_codec=codec)


def test_an_approximate_deletion_without_recorded_updates_changes_nothing(given_csv, tmp_path):
    project = small(tmp_path / "workspace", given_csv, record="none")
    before = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    with pytest.raises(BadInput, match="train with `record` all or regenerate, or ask for"):
        project.forget(["person-3"], strategy="amnesiac")
    after = {path: path.read_bytes() for path in project.root.rglob("*") if path.is_file()}
    assert before == after


@pytest.mark.parametrize("strategy", [Amnesiac(), AmnesiacMarginal(), RetrainShards()])
def test_only_who_subtracts_recorded_updates_speaks_of_any(strategy):
    decision = ShardDecision(
        shard=0, action="corrected", kept_stages=1, steps=3, why="", positions=(4, 9)
    )
    words = strategy.words([decision])
    said = " ".join([*words.done, *words.lines.values()])
    assert ("recorded" in said) is isinstance(strategy, Amnesiac)
