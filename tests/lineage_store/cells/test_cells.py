"""Cells: a deletion writes those that lose rows, links the others, and differs in no byte."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from fixtures.going import Going
from lineage_store.canonical import canonical_json, read_json
from lineage_store.cells import cell_writer as writer
from lineage_store.cells import gate
from lineage_store.cells.cell import KEPT, CellId, CellLayout, layout_of
from lineage_store.cells.files import keep_once, same_cells
from lineage_store.cells.gate import let_through
from lineage_store.cells.kept import load_cells
from lineage_store.cells.snapshot import load_snapshot, read_keys, read_snapshot, retained
from lineage_store.cells.some_rows import read_some
from lineage_store.cells.whole import is_whole
from lineage_store.cells.without import evidence_without, write_without
from lineage_store.data.record import EVAL, TRAIN, UNLABELLED, Record, in_blocks
from lineage_store.data.schema import Roles
from lineage_store.errors import BadInput, CheckFailed, NothingToLearn
from lineage_store.placement import CELL_ROWS, UNCUT, Partition, cells_of

ROLES = Roles(("a", "b"), "label")
VALUES = ["1", "2.5", "NA", "", "x", "001", "'", "two\nlines", 'say "so", or not', "a\x1fb", "-0.0"]
LABELS = ["0", "1", "2.5", "yes", "no", "NA", ""]


@st.composite
def rows(draw):
    """Records of two columns and a label, each with a key and a place of its own."""
    values = st.sampled_from(draw(st.sampled_from([VALUES[:4], VALUES])))
    labels = st.sampled_from(draw(st.sampled_from([LABELS[:2], [*LABELS[:3], ""], LABELS])))
    found = draw(st.lists(st.tuples(values, values, labels), min_size=6, max_size=30))
    chance = np.random.default_rng(draw(st.integers(0, 50)))
    return [
        Record(chance.bytes(16), (chance.bytes(16),) * (n % 3), chance.bytes(8),
               EVAL if n % 5 == 4 else TRAIN, list(one))
        for n, one in enumerate(found)
    ]  # fmt: skip


@st.composite
def layouts(draw):
    shards, slices = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    cut = Partition(shards=shards, slices=slices, epochs=1, batch_size=4, seed=0)
    return CellLayout(cut, draw(st.integers(1, 3)))


def going(snapshot, row_keys):
    found = [r for split in snapshot.splits for r in read_snapshot(snapshot, split)]
    found = [r for r in [*found, *read_keys(snapshot, UNLABELLED)] if r.row_key in row_keys]
    keys = np.frombuffer(b"".join(r.row_key for r in found), np.uint8).reshape(-1, 16)
    places = np.frombuffer(b"".join(r.place for r in found), ">u8").astype(np.uint64)
    return Going(keys, places, tuple(r.split for r in found))


def files(snapshot):
    """All that a snapshot holds, but nonces and what follows from them and from inodes."""
    by_cell = {cell.id: (cell.rows, cell.total, cell.evidence) for cell in snapshot.cells}
    read = {cell.id: (snapshot.folder / cell.file).read_bytes() for cell in snapshot.cells}
    return by_cell, read, read_json(snapshot.folder / "gate.json")


def outcome(make):
    try:
        return files(make())
    except BadInput as error:
        return f"{type(error).__name__}: {error}"


CUT = Partition(shards=2, slices=2, epochs=1, batch_size=4, seed=0)


def gated(new_folder, records, *, layout=None, roles=ROLES, partition=CUT):
    return let_through(
        in_blocks(records, len(roles.all)),
        roles,
        folder=new_folder() / "snapshot",
        partition=partition,
        layout=layout,
    )


def plain(count, *, first=0, label=None):
    chance = np.random.default_rng(first)
    return [
        Record(chance.bytes(16), (), chance.bytes(8), TRAIN if n % 9 else EVAL,
               [str(n), f"text {n % 7}", str(n % 2) if label is None else label])
        for n in range(count)
    ]  # fmt: skip


@settings(deadline=None, max_examples=examples(60), suppress_health_check=[HealthCheck.too_slow])
@given(records=rows(), layout=layouts(), data=st.data())
def test_a_deletion_by_cells_gives_the_files_of_one_that_writes_all_anew(
    new_folder, records, layout, data
):
    try:
        before = gated(new_folder, records, layout=layout)
    except BadInput:
        assume(False)
    keys = data.draw(st.sets(st.sampled_from([one.row_key for one in records]), min_size=1))
    goes = going(before, keys)

    def by_cells():
        return write_without(before, goes, folder=new_folder() / "new", partition=CUT)

    def anew():
        return gated(new_folder, retained(before, frozenset(keys)), layout=layout)

    def twin():
        kept = data.draw(st.permutations([one for one in records if one.row_key not in keys]))
        return gated(new_folder, kept, layout=layout)

    assert outcome(by_cells) == outcome(anew) == outcome(twin)
    try:
        schema = evidence_without(before, goes).conclude()
    except NothingToLearn:
        return
    except BadInput as error:
        assert "no class label" in str(error)
        return
    try:
        assert schema == by_cells().schema
    except BadInput as error:
        assert "No row is left" in str(error)


@settings(deadline=None, max_examples=30)
@given(records=rows(), layout=layouts(), data=st.data())
def test_some_rows_are_read_as_among_all_and_from_their_cells_alone(
    new_folder, records, layout, data
):
    try:
        snapshot = gated(new_folder, records, layout=layout)
    except BadInput:
        assume(False)
    keys = data.draw(st.sets(st.sampled_from([one.row_key for one in records])))
    some = going(snapshot, keys)
    wanted = [
        one for split in snapshot.splits for one in read_snapshot(snapshot, split)
        if one.row_key in keys
    ]  # fmt: skip
    here = layout.by_cell(some.row_keys, some.places, some.splits)
    for cell in snapshot.cells:
        if cell.id not in here:
            (snapshot.folder / cell.file).unlink()
    found = list(read_some(snapshot, some))
    assert sorted(found, key=repr) == sorted(wanted, key=repr)


@settings(deadline=None, max_examples=20)
@given(records=rows(), layout=layouts(), run=st.sampled_from([1, 200]))
def test_the_files_do_not_tell_in_how_many_runs_they_were_sorted(new_folder, records, layout, run):
    once = outcome(lambda: gated(new_folder, records, layout=layout))
    known = writer.RUN_BYTES
    writer.RUN_BYTES = run
    try:
        assert outcome(lambda: gated(new_folder, records[::-1], layout=layout)) == once
    finally:
        writer.RUN_BYTES = known


def test_cells_that_lose_no_row_are_the_same_files(new_folder):
    before = gated(new_folder, plain(400))
    gone = going(before, {plain(400)[5].row_key})
    after = write_without(before, gone, folder=new_folder() / "new", partition=CUT)
    same = [
        c
        for c in after.cells
        if any(c.written.commitment == one.written.commitment for one in before.cells)
    ]
    assert len(same) == len(before.cells) - 1 == len(after.cells) - 1
    for cell in same:
        one, other = (folder / cell.file for folder in (before.folder, after.folder))
        assert one.stat().st_ino == other.stat().st_ino
        assert one.stat().st_mode & 0o777 == 0o400
    (other,) = [cell for cell in after.cells if cell not in same]
    assert other.written.nonce not in {cell.written.nonce for cell in before.cells}
    assert is_whole(after)

    content = (after.folder / same[0].file).read_bytes()
    shutil.rmtree(before.folder)  # what is erased of one model stays in the other
    assert (after.folder / same[0].file).read_bytes() == content
    assert is_whole(after)


def test_a_cell_that_empties_is_there_no_more(new_folder):
    layout = CellLayout(CUT, 40)
    before = gated(new_folder, plain(60), layout=layout)
    alone = next(cell for cell in before.cells if cell.rows == 1)
    here = (before.folder / alone.file).read_text().splitlines()[1]
    gone = going(before, {bytes.fromhex(here.split(",")[0][1:])})
    after = write_without(before, gone, folder=new_folder() / "new", partition=CUT)
    assert {c.id for c in before.cells} - {c.id for c in after.cells} == {alone.id}
    assert not (after.folder / alone.file).exists()


def test_without_hard_links_files_are_copied(new_folder, monkeypatch):
    before = gated(new_folder, plain(200))
    gone = going(before, {plain(200)[5].row_key})
    linked = write_without(before, gone, folder=new_folder() / "new", partition=CUT)

    def refused(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refused)
    copied = write_without(before, gone, folder=new_folder() / "new", partition=CUT)
    assert files(copied) == files(linked)
    cell = copied.cells[0]
    paths = [one.folder / cell.file for one in (before, copied)]
    assert len({path.stat().st_ino for path in paths}) == 2
    assert is_whole(copied)


def test_a_snapshot_that_was_copied_is_read_before_it_is_believed(new_folder, tmp_path):
    before = gated(new_folder, plain(200))
    shutil.copytree(before.folder, tmp_path / "moved")  # other inodes
    moved = load_snapshot(tmp_path / "moved")
    gone = going(moved, {plain(200)[5].row_key})
    after = write_without(moved, gone, folder=tmp_path / "new", partition=CUT)
    assert is_whole(after)

    kept = next(cell for cell in moved.cells if cell.id == after.cells[-1].id)
    file = moved.folder / kept.file
    content = file.read_bytes()
    file.chmod(0o600)
    file.write_bytes(content[:-3] + b"9" + content[-2:])
    with pytest.raises(CheckFailed, match="not as it was written"):
        write_without(moved, gone, folder=tmp_path / "other", partition=CUT)
    assert not (tmp_path / "other").exists()


def test_a_row_that_is_not_in_its_cell_stops_the_deletion(new_folder):
    before = gated(new_folder, plain(200))
    gone = going(before, {plain(200)[5].row_key})
    strange = Going(gone.row_keys + np.uint8(1), gone.places, gone.splits)
    with pytest.raises(CheckFailed, match="Of 1 rows that go"):
        evidence_without(before, strange)
    fuller = CellLayout(CUT, 1000)
    sparse = gated(new_folder, plain(20), layout=fuller)
    elsewhere = Going(gone.row_keys, gone.places ^ np.uint64(12345), gone.splits)
    with pytest.raises(CheckFailed, match="there is no such cell"):
        evidence_without(sparse, elsewhere)


def test_what_is_written_and_not_given_back_is_an_error(new_folder, monkeypatch):
    reads = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: reads(self)[:-1])
    with pytest.raises(CheckFailed, match="does not give back"):
        gated(new_folder, plain(20))


def test_a_cell_has_about_4096_rows_and_keeps_its_number_of_buckets(new_folder):
    assert layout_of(4096, UNCUT).buckets == 1
    assert layout_of(4 * 4096 + 1, CUT).buckets == 2
    before = gated(new_folder, plain(40), layout=CellLayout(CUT, 3))
    gone = going(before, {one.row_key for one in plain(40)[:20]})
    after = write_without(before, gone, folder=new_folder() / "new", partition=CUT)
    assert after.layout == before.layout == CellLayout(CUT, 3)
    assert CELL_ROWS == 4096


def test_a_row_lies_in_the_cell_that_its_place_says(new_folder):
    layout = CellLayout(CUT, 3)
    snapshot = gated(new_folder, plain(300), layout=layout)
    for cell in snapshot.cells:
        lines = (snapshot.folder / cell.file).read_text().splitlines()[1:]
        keys = [line.split(",")[0] for line in lines]
        assert keys == sorted(keys)
        assert len(lines) == cell.rows
        places = np.array([int(line.split(",")[2][1:], 16) for line in lines], np.uint64)
        shards, slices = cells_of(places, CUT)
        assert set(shards) == {cell.id.shard}
        assert set(slices) == {cell.id.slice}
    names = [cell.id for cell in snapshot.cells]
    assert names == sorted(
        names, key=lambda one: (KEPT.index(one.split), one.shard, one.slice, one.bucket)
    )
    assert str(CellId(TRAIN, 3, 2, 1)) == "train/s003-r02-b00001"


def test_what_is_known_of_the_cells_is_read_back(new_folder):
    snapshot = gated(new_folder, [*plain(50), *plain(9, first=1, label="")])
    assert load_cells(snapshot.folder) == snapshot.cells
    assert {cell.id.split for cell in snapshot.cells} == {TRAIN, EVAL, UNLABELLED}
    assert len((snapshot.folder / "nonces").read_bytes()) == 32 * len(snapshot.cells)
    assert len({cell.written.nonce for cell in snapshot.cells}) == len(snapshot.cells)
    assert all(cell.evidence is None for cell in snapshot.cells if cell.id.split == UNLABELLED)
    canonical_json(read_json(snapshot.folder / "cells.json"))
    assert gate.headers(snapshot.schema)[UNLABELLED] == (
        b"unweave_row,unweave_subject,unweave_place\r\n"
    )


def test_a_table_that_is_trained_on_twice_or_grew_costs_its_bytes_once(new_folder):
    layout = CellLayout(CUT, 4)
    first = gated(new_folder, plain(300), layout=layout)
    again = gated(new_folder, plain(300)[::-1], layout=layout)
    grown = gated(new_folder, [*plain(300), *plain(2, first=7)], layout=layout)
    before = [files(snapshot) for snapshot in (again, grown)]
    assert keep_once(again, [first]) == len(again.cells)
    assert len(grown.cells) - 2 <= keep_once(grown, [first]) < len(grown.cells)
    again, grown = load_snapshot(again.folder), load_snapshot(grown.folder)
    assert [files(snapshot) for snapshot in (again, grown)] == before
    assert same_cells(again, first) == {cell.id for cell in first.cells}
    assert is_whole(again) and is_whole(grown)
    for cell in again.cells:
        assert os.path.samefile(again.folder / cell.file, first.folder / cell.file)
    shutil.rmtree(first.folder)  # it was forgotten from, and ended
    assert is_whole(load_snapshot(again.folder)) and is_whole(load_snapshot(grown.folder))
    other = gated(new_folder, plain(300), layout=CellLayout(CUT, 3))
    assert keep_once(gated(new_folder, plain(300), layout=layout), [other]) == 0


def test_columns_that_are_numbered_say_what_they_hold(new_folder):
    """A table of pixels has columns called 0, 1, 2."""
    records = [
        Record(one.row_key, one.subjects, one.place, one.split, [*"012", str(n % 2)])
        for n, one in enumerate(plain(40))
    ]
    roles = Roles(("0", "1", "2"), "label")
    snapshot = gated(new_folder, records, roles=roles)
    gone = going(snapshot, {records[3].row_key})
    assert evidence_without(snapshot, gone).conclude() == snapshot.schema
