"""The gate by blocks is the gate by rows: same keys, same lines byte for byte, same words."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from fixtures.the_old_gate import old_let_through, old_records
from lineage_store.cells.gate import let_through
from lineage_store.data.columns import Columns, open_table, read_headers
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.data.record import SPLITS, UNLABELLED, records_in
from lineage_store.data.risk import parse_rules
from lineage_store.data.schema import FIRST_RULES
from lineage_store.errors import BadInput
from lineage_store.keys.exclusions import Exclusions, KnownRows
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.sources import Reading, csv_file

NAMES = ("id", "person", "friend", "a", "b", "y")
PEOPLE = ["ann", "bob", "", "17850", "17850.0", " 17850", "é", "001"]
NUMBERS = ["1", "2.50", " 3", "+4", "-0.0", "1e3", "1e999", "3.4028235677973366e38", "", "NA", "?"]
TEXTS = ["x", "", "'q", "a,b", 'say ""x""', "two\nlines", "two\r\nlines", "001", "inf", "\x1f", "%"]
LABELS = [["0", "1"], ["yes", "no", ""], ["0", "1", "NA", ""], ["0.5", "1", "NA"], ["a\nb", "NA"]]
FAULTS = ["1,2\n", '"x"y,p,q,1,2,0\n', "r9,p,q,\0,2,0\n", ",p,q,1,2,0\n", "r0,p,q,1,2,0\n", '"r']
COLUMNS = [
    Columns("y", ("person",)),
    Columns("y", ("person",), place_by_row=True),
    Columns("y", ("person", "friend"), "id"),
    Columns("y", (), "id", drop=("person",)),
    Columns(None, ("friend", "person"), drop=("id",)),
    Columns("y", ("person",), "id", risk=parse_rules(["a<3", "b=x", "a>=100"])),
    Columns("b"),
]


def quoted(text):
    """A field as somebody may write it."""
    return f'"{text}"' if any(letter in text for letter in ',"\r\n') else text


@st.composite
def tables(draw):
    """A file's lines below its header; ids are all different, and one line may be at fault."""
    pools = [PEOPLE, PEOPLE, draw(st.sampled_from([NUMBERS, TEXTS, NUMBERS + TEXTS])),
             draw(st.sampled_from([NUMBERS, TEXTS])), draw(st.sampled_from(LABELS))]  # fmt: skip
    some = [st.sampled_from(draw(st.sampled_from([pool, pool[:2]]))) for pool in pools]
    rows = draw(st.lists(st.tuples(*some), min_size=3, max_size=14))
    lines = [",".join(map(quoted, (f"r{number}", *row))) + "\n" for number, row in enumerate(rows)]
    if draw(st.integers(0, 4)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(FAULTS)))
    return lines


HINT = ' (if " is a letter in it, give `quote` none)'
PLAIN = Reading(delimiter=",", quote='"', encoding="utf-8", header=True)


def lines_of(snapshot, split):
    """The lines of a split's rows, in no order; files of format 1 lack the first line of some."""
    whole = split == UNLABELLED and snapshot.layout is None
    lines = (file.read_bytes().split(b"\r\n")[:-1] for file in snapshot.files(split))
    return sorted(line for some in lines for line in some[0 if whole else 1 :])


@pytest.fixture(scope="session")
def gates(new_folder, keys):
    """Return a function that passes files through both gates: what each gives, or says."""
    store = Pseudonyms(Path(":memory:"), keys)

    def passed(paths, columns, forgotten):
        columns = replace(columns, rules=FIRST_RULES)
        sources = open_table(paths, columns, PLAIN)
        header = read_headers(sources, columns)
        found = []
        for read, gate in ((old_records, old_let_through), (read_blocks_of, let_through)):
            exclusions = forgotten()
            asked = {"columns": columns, "header": header, "keys": keys, "pseudonyms": store,
                     "exclusions": exclusions, "temporary": new_folder()}  # fmt: skip
            folder = new_folder() / "snapshot"
            try:
                given = paths if read is old_records else sources
                rows = read(given, **asked)
                records = list(rows if read is old_records else records_in(rows))
                exclusions.rows = 0
                snapshot = gate(read(given, **asked), header.roles, folder=folder)
                content = {split: lines_of(snapshot, split) for split in (*SPLITS, UNLABELLED)}
                made = (snapshot.schema, snapshot.rows, snapshot.data_digest, content)
                found.append((records, exclusions.rows, made))
            except BadInput as error:
                found.append((type(error), str(error).replace(HINT, "")))
            assert list(asked["temporary"].iterdir()) == []
            shutil.rmtree(folder, ignore_errors=True)
        return found

    return passed


@st.composite
def manifests(draw, keys):
    """What is to stay out: people, rows by their ids or text, and rows known by other keys."""
    people = draw(st.sets(st.sampled_from(PEOPLE[:5]), max_size=2))
    ids = [f"r{number}".encode() for number in draw(st.sets(st.integers(0, 5), max_size=2))]
    rows = [keys.row_key(kind="id", value=one) for one in ids]
    texts = [b"1\x1f" + "\x1f".join(("r0", "ann", "ann", "1", "1", "0")).encode()]
    by_text = [keys.row_key(kind="text", value=text) for text in texts]
    named = {keys.commitment(kind="subject", value=one.encode()) for one in people if one}
    named |= {keys.commitment(kind="row", value=one) for one in (*rows, *by_text)}
    of_rows = frozenset(bytes.fromhex(keys.commitment(kind="row", value=one)) for one in rows)
    of_text = frozenset(bytes.fromhex(keys.commitment(kind="row", value=one)) for one in by_text)
    by_id, whole = KnownRows("id", of_rows), KnownRows(None, of_text)
    others = (KnownRows("friend", of_rows), KnownRows("gone", of_rows))
    known = draw(st.sampled_from([(), (by_id,), (whole,), others]))
    commitments = frozenset(named) if draw(st.booleans()) else frozenset()
    return lambda: Exclusions(commitments, known)


@settings(deadline=None, max_examples=examples(250))
@given(
    lines=tables(),
    columns=st.sampled_from(COLUMNS),
    again=st.booleans(),
    cut=st.integers(0, 14) | st.none(),
    piece=st.sampled_from([40, 8192]),
    data=st.data(),
)
def test_what_comes_out_is_what_came_out_of_the_gate_by_rows(
    gates, keys, new_folder, lines, columns, again, cut, piece, data
):
    if again and columns.row_id is None:
        lines = lines + lines  # equal lines
    parts = [lines] if cut is None else [lines[:cut], lines[cut:]]
    folder, paths = new_folder(), []
    for number, part in enumerate(parts):
        paths.append(folder / f"{number}.csv")
        paths[-1].write_text(",".join(NAMES) + "\n" + "".join(part), encoding="utf-8", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_file, "PIECE", piece)
        old, new = gates(paths, columns, data.draw(manifests(keys)))
    assert new == old


def test_a_fault_is_told_if_it_comes_first_whatever_comes_after(gates, tmp_path, keys):
    columns = Columns("y", ("person",), "id")
    good = [f"r{number},p,q,{number},x,{number % 2}\n" for number in range(9)]
    faults = ["  ,p,q,1,2,0\n", "r1,p,q,1,2,0\n", "r,p\n", '"r"x\n']
    for one in faults:
        for other in faults:
            lines = [*good[:4], one, *good[4:6], other, *good[6:]]
            path = tmp_path / "t.csv"
            path.write_text(",".join(NAMES) + "\n" + "".join(lines))
            old, new = gates([path], columns, Exclusions)
            assert new == old and new[0] is BadInput and "line 6" in new[1].lower()
