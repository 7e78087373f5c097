"""Examples are let in byte for byte, keyed and placed by themselves alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage_store.errors import BadInput, NothingToLearn
from lineage_store.examples.example_gate import (
    ExampleCut,
    ExampleGateway,
    IdFeatures,
    cell_name,
    read_gated_rows,
    split_of_cell,
)
from lineage_store.examples.example_record import features_in
from lineage_store.examples.record_files import read_records, write_records
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.secret import derive
from tf_records import example, field, record

KEYS = derive(bytes(range(32)), manifest=bytes(32))
IDS = IdFeatures("person", "row")
CUT = ExampleCut(3, 2)


def row(number, **other):
    return example({"person": [f"p-{number % 7}"], "row": [number], "age": [1.5 * number], **other})


def written(tmp_path, records, name="in"):
    path = tmp_path / f"{name}.tfrecord"
    path.write_bytes(b"".join(map(record, records)))
    return path


def gated(folder, sources, *, ids=IDS, cut=CUT, manifest=()):
    gateway = ExampleGateway(ids, cut, KEYS, Exclusions(frozenset(manifest)))
    counts = gateway.pass_through(sources, folder)
    return gateway, counts


def contents(folder):
    """All files below a folder."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def examples_of(folder):
    """The features of every Example that was let in, by the key of its row."""
    found = {}
    for file in sorted(folder.glob("Split-*/*")):
        cell = file.parent.name.removeprefix("Split-")
        for one, listed in zip(read_records(file), read_gated_rows(folder, cell), strict=True):
            found[listed.key] = features_in(one, where="here")
    return found


@pytest.mark.parametrize("kept", [False, True])
def test_every_feature_but_those_of_ids_is_as_it_was_byte_for_byte(tmp_path, kept):
    given_rows = [row(n, town=["Ulm"] * (n % 3), far=[-n, n]) for n in range(40)]
    ids = IdFeatures("person", "row", kept=kept)
    gated(tmp_path / "out", [("train", written(tmp_path, given_rows))], ids=ids)
    found = examples_of(tmp_path / "out")
    assert len(found) == 40
    for number, one in enumerate(given_rows):
        before = features_in(one, where="here")
        after = found[KEYS.row_key(kind="id", value=str(number).encode()).hex()]
        changed = {n for n in before if before[n] != after.get(n)}
        assert changed == {"person", "row"} and not after.keys() - before.keys()
        assert ("person" in after) == ("row" in after) == kept
        assert b"p-" not in after.get("person", b"")


def test_a_person_sits_in_one_shard_and_one_slice_and_their_evaluation_rows_in_that_shard(tmp_path):
    file = written(tmp_path, [row(n) for n in range(60)])
    other = written(tmp_path, [row(n) for n in range(60, 90)], "eval")
    _, counts = gated(tmp_path / "out", [("train", file), ("eval", other)])
    assert list(counts) == [
        *(f"train_s{s}_r{r}" for s in range(3) for r in range(2)),
        *(f"eval_s{s}" for s in range(3)),
    ]
    assert sum(counts.values()) == 90
    lying = {}
    for cell in counts:
        for listed in read_gated_rows(tmp_path / "out", cell):
            lying.setdefault(listed.subject, set()).add(cell)
    assert len(lying) == 7
    for cells in lying.values():
        assert len({split_of_cell(cell)[1] for cell in cells}) == 1
        assert sum(cell.startswith("train") for cell in cells) == 1


@settings(max_examples=20, deadline=None)
@given(st.sets(st.integers(0, 39), max_size=30), st.randoms(use_true_random=False))
def test_rows_that_are_taken_out_or_come_in_another_order_move_no_other(tmp_path_factory, gone, r):
    folder = tmp_path_factory.mktemp("gate")
    stay = [n for n in range(40) if n not in gone]
    shuffled = r.sample(stay, len(stay))
    spans = [shuffled[: len(stay) // 2], shuffled[len(stay) // 2 :]]
    everyone = written(folder, [row(n) for n in range(40)], "all")
    manifest = {
        KEYS.commitment(kind="row", value=KEYS.row_key(kind="id", value=str(n).encode()))
        for n in gone
    }
    gateway, _ = gated(folder / "without", [("train", everyone)], manifest=manifest)
    assert gateway.exclusions.rows == len(gone)
    parts = [("train", written(folder, [row(n) for n in part], f"s{place}"))
             for place, part in enumerate(spans)]  # fmt: skip
    gated(folder / "never", parts)
    assert contents(folder / "without") == contents(folder / "never")


def test_equal_rows_without_ids_are_rows_of_their_own_and_any_of_them_may_be_missing(tmp_path):
    ids = IdFeatures(subject="person")
    alike = [example({"person": ["p"], "x": [1]})] * 3
    gated(tmp_path / "three", [("train", written(tmp_path, alike))], ids=ids)
    gated(tmp_path / "two", [("train", written(tmp_path, alike[:2], "b"))], ids=ids)
    three, two = examples_of(tmp_path / "three"), examples_of(tmp_path / "two")
    assert len(three) == 3 and len(two) == 2 and two.keys() < three.keys()


@pytest.mark.parametrize("spelling", ["17850", "17850.0", " 17850", "1.785e4"])
def test_whom_the_manifest_names_is_kept_out_under_every_spelling(tmp_path, spelling):
    named = {KEYS.commitment(kind="subject", value=b"17850")}
    rows = [example({"person": [spelling], "x": [n]}) for n in range(3)]
    rows += [example({"person": ["017850"], "x": [9]})]
    gateway, counts = gated(
        tmp_path / "out", [("train", written(tmp_path, rows))],
        ids=IdFeatures(subject="person"), manifest=named,
    )  # fmt: skip
    assert (gateway.exclusions.rows, sum(counts.values())) == (3, 1)


def test_an_id_may_be_a_number_and_who_has_none_is_placed_by_the_row(tmp_path):
    rows = [example({"person": [n % 2], "x": [n]}) for n in range(6)]
    rows += [example({"person": ["NA"], "x": [n]}) for n in range(20)]
    gated(tmp_path / "o", [("train", written(tmp_path, rows))], ids=IdFeatures(subject="person"))
    listed = [one for cell in CUT.cells("train") for one in read_gated_rows(tmp_path / "o", cell)]
    named = [one for one in listed if one.subject]
    assert len(named) == 6 and len({one.subject for one in named}) == 2
    assert len({one.place for one in named}) == 2
    assert len({one.place for one in listed if not one.subject}) == 20


def test_nothing_that_was_laid_down_on_the_way_is_left(tmp_path):
    gated(tmp_path / "out", [("train", written(tmp_path, [row(n) for n in range(9)]))])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "people.txt", "rows", *(f"Split-{cell}" for cell in CUT.cells("train"))
    }  # fmt: skip


@pytest.mark.parametrize(
    "records, said",
    [
        ([b"\xff\xff"], "record 1 of in.tfrecord is no tf.Example"),
        ([example({"row": [1]}), example({"row": [1]})], "stands in another row, too"),
        ([example({"row": [1, 2]})], "'row' has 2 values in record 1"),
        ([example({"row": [1], "person": [b"\xff"]})], "'person' in record 1 .* no text"),
        ([row(1) + field(2, b"")], "SequenceExample"),
        (
            [field(1, field(1, field(1, b"person") + field(2, b"\x00")))],
            "'person' in record 1 .* is no feature",
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_its_place_and_without_its_values(tmp_path, records, said):
    with pytest.raises(BadInput, match=said):
        gated(tmp_path / "out", [("train", written(tmp_path, records))])


def test_a_damaged_file_is_refused(tmp_path):
    path = written(tmp_path, [row(n) for n in range(9)])
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(BadInput, match="behind record 8"):
        gated(tmp_path / "out", [("train", path)])


def test_without_a_row_that_is_learnt_from_there_is_no_model(tmp_path):
    with pytest.raises(NothingToLearn, match="split train"):
        gated(tmp_path / "out", [("eval", written(tmp_path, [row(1)]))])


def test_equal_records_are_equal_files_and_are_read_back(tmp_path):
    data = [bytes([n]) * n for n in range(50)]
    write_records(tmp_path / "a", data)
    write_records(tmp_path / "b", iter(data))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert list(read_records(tmp_path / "a")) == data


def test_a_cell_says_its_split_and_shard():
    names = [("train", 3, 1), ("eval", 12, None), ("my_split", 0, 0)]
    assert [split_of_cell(cell_name(*one)) for one in names] == [one[:2] for one in names]
    for name in ("train", "train_r1", "s1"):
        with pytest.raises(BadInput, match="no cell of a shard"):
            split_of_cell(name)
