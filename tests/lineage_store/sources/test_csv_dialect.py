"""CSV as it comes: what a file's first lines tell is used, and what they do not tell is refused."""

import bz2
import gzip
import io
import lzma
import os
import zipfile

import pytest
import zstandard

from lineage_store.errors import BadInput
from lineage_store.sources.csv_dialect import SAMPLE
from lineage_store.sources.csv_file import CsvFile
from lineage_store.sources.reading import Reading
from lineage_store.sources.source import records_of

PEOPLE = "name,age,town\nann,31,Ulm\nbob,44,Bonn\ncid,27,Ulm\n"
ROWS = [["ann", "31", "Ulm"], ["bob", "44", "Bonn"], ["cid", "27", "Ulm"]]


@pytest.fixture
def table(tmp_path):
    """Return a function that writes text or bytes to a file, as a source with options."""

    def write(content, *, named=(), name="t.csv", **options):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return CsvFile(tmp_path / name, Reading(**options).knowing(named))

    return write


def rows_of(source):
    """The fields of all rows."""
    return [fields for _, fields in records_of(source)]


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_stands_between_fields_is_told_by_the_first_lines(table, sign, end):
    source = table(PEOPLE.replace(",", sign).replace("\n", end))
    assert source.columns() == ("name", "age", "town") and rows_of(source) == ROWS
    assert source.dialect.delimiter == sign


def test_quoted_names_and_fields_may_hold_any_delimiter(table):
    source = table('who;"a,b";"width ""mm"""\np1;"x;1";"1|2"\np2;"y";"3"\n', named=["who"])
    assert source.columns() == ("who", "a,b", 'width "mm"')
    assert rows_of(source)[0] == ["p1", "x;1", "1|2"]


def test_a_first_line_that_nobody_can_read_is_refused_in_a_sentence(table):
    with pytest.raises(BadInput, match="nothing tells which"):
        table('a;b;"x;1,5;"[1, 2]"\ny;-2;"3"\n').columns()


def test_two_delimiters_that_may_be_are_told_by_names_by_a_width_or_by_the_user(table):
    text = "a;b,c;d\n1;2,3;4\n5;6,7;8\n"
    with pytest.raises(BadInput, match="has ',' and ';', and nothing tells which .* `delimiter`"):
        table(text).columns()
    assert table(text, delimiter=";").columns() == ("a", "b,c", "d")
    assert table(text, named=["b,c"]).columns() == ("a", "b,c", "d")
    assert table(text, named=["c;d"]).columns() == ("a;b", "c;d")
    given = table(text, columns=("x", "y"), header=None)
    assert given.columns() == ("x", "y") and rows_of(given)[0] == ["a;b", "c;d"]


def test_the_one_that_cuts_all_lines_alike_is_taken(table):
    source = table("what;said,when\n1;yes, no, ever\n2;no\n3;x, y\n")
    assert source.columns() == ("what", "said,when")
    assert rows_of(source) == [["1", "yes, no, ever"], ["2", "no"], ["3", "x, y"]]


def test_blanks_behind_every_delimiter_are_left_out_and_others_stay(table):
    source = table('a, b, c\n1, "x, y", z \n2, w, \n')
    assert source.columns() == ("a", "b", "c")
    assert rows_of(source) == [["1", "x, y", "z "], ["2", "w", ""]]
    assert "a blank behind each delimiter" in source.description
    assert rows_of(table("a, b,c\n1, x,z\n2,w, v\n")) == [["1", " x", "z"], ["2", "w", " v"]]
    many = table("a, b\n" + "1,  x\n" * 50_000)
    assert rows_of(many) == [["1", "x"]] * 50_000


def test_quotes_are_letters_in_a_file_with_tabs_if_they_cannot_be_quotes(table):
    source = table('kind\ttext\nham\t"Hi" she said\nspam\tWIN 5" now\nham\tok\n', named=["kind"])
    assert rows_of(source)[:2] == [["ham", '"Hi" she said'], ["spam", 'WIN 5" now']]
    assert rows_of(table('kind\ttext\nham\t"Hi\tall"\nham\tok\n', named=["kind"]))[0] == [
        "ham",
        "Hi\tall",
    ]
    late = "kind\ttext\n" + "ham\tok\n" * (SAMPLE // 7 + 1) + 'ham\t"Hi" all\n'
    with pytest.raises(BadInput, match='if " is a letter in it, give `quote` none'):
        rows_of(table(late))
    assert rows_of(table(late, quote="none"))[-1] == ["ham", '"Hi" all']
    assert rows_of(table("a,b\n'1,2',3\n", quote="'")) == [["1,2", "3"]]


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("39,Private,x", "a number or a date"),
        ("2024-05-01,Private,x", "a number or a date"),
        ("Private,,x", "is empty"),
        ("Private,Private,x", "are the same"),
        ("Private,Masters,x", "stands in its column again"),
        ("Never,Seen,Before", "nothing tells which"),
    ],
)
def test_a_row_in_line_1_is_never_taken_for_names(table, first, why):
    rows = "".join(f"Private,{word},w{n}\n" for n, word in enumerate(["Masters", "PhD", "MSc"]))
    text = f"{first}\n{rows}"
    with pytest.raises(BadInput, match=rf"may be names of columns or a row \(.*{why}.*`columns`"):
        table(text).columns()
    kept = table(text, columns=("job", "degree", "other"))
    assert rows_of(kept)[0] == first.split(",")
    assert table(text, header=False).columns() == ("column_1", "column_2", "column_3")
    if "" not in first.split(","):
        assert table(text, header=True).columns() == tuple(first.split(","))
    named = table(text, named=[first.split(",")[0]])  # who knows one knows that they are names
    assert named.columns() == tuple(first.split(","))


def test_names_are_told_by_columns_of_numbers_or_of_a_few_texts(table):
    assert table("a,b\n" + "x,1\ny,2\n").columns() == ("a", "b")
    texts = "kind,text\n" + "".join(f"{'ham' if n % 3 else 'spam'},t{n}\n" for n in range(20))
    assert table(texts).columns() == ("kind", "text")


def test_names_that_are_given_do_not_stand_in_line_1_and_fit_it(table):
    with pytest.raises(BadInput, match="has the names in `columns`: give `header` instead"):
        table("a,b\n1,2\n", columns=("a", "b")).columns()
    with pytest.raises(BadInput, match="has 3 names, and line 1 of .* 2 fields"):
        table("1,2\n3,4\n", columns=("a", "b", "c")).columns()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_a_mark_tells_an_encoding_and_others_are_named(table, encoding):
    data = PEOPLE.replace("Ulm", "Köln").encode(encoding)
    is_marked = encoding.startswith("utf")
    source = table(data, **({} if is_marked else {"encoding": encoding}))
    assert source.columns()[0] == "name" and rows_of(source)[0] == ["ann", "31", "Köln"]
    if not is_marked:
        with pytest.raises(BadInput, match="Line 2 of .* is not UTF-8: name its `encoding`"):
            rows_of(table(data))
    with pytest.raises(BadInput, match="There is no encoding 'latin-99'"):
        Reading(encoding="latin-99")


def test_utf_16_without_a_mark_is_said_to_be_it(table):
    data = PEOPLE.encode("utf-16-le")
    with pytest.raises(BadInput, match="UTF-16 without a mark, or no text: give its `encoding`"):
        table(data).columns()
    assert rows_of(table(data, encoding="utf-16-le")) == ROWS


def zipped(data, *names):
    """A zip file with the data under each name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, data)
    return made.getvalue()


PACKERS = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "zip": lambda data: zipped(data, "folder/", "folder/t.csv"),
}


@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_is_read_whatever_it_is_called_and_refused_where_it_breaks_off(table, packer):
    noise = os.urandom(150_000).hex()
    lines = [f"{noise[n : n + 30]},{n},Ulm" for n in range(0, len(noise), 30)]
    packed = PACKERS[packer]("\n".join(["name,age,town", *lines]).encode())
    source = table(packed)
    assert rows_of(source) == [line.split(",") for line in lines]
    assert source.description == f"CSV, {packer}"
    for size in (len(packed) // 2, len(packed) - 30):
        with pytest.raises(BadInput, match=f"packed with {packer}, and breaks off or is damaged"):
            rows_of(table(packed[:size], name="broken.csv"))


def test_frames_of_zstandard_follow_one_another(table):
    half = len(PEOPLE) // 2
    pack = zstandard.ZstdCompressor().compress
    assert rows_of(table(pack(PEOPLE[:half].encode()) + pack(PEOPLE[half:].encode()))) == ROWS


def test_a_zip_with_more_than_one_table_is_refused(table):
    with pytest.raises(BadInput, match="has 2 files in it"):
        table(zipped(PEOPLE, "a.csv", "b.csv")).columns()


def test_numbers_are_spelled_as_is_said_and_ids_are_texts(table):
    text = "id;price;what\n1.234;1.234,50;v1,2\n17;-3,5;abc\n;2;\n"
    german = Reading(decimal="comma", thousands=".").knowing(["id"], ids=["id"])
    source = CsvFile(table(text).path, german)
    assert rows_of(source) == [["1.234", "1234.50", "v1,2"], ["17", "-3.5", "abc"], ["", "2", ""]]
    assert "numbers as 1.234,5" in source.description
    with pytest.raises(BadInput, match="Line 2 of .* with a point in column 'id', and `decimal`"):
        rows_of(table(text, decimal=",", named=["id"]))
    swiss = table("a|b\n1'234.5|x\n12'34|y\n", named=["a"], thousands="apostrophe")
    assert rows_of(swiss) == [["1234.5", "x"], ["12'34", "y"]]


def test_a_line_with_most_known_names_has_names_and_whoever_asks_says_which_is_missing(table):
    text = "town,colour\nUlm,red\nBonn,blue\n"
    assert table(text, named=["town", "colour", "size"]).columns() == ("town", "colour")
    for known in (["town", "size"], ["town", "colour", "size", "day"], []):
        with pytest.raises(BadInput, match="may be names of columns or a row"):
            table(text, named=known).columns()


def test_options_that_cannot_be_are_refused():
    for options, words in [
        ({"delimiter": ";;"}, "one ASCII character"),
        ({"quote": "`"}, "A `quote` is one of"),
        ({"columns": ("a", "a")}, "stands twice"),
        ({"columns": ("a",), "header": True}, "without a `header`"),
        ({"decimal": "x"}, "a point or a comma"),
        ({"thousands": "."}, "not the `decimal` one"),
    ]:
        with pytest.raises(BadInput, match=words):
            Reading(**options)


def test_a_pipe_is_refused_in_one_sentence(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BadInput, match="is a pipe or a device, and a table is read twice"):
        CsvFile(tmp_path / "fifo").columns()


@pytest.mark.parametrize("offset, byte", [(6, 0x40), (6, 0x20), (4, 0x40), (8, 99)])
def test_a_zip_file_that_zipfile_does_not_know_is_told_as_damaged(table, offset, byte):
    """Strong encryption, patched data, a newer version, another way to pack: no traceback."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("t.csv", PEOPLE)
    data = bytearray(stream.getvalue())
    data[offset] = byte
    central = data.index(b"PK\x01\x02")
    data[central + offset + 2] = byte
    with pytest.raises(BadInput, match="packed with zip, and breaks off or is damaged"):
        table(bytes(data), name="t.zip").columns()
