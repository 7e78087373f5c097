"""Examples of what the gate let through: TFX's own ExampleGen makes the same of the same file."""

import random

import apache_beam as beam
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tfx.components.example_gen.csv_example_gen.executor import _CsvToExample

from lineage_store.cells import read_snapshot
from lineage_store.cells.lines import escape
from lineage_store.cells.snapshot_blocks import BLOCK
from lineage_store.data import EVAL, KEYED, TRAIN
from lineage_store.errors import BadInput
from unlearning.encoding import write_examples

NUMBERS = ["0", "-0.0", ".5", "2.", "1e-7", "123456789.123456789", "3.4e38", "1e-46", "", "NA", "1"]
TEXTS = [
    "x", "it's", "'q", "''", '"', 'a "b", c', "two\nlines", "two\r\nlines", "é ✓ 漢", "=1", "50%",
    "%0A", "'%", "a\x1fb", "\x1f", "", " ", "NA", "001", "1_000", "inf", "1e999", "٣", "NaN",
    "true", "2024-01-01", "\u2028", "\x85", "\x0b", "a,b", "\t",
]  # fmt: skip
HEADER = ["id", "person", "a", "b", "c", "label"]


def examples_of(path):
    import tensorflow as tf

    records = tf.data.TFRecordDataset([str(path)], compression_type="GZIP")
    return [tf.train.Example.FromString(one) for one in records.as_numpy_iterator()]


def examples_in(folder, split):
    """The Examples of a split in a folder, cell by cell."""
    files = sorted(folder.glob(f"Split-{split}/*.gz"))
    return [example for file in files for example in examples_of(file)]


def as_values(example):
    """A tf.Example as a mapping of names to (kind, values)."""
    found = {}
    for name, feature in example.features.feature.items():
        kind = feature.WhichOneof("kind")
        found[name] = kind, () if kind is None else tuple(getattr(feature, kind).value)
    return found


def made_by_tfx(snapshot, split, folder):
    """What TFX's executor makes of the file of a split."""
    out = folder / f"{split}.tfrecord"
    with beam.Pipeline() as pipeline:
        (
            pipeline
            | _CsvToExample({"input_base": str(snapshot.folder)}, f"{split}/*.csv")
            | beam.Map(lambda example: example.SerializeToString())
            | beam.io.WriteToTFRecord(str(out), file_name_suffix=".gz")
        )
    (written,) = folder.glob(f"{split}.tfrecord*")
    return examples_of(written)


@pytest.mark.parametrize("label", [["yes", "no"], ["0.5", "1.5", "7"]])
def test_tfx_makes_the_same_examples_of_the_same_file(gated, tmp_path, label):
    draw = random.Random(5)
    lines = [
        [
            f"r{n}",
            draw.choice(["ann", "bob", ""]),
            draw.choice(NUMBERS),
            draw.choice(TEXTS),
            "",
            one,
        ]
        for n, one in enumerate(draw.choices([*label, ""], k=200))
    ]
    snapshot = gated([HEADER, *lines], subjects=("person",), row_id="id")
    assert snapshot.rows[EVAL]
    write_examples(snapshot, folder := tmp_path / "own")
    for split in snapshot.splits:
        mine = [as_values(one) for one in examples_in(folder, split)]
        theirs = [as_values(one) for one in made_by_tfx(snapshot, split, tmp_path)]
        assert len(mine) == snapshot.rows[split]
        untyped = {name for name, (kind, _) in theirs[0].items() if kind is None}
        assert untyped <= {"c"}  # where no row has a value
        own = {str(one["unweave_row"]): one for one in mine}
        for other in theirs:
            one = own.pop(str(other["unweave_row"]))
            for name in untyped:
                assert one.pop(name)[1] == other.pop(name)[1] == ()
            assert one == other
        assert not own


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(NUMBERS), st.text(min_size=0, max_size=9), st.sampled_from("yn")),
        min_size=4,
        max_size=12,
    )
)
def test_examples_hold_what_the_gate_wrote(gated, new_folder, rows):
    lines = [[f"r{n}", "ann", number, text, "", end] for n, (number, text, end) in enumerate(rows)]
    try:
        snapshot = gated([HEADER, *lines], subjects=("person",), row_id="id")
    except BadInput:
        assume(False)
    write_examples(snapshot, own := new_folder())
    for split in snapshot.splits:
        examples = examples_in(own, split)
        records = list(read_snapshot(snapshot, split))
        assert len(examples) == len(records)
        for example, record in zip(map(as_values, examples), records, strict=True):
            keys = record.row_key, b"".join(record.subjects), record.place
            for name, value in zip(KEYED, keys, strict=True):
                assert example.pop(name) == ("bytes_list", (b"k" + value.hex().encode(),))
            for column, text in zip(snapshot.schema.all, record.values, strict=True):
                kind, values = example.pop(column.name)
                assert kind == {"text": "bytes_list", "number": "float_list"}[column.kept]
                if text == "":
                    assert values == ()
                elif column.kept == "text":
                    assert values == (escape(text).encode(),)
                else:
                    assert values == (float(np.float32(float(text))),)
            assert not example


def test_a_row_that_is_longer_than_a_block_and_more_rows_than_one_holds(gated, tmp_path):
    long = "x" * (BLOCK + 7)
    lines = [[f"r{n}", "ann", "1", f"t{n}", "", "yn"[n % 2]] for n in range(30)]
    lines[3][3] = lines[20][3] = long
    snapshot = gated([HEADER, *lines], subjects=("person",), row_id="id")
    write_examples(snapshot, own := tmp_path / "own")
    values = [as_values(one)["b"][1][0].decode() for one in examples_in(own, TRAIN)]
    assert values == [record.values[1] for record in read_snapshot(snapshot, TRAIN)]
