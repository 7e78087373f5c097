"""SQLite files of unweave's own: where they are damaged, whatever meets it says which file."""

import sqlite3
from contextlib import closing

import pytest

from lineage_store.errors import Damaged
from lineage_store.own_files.own_tables import connect

ROWS = 2000
ASKED = "SELECT number, text FROM numbers ORDER BY number"


@pytest.fixture
def file(tmp_path):
    """A file of many pages."""
    path = tmp_path / "numbers.sqlite"
    with closing(connect(path, path)) as connection, connection:
        connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)")
        connection.executemany(
            "INSERT INTO numbers VALUES (?, ?)", [(n, f"text {n}") for n in range(ROWS)]
        )
    return path


def damage(file, find, put):
    data = file.read_bytes()
    place = data.index(find)
    file.write_bytes(data[:place] + put + data[place + len(put) :])


def test_whole_it_gives_its_rows_in_any_way(file):
    with closing(connect(file, file)) as connection:
        expected = [(n, f"text {n}") for n in range(ROWS)]
        assert list(connection.execute(ASKED)) == connection.execute(ASKED).fetchall() == expected
        assert connection.execute(ASKED).fetchone() == expected[0]
        connection.row_factory = sqlite3.Row
        assert connection.execute(ASKED).fetchone()["text"] == "text 0"


@pytest.mark.parametrize(
    "read",
    [
        lambda connection: connection.execute(ASKED).fetchall(),
        lambda connection: list(connection.execute(ASKED)),
        lambda connection: connection.execute("UPDATE numbers SET text = 'x'"),
        lambda connection: connection.executemany(
            "UPDATE numbers SET text = 'x' WHERE number = ?", [(n,) for n in range(ROWS)]
        ),
    ],
)
def test_a_damaged_page_is_told_by_its_file_whoever_comes_to_it(file, read):
    whole = file.read_bytes()
    pages = [b"\xff" * 4096 if n in (3, 5) else whole[n * 4096 :][:4096] for n in range(8)]
    file.write_bytes(b"".join(pages) + whole[8 * 4096 :])
    with closing(connect(file, file)) as connection, pytest.raises(Damaged) as caught:
        read(connection)
    assert str(caught.value) == (
        f"The file {file} is not as unweave wrote it: restore the workspace from a backup."
    )


def test_a_text_that_is_none_a_table_that_is_gone_and_another_format_are_damage(file):
    whole = file.read_bytes()
    damage(file, b"text 7", b"\xff")
    with closing(connect(file, file)) as connection, pytest.raises(Damaged, match=str(file)):
        connection.execute(ASKED).fetchall()
    file.write_bytes(whole)
    damage(file, b"tablenumbersnumbers", b"tablenumbexsnumbexs")
    with closing(connect(file, file)) as connection, pytest.raises(Damaged, match=str(file)):
        connection.execute(ASKED)
    file.write_bytes(whole[:18] + b"\x09\x09" + whole[20:])
    with closing(connect(file, file)) as connection, pytest.raises(Damaged, match=str(file)):
        connection.execute("PRAGMA user_version = 1")


def test_a_lock_and_a_wrong_statement_are_no_damage(file):
    with closing(connect(file, file)) as one, closing(connect(file, file, wait=0)) as other:
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="syntax"):
            other.execute("SELEKT 1")
        with pytest.raises(sqlite3.IntegrityError):
            one.execute("INSERT INTO numbers VALUES (1, 'again')")
