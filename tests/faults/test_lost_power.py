"""The power goes at every step of a deletion: a model is there to serve, and every retained row.

What is left is what a disk holds that does no more than it was asked to sync (`lost_power`). In the
default suite every state is looked at and some are gone on from, `make test-all` goes on from all.
"""

import shutil
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lineage_store.canonical import digest, digest_file
from lineage_store.index import deletions, models, open_index
from lineage_store.index.database import read_index
from tests.faults.conftest import OPTIONS
from tests.faults.ends import assert_ended_as_undisturbed
from tests.faults.lost_power import FAULTS, distinct, left

SOME = 3
NOTHING = digest(b"")


@pytest.fixture(scope="module")
def lost(small_server, small, tmp_path_factory):
    """What is left at each step of a deletion, the folder with the contents, and the end."""
    here = tmp_path_factory.mktemp("lost")
    root, kept = Path(shutil.copytree(small, here / "workspace")), here / "kept"
    kept.mkdir()
    status, _ = small_server.forget(root, disk=str(kept))
    assert status == 0
    yield distinct(left(kept)), kept, held_in(root)
    shutil.rmtree(here)


def test_a_disk_loses_something_at_most_steps(lost):
    """Else nothing is tried here."""
    states, *_ = lost
    assert {one.fault for one in states} == set(FAULTS)
    assert len(states) > 100
    assert Counter(one.before.split()[0] for one in states)["os.fsync"] > 20


def test_whenever_the_power_goes_a_model_is_whole_with_all_rows_that_stay(lost, tmp_path):
    """What the index calls live is on disk, file by file: as it was, or as it came to be."""
    states, kept, end = lost
    whole = {"m1": files_of(states[0]), "m2": end}
    seen = Counter()
    for one in states:
        with index_of(one, kept, tmp_path / "unweave.sqlite") as connection:
            live = models.models(connection, live_only=True)
        assert live, f"no model is left before {one.before}"
        for record in live:
            seen[record.id] += 1
            for folder in record.paths.values():
                expected = below(folder, whole[record.id])
                assert expected and below(folder, files_of(one)) == expected, not_whole(one, folder)
    assert min(seen["m1"], seen["m2"]) > 10


def test_whenever_the_power_goes_a_deletion_that_has_begun_can_go_on(lost, tmp_path):
    """From when its model is registered until it is done, what it was to erase is known."""
    states, kept, _ = lost
    seen = 0
    for one in states:
        with index_of(one, kept, tmp_path / "unweave.sqlite") as connection:
            (request,) = deletions.all_requests(connection) or [None]
            made = [record.id for record in models.models(connection)]
        if request is not None and request.state == "running" and "m2" in made:
            seen += 1
            for name in ("requests/r1/plan.json", "requests/r1/open.sealed", "keys/r1.open"):
                assert one.files.get(name, NOTHING) != NOTHING, not_whole(
                    one, f"{name} is not there"
                )
    assert seen > 10


@pytest.mark.parametrize("fault", FAULTS)
def test_when_the_command_has_ended_all_that_it_did_is_on_disk(lost, fault):
    _, kept, end = lost
    assert but_for_tmp(at_the_end(kept, fault)) == but_for_tmp(end)


@pytest.mark.parametrize("command", ["the first train", "train", "readmit", "run-requests"])
def test_what_another_command_did_is_on_disk_when_it_has_ended(
    small_server, small, tmp_path, command
):
    root, kept = tmp_path / "workspace", tmp_path / "kept"
    kept.mkdir()
    if command == "the first train":
        root.mkdir(mode=0o700)
    else:
        shutil.copytree(small, root)
    how = {"csv": str(small.parent / "people.csv"), "options": OPTIONS, "disk": str(kept)}
    assert small_server.run(command.removeprefix("the first "), root, **how)[0] == 0
    for fault in FAULTS:
        assert but_for_tmp(at_the_end(kept, fault)) == but_for_tmp(held_in(root))


def test_where_the_power_went_at_some_steps_the_same_command_ends_it(
    lost, small_server, small_undisturbed, tmp_path
):
    states, kept, _ = lost
    some = states[len(states) // (2 * SOME) :: len(states) // SOME]
    go_on_from(some, kept, small_server, small_undisturbed, tmp_path)


def test_wherever_the_power_went_the_same_command_ends_it(
    lost, small_server, small_undisturbed, tmp_path
):
    states, kept, _ = lost
    go_on_from(states, kept, small_server, small_undisturbed, tmp_path)


def test_the_index_is_synced_with_every_transaction(tmp_path):
    """SQLite's files are taken as they are: so they must be what SQLite calls durable."""
    with closing(open_index(tmp_path / "unweave.sqlite")) as connection:
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
    assert level >= 2  # FULL


def go_on_from(states, kept, server, undisturbed, folder):
    for one in states:
        root = one.write(kept, folder / "workspace")
        try:
            assert_ended_as_undisturbed(server, root, undisturbed)
        except Exception as error:
            raise AssertionError(not_whole(one, "it does not end")) from error
        shutil.rmtree(root)


@contextmanager
def index_of(one, kept, path):
    """Open the index as a state has it."""
    for name in ("", "-wal"):
        path.with_name(path.name + name).unlink(missing_ok=True)
        if (content := one.files.get(path.name + name)) is not None:
            shutil.copyfile(kept / content, path.with_name(path.name + name))
    with closing(read_index(path)) as connection:
        yield connection


def held_in(root):
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): digest_file(path) for path in files}


def at_the_end(kept, fault):
    return files_of([one for one in left(kept) if one.fault == fault][-1])


def files_of(one):
    return {path: held for path, held in one.files.items() if held is not None}


def but_for_tmp(files):
    return {path: held for path, held in files.items() if not path.startswith(("tmp/", "lock"))}


def below(folder, files):
    return {path: held for path, held in files.items() if path.startswith(f"{folder}/")}


def not_whole(one, what):
    return (
        f"step {one.step}, before {one.before}: {what} is not whole on a disk that is {one.fault}"
    )
