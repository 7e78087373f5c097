"""The rows that a query finds in a database, as a source: SQLite's files, and PostgreSQL.

    sqlite:///file.db, sqlite:////whole/path/file.db
    postgresql://user@host:port/database

By TLS if the server offers it; with ?sslmode=require by TLS alone, with verify-full by TLS from a
server whose certificate is trusted and its own, with disable never.

The names of the columns and the rows after them are read in one transaction that may only read, so
they are of one snapshot; at the last row the database is let go. A file that is not there is not
made. Rows come piece by piece, from PostgreSQL through a cursor of the server's. Of the types that
PostgreSQL declares the kind is taken; SQLite's columns have none, as each value has its own.

URL and query may tell more than they should: neither stands in a message, nor in what a source says
of itself, and whoever keeps them must seal them. A password is in neither: it comes from the
environment (UNWEAVE_DATABASE_PASSWORD, or the file that UNWEAVE_DATABASE_PASSWORD_FILE names) or
from a file. Of what a database answers only its code is repeated. SQLAlchemy and the driver are
imported when a database is opened. For another one add a line to DATABASES, and try it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lineage_store.errors import BadInput
from lineage_store.sources.data_frame import batch_of
from lineage_store.texts.arrow_columns import AT_ONCE, ArrowColumns
from lineage_store.texts.text_rows import Kind, Progress, TextRows
from lineage_store.workspace.passwords import PasswordPlace

NAME = "the database"
PASSWORD = PasswordPlace("UNWEAVE_DATABASE_PASSWORD", "UNWEAVE_DATABASE_PASSWORD_FILE")
OIDS: Mapping[int, Kind] = {
    **dict.fromkeys((20, 21, 23, 26, 700, 701, 1700), "number"),
    **dict.fromkeys((16, 18, 19, 25, 1042, 1043, 2950), "text"),
    **dict.fromkeys((1082, 1114, 1184), "date"),
}
"""The kinds of PostgreSQL's types, by their numbers: select oid, typname from pg_type."""
REASONS = {
    "57P03": "it is starting, or stopping",
    "28P01": "the password is wrong",
    "28000": "the user may not enter",
    "3D000": "there is no such database",
    "42501": "the user may not read this",
    "42P01": "there is no such table",
    "42703": "there is no such column",
    "42601": "its syntax is wrong",
    "25006": "it would change something",
    "no such table": "there is no such table",
    "no such column": "there is no such column",
    "syntax error": "its syntax is wrong",
    "incomplete input": "its syntax is wrong",
    "readonly database": "it would change something",
    "not a database": "the file is none of SQLite's",
}
"""What a code, or words of SQLite's, say of a query."""


@dataclass(frozen=True)
class DatabaseQuery:
    """A database by its URL, and what is asked of it; nothing of it is shown.

    Without a password that of the environment is taken, if there is one.
    """

    url: str = field(repr=False)
    query: str = field(repr=False)
    password: str = field(default="", repr=False)


def open_database(asked: DatabaseQuery) -> "Database":
    """Return the source that a query is.

    Raises BadInput for a URL of another form, or that holds a password; the message repeats none.
    """
    scheme = asked.url.partition("://")[0]
    if scheme not in DATABASES:
        raise BadInput(
            "The database's URL has an unknown form: give sqlite:///FILE or "
            "postgresql://USER@HOST:PORT/DATABASE."
        )
    if not asked.query.strip():
        raise BadInput("There is no query: say with `query` which rows of the database to read.")
    return Database(DATABASES[scheme](asked), asked.query, OIDS if scheme != "sqlite" else {})


def is_database_url(text: str) -> bool:
    """Say whether a text is the URL of a database, of whatever kind."""
    return "://" in text


@dataclass(frozen=True, eq=False)
class Database:
    """The rows of a query, read as a stream as often as it is asked for."""

    connect: Callable[[], Any] = field(repr=False)
    query: str = field(repr=False)
    oids: Mapping[int, Kind] = field(repr=False)

    unit = "row"

    @property
    def name(self) -> str:
        """What messages call it."""
        return NAME

    @property
    def description(self) -> str:
        """What it was taken for."""
        return "the rows of a query"

    @property
    def size(self) -> int:
        """Return 0: how many rows there are only reading them tells."""
        return 0

    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns; raises BadInput for what the database refuses."""
        return tuple(name.strip() for name, _ in self._described)

    def kinds(self) -> Mapping[str, Kind]:
        """Return the kinds of the columns that have a type in the database."""
        return {name.strip(): kind for name, kind in self._described if kind is not None}

    def batches(self, progress: Progress | None = None) -> Iterator[TextRows]:
        """Yield the rows in order, some MiB at a time, numbered from one.

        `progress` is told how many rows were read. Raises BadInput for what the database refuses,
        and for a value of a type that has no text.
        """
        import pyarrow as pa

        names = [name for name, _ in self._described]
        schema = pa.schema([(name, pa.string()) for name in names])
        for rows in ArrowColumns(NAME, schema).rows(self._batches(names)):
            yield rows
            if progress:
                progress(int(rows.numbers[-1]))

    def close(self) -> None:
        """Let go of the database, and of the snapshot."""
        connection = self.__dict__.pop("_connection", None)
        if connection is not None:
            with _telling():
                connection.close()

    def __del__(self) -> None:
        """Let go of what was asked for its columns and never read: SQLite's writers wait for it."""
        with suppress(BadInput):
            self.close()

    def _batches(self, names: list[str]) -> Iterator[Any]:
        at_once = max(1, AT_ONCE // max(1, len(names)))
        with self._asking():
            result = self._result(at_once)
            if [one[0] for one in result.cursor.description] != names:
                raise BadInput("The columns of the database are others than before: read it anew.")
            rows = result.fetchmany(at_once)
        kinds = [kind for _, kind in self._described]
        while rows:
            columns = map(_values, zip(*rows, strict=True), kinds)
            yield batch_of(list(zip(names, columns, strict=True)), slice(None), name=NAME)
            with self._asking():
                rows = result.fetchmany(at_once)
        self.close()

    @cached_property
    def _described(self) -> list[tuple[str, Kind | None]]:
        """The columns, each with the kind that the database declares."""
        with self._asking():
            result = self._result(1)
            if not result.returns_rows:
                raise BadInput("The query finds no rows: write one that begins with SELECT.")
            columns = [(str(one[0]), self.oids.get(one[1])) for one in result.cursor.description]
            result.close()
            return columns

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Tell what the database refuses, and let go of it then: the snapshot is lost."""
        try:
            with _telling():
                yield
        except BadInput:
            self.close()
            raise

    def _result(self, at_once: int) -> Any:
        return self._connection.exec_driver_sql(
            self.query.strip().removesuffix(";"),
            execution_options={"stream_results": True, "max_row_buffer": at_once},
        )

    @cached_property
    def _connection(self) -> Any:
        """A connection in a transaction that may only read; a new one after it was closed."""
        return self.connect()


def _sqlite(asked: DatabaseQuery) -> Callable[[], Any]:
    path = Path(asked.url.removeprefix("sqlite://").removeprefix("/"))
    if not path.is_file():
        raise BadInput("There is no SQLite file where the database's URL says: check the path.")
    address = f"file:{quote(str(path.absolute()))}?mode=ro"

    def connect() -> Any:
        import sqlite3

        from sqlalchemy import NullPool, create_engine

        def opened() -> sqlite3.Connection:
            return sqlite3.connect(address, uri=True, isolation_level=None)

        connection = create_engine("sqlite://", creator=opened, poolclass=NullPool).connect()
        connection.exec_driver_sql("BEGIN")
        return connection

    return connect


def _postgresql(asked: DatabaseQuery) -> Callable[[], Any]:
    shape = BadInput(
        "The database's URL does not have the form postgresql://USER@HOST:PORT/DATABASE."
    )
    try:
        parts = urlsplit(asked.url)
        port = parts.port or 5432
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    except ValueError:
        raise shape from None
    if parts.password is not None or "password" in options:
        raise BadInput(
            f"The database's URL holds a password: leave it out and put it into the environment "
            f"variable {PASSWORD.variable}, or into a file of mode 600."
        )
    mode = options.pop("sslmode", "prefer")
    if not parts.username or not parts.hostname or options or parts.fragment or mode not in TLS:
        raise shape
    user, host, database = unquote(parts.username), parts.hostname, unquote(parts.path[1:])

    def connect() -> Any:
        from sqlalchemy import URL, NullPool, create_engine

        word = asked.password or PASSWORD.read() or None
        url = URL.create("postgresql+pg8000", user, word, host, port, database)
        return create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"ssl_context": TLS[mode]()},
            isolation_level="REPEATABLE READ",
            execution_options={"postgresql_readonly": True},
        ).connect()

    return connect


def _tls_if_offered() -> Any:
    return None  # as the driver has it


def _no_tls() -> Any:
    return False


def _checked_tls() -> Any:
    import ssl

    return ssl.create_default_context()


def _unchecked_tls() -> Any:
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


TLS: Mapping[str, Callable[[], Any]] = {
    "disable": _no_tls,
    "prefer": _tls_if_offered,
    "require": _unchecked_tls,
    "verify-full": _checked_tls,
}
DATABASES: Mapping[str, Callable[[DatabaseQuery], Callable[[], Any]]] = {
    "sqlite": _sqlite,
    "postgresql": _postgresql,
}


def _values(column: Sequence[Any], kind: Kind | None) -> list[Any]:
    """Return a column's values; a date that is none to Python (infinity, or BC) comes as a text."""
    if kind != "date":
        return list(column)
    return [None if isinstance(value, str) else value for value in column]


@contextmanager
def _telling() -> Iterator[None]:
    """Say what a database answers in words of our own, and what is missing to ask it."""
    try:
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError:
        raise BadInput(
            "Reading from a database needs SQLAlchemy and, for PostgreSQL, pg8000: install both "
            "with pip install 'unweave[sql]'."
        ) from None
    try:
        yield
    except ModuleNotFoundError as error:
        raise BadInput(
            f"Reading from this database needs {error.name}: install it with pip install "
            f"'unweave[sql]'."
        ) from None
    except SQLAlchemyError as error:
        raise BadInput(_in_words(getattr(error, "orig", None))) from None
    except OSError as error:  # of TLS, which the driver hands on as it is
        raise BadInput(_of_the_line(error)) from None


def _of_the_line(error: OSError) -> str:
    """Return what went wrong on the way to a server, without what it said."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            "The database's certificate is not trusted, or is of another host: name the file of "
            "who signed it in the environment variable SSL_CERT_FILE, and the host as it names it."
        )
    return (
        f"The database cannot be reached ({type(error).__name__}): check that it is there, its "
        f"URL and its sslmode."
    )


def _in_words(error: Any) -> str:
    """Return what a driver's error means, with its code and without its text."""
    details = error.args[0] if error is not None and error.args else ""
    code = details.get("C", "") if isinstance(details, dict) else ""
    code = code or getattr(error, "sqlite_errorname", "") or type(error).__name__
    text = code if isinstance(details, dict) else str(details)
    reason = next((words for sign, words in REASONS.items() if sign in text), None)
    if reason is None and isinstance(details, dict):
        reason = "look its code up in PostgreSQL's list of error codes"
    return (
        f"The database cannot be read, or refuses the query ({code}): "
        f"{reason or 'check that it is there, its URL and the query'}."
    )
