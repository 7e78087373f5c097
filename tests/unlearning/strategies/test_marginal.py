"""Marginal subtraction: its arithmetic, where the answer is known, and what it leaves behind."""

import random
import shutil
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.keeps_the_old import KeepsTheOld
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.placement import Stage
from lineage_store.rows.row_store import open_rows
from lineage_store.tensors import first_difference, weights_digest, weights_of
from pipelines.backends.direct import DirectBackend
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.fitting.fit import fit_twin
from unlearning.keras_learning.keras_learner import KerasLearner
from unlearning.keras_learning.make import make_learner
from unlearning.keras_models.module_file import ModelSpec
from unlearning.strategies.last_epoch import WINDOWS, corrected_state, correction_steps
from unlearning.strategies.strategy import stage_of
from unlearning.training.batches import batch_digest, stage_batches
from unlearning.training.config import module_source
from unlearning.verification.checks import Unlearned, check
from unweave import Project

NAME = "amnesiac-marginal"
OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 1, "epochs": 8,
           "batch_size": 8, "record": "all"}  # fmt: skip

LINEAR = '''
import keras


def build_model(spec):
    """A linear model with squared loss under plain SGD: every step is an affine map."""
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    output = keras.layers.Dense(1, use_bias=False)(numbers)
    model = keras.Model({"numbers": numbers}, output)
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss="mse")
    return model
'''

DROPPING = LINEAR.replace("(numbers)\n    model", "(keras.layers.Dropout(0.5)(numbers))\n    model")


NORMED = LINEAR.replace(
    "(numbers)\n    model", "(keras.layers.BatchNormalization()(numbers))\n    model"
)
MODULES = {"linear": LINEAR, "dropping": DROPPING, "normed": NORMED}


@pytest.fixture(scope="module")
def table(write_csv):
    draw = random.Random(4)
    lines = [["person", "a", "b", "c", "label"]]
    for number in range(400):
        a, b, c = (draw.gauss(0, 1) for _ in range(3))
        label = f"{2 * a - b + draw.gauss(0, 0.5):.4f}"
        lines.append([f"person-{number % 40}", f"{a:.4f}", f"{b:.4f}", f"{c:.4f}", label])
    return write_csv(lines)


@pytest.fixture(scope="module")
def originals(table, tmp_path_factory):
    """Return a function that gives a module's workspace, never written to after this."""

    @cache
    def made(name):
        folder = tmp_path_factory.mktemp(name)
        (folder / "module.py").write_text(MODULES[name])
        (folder / "key").write_bytes(bytes(range(32)))
        (folder / "key").chmod(0o600)
        project = Project(folder / "workspace", backend=DirectBackend(), reveal=True)
        project.train(table, module=folder / "module.py", key_file=folder / "key", **OPTIONS)
        return project.root

    return made


@pytest.fixture
def root(originals, tmp_path):
    return shutil.copytree(originals("linear"), tmp_path / "workspace")


def paths_of(root):
    connection = read_index(root / "unweave.sqlite")
    try:
        return {name: root / path for name, path in find_model(connection).paths.items()}
    finally:
        connection.close()


def forget(root, person="person-3", **options):
    backend = KeepsTheOld()
    project = Project(root, backend=backend, reveal=True)
    answer = project.forget([person], **{"strategy": NAME, **options})
    (plan,) = backend.plans
    kept, now = root.parent, paths_of(root)
    old = open_ledger(kept / f"ledger-{plan.model_before}")
    before = open_rows(kept / f"rows-{plan.model_before}")
    return answer, plan, old, before, open_ledger(now["ledger"]), open_rows(now["rows"])


def the_shard(plan):
    (decision,) = [one for one in plan.shards if one.action != "kept"]
    assert decision.action == "corrected"
    return decision


# The arithmetic


def last_epoch(shard, before, after, number, seed):
    """The batches of the last epoch as arrays: (batch, x, y, stays)."""
    stage = stage_of(shard.stages()[-1])
    left = {key.tobytes() for key in after.stage_rows(number, 0).row_keys}
    found = []
    for epoch, batch, rows in stage_batches(before.stage_rows(number, 0), stage, seed=seed):
        if epoch == stage.epochs - 1:
            stays = np.array([key.tobytes() in left for key in rows.row_keys])
            found.append((batch, rows["numbers"].astype(float), rows.labels.astype(float), stays))
    return stage, found


def stepped(w, x, y):
    """One step of SGD(0.05) on the mean squared error, worked out by hand."""
    return w if not len(y) else w - 0.05 * 2 / len(y) * x.T @ (x @ w - y)


def test_a_window_is_the_difference_of_two_runs_and_windows_add_up(root):
    answer, plan, old, before, new, after = forget(root)
    number = the_shard(plan).shard
    stage, batches = last_epoch(old.shard(number), before, after, number, old.partition.seed)
    (start,) = weights_of(old.shard(number).final_weights()).values()
    w = start[:, 0].astype(float)
    expected = w.copy()
    for window in range(WINDOWS):
        one = two = w
        met = False
        for batch, x, y, stays in batches:
            met = batch * WINDOWS // stage.batches == window and (met or not stays.all())
            if met:
                one, two = stepped(one, x, y), stepped(two, x[stays], y[stays])
        expected = expected + two - one
    (found,) = new.shard(number).final_weights().values()
    assert np.allclose(found[:, 0], expected, atol=2e-6)
    moved = np.abs(expected - w).max()
    assert moved > 1e-3 and np.abs(found[:, 0] - expected).max() < moved / 100
    assert answer["guarantee"] == "approximate"


def test_one_window_is_what_the_recursion_says_and_a_plain_sum_is_off_by_what_it_lacks(root):
    """d becomes J d + m at each step, J the step without the rows; a plain sum takes J for 1."""
    _, plan, old, before, _, after = forget(root)
    number = the_shard(plan).shard
    learner = make_learner(module_source(old), name="m", store=before, seed=old.partition.seed)
    _, batches = last_epoch(old.shard(number), before, after, number, old.partition.seed)
    (start,) = old.shard(number).final_weights().values()
    w = start[:, 0].astype(float)
    d, plain, lacking = np.zeros(3), np.zeros(3), np.zeros(3)
    for _, x, y, stays in batches:
        rest, labels = x[stays], y[stays]
        jacobian = np.eye(3)
        if len(labels):
            jacobian -= 0.05 * 2 / len(labels) * rest.T @ rest
        m = stepped(w, rest, labels) - stepped(w, x, y)
        lacking = lacking + (np.eye(3) - jacobian) @ d
        d, plain = jacobian @ d + m, plain + m
        w = stepped(w, x, y)
    state = corrected_state(
        learner, old=old.shard(number), before=before, after=after, options=old.header.options,
        windows=1,
    )  # fmt: skip
    (found,) = weights_of(state).values()
    assert np.allclose((found - start)[:, 0], d, atol=2e-6)
    assert np.allclose(plain - d, lacking)
    assert np.linalg.norm(lacking) > 0.1 * np.linalg.norm(d) > 1e-4


@given(
    batches=st.integers(1, 40),
    epochs=st.integers(1, 3),
    windows=st.integers(1, 12),
    data=st.data(),
)
def test_planned_steps_are_those_of_windows_that_met_a_row_from_there_on(
    batches, epochs, windows, data
):
    stage = Stage(0, 100, epochs, batches, data.draw(st.integers(0, 50)))
    met = data.draw(st.sets(st.integers(0, batches - 1)))
    earlier = [stage.first_position] if epochs > 1 else []
    positions = [stage.position(epoch=epochs - 1, batch=batch) for batch in met] + earlier
    expected = 0
    for batch in range(batches):
        window = batch * windows // batches
        if any(one * windows // batches == window and one <= batch for one in met):
            expected += 2
    assert correction_steps(stage, positions, windows=windows) == expected


def test_the_batches_that_are_taken_again_are_the_recorded_ones(root):
    ledger, rows = open_ledger(paths_of(root)["ledger"]), open_rows(paths_of(root)["rows"])
    for number, shard in enumerate(ledger.shards()):
        stage = stage_of(shard.stages()[-1])
        found = stage_batches(rows.stage_rows(number, 0), stage, seed=ledger.partition.seed)
        recorded = [(s.epoch, s.batch, s.batch_digest) for s in shard.steps(0)]
        assert [(e, b, batch_digest(here)) for e, b, here in found] == recorded


def test_a_replayed_run_ends_in_the_recorded_state_bit_for_bit(root):
    ledger, rows = open_ledger(paths_of(root)["ledger"]), open_rows(paths_of(root)["rows"])
    learner = make_learner(module_source(ledger), name="m", store=rows, seed=ledger.partition.seed)
    shard = ledger.shard(0)
    stage = stage_of(shard.stages()[0])
    learner.load(learner.initial_state(0, None))
    for epoch, batch, here in stage_batches(
        rows.stage_rows(0, 0), stage, seed=ledger.partition.seed
    ):
        learner.step(here, shard=0, position=stage.position(epoch=epoch, batch=batch))
    assert first_difference(learner.state(), shard.checkpoint(0)) is None


# Randomness


def learner_of(text):
    spec = ModelSpec(("a", "b", "c"), (), "regression", ())
    return KerasLearner(text, name="m", spec=spec, seed=1)


def some_rows(count=12):
    draw = np.random.default_rng(2)
    return keras_rows(
        draw.integers(0, 256, (count, 16)).astype(np.uint8),
        draw.normal(size=(count, 3)).astype(np.float32),
        np.zeros((count, 0), np.int32),
        draw.normal(size=count).astype(np.float32),
    )


def after_step(learner, state, rows, **how):
    learner.load(state)
    learner.step(rows, shard=0, position=3, **how)
    (weights,) = learner.weights().values()
    return weights


def test_a_row_that_counts_for_nothing_is_as_if_it_were_not_there():
    learner, rows = learner_of(LINEAR), some_rows()
    state, stays = learner.initial_state(0, None), np.arange(12) % 4 != 0
    counts = (stays * (12 / 9)).astype(np.float32)
    with_counts = after_step(learner, state, rows, counts=counts)
    assert np.allclose(with_counts, after_step(learner, state, rows.take(np.flatnonzero(stays))))
    assert not np.allclose(with_counts, after_step(learner, state, rows))


def test_innocent_rows_meet_the_same_randomness_in_both_computations():
    """The difference of the two steps is then that of the deleted rows' gradients alone."""
    learner, rows = learner_of(DROPPING), some_rows()
    assert learner.draws and not learner_of(LINEAR).draws
    state, stays = learner.initial_state(0, None), np.arange(12) != 5
    ones = np.ones(12, np.float32)
    assert np.array_equal(
        after_step(learner, state, rows, counts=ones),
        after_step(learner, state, rows, counts=ones),
    )
    # Were masks drawn anew, steps that count one row each would not add up to that of all rows.
    (start,) = weights_of(state).values()
    single = [
        after_step(learner, state, rows, counts=(np.arange(12) == n).astype(np.float32)) - start
        for n in range(12)
    ]
    whole = after_step(learner, state, rows, counts=ones) - start
    assert np.allclose(np.sum(single, axis=0), whole, atol=1e-6)
    left = after_step(learner, state, rows, counts=stays.astype(np.float32)) - start
    assert np.allclose(whole - left, single[5], atol=1e-6)


def test_a_model_with_dropout_is_corrected_and_checked(originals, tmp_path):
    root = shutil.copytree(originals("dropping"), tmp_path / "workspace")
    answer, plan, *_ = forget(root)
    the_shard(plan)
    assert [item["outcome"] for item in answer["checks"]][1:] == ["passed"]


def test_batch_norm_statistics_are_corrected_and_variances_stay_variances(originals, tmp_path):
    root = shutil.copytree(originals("normed"), tmp_path / "workspace")
    _, plan, old, _, new, _ = forget(root)
    number = the_shard(plan).shard
    before, after = old.shard(number).final_weights(), new.shard(number).final_weights()
    moving = [name for name in before if "moving" in name]
    assert len(moving) == 2
    assert all(not np.array_equal(before[name], after[name]) for name in moving)
    (variance,) = [after[name] for name in moving if name.endswith("moving_variance")]
    assert (variance >= 0).all()


# What a deletion leaves, and what comes after it


def test_a_correction_is_checked_and_leaves_nothing_that_learnt_from_the_rows(root):
    answer, plan, old, before, new, after = forget(root, replay=True)
    decision = the_shard(plan)
    assert answer["strategy"] == NAME and answer["guarantee"] == "approximate"
    assert answer["steps_recomputed"] == decision.steps == plan.steps_planned > 0
    assert decision.steps < decision.steps_from_start
    assert answer["updates_corrected"] == len(decision.positions) > 0
    assert answer["updates_subtracted"] == 0
    assert answer["distance_to_twin"] < answer["distance_untouched"]
    shard = new.shard(decision.shard)
    assert not shard.has_checkpoint(0) and not shard.recorded_updates()
    assert shard.subtracted() == set(decision.positions)
    assert shard.final_file.exists() and not old.shard(decision.shard).final_file.exists()
    assert {item["outcome"] for item in answer["checks"]} <= {"passed", "uninformative"}
    untouched = check(Unlearned(plan=plan, old=old, new=old, store=after, old_store=before))
    assert [item.outcome for item in untouched.checks][1] == "failed"
    verdicts = {(item["kind"], item["verdict"].partition(":")[0]) for item in answer["verdicts"]}
    assert ("lineage.Update", "retained") not in verdicts
    assert ("lineage.Checkpoint", "erased") in verdicts


def test_a_second_deletion_starts_from_the_first_and_an_exact_one_ends_both(root, tmp_path):
    _, first, *_ = forget(root)
    number = the_shard(first).shard
    project = Project(root, backend=DirectBackend(), reveal=True)
    others = [
        f"person-{n}" for n in range(40)
        if n != 3 and project.trace_subject(f"person-{n}")["models"][0]["shards"] == [number]
    ]  # fmt: skip
    _, second, middle, before, new, after = forget(root, others[0])
    assert the_shard(second).shard == number
    positions = set(the_shard(first).positions), set(the_shard(second).positions)
    assert new.shard(number).subtracted() == positions[0] | positions[1]
    learner = make_learner(
        module_source(middle), name="m", store=before, seed=middle.partition.seed
    )
    state = corrected_state(
        learner, old=middle.shard(number), before=before, after=after,
        options=middle.header.options,
    )  # fmt: skip
    found = new.shard(number).final_weights()
    assert project.doctor()["differences"] == []
    assert first_difference(weights_of(state), found) is None
    _, third, old, _, exact, left = forget(root, others[1], strategy="retrain-shards")
    twin = fit_twin(third, old=old, rows=left.folder, folder=tmp_path / "twin")
    assert weights_digest(exact.final_weights()) == weights_digest(twin.final_weights())
    assert exact.shard(number).correction() is None


def test_whole_and_marginal_subtraction_are_not_mixed_in_one_shard(originals, tmp_path):
    one = shutil.copytree(originals("linear"), tmp_path / "one" / "workspace")
    _, plan, *_ = forget(one)
    number = the_shard(plan).shard
    project = Project(one, backend=DirectBackend(), reveal=True)
    other = next(
        f"person-{n}" for n in range(40)
        if n != 3 and project.trace_subject(f"person-{n}")["models"][0]["shards"] == [number]
    )  # fmt: skip
    with pytest.raises(BadInput, match="corrected by amnesiac-marginal, which left no updates"):
        project.forget([other], strategy="amnesiac")
    two = shutil.copytree(originals("linear"), tmp_path / "two" / "workspace")
    project = Project(two, backend=DirectBackend(), reveal=True)
    project.forget(["person-3"], strategy="amnesiac")
    with pytest.raises(BadInput, match="whole updates were subtracted .* `guarantee` exact"):
        project.forget([other], strategy=NAME)


def test_it_is_never_called_exact(root):
    with pytest.raises(BadInput, match="gives approximate results, not exact ones"):
        Project(root, backend=DirectBackend(), reveal=True).forget(
            ["person-3"], strategy=NAME, guarantee="exact"
        )


def test_a_state_that_is_not_the_recorded_one_is_not_corrected(root):
    ledger = paths_of(root)["ledger"]
    for file in ledger.glob("shards/*/stage-00.safetensors"):
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        file.write_bytes(data)
    with pytest.raises(CheckFailed, match="is not the one that was recorded"):
        Project(root, backend=DirectBackend(), reveal=True).forget(["person-3"], strategy=NAME)


def test_a_shard_that_retrains_for_no_more_steps_is_retrained(table, tmp_path):
    # A secret that puts a row of the person into an early batch of each window: elsewhere a
    # correction may take fewer steps.
    key = tmp_path / "key"
    key.write_bytes(bytes([1] * 32))
    key.chmod(0o600)
    project = Project(tmp_path / "workspace", backend=KeepsTheOld(), reveal=True)
    project.train(table, **{**OPTIONS, "epochs": 1, "key_file": key})
    answer, plan, old, before, new, after = forget(project.root)
    (decision,) = [one for one in plan.shards if one.action != "kept"]
    assert decision.action == "retrained" and "a correction would take" in decision.why
    assert answer["guarantee"] == "approximate"
    twin = fit_twin(plan, old=old, rows=after.folder, folder=tmp_path / "twin")
    assert weights_digest(new.final_weights()) == weights_digest(twin.final_weights())
    untouched = check(Unlearned(plan=plan, old=old, new=old, store=after, old_store=before))
    assert [item.outcome for item in untouched.checks][1] == "failed"
