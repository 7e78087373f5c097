"""The project's own SQLite file: rows, models, requests, exclusions and the event log.

The schema is made by sqlite-utils migrations; reading goes through the standard library, because
a question must not pay for importing more. MLMD's file is another one, always.
"""

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from lineage_store.errors import BadInput, NothingFound
from lineage_store.own_files import own_tables
from lineage_store.own_files.overwritten import is_overwritten
from lineage_store.workspace.folder import Workspace

SCHEMA = "unweave"
NEWEST = "found_events"  # the last of the migrations
PATIENCE = 30  # seconds that a transaction waits for another


@contextmanager
def writing_index(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """Open the index of a workspace to write (`open_index`), and close it at the end."""
    with closing(open_index(workspace.index_file)) as connection:
        yield connection


@contextmanager
def reading_index(workspace: Workspace) -> Iterator[sqlite3.Connection]:
    """Open the index of a workspace for questions (`read_index`), and close it at the end."""
    with closing(read_index(workspace.index_file)) as connection:
        yield connection


def open_index(path: Path) -> sqlite3.Connection:
    """Open the index to write, making or migrating its tables; in WAL mode, deletions overwritten.

    Raises Damaged if the file is not SQLite, BadInput if it may not be written.
    """
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise BadInput(
            f"You may read the workspace {path.parent}, and not write it: ask its owner."
        )
    connection = _connect(str(path), path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA secure_delete = ON")
    if not _is_current(connection):
        from sqlite_utils import Database  # which imports pandas, too

        connection.execute("BEGIN IMMEDIATE")  # commands that read may come here at the same time
        with connection:
            _migrations().apply(Database(connection))
    return connection


def read_index(path: Path) -> sqlite3.Connection:
    """Open the index for questions: nothing can be written through the connection.

    Where this process may write to the folder, the file is opened so that closing it takes SQLite's
    side files away again, which a read-only connection would leave. Where it may not, SQLite can
    make no side files, and reads without them if there are none. An index of an earlier unweave is
    migrated first. Raises NothingFound if there is no index yet, BadInput for one of an earlier
    unweave that this process may not write.
    """
    if not path.exists():
        raise NothingFound("The workspace has no model yet: train one first.")
    mode = "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro"
    alone = mode == "ro" and not path.with_name(f"{path.name}-wal").exists()
    options = f"mode={mode}&immutable=1" if alone else f"mode={mode}"
    connection = _connect(f"{path.absolute().as_uri()}?{options}", path, uri=True)
    if not _is_current(connection):
        if mode == "ro":
            connection.close()
            raise BadInput(
                "The workspace was written by an earlier unweave, and you may only read it: ask "
                "once as its owner, which takes it over."
            )
        open_index(path).close()
    connection.execute("PRAGMA query_only = ON")
    return connection


def _is_current(connection: sqlite3.Connection) -> bool:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'")
    if known.fetchone() is None:
        return False
    newest = connection.execute(
        "SELECT 1 FROM _sqlite_migrations WHERE migration_set = ? AND name = ?", (SCHEMA, NEWEST)
    )
    return newest.fetchone() is not None


def _connect(name: str, path: Path, *, uri: bool = False) -> sqlite3.Connection:
    connection = own_tables.connect(name, path, uri=uri, wait=PATIENCE)
    connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.row_factory = sqlite3.Row
    return connection


def compact(path: Path, *, gone: Collection[bytes] | None = None) -> bool:
    """Take what was deleted off the disk, and empty the write-ahead log.

    The file is rewritten without the pages of deleted rows, unless `gone` says what has been
    deleted and nothing of it is left (`overwritten`). Returns false if old pages had to stay, since
    somebody is reading: then it is to be done again.
    """
    if not _with_empty_log(path):
        return False
    if gone is not None and is_overwritten(path, gone):
        return True
    return _with_empty_log(path, "VACUUM")


def still_read(path: Path) -> list[str]:
    """Say in a sentence that somebody is reading, so that what went from the index is still there.

    SQLite takes the old pages away as soon as the last of those who read it is gone.
    """
    log = path.with_name(f"{path.name}-wal")
    if not log.exists() or log.stat().st_size == 0:
        return []
    return [
        "Another program is reading the index (unweave.sqlite): what the request kept in words is "
        "on its old pages as long as it does; close it, and the next command finds them gone."
    ]


def _with_empty_log(path: Path, *first: str) -> bool:
    """Do some statements, then move the write-ahead log into the file; say whether that went."""
    with closing(_connect(str(path), path)) as connection:
        for statement in first:
            connection.execute(statement)
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _migrations() -> Any:
    from sqlite_utils import Database, Migrations

    from lineage_store.index.asked_today import create_asked_today
    from lineage_store.index.certified import create_answered, create_certified
    from lineage_store.index.manifest import (
        create_excluded_alike,
        create_excluded_rows,
        create_restricted,
    )
    from lineage_store.index.queue import add_columns, create_queue
    from lineage_store.index.readmission import create_lifted
    from lineage_store.log.events import create_table, index_events
    from lineage_store.log.subtrees import create_subtrees

    migrations = Migrations(SCHEMA)

    @migrations()
    def first(db: Database) -> None:
        db.execute(
            "CREATE TABLE rows (snapshot INTEGER NOT NULL, row_key BLOB NOT NULL, subject BLOB, "
            "split TEXT NOT NULL, place INTEGER NOT NULL, "
            "PRIMARY KEY (snapshot, row_key)) WITHOUT ROWID"
        )
        db.execute("CREATE INDEX rows_by_subject ON rows (subject, snapshot)")
        db.table("models").create(
            {
                "ordinal": int,
                "id": str,
                "family": str,
                "snapshot": int,
                "state": str,
                "created": str,
                "ended": str,
                "request": str,
                "guarantee": str,
                "weights_digest": str,
                "ledger_digest": str,
                "paths": str,
                "config": str,
                "report": str,
            },
            pk="ordinal",
            not_null={"id", "family", "snapshot", "state", "created", "paths", "config", "report"},
        ).create_index(["id"], unique=True)
        db.table("requests").create(
            {
                "ordinal": int,
                "id": str,
                "created": str,
                "ended": str,
                "state": str,
                "options": str,
                "reason": str,
                "result": str,
            },
            pk="ordinal",
            not_null={"id", "created", "state", "options"},
        ).create_index(["id"], unique=True)
        db.table("exclusions").create(
            {"commitment": str, "kind": str, "request": str, "since": str}, pk="commitment"
        ).create_index(["request"])

    @migrations()
    def event_log(db: Database) -> None:
        create_table(db.conn)

    @migrations()
    def parts(db: Database) -> None:
        """Share rows between snapshots, and let a row have several subjects."""
        db.execute("ALTER TABLE rows RENAME TO rows_by_snapshot")
        db.execute(
            "CREATE TABLE rows (part INTEGER NOT NULL, row_key BLOB NOT NULL, split TEXT NOT NULL, "
            "place INTEGER NOT NULL, subjects BLOB NOT NULL, PRIMARY KEY (part, row_key)) "
            "WITHOUT ROWID"
        )
        db.execute(
            "CREATE TABLE row_subjects (subject BLOB NOT NULL, part INTEGER NOT NULL, "
            "row_key BLOB NOT NULL, PRIMARY KEY (subject, part, row_key)) WITHOUT ROWID"
        )
        db.execute(
            "CREATE TABLE snapshot_parts (snapshot INTEGER NOT NULL, part INTEGER NOT NULL, "
            "PRIMARY KEY (snapshot, part)) WITHOUT ROWID"
        )
        db.execute("CREATE INDEX snapshots_by_part ON snapshot_parts (part)")
        db.execute(
            "INSERT INTO rows SELECT snapshot, row_key, split, place, coalesce(subject, x'') "
            "FROM rows_by_snapshot"
        )
        db.execute(
            "INSERT INTO row_subjects SELECT subject, snapshot, row_key FROM rows_by_snapshot "
            "WHERE subject IS NOT NULL"
        )
        db.execute(
            "INSERT INTO snapshot_parts SELECT DISTINCT snapshot, snapshot FROM rows_by_snapshot"
        )
        db.execute("DROP TABLE rows_by_snapshot")

    @migrations()
    def history(db: Database) -> None:
        """Keep in which models a forgotten subject was, and why runs failed."""
        db.execute("ALTER TABLE exclusions ADD COLUMN models TEXT NOT NULL DEFAULT '[]'")
        db.table("failures").create(
            {"id": int, "time": str, "run": str, "error": str, "message": str},
            pk="id",
            not_null={"time", "run", "error"},
        )

    @migrations()
    def queue(db: Database) -> None:
        create_queue(db.conn)

    @migrations()
    def lifted(db: Database) -> None:
        create_lifted(db.conn)

    @migrations()
    def asked_today(db: Database) -> None:
        create_asked_today(db.conn)

    @migrations()
    def excluded_rows(db: Database) -> None:
        create_excluded_rows(db.conn)

    @migrations()
    def event_subtrees(db: Database) -> None:
        create_subtrees(db.conn)

    @migrations()
    def lacking_rows(db: Database) -> None:
        """Let a snapshot share a part without some of its rows."""
        db.execute(
            "CREATE TABLE lacking (part INTEGER NOT NULL, row_key BLOB NOT NULL, "
            "snapshot INTEGER NOT NULL, PRIMARY KEY (part, row_key, snapshot)) WITHOUT ROWID"
        )

    @migrations()
    def excluded_alike(db: Database) -> None:
        create_excluded_alike(db.conn)

    @migrations()
    def certified(db: Database) -> None:
        create_certified(db.conn)

    @migrations()
    def terms(db: Database) -> None:
        add_columns(db.conn, "term", "given")  # the law's clock, and the asker's deadline

    @migrations()
    def staff(db: Database) -> None:
        db.execute(  # who did what at the desk (`requests/staff.py`)
            "CREATE TABLE staff (number TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, "
            "sealed BLOB NOT NULL)"
        )

    @migrations()
    def answered(db: Database) -> None:
        create_answered(db.conn)
        add_columns(db.conn, "alike", "due")  # as they were when it was settled

    @migrations()
    def rights(db: Database) -> None:
        add_columns(db.conn, "invoked")
        create_restricted(db.conn)

    @migrations()
    def letters(db: Database) -> None:
        """Keep letters, sealed (`requests/letters.py`), which go with what they are about."""
        db.execute(
            "CREATE TABLE letters (request TEXT NOT NULL, number INTEGER NOT NULL, "
            "kind TEXT NOT NULL, written TEXT NOT NULL, sent TEXT, sealed TEXT NOT NULL, "
            "PRIMARY KEY (request, number))"
        )
        for name, event, gone in (
            ("drafts_end", "UPDATE OF ended ON queue WHEN NEW.ended IS NOT NULL",
             "request = NEW.id AND sent IS NULL"),
            ("letters_end", "DELETE ON queue", "request = OLD.id"),
            ("letters_forget", "INSERT ON certified",
             "request IN (SELECT request FROM queue_ids WHERE commitment = NEW.commitment)"),
        ):  # fmt: skip
            db.execute(
                f"CREATE TRIGGER {name} AFTER {event} BEGIN DELETE FROM letters WHERE {gone}; END"
            )

    @migrations()
    def found_events(db: Database) -> None:
        index_events(db.conn)

    return migrations
