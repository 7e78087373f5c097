"""Digests of what goes are kept unless what stays has them: told by the scan, not by reading twice.

One side is the complete way: every file of models that go and of models that stay is read, and the
one list taken from the other.
"""

import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from fixtures.small_table import OPTIONS, write_people
from lineage_store.canonical import digest_file, read_json
from lineage_store.index import models, reading_index
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.erasure.erased_digests import _digests, ended_digests, keep_no_longer, record_ended
from unlearning.erasure.matcher import Matcher
from unlearning.erasure.scan import Places, scan_apart, scan_folder
from unlearning.erasure.search import Search
from unlearning.families.known_families import shipped_files
from unweave import Project


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A workspace with a model, and its record."""
    folder = tmp_path_factory.mktemp("stays")
    Project(folder / "ws", backend=DirectBackend()).train(write_people(folder / "p.csv"), **OPTIONS)
    workspace = open_workspace(folder / "ws")
    with reading_index(workspace) as connection:
        return workspace, models.find_model(connection, None)


def drawn(number):
    return np.random.default_rng(number).normal(size=40).astype("<f4")


def checkpoint(*numbers):
    return save({f"tensor-{number}": drawn(number) for number in numbers})


def digests_of(data, folder):
    """The digests in a file of these bytes."""
    digests = set()
    (folder / "asked").write_bytes(data)
    Search(Matcher(()), digests.add).read(folder / "asked")
    (folder / "asked").unlink()
    return digests


FILES = st.lists(
    st.one_of(
        st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True).map(
            lambda numbers: checkpoint(*sorted(numbers))
        ),
        st.integers(0, 5).map(lambda number: f"text {number}\n".encode() * 20),
    ),
    max_size=4,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(goes=FILES, stays=FILES, linked=FILES)
def test_what_is_kept_is_what_a_complete_comparison_leaves(trained, goes, stays, linked):
    workspace, record = trained
    there = workspace.root / "tfx" / f"case-{os.urandom(4).hex()}"
    (there / "old").mkdir(parents=True)
    (there / "new").mkdir()
    for folder, files in (("old", goes), ("new", stays), ("old", linked)):
        for number, content in enumerate(files):
            name = f"{'linked' if files is linked else 'own'}-{number}"
            (there / folder / name).write_bytes(content)
    for number in range(len(linked)):
        (there / "new" / f"linked-{number}").hardlink_to(there / "old" / f"linked-{number}")
    old, new = (
        replace(record, id=name, paths={"ledger": workspace.relative(there / name)})
        for name in ("old", "new")
    )
    request = there.name
    workspace.request(request).ended.parent.mkdir(parents=True)
    complete = _digests(workspace, [old]) - _digests(workspace, [new])
    complete -= set(map(digest_file, shipped_files()))
    record_ended(workspace, request, ended=[old], live=[new])
    digests, key = ended_digests(workspace, request), workspace.keys().manifest
    places = Places(["old"], ["new"])
    scan = scan_folder(there, [], digests=digests, digest_key=key, places=places)
    keep_no_longer(workspace, request, scan.stays)
    assert scan.clean
    kept = ended_digests(workspace, request)
    shutil.rmtree(there)
    shutil.rmtree(workspace.request(request).path)
    assert kept == set(map(workspace.keys().of_erased, complete))


def test_a_copy_of_what_goes_is_told_though_more_of_it_stays(tmp_path):
    (tmp_path / "live").mkdir()
    (tmp_path / "live" / "kept").write_bytes(checkpoint(1, 2))
    (tmp_path / "note").write_bytes(checkpoint(2))
    (tmp_path / "another").write_bytes(checkpoint(3))
    digests = {*digests_of(checkpoint(2), tmp_path), *digests_of(checkpoint(3), tmp_path)}
    scan = scan_apart(tmp_path, [], digests=digests, places=Places((), ["live"]))
    assert scan.found == ("another", "note")  # of the note it is the file, not its tensor
    assert set(scan.stays) == digests & digests_of(checkpoint(1, 2), tmp_path) != set()
    assert "stays" not in scan.to_json()


def test_a_file_that_stays_and_begins_with_what_goes_is_told(tmp_path):
    (tmp_path / "live").mkdir()
    erased = checkpoint(4)
    (tmp_path / "live" / "longer").write_bytes(erased + b"and more")
    digests = digests_of(erased, tmp_path)
    places = Places((), ["live"])
    scan = scan_folder(tmp_path, [], digests=digests, lengths=[len(erased)], places=places)
    assert scan.found == ("live/longer",)
    (tmp_path / "live" / "the same").write_bytes(erased)
    scan = scan_folder(tmp_path, [], digests=digests, lengths=[len(erased)], places=places)
    assert scan.found == () and set(scan.stays) == digests


def test_a_deletion_keeps_no_digest_of_what_the_new_model_has(tmp_path):
    project = Project(tmp_path / "ws", backend=DirectBackend())
    project.train(write_people(tmp_path / "p.csv"), **OPTIONS)
    done = project.forget(["p3"])
    workspace = open_workspace(tmp_path / "ws")
    with reading_index(workspace) as connection:
        live = models.models(connection, live_only=True)
    kept = ended_digests(workspace, done["request_id"])
    has = set(map(workspace.keys().of_erased, _digests(workspace, live)))
    assert kept and not kept & has
    assert "stays" not in read_json(workspace.request(done["request_id"]).erasure)
    assert project.audit()["ok"]
