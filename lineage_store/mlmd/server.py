"""How MLMD is opened at an address, and what is said when its server or its file fails.

MLMD's own errors of a lost server differ by backend (RuntimeError when it is opened; Internal,
Aborted or Unavailable later), name C++ files, and do not tell a wrong password from a server that
is down. So its port is tried first, and whatever comes later is told in one sentence.

A damaged file is found before a process first opens it (`workspace.metadata_file`); what a process
meets later is told by the words in which SQLite and MLMD say it.
"""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml_metadata import errors as mlmd_errors
from ml_metadata.proto import metadata_store_pb2 as pb

from lineage_store.errors import MetadataLost, MetadataUnavailable
from lineage_store.workspace.metadata_address import PASSWORD, PASSWORD_FILE, Connection
from lineage_store.workspace.metadata_file import SAYS_DAMAGED, is_damaged

PATIENCE = 10.0  # seconds until a port that does not answer is given up
READWRITE, READWRITE_OPENCREATE = 2, 3
NOT_ANSWERED = (mlmd_errors.UnavailableError, mlmd_errors.DeadlineExceededError)
LOST = ("connection", "gone away", "mysql_real_connect", "terminating", "shutting down")
DAMAGED = (
    *SAYS_DAMAGED,
    "Results missing for ids",
    "Failed to parse proto",
    "Attempt to populate property",
)
OTHER_VERSION = ("is older than library version", "is greater than library version")
REFUSED = ("mysql", "PostgreSQL", "Metadata storage")


def connection_config(connection: Connection, password: str, *, create: bool) -> Any:
    """Return what MLMD and TFX are to be given: a ConnectionConfig, or for gRPC a client's config.

    `create` says whether an SQLite file may be made; a database on a server is made if need be.
    """
    host = "127.0.0.1" if connection.host == "localhost" else connection.host  # else a Unix socket
    if connection.kind == "grpc":
        return pb.MetadataStoreClientConfig(host=host, port=connection.port)
    config = pb.ConnectionConfig()
    if connection.kind == "sqlite":
        config.sqlite.filename_uri = str(connection.file)
        config.sqlite.connection_mode = READWRITE_OPENCREATE if create else READWRITE
    elif connection.kind == "mysql":
        config.mysql.host = host
        config.mysql.port = connection.port
        config.mysql.user = connection.user
        config.mysql.password = password
        config.mysql.database = connection.database
    else:
        # MLMD joins these to one line for libpq as they are, and libpq tells where it does not
        # understand that line, words of the password included: so they are quoted for it.
        config.postgresql.host = _quoted(host)
        config.postgresql.port = str(connection.port)
        config.postgresql.user = _quoted(connection.user)
        config.postgresql.password = _quoted(password)
        config.postgresql.dbname = connection.database  # also named in SQL, unquoted
    return config


_looked_through: set[tuple[str, int]] = set()  # paths and inodes: a restored file is another


def in_reach(connection: Connection) -> None:
    """Try the port of a server, or look a file through that this process did not open before.

    Raises MetadataUnavailable if nobody answers, MetadataLost if the file is damaged.
    """
    if connection.kind == "sqlite":
        if connection.is_there():
            _look_through(connection, Path(connection.address))
        return
    try:
        socket.create_connection((connection.host, connection.port), timeout=PATIENCE).close()
    except OSError as error:
        raise MetadataUnavailable(
            f"The metadata server {connection.address} does not answer "
            f"({error.strerror or 'no such host'}): start it or check the host and port, then run "
            f"the same command again."
        ) from None


@contextmanager
def translating_server_errors(connection: Connection) -> Iterator[None]:
    """Turn what MLMD and TFX raise when a server fails into one sentence.

    The cause is not chained: its text is the server's, and nobody knows what it repeats.
    """
    try:
        yield
    except (mlmd_errors.StatusError, RuntimeError) as error:
        opening, text = isinstance(error, RuntimeError), str(error)
        if opening and any(words in text for words in OTHER_VERSION):
            raise MetadataUnavailable(
                f"ML Metadata at {connection.address} was written by another version of "
                f"ml-metadata than the one installed: install that one, or migrate the store."
            ) from None
        if connection.kind == "sqlite":
            if any(words in text for words in DAMAGED):
                raise _damaged(connection) from None
            raise
        in_reach(connection)
        if opening and any(words in text for words in REFUSED):
            raise MetadataUnavailable(
                f"The metadata server {connection.address} refuses: check the user, the password "
                f"({PASSWORD} or {PASSWORD_FILE}), that this user may use and make the database, "
                f"and that the server has started up."
            ) from None
        if opening or not (
            isinstance(error, NOT_ANSWERED) or any(words in text.lower() for words in LOST)
        ):
            raise
        raise MetadataUnavailable(
            f"The metadata server {connection.address} was lost on the way: run the same command "
            f"again, which completes what is missing in it."
        ) from None


def _look_through(connection: Connection, file: Path) -> None:
    seen = connection.address, file.stat().st_ino
    if seen in _looked_through:
        return
    if is_damaged(file):
        raise _damaged(connection)
    _looked_through.add(seen)


def _damaged(connection: Connection) -> MetadataLost:
    return MetadataLost(
        f"The file of ML Metadata, {connection.address}, is damaged: restore it from a backup, or "
        f"run unweave doctor `rebuild`, which makes it anew."
    )


@contextmanager
def unlogged() -> Iterator[None]:
    """Keep MLMD from logging how it connects, which is with the password."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
