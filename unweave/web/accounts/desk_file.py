"""The desk's own file, `desk.sqlite`: users and sign-ins, apart from what it is about.

    users      digest of the name (keyed), name and second factor sealed, role, password as Argon2
               keeps it, the digest of a link of one use
    sign_ins   digest of the cookie, user, when it began and was seen last
    sent       requests whose answer was sent, and when
    webhooks   to whom events of requests are told (`webhooks`)
    own_links  by which people see their own requests (`own_links`)
    asked_once calls of the API that are not to be done twice (`asked_once`)
    tokens     number, digest of a program's token, user, its last day
    mail_server  by which letters are sent, sealed (`mail_server`)
    mails      what waits to be sent by it, and to whom, sealed (`waiting_mails`)
    joined     other workspaces that are served here, too (`web.several`): a keyed digest of the
               path, one of the public key, the name sealed, the last request that was looked at
    parts      requests in them: ours, theirs, what is to be filed (sealed until it is), what was
               carried over, whether it has ended, and whether ours has

Names of staff lie sealed as in the queue, so that somebody of the staff may be forgotten as a
customer like anybody: no scan finds them here in clear.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

FILE = "desk.sqlite"
PATIENCE = 10.0  # seconds
_TABLES = (
    """CREATE TABLE IF NOT EXISTS users (
        digest BLOB PRIMARY KEY, name BLOB NOT NULL, role TEXT NOT NULL, password TEXT,
        factor BLOB, counter INTEGER NOT NULL DEFAULT 0, link BLOB, link_until INTEGER,
        ended INTEGER
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS sign_ins (
        digest BLOB PRIMARY KEY, user BLOB NOT NULL, began INTEGER NOT NULL, seen INTEGER NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS sent (request TEXT PRIMARY KEY, time TEXT NOT NULL)
    WITHOUT ROWID""",
    # No number is given twice: the event log has them.
    """CREATE TABLE IF NOT EXISTS tokens (
        number INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, user BLOB NOT NULL,
        until TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS asked_once (
        digest BLOB PRIMARY KEY, route TEXT NOT NULL, began INTEGER NOT NULL, status INTEGER,
        answer BLOB
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS own_links (
        request TEXT PRIMARY KEY, link BLOB UNIQUE, cookie BLOB UNIQUE, public BLOB NOT NULL,
        private BLOB, pack BLOB, until TEXT
    )""",
    """CREATE TABLE IF NOT EXISTS webhooks (
        number INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL, local INTEGER NOT NULL,
        told INTEGER NOT NULL, failed INTEGER NOT NULL DEFAULT 0,
        not_before INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE IF NOT EXISTS mail_server (
        one INTEGER PRIMARY KEY CHECK (one = 1), sealed BLOB NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS mails (
        request TEXT PRIMARY KEY, sealed BLOB NOT NULL, failed INTEGER NOT NULL DEFAULT 0,
        not_before INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS joined (
        number INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL, identity TEXT UNIQUE,
        name BLOB NOT NULL, seen INTEGER
    )""",
    """CREATE TABLE IF NOT EXISTS parts (
        request TEXT NOT NULL, workspace INTEGER NOT NULL, part TEXT, asked TEXT NOT NULL,
        sealed BLOB, after INTEGER, carried TEXT NOT NULL DEFAULT '{}',
        ended INTEGER NOT NULL DEFAULT 0, over INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (request, workspace)
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS parts_open ON parts (ended, over)",
)


@contextmanager
def desk_file(root: Path) -> Iterator[sqlite3.Connection]:
    """Open the desk's file in a workspace for one transaction; make it where there is none."""
    path = root / FILE
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    with closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA secure_delete = ON")
        for statement in _TABLES:
            connection.execute(statement)
        with connection:
            yield connection
