"""One manifest, two gates: whom that for tables keeps out, that for tf.Examples keeps out, too."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.examples import examples
from lineage_store.data import Columns
from lineage_store.examples import (
    ExampleCut,
    ExampleGateway,
    IdFeatures,
    features_in,
    read_folded,
    read_records,
    texts_in,
)
from lineage_store.index import manifest, writing_index
from lineage_store.index.deletions import record
from lineage_store.keys import Exclusions, alike_entry, entries_of
from lineage_store.keys.exclusions import KnownRows
from lineage_store.workspace.folder import writing
from tf_records import tfrecord

NAMES = ["p003", "P003", "p3", "17850", "17850.0", "017850", "Zoë", "zoe", "Ann Lee", "Lee, Ann"]
NAMES += ["Tom", "NA", "?"]
IDS = IdFeatures("person", "row")


def rows_of(names):
    return [(f"row-{number}", name, f"{number}") for number, name in enumerate(names)]


def let_in(folder: Path, rows, exclusions, keys, *, ids=IDS):
    """Which rows the gate for tf.Examples lets in, by their x."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "in.tfrecord"
    given_rows = [{"row": [row], "person": [who], "x": [x]} for row, who, x in rows]
    file.write_bytes(tfrecord([*given_rows, {"row": ["r"], "x": ["last"]}]))
    gateway = ExampleGateway(ids, ExampleCut(1), keys, exclusions)
    gateway.pass_through([("train", file)], folder / "out")
    read = read_records(folder / "out" / "Split-train_s0_r0" / "examples-00000-of-00001.gz")
    return {texts_in(features_in(one, where="here")["x"])[0] for one in read} - {"last"}


def named(keys, names, *, alike):
    """The exclusions of some names, as both gates are given them."""
    entries = frozenset(entry for one in names for entry in entries_of(keys, one))
    return Exclusions(entries, alike=frozenset(alike_entry(keys, one) for one in names) if alike
                      else frozenset())  # fmt: skip


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=30),
    st.sets(st.sampled_from(NAMES[:11]), max_size=4),
    st.booleans(),
    st.booleans(),
)
def test_both_gates_keep_the_same_rows_out(
    read_csv, write_csv, new_folder, keys, people, forgotten, alike, admitted
):
    rows = rows_of(people)
    of_a_table, of_examples = (named(keys, forgotten, alike=alike) for _ in range(2))
    of_a_table.admit_alike = of_examples.admit_alike = admitted
    table = write_csv([("row", "person", "x"), *rows])
    _, records = read_csv(
        table, label=None, subjects=("person",), row_id="row", exclusions=of_a_table
    )
    kept = {values[0] for values in (one.values for one in records)}
    assert let_in(new_folder(), rows, of_examples, keys) == kept
    assert (of_examples.rows, of_examples.alike_rows) == (of_a_table.rows, of_a_table.alike_rows)


def test_rows_that_were_known_by_ids_stay_out_where_people_have_other_names(tmp_path, keys):
    commitment = bytes.fromhex(
        keys.commitment(kind="row", value=keys.row_key(kind="id", value=b"row-1"))
    )
    known = (KnownRows("row", frozenset({commitment})),)
    rows = rows_of(["a", "b", "c"])
    assert let_in(tmp_path / "1", rows, Exclusions(known_rows=known), keys) == {"0", "2"}
    only = IdFeatures("person")  # ids of rows are a feature like any other now
    assert let_in(tmp_path / "2", rows, Exclusions(known_rows=known), keys, ids=only) == {"0", "2"}


def test_rows_that_were_known_by_their_text_stay_out_where_rows_have_ids(tmp_path, keys):
    file = tmp_path / "in"
    file.write_bytes(tfrecord([{"row": ["row-1"], "person": ["b"], "x": ["1"]}]))
    ids = IdFeatures("person")
    first = ExampleGateway(ids, ExampleCut(1), keys, Exclusions())
    first.pass_through([("train", file)], tmp_path / "first")
    (key, *_) = (tmp_path / "first" / "rows" / "train_s0_r0.txt").read_text().split("\t")
    out = bytes.fromhex(keys.commitment(kind="row", value=bytes.fromhex(key)))
    by_text = Exclusions(known_rows=(KnownRows(None, frozenset({out})),))
    assert let_in(tmp_path, rows_of(["a", "b"]), by_text, keys) == {"0"}


def test_what_a_pipeline_of_ones_own_knew_rows_by_stands_in_place_of_a_model(tmp_path, keys):
    """Ids decide where the gate names the same columns; rows do where it does not."""
    row = bytes(32)
    with writing(tmp_path / "keys", create=True) as workspace, writing_index(workspace) as index:
        manifest.keep_rows(index, "entry", {manifest.known_by(IDS.columns): [row]})
        record(index, commitments=[("subject", "entry", ())], options={}, time="2026")
        assert manifest.exclusions_for(index, IDS.columns).known_rows == ()
        (known,) = manifest.exclusions_for(index, Columns(subjects=("who",))).known_rows
        assert known == KnownRows("row", frozenset({row}))


def test_each_person_has_their_folded_id_beside_the_rows_and_never_in_clear(tmp_path, keys):
    let_in(tmp_path, rows_of(["Zoë", "zoe", "Tom", "17850", "17850.0"]), Exclusions(), keys)
    folded = read_folded(tmp_path / "out")
    assert len(folded) == 4 and len(set(folded.values())) == 3
    assert set(folded.values()) == {alike_entry(keys, one) for one in ("zoe", "Tom", "17850")}
    assert "om" not in (tmp_path / "out" / "people.txt").read_text()
    assert read_folded(tmp_path) == {}
