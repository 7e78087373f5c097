"""CSV files as users give them: every fault is named with its place, and no raw id gets through."""

import pickle
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from fixtures.the_old_gate import old_place
from lineage_store.data.columns import Columns, open_table, read_header, read_headers
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.data.record import records_in
from lineage_store.data.schema import FIRST_RULES
from lineage_store.errors import BadInput
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.secret import derive
from lineage_store.placement import in_evaluation
from lineage_store.sources.source import open_source

GOOD = "id,person,a,label\nr1,ann,1,0\nr2,bob,2,1\nr3,ann,3,0\n"
COLUMNS = {"subjects": ("person",), "row_id": "id"}


@pytest.fixture
def given_file(tmp_path):
    """Return a function that writes text or bytes as they are."""

    def write(content):
        path = tmp_path / f"given-{len([*tmp_path.iterdir()])}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("id,person,a,label\n", "has column names, but no rows"),
        ("id,person,a,label\n\n\n", "has column names, but no rows"),
        ("id,who,a,label\nr1,ann,1,0\n", "no column 'person' .* there are: id, who, a, label"),
        ("id,person,a,y\nr1,ann,1,0\n", "no column 'label'"),
        ("person,a,label\nann,1,0\n", "no column 'id'"),
        ("id,person,a,a,label\nr1,ann,1,1,0\n", "column 'a' stands twice in line 1"),
        ("id,person,a, a ,label\nr1,ann,1,1,0\n", "column 'a' stands twice in line 1"),
        ("id,person,,label\nr1,ann,1,0\n", "has no name in line 1"),
        ('id,person,"a\nb",label\nr1,ann,1,0\n', r"holds a line break: 'a\\nb'"),
        ("id,person,unweave_row,label\nr1,ann,1,0\n", "'unweave_row' .* unweave uses itself"),
        ("id,person,label\nr1,ann,0\n", "No column of .* is left as a feature"),
        (GOOD.replace("r2,bob,2,1", "r2,bob,2"), "Line 3 of .* has 3 fields, and line 1 has 4"),
        (GOOD.replace("r2,bob,2,1", "r2,bob,2,1,"), "Line 3 of .* has 5 fields, and line 1 has 4"),
        (GOOD.replace("r1,ann,1", 'r1,ann,"1\n1"') + "r9\n", "Line 6 of .* has 1 fields"),
        (GOOD.replace("r3,ann,3", 'r3,ann,"3'), "breaks off or is no CSV at line 4"),
        (GOOD.replace("r2,bob,2", 'r2,bob,"2"2'), "breaks off or is no CSV at line 3"),
        (GOOD.encode().replace(b"bob", b"b\xffb"), "Line 3 of .* is not UTF-8"),
        (b"\xff\xfe" + GOOD.encode("utf-16-le")[:-1], "is not UTF-16"),
        (GOOD.replace("bob", "b\0b"), "3.* zero byte|NUL"),
        (GOOD.replace("r3", "r1"), "stands twice in column 'id' .* in line 4"),
        (GOOD.replace("r2", ""), "row id in line 3 of .* is empty"),
        (GOOD.replace("r2", "  "), "row id in line 3 of .* is empty"),
    ],
)
def test_a_fault_of_the_file_is_named_with_its_place(given_file, read_csv, content, message):
    path = given_file(content)
    with pytest.raises(BadInput, match=message) as caught:
        read_csv(path, **COLUMNS)
    assert str(path) in str(caught.value)
    assert not any(value in str(caught.value) for value in ("ann", "bob", "r1", "r2", "r3"))


def test_text_that_is_not_utf_8_is_found_far_into_the_file(given_file, read_csv):
    lines = [b"r%d,ann,1,0" % n for n in range(5000)]
    lines[4000] = b"r4000,\xe9,1,0"
    with pytest.raises(BadInput, match=r"Line 4002 of .* is not UTF-8"):
        read_csv(given_file(b"id,person,a,label\n" + b"\n".join(lines)), **COLUMNS)


def test_a_quote_that_is_never_closed_is_found(given_file, read_csv):
    path = given_file('id,person,a,label\nr1,ann,"1,0\n' + "r2,bob,2,1\n" * 9)
    with pytest.raises(BadInput, match="no CSV at line 11, in the row that begins in line 2"):
        read_csv(path, **COLUMNS)


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path, read_csv):
    with pytest.raises(BadInput, match=r"none\.csv cannot be read: No such file"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(BadInput, match="The folder .* holds"):
        read_csv(tmp_path)


@pytest.mark.parametrize(
    "columns",
    [{"drop": ("label",)}, {"subjects": ("label",)}, {"row_id": "label"}],
)
def test_the_label_cannot_be_dropped_or_be_an_id(given_file, columns):
    with pytest.raises(BadInput, match="label column 'label' cannot be an id or a dropped column"):
        read_header(open_source(given_file(GOOD)), Columns("label", **columns))


def test_dropping_a_column_that_is_not_there_is_refused(given_file):
    with pytest.raises(BadInput, match="no column 'b'"):
        read_header(open_source(given_file(GOOD)), Columns("label", drop=("b",)))


def test_the_features_are_what_no_other_use_takes(given_file):
    path = given_file(GOOD)
    assert read_header(open_source(path), Columns("label")).roles.columns == ("id", "person", "a")
    assert read_header(open_source(path), Columns("label", ("person",))).roles.columns == (
        "id",
        "a",
    )
    assert read_header(open_source(path), Columns("label", ("person",), "id")).roles.columns == (
        "a",
    )
    assert read_header(open_source(path), Columns("a", drop=("id",))).roles.columns == (
        "person",
        "label",
    )


@pytest.mark.parametrize(
    "content",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\n\n"),
        GOOD.rstrip("\n"),
        GOOD.replace("id,person", " id , person\t"),
        GOOD.replace("ann", '"ann"').replace("id,", '"id",'),
    ],
)
def test_byte_order_marks_line_ends_blank_lines_and_quotes_change_nothing(
    given_file, read_csv, content
):
    header, records = read_csv(given_file(content), **COLUMNS)
    assert (header, records) == read_csv(given_file(GOOD), **COLUMNS)
    assert [record.values for record in records] == [["1", "0"], ["2", "1"], ["3", "0"]]


def test_values_are_passed_on_as_given(given_file, read_csv):
    path = given_file('a,b,label\n" 1","x, ""y""\nz",007\n')
    _, (record,) = read_csv(path)
    assert record.values == [" 1", 'x, "y"\nz', "007"]


def test_a_row_with_an_id_has_the_key_of_its_id(given_file, read_csv, keys):
    _, records = read_csv(given_file(GOOD), **COLUMNS)
    assert [r.row_key for r in records] == [
        keys.row_key(kind="id", value=id_) for id_ in (b"r1", b"r2", b"r3")
    ]
    changed = GOOD.replace("1,0", "9,1")
    assert [r.row_key for r in read_csv(given_file(changed), **COLUMNS)[1]] == [
        record.row_key for record in records
    ]


def test_equal_lines_have_different_keys_that_do_not_depend_on_the_lines_between(
    given_file, read_csv
):
    def keys_of(*lines):
        _, records = read_csv(
            given_file("\n".join(["person,a,label", *lines])), subjects=("person",)
        )
        return [record.row_key for record in records]

    same = keys_of("ann,1,0", "ann,1,0", "ann,1,0")
    assert len(set(same)) == 3
    mixed = keys_of("bob,1,0", "ann,1,0", "bob,1,0", "ann,1,0", "cy,1,0", "ann,1,0")
    assert [mixed[1], mixed[3], mixed[5]] == same
    assert keys_of("ann,1,0") == same[:1]


def test_a_line_with_a_control_character_is_no_other_line(given_file, read_csv):
    """The key of a line is that of its fields, however their separator is written."""

    def keys_of(*lines):
        _, records = read_csv(given_file("\n".join(["a,b,label", *lines])))
        return [record.row_key for record in records]

    lines = ["x\x1fy,z,0", "x,y\x1fz,0", "x,y,z\x1f0"]
    assert keys_of(*lines) == keys_of(*lines[::-1])[::-1]
    assert keys_of(lines[2]) == keys_of(*lines)[2:]


@settings(deadline=None, max_examples=examples(40))
@given(
    lines=st.lists(
        st.tuples(*[st.sampled_from(["", "ann", "1", ",", "é", "\x1f", '"', "\n"])] * 3),
        min_size=1,
        max_size=8,
    ),
    data=st.data(),
)
def test_the_order_of_the_lines_changes_no_record(write_csv, read_csv, lines, data):
    header = ["person", "a", "label"]
    shuffled = data.draw(st.permutations(lines))
    _, records = read_csv(write_csv([header, *lines]), subjects=("person",))
    _, others = read_csv(write_csv([header, *shuffled]), subjects=("person",))
    assert Counter(map(repr, records)) == Counter(map(repr, others))
    assert len({record.row_key for record in records}) == len(lines)


def test_a_person_s_rows_lie_in_one_place_unless_rows_are_placed_by_themselves(
    given_file, read_csv, keys
):
    path = given_file(GOOD)
    _, (one, other, two) = read_csv(path, **COLUMNS)
    assert one.place == two.place == old_place(keys, kind="subject", value=b"ann") != other.place
    _, by_row = read_csv(path, place_by_row=True, **COLUMNS)
    assert [r.place for r in by_row] == [
        old_place(keys, kind="row", value=r.row_key) for r in by_row
    ]
    assert [r.row_key for r in by_row] == [r.row_key for r in (one, other, two)]


def test_a_row_that_names_no_one_is_placed_by_itself(given_file, read_csv, keys):
    _, records = read_csv(given_file(GOOD.replace("ann", "")), **COLUMNS)
    assert [not record.subjects for record in records] == [True, False, True]
    assert records[0].place == old_place(keys, kind="row", value=records[0].row_key)
    _, records = read_csv(given_file("a,label\n1,0\n"))
    assert records[0].subjects == ()
    assert records[0].place == old_place(keys, kind="row", value=records[0].row_key)


def test_without_a_subject_column_every_row_id_is_a_subject(given_file, read_csv, pseudonyms):
    _, records = read_csv(given_file(GOOD), row_id="id", drop=("person",))
    assert [r.subjects for r in records] == [(pseudonyms.get(id_),) for id_ in ("r1", "r2", "r3")]


@pytest.mark.parametrize("place_by_row", [False, True])
def test_the_split_goes_by_what_places_a_row_and_takes_a_tenth(given_file, read_csv, place_by_row):
    text = "who,a,label\n" + "".join(f"p{n // 3},{n},0\n" for n in range(3000))
    _, records = read_csv(given_file(text), subjects=("who",), place_by_row=place_by_row)
    assert 200 < sum(record.split == "eval" for record in records) < 400
    people = {record.subjects for record in records if record.split == "eval"}
    apart = [record for record in records if record.subjects in people and record.split != "eval"]
    assert bool(apart) == place_by_row
    # It is no function of the shard, of the slice, or of either.
    shards = Counter(record.place[0] >> 6 for record in records if record.split == "eval")
    assert set(shards) == {0, 1, 2, 3}


def test_by_the_first_rules_the_split_goes_by_the_row_key(given_file, read_csv):
    text = "id,a,label\n" + "".join(f"r{n},1,0\n" for n in range(3000))
    _, records = read_csv(given_file(text), row_id="id", rules=FIRST_RULES)
    for record in records:
        in_eval = in_evaluation(record.row_key, percent=10)
        assert record.split == ("eval" if in_eval else "train")
    assert 200 < sum(record.split == "eval" for record in records) < 400


def test_another_secret_gives_other_keys_and_places(given_file, read_csv):
    _, records = read_csv(given_file(GOOD), **COLUMNS)
    _, others = read_csv(given_file(GOOD), keys=derive(bytes(32)), **COLUMNS)
    for name in ("row_key", "place"):
        ours, theirs = ({getattr(r, name) for r in rs} for rs in (records, others))
        assert not ours & theirs


def test_a_forgotten_person_s_lines_are_dropped_and_counted(given_file, read_csv, keys):
    exclusions = Exclusions(frozenset({keys.commitment(kind="subject", value=b"ann")}))
    _, records = read_csv(given_file(GOOD), exclusions=exclusions, **COLUMNS)
    assert [record.values for record in records] == [["2", "1"]]
    assert exclusions.rows == 2
    assert records == read_csv(given_file(GOOD), **COLUMNS)[1][1:2]


def test_a_forgotten_row_is_dropped_whoever_it_is_of(given_file, read_csv, keys):
    _, all_records = read_csv(given_file(GOOD), **COLUMNS)
    row = keys.commitment(kind="row", value=all_records[2].row_key)
    exclusions = Exclusions(frozenset({row}))
    _, records = read_csv(given_file(GOOD), exclusions=exclusions, **COLUMNS)
    assert records == all_records[:2]
    assert exclusions.rows == 1


def test_a_forgotten_one_of_two_equal_lines_leaves_the_key_of_the_other(given_file, read_csv, keys):
    path = given_file("person,a,label\nann,1,0\nann,1,0\n")
    _, (first, second) = read_csv(path, subjects=("person",))
    row = keys.commitment(kind="row", value=first.row_key)
    _, records = read_csv(path, subjects=("person",), exclusions=Exclusions(frozenset({row})))
    assert records == [second]


@pytest.mark.parametrize("kind", ["row", "person", "Subject"])
def test_a_commitment_of_another_kind_keeps_no_one_out(given_file, read_csv, keys, kind):
    exclusions = Exclusions(frozenset({keys.commitment(kind=kind, value=b"ann")}))
    _, records = read_csv(given_file(GOOD), exclusions=exclusions, **COLUMNS)
    assert (len(records), exclusions.rows) == (3, 0)


def test_no_raw_id_comes_out(given_file, read_csv, gated):
    text = "id,person,a,label\n" + "".join(
        f"row-{n}-of-someone,ann-{n % 3}@example.org,{n},{n % 2}\n" for n in range(60)
    )
    path = given_file(text)
    _, records = read_csv(path, **COLUMNS)
    snapshot = gated(path, **COLUMNS)
    written = [p.read_bytes() for p in snapshot.folder.rglob("*") if p.is_file()]
    for content in [pickle.dumps(records), *written]:
        assert b"someone" not in content and b"example.org" not in content


def test_nothing_of_the_reading_stays_in_the_temporary_folder(
    given_file, keys, pseudonyms, tmp_path
):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    columns = Columns("label", **COLUMNS)
    for content, fails in [(GOOD, False), (GOOD.replace("r3", "r1"), True)]:
        (source,) = open_table(given_file(content), columns)
        blocks = read_blocks_of(
            [source], columns=columns, header=read_header(source, columns), keys=keys,
            pseudonyms=pseudonyms, exclusions=Exclusions(), temporary=temporary,
        )  # fmt: skip
        if fails:
            with pytest.raises(BadInput):
                next(blocks)
        else:
            next(blocks)
            assert [p.name for p in temporary.iterdir()] == ["keys-seen"]
            blocks.close()
        assert list(temporary.iterdir()) == []


def test_progress_is_told_in_bytes_of_the_file(given_file, keys, pseudonyms, tmp_path):
    path = given_file("id,a,label\n" + "".join(f"r{n},1,0\n" for n in range(2500)))
    columns = Columns("label", row_id="id")
    (source,) = open_table(path, columns)
    places = []
    blocks = read_blocks_of(
        [source], columns=columns, header=read_header(source, columns), keys=keys,
        pseudonyms=pseudonyms, exclusions=Exclusions(), temporary=tmp_path,
        progress=places.append,
    )  # fmt: skip
    assert sum(map(len, blocks)) == 2500
    assert places == [path.stat().st_size]


def test_a_row_has_the_subjects_of_all_its_columns(write_csv, read_csv, pseudonyms):
    lines = [["student", "lecturer", "a", "label"],
             ["s1", "l1", "1", "x"], ["", "l1", "2", "y"], ["s2", "", "3", "x"],
             ["s1", "s1", "4", "y"], ["", "", "5", "x"]]  # fmt: skip
    asked = {"subjects": ("student", "lecturer")}
    header, records = read_csv(write_csv(lines), **asked)
    assert header.roles.columns == ("a",)
    name = pseudonyms.get
    assert [record.subjects for record in records] == [
        (name("s1"), name("l1")), (name("l1"),), (name("s2"),), (name("s1"),), (),
    ]  # fmt: skip
    # The first subject places the row; one that has none is placed by itself.
    _, alone = read_csv(write_csv(lines), subjects=("lecturer",), drop=("student",))
    assert records[1].place == alone[1].place == alone[0].place != records[0].place
    assert records[0].place == records[3].place


def test_a_row_of_an_excluded_subject_stays_out_whichever_column_names_it(
    write_csv, read_csv, keys
):
    lines = [["student", "lecturer", "a", "label"],
             ["s1", "l1", "1", "x"], ["s2", "l2", "2", "y"], ["l1", "l2", "3", "x"]]  # fmt: skip
    exclusions = Exclusions(frozenset({keys.commitment(kind="subject", value=b"l1")}))
    _, records = read_csv(write_csv(lines), subjects=("student", "lecturer"), exclusions=exclusions)
    assert [record.values for record in records] == [["2", "y"]] and exclusions.rows == 2


@pytest.mark.parametrize("columns", [COLUMNS, {"subjects": ("person",)}])
def test_which_file_a_row_stands_in_changes_nothing(
    given_file, keys, pseudonyms, tmp_path, columns
):
    rows = [f"r{n},p{n % 3},{n % 2},x" for n in range(9)]
    if "row_id" not in columns:
        rows += rows  # told apart by their occurrence, across files too
    files = [given_file("\n".join(["id,person,a,label", *part])) for part in (rows[:4], rows[4:])]
    asked = Columns("label", **columns)

    def read(paths):
        header = read_headers(open_table(paths, asked), asked)
        blocks = read_blocks_of(
            open_table(paths, asked), columns=asked, header=header, keys=keys,
            pseudonyms=pseudonyms, exclusions=Exclusions(), temporary=tmp_path,
        )  # fmt: skip
        return list(records_in(blocks))

    whole = read([given_file("\n".join(["id,person,a,label", *rows]))])
    assert len({record.row_key for record in whole}) == len(rows)
    assert read(files) == whole
    with pytest.raises(BadInput, match="are not those of"):
        read([files[0], given_file("id,a,person,label\nr1,1,2,x")])
    with pytest.raises(BadInput, match="stands twice|breaks|fields"):
        read([files[0], given_file("id,person,a,label\nr1,p,1,x,9")])


def test_an_id_that_stands_in_two_files_is_told_with_the_second(given_file, keys, tmp_path):
    files = [given_file("id,a,label\nr1,1,x\nr2,2,y"), given_file("id,a,label\nr3,1,x\nr2,2,y")]
    asked = Columns("label", row_id="id")
    sources = open_table(files, asked)
    blocks = read_blocks_of(
        sources, columns=asked, header=read_headers(sources, asked), keys=keys,
        pseudonyms=Pseudonyms(Path(":memory:"), keys), exclusions=Exclusions(), temporary=tmp_path,
    )  # fmt: skip
    with pytest.raises(BadInput, match="stands twice") as raised:
        list(blocks)
    assert str(files[1]) in str(raised.value) and "line 3" in str(raised.value)


def test_a_row_of_nobody_is_kept_out_by_its_text(given_file, read_csv, keys):
    path = given_file("a,label\n1,0\n2,1\n")
    _, (first, second) = read_csv(path)
    named = frozenset({keys.commitment(kind="row", value=first.row_key)})
    exclusions = Exclusions(named)
    assert read_csv(path, exclusions=exclusions)[1] == [second] and exclusions.rows == 1
    both = named | {keys.commitment(kind="row", value=second.row_key)}
    assert read_csv(path, exclusions=Exclusions(both))[1] == []


def test_an_id_is_nobodys_if_it_is_a_mark_and_has_no_white_space_around_it(
    given_file, read_csv, pseudonyms
):
    names = ["p1", " p1 ", "NA", "nan", "?", "  ", "Na", "NULL", "Null"]
    rows = "".join(f"{name},{n},0\n" for n, name in enumerate(names))
    _, records = read_csv(given_file("who,a,label\n" + rows), subjects=("who",))
    nobody = {"NA", "nan", "?", "  ", "NULL"}
    for name, record in zip(names, records, strict=True):
        assert record.subjects == (() if name in nobody else (pseudonyms.get(name.strip()),))
    assert records[0].place == records[1].place and records[2].place != records[3].place


@pytest.mark.parametrize("spellings", [["17850", "17850.0", "1.785e4"], ["Mu\u0308ller", "Müller"]])
def test_a_person_lies_in_one_place_under_every_canonical_spelling(given_file, read_csv, spellings):
    rows = "".join(f"{name},{n},0\n" for n, name in enumerate([*spellings, "017850"]))
    _, records = read_csv(given_file("who,a,label\n" + rows), subjects=("who",))
    *same, other = (record.place for record in records)
    assert len(set(same)) == 1 and other not in same


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"kinds": (("a", "date"),)}, r"Line 3 of .*: the value in column 'a' is no date"),
        ({"task": "regression"}, r"Line 4 of .*: the value in column 'label' is no number"),
        ({"kinds": (("id", "text"),), "row_id": "id"}, "'id' is an id or left out: its kind means"),
    ],
)
def test_a_value_that_is_not_of_the_kind_that_was_said_is_named_by_its_line(
    given_file, read_csv, asked, message
):
    table = "id,a,label\n1,2024-01-01,1\n2,May 3rd,2\n3,NA,many\n"
    with pytest.raises(BadInput, match=message) as raised:
        read_csv(given_file(table), **asked)
    assert "May" not in str(raised.value) and "many" not in str(raised.value)
