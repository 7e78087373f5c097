"""The core of a deletion killed at every step and at random moments: it ends as if it never was.

Real processes and SIGKILL, without TFX. The default suite has a handful, `make test-all` all.
"""

import csv
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from lineage_store.errors import WorkspaceBusy
from lineage_store.workspace.folder import writing
from pipelines.backends.direct import DirectBackend
from tests.faults.ends import (
    FORGOTTEN,
    assert_ended_as_undisturbed,
    killed_at_moments,
    state_of,
    undisturbed_of,
)
from tests.faults.fork_server import Server
from unweave import Project

MOMENTS = 200
THOUSAND = 1000
SOME = 2
MODULE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(numbers))
    model.compile(optimizer=keras.optimizers.SGD(0.05), loss=spec.loss)
    return model
"""
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "shards": 2, "slices": 2, "epochs": 1,
    "batch_size": 16,
}  # fmt: skip

# Every step of the run, by the function that it begins with.
STEPS = {
    "the request is recorded": ("pipelines.runs.forget.save_open", 1),
    "its key is written": ("unlearning.planning.sealed_request.write_atomic", 2),
    "the open file is sealed": ("pipelines.runs.forget.save_plan", 1),
    "the plan is written": ("pipelines.runs.forget.log_asked", 1),
    "the request is logged": ("lineage_store.index.signed_log.sign_log", 1),
    "the head is signed": ("pipelines.runs.forget._changes", 1),
    "cells are taken over": ("lineage_store.cells.without.take_over", 2),
    "a cell is written without rows": ("lineage_store.cells.without.write_file", 1),
    "the new data are complete": ("lineage_store.cells.without.close_snapshot", 1),
    "the rows are to be stored": ("pipelines.backends.direct.store_from_snapshot", 1),
    "the rows are stored": ("pipelines.backends.direct.refit", 1),
    "a shard is taken over": ("unlearning.fitting.fit.ticket", 1),
    "a stage is trained again": ("unlearning.training.stages.train_stage", 1),
    "another stage is trained again": ("unlearning.training.stages.train_stage", 2),
    "the ledger has its header": ("pipelines.backends.direct.check_and_keep", 1),
    "the result is checked": ("unlearning.verification.report_file.check", 1),
    "the check is kept": ("pipelines.backends.direct.must_pass", 1),
    "the model is pushed": ("pipelines.backends.direct.describe_model", 1),
    "the model is to be recorded": ("pipelines.backends.direct.record_model", 1),
    "the new model is recorded": ("lineage_store.index.signed_log.sign_log", 2),
    "the erasure begins": ("unlearning.erasure.erase.record_ended", 1),
    "the digests are kept": ("unlearning.erasure.erase._erase_model", 1),
    "the old model has ended": ("unlearning.erasure.erase.shutil.rmtree", 1, "/data/m1"),
    "a folder of it is gone": ("unlearning.erasure.erase.shutil.rmtree", 1, "/train-m1/ledger"),
    "the rows leave the index": ("unlearning.erasure.erase.row_index.keep_snapshots", 1),
    "the old model is gone": ("unlearning.erasure.erase.compact", 1),
    "the index is compact": ("unlearning.erasure.erase._scan", 2),
    "the scan begins": ("unlearning.erasure.erase.scan_apart", 2),
    "the scan is done": ("pipelines.backends.direct.certify", 1),
    "the certificate is written": ("unlearning.certificates.sealing.receipt", 1),
    "the receipt is written": ("unlearning.certificates.finish.deletions.finish", 1),
    "the request is done": ("lineage_store.index.signed_log.sign_log", 3),
    "the log is signed": ("pipelines.runs.forget.forget_open_file", 1),
    "the pseudonym's key is destroyed": ("unlearning.certificates.finish.destroy_open", 1),
    "the key has lost its name": ("unlearning.planning.sealed_request.sync_folder", 1),
    "the key is overwritten": ("pathlib.Path.unlink", 1, ".spent"),
    "the key is destroyed": ("unlearning.planning.sealed_request.sync_folder", 2),
}
IN_SUITE = ("a stage is trained again",)
# Steps that every family takes, tried with naive Bayes.
OF_ALL = ("the request is logged", "the old model has ended", "the key is overwritten")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace with one model; never written to after this."""
    here = tmp_path_factory.mktemp("original")
    draw = random.Random(4)
    people = [FORGOTTEN, *(f"person-{n:02d}" for n in range(11))]
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["row", "person", "age", "fare", "label"])
        for n in range(120):
            age, fare = draw.gauss(0, 1), draw.gauss(0, 1)
            out.writerow([n, people[n % 12], f"{age:.3f}", f"{fare:.3f}", "xy"[age + fare > 0]])
    (here / "model.py").write_text(MODULE)
    project = Project(here / "workspace", backend=DirectBackend())
    project.train(here / "people.csv", module=here / "model.py", **OPTIONS)
    return here / "workspace"


@pytest.fixture(scope="module")
def server():
    made = Server(FORGOTTEN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(server, original, tmp_path_factory):
    """The same deletion without a kill: files, weights, and the seconds that it takes."""
    return undisturbed_of(server, original, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize(
    "step",
    [pytest.param(one, marks=() if one in IN_SUITE else pytest.mark.slow) for one in STEPS],
)
def test_a_deletion_killed_at_a_step_ends_as_if_it_was_not(
    server, original, undisturbed, tmp_path, step
):
    root = Path(shutil.copytree(original, tmp_path / "workspace"))
    status, _ = server.forget(root, at=STEPS[step])
    assert status == -9
    assert_ended_as_undisturbed(server, root, undisturbed)


@pytest.mark.parametrize("step", OF_ALL)
def test_a_small_deletion_killed_at_a_step_ends_as_if_it_was_not(
    small_server, small, small_undisturbed, tmp_path, step
):
    root = Path(shutil.copytree(small, tmp_path / "workspace"))
    assert small_server.forget(root, at=STEPS[step])[0] == -9
    assert_ended_as_undisturbed(small_server, root, small_undisturbed)


def test_what_was_logged_and_not_signed_is_signed_by_the_next_command(
    small_server, small, small_undisturbed, tmp_path
):
    root = Path(shutil.copytree(small, tmp_path / "workspace"))
    at = ("lineage_store.index.signed_log.sign_log", 3)  # the request is done
    assert small_server.forget(root, at=at)[0] == -9
    (root / ".log.head.partial").write_bytes(b"half a he")
    assert_ended_as_undisturbed(small_server, root, small_undisturbed)


def test_a_deletion_killed_at_some_moments_ends_as_if_it_was_not(
    server, original, undisturbed, tmp_path
):
    killed_at_moments(server, original, undisturbed, tmp_path, count=SOME, seed=1)


def test_a_deletion_killed_at_any_moment_ends_as_if_it_was_not(
    server, original, undisturbed, tmp_path
):
    killed_at_moments(server, original, undisturbed, tmp_path, count=MOMENTS, seed=2)


def test_a_small_deletion_killed_a_thousand_times_ends_as_if_it_was_not(
    small_server, small, small_undisturbed, tmp_path
):
    killed_at_moments(small_server, small, small_undisturbed, tmp_path, count=THOUSAND, seed=3)


# A disk that fills up


@pytest.fixture
def disk(tmp_path):
    """A function that copies a folder to a disk of its own and leaves so many kilobytes free."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "unweave-test", str(folder)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a small disk takes a root user who may mount")

    def make(source, kilobytes):
        mount("size=64m")
        root = Path(shutil.copytree(source, folder / "workspace"))
        status = os.statvfs(folder)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize // 1024
        mount(f"remount,size={used + kilobytes}k")
        return root, lambda: mount("remount,size=64m")

    yield make
    subprocess.run(["umount", str(folder)], capture_output=True)


FREE = [24, 48, 96, 112, 128, 144, 160, 192, 224, 256, 288, 320, 384, 448]


@pytest.mark.parametrize(
    "kilobytes", [pytest.param(n, marks=() if n == 160 else pytest.mark.slow) for n in FREE]
)
def test_a_deletion_on_a_disk_that_fills_up_can_be_finished_when_there_is_room(
    server, original, undisturbed, disk, kilobytes
):
    """Whatever step it fills up at: nothing is lost, and the same command ends it."""
    root, make_room = disk(original, kilobytes)
    status, _ = server.forget(root)
    assert status in (0, 2)
    if status == 2:
        assert not list(root.rglob("certificate.json")) or state_of(root)[0] == ["running"]
    make_room()
    assert_ended_as_undisturbed(server, root, undisturbed)


def test_a_second_run_at_the_same_time_is_told_that_the_workspace_is_in_use(
    small_server, small, small_undisturbed, tmp_path
):
    root = Path(shutil.copytree(small, tmp_path / "workspace"))
    with writing(root, create=False):
        assert small_server.forget(root)[0] == WorkspaceBusy.exit_status
    assert_ended_as_undisturbed(small_server, root, small_undisturbed)
