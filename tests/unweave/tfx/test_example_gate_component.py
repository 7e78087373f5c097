"""ExampleGate as a component: any Examples in, spans and splits, and never out of a cache."""

import json

import pytest
from tfx.components.util.examples_utils import set_file_format, set_payload_format
from tfx.proto.example_gen_pb2 import FORMAT_PROTO, FORMAT_TF_EXAMPLE
from tfx.types.artifact_utils import decode_split_names, encode_split_names
from tfx.types.channel_utils import as_channel
from tfx.types.standard_artifacts import Examples

from lineage_store.clock import clock_ahead
from lineage_store.errors import BadInput
from lineage_store.examples import read_records
from lineage_store.index import deletions, manifest
from lineage_store.index.database import writing_index
from lineage_store.keys import alike_entry
from lineage_store.workspace import open_workspace
from tf_records import tfrecord
from unweave.tfx import ExampleGate
from unweave.tfx.example_gate_component import ExampleGateExecutor


def examples(folder, splits, *, payload=FORMAT_TF_EXAMPLE):
    """Examples as an ExampleGen leaves them."""
    made = Examples()
    made.uri = str(folder)
    made.split_names = encode_split_names(list(splits))
    set_payload_format(made, payload)
    set_file_format(made, "tfrecords_gzip")
    for split, rows in splits.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / "data_tfrecord-00000-of-00001").write_bytes(tfrecord(rows))
    return made


def row(number):
    return {"person": [f"person-{number % 5}"], "row": [number], "x": [0.5 * number]}


def passed(folder, artifacts, **changed):
    """What the gate makes of Examples, as a run of the component does."""
    out = Examples()
    out.uri = str(folder)
    gate = ExampleGate(
        as_channel(artifacts), workspace=str(folder.parent / "keys-and-manifest"),
        **{"subject_feature": "person", "row_id_feature": "row", "shards": 2, **changed},
    )  # fmt: skip
    ExampleGateExecutor().Do(
        {"raw_examples": artifacts}, {"examples": [out]}, dict(gate.exec_properties)
    )
    return out, gate


def test_several_spans_and_splits_come_out_as_cells_that_tfx_reads_as_splits(tmp_path):
    spans = [
        examples(tmp_path / "1", {"train": map(row, range(20)), "eval": map(row, range(20, 30))}),
        examples(tmp_path / "2", {"train": map(row, range(30, 50)), "more": map(row, [60])}),
    ]
    out, gate = passed(tmp_path / "out", spans, slices=2)
    assert decode_split_names(out.split_names) == [
        *gate.splits("train"), *gate.splits("eval"), *gate.splits("more")
    ]  # fmt: skip
    counts = {
        split: sum(
            len(list(read_records(file)))
            for cell in gate.splits(split)
            for file in (tmp_path / "out" / f"Split-{cell}").iterdir()
        )
        for split in ("train", "eval", "more")
    }
    assert counts == {"train": 40, "eval": 10, "more": 1}
    assert gate.splits("eval") == ["eval_s0", "eval_s1"]


def test_transform_is_told_to_analyze_the_first_slices_alone(tmp_path):
    _, gate = passed(tmp_path / "out", [examples(tmp_path / "1", {"train": [row(1)]})], slices=2)
    config = gate.splits_config("eval")
    assert list(config.analyze) == ["train_s0_r0", "train_s1_r0"]
    assert list(config.transform) == [*gate.splits("train"), *gate.splits("eval")]


def test_who_is_in_the_manifest_is_in_no_file(tmp_path):
    raw = examples(tmp_path / "1", {"train": map(row, range(20))})
    passed(tmp_path / "before", [raw])
    workspace = open_workspace(tmp_path / "keys-and-manifest")
    entry = workspace.keys().commitment(kind="subject", value=b"person-3")
    with writing_index(workspace) as connection:
        deletions.record(
            connection, commitments=[("subject", entry, ())], options={}, time=clock_ahead(0)()
        )
    after, _ = passed(tmp_path / "after", [raw])
    kept = [
        one
        for cell in decode_split_names(after.split_names)
        for file in (tmp_path / "after" / f"Split-{cell}").iterdir()
        for one in read_records(file)
    ]
    assert len(kept) == 16


def test_who_is_spelled_nearly_as_somebody_forgotten_is_kept_out_counted_and_told(tmp_path, caplog):
    raw = examples(
        tmp_path / "1", {"train": [*map(row, range(20)), {**row(20), "person": ["P 3"]}]}
    )
    passed(tmp_path / "before", [raw])
    workspace = open_workspace(tmp_path / "keys-and-manifest")
    keys = workspace.keys()
    entry = keys.commitment(kind="subject", value=b"p 03")
    with writing_index(workspace) as connection:
        manifest.keep_alike(connection, entry, alike_entry(keys, "p 03"))
        deletions.record(
            connection, commitments=[("subject", entry, ())], options={}, time=clock_ahead(0)()
        )
    after, _ = passed(tmp_path / "after", [raw])
    counts = (after.get_int_custom_property("rows_kept_out"),
            after.get_int_custom_property("rows_spelled_alike"))  # fmt: skip
    assert counts == (1, 1) and "1 rows are of ids that are spelled nearly" in caplog.text
    let_in, _ = passed(tmp_path / "admitted", [raw], admit_alike=True)
    assert let_in.get_int_custom_property("rows_kept_out") == 0
    assert "let in by `admit_alike`" in caplog.text and "P 3" not in caplog.text


def test_its_parameters_are_others_each_time_and_hold_no_id(tmp_path):
    _, gate = passed(tmp_path / "out", [examples(tmp_path / "1", {"train": [row(1)]})])
    one, other = dict(gate.exec_properties), dict(gate.exec_properties)
    assert {name for name in one if one[name] != other[name]} == {"run"}
    assert "person-1" not in json.dumps(one)


@pytest.mark.parametrize(
    "changed, said",
    [
        ({"subject_feature": None, "row_id_feature": None}, "nobody could ever be forgotten"),
        ({"shards": 0}, "one is the least"),
    ],
)
def test_a_gate_that_could_forget_nobody_is_refused_where_it_is_defined(tmp_path, changed, said):
    with pytest.raises(BadInput, match=said):
        passed(tmp_path / "out", [examples(tmp_path / "1", {"train": [row(1)]})], **changed)


def test_what_is_no_tf_example_or_lies_elsewhere_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no tf.Examples in TFRecord files"):
        passed(tmp_path / "o", [examples(tmp_path / "1", {"train": []}, payload=FORMAT_PROTO)])
    far = examples(tmp_path / "2", {"train": [row(1)]})
    far.uri = "gs://bucket/examples"
    with pytest.raises(BadInput, match="lie in gs://"):
        passed(tmp_path / "p", [far])
