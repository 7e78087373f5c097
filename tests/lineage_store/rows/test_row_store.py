"""The row store: any stream of the same rows gives the same files, and batches read from them are
those of the rows in memory."""

import hashlib
import os
import resource
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.canonical import canonical_json, read_json
from lineage_store.cells.cell import CellLayout
from lineage_store.data.schema import Column, Label, Schema
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.placement import (
    Partition,
    Stage,
    batch_of,
    cells_of,
    row_bits,
    shard_of,
    slice_of,
)
from lineage_store.rows import slice_set
from lineage_store.rows.arrays import Rows, in_key_order, joined, pieces, without_contents
from lineage_store.rows.row_store import fields_of, open_rows
from lineage_store.rows.slice_file import TEXT, Field
from lineage_store.rows.slice_set import SortedRows
from lineage_store.rows.writer import write_rows
from unlearning.encoding.keras_encoding import keras_rows
from unlearning.training.batches import stage_batches

PARTITION = Partition(shards=2, slices=3, epochs=2, batch_size=4, seed=9)
LAYOUT, ONE_A_SLICE = CellLayout(PARTITION, 2), CellLayout(PARTITION, 1)
SHAPES = [(3, 2, "classification"), (2, 0, "classification"), (0, 1, "regression")]
SOME = {"rows": st.integers(0, 60), "shape": st.sampled_from(SHAPES), "seed": st.integers(0, 99)}


def rows_of(count, shape, seed):
    """Rows of random content in random order, and their places."""
    numbers, strings, task = shape
    draw = np.random.default_rng([count, seed])
    rows = keras_rows(
        draw.integers(0, 256, (count, 16), dtype=np.uint8),
        draw.normal(size=(count, numbers)).astype(np.float32),
        draw.integers(0, 2048, (count, strings), dtype=np.int32),
        draw.integers(0, 3, count).astype(np.int32 if task == "classification" else np.float32),
    )
    rows["numbers"][draw.random(rows["numbers"].shape) < 0.2] = np.nan
    return rows, draw.integers(0, 1 << 64, count, dtype=np.uint64)


def described(shape):
    numbers, strings, task = shape
    columns = [Column(f"n{n}", "number") for n in range(numbers)]
    columns += [Column(f"s{n}", "text") for n in range(strings)]
    classes = ("a", "b", "c") if task == "classification" else ()
    label = Label("label", "text" if classes else "number", task, classes)
    return {"inference": Schema(tuple(columns), (label,)).to_json()}


def written(folder, rows, places, shape, *, cuts=(), unchanged=None, layout=LAYOUT):
    """Write a store of rows that come in pieces; the first 5 are for evaluation too."""
    ends = [0, *sorted(cut for cut in cuts if cut < len(rows)), len(rows)]
    train = [(rows.take(np.arange(a, b)), places[a:b]) for a, b in pairwise(ends)]
    return write_rows(
        folder,
        train=train,
        evaluation=[(rows.take(np.arange(min(5, len(rows)))), places[:5])],
        layout=layout,
        description=described(shape),
        unchanged={} if unchanged is None else unchanged,
    )


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@given(**SOME, cuts=st.sets(st.integers(0, 60)), order=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=examples(40))
def test_rows_in_any_order_and_any_pieces_give_the_same_files(
    new_folder, rows, shape, seed, cuts, order
):
    given_rows, places = rows_of(rows, shape, seed)
    once = written(new_folder() / "store", given_rows, places, shape)
    shuffled = np.array(order.sample(range(rows), rows), np.int64)
    again = write_rows(
        new_folder() / "store",
        train=(
            (given_rows.take(some), places[some])
            for some in np.split(shuffled, sorted(cut for cut in cuts if cut < rows))
        ),
        evaluation=[
            (given_rows.take(some), places[some]) for some in np.split(np.arange(min(5, rows)), [2])
        ],
        layout=LAYOUT,
        description=described(shape),
    )
    files = files_of(once.folder)
    assert files == files_of(again.folder)
    held = [*cells_with(places, "train"), *cells_with(places[:5], "eval")]
    assert set(files) == {"rows.json", *(f"{cell}.npy" for cell in held)}


def cells_with(places, split):
    """The cells of a split that rows at these places lie in."""
    return set(LAYOUT.by_cell(np.zeros((len(places), 16), np.uint8), places, [split] * len(places)))


def in_memory(rows, places, shard, stage):
    """What a stage's rows are: those of its shard and slices, sorted by row key."""
    here = (shard_of(places, 2) == shard) & (slice_of(places, 3) <= stage)
    chosen = sorted(np.flatnonzero(here), key=lambda place: rows.row_keys[place].tobytes())
    return rows.take(np.array(chosen, np.int64))


def same(one, other):
    arrays = ((rows.row_keys, *rows.columns.values()) for rows in (one, other))
    return list(one.columns) == list(other.columns) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(*arrays, strict=True)
    )


@given(**SOME, batches=st.integers(1, 9), at_once=st.sampled_from([1, 3, 4096]))
@settings(deadline=None, max_examples=examples(40))
def test_batches_read_from_files_are_those_of_the_rows_in_memory(
    new_folder, rows, shape, seed, batches, at_once
):
    given_rows, places = rows_of(rows, shape, seed)
    store = written(new_folder() / "store", given_rows, places, shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slice_set, "TOUCHED_AT_ONCE", at_once)
        patch.setattr(slice_set, "PIECE_BYTES", 40 * at_once)
        for shard in range(2):
            for number in range(3):
                whole = in_memory(given_rows, places, shard, number)
                assert same(store.stage_rows(shard, number), whole)
                mapped = replace(store, read_whole=-1).stage_rows(shard, number)
                assert isinstance(mapped, SortedRows) or not len(whole)
                assert len(mapped) == len(whole) == sum(store.counts[shard][: number + 1])
                assert mapped.digest() == whole.digest() == digest_of(whole)
                stage = Stage(number, len(whole), epochs=2, batches=batches, first_position=0)
                found = {
                    (epoch, batch): here
                    for epoch, batch, here in stage_batches(mapped, stage, seed=9)
                }
                for epoch in range(2):
                    numbers = batch_of(
                        row_bits(whole.row_keys), seed=9, stage=number, epoch=epoch, batches=batches
                    )
                    for batch in range(batches):
                        wanted = whole.take(np.flatnonzero(numbers == batch))
                        if len(wanted):
                            assert same(found.pop((epoch, batch)), wanted)
                assert not found


def digest_of(rows):
    return hashlib.sha256(
        b"".join(array.tobytes() for array in (rows.row_keys, *rows.columns.values()))
    ).hexdigest()


def test_a_set_read_from_files_gives_any_rows_in_the_order_asked_for(new_folder):
    given_rows, places = rows_of(50, SHAPES[0], 1)
    store = replace(written(new_folder() / "store", given_rows, places, SHAPES[0]), read_whole=-1)
    wanted = in_memory(given_rows, places, 1, 2)
    backwards = np.arange(len(wanted))[::-1]
    assert same(store.stage_rows(1, 2).take(backwards), wanted.take(backwards))
    assert same(joined(list(pieces(store.stage_rows(1, 2), 7))), wanted)
    assert same(store.evaluation().whole(), in_key_order(given_rows.take(np.arange(5))))


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data + b"x", lambda _: b"x"]
)
def test_a_damaged_file_is_named(new_folder, damage):
    store = written(new_folder() / "store", *rows_of(50, SHAPES[0], 1), SHAPES[0])
    file = store.files(1, 0)[0]
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(CheckFailed, match=r"s001-r00-b0000\d\.npy .*damaged"):
        store.stage_rows(1, 2)


@given(**SOME, gone=st.sets(st.integers(0, 60), min_size=1))
@settings(deadline=None, max_examples=examples(40))
def test_cells_that_are_taken_over_and_all_made_anew_are_the_same_files(
    new_folder, rows, shape, seed, gone
):
    given_rows, places = rows_of(rows, shape, seed)
    old = written(new_folder() / "store", given_rows, places, shape)
    left = np.array([place for place in range(rows) if place not in gone], np.int64)
    lost = cells_with(places[[place for place in gone if place < rows]], "train")
    unchanged = {
        cell: old.cell_file(cell) for cell in cells_with(places, "train") if cell not in lost
    }
    again = np.array(
        [place for place in left if cells_with(places[[place]], "train") <= lost], np.int64
    )
    anew = {
        "evaluation": [(given_rows.take(left[:5]), places[left[:5]])],
        "layout": LAYOUT,
        "description": described(shape),
    }
    new = write_rows(
        new_folder() / "new",
        train=[(given_rows.take(again), places[again])],
        unchanged=unchanged,
        **anew,
    )
    plain = write_rows(
        new_folder() / "plain", train=[(given_rows.take(left), places[left])], **anew
    )
    assert files_of(new.folder) == files_of(plain.folder)
    assert (new.cells, new.counts) == (plain.cells, plain.counts)
    for cell, file in unchanged.items():
        assert os.path.samefile(new.cell_file(cell), file)
    if unchanged:
        with pytest.raises(ValueError, match="said not to change"):
            written(new_folder() / "wrong", given_rows, places, shape, unchanged=unchanged)


def test_a_store_that_an_earlier_unweave_wrote_by_slice_is_read(new_folder):
    given_rows, places = rows_of(50, SHAPES[0], 1)
    store = written(new_folder() / "store", given_rows, places, SHAPES[0], layout=ONE_A_SLICE)
    for file in store.folder.glob("*/*.npy"):  # format 2
        file.rename(file.with_stem(file.stem.removesuffix("-b00000")))
    header = read_json(store.folder / "rows.json")
    for name in ("counts", "evaluation_counts"):
        header[name] = [[*map(sum, shard)] for shard in header[name]]
    (store.folder / "rows.json").write_bytes(canonical_json({**header, "format": 2}))
    old = open_rows(store.folder)
    assert old.cells == store.cells
    for shard in range(2):
        assert same(old.stage_rows(shard, 2), in_memory(given_rows, places, shard, 2))
        assert same(old.slice_rows(shard, 1), store_rows(given_rows, places, shard, 1))
    assert same(old.evaluation(), in_key_order(given_rows.take(np.arange(5))))


def store_rows(rows, places, shard, slice_):
    here = (shard_of(places, 2) == shard) & (slice_of(places, 3) == slice_)
    return in_key_order(rows.take(np.flatnonzero(here)))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_store_of_an_earlier_unweave_is_read_as_before(new_folder, as_format_1, shape):
    given_rows, places = rows_of(50, shape, 1)
    store = written(new_folder() / "store", given_rows, places, shape, layout=ONE_A_SLICE)
    as_format_1(store)
    old = open_rows(store.folder)
    for shard in range(2):
        assert same(old.stage_rows(shard, 2), in_memory(given_rows, places, shard, 2))
        assert same(old.slice_rows(shard, 0), in_memory(given_rows, places, shard, 0))
    assert same(old.evaluation(), in_key_order(given_rows.take(np.arange(5))))


def test_a_store_of_a_newer_unweave_is_refused(new_folder):
    folder = new_folder()
    (folder / "rows.json").write_bytes(canonical_json({"format": 4}))
    with pytest.raises(BadInput, match="format 4"):
        open_rows(folder)


@given(rows=st.integers(1, 60), groups=st.integers(1, 9), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_rows_with_groups_go_by_their_places_into_batches_from_memory_and_from_disk(
    new_folder, rows, groups, seed
):
    given_rows, own = rows_of(rows, SHAPES[0], seed)
    which = np.random.default_rng(seed).integers(0, groups, rows)
    places = np.resize(own, groups)[which]
    described_rows = described(SHAPES[0])
    described_rows["inference"]["groups"] = [["query", "string"]]
    store = write_rows(
        new_folder() / "store",
        train=[(given_rows, places)],
        evaluation=[],
        layout=LAYOUT,
        description=described_rows,
    )
    place_of = {
        key.tobytes(): place for key, place in zip(given_rows.row_keys, places, strict=True)
    }
    for shard in range(PARTITION.shards):
        on_disk = replace(store, read_whole=0).stage_rows(shard, PARTITION.slices - 1)
        whole = store.stage_rows(shard, PARTITION.slices - 1)
        assert isinstance(on_disk, SortedRows) or not len(whole)
        wanted = [place_of[key.tobytes()] for key in whole.row_keys]
        assert on_disk.batch_bits.tolist() == whole.batch_bits.tolist() == wanted
        assert on_disk.digest() == whole.digest()
        bare = without_contents(on_disk)
        assert bare.batch_bits.tolist() == wanted
        stage = Stage(2, len(whole), 2, 3, 0)
        found = {}
        for epoch, batch, here in stage_batches(on_disk, stage, seed=9):
            for key, number in zip(here.row_keys, here.group_numbers, strict=True):
                found.setdefault((epoch, place_of[key.tobytes()]), set()).add((batch, number))
        assert all(len(one) == 1 for one in found.values())
        assert len({epoch for epoch, _ in found}) == (2 if len(whole) else 0)


def test_rows_without_groups_are_placed_in_batches_by_their_keys():
    given_rows, _ = rows_of(5, SHAPES[0], 0)
    assert given_rows.batch_bits.tolist() == row_bits(given_rows.row_keys).tolist()
    assert given_rows.group_numbers is None and given_rows.weights is None


def test_more_cells_are_read_than_a_process_may_have_files_open_by_default(new_folder):
    given_rows, places = rows_of(300, SHAPES[0], 1)
    cells = CellLayout(PARTITION, 40)
    store = replace(
        written(new_folder() / "store", given_rows, places, SHAPES[0], layout=cells), read_whole=-1
    )
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_files = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files + 20, before[1]))
    try:
        rows = store.stage_rows(0, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(store.files(0, 1)) > 20
    assert same(rows.whole(), in_memory(given_rows, places, 0, 2))


TEXTS = (*fields_of(Schema.from_json(described(SHAPES[0])["inference"])), Field("texts", TEXT, 2))


def rows_with_texts(count, seed):
    """Rows whose two texts each are of any length, none included, and their places."""
    rows, places = rows_of(count, SHAPES[0], seed)
    draw = np.random.default_rng(seed)
    texts = np.empty((count, 2), object)
    for place in np.ndindex(*texts.shape):
        texts[place] = ("ä" * draw.integers(0, 4) + "b" * draw.integers(0, 3)).encode("utf-8")
    return Rows(rows.row_keys, {**rows.columns, "texts": texts}), places


def written_with_texts(folder, pieces_of_rows, unchanged=None):
    return write_rows(
        folder,
        train=pieces_of_rows,
        evaluation=pieces_of_rows[:1],
        layout=LAYOUT,
        description=described(SHAPES[0]),
        fields=TEXTS,
        unchanged={} if unchanged is None else unchanged,
    )


@given(rows=st.integers(0, 60), seed=st.integers(0, 99), cut=st.integers(0, 60))
@settings(deadline=None, max_examples=examples(40))
def test_texts_of_any_length_are_read_as_they_were_given(new_folder, rows, seed, cut):
    given_rows, places = rows_with_texts(rows, seed)
    cut = min(cut, rows)
    two = [(given_rows.take(np.arange(a, b)), places[a:b]) for a, b in ((0, cut), (cut, rows))]
    back = [(given_rows.take(np.arange(rows)[::-1]), places[::-1])]
    store, again = (written_with_texts(new_folder() / "store", one) for one in (two, back))
    train = [name for name in files_of(store.folder) if name.startswith("train")]
    assert all(files_of(store.folder)[name] == files_of(again.folder)[name] for name in train)
    for shard in range(PARTITION.shards):
        here = cells_of(places, PARTITION)[0] == shard
        expected = in_key_order(given_rows.take(np.flatnonzero(here)))
        on_disk = replace(store, read_whole=-1).stage_rows(shard, 2)
        for found in (store.stage_rows(shard, 2), on_disk):
            assert found.digest() == expected.digest()
            some = found.take(np.arange(len(found))[::2])
            assert (some["texts"] == expected["texts"][::2]).all()
    first = joined([store.slice_rows(0, slice_) for slice_ in range(3)])
    assert in_key_order(first).digest() == store.stage_rows(0, 2).digest()


def test_a_slice_whose_texts_break_off_is_damaged(tmp_path):
    rows, places = rows_with_texts(20, 1)
    store = written_with_texts(tmp_path / "store", [(rows, places)])
    file = store.files(0, 1)[0]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckFailed, match="damaged"):
        store.slice_rows(0, 1)


def test_a_digest_tells_where_one_text_ends_and_the_next_begins():
    rows, _ = rows_with_texts(1, 0)
    texts = [np.array([pair], object) for pair in ([b"ab", b"c"], [b"a", b"bc"])]
    one, other = (Rows(rows.row_keys, {**rows.columns, "texts": pair}) for pair in texts)
    assert one.digest() != other.digest()
