"""Workspaces that an earlier unweave wrote: they are asked, and forgotten from, as before."""

import sqlite3
import threading
from contextlib import closing

import pytest

from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import deletions, models, row_index
from lineage_store.index.database import NEWEST, _migrations, open_index, read_index
from lineage_store.index.failures import failures
from lineage_store.index.models import ModelRecord
from lineage_store.keys.secret import derive
from lineage_store.questions import as_of as history
from lineage_store.questions import one_model

KEYS = derive(bytes(range(32)))
ANN = b"a" * 16


@pytest.fixture
def old(tmp_path):
    """The path of an index from before snapshots had parts, with a row of Ann."""
    from sqlite_utils import Database

    path = tmp_path / "unweave.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        _migrations().apply(Database(connection), stop_before="parts")
        connection.execute("INSERT INTO rows VALUES (1, ?, ?, 'train', 7)", (b"k" * 16, ANN))
        commitment = KEYS.commitment(kind="subject", value=b"bob")
        connection.execute(
            "INSERT INTO exclusions VALUES (?, 'subject', 'r1', '2031-01-05T12:00:00+00:00')",
            (commitment,),
        )
        connection.commit()
    return path


def test_the_newest_migration_is_the_last():
    from sqlite_utils import Database

    database = Database(memory=True)
    assert [one.name for one in _migrations().pending(database)][-1] == NEWEST


def test_an_index_of_an_earlier_unweave_can_be_asked_before_anything_is_written(old):
    with closing(read_index(old)) as connection:
        assert row_index.snapshots_of_subject(connection, ANN) == [1]
        assert failures(connection) == []
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("DELETE FROM rows")


def test_an_index_of_an_earlier_unweave_that_cannot_be_written_says_so(old, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(BadInput, match="earlier unweave"):
        read_index(old)


def test_many_may_open_an_index_of_an_earlier_unweave_at_once(old):
    problems = []

    def ask():
        try:
            read_index(old).close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with closing(open_index(old)) as connection:
        assert row_index.has_rows(connection, ANN)


def record_of(report):
    return ModelRecord(
        id="m1", family="m1", snapshot=1, state="live", created="2031-01-01T12:00:00+00:00",
        guarantee="trained", weights="d", ledger="l",
        paths={"pushed": "serving/m1/1"}, config={"partition": {}, "record": "none"},
        report={"rows": {"train": 1}, "metrics": {}, "excluded": 0, "task": "t", **report},
    )  # fmt: skip


@pytest.mark.parametrize("question", ["data_set", "hyperparameters", "libraries"])
def test_what_was_not_kept_of_an_older_model_is_nothing_found(question):
    with pytest.raises(NothingFound, match="unweave trace model m1"):
        getattr(one_model, question)(record_of({}))


def test_of_whom_an_earlier_unweave_forgot_it_is_not_said_that_there_was_nothing(old):
    with closing(open_index(old)) as connection:
        models.register(connection, record_of({}))
        with pytest.raises(NothingFound, match=r"forgotten on 2031-01-05.* \(request r1\) by an e"):
            history.subject_in_models(connection, None, KEYS, "bob", time=None)
        known = deletions.exclusion(connection, KEYS.commitment(kind="subject", value=b"bob"))
        assert known.models == ()
