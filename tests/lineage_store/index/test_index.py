"""The project's own database: rows, models, requests, exclusions, and that what goes is gone."""

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.data.record import EVAL, TRAIN, UNLABELLED, Record
from lineage_store.doctor.rows import compare_parts
from lineage_store.errors import Damaged, NothingFound
from lineage_store.index import deletions, models, row_index
from lineage_store.index.database import _migrations, compact, open_index, read_index
from lineage_store.index.models import ModelRecord
from lineage_store.keys.pseudonyms import each_pseudonym
from lineage_store.keys.secret import keyed
from lineage_store.own_files import overwritten
from lineage_store.placement import Partition, shard_of, slice_of

ANN, BOB = b"pseudonym-of-ann", b"pseudonym-of-bob"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "unweave.sqlite"


@pytest.fixture
def connection(path):
    connection = open_index(path)
    yield connection
    connection.close()


def row(number, *subjects, split=TRAIN):
    digest = keyed(b"test", "row", b"%d" % number)
    return Record(digest[:16], subjects or (ANN,), digest[16:24], split, [])


def without_subject(number):
    return replace(row(number), subjects=())


def ingest(connection, snapshot, records):
    records = list(records)
    with tempfile.TemporaryDirectory() as folder:
        return row_index.ingest(
            connection, snapshot, records, total=len(records), temporary=Path(folder)
        )


def place(record):
    return int.from_bytes(record.place, "big")


def model(number, **changes):
    values = {
        "family": "m1",
        "snapshot": number,
        "state": "live",
        "created": "2026-01-01T00:00:00Z",
        "guarantee": "trained",
        "weights": f"weights {number}",
        "ledger": f"ledger {number}",
        "paths": {"data": f"data/m{number}"},
        "config": {"seed": 7, "module": "built in"},
        "report": {"loss": 0.25, "steps": 12},
    }
    return ModelRecord(id=f"m{number}", **values | changes)


def ask(connection, *commitments, kind="subject", **changes):
    return deletions.record(
        connection,
        commitments=[(kind, commitment, ()) for commitment in commitments],
        **{"options": {"guarantee": "exact"}, "time": "2026-01-02"} | changes,
    )


def test_a_subject_s_rows_are_found_where_they_were_put(connection):
    rows = [row(1), row(2, split=EVAL), row(3, BOB), row(4, split=UNLABELLED), without_subject(5)]
    assert ingest(connection, 1, rows) == 5
    mine = sorted((rows[0], rows[1], rows[3]), key=lambda record: record.row_key)

    found = row_index.rows_of_subject(connection, ANN, 1)
    assert len(found) == 3
    assert [key.tobytes() for key in found.row_keys] == [record.row_key for record in mine]
    assert found.places.tolist() == [place(record) for record in mine]
    assert found.splits == tuple(record.split for record in mine)
    assert found.of_split(TRAIN).tolist() == [record.split == TRAIN for record in mine]
    assert found.key_set() == {record.row_key for record in mine}


def test_a_subject_s_rows_are_those_of_the_snapshot_asked_for(connection):
    ingest(connection, 1, [row(1), row(2)])
    ingest(connection, 2, [row(2), row(3), row(4)])
    for snapshot, numbers in [(1, (1, 2)), (2, (2, 3, 4))]:
        found = row_index.rows_of_subject(connection, ANN, snapshot)
        assert found.key_set() == {row(number).row_key for number in numbers}
        assert len(found) == len(numbers)


def test_an_unknown_subject_or_snapshot_has_no_rows(connection):
    ingest(connection, 1, [row(1), without_subject(2)])
    for pseudonym, snapshot in [(BOB, 1), (ANN, 2), (b"", 1)]:
        found = row_index.rows_of_subject(connection, pseudonym, snapshot)
        assert len(found) == 0 and found.row_keys.shape == (0, 16)
        assert found.key_set() == frozenset()
        assert found.by_slice(Partition(3, 2, 1, 1, 0)) == {}


@given(number=st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1))
def test_a_place_of_64_bits_is_kept_exactly(number):
    connection = open_index(Path(":memory:"))
    record = Record(bytes(16), (ANN,), number.to_bytes(8, "big"), TRAIN, [])
    ingest(connection, 1, [record])
    assert row_index.rows_of_subject(connection, ANN, 1).places.tolist() == [number]
    connection.close()


def test_writing_a_snapshot_again_changes_nothing(connection, monkeypatch):
    monkeypatch.setattr(row_index, "PIECE", 3)
    rows = [row(number, ANN if number % 2 else BOB) for number in range(10)]
    for _ in range(2):
        assert ingest(connection, 1, iter(rows)) == 10
        assert row_index.subjects(connection, 1) == [(ANN, 5), (BOB, 5)]


def test_a_row_of_several_subjects_is_found_by_each_and_goes_for_all(connection):
    shared, hers, his = row(1, ANN, BOB), row(2, ANN), row(3, BOB)
    ingest(connection, 1, [shared, hers, his])
    assert row_index.rows_of_subject(connection, ANN, 1).key_set() == {
        shared.row_key, hers.row_key,
    }  # fmt: skip
    assert row_index.rows_of_subject(connection, BOB, 1).key_set() == {shared.row_key, his.row_key}
    assert row_index.subjects(connection, 1) == [(ANN, 2), (BOB, 2)]
    row_index.remove(connection, [shared.row_key, hers.row_key])
    assert not row_index.has_rows(connection, ANN)
    assert row_index.subjects(connection, 1) == [(BOB, 1)]


def stored(connection):
    return connection.execute("SELECT count(*) FROM rows").fetchone()[0]


def test_a_snapshot_that_only_grew_stores_what_is_new_alone(connection):
    rows = [row(number) for number in range(30)]
    for snapshot, number, expected in [(1, 10, 10), (2, 10, 10), (3, 20, 20), (4, 30, 30)]:
        ingest(connection, snapshot, reversed(rows[:number]))
        assert stored(connection) == expected
    # Of a snapshot that changed a little, what changed is stored.
    ingest(connection, 5, [replace(rows[0], split=EVAL), *rows[1:10]])
    assert stored(connection) == 31
    assert row_index.rows_by_key(connection, [rows[0].row_key], 5).splits == (EVAL,)
    assert row_index.rows_by_key(connection, [rows[0].row_key], 4).splits == (TRAIN,)
    for snapshot, number in [(1, 10), (2, 10), (3, 20), (4, 30), (5, 10)]:
        found = row_index.rows_of_subject(connection, ANN, snapshot)
        assert found.key_set() == {record.row_key for record in rows[:number]}
        assert row_index.subjects(connection, snapshot) == [(ANN, number)]
    assert row_index.snapshots_of_subject(connection, ANN) == [1, 2, 3, 4, 5]

    # A row that goes is gone from all; a snapshot that goes takes only what is its own.
    row_index.remove(connection, [rows[0].row_key])
    assert [row_index.subjects(connection, s)[0][1] for s in (1, 2, 3, 4, 5)] == [9, 9, 19, 29, 9]
    row_index.keep_snapshots(connection, [2, 3])
    assert stored(connection) == 19
    assert row_index.snapshots_of_subject(connection, ANN) == [2, 3]
    assert row_index.subjects(connection, 1) == []
    # What is left serves the next, too.
    ingest(connection, 6, rows[1:12])
    assert stored(connection) == 21


SMALL = st.integers(0, 12)


@settings(deadline=None, max_examples=examples(60))
@given(
    snapshots=st.lists(
        st.dictionaries(SMALL, st.sampled_from([(), (ANN,), (BOB,), (ANN, BOB)]), min_size=1),
        min_size=1, max_size=5,
    ),
    gone=st.sets(SMALL),
    kept=st.sets(st.integers(1, 5)),
)  # fmt: skip
def test_shared_parts_answer_as_separate_snapshots_would(snapshots, gone, kept):
    connection = open_index(Path(":memory:"))
    try:
        for number, rows in enumerate(snapshots, start=1):
            ingest(connection, number, [replace(row(n), subjects=s) for n, s in rows.items()])
        ingest(connection, 1, [replace(row(n), subjects=s) for n, s in snapshots[0].items()])
        row_index.remove(connection, [row(n).row_key for n in gone])
        row_index.keep_snapshots(connection, kept)
        for number, rows in enumerate(snapshots, start=1):
            for subject in (ANN, BOB):
                expected = {
                    row(n).row_key
                    for n, subjects in rows.items()
                    if subject in subjects and n not in gone and number in kept
                }
                found = row_index.rows_of_subject(connection, subject, number)
                assert found.key_set() == expected
            keys = [row(n).row_key for n in range(13)]
            left = set(rows) - gone if number in kept else set()
            by_key = row_index.rows_by_key(connection, keys, number)
            assert by_key.key_set() == {row(n).row_key for n in left}
        stray = "SELECT count(*) FROM {} WHERE part NOT IN (SELECT part FROM snapshot_parts)"
        for table in ("rows", "row_subjects"):
            assert connection.execute(stray.format(table)).fetchone()[0] == 0
        pairs = connection.execute("SELECT sum(length(subjects)) / 16 FROM rows").fetchone()[0]
        listed = connection.execute("SELECT count(*) FROM row_subjects").fetchone()[0]
        assert (pairs or 0) == listed
    finally:
        connection.close()


def test_a_row_goes_with_the_last_snapshot_that_has_it(connection):
    rows = [row(number, BOB if number == 3 else ANN) for number in range(30)]
    ingest(connection, 1, rows)
    ingest(connection, 2, [one for one in rows if one.subjects != (BOB,)])
    ingest(connection, 3, rows[:29])
    assert stored(connection) == 30
    assert row_index.snapshots_of_subject(connection, BOB) == [1, 3]
    row_index.keep_snapshots(connection, [2, 3])
    assert stored(connection) == 30
    row_index.keep_snapshots(connection, [2])
    assert not row_index.has_rows(connection, BOB)
    assert stored(connection) == 29
    assert connection.execute("SELECT count(*) FROM lacking").fetchone()[0] == 0
    assert compare_parts(connection, [2]) == ()


WHOSE = st.sampled_from([(), (ANN,), (BOB,), (ANN, BOB)])
STEPS = st.one_of(
    st.tuples(st.just("train"), st.dictionaries(SMALL, WHOSE, min_size=1)),
    st.tuples(st.just("grow"), st.dictionaries(SMALL, WHOSE)),
    st.tuples(st.just("lose"), st.sets(SMALL)),
    st.tuples(st.just("forget"), st.sets(st.sampled_from([ANN, BOB]), min_size=1)),
    st.tuples(st.just("forget rows"), st.sets(SMALL)),
    st.tuples(st.just("withdraw"), st.integers(0, 3)),
)


def after(whole, step, value):
    """Take a step with snapshots that are each stored whole: number -> row -> subjects."""
    newest = whole[max(whole)] if whole else dict.fromkeys(range(13), (ANN,))
    if step == "train":
        return whole | {max(whole, default=0) + 1: dict(value)}
    if step == "grow":
        return whole | {max(whole, default=0) + 1: {**value, **newest}}
    if step == "lose":
        rows = {n: subjects for n, subjects in newest.items() if n not in value}
        return whole | {max(whole, default=0) + 1: rows}
    if step == "withdraw":
        gone = dict(enumerate(sorted(whole))).get(value)  # the oldest is the first
        return {number: rows for number, rows in whole.items() if number != gone}
    goes = (lambda n, _: n in value) if step == "forget rows" else (
        lambda _, subjects: not value.isdisjoint(subjects)
    )  # fmt: skip
    return {
        number: {n: subjects for n, subjects in rows.items() if not goes(n, subjects)}
        for number, rows in whole.items()
    }


def taken(connection, whole, step, value):
    """Take a step in the index, as trainings and deletions do."""
    following = after(whole, step, value)
    if step in ("train", "grow", "lose"):
        number = max(following)
        records = [replace(row(n), subjects=s) for n, s in following[number].items()]
        ingest(connection, number, records)
    elif step == "withdraw":
        row_index.keep_snapshots(connection, following)
    elif step == "forget rows":
        row_index.remove(connection, [row(n).row_key for n in value])
    else:
        keys = {row(n).row_key for rows in whole.values() for n, whose in rows.items()
                if not value.isdisjoint(whose)}  # fmt: skip
        row_index.remove(connection, keys, subjects=value)
    return following


@pytest.mark.parametrize("at_most", [0.3, 1.0], ids=["some lacking", "any number lacking"])
@settings(deadline=None, max_examples=examples(40))
@given(steps=st.lists(STEPS, min_size=1, max_size=8))
def test_any_chain_of_trainings_and_deletions_answers_as_whole_snapshots_would(
    empty, at_most, steps
):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_index, "LACKING_AT_MOST", at_most)
        answers_as_whole_snapshots_would(steps, empty)


@pytest.fixture(scope="module")
def empty():
    with closing(open_index(Path(":memory:"))) as connection:
        yield connection


def answers_as_whole_snapshots_would(steps, empty):
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    empty.backup(connection)  # migrations take longer than all else
    keys = {n: row(n).row_key for n in range(13)}
    whole = {}
    try:
        for step, value in steps:
            whole = taken(connection, whole, step, value)
        for number, rows in whole.items():
            by_key = row_index.rows_by_key(connection, keys.values(), number)
            assert by_key.key_set() == {keys[n] for n in rows}
            either = row_index.rows_of_subjects(connection, [ANN, BOB], number)
            assert either.key_set() == {keys[n] for n, subjects in rows.items() if subjects}
        for subject in (ANN, BOB):
            counts = {
                number: sum(subject in subjects for subjects in rows.values())
                for number, rows in whole.items()
            }
            there = {number: count for number, count in counts.items() if count}
            assert row_index.counts_of_subject(connection, subject) == there
            assert row_index.snapshots_of_subject(connection, subject) == sorted(there)
            assert row_index.has_rows(connection, subject) == bool(there)
        left = {keys[n] for rows in whole.values() for n in rows}
        assert row_index.staying(connection, keys.values()) == left
        assert compare_parts(connection, whole) == ()
        every = connection.execute("SELECT row_key, subjects FROM rows").fetchall()
        assert {(key, tuple(each_pseudonym(subjects))) for key, subjects in every} == {
            (keys[n], subjects) for rows in whole.values() for n, subjects in rows.items()
        }
    finally:
        connection.close()


def test_an_index_from_before_parts_is_taken_over(path):
    from sqlite_utils import Database

    old = sqlite3.connect(path)
    migrations = _migrations()
    migrations.apply(Database(old), stop_before="parts")
    rows = [(1, row(1)), (1, row(2, BOB)), (2, row(2, BOB)), (2, without_subject(3))]
    for snapshot, record in rows:
        old.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
            (
                snapshot,
                record.row_key,
                *(record.subjects or (None,)),
                record.split,
                int.from_bytes(record.place, "big", signed=True),
            ),
        )
    old.commit()
    old.close()
    connection = open_index(path)
    assert row_index.rows_of_subject(connection, ANN, 1).places.tolist() == [place(row(1))]
    assert [row_index.subjects(connection, s) for s in (1, 2)] == [
        [(ANN, 1), (BOB, 1)], [(BOB, 1)]
    ]  # fmt: skip
    assert len(row_index.rows_by_key(connection, {r.row_key for _, r in rows}, 2)) == 2
    ingest(connection, 3, [row(2, BOB), without_subject(3), row(4)])
    assert stored(connection) == 5
    connection.close()


def test_rows_are_found_by_key_in_key_order(connection):
    rows = [without_subject(number) for number in range(20)]
    ingest(connection, 1, rows[:10])
    ingest(connection, 2, rows)
    asked = [record.row_key for record in rows[5:15]]
    found = row_index.rows_by_key(connection, asked, 1)
    assert [key.tobytes() for key in found.row_keys] == sorted(asked[:5])
    assert len(row_index.rows_by_key(connection, asked, 2)) == 10
    assert len(row_index.rows_by_key(connection, asked, 3)) == 0


def test_removed_rows_are_gone_from_every_snapshot_and_others_stay(connection):
    rows = [row(number, ANN if number < 3 else BOB) for number in range(6)]
    for snapshot in (1, 2):
        ingest(connection, snapshot, rows)
    for _ in range(2):
        row_index.remove(connection, [record.row_key for record in rows[:3]] + [bytes(16)])
        for snapshot in (1, 2):
            assert row_index.subjects(connection, snapshot) == [(BOB, 3)]
            assert len(row_index.rows_of_subject(connection, ANN, snapshot)) == 0


def test_subjects_are_listed_by_the_number_of_their_rows(connection):
    rows = [row(number, bytes([number % 4]) * 16) for number in range(10)] + [without_subject(99)]
    ingest(connection, 1, rows)
    expected = [(bytes([n]) * 16, count) for n, count in [(2, 2), (3, 2), (0, 3), (1, 3)]]
    assert row_index.subjects(connection, 1) == expected
    assert row_index.subjects(connection, 2) == []


@settings(deadline=None, max_examples=examples(50))
@given(
    splits=st.lists(st.sampled_from([TRAIN, EVAL, UNLABELLED]), max_size=30),
    shards=st.integers(1, 5),
    slices=st.integers(1, 4),
)
def test_rows_are_told_apart_by_slice_and_only_those_trained_on(splits, shards, slices):
    records = [row(number, split=split) for number, split in enumerate(splits)]
    places = np.array([place(record) for record in records], np.uint64)
    keys = np.frombuffer(b"".join(r.row_key for r in records), np.uint8).reshape(-1, 16)
    partition = Partition(shards, slices, epochs=1, batch_size=1, seed=0)
    found = row_index.IndexedRows(keys, places, tuple(splits)).by_slice(partition)
    expected = {}
    for index, split in enumerate(splits):
        if split == TRAIN:
            one = places[index : index + 1]
            pair = (int(shard_of(one, shards)[0]), int(slice_of(one, slices)[0]))
            expected.setdefault(pair, []).append(index)
    assert {pair: where.tolist() for pair, where in found.items()} == expected
    assert list(found) == sorted(expected)


def test_a_model_is_read_back_as_it_was_registered(connection):
    assert models.next_model_id(connection) == "m1"
    assert models.next_snapshot(connection) == 1
    first, second = model(1), model(2, request="r1", guarantee="exact", snapshot=5)
    models.register(connection, first)
    models.register(connection, second)
    assert models.models(connection) == [first, second]
    assert models.find_model(connection, "m1") == first
    assert models.find_model(connection, "weights 2") == second
    assert models.find_model(connection) == second
    assert models.next_model_id(connection) == "m3"
    assert models.next_snapshot(connection) == 6
    assert second.ordinal == 2


def test_models_are_listed_in_the_order_they_were_made(connection):
    for number in (10, 9, 2, 11):
        models.register(connection, model(number))
    assert [record.id for record in models.models(connection)] == ["m2", "m9", "m10", "m11"]
    assert models.find_model(connection).id == "m11"
    assert models.next_model_id(connection) == "m12", "the last one's number and one, not a count"


def test_registering_a_model_again_changes_its_record_only(connection):
    models.register(connection, model(1))
    models.register(connection, model(2))
    models.register(connection, model(1, report={"loss": 0.5}))
    assert models.models(connection) == [model(1, report={"loss": 0.5}), model(2)]


def test_of_models_with_equal_weights_the_newest_is_found(connection):
    models.register(connection, model(1, weights="same"))
    models.register(connection, model(2, weights="same"))
    assert models.find_model(connection, "same").id == "m2"


def test_a_model_that_ended_is_not_served_and_its_end_does_not_change(connection):
    models.register(connection, model(1))
    models.register(connection, model(2))
    models.end(connection, "m2", state="deleted", time="2026-02-01")
    models.end(connection, "m2", state="withdrawn", time="2026-03-01")
    ended = replace(model(2), state="deleted", ended="2026-02-01")
    assert models.models(connection) == [model(1), ended]
    assert models.models(connection, live_only=True) == [model(1)]
    assert models.find_model(connection) == model(1)
    assert models.next_model_id(connection) == "m3", "ids are not given twice"


def test_a_model_that_is_not_there_is_nothing_found(connection):
    with pytest.raises(NothingFound, match="no live model"):
        models.find_model(connection)
    models.register(connection, model(1, state="withdrawn"))
    with pytest.raises(NothingFound, match="no live model"):
        models.find_model(connection)
    with pytest.raises(NothingFound, match="no such model"):
        models.find_model(connection, "m7")


def test_a_request_lives_from_running_to_done(connection):
    options = {"guarantee": "exact", "strategy": None}
    asked = ask(connection, "c1", "c2", options=options)
    assert (asked.id, asked.state, asked.options) == ("r1", "running", options)
    assert deletions.find_request(connection, "r1") == asked
    assert deletions.manifest(connection) == {"c1", "c2"}
    assert deletions.exclusion(connection, "c1") == deletions.Exclusion(
        "c1", "subject", "r1", "2026-01-02"
    )

    deletions.finish(connection, "r1", result={"rows": 3}, time="2026-01-03")
    done = replace(asked, state="done", ended="2026-01-03", result={"rows": 3})
    assert deletions.find_request(connection, "r1") == done
    assert deletions.manifest(connection) == {"c1", "c2"}, "who was forgotten stays out"
    assert ask(connection, "c3", kind="row").id == "r2"
    assert deletions.exclusion(connection, "c3").kind == "row"
    assert [request.id for request in deletions.all_requests(connection)] == ["r1", "r2"]


def test_a_recorded_request_is_there_for_another_process_at_once(connection, path):
    ask(connection, "c1")
    reader = read_index(path)
    assert deletions.find_request(reader, "r1").state == "running"
    assert deletions.manifest(reader) == {"c1"}
    reader.close()


def test_a_request_taken_back_leaves_the_others_entries(connection):
    ask(connection, "c1")
    ask(connection, "c2", "c3")
    for _ in range(2):
        deletions.retract(connection, "r2")
        assert deletions.manifest(connection) == {"c1"}
        assert [request.id for request in deletions.all_requests(connection)] == ["r1"]
    assert ask(connection, "c2").id == "r2"


def test_a_request_for_someone_already_kept_out_is_refused_whole(connection):
    ask(connection, "c1")
    with pytest.raises(sqlite3.IntegrityError):
        ask(connection, "c2", "c1")
    assert deletions.manifest(connection) == {"c1"}
    assert [request.id for request in deletions.all_requests(connection)] == ["r1"]


def test_what_was_not_asked_is_not_found(connection):
    with pytest.raises(NothingFound, match="no such request"):
        deletions.find_request(connection, "r1")
    assert deletions.exclusion(connection, "c1") is None
    assert deletions.manifest(connection) == frozenset()
    assert deletions.all_requests(connection) == []


def test_an_index_is_opened_again_with_all_that_is_in_it(path):
    connection = open_index(path)
    ask(connection, "c1")
    with connection:
        models.register(connection, model(1))
        ingest(connection, 1, [row(1)])
    connection.close()
    for opened in (open_index(path), read_index(path)):
        assert deletions.manifest(opened) == {"c1"}
        assert models.models(opened) == [model(1)]
        assert row_index.subjects(opened, 1) == [(ANN, 1)]
        opened.close()


def test_an_index_opened_to_read_cannot_be_written(connection, path):
    reader = read_index(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        ingest(reader, 1, [row(1)])
    reader.close()


def test_an_index_that_is_cut_off_or_whose_tables_are_damaged_is_refused(connection, path):
    connection.close()
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:100] + b"\xff" * 900 + whole[1000:]):
        path.write_bytes(damaged)
        for open_ in (open_index, read_index):
            with pytest.raises(Damaged, match=f"The file {path} is not as unweave wrote it"):
                open_(path).close()


def test_a_file_that_is_no_database_is_refused(path):
    path.write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(Damaged, match=f"The file {path} is not as unweave wrote it"):
        open_index(path)
    with pytest.raises(Damaged, match=f"The file {path} is not as unweave wrote it"):
        read_index(path)
    with pytest.raises(NothingFound, match="no model yet"):
        read_index(path.with_name("none.sqlite"))


def on_disk(path):
    return b"".join(p.read_bytes() for p in path.parent.iterdir() if p.name.startswith(path.name))


def free_pages(connection):
    return connection.execute("PRAGMA freelist_count").fetchone()[0]


@pytest.mark.parametrize("overwriting", [True, False])
def test_a_large_file_is_written_anew_only_if_a_copy_is_left_in_it(
    connection, path, overwriting, monkeypatch
):
    monkeypatch.setattr(overwritten, "SMALL", 0)
    if not overwriting:
        connection.execute("PRAGMA secure_delete = OFF")
    rows = [row(number, ANN if number % 5 else BOB) for number in range(2000)]
    with connection:
        ingest(connection, 1, rows)
    gone = [record.row_key for record in rows if record.subjects == (ANN,)]
    with connection:
        row_index.remove(connection, gone)
    assert free_pages(connection) > 10
    assert compact(path, gone=[*gone[:500], ANN])
    assert (free_pages(connection) > 10) == overwriting
    after = on_disk(path)
    assert not any(key in after for key in gone) and ANN not in after
    assert row_index.subjects(connection, 1) == [(BOB, 400)]
    # What nobody can name is taken away by writing the file anew, as ever.
    assert compact(path) and free_pages(connection) == 0


def test_a_text_is_found_wherever_it_lies_in_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(overwritten, "SMALL", 0)
    text = bytes(range(251)) * 8
    for place in (0, overwritten.BLOCK - 600, overwritten.BLOCK, 2 * overwritten.BLOCK + 77):
        file = tmp_path / "file"
        with file.open("wb") as stream:
            stream.seek(place)
            stream.write(text)
        assert not overwritten.is_overwritten(file, [b"\x00" + text, text])
        assert overwritten.is_overwritten(file, [text[:900] + b"?", b"(.*)", b"\xff" * 2])
    assert not overwritten.is_overwritten(tmp_path / "file", [])


@pytest.mark.parametrize("overwriting", [True, False])
def test_compacting_takes_what_was_deleted_off_the_disk(connection, path, overwriting):
    if not overwriting:  # what an older SQLite, or another tool, would leave
        connection.execute("PRAGMA secure_delete = OFF")
    rows = [row(number, ANN if number % 5 == 0 else BOB) for number in range(2000)]
    with connection:
        ingest(connection, 1, rows)
        models.register(connection, model(1, report={"note": "a telling note"}))
    gone = [record.row_key for record in rows if record.subjects == (ANN,)]
    kept = [record.row_key for record in rows if record.subjects == (BOB,)]
    before = on_disk(path)
    assert all(key in before for key in gone) and ANN in before, "or the search proves nothing"

    with connection:
        row_index.remove(connection, gone)
        models.register(connection, model(1))
    assert ANN in on_disk(path), "a log of earlier pages is still there"
    compact(path)
    after = on_disk(path)
    assert not any(key in after for key in gone)
    assert ANN not in after and b"a telling note" not in after
    assert all(key in after for key in kept)
    assert row_index.subjects(connection, 1) == [(BOB, len(kept))]
