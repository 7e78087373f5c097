"""Where a workspace's ML Metadata lives: its own SQLite file, or a server that was named once.

An address is `mysql://user@host:port/database`, `postgresql://user@host:port/database`,
`grpc://host:port` or the path of an SQLite file, and never holds a password. That comes from the
environment when MLMD is opened: UNWEAVE_METADATA_PASSWORD, or the file (mode 600) that
UNWEAVE_METADATA_PASSWORD_FILE names. Nothing here imports MLMD: commands that do not need it start
fast.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from lineage_store.errors import BadInput
from lineage_store.workspace.passwords import PasswordPlace

PASSWORD = "UNWEAVE_METADATA_PASSWORD"
PASSWORD_FILE = "UNWEAVE_METADATA_PASSWORD_FILE"
PORTS = {"mysql": 3306, "postgresql": 5432, "grpc": 8080}
SHAPES = {
    "mysql": "mysql://user@host:port/database",
    "postgresql": "postgresql://user@host:port/database",
    "grpc": "grpc://host:port",
}

Kind = Literal["sqlite", "mysql", "postgresql", "grpc"]


@dataclass(frozen=True)
class Connection:
    """An address of MLMD, without a password; `file` is set for SQLite, `host` for the others."""

    kind: Kind
    file: Path | None = None
    host: str = ""
    port: int = 0
    user: str = ""
    database: str = ""

    @property
    def address(self) -> str:
        """The address in its one canonical form, safe to show."""
        if self.kind == "sqlite":
            return str(self.file)
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.kind == "grpc":
            return f"grpc://{host}:{self.port}"
        user, database = quote(self.user, safe=""), quote(self.database, safe="")
        return f"{self.kind}://{user}@{host}:{self.port}/{database}"

    def is_there(self) -> bool:
        """Say whether there is something to open; of a server only opening it can tell."""
        return self.file is None or self.file.exists()


def sqlite_file(file: Path) -> Connection:
    """Return the address of an SQLite file."""
    return Connection("sqlite", file=file)


def parse_connection(text: str) -> Connection:
    """Read an address as given by a user; the path of an SQLite file is made absolute.

    Raises BadInput if it is none of the four forms or holds a password. The message never repeats
    what was given, since that may hold one.
    """
    scheme, found, _ = text.partition("://")
    if not found:
        if not text or "\0" in text:
            raise BadInput("The metadata address is empty: name a file or a server.")
        return sqlite_file(Path(text).resolve())
    if scheme not in SHAPES:
        raise BadInput(
            f"The metadata address has an unknown form: use {', '.join(SHAPES.values())} or the "
            f"path of an SQLite file."
        )
    kind: Kind = "mysql" if scheme == "mysql" else "grpc" if scheme == "grpc" else "postgresql"
    shape = BadInput(f"The metadata address does not have the form {SHAPES[kind]}.")
    try:
        parts = urlsplit(text)
        port = PORTS[kind] if parts.port is None else parts.port
    except ValueError:
        raise shape from None
    if parts.password is not None:
        raise BadInput(
            f"The metadata address holds a password: leave it out and put it into the environment "
            f"variable {PASSWORD}, or into a file of mode 600 named by {PASSWORD_FILE}."
        )
    database, user = unquote(parts.path[1:]), unquote(parts.username or "")
    named = re.fullmatch(r"[A-Za-z0-9_-]+", database) is not None  # MLMD puts it into SQL as it is
    full = bool(user and named) if kind != "grpc" else not (user or database)
    if not parts.hostname or not port or not full or parts.query or parts.fragment:
        raise shape
    return Connection(kind, host=parts.hostname, port=port, user=user, database=database)


def password_from(environment: Mapping[str, str] = os.environ) -> str:
    """Return the password of the metadata server; empty if none is set.

    Raises BadInput for a file that cannot be read, or that others than its owner can read.
    """
    return PasswordPlace(PASSWORD, PASSWORD_FILE).read(environment)
