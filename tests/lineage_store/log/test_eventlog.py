"""The event log: what is read back, and that every edit is found."""

import base64
import json
import sqlite3
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.canonical import canonical_json
from lineage_store.errors import BadInput, CheckFailed
from lineage_store.keys.signing import is_signed_by
from lineage_store.log import events, merkle, subtrees
from tests.any_event import AnyEvent

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "unweave.dev/log/example"

# The example of the reference implementation of signed notes (golang.org/x/mod/sumdb/note).
NOTE_KEY = Ed25519PrivateKey.from_private_bytes(
    base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
)
NOTE_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NOTE_SIGNATURE = base64.b64decode(
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)
BODIES = st.dictionaries(st.text(st.characters(codec="utf-8")), JSON, max_size=4)


def new_log(count=0):
    connection = sqlite3.connect(":memory:")
    events.create_table(connection)
    for i in range(count):
        events.append(connection, AnyEvent("run", {"n": i}), time=f"2024-05-0{i + 1}T00:00:00Z")
    connection.commit()
    return connection


def without_triggers(connection):
    connection.execute("DROP TRIGGER events_never_change")
    connection.execute("DROP TRIGGER events_never_go")
    return connection


def test_events_come_back_as_they_were_appended():
    connection = new_log()
    appended = [
        events.append(connection, AnyEvent("train", {"b": (1, 2)}), time="2024-05-01T00:00:00Z"),
        events.append(connection, AnyEvent("forget"), time="2024-05-02T00:00:00Z"),
    ]
    assert list(events.events(connection)) == appended
    assert [event.seq for event in appended] == [1, 2]
    assert appended[0].body == {"b": [1, 2]}
    assert events.leaves(connection) == [event.leaf for event in appended]


def test_a_leaf_is_the_hash_that_the_documentation_says():
    connection = new_log()
    event = events.append(connection, AnyEvent("train", {"b": 1, "a": "é"}), time="now")
    stored = {"seq": 1, "time": "now", "kind": "train", "body": '{"a":"é","b":1}'}
    assert event.leaf == merkle.leaf_hash(canonical_json(stored))


@given(st.lists(BODIES, max_size=6))
def test_any_body_survives_the_check(bodies):
    connection = new_log()
    appended = [events.append(connection, AnyEvent("k", body), time="t") for body in bodies]
    assert events.check(connection) == events.head(connection)
    assert [event.body for event in events.events(connection)] == bodies
    assert events.head(connection) == events.TreeHead(
        size=len(bodies), root=merkle.root([event.leaf for event in appended])
    )


def test_an_event_goes_with_its_transaction():
    connection = new_log(2)
    events.append(connection, AnyEvent("k"), time="t")
    connection.rollback()
    assert events.check(connection).size == 2
    assert events.append(connection, AnyEvent("k"), time="t").seq == 3


def test_creating_the_table_again_keeps_the_events():
    connection = new_log(3)
    events.create_table(connection)
    assert events.check(connection).size == 3


def test_a_body_that_json_cannot_hold_is_refused():
    connection = new_log()
    with pytest.raises(ValueError):
        events.append(connection, AnyEvent("k", {"x": float("nan")}), time="t")
    assert events.head(connection).size == 0


@pytest.mark.parametrize("sql", ["UPDATE events SET kind = 'x'", "DELETE FROM events"])
def test_an_accident_is_stopped(sql):
    connection = new_log(2)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(sql)


@pytest.mark.parametrize(
    "edit",
    [
        "time = '2024-05-03T00:00:00z'",
        "time = ''",
        "kind = 'ran'",
        """body = '{"n": 2}'""",
        """body = '{"n":3}'""",
        """body = '{"n":2,"n":2}'""",
        "body = 'not json'",
        "body = CAST(body AS BLOB)",
        "body = CAST(x'ff' AS TEXT)",
        "leaf = upper(leaf)",
        "leaf = 'zz'",
        "leaf = (SELECT leaf FROM events WHERE seq = 1)",
    ],
)
def test_check_names_the_first_event_that_was_edited(edit):
    connection = without_triggers(new_log(5))
    connection.execute("UPDATE events SET kind = 'ran' WHERE seq = 5")
    connection.execute(f"UPDATE events SET {edit} WHERE seq = 3")
    with pytest.raises(CheckFailed, match="Event 3 of the event log") as caught:
        events.check(connection)
    assert caught.value.exit_status == 1


def test_check_finds_exchanged_and_missing_events():
    connection = without_triggers(new_log(5))
    connection.execute("UPDATE events SET seq = -seq WHERE seq IN (2, 3)")
    connection.execute("UPDATE events SET seq = CASE seq WHEN -2 THEN 3 ELSE 2 END WHERE seq < 0")
    with pytest.raises(CheckFailed, match="Event 2 of the event log"):
        events.check(connection)
    connection.rollback()
    connection = without_triggers(new_log(5))
    connection.execute("DELETE FROM events WHERE seq = 4")
    with pytest.raises(CheckFailed, match="Event 4 is missing"):
        events.check(connection)


def test_a_log_that_is_not_there_fails_the_check():
    with pytest.raises(CheckFailed, match="Event 1 of the event log cannot be read"):
        events.check(sqlite3.connect(":memory:"))


@pytest.mark.parametrize("edit", ["body = '{'", "leaf = 'zz'", "body = NULL"])
def test_reading_an_unreadable_event_names_it(edit):
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, time, kind, body, leaf)")
    events.append(connection, AnyEvent("k"), time="t")
    connection.execute(f"UPDATE events SET {edit}")
    with pytest.raises(CheckFailed, match="Event 1 of the event log"):
        list(events.events(connection))


def test_only_an_earlier_head_finds_a_log_that_was_rewritten_or_cut():
    earlier = events.head(new_log(4))
    assert events.check(new_log(4), earlier=earlier) == earlier
    assert events.check(new_log(6), earlier=earlier).size == 6
    assert events.check(new_log(6), earlier=events.head(new_log())).size == 6

    cut = new_log(3)
    assert events.check(cut).size == 3
    with pytest.raises(CheckFailed, match="events were removed from its end"):
        events.check(cut, earlier=earlier)

    rewritten = new_log()
    for i in range(5):
        events.append(rewritten, AnyEvent("run", {"n": i}), time="t")
    assert events.check(rewritten).size == 5
    with pytest.raises(CheckFailed, match="was rewritten"):
        events.check(rewritten, earlier=earlier)


def test_a_signed_head_is_a_checkpoint():
    tree_head = events.head(new_log(3))
    note = events.sign_head(tree_head, KEY, origin=ORIGIN).decode()
    lines = note.split("\n")
    assert lines[:4] == [ORIGIN, "3", base64.b64encode(tree_head.root).decode(), ""]
    assert lines[4].startswith(f"\u2014 {ORIGIN} ") and lines[5:] == [""]
    assert events.verify_head(note.encode(), KEY.public_key(), origin=ORIGIN) == tree_head


def test_signatures_are_made_as_the_reference_implementation_makes_them():
    public_key = NOTE_KEY.public_key()
    assert is_signed_by(public_key, message=NOTE_TEXT.encode(), signature=NOTE_SIGNATURE[4:])
    note = events.sign_head(events.head(new_log()), NOTE_KEY, origin="PeterNeumann").decode()
    text, line = note.split("\n\n")
    signature = base64.b64decode(line.split(" ")[2])
    assert signature[:4] == NOTE_SIGNATURE[:4] == bytes.fromhex("c74f20a3")
    assert is_signed_by(public_key, message=f"{text}\n".encode(), signature=signature[4:])


def test_a_changed_byte_of_a_signed_head_is_found():
    note = events.sign_head(events.head(new_log(12)), KEY, origin=ORIGIN)
    for at in range(len(note) + 1):
        variants = [note[:at] + new + note[at:] for new in (b"\n", b" ", b"0", b"A", b"=")]
        variants += [note[:at] + note[at + 1 :]]
        variants += [note[:at] + bytes([new]) + note[at + 1 :] for new in b"\n 01Aa=+\x80"]
        for variant in variants:
            if variant != note:
                with pytest.raises(CheckFailed):
                    events.verify_head(variant, KEY.public_key(), origin=ORIGIN)


@given(st.binary())
@settings(max_examples=examples(50))
def test_garbage_is_not_a_signed_head(data):
    note = events.sign_head(events.head(new_log(1)), KEY, origin=ORIGIN)
    for variant in (data, note + data, note[: len(data)]):
        if variant != note:
            with pytest.raises(CheckFailed):
                events.verify_head(variant, KEY.public_key(), origin=ORIGIN)


def test_a_head_is_bound_to_its_key_and_its_log():
    note = events.sign_head(events.head(new_log(1)), KEY, origin=ORIGIN)
    with pytest.raises(CheckFailed, match="not signed by the given key"):
        events.verify_head(note, OTHER_KEY.public_key(), origin=ORIGIN)
    with pytest.raises(CheckFailed, match="not a checkpoint of the log elsewhere"):
        events.verify_head(note, KEY.public_key(), origin="elsewhere")


def test_a_witness_may_sign_beside_us_but_not_instead():
    tree_head = events.head(new_log(1))
    ours = events.sign_head(tree_head, KEY, origin=ORIGIN)
    witness = "\u2014 witness.example AAAAAAAA\n".encode()
    assert events.verify_head(ours + witness, KEY.public_key(), origin=ORIGIN) == tree_head
    text = ours[: ours.index(b"\n\n") + 2]
    with pytest.raises(CheckFailed, match="not signed by the given key"):
        events.verify_head(text + witness, KEY.public_key(), origin=ORIGIN)


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb"])
def test_an_origin_is_one_word(origin):
    with pytest.raises(BadInput, match="without spaces"):
        events.sign_head(events.head(new_log()), KEY, origin=origin)


def test_stored_bodies_are_plain_json_for_other_tools():
    connection = new_log(1)
    (body,) = connection.execute("SELECT body FROM events").fetchone()
    assert json.loads(body) == {"n": 0}


LONGER = 21


REQUESTS = st.sampled_from(["q1", "q10", "q11", "q2", "r1", "q1%", "Q1", ""])
OF_REQUESTS = st.lists(
    st.fixed_dictionaries(
        {"by": st.sampled_from(["s-1", '"request":'])},
        optional={"request": REQUESTS, "why": st.text(max_size=3), "size": st.integers(0, 99)},
    ),
    max_size=12,
)


@given(OF_REQUESTS, REQUESTS)
def test_the_events_of_a_request_are_its_own_whatever_others_are_called(bodies, request):
    log = new_log()
    events.index_events(log)
    for body in bodies:
        events.append(log, AnyEvent("run", body), time="2024-05-01T00:00:00Z")
    found = [event.seq for event in events.about(log, request)]
    assert found == [n for n, body in enumerate(bodies, 1) if body.get("request") == request]


def test_events_are_found_by_request_and_kind_without_reading_the_log_and_newest_first():
    log = new_log(4)
    events.index_events(log)
    events.append(log, AnyEvent("asked", {"request": "q1"}), time="2024-05-09T00:00:00Z")

    def way(statement, *values):
        return " ".join(row[3] for row in log.execute(f"EXPLAIN QUERY PLAN {statement}", values))

    assert "events_by_request" in way(events._ROWS_ABOUT, "a", "b")
    assert "events_by_kind" in way(events._ROWS_OF_KIND, "asked")
    first = events.latest(log, before=None, size=2)
    assert [one.seq for one in first] == [5, 4]
    assert [one.seq for one in events.latest(log, before=first[-1].seq, size=9)] == [3, 2, 1]
    assert [one.seq for one in events.latest(log, before=None, size=9, kind="asked")] == [5]


@pytest.fixture(scope="module")
def long_log():
    connection = sqlite3.connect(":memory:")
    events.create_table(connection)
    for n in range(LONGER):
        events.append(connection, AnyEvent("run", {"n": n}), time="2024-05-01T00:00:00Z")
    connection.commit()
    return connection


def test_the_tree_as_it_is_kept_is_that_of_the_leaves(long_log):
    leaves = events.leaves(long_log)
    (kept,) = long_log.execute("SELECT count(*) FROM event_subtrees").fetchone()
    assert kept == 10 + 5 + 2 + 1
    for size in range(LONGER + 1):
        assert subtrees.root(long_log, size) == merkle.root(leaves[:size])
        for number in range(1, size + 1):
            path = subtrees.inclusion_path(long_log, number, size)
            assert path == merkle.inclusion_proof(number - 1, leaves[:size])


@pytest.mark.parametrize("gone", ["1", "level = 2", "number % 2", "level > 1"])
def test_what_is_not_kept_of_the_tree_is_computed(long_log, gone):
    before = events.head(long_log)
    long_log.execute(f"DELETE FROM event_subtrees WHERE {gone}")
    assert events.head(long_log) == before == events.check(long_log)
    events.append(long_log, AnyEvent("run"), time="t")
    assert events.head(long_log) == events.check(long_log)
    long_log.rollback()


def test_an_older_log_is_given_its_tree_and_a_broken_one_is_not_in_the_way(long_log):
    before = events.head(long_log)
    long_log.execute("DROP TABLE event_subtrees")
    subtrees.create_subtrees(long_log)
    assert long_log.execute("SELECT count(*) FROM event_subtrees").fetchone() == (18,)
    assert events.head(long_log) == before
    connection = without_triggers(new_log(5))
    connection.execute("DROP TABLE event_subtrees")
    connection.execute("UPDATE events SET leaf = 'zz' WHERE seq = 4")
    subtrees.create_subtrees(connection)
    with pytest.raises(CheckFailed, match="Event 4 of the event log"):
        events.head(connection)


def test_a_head_costs_few_hashes_however_long_the_log_is(long_log, monkeypatch):
    hashed = []
    node_hash = merkle.node_hash
    monkeypatch.setattr(merkle, "node_hash", lambda *two: hashed.append(1) or node_hash(*two))
    events.head(long_log)
    assert len(hashed) <= 2  # 21 is 16 + 4 + 1


def test_an_event_is_covered_by_a_head_only_as_it_was_written(long_log):
    head = events.head(long_log)
    for event in events.events(long_log):
        assert events.is_covered(long_log, event, head)
        assert not events.is_covered(long_log, replace(event, time="2024-05-02"), head)
        assert not events.is_covered(long_log, event, replace(head, root=bytes(32)))
        smaller = events.TreeHead(event.seq - 1, subtrees.root(long_log, event.seq - 1))
        assert not events.is_covered(long_log, event, smaller)
