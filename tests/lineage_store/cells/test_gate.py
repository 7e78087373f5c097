"""The gate: nothing that it decides about one row depends on another row, nor on their order."""

import csv
import json
import tracemalloc
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.canonical import canonical_json
from lineage_store.cells import cell_writer as writer
from lineage_store.cells import snapshot as snapshots
from lineage_store.cells.gate import let_through
from lineage_store.cells.lines import escape, unescape
from lineage_store.cells.snapshot import (
    load_snapshot,
    read_all_keys,
    read_places,
    read_snapshot,
    retained,
)
from lineage_store.cells.whole import is_whole
from lineage_store.commitments import commitment
from lineage_store.data.columns import Columns, open_table, read_header
from lineage_store.data.inference import infer
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.data.record import EVAL, KEYED, TRAIN, UNLABELLED, Record, in_blocks, joined
from lineage_store.data.schema import Column, Roles
from lineage_store.errors import BadInput, NothingToLearn
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms

HEADER = ["id", "person", "a", "b", "label"]
WHOLE = ["0", "1", "2", "3.0", " 4", "1e1"]
NUMBERS = [*WHOLE, "0.5", "-1.25", ".5", "2.", "1e-7", "123456789.123456789", "-0.0"]
MARKS = ["", "NA", "?", "nan", " "]
TEXT = [
    "x", "it's", "'q", "''", '"', 'a "b", c', "two\nlines", "two\r\nlines", "é ✓ 漢", "=1", "50%",
    "%0A", "'%", "a\x1fb", "\x1f",
]  # fmt: skip
LOOKALIKES = ["001", "1_000", "inf", "1e999", "٣", "'5", "NaN"]

FLAVOURS = [WHOLE, NUMBERS, NUMBERS + MARKS, TEXT + MARKS, NUMBERS + LOOKALIKES]
DATES = ["2024-05-01", " 2024-05-02", "2024-05-01T00:00Z", "2024-05-01 10:30:01.5", "1999-01-01"]
FLAVOURS += [NUMBERS + MARKS + TEXT, DATES, DATES + MARKS, DATES + MARKS + ["2024-13-01", "3"]]
LABELS = [["0", "1"], ["0", "1", "NA"], ["0", "1", "2.5"], ["0", "1", "x", "NA", ""]]
LABELS += [["yes", "no", "", " yes", "NA"], ["9007199254740993", "9007199254740992", "1"]]
LABELS += [["x\ny", "'1", "1", "%"], [*map(str, range(30))]]
PERSONS = ["ann", "bob", "cy", "001", ""]


@st.composite
def tables(draw):
    """Lines below HEADER, some of them alike but for the row id."""
    pools = [draw(st.sampled_from(FLAVOURS)) for _ in "ab"]
    cells = [PERSONS, *pools, draw(st.sampled_from(LABELS))]
    lines = draw(st.lists(st.tuples(*map(st.sampled_from, cells)), min_size=4, max_size=14))
    return [[f"row {place}", *line] for place, line in enumerate(lines)]


def lines_of(snapshot):
    """The lines of each split as they stand in the files, in no order, as bytes."""
    return {
        split: Counter(
            line
            for file in snapshot.files(split)
            for line in file.read_bytes().split(b"\r\n")[1:-1]
        )
        for split in (TRAIN, EVAL, UNLABELLED)
    }


def fields_of(snapshot, split):
    """The fields of a split's rows as they stand in the files, after those of the first line."""
    found = []
    for file in snapshot.files(split):
        with file.open(newline="", encoding="utf-8") as stream:
            found += list(csv.reader(stream, strict=True))[1 if found else 0 :]
    return found


def depended_on(snapshot):
    """What a model depends on, as bytes."""
    return canonical_json([snapshot.data_digest, snapshot.schema.to_json()])


def outcome(make):
    """A snapshot, or why there is none."""
    try:
        return make()
    except BadInput as error:
        return f"{type(error).__name__}: {error}"


def assert_same(one, other):
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert depended_on(one) == depended_on(other)
    assert one.rows == other.rows
    assert lines_of(one) == lines_of(other)


@pytest.fixture(scope="session")
def regate(new_folder):
    """Return a function that passes what a snapshot retains through the gate again."""

    def again(snapshot, deleted=frozenset()):
        return let_through(
            in_blocks(retained(snapshot, frozenset(deleted)), len(snapshot.schema.all)),
            snapshot.schema.roles,
            folder=new_folder() / "snapshot",
        )

    return again


@pytest.fixture(scope="session")
def rows_of(pseudonyms):
    """Return a function that gives the keys of all rows of some persons in a snapshot."""

    def find(snapshot, persons):
        wanted = {pseudonyms.get(person) for person in persons if person}
        records = [r for split in snapshot.splits for r in snapshots.read_snapshot(snapshot, split)]
        records += snapshots.read_keys(snapshot, UNLABELLED)
        return {record.row_key for record in records if wanted & {*record.subjects}}

    return find


@settings(deadline=None, max_examples=examples(60))
@given(lines=tables(), by_id=st.booleans(), data=st.data())
def test_removing_any_rows_changes_nothing_of_the_others(gated, lines, by_id, data):
    """Without an id column, one of two equal lines is as good as the other."""
    columns = {"subjects": ("person",), **({"row_id": "id"} if by_id else {"drop": ("id",)})}
    if not by_id:
        lines = [["", *line[1:]] for line in lines]
    kept = data.draw(st.lists(st.sampled_from(range(len(lines))), min_size=1, unique=True))
    before = outcome(lambda: gated([HEADER, *lines], **columns))
    after = outcome(lambda: gated([HEADER, *(lines[place] for place in kept)], **columns))
    assume(isinstance(before, snapshots.Snapshot) and isinstance(after, snapshots.Snapshot))
    same = before.schema == after.schema
    for split, after_lines in lines_of(after).items():
        if same:
            assert after_lines <= lines_of(before)[split]
        elif before.schema.label.kind == after.schema.label.kind:
            # What was inferred may change how a value is written, never where a row goes.
            keys_before = Counter(tuple(fields[:3]) for fields in fields_of(before, split))
            assert Counter(tuple(fields[:3]) for fields in fields_of(after, split)) <= keys_before


@settings(deadline=None, max_examples=examples(100))
@given(
    lines=tables(),
    gone=st.sets(st.sampled_from(PERSONS[:-1]), min_size=1, max_size=2),
    by_id=st.booleans(),
    by_row=st.booleans(),
    data=st.data(),
)
def test_a_snapshot_without_a_person_is_that_of_a_file_without_the_person(
    gated, regate, rows_of, lines, gone, by_id, by_row, data
):
    columns = {"subjects": ("person",), **({"row_id": "id"} if by_id else {"drop": ("id",)})}
    if not by_id:
        lines = [["", *line[1:]] for line in lines]
    kept = [line for line in lines if line[1] not in gone]
    assume(kept)
    before = outcome(lambda: gated([HEADER, *lines], place_by_row=by_row, **columns))
    assume(isinstance(before, snapshots.Snapshot))
    shuffled = data.draw(st.permutations(kept))
    twin = outcome(lambda: gated([HEADER, *shuffled], place_by_row=by_row, **columns))
    assert_same(outcome(lambda: regate(before, rows_of(before, gone))), twin)


DAY, HOUR = "2024-05-01", "2023-01-31 10:00Z"
KEEP = [["ann", "1", "2", "0"], ["bob", "2", "3", "1"], ["bob", "3", "4.5", "0"]] * 2


@pytest.mark.parametrize(
    ("gone", "kept", "before", "after"),
    [
        # The kinds of a and b, the kind of the label, the task, the number of classes.
        ([["n7", "2", "0"]], KEEP, "tnnc2", "nnnc2"),
        ([["001", "it's", "0"]], KEEP, "ttnc2", "nnnc2"),
        ([["inf", "NA", "0"]], KEEP, "tnnc2", "nnnc2"),
        ([["1e999", "NA", "0"]], KEEP, "nnnc2", "nnnc2"),
        ([["0.5", "1", "1"]], [["ann", "1", "NA", "0"], ["bob", "", "2", "1"]], "nnnc2", "nnnc2"),
        ([["1", "1", "2"]], KEEP, "nnnc3", "nnnc2"),
        ([["1", "1", "x"]], KEEP, "nntc3", "nnnc2"),
        ([["1", "1", "0.5"]], KEEP, "nnnr0", "nnnc2"),
        ([["1", "1", str(n)] for n in range(25)], KEEP, "nnnr0", "nnnc2"),
        ([["1", "1", "x"]], [*KEEP, ["bob", "1", "1", "0.50"]], "nntc4", "nnnr0"),
        ([["1", "1", "x"]], [*KEEP, ["bob", "1", "1", "NA"]], "nntc3", "nnnc2"),
        ([["1", "1", "x"]], [*KEEP, ["bob", "text", "1", "NA"]], "nntc3", "nnnc2"),
        ([["1", "1", "NA"]], [["ann", "1", "1", "yes"], ["bob", "1", "2", "no"]], "nntc2", "nntc2"),
        (
            [["1", "1", "0"]],
            [["ann", "1", "1", "-0.0"], ["bob", "1", "2", "1e1"]],
            "nnnc2",
            "nnnc2",
        ),
        (
            [["1", "1", "0"]],
            [["ann", "2024-05-01", "2", " 1"], ["bob", "NA", "3", "0 "]] * 3,
            "tnnc2",
            "dnnc2",
        ),
        (
            [["May", "1", "0"]],
            [["ann", "2024-05-01T10:00", "2", "1"], ["bob", "2023-01-31", "", "0"]],
            "tnnc2",
            "dnnc2",
        ),
        ([["1", "9007199254740993", "9007199254740993"]], KEEP, "nntc3", "nnnc2"),
        ([["1", "1", "x\ny"]], [*KEEP, ["bob", "'1", "a\nb", "1"]], "tttc3", "ttnc2"),
    ],
)
def test_what_is_inferred_follows_the_rows_that_are_left(
    gated, regate, rows_of, gone, kept, before, after
):
    def summary(snapshot):
        label = snapshot.schema.label
        kinds = [column.kind for column in snapshot.schema.all] + [label.task]
        return "".join(kind[0] for kind in kinds) + str(len(label.classes))

    header, columns = HEADER[1:], {"subjects": ("person",)}
    # Twenty of each, so that both splits have rows whatever the keys are.
    lines = [["cy", *line] for line in gone] + [line for line in kept for _ in range(20)]
    snapshot = gated([header, *lines], **columns)
    twin = gated([header, *[line for line in lines if line[0] != "cy"][::-1]], **columns)
    assert (summary(snapshot), summary(twin)) == (before, after)
    assert_same(regate(snapshot, rows_of(snapshot, ["cy"])), twin)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([["ann", "1", "yes"]] * 9, "has one class"),
        ([["ann", "1", ""]] * 9, "No row has a value"),
        ([["ann", "1", "NA"]] * 9, "No row has a value"),
    ],
)
def test_rows_that_leave_nothing_to_learn_are_found_both_ways(
    gated, regate, rows_of, lines, message
):
    header = ["person", "a", "label"]
    snapshot = gated(
        [header, *lines, ["bob", "1", "no"], ["bob", "2", "maybe"]], subjects=("person",)
    )
    with pytest.raises(NothingToLearn, match=message):
        gated([header, *lines], subjects=("person",))
    with pytest.raises(NothingToLearn, match=message):
        regate(snapshot, rows_of(snapshot, ["bob"]))


@settings(deadline=None, max_examples=examples(40))
@given(lines=tables())
def test_a_snapshot_passes_the_gate_again_unchanged(gated, regate, lines):
    before = outcome(lambda: gated([HEADER, *lines], subjects=("person",), row_id="id"))
    assume(isinstance(before, snapshots.Snapshot))
    assert_same(regate(before), before)


def test_the_plan_and_the_gate_infer_the_same(gated, regate, rows_of):
    lines = [["cy", "n7", "2", "9"], *[line for line in KEEP for _ in range(9)]]
    snapshot = gated([HEADER[1:], *lines], subjects=("person",))
    deleted = frozenset(rows_of(snapshot, ["cy"]))
    kept = in_blocks(retained(snapshot, deleted), 3)
    inferred = infer(kept, Roles(("a", "b"), "label", snapshot.schema.said))
    assert inferred == regate(snapshot, deleted).schema != snapshot.schema


def test_the_data_digest_depends_on_rows_and_placement_but_not_on_pseudonyms_or_order(
    gated, keys, tmp_path
):
    lines = [line for line in KEEP for _ in range(5)]
    one = gated([HEADER[1:], *lines], subjects=("person",))
    store = Pseudonyms(tmp_path / "pseudonyms.sqlite", keys)
    assert gated([HEADER[1:], *lines[::-1]], subjects=("person",), store=store).data_digest == (
        one.data_digest
    )
    changed = [[*lines[0][:2], "2.5", lines[0][3]], *lines[1:]]
    others = [
        gated([HEADER[1:], *changed], subjects=("person",)),
        gated([HEADER[1:], *lines[1:]], subjects=("person",)),
        gated([HEADER[1:], *lines, lines[0]], subjects=("person",)),
        gated([HEADER[1:], *lines], subjects=("person",), place_by_row=True),
    ]
    assert len({snapshot.data_digest for snapshot in [one, *others]}) == 5
    with_ids = [[str(number), *line] for number, line in enumerate(lines)]
    value = [[*with_ids[0][:3], "2.5", with_ids[0][4]], *with_ids[1:]]  # the key stays the id's
    kept, other = (
        gated([HEADER, *rows], subjects=("person",), row_id="id") for rows in (with_ids, value)
    )
    assert kept.data_digest != other.data_digest


def test_a_separator_moved_from_one_field_to_the_next_changes_the_digest():
    assert joined(["a\x1fb", "c"]) != joined(["a", "b\x1fc"])
    assert joined(["a", "b"]) == b"a\x1fb"


FIELDS = st.lists(st.text(st.sampled_from('\x1f,"[a\\'), max_size=3), min_size=2, max_size=3)


@given(FIELDS, FIELDS)
def test_different_fields_are_never_joined_to_the_same_text(one, other):
    assert (joined(one) == joined(other)) == (one == other)


TEXTS = st.text(st.characters(codec="utf-8")) | st.text("'%0AD25\r\n.e-_ ", max_size=8)


@given(st.one_of(TEXTS, st.floats().map(repr), st.integers().map(str)))
@example("'")
@example("'%")
@example("%0A\n%250D\r")
@example("%0D\n")
@example("'\n")
def test_an_escaped_text_is_read_back_as_it_was_and_never_as_a_number(text):
    written = escape(text)
    assert unescape(written) == text
    assert "\n" not in written and "\r" not in written
    assert (written == "") == (text == "")
    for read in (float, int):
        with pytest.raises(ValueError):
            read(written)
        with pytest.raises(ValueError):
            read(written.encode())


@settings(deadline=None, max_examples=examples(40))
@given(lines=tables())
def test_another_reader_tells_the_types_that_the_gate_told(gated, lines):
    """ExampleGen infers types of its own, and reads one line at a time."""
    snapshot = outcome(lambda: gated([HEADER, *lines], subjects=("person",), row_id="id"))
    assume(isinstance(snapshot, snapshots.Snapshot))
    for split in snapshot.splits:
        header, *rows = fields_of(snapshot, split)
        assert len(rows) == snapshot.rows[split]
        written = b"".join(file.read_bytes() for file in snapshot.files(split))
        assert written.count(b"\n") == len(rows) + len(snapshot.files(split))
        kinds = {column.name: column.written for column in snapshot.schema.all}
        for fields in rows:
            for name, field in zip(header, fields, strict=True):
                if name in KEYED or kinds[name] == "text":
                    if field:
                        with pytest.raises(ValueError):
                            float(field)
                elif field:
                    float(field)
                    with pytest.raises(ValueError):
                        int(field)


def test_the_values_written_are_the_values_given(gated):
    lines = [["r1", "ann", "two\nlines", "1e3", "yes"], ["r2", "bob", "'001", " NA ", "no"]]
    lines += [[f"r{n}", "cy", '"x", y', "-.50", "12"] for n in range(3, 40)]
    snapshot = gated([HEADER, *lines], subjects=("person",), row_id="id")
    records = [r for split in snapshot.splits for r in snapshots.read_snapshot(snapshot, split)]
    found = Counter(tuple(record.values) for record in records)
    assert found == {
        ("two\nlines", "1000.0", "yes"): 1,
        ("'001", "", "no"): 1,
        ('"x", y', "-0.5", "12"): 37,
    }
    assert snapshot.schema.label.classes == ("12", "no", "yes")
    written = [fields[3:] for split in snapshot.splits for fields in fields_of(snapshot, split)]
    assert ["'%two%0Alines", "1000.0", "yes"] in written
    assert ["''001", "", "no"] in written
    assert ['"x", y', "-0.5", "'12"] in written


def test_rows_without_a_label_are_counted_and_nothing_but_their_keys_is_kept(
    gated, regate, rows_of, pseudonyms
):
    lines = [line for line in KEEP for _ in range(9)]
    lines += [
        ["dora", "secret", "4711", ""],
        ["dora", "secret", "4712", "NA"],
        ["eve", "s", "1", "?"],
    ]
    snapshot = gated([HEADER[1:], *lines], subjects=("person",))
    assert snapshot.rows["unlabelled"] == 3
    assert sum(snapshot.rows.values()) == len(lines)
    records = list(snapshots.read_keys(snapshot, UNLABELLED))
    assert [(r.split, r.values) for r in records] == [("unlabelled", [])] * 3
    assert Counter(r.subjects for r in records) == {
        (pseudonyms.get("dora"),): 2,
        (pseudonyms.get("eve"),): 1,
    }
    assert len({r.row_key for r in records}) == 3
    assert snapshot.schema.columns == (Column("a", "number"), Column("b", "number"))
    for path in snapshot.folder.rglob("*"):
        assert path.is_dir() or not any(s in path.read_bytes() for s in (b"secret", b"4711"))

    after = regate(snapshot, rows_of(snapshot, ["ann"]))
    assert Counter(r.row_key for r in snapshots.read_keys(after, UNLABELLED)) == Counter(
        r.row_key for r in records
    )
    after = regate(after, rows_of(snapshot, ["dora"]))
    (left,) = snapshots.read_keys(after, UNLABELLED)
    assert left.subjects == (pseudonyms.get("eve"),)
    assert after.rows["unlabelled"] == 1


def test_a_table_without_a_label_passes_the_gate_and_every_row_counts(gated, regate, rows_of):
    lines = [["ann", "1", "NA", ""], ["bob", "x", "2", "yes"], ["cy", "3", "", "no"]] * 9
    snapshot = gated([["person", "a", "b", "c"], *lines], label=None, subjects=("person",))
    assert snapshot.schema.labels == ()
    assert (sum(snapshot.rows.values()), snapshot.rows["unlabelled"]) == (27, 0)
    records = [r for split in snapshot.splits for r in snapshots.read_snapshot(snapshot, split)]
    found = Counter(tuple(record.values) for record in records)
    assert found == {("1", "", ""): 9, ("x", "2.0", "yes"): 9, ("3", "", "no"): 9}
    assert snapshot.schema.names("text") == ("a", "c")
    twin = gated([["person", "a", "b", "c"], *[line for line in lines if line[0] != "bob"]],
                 label=None, subjects=("person",))  # fmt: skip
    assert twin.schema.names("text") == ("c",)
    assert_same(regate(snapshot, rows_of(snapshot, ["bob"])), twin)
    with pytest.raises(NothingToLearn, match="No row is there"):
        regate(snapshot, rows_of(snapshot, ["ann", "bob", "cy"]))


def test_a_snapshot_is_read_back_as_it_was_written_and_says_what_its_files_hold(gated):
    lines = [line for line in KEEP for _ in range(9)]
    snapshot = gated([HEADER[1:], *lines], subjects=("person",), place_by_row=True)
    assert load_snapshot(snapshot.folder) == snapshot
    assert snapshot.splits == ("train", "eval")
    description = json.loads((snapshot.folder / "gate.json").read_bytes())
    assert description["format"] == snapshots.FORMAT
    for cell in snapshot.cells:
        content = (snapshot.folder / cell.file).read_bytes()
        assert commitment(cell.written.nonce, content) == cell.written.commitment
        assert content.count(b"\n") == cell.rows + 1
    assert is_whole(snapshot)
    assert snapshots.describe(snapshot) == {
        k: description[k] for k in ("data_digest", "rows", "inference")
    }
    assert sorted(path.name for path in snapshot.folder.iterdir()) == [
        "cells.json", "eval", "gate.json", "nonces", "train",
    ]  # fmt: skip


def record(number, *, label=None, value="1", split=TRAIN):
    key = number.to_bytes(16, "big")
    return Record(key, (), key[:8], split, [value, str(number % 2) if label is None else label])


def interrupted():
    yield record(1)
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("records", "error"),
    [
        (lambda: iter([]), NothingToLearn),
        (lambda: (record(n, label="1") for n in range(5)), NothingToLearn),
        (lambda: (record(n, label=f"c{n}") for n in range(1001)), BadInput),
        (lambda: (record(n, split=EVAL) for n in range(5)), BadInput),
        (interrupted, KeyboardInterrupt),
    ],
)
def test_a_gate_that_fails_leaves_nothing_behind(tmp_path, records, error):
    with pytest.raises(error):
        let_through(in_blocks(records(), 2), Roles(("a",), "label"), folder=tmp_path / "snapshot")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(FileExistsError):
        let_through(iter([]), Roles(("a",), "label"), folder=tmp_path)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_long_text_passes_the_gate_and_is_read_back(tmp_path):
    csv.field_size_limit(1 << 17)  # as in a new process: Python's own limit
    text = "x" * (1 << 18)
    records = [record(0, value=text), record(1), record(2)]
    snapshot = let_through(in_blocks(records, 2), Roles(("a",), "label"), folder=tmp_path / "one")
    csv.field_size_limit(1 << 17)
    assert next(retained(snapshot, frozenset())).values == [text, "0"]


@pytest.mark.parametrize("rows", [2_000, pytest.param(10_000)])
def test_memory_does_not_grow_with_the_rows(
    write_csv, keys, pseudonyms, new_folder, monkeypatch, rows
):
    monkeypatch.setattr(writer, "RUN_BYTES", 1 << 18)
    monkeypatch.setattr("lineage_store.sources.csv_file.PIECE", 1 << 13)
    monkeypatch.setattr("lineage_store.data.keys_seen.IN_MEMORY", 1 << 10)

    def peak(number):
        path = write_csv(
            [["person", "a", "label"], *([f"p{n % 50}", n, n % 7] for n in range(number))]
        )
        columns = Columns("label", ("person",))
        (source,) = open_table(path, columns)
        header = read_header(source, columns)
        tracemalloc.start()
        try:
            blocks = read_blocks_of(
                [source], columns=columns, header=header, keys=keys, pseudonyms=pseudonyms,
                exclusions=Exclusions(), temporary=new_folder(),
            )  # fmt: skip
            snapshot = let_through(blocks, header.roles, folder=new_folder() / "snapshot")
            for _ in retained(snapshot, frozenset()):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100)  # what is made once, such as compiled patterns
    # 20 000 records as a list take 12 MiB; a cell of fifty people holds more than they do.
    assert peak(10 * rows) < peak(rows) + (1 << 21)


def test_the_keys_and_places_of_a_split_can_be_read_without_the_rest(gated):
    nasty = ['a,"b\n', "x\ry", "'", "k1,k2,k3", "\u2028", "%"]
    labels = ("yes", "no", "NA")
    rows = [[nasty[n % len(nasty)], str(n), labels[n % 3]] for n in range(90)]
    snapshot = gated([['te"xt,', "number", "label"], *rows])
    assert snapshot.splits == ("train", "eval")
    whole = [replace(one, values=[]) for one in retained(snapshot, frozenset())]
    assert list(read_all_keys(snapshot)) == whole and len(whole) == 90
    for split in snapshot.splits:
        places = [record.place for record in read_snapshot(snapshot, split)]
        assert list(read_places(snapshot, split)) == places
    assert len(set(places)) > 1
