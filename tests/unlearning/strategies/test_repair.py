"""Repair: recorded as training, found by later deletions, gone without a trace in exact results."""

import random
import shutil
from dataclasses import replace

import pytest

from fixtures import SMALL_MODEL
from fixtures.keeps_the_old import KeepsTheOld
from lineage_store.errors import BadInput, CheckFailed, NothingFound
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.placement import batches_of_rows, row_bits
from lineage_store.rows.row_store import open_rows
from lineage_store.tensors import load_state, save_state, weights_digest, weights_of
from pipelines.backends.direct import DirectBackend
from unlearning.fitting.fit import fit_twin
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_learning.make import make_learner
from unlearning.strategies.amnesiac import subtract
from unlearning.strategies.last_epoch import recorded_state
from unlearning.strategies.repair import AsGoodAsBefore
from unlearning.strategies.strategy import stage_of
from unlearning.training.config import module_source
from unlearning.verification.checks import Unlearned, check
from unweave import Project

OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 2, "epochs": 4,
           "batch_size": 8, "record": "all", "module": SMALL_MODEL}  # fmt: skip
STRATEGIES = ("amnesiac", "amnesiac-marginal")
EPOCHS = 3


@pytest.fixture(scope="module")
def original(write_csv, tmp_path_factory):
    draw = random.Random(4)
    lines = [["person", "a", "b", "c", "label"]]
    for number in range(320):
        a, b, c = (draw.gauss(0, 1) for _ in range(3))
        label = "yes" if 2 * a - b + draw.gauss(0, 0.5) > 0 else "no"
        lines.append([f"p{number % 32}", f"{a:.4f}", f"{b:.4f}", f"{c:.4f}", label])
    folder = tmp_path_factory.mktemp("repair")
    (folder / "key").write_bytes(bytes(range(32)))
    (folder / "key").chmod(0o600)
    root = folder / "workspace"
    Project(root, backend=DirectBackend(), reveal=True).train(
        write_csv(lines), key_file=folder / "key", **OPTIONS
    )
    return root


@pytest.fixture
def root(original, tmp_path):
    return shutil.copytree(original, tmp_path / "workspace")


def paths_of(root):
    connection = read_index(root / "unweave.sqlite")
    try:
        return {name: root / path for name, path in find_model(connection).paths.items()}
    finally:
        connection.close()


def place_of(project, person):
    (touched,) = project.trace_subject(person)["models"]
    return [(one["shard"], one["slice"]) for one in touched["slices"]]


def someone(project, *, shard=None, slice_=None):
    """Name a person with trained rows, in a given place if one is given."""
    for number in range(32):
        name = f"p{number}"
        try:
            places = place_of(project, name)
        except NothingFound:
            continue  # forgotten already
        if not places:
            continue  # a model is judged by them
        ((s, r),) = places
        batches = project.trace_subject(name)["models"][0]["batches"]
        if batches and shard in (None, s) and slice_ in (None, r):
            return name
    raise AssertionError("nobody has such a place")


def forget(root, person, **options):
    backend = KeepsTheOld()
    project = Project(root, backend=backend, reveal=True)
    answer = project.forget([person], **options)
    (plan,) = backend.plans
    old = open_ledger(root.parent / f"ledger-{plan.model_before}")
    before = open_rows(root.parent / f"rows-{plan.model_before}")
    now = paths_of(root)
    return answer, plan, old, before, open_ledger(now["ledger"]), open_rows(now["rows"])


def the_shard(plan):
    (decision,) = [one for one in plan.shards if one.action != "kept"]
    return decision


def late(root):
    """Someone whose correction takes fewer steps than retraining: of the first slice."""
    return someone(Project(root, backend=DirectBackend(), reveal=True), slice_=0)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_repair_is_a_stage_of_its_own_with_its_batches_and_a_checkpoint(root, strategy):
    answer, plan, old, _, new, after = forget(root, late(root), strategy=strategy, repair=EPOCHS)
    decision = the_shard(plan)
    shard = new.shard(decision.shard)
    *others, last = shard.stages()
    assert last == shard.repair() and last.model == "m2" and last.stage == OPTIONS["slices"]
    assert len(others) == OPTIONS["slices"] and not shard.final_file.exists()
    assert 1 <= last.epochs <= EPOCHS and last.rows == sum(after.counts[decision.shard])
    end = others[-1].first_position + others[-1].epochs * others[-1].batches
    steps = list(shard.steps(last.stage))
    assert steps[0].position >= end and len(steps) == last.steps
    assert decision.repair_steps == EPOCHS * last.batches
    assert answer["guarantee"] == "approximate" and answer["repair_epochs"] == EPOCHS
    assert answer["steps_recomputed"] == last.steps + (
        decision.steps if strategy == "amnesiac-marginal" else 0
    )
    assert [one["outcome"] for one in answer["checks"]][1:] == ["passed"] * 3
    if strategy == "amnesiac":
        begun = subtract(old.shard(decision.shard).final_weights(), old.shard(decision.shard),
                         decision.positions)  # fmt: skip
        assert weights_digest([begun]) == last.start_digest
        recorded = {step.position for step in steps}
        assert recorded <= shard.recorded_updates()
    project = Project(root, backend=DirectBackend(), reveal=True)
    traced = project.trace_checkpoint(f"s{decision.shard}.r{last.stage}")
    assert traced["serves"] and traced["from_checkpoint"] == f"s{decision.shard}.subtracted"
    assert project.doctor()["differences"] == []


def test_checks_of_a_repair_fail_for_the_untouched_model_and_for_one_that_saw_other_rows(root):
    _, plan, old, before, new, after = forget(root, late(root), strategy="amnesiac", repair=1)
    outcomes = [
        one.outcome for one in check(Unlearned(plan=plan, old=old, new=old, store=after)).checks
    ]
    assert outcomes[1:] == ["failed"] * 3
    found = check(Unlearned(plan=plan, old=old, new=new, store=before))
    assert found.checks[-1].name.startswith("every repair") and not found.passed
    assert found.checks[-1].outcome == "failed"
    assert check(Unlearned(plan=plan, old=old, new=new, store=after)).passed
    other = replace(plan, model_after="m9")
    assert not check(Unlearned(plan=other, old=old, new=new, store=after)).passed


def test_the_same_repair_has_the_same_bits(original, tmp_path):
    digests = set()
    for name in ("one", "two"):
        root = shutil.copytree(original, tmp_path / name / "workspace")
        answer, *_ = forget(root, late(root), strategy="amnesiac", repair=2)
        digests.add(answer["weights_digest_after"])
    assert len(digests) == 1


def test_it_ends_once_the_retained_evaluation_rows_are_as_good_as_before(root):
    _, plan, old, _, new, after = forget(root, late(root), strategy="amnesiac", repair=40)
    decision = the_shard(plan)
    learner = make_learner(module_source(old), name="m", store=after, seed=old.partition.seed)
    rows = after.evaluation_of(decision.shard, OPTIONS["slices"] - 1)
    losses = []
    for ledger in (old, new):
        learner.load(ledger.shard(decision.shard).final_weights())
        losses.append(learner.loss(rows))
    last = new.shard(decision.shard).repair()
    assert isinstance(learner, KerasLearner) and len(rows)
    assert (losses[1] <= losses[0]) == (last.epochs < 40)
    assert last.epochs < 40
    ending = AsGoodAsBefore(rows, 0.5)
    assert [ending.ends([0.4, one]) for one in (0.6, 0.5, 0.4)] == [False, True, True]


@pytest.mark.parametrize("strategy", [STRATEGIES[0], pytest.param(STRATEGIES[1])])
def test_an_exact_deletion_after_a_repair_gives_the_bits_of_the_twin(root, tmp_path, strategy):
    _, first, *_ = forget(root, late(root), strategy=strategy, repair=2)
    number = the_shard(first).shard
    project = Project(root, backend=DirectBackend(), reveal=True)
    elsewhere = someone(project, shard=1 - number)
    (planned,) = project.plan([elsewhere])["plans"]
    kinds = {one["verdict"] for one in planned["verdicts"]}
    assert "erased" in kinds
    answer, plan, old, _, new, left = forget(root, elsewhere)
    assert answer["guarantee"] == "exact"
    assert all(shard.repair() is None and not shard.subtracted() for shard in new.shards())
    twin = fit_twin(plan, old=old, rows=left.folder, folder=tmp_path / "twin")
    assert weights_digest(new.final_weights()) == weights_digest(twin.final_weights())


def test_the_batches_of_a_repair_are_found_by_a_later_deletion(root):
    """A row's batches in the repair are subtracted with the others, and none twice."""
    _, first, *_ = forget(root, late(root), strategy="amnesiac", repair=2)
    number = the_shard(first).shard
    project = Project(root, backend=DirectBackend(), reveal=True)
    name = someone(project, shard=number)
    ((_, slice_),) = place_of(project, name)
    (touched,) = project.trace_subject(name)["models"]
    repaired = f"s{number}.r{OPTIONS['slices']}."
    assert any(batch.startswith(repaired) for batch in touched["batches"])
    keys = [bytes.fromhex(key) for key in touched["row_keys"]]
    _, plan, old, before, new, _ = forget(root, name, strategy="amnesiac", repair=1)
    shard = old.shard(number)
    stages = [stage_of(one) for one in shard.stages()]
    rows = before.stage_rows(number, OPTIONS["slices"])
    mine = rows.row_keys[[key.tobytes() in keys for key in rows.row_keys]]
    expected = {
        stages[batch.stage].position(epoch=batch.epoch, batch=batch.batch)
        for batch, _ in batches_of_rows(row_bits(mine), shard=number, first_stage=slice_,
                                        stages=stages, seed=old.partition.seed)
    }  # fmt: skip
    taken = shard.repair()
    in_repair = {p for p in expected if p >= taken.first_position}
    assert in_repair and set(the_shard(plan).positions) == expected - shard.subtracted()
    seen = {step.position for step in shard.steps(taken.stage)}
    assert in_repair <= seen
    again = new.shard(number)
    assert [one.stage for one in again.stages()] == [0, 1, 2, 3]
    assert again.repair().stage == 3 and not again.has_checkpoint(2)
    assert Project(root, backend=DirectBackend(), reveal=True).doctor()["differences"] == []


def test_a_correction_after_a_repair_starts_from_it(root):
    _, first, *_ = forget(root, late(root), strategy="amnesiac-marginal", repair=2)
    number = the_shard(first).shard
    project = Project(root, backend=DirectBackend(), reveal=True)
    ledger = open_ledger(paths_of(root)["ledger"])
    assert weights_digest([weights_of(recorded_state(ledger.shard(number)))]) == weights_digest(
        [ledger.shard(number).final_weights()]
    )
    name = someone(project, shard=number, slice_=0)
    _, plan, old, _, new, _ = forget(root, name, strategy="amnesiac-marginal")
    assert the_shard(plan).action == "corrected"
    taken = old.shard(number).repair()
    assert max(the_shard(plan).positions) >= taken.first_position
    assert new.shard(number).repair() is None and new.shard(number).final_file.exists()
    assert not new.shard(number).has_checkpoint(taken.stage)
    assert not {p for p in new.shard(number).recorded_updates() if p >= taken.first_position}


def test_a_repair_that_is_not_the_recorded_one_is_not_built_upon(root):
    _, first, *_ = forget(root, late(root), strategy="amnesiac-marginal", repair=1)
    number = the_shard(first).shard
    shard = open_ledger(paths_of(root)["ledger"]).shard(number)
    file = shard.checkpoint_file(shard.repair().stage)
    state = load_state(file)
    name = next(iter(weights_of(state)))
    save_state(file, state | {name: state[name] + 1})
    project = Project(root, backend=DirectBackend(), reveal=True)
    with pytest.raises(CheckFailed, match="is not the one that was recorded"):
        project.forget([someone(project, shard=number, slice_=0)], strategy="amnesiac-marginal")


def test_a_repair_goes_with_approximate_strategies_only(root):
    project = Project(root, backend=DirectBackend(), reveal=True)
    for options in ({}, {"guarantee": "exact"}, {"strategy": "retrain-shards"}):
        with pytest.raises(BadInput, match="`repair` goes with an approximate strategy"):
            project.plan(["p1"], repair=1, **options)
    with pytest.raises(BadInput, match="`repair` is -1"):
        project.plan(["p1"], repair=-1, guarantee="approximate")
