"""A file of ML Metadata that is damaged is refused in a sentence before MLMD opens it.

Over some of what stands here MLMD ends the process. So what is let through is read by a fork, and
how that ended is looked at.
"""

import os
import sqlite3
import sys
from contextlib import closing, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.errors import MetadataLost, MetadataUnavailable, UnweaveError
from lineage_store.graph.closure import artifact_key, execution_key
from lineage_store.mlmd import Metadata, read_lineage, translating_server_errors
from lineage_store.mlmd.metadata_store import pb
from lineage_store.mlmd.pages import artifact_pages, execution_pages
from lineage_store.workspace import metadata_file
from lineage_store.workspace.metadata_address import sqlite_file
from lineage_store.workspace.metadata_file import FOUND, is_damaged, main

DAMAGE = {
    "a property without its artifact": "DELETE FROM Artifact WHERE id = 2",
    "a property without its execution": "DELETE FROM Execution WHERE id = 1",
    "an artifact without its type": "UPDATE Artifact SET type_id = 999 WHERE id = 2",
    "a type of another kind": "UPDATE Type SET type_kind = 2 WHERE name = 'lineage.Batch'",
    "a text that is no UTF-8": "UPDATE Artifact SET external_id = CAST(x'ff' AS TEXT) WHERE id = 2",
    "a time that is a word": "UPDATE Artifact SET create_time_since_epoch = 'x' WHERE id = 2",
    "a kind of event that is too large": "UPDATE Event SET type = 1099511627776",
    "a yes that is neither": "UPDATE ArtifactProperty SET is_custom_property = 7",
    "a state that is the least of numbers": "UPDATE Artifact SET state = -9223372036854775808",
    "two versions": "INSERT INTO MLMDEnv VALUES (9)",
    "no version": "DELETE FROM MLMDEnv",
}


def small_store(file):
    """Make a small file of MLMD, three artifacts, two executions, four events: its bytes."""
    metadata = Metadata(file, create=True)
    store, batch = metadata.store, metadata.artifact_type("lineage.Batch")
    made = store.put_artifacts(
        [
            pb.Artifact(
                type_id=batch,
                uri=f"/tfx/train-m1/rows/{number}",
                external_id=f"unweave:k:m1/{number}",
                custom_properties={"model": pb.Value(string_value="m1")},
            )
            for number in range(3)
        ]
    )
    step = metadata.execution_type("lineage.Step")
    ran = store.put_executions(
        [
            pb.Execution(type_id=step, custom_properties={"at": pb.Value(int_value=number)})
            for number in range(2)
        ]
    )
    store.put_events(
        [
            pb.Event(artifact_id=made[place + way], execution_id=ran[place], type=3 + way)
            for place in range(2)
            for way in range(2)
        ]
    )
    del metadata, store
    return file.read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return small_store(tmp_path_factory.mktemp("whole") / "metadata.sqlite")


def changed(file, sql, values=()):
    with closing(sqlite3.connect(file)) as store, suppress(sqlite3.IntegrityError):
        store.execute(sql, values)
        store.commit()


def damaged(file):
    """Look a file through in this process, which holds none open: as `is_damaged`, but at once."""
    return main(str(file)) == FOUND


def read_all(metadata):
    for pages in (artifact_pages, execution_pages):
        assert all(isinstance(node.external_id, str) for page in pages(metadata) for node in page)
    read_lineage(metadata)


def ended(file):
    """Read all of a file in a fork, and say how that ended: 0, or the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            with translating_server_errors(sqlite_file(file)):
                read_all(Metadata(file, create=False))
            status = 0
        except UnweaveError:
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_whole_file_is_read(whole, tmp_path):
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(whole)
    assert not is_damaged(file)
    assert [len(page) for page in artifact_pages(Metadata(file, create=False))] == [3]
    assert ended(file) == 0


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_in_a_sentence(whole, tmp_path, damage):
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(whole)
    changed(file, DAMAGE[damage])
    assert is_damaged(file)
    with pytest.raises(MetadataLost, match="is damaged: restore it from a backup, or run unweave"):
        Metadata(file, create=False)


def test_a_page_that_went_is_found(whole, tmp_path):
    file = tmp_path / "metadata.sqlite"
    for start in range(4096, len(whole), 4096):
        file.write_bytes(whole[:start] + bytes(4096) + whole[start + 4096 :])
        assert damaged(file) or ended(file) == 0, start // 4096


def test_a_file_of_another_version_is_not_called_damaged(whole, tmp_path):
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(whole)
    changed(file, "UPDATE MLMDEnv SET schema_version = 99")
    assert not is_damaged(file)
    with pytest.raises(MetadataUnavailable, match="by another version of ml-metadata"):
        Metadata(file, create=False)


def test_nodes_of_mlmd_s_own_types_are_whole_and_read(whole, tmp_path):
    """As others may have written that share the file; MLMD lists these types to nobody."""
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(whole)
    store = Metadata(file, create=False).store
    dataset, training = (
        store.get_artifact_type("mlmd.Dataset").id,
        store.get_execution_type("mlmd.Train").id,
    )
    (made,) = store.put_artifacts([pb.Artifact(type_id=dataset, uri="/theirs")])
    (ran,) = store.put_executions([pb.Execution(type_id=training)])
    store.put_artifact_type(pb.ArtifactType(name="mlmd.Theirs"))
    del store
    assert not is_damaged(file)
    metadata = Metadata(file, create=False)
    assert metadata.type_name(dataset) == "mlmd.Dataset"
    lineage = read_lineage(metadata)
    assert lineage.kind(artifact_key(made)) == "mlmd.Dataset"
    assert lineage.kind(execution_key(ran)) == "mlmd.Train"


def test_a_table_of_somebody_else_is_no_damage(whole, tmp_path):
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(whole)
    changed(file, "CREATE TABLE theirs (a INT)")
    changed(file, "INSERT INTO theirs VALUES ('x')")
    assert not damaged(file)


@pytest.mark.parametrize("program", ["", None, "/not/there"])
def test_where_no_python_can_be_started_a_file_is_left_to_mlmd(
    monkeypatch, whole, tmp_path, program
):
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(whole)
    monkeypatch.setattr(sys, "executable", program)
    assert not is_damaged(file)


def test_a_large_file_is_not_looked_through(whole, tmp_path, monkeypatch):
    file = tmp_path / "metadata.sqlite"
    file.write_bytes(whole)
    changed(file, DAMAGE["no version"])
    monkeypatch.setattr(metadata_file, "LARGEST", len(whole) - 1)
    assert not is_damaged(file)


def test_what_is_no_file_of_mlmd_is_left_to_mlmd(tmp_path):
    with closing(sqlite3.connect(tmp_path / "other.sqlite")) as other:
        other.execute("CREATE TABLE t (a INT)")
    assert not is_damaged(tmp_path / "other.sqlite")
    (tmp_path / "empty.sqlite").touch()
    assert not is_damaged(tmp_path / "empty.sqlite")


ODD = st.sampled_from([0, 1, -1, 7, 2**40, None, "", "x", "99", b"\xff", 1.5])


@settings(max_examples=examples(100), deadline=None)
@given(st.data())
def test_whatever_sql_did_to_it_ends_no_process(whole, tmp_path_factory, data):
    file = tmp_path_factory.mktemp("sql") / "metadata.sqlite"
    file.write_bytes(whole)
    for _ in range(data.draw(st.integers(1, 2))):
        with closing(sqlite3.connect(file)) as store:
            tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            table = data.draw(st.sampled_from([name for (name,) in tables.fetchall()]))
            columns = [row[1] for row in store.execute(f"PRAGMA table_info({table})")]
            rows = [row for (row,) in store.execute(f"SELECT rowid FROM {table}")]
        row = data.draw(st.sampled_from(rows or [0]))
        if data.draw(st.booleans()):
            changed(file, f"DELETE FROM {table} WHERE rowid = ?", (row,))
        else:
            column, value = data.draw(st.sampled_from(columns)), data.draw(ODD)
            changed(file, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, row))
    assert damaged(file) or ended(file) == 0
