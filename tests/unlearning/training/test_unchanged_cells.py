"""A deletion writes again only the slices that lost a row; the others are the old files, if the old
ledger knows them."""

import os
import shutil

import numpy as np
import pytest

from fixtures import SMALL_MODEL
from lineage_store.cells.snapshot import load_snapshot
from lineage_store.ledger.shards import open_ledger
from lineage_store.rows.row_store import open_rows
from pipelines.backends.direct import DirectBackend
from unlearning.encoding.encode_records import store_from_snapshot
from unlearning.training.unchanged_cells import unchanged_cells
from unweave.api.project import Project

ROWS = [["person", "x", "y", "label"]]
ROWS += [[f"p{n % 23}", f"{n % 11}.5", ("a", "b", "c")[n % 3], str(n % 2)] for n in range(400)]
ROWS += [["lone", "often", "a", "1"] for _ in range(9)]  # it alone makes x a column of strings
OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 3, "epochs": 2,
           "batch_size": 16, "module": SMALL_MODEL}  # fmt: skip
SECRET = b"somebody is learnt from in every slice of a shard"
EVERY = {(shard, slice_) for shard in range(2) for slice_ in range(3)}


class KeepsTheOld(DirectBackend):
    """Keeps links to the old model's rows, so that inodes can be compared after the erasure."""

    def delete(self, job):
        for change in job.changes:
            rows = job.workspace.absolute(change.old.paths["rows"])
            shutil.copytree(rows, job.workspace.root.parent / "old", copy_function=os.link)
        super().delete(job)


@pytest.fixture(scope="module")
def original(tmp_path_factory, write_csv):
    folder = tmp_path_factory.mktemp("unchanged")
    key = folder / "key"
    key.write_bytes(SECRET)
    key.chmod(0o600)
    tables = {"plain": ROWS[:401], "mixed": ROWS}
    for name, table in tables.items():
        project = Project(folder / name, backend=DirectBackend(), reveal=True)
        module = SMALL_MODEL if name == "plain" else None  # without a number there is nothing in it
        project.train(write_csv(table), key_file=key, **{**OPTIONS, "module": module})
    return folder


def forget(root, subject, **options):
    """Forget a subject; return the new model's store, its gated data, and the links to the old."""
    answer = Project(root, backend=KeepsTheOld(), reveal=True).forget([subject], **options)
    folder = root / "tfx" / f"forget-{answer['request_id']}" / "m1"
    old = open_rows(root.parent / "old")
    return open_rows(folder / "rows"), load_snapshot(root / "data" / "m2"), old, answer


def shared(new, old):
    return {
        pair for pair in EVERY if all(map(os.path.samefile, new.files(*pair), old.files(*pair)))
    }


def slices_in(cells):
    return {(cell.shard, cell.slice) for cell in cells if cell.split == "train"}


def changed(new, old):
    return {(s, r) for s, r in EVERY if new.counts[s][r] != old.counts[s][r]}


def files_of(folder):
    """What a store holds, but for what is known of its files."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in folder.rglob("*")
        if p.is_file() and p.name not in ("cells.json", "nonces")
    }


def made_anew(new, snapshot, root, tmp_path):
    """The store that is built from the gated data, with nothing taken over."""
    partition = open_ledger(new.folder.parent / "ledger").partition
    return store_from_snapshot(tmp_path / "anew", snapshot, partition)


def test_only_the_slices_that_lost_a_row_are_written_again(original, tmp_path):
    root = shutil.copytree(original / "plain", tmp_path / "ws")
    new, snapshot, old, _ = forget(root, "p3")
    hit = changed(new, old)
    assert len(hit) == 1  # all rows of a person lie in one slice
    assert shared(new, old) == EVERY - hit
    assert files_of(new.folder) == files_of(made_anew(new, snapshot, root, tmp_path).folder)


def test_nothing_is_taken_over_when_the_columns_are_told_otherwise(original, tmp_path):
    root = shutil.copytree(original / "mixed", tmp_path / "ws")
    new, snapshot, old, _ = forget(root, "lone")
    assert "x" in snapshot.schema.names("number")
    assert shared(new, old) == set()
    assert files_of(new.folder) == files_of(made_anew(new, snapshot, root, tmp_path).folder)


def test_a_file_that_the_old_ledger_does_not_know_is_written_again(original, tmp_path):
    root = shutil.copytree(original / "plain", tmp_path / "ws")
    store = open_rows(root / "tfx" / "train-m1" / "rows")
    ledger = open_ledger(root / "tfx" / "train-m1" / "ledger")
    snapshot = load_snapshot(root / "data" / "m1")

    def known():
        return slices_in(unchanged_cells(snapshot, old_snapshot=snapshot, old=ledger, store=store))

    assert known() == EVERY
    (file,) = store.files(1, 2)
    records = np.load(file)
    records["label"][0] ^= 1
    np.save(file, records)
    assert known() == EVERY - {(1, 2)}
    (store.folder / "cells.json").unlink()  # as an earlier unweave left it: the ledger decides
    assert known() == {(shard, slice_) for shard, slice_ in EVERY if shard != 1}
    untouched = shutil.copytree(original / "plain", tmp_path / "untouched")
    answers = []
    for number, each in enumerate((root, untouched)):
        home = shutil.move(each, tmp_path / f"home-{number}")
        answers.append(Project(home, backend=DirectBackend(), reveal=True).forget(["p3"]))
    assert answers[0]["weights_digest_after"] == answers[1]["weights_digest_after"]


def test_after_an_approximate_deletion_only_shards_that_the_ledger_knows_are_taken_over(
    original, tmp_path, write_csv
):
    """Its ledger says what the old rows were: the shards that lost some are written again."""
    root = tmp_path / "ws"
    project = Project(root, backend=DirectBackend(), reveal=True)
    project.train(write_csv(ROWS[:401]), record="all", key_file=original / "key", **OPTIONS)
    first = project.forget(["p3"], strategy="amnesiac")
    folder = root / "tfx" / f"forget-{first['request_id']}" / "m1"
    store, ledger = open_rows(folder / "rows"), open_ledger(folder / "ledger")
    snapshot = load_snapshot(root / "data" / "m2")
    (store.folder / "cells.json").unlink()
    known = slices_in(unchanged_cells(snapshot, old_snapshot=snapshot, old=ledger, store=store))
    (hit,) = {shard for shard, _ in EVERY} - {shard for shard, _ in known}
    assert known == {(shard, slice_) for shard, slice_ in EVERY if shard != hit}


def test_a_model_whose_rows_an_earlier_unweave_wrote_is_asked_and_forgotten_from(
    original, as_format_1, tmp_path
):
    root = shutil.copytree(original / "plain", tmp_path / "ws")
    as_format_1(open_rows(root / "tfx" / "train-m1" / "rows"))
    project = Project(root, backend=DirectBackend(), reveal=True)
    newer = Project(original / "plain", backend=DirectBackend(), reveal=True)
    assert project.trace_batch("s0.r1.e0.b0") == newer.trace_batch("s0.r1.e0.b0")
    new, snapshot, old, answer = forget(root, "p3")
    assert {check["outcome"] for check in answer["checks"]} == {"passed"}
    assert old.format == 1 and new.format == 3
    assert files_of(new.folder) == files_of(made_anew(new, snapshot, root, tmp_path).folder)
