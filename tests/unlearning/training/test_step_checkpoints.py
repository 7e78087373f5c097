"""Checkpoints within a stage: a deletion starts from the last that is older than its rows."""

import json
import random
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_store.errors import CheckFailed
from lineage_store.ledger.shards import open_ledger
from lineage_store.ledger.train_options import TrainOptions
from lineage_store.placement import Partition, Stage
from pipelines.backends.direct import DirectBackend
from unlearning.training.step_checkpoints import (
    REGENERATE,
    adapts,
    interval,
    is_kept,
    kept_in,
    steps_with_checkpoints,
)
from unweave.api.project import Project

PARTITION = Partition(shards=2, slices=3, epochs=4, batch_size=8, seed=0)

MODULE = '''
import keras


def build_model(spec):
    """A model that takes no look at its rows before it is trained."""
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    hidden = keras.layers.BatchNormalization()(keras.layers.Dense(8)(numbers))
    hidden = keras.layers.Dropout(0.2)(keras.layers.Activation("relu")(hidden))
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(hidden)
    model = keras.Model({"numbers": numbers}, output)
    model.compile(optimizer=keras.optimizers.Adam(1e-2), loss=spec.loss)
    return model
'''


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """400 rows with ids, and the module."""
    folder = tmp_path_factory.mktemp("table")
    draw = random.Random(3)
    lines = ["id,who,a,b,label"]
    for number in range(400):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        lines.append(f"r{number},p{number % 80},{a:.5f},{b:.5f},{'yes' if a > b else 'no'}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    (folder / "module.py").write_text(MODULE)
    (folder / "key").write_bytes(bytes(range(32)))  # so that rows lie where they always lie
    (folder / "key").chmod(0o600)
    return folder


def trained(table: Path, workspace: Path, *, module: bool = True, **how: object) -> Project:
    project = Project(workspace, backend=DirectBackend(), reveal=True)
    project.train(
        table / "rows.csv",
        label="label",
        subject="who",
        row_id="id",
        module=table / "module.py" if module else None,
        key_file=table / "key",
        shards=PARTITION.shards,
        slices=PARTITION.slices,
        epochs=PARTITION.epochs,
        batch_size=PARTITION.batch_size,
        **how,
    )
    return project


@pytest.fixture(scope="module")
def without(table, tmp_path_factory):
    """A run that keeps no checkpoint within a stage; never written to."""
    return trained(table, tmp_path_factory.mktemp("without") / "workspace")


@pytest.fixture(scope="module")
def every_second(table, tmp_path_factory):
    """A run that keeps every second; never written to."""
    return trained(table, tmp_path_factory.mktemp("second") / "workspace", checkpoint_every=2)


@pytest.fixture(scope="module")
def every_one(table, tmp_path_factory):
    """A run that keeps all; never written to."""
    return trained(table, tmp_path_factory.mktemp("one") / "workspace", checkpoint_every=1)


def copied(project: Project, folder: Path) -> Project:
    root = shutil.copytree(project.root, folder / "workspace")
    return Project(root, backend=DirectBackend(), reveal=True)


def ledgers(project: Project) -> list:
    return [open_ledger(file.parent) for file in project.root.rglob("ledger/header.json")]


def test_checkpoints_are_kept_in_first_epochs_only(every_second) -> None:
    (ledger,) = ledgers(every_second)
    found = 0
    for shard in ledger.shards():
        for stage in shard.stages():
            for step in shard.steps(stage.stage):
                wanted = step.epoch == 0 and step.batch % 2 == 1 and step.batch + 1 < stage.batches
                assert (step.checkpoint_digest is not None) == wanted
                assert (step.position in shard.step_checkpoints()) == wanted
                found += wanted
    assert found > 6


def test_kept_checkpoints_change_no_bit(table, tmp_path, without, every_second, every_one) -> None:
    budgeted = trained(table, tmp_path / "workspace", checkpoint_budget=30_000)
    assert any(shard.step_checkpoints() for shard in ledgers(budgeted)[0].shards())
    digests = {
        project.models()[0]["weights_digest"]
        for project in (without, every_second, every_one, budgeted)
    }
    assert len(digests) == 1


def test_a_deletion_resumes_within_the_stage_and_equals_the_twin(every_one, tmp_path) -> None:
    project = copied(every_one, tmp_path)
    resumed = saved = 0
    for number in range(0, 400, 10):
        plan = project.plan([f"r{number}"], rows=True)
        shards = [item for item in plan["plans"][0]["shards"] if item["action"] == "retrained"]
        if not any(item["resume"] is not None for item in shards):
            continue  # where a row lies is a matter of the secret
        done = project.forget([f"r{number}"], rows=True, replay=True)
        assert done["guarantee"] == "exact"
        assert {check["outcome"] for check in done["models"][0]["checks"]} <= {
            "passed",
            "uninformative",
        }
        names = [c["name"] for c in done["models"][0]["checks"] if c["outcome"] == "passed"]
        if shards:
            assert "all weights equal the twin's, byte for byte" in names
        for item in shards:
            assert item["steps"] <= item["steps_from_slice"] <= item["steps_from_start"]
            if item["resume"] is not None:
                resumed += 1
                saved += item["steps_from_slice"] - item["steps"]
        (ledger,) = ledgers(project)
        mine = [
            stage
            for shard in ledger.shards()
            for stage in shard.stages()
            if stage.model == done["model_after"]
        ]
        assert done["steps_recomputed"] == sum(stage.steps - stage.resumed for stage in mine)
        taken = [item["resume"] is not None for item in shards]
        assert sorted(stage.resumed > 0 for stage in mine if stage.resumed) == [
            one for one in taken if one
        ]
        if resumed >= 2:
            break
    assert resumed >= 2
    assert saved > resumed


def test_early_stopping_may_resume_and_balanced_classes_may_not(table, tmp_path) -> None:
    stopping = trained(table, tmp_path / "stopping", checkpoint_every=1, early_stop=1)
    weighing = trained(table, tmp_path / "weighing", checkpoint_every=1, class_weights="balanced")
    resumed = []
    for number in range(0, 400, 40):
        for project in (stopping, weighing):
            for item in project.plan([f"r{number}"], rows=True)["plans"][0]["shards"]:
                if item["resume"] is not None:
                    resumed.append((project, f"r{number}"))
    assert {project for project, _ in resumed} == {stopping}
    done = stopping.forget([resumed[0][1]], rows=True, replay=True)
    names = [c["name"] for c in done["models"][0]["checks"] if c["outcome"] == "passed"]
    assert "all weights equal the twin's, byte for byte" in names


def test_a_module_that_adapts_never_resumes_where_it_adapted(table, tmp_path) -> None:
    project = trained(table, tmp_path / "workspace", module=False, checkpoint_every=1)
    seen = set()
    for number in range(0, 400, 31):
        plan = project.plan([f"r{number}"], rows=True)["plans"][0]
        for item in plan["shards"]:
            if item["action"] == "retrained":
                seen.add((item["kept_stages"] > 0, item["resume"] is not None))
    assert (False, True) not in seen
    assert (True, True) in seen


def test_an_approximate_deletion_takes_the_checkpoints_that_saw_its_rows(table, tmp_path) -> None:
    project = trained(table, tmp_path / "workspace", checkpoint_every=1, record="all")
    (ledger,) = ledgers(project)
    before = [len(shard.step_checkpoints()) for shard in ledger.shards()]
    plan = project.plan(["r3"], rows=True, strategy="amnesiac")["plans"][0]
    counts = {v["why"]: v["count"] for v in plan["verdicts"] if v["kind"] == "lineage.Checkpoint"}
    project.forget(["r3"], rows=True, strategy="amnesiac")
    (after,) = ledgers(project)
    kept = sum(len(s.step_checkpoints()) for s in after.shards())
    kept += sum(s.has_checkpoint(r.stage) for s in after.shards() for r in s.stages())
    assert counts["it was made before any deleted row was seen in its shard"] == kept
    (ledger,) = ledgers(project)
    for shard, count in zip(ledger.shards(), before, strict=True):
        left, subtracted = shard.step_checkpoints(), shard.subtracted()
        if subtracted:
            assert all(position < min(subtracted) for position in left)
        else:
            assert len(left) == count
    done = project.forget(["r200"], rows=True, guarantee="exact", replay=True)
    assert done["guarantee"] == "exact"


def test_a_checkpoint_that_was_changed_is_not_taken_over(every_one, tmp_path) -> None:
    project = copied(every_one, tmp_path)
    for number in range(400):
        item = next(
            (
                item
                for item in project.plan([f"r{number}"], rows=True)["plans"][0]["shards"]
                if item["resume"] is not None
            ),
            None,
        )
        if item is not None:
            break
    (ledger,) = ledgers(project)
    file = ledger.shard(item["shard"]).step_checkpoint_file(item["resume"])
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(CheckFailed, match="not the ones that were recorded"):
        project.forget([f"r{number}"], rows=True)
    assert project.models()[0]["state"] == "live"


def test_records_without_checkpoints_are_written_as_they_always_were(without) -> None:
    (ledger,) = ledgers(without)
    line = ledger.shard(0).steps_file(0).read_text().splitlines()[0]
    assert "checkpoint_digest" not in json.loads(line)
    assert "resumed" not in json.loads(ledger.shard(0).stage_file(0).read_text())


STAGES = st.lists(st.integers(0, 400), min_size=1, max_size=12)


@given(STAGES, st.integers(1, 5000), st.integers(1, 2_000_000))
def test_a_budget_is_kept_and_used(batches: list[int], size: int, budget: int) -> None:
    options = TrainOptions(**asdict(PARTITION), checkpoint_budget=budget)
    stages = [Stage(n, 0, 1, count, 0) for n, count in enumerate(batches)]
    every = interval(options, stages, state_bytes=size)
    weight = {
        n: size * sum(kept_in(count, n) for count in batches) for n in (every, every - 1) if n
    }
    assert weight.get(every, 0) <= budget
    if every > 1:
        assert weight[every - 1] > budget
    if every == 0:
        assert size > budget


@given(st.integers(0, 60), st.integers(1, 70), st.integers(0, 60))
def test_what_is_kept_is_what_is_counted(batches: int, every: int, more: int) -> None:
    kept = [is_kept(step, of=batches, every=every) for step in range(batches)]
    assert sum(kept) == kept_in(batches, every)
    assert not any(is_kept(batches + step, of=batches, every=every) for step in range(more))


def test_where_updates_are_regenerated_all_epochs_have_checkpoints() -> None:
    stage = Stage(0, 100, 4, 25, 0)
    assert steps_with_checkpoints(stage, TrainOptions()) == 25
    options = TrainOptions(**asdict(PARTITION), record=REGENERATE)
    assert steps_with_checkpoints(stage, options) == 100
    assert interval(options, [stage], state_bytes=10) == 100
    options = replace(options, checkpoint_budget=10 * 9)
    assert interval(options, [stage], state_bytes=10) == 10


def test_adapt_is_told_by_the_word() -> None:
    assert adapts("def adapt(model, numbers, missing, categories):\n    pass\n")
    assert adapts("from elsewhere import adapt")
    assert adapts("def adapt_to_labels(model, labels):\n    pass\n")
    assert not adapts(MODULE)
