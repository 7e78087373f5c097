"""Keys and pseudonyms: the same from the same secret, and gone for good when shredded."""

import itertools
import os
import sqlite3
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from fixtures.the_old_gate import old_place
from lineage_store.errors import BadInput
from lineage_store.keys.pseudonyms import PSEUDONYM_BYTES, Pseudonyms
from lineage_store.keys.secret import (
    create_secret,
    derive,
    keyed,
    keyed_all,
    keyed_each,
    read_secret,
)
from lineage_store.own_files import overwritten

SECRET = bytes(range(32))
PURPOSES = ("row", "placement", "manifest", "lookup")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_secret_that_others_can_reach_is_refused(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    path.chmod(mode)
    with pytest.raises(BadInput, match=rf"can be read by others \(mode {mode:o}\): run chmod 600"):
        read_secret(path)
    path.chmod(0o400)
    assert read_secret(path) == SECRET


def test_a_secret_that_is_short_missing_or_a_folder_is_refused(tmp_path):
    create_secret(tmp_path / "short", bytes(15))
    with pytest.raises(BadInput, match="holds 15 bytes; it needs 16"):
        read_secret(tmp_path / "short")
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read_secret(tmp_path / "none")
    with pytest.raises(BadInput, match="cannot be read: Is a directory"):
        read_secret(tmp_path)
    create_secret(tmp_path / "enough", bytes(16))
    assert read_secret(tmp_path / "enough") == bytes(16)


def test_a_new_secret_is_random_and_for_its_owner_only(tmp_path):
    before = os.umask(0)
    try:
        secrets = {create_secret(tmp_path / name) for name in ("one", "two")}
    finally:
        os.umask(before)
    assert len(secrets) == 2 and all(len(secret) == 32 for secret in secrets)
    for name in ("one", "two"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert read_secret(tmp_path / name) in secrets
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_the_keys_of_a_secret_are_all_different_and_none_is_the_secret():
    keys = derive(SECRET)
    values = [getattr(keys, purpose) for purpose in PURPOSES]
    assert all(len(value) == 32 for value in values)
    assert len({*values, SECRET}) == len(PURPOSES) + 1
    assert not any(bytes.fromhex(keys.key_id) in value for value in [*values, SECRET])


@given(st.binary(min_size=16, max_size=64), st.binary(min_size=16, max_size=64))
def test_the_same_secret_gives_the_same_keys_and_another_gives_others(one, other):
    assert derive(one) == derive(one)
    if one != other:
        a, b = derive(one), derive(other)
        assert all(getattr(a, name) != getattr(b, name) for name in (*PURPOSES, "key_id"))


def test_keys_are_those_of_earlier_versions():
    """Workspaces on disk rely on these values: a change of them is a change of format."""
    keys = derive(SECRET)
    assert keys.key_id == "eb6950974d49a8db"
    assert keys.row_key(kind="id", value=b"r1").hex() == "af6a6761828cb8909b96010364558b09"
    assert old_place(keys, kind="subject", value=b"ann").hex() == "af9cce0d4a576a7f"
    assert keys.commitment(kind="subject", value=b"ann") == (
        "9bce846cb600040200773017a02713775927250c157dffe64875cc22f0d85b38"
    )


@given(st.binary(max_size=20))
def test_a_digest_of_one_kind_matches_none_of_another(value):
    keys = derive(SECRET)
    digests = [
        keys.row_key(kind="id", value=value),
        keys.row_key(kind="text", value=value),
        old_place(keys, kind="subject", value=value),
        old_place(keys, kind="row", value=value),
        bytes.fromhex(keys.commitment(kind="subject", value=value)),
        bytes.fromhex(keys.commitment(kind="row", value=value)),
    ]
    assert [len(digest) for digest in digests] == [16, 16, 8, 8, 32, 32]
    for one, other in itertools.combinations(digests, 2):
        assert one[:8] != other[:8]


@given(st.binary(max_size=9), st.binary(max_size=9), st.sampled_from(["id", "text", "i", "idt"]))
def test_a_kind_and_a_value_cannot_be_cut_at_another_place(one, other, kind):
    if (kind, one) != ("id", other):
        assert keyed(SECRET, kind, one) != keyed(SECRET, "id", other)


@pytest.fixture
def store_file(tmp_path):
    return tmp_path / "pseudonyms.sqlite"


def test_pseudonyms_are_stable_and_differ_between_subjects(store_file, keys):
    store = Pseudonyms(store_file, keys)
    names = ["ann", "bob", "", "é ✓", "ann "]
    given_once = [store.get(name) for name in names]
    assert [store.get(name) for name in names] == given_once
    assert len(set(given_once)) == len(names)
    assert {len(pseudonym) for pseudonym in given_once} == {PSEUDONYM_BYTES}
    store.commit()
    store.close()

    again = Pseudonyms(store_file, keys)
    assert [again.find(name) for name in names] == given_once
    assert [again.get(name) for name in names] == given_once


def test_pseudonyms_are_random_so_that_the_secret_alone_does_not_give_them(
    store_file, keys, tmp_path
):
    one = Pseudonyms(store_file, keys).get("ann")
    assert Pseudonyms(tmp_path / "other.sqlite", keys).get("ann") != one


def test_a_pseudonym_is_the_digest_of_the_id_under_the_random_key(store_file, keys):
    store = Pseudonyms(store_file, keys, random_bytes=lambda count: b"r" * count)
    assert store.get("ann") == keyed(b"r" * 32, "pseudonym", b"ann")[:16]


def test_an_unknown_subject_has_no_pseudonym_and_asking_gives_it_none(store_file, keys):
    store = Pseudonyms(store_file, keys)
    store.get("ann")
    assert store.find("bob") is None
    assert store.find("Ann") is None
    assert store.find("bob") is None


def test_another_secret_finds_no_one(store_file, keys):
    store = Pseudonyms(store_file, keys)
    store.get("ann")
    store.commit()
    assert Pseudonyms(store_file, derive(bytes(32))).find("ann") is None
    assert Pseudonyms(store_file, keys).find("ann") is not None


def test_what_is_not_committed_is_forgotten(store_file, keys):
    store = Pseudonyms(store_file, keys)
    store.get("ann")
    store.close()
    assert Pseudonyms(store_file, keys).find("ann") is None


def test_no_id_is_in_the_file(store_file, keys):
    store = Pseudonyms(store_file, keys)
    pseudonym = store.get("ann@example.org")
    store.commit()
    store.close()
    content = store_file.read_bytes()
    assert b"example.org" not in content and pseudonym not in content


@pytest.mark.parametrize("large", [False, True])
def test_a_shredded_key_is_gone_from_the_file_and_the_pseudonym_means_nothing(
    store_file, keys, large, monkeypatch
):
    drawn = {}
    if large:
        monkeypatch.setattr(overwritten, "SMALL", 0)

    def random_bytes(count):
        drawn[len(drawn)] = os.urandom(count)
        return drawn[len(drawn) - 1]

    store = Pseudonyms(store_file, keys, random_bytes=random_bytes)
    names = [f"person {number}" for number in range(500)]
    before = [store.get(name) for name in names]
    store.commit()
    content = store_file.read_bytes()
    # Drawn are, in turn, a key, what it is sealed with, and what its id is sealed with.
    values = list(drawn.values())
    nonces = list(zip(values[1::3], values[2::3], strict=True))
    assert all(one in content for pair in nonces for one in pair), "or nothing is proved below"
    assert not any(key in content for key in values[::3])

    gone = names[::7]
    store.shred(gone if large else [*gone, "nobody"])
    for name, pseudonym, (nonce, other) in zip(names, before, nonces, strict=True):
        content = b"".join(path.read_bytes() for path in store_file.parent.iterdir())
        lookup = keys.subject_lookup(name)
        if name in gone:
            assert store.find(name) is None
            assert nonce not in content and other not in content and lookup not in content
        else:
            assert store.find(name) == pseudonym
            assert nonce in content and other in content and lookup in content
    assert store.get(gone[0]) != before[0], "a new key, not one that was kept in memory"
    store.close()
    assert Pseudonyms(store_file, keys).find(gone[1]) is None


def test_shredding_again_changes_nothing(store_file, keys):
    store = Pseudonyms(store_file, keys)
    kept = store.get("bob")
    store.get("ann")
    for _ in range(2):
        store.shred(["ann"])
        assert (store.find("ann"), store.find("bob")) == (None, kept)


KINDS = st.sampled_from(["id", "text", ""])


@given(st.binary(max_size=64), KINDS, st.lists(st.binary(max_size=99)))
def test_many_digests_are_those_of_each(key, kind, values):
    each = [keyed(key, kind, value) for value in values]
    assert keyed_all(key, kind, values) == b"".join(each)
    assert keyed_each([key] * len(values), kind, values) == each
    keys = derive(SECRET)
    rows = keys.row_keys(kind="id", values=values)
    assert [bytes(row) for row in rows] == [keys.row_key(kind="id", value=one) for one in values]
    places = keys.places(kind="row", values=values)
    wanted = [int.from_bytes(old_place(keys, kind="row", value=one), "big") for one in values]
    assert places.tolist() == wanted


NAMES = ["ann", "Ann", "ann ", "bob", "é", "e", "", "17850.0"]
NAMED = st.lists(st.sampled_from(NAMES), unique=True)


@settings(deadline=None, max_examples=examples(40))
@given(first=NAMED, then=NAMED, run=st.sampled_from([None, "m1"]), ended=st.booleans())
def test_pseudonyms_of_many_are_those_of_each(keys, new_folder, first, then, run, ended):
    file = new_folder() / "pseudonyms.sqlite"
    store = Pseudonyms(file, keys, run=run)
    pseudonyms = dict(zip(first, store.get_all(first), strict=True))
    assert {name: store.find(name) for name in first} == pseudonyms
    for name in then[:2]:
        pseudonyms.setdefault(name, store.get(name))
    pseudonyms |= dict(zip(then, store.get_all(then), strict=True))
    assert {name: store.get(name) for name in pseudonyms} == pseudonyms
    assert len(set(pseudonyms.values())) == len(pseudonyms)
    store.commit()
    store.close()
    again = Pseudonyms(file, keys, run="m2")
    assert dict(zip(pseudonyms, again.get_all(list(pseudonyms)), strict=True)) == pseudonyms
    assert all(name in again.spelled_like(name) for name in pseudonyms)
    again.get_all(["somebody else"])
    again.commit()
    again.take_back()
    assert again.find("somebody else") is None
    again.end_killed_runs({"m1"} if ended else {})
    kept = run is None or ended
    assert all(
        (again.find(name) == pseudonyms[name]) if kept else not again.find(name)
        for name in pseudonyms
    )
    (indexed,) = sqlite3.connect(file).execute(
        "SELECT count(*) FROM sqlite_master WHERE name = 'spellings_by_fold'"
    )
    assert indexed == (1,)
