"""Files appear whole or not at all, and are on disk before their name is: the calls are watched."""

import os

import pytest

from lineage_store.canonical import atomic_file, write_atomic


@pytest.fixture
def calls(monkeypatch):
    """What is asked of the system, in order: which file is synced, and when it gets its name."""
    seen = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor):
        seen.append(("sync", os.readlink(f"/proc/self/fd/{descriptor}")))
        sync(descriptor)

    def replaced(old, new, **options):
        seen.append(("replace", os.fspath(new)))
        replace(old, new, **options)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    return seen


def test_a_file_is_on_disk_before_it_has_its_name_and_its_name_afterwards(tmp_path, calls):
    path = tmp_path / "a.json"
    write_atomic(path, b"new", mode=0o600)
    assert calls == [
        ("sync", str(tmp_path / ".a.json.partial")),
        ("replace", str(path)),
        ("sync", str(tmp_path)),
    ]
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_fails_half_way_leaves_the_old_one_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.json"
    write_atomic(path, b"old")
    with pytest.raises(RuntimeError), atomic_file(path) as stream:
        stream.write(b"ne")
        raise RuntimeError
    assert [one.name for one in tmp_path.iterdir()] == ["a.json"]
    assert path.read_bytes() == b"old"


def test_who_has_a_link_to_the_old_file_keeps_it(tmp_path):
    path, link = tmp_path / "a", tmp_path / "b"
    write_atomic(path, b"old")
    os.link(path, link)
    write_atomic(path, b"new")
    assert link.read_bytes() == b"old"
