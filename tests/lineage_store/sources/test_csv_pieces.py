"""CSV by pieces: what Arrow reads of a file is what Python's reader reads, or is not read by it."""

import contextlib
import csv
import io

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from fixtures.the_old_gate import OldCsvFile
from lineage_store.errors import BadInput
from lineage_store.sources import csv_file
from lineage_store.sources.csv_dialect import Dialect
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.csv_pieces import read_piece
from lineage_store.sources.reading import Reading
from lineage_store.sources.source import records_of
from lineage_store.texts.text_rows import texts_of

HEADER = "a,b\n"
TWO = Dialect(",", '"', blanks=False, header=True, names=("a", "b"))
HINT = ' (if " is a letter in it, give `quote` none)'
PLAIN = Reading(delimiter=",", quote='"', encoding="utf-8", header=True)
FIELDS = ["", "x", "5", "é", " ", '"x"', '""', '"x,y"', '"x\ny"', '"x\r\ny"', '"q""q"', '""""']
FIELDS += ["\ufeffx", 'a"b', ' "x"', '"x" ', "\u2028", "\x1f"]
ATOMS = [*FIELDS, '"', '"', ",", ",", "\n", "\n", "\r\n", "\r", "\0", "a,b\n", "a,b\n", "a,b\r\n"]
FAULTS = [b"\xff", b"\xe2\x82", b"\xef\xbb", b"\xed\xa0\x80", b"\xef\xbb\xbf"]


@st.composite
def lines(draw):
    """Lines of two fields, most of them."""
    field = st.sampled_from(FIELDS)
    two = st.tuples(field, field)
    rows = draw(st.lists(st.one_of(two, two, two, st.tuples(), st.tuples(field)), max_size=12))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return HEADER + end.join(map(",".join, rows)) + draw(st.sampled_from(["", end]))


@st.composite
def files(draw):
    """Files as they may come, in bytes."""
    text = draw(lines() | st.lists(st.sampled_from(ATOMS), max_size=25).map("".join))
    data = draw(st.sampled_from(["", "", HEADER])).encode() + text.encode()
    if draw(st.integers(0, 9)) == 0:
        place = draw(st.integers(0, len(data)))
        data = data[:place] + draw(st.sampled_from(FAULTS)) + data[place:]
    return draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + data


def read(records):
    """The rows that there are, and why there are no more, but for the hint at `quote`."""
    rows = []
    try:
        for number, fields in records:
            rows.append((number, fields))
    except BadInput as error:
        return rows, str(error).replace(HINT, "")
    return rows, None


@pytest.fixture(scope="session")
def both(new_folder):
    """Return a function that reads bytes as a file, row by row as ever and in pieces."""
    path = new_folder() / "given.csv"

    def of(data):
        path.write_bytes(data)
        return read(OldCsvFile(path).records()), read(records_of(CsvFile(path, PLAIN)))

    return of


@settings(deadline=None, max_examples=examples(600))
@given(data=files(), piece=st.sampled_from([8, 20, 8192]))
@example(b"", 8192)
@example(b"\xef\xbb\xbf", 8192)
@example(b"\xef\xbb", 8192)
@example(b"a,b\n\xef\xbb\xbf1,2\n", 8)
@example(b'a,b\n1,"2\n3,4\n', 8)
@example(b'a,b\n"x\ny",2\n3,"4""\n5"\n6,7', 8)
@example(b"a,b\r1,2\r3,4\r", 8)
@example(b"a,b\n1,2\n\n\r\n3,4", 8)
@example(b"a,b\na,b\n\xe2\x82", 8)
def test_any_file_is_read_as_ever_and_refused_in_the_same_words(both, data, piece):
    assume(not data.removeprefix(b"\xef\xbb\xbf").startswith((b"\n", b"\r")))  # once: no columns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "PIECE", piece)
        old, new = both(data)
    must_be_alike(old, new)


def must_be_alike(old, new):
    """Both read the same, but that each stops somewhere before a byte that is no text."""
    if "UTF-8" in f"{old[1]} {new[1]}":
        least = min(len(old[0]), len(new[0]))
        assert new[0][:least] == old[0][:least] and new[1]
    else:
        assert new == old


ROWS = b"".join(b"%d,some text\n" % number for number in range(40_000))


@pytest.mark.parametrize("size", [0, 1, 4, 300_000])
@pytest.mark.parametrize(
    "odd",
    [
        b'1,"x\ny"\n', b'1, "x"\n', b"1,x\r2,y\n", b"1,2,3\n", b'"1"2,x\n', b"1,\0\n", b"1,\xff\n",
        b'1,"', b"\xef\xbb\xbf1,2\n", b"1,x\r", b"1,2", b"1,\xe2\x82",
    ],
)  # fmt: skip
def test_one_odd_line_among_many_is_read_as_ever(both, monkeypatch, odd, size):
    monkeypatch.setattr(csv_file, "PIECE", 1 << 16)
    place = ROWS.find(b"\n", size) + 1 if size else 0
    old, new = both(b"a,b\n" + ROWS[:place] + odd + ROWS[place : place + 200_000])
    must_be_alike(old, new)


def test_a_field_that_is_too_long_is_refused_and_one_that_is_not_is_read(both):
    for length, fits in [(1 << 24, True), ((1 << 24) + 1, False)]:
        old, new = both(b"a,b\n1,2\n1," + b"x" * length + b"\n3,4\n")
        assert new == old and (new[1] is None) == fits
    csv.field_size_limit(1 << 17)  # as in a new process: Python's own limit


@pytest.mark.parametrize(
    ("data", "rows", "size"),
    [
        (b"1,2\n3,4\n5", 2, 8),
        (b"1,2\r\n3,4\r\n", 2, 10),
        (b'"1","2"\n\n3,"x\ny"\n"q""q",', 2, 17),
        (b'""""\n,\n', None, 0),
        (b'"""",""\n,""\n', 2, 12),
        ("é,\u2028\n".encode(), 1, 7),
    ],
)
def test_what_is_not_in_doubt_is_read_by_arrow(data, rows, size):
    found = read_piece(data, TWO, before=7, last=False)
    assert (None if found is None else len(found.rows)) == rows
    assert rows is None or found.bytes == size


@pytest.mark.parametrize(
    "data",
    [b'a"b,c\n', b' "a",b\n', b'"a" ,b\n', b'"a"b,c\n', b"a,b\rc,d\n", b"a,\0\n", b"a\n", b'"a,b\n',
     b"\xef\xbb\xbfa,b\n", b"a,b,c\n", b"a,b"],
)  # fmt: skip
def test_what_is_in_doubt_is_left_to_python(data):
    assert read_piece(data, TWO, before=0, last=False) is None


DIALECTS = [
    Dialect(";", '"', blanks=False, header=True, names=("a", "b")),
    Dialect("\t", None, blanks=False, header=True, names=("a", "b")),
    Dialect("|", "'", blanks=False, header=True, names=("a", "b")),
    Dialect(",", '"', blanks=True, header=True, names=("a", "b")),
    Dialect(" ", '"', blanks=True, header=True, names=("a", "b")),
]


@settings(deadline=None, max_examples=examples(300))
@given(data=files(), dialect=st.sampled_from(DIALECTS))
def test_in_any_dialect_arrow_reads_what_python_reads_or_nothing(data, dialect):
    text = data.decode("utf-8", "replace").replace(",", dialect.delimiter)
    if dialect.quote == "'":
        text = text.replace('"', "'")
    text = text.replace(dialect.delimiter, f"{dialect.delimiter} ") if dialect.blanks else text
    found = read_piece(text.encode(), dialect, before=0, last=True)
    if found is None:
        return
    rows, broken = [], True
    with contextlib.suppress(csv.Error):
        for fields in dialect.reader(io.StringIO(text, newline="")):
            rows += [fields] if fields else []
        broken = False
    columns = [texts_of(column) for column in found.rows.values.columns]
    assert [list(row) for row in zip(*columns, strict=True)] == rows[: len(found.rows)]
    assert broken or found.bytes == len(text.encode()) or len(found.rows) < len(rows)
