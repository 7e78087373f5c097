"""The rows of a query: one snapshot, streamed; neither URL, query nor password is ever repeated."""

import contextlib
import decimal
import importlib
import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pg8000.dbapi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from any_table import TEXTS
from fixtures.database_servers import SECRET, WAIT, postgresql
from lineage_store.errors import BadInput
from lineage_store.sources import database_query
from lineage_store.sources.database_query import PASSWORD, DatabaseQuery, open_database
from lineage_store.sources.source import records_of

ALL = "select * from patients order by id"


def fields_of(source):
    """The texts of each row."""
    return [fields for _, fields in records_of(source)]


@pytest.fixture(scope="session")
def hospital(new_folder):
    """An SQLite file with a table of people, and a connection that may change it."""
    path = new_folder() / "an odd?name#.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = off")
        connection.execute("create table patients (id integer, name text, weight)")
        yield path, connection


@pytest.fixture
def patients(hospital):
    """A URL of that file with three people in the table, and the connection."""
    path, connection = hospital
    connection.execute("delete from patients")
    rows = [(1, "anna", 55.5), (2, None, "n/a"), (3, "b\nc", None)]
    connection.executemany("insert into patients values (?, ?, ?)", rows)
    return f"sqlite:///{path}", connection


def entered(port):
    """A connection to a server that may still be starting."""
    end = time.monotonic() + WAIT
    while True:
        try:
            return pg8000.dbapi.connect("unweave", "127.0.0.1", "postgres", port, SECRET)
        except pg8000.dbapi.DatabaseError:
            assert time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server():
    """A server of PostgreSQL, a database in it, and a connection that may change it."""
    with postgresql() as running:
        connection = entered(running.port)
        connection.autocommit = True
        yield f"postgresql://unweave@127.0.0.1:{running.port}/postgres", connection.cursor()
        connection.close()


def test_a_query_on_sqlite(patients):
    url, _ = patients
    source, places = open_database(DatabaseQuery(url, ALL + ";")), []
    assert (source.name, source.unit, source.size) == ("the database", "row", 0)
    assert source.columns() == ("id", "name", "weight") and source.kinds() == {}
    assert list(records_of(source, places.append)) == [
        (1, ["1", "anna", "55.5"]), (2, ["2", "", "n/a"]), (3, ["3", "b\nc", ""]),
    ]  # fmt: skip
    assert places == [3]


@given(st.data())
def test_any_rows_taken_out_leave_columns_kinds_and_texts_as_they_are(hospital, data):
    path, connection = hospital
    values = st.none() | TEXTS | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
    rows = data.draw(st.lists(st.tuples(TEXTS, values), max_size=6))
    kept = data.draw(st.sets(st.sampled_from(range(len(rows))))) if rows else set()

    def read(places):
        connection.execute("delete from patients")
        connection.executemany(
            "insert into patients values (?, ?, ?)", [(n, *rows[n]) for n in sorted(places)]
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(database_query, "AT_ONCE", data.draw(st.sampled_from([1, 9, 1 << 18])))
            source = open_database(DatabaseQuery(f"sqlite:///{path}", ALL))
            return source.columns(), source.kinds(), fields_of(source)

    names, kinds, fields = read(range(len(rows)))
    assert read(kept) == (names, kinds, [fields[place] for place in sorted(kept)])


def test_one_snapshot_is_read_and_let_go(patients):
    url, connection = patients
    connection.execute("pragma journal_mode=wal")
    source = open_database(DatabaseQuery(url, ALL))
    source.columns()
    connection.execute("insert into patients values (4, 'late', 1)")
    assert len(fields_of(source)) == 3
    assert len(fields_of(source)) == 4
    connection.execute("alter table patients rename column name to called")
    try:
        with pytest.raises(BadInput, match="are others than before"):
            fields_of(source)
    finally:
        connection.execute("alter table patients rename column called to name")


def test_a_query_that_is_never_read_holds_nobody_up(patients):
    url, connection = patients
    connection.execute("pragma journal_mode=delete")
    connection.execute("pragma busy_timeout=0")
    source = open_database(DatabaseQuery(url, ALL))
    source.columns()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        connection.execute("delete from patients")
    del source
    connection.execute("delete from patients")


def test_a_query_on_postgresql(server):
    url, cursor = server
    cursor.execute("drop table if exists people")
    cursor.execute(
        "create table people (id bigint, name text, weight real, wage numeric(10,2), born date, "
        "seen timestamptz, at timestamp, ok boolean, tag uuid, code char(2), empty int)"
    )
    cursor.execute(
        "insert into people values "
        "(17850, 'an%na', 0.1, 1234.50, '2001-02-03', '2026-11-29T12:00:10.5+02', "
        "'2026-11-29 00:00', true, '00000000-0000-0000-0000-00000000002a', 'x', null), "
        "(null, null, 'NaN', 'NaN', null, null, null, null, null, null, null)"
    )
    query = "select * from people where coalesce(name, ' :x') like '%' order by id"
    source, places = open_database(DatabaseQuery(url, query, SECRET)), []
    names = ("id", "name", "weight", "wage", "born", "seen", "at", "ok", "tag", "code", "empty")
    assert source.columns() == names
    number, text, date = "number", "text", "date"
    kinds = (number, text, number, number, date, date, date, text, text, text, number)
    assert source.kinds() == dict(zip(names, kinds, strict=True))
    assert list(records_of(source, places.append)) == [
        (1, ["17850", "an%na", "0.1", "1234.50", "2001-02-03", "2026-11-29T10:00:10.5Z",
             "2026-11-29T00:00:00", "True", "00000000-0000-0000-0000-00000000002a", "x ", ""]),
        (2, [""] * 11),
    ]  # fmt: skip
    assert places == [2]


def test_what_postgresql_has_beyond_numbers_and_dates_is_missing(server):
    query = (
        "select x::float8 as f, x::numeric as n, x::date as d, x::timestamp as t from "
        "(values ('infinity'), ('-infinity')) as v (x)"
    )
    source = open_database(DatabaseQuery(server[0], query, SECRET))
    assert source.kinds() == {"f": "number", "n": "number", "d": "date", "t": "date"}
    assert fields_of(source) == [["1e999", "1e999", "", ""], ["-1e999", "-1e999", "", ""]]


def test_a_large_answer_of_postgresql_comes_piece_by_piece_and_of_one_snapshot(server, monkeypatch):
    url, cursor = server
    monkeypatch.setattr(database_query, "AT_ONCE", 2000)
    cursor.execute("drop table if exists many")
    cursor.execute("create table many as select n, 'x' as t from generate_series(1, 5000) as n")
    query = DatabaseQuery(url, "with all_of as (select * from many) select * from all_of", SECRET)
    source = open_database(query)
    assert source.columns() == ("n", "t")
    cursor.execute("delete from many where n > 10")
    batches = source.batches()
    assert len(next(batches)) == 1000
    with contextlib.closing(source._connection.connection.cursor()) as asked:
        asked.execute("select count(*) from pg_cursors")
        assert asked.fetchone()[0] == 1
    assert sum(map(len, batches)) == 4000
    assert len(fields_of(source)) == 10


def test_an_answer_without_rows_has_columns(server, patients):
    for (url, _), query in (
        (server, "select 1 as a, 'x' as b where false"),
        (patients, "select id as a, name as b from patients where 0"),
    ):
        source = open_database(DatabaseQuery(url, query, SECRET))
        assert source.columns() == ("a", "b") and fields_of(source) == []


def test_nothing_can_be_changed(server, patients):
    url, connection = patients
    words = "it would change something|finds no rows|syntax"
    for query in ("delete from patients", "insert into patients values (9, 'x', 1) returning id"):
        with pytest.raises(BadInput, match=words):
            open_database(DatabaseQuery(url, query)).columns()
    assert connection.execute("select count(*) from patients").fetchone() == (3,)
    url, cursor = server
    cursor.execute("create sequence counter")
    for query in ("delete from pg_class", "select nextval('counter')"):
        with pytest.raises(BadInput, match=words):
            open_database(DatabaseQuery(url, query, SECRET)).columns()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select * from visits_of_anna", "there is no such table"),
        ("select visits_of_anna from patients", "there is no such column"),
        ("select visits_of_anna from", "its syntax is wrong"),
        (
            "select cast('visits_of_anna' as blob) as b",
            "'b' of the database holds values of the",
        ),
        ("select 'a' || char(0) as b", "Row 1 of the database holds a zero byte in column 'b'"),
        ("select cast(x'ff' as text) as b", "cannot be read"),
    ],
)
def test_what_sqlite_refuses_is_said_without_the_query(patients, query, words):
    refused(open_database(DatabaseQuery(patients[0], query)), words, patients[0])


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select * from visits_of_anna", r"\(42P01\): there is no such table"),
        ("select visits_of_anna", r"\(42703\): there is no such column"),
        ("select 'visits_of_anna' from", r"\(42601\): its syntax is wrong"),
        ("select 'visits_of_anna'::int", r"\(22P02\): look its code up"),
        ("select 1 / (n - 3000) as visits_of_anna from generate_series(1, 5000) n", r"\(22012\)"),
        ("select '1 day'::interval as b", "'b' of the database holds values of the type"),
        ("select array[1, 2] as b", "'b' of the database holds values of the type list"),
        ("select '{\"visits_of_anna\": 1}'::json as b", "holds values of the type dict"),
    ],
)
def test_what_postgresql_refuses_is_said_without_the_query(server, query, words):
    refused(open_database(DatabaseQuery(server[0], query, SECRET)), words, server[0])


def refused(source, words, url):
    """Assert that a source is refused in words that tell nothing."""
    with contextlib.closing(source), pytest.raises(BadInput, match=words) as found:
        source.columns()
        fields_of(source)
    said = str(found.value)
    assert "visits_of_anna" not in said and SECRET not in said
    assert url.partition("://")[2] not in said and found.value.__cause__ is None


def test_who_may_not_enter_is_told(server):
    url, _ = server
    for other, words in (
        (url, "28P01.: the password is wrong"),
        (url.replace("/postgres", "/none"), "3D000.: there is no such database"),
        ("postgresql://unweave@127.0.0.1:1/x", "check that it is there"),
    ):
        password = "visits_of_anna" if other == url else SECRET
        refused(open_database(DatabaseQuery(other, "select 1", password)), words, other)


def test_the_password_is_that_of_the_environment_if_none_is_given(server, monkeypatch):
    monkeypatch.setenv(PASSWORD.variable, SECRET)
    assert fields_of(open_database(DatabaseQuery(server[0], "select 1 as a, 2 as b"))) == [
        ["1", "2"]
    ]
    monkeypatch.setenv(PASSWORD.variable, "visits_of_anna")
    refused(open_database(DatabaseQuery(server[0], "select 1")), "the password is wrong", server[0])


def test_a_server_without_tls_is_refused_where_tls_is_wanted(server):
    for mode in ("require", "verify-full"):
        asked = DatabaseQuery(f"{server[0]}?sslmode={mode}", "select 1", SECRET)
        refused(open_database(asked), "cannot be read", server[0])


@pytest.fixture
def certified(server, tmp_path):
    """The server with a certificate for 127.0.0.1 alone, and the file of who signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a hospital")])
    begins = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begins, begins + timedelta(days=9))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "authority.pem"
    file.write_bytes(certificate.public_bytes(Encoding.PEM))
    url, cursor = server
    cursor.execute("show data_directory")
    folder = Path(cursor.fetchone()[0])
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for here, text in (("server.crt", file.read_bytes()), ("server.key", secret)):
        (folder / here).write_bytes(text)
        os.chmod(folder / here, 0o600)
        os.chown(folder / here, folder.stat().st_uid, -1)
    _with_tls(cursor, "on")
    yield url, file
    _with_tls(cursor, "off")


def _with_tls(cursor, word):
    cursor.execute(f"alter system set ssl = {word}")
    cursor.execute("select pg_reload_conf()")
    end = time.monotonic() + WAIT
    row = None
    while row != [word]:
        assert time.monotonic() < end
        cursor.execute("show ssl")
        row = cursor.fetchone()


def test_rows_come_by_tls_from_a_server_whose_certificate_is_trusted(certified, monkeypatch):
    url, authority = certified
    ask = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"

    def asked(mode, url=url):
        return open_database(DatabaseQuery(f"{url}?sslmode={mode}", ask, SECRET))

    for mode, tls in (("disable", "False"), ("prefer", "True"), ("require", "True")):
        assert fields_of(asked(mode))[0][0] == tls, mode
    refused(asked("verify-full"), "certificate", url)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    (fields,) = fields_of(asked("verify-full"))
    assert fields[0] == "True" and fields[1].startswith("TLSv1.")
    other = url.replace("127.0.0.1", "localhost")
    refused(asked("verify-full", other), "certificate", other)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://anna:hunter2@host:1/db", "holds a password: leave it out and put it into"),
        ("postgresql://anna@host/db?password=hunter2", "holds a password"),
        ("postgresql://anna@host/db?sslmode=hunter2", "does not have the form"),
        ("postgresql://anna@host/db?application_name=hunter2", "does not have the form"),
        ("postgresql://anna@host:hunter2/db", "does not have the form"),
        ("postgresql:///hunter2", "does not have the form"),
        ("mysql://anna:hunter2@host/db", "has an unknown form"),
        ("postgresql+psycopg2://anna:hunter2@host/db", "has an unknown form"),
        ("hunter2", "has an unknown form"),
        ("sqlite:///hunter2.db", "no SQLite file where the database's URL says"),
        ("sqlite://", "no SQLite file"),
        ("sqlite:///:memory:", "no SQLite file"),
    ],
)
def test_a_url_that_does_not_fit_is_refused_and_not_repeated(url, words):
    with pytest.raises(BadInput, match=words) as found:
        open_database(DatabaseQuery(url, "select 1"))
    assert not any(word in str(found.value) for word in ("hunter2", "anna", "@host"))


def test_no_query_and_a_file_that_is_no_database_are_told(tmp_path):
    path = tmp_path / "anna.db"
    path.write_text("a,b\n1,2\n" * 200)
    with pytest.raises(BadInput, match="There is no query"):
        open_database(DatabaseQuery(f"sqlite:///{path}", " "))
    asked = DatabaseQuery(f"sqlite:///{path}", "select * from visits_of_anna")
    refused(open_database(asked), "the file is none of SQLite's", f"sqlite://{path}")


def test_a_database_that_is_asked_for_is_not_shown(patients):
    asked = DatabaseQuery("sqlite:///x.db", ALL, "hunter2")
    shown = repr(asked) + repr(open_database(DatabaseQuery(patients[0], ALL, "hunter2")))
    assert not any(word in shown for word in ("x.db", "patients", "hunter2", "odd"))


def test_a_password_is_read_from_the_environment_or_a_file(tmp_path):
    file = tmp_path / "word"
    file.write_text("hunter2\n")
    file.chmod(0o600)
    assert PASSWORD.read({}) == ""
    assert PASSWORD.read({PASSWORD.variable: "given"}) == "given"
    assert PASSWORD.read({PASSWORD.file_variable: str(file)}) == "hunter2"
    file.chmod(0o644)
    with pytest.raises(BadInput, match="DATABASE_PASSWORD_FILE names can be read by others"):
        PASSWORD.read({PASSWORD.file_variable: str(file)})


def test_without_sqlalchemy_a_sentence_says_how_to_get_it(patients, monkeypatch):
    for name in [one for one in sys.modules if one.partition(".")[0] == "sqlalchemy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    importlib.invalidate_caches()
    with pytest.raises(BadInput, match=r"needs SQLAlchemy .* pip install 'unweave\[sql\]'"):
        open_database(DatabaseQuery(patients[0], ALL)).columns()


def test_nothing_of_sqlalchemy_is_imported_until_a_database_is_opened():
    program = (
        "import sys, lineage_store.sources.database_query\n"
        "print({'sqlalchemy', 'pg8000'} & {*sys.modules})"
    )
    asked = [sys.executable, "-c", program]  # a process of its own: the question is what it imports
    assert subprocess.run(asked, check=True, capture_output=True, text=True).stdout == "set()\n"


def test_a_decimal_of_a_database_is_exact(server):
    query = "select 12345678901234567890.120::numeric as d"
    ((text,),) = fields_of(open_database(DatabaseQuery(server[0], query, SECRET)))
    assert decimal.Decimal(text) == decimal.Decimal("12345678901234567890.120")
