"""Which analyzers see all rows, by name, and which of them tell the same in any order."""

import random
import tempfile

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.tf_metadata import metadata_io, schema_utils
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata

import unweave.tfx
from lineage_store.errors import BadInput, CheckFailed
from unlearning.serving import canonical_digest
from unweave.tfx.own_transforms import must_be_in_summation_form
from unweave.tfx.summed_combiners import LimitsOfCells, MomentsOfSteps
from unweave.tfx.transform_analyzers import analyzers_of

SPECS = {
    "x": tf.TensorSpec([None, 1], tf.float32),
    "note": tf.TensorSpec([None, 1], tf.string),
}


def whole(inputs):
    """All that is in summation form, TFT's and ours."""
    x, note = inputs["x"], inputs["note"]
    steps = tf.cast(x, tf.int64)
    keys, _ = tft.count_per_key(tf.squeeze(note, 1))
    return {
        "x": x,
        "word": tft.compute_and_apply_vocabulary(note),
        "z": unweave.tfx.scale_by_sums(x, step=0.25),
        "bucket": unweave.tfx.bucketize_by_counts(x, 4, lowest=0, highest=64),
        "share": steps * tft.size(x) + tft.sum(steps),
        "between": tft.scale_to_0_1(x),
        "keys": x + tf.cast(tf.size(keys), tf.float32),
    }


def mixed(inputs):
    """What adds floats, sketches quantiles, weighs words, or is nobody's known analyzer."""
    x, note = inputs["x"], inputs["note"]
    tft.vocabulary(note, weights=x)
    return {
        "word": tft.compute_and_apply_vocabulary(note),
        "z": tft.scale_to_z_score(x),
        "bucket": tft.bucketize(x, 4),
        "total": x * tft.sum(x),
        "spread": x * tft.covariance(x, tf.float32)[0, 0],
    }


def test_analyzers_are_told_by_name_and_form():
    found = {one.name: one.is_summed for one in analyzers_of(mixed, SPECS)}
    assert found == {
        "vocabulary": False,
        "compute_and_apply_vocabulary/vocabulary": True,
        "scale_to_z_score/mean_and_var": False,
        "bucketize/quantiles": False,
        "sum": False,
        "covariance": False,
    }
    assert all(one.is_summed for one in analyzers_of(whole, SPECS))
    assert {"scale_by_sums", "bucketize_by_counts"} <= {
        one.name for one in analyzers_of(whole, SPECS)
    }
    assert analyzers_of(lambda inputs: {"x": inputs["x"] * 2}, SPECS) == []
    features = {"x": tf.io.FixedLenFeature([1], tf.float32),
                "note": tf.io.FixedLenFeature([1], tf.string)}  # fmt: skip
    classic = analyzers_of(mixed, features, classic=True)
    assert {one.name for one in classic} == set(found)


def metadata():
    """The types of rows, as Beam's part of Transform takes them."""
    spec = {"x": tf.io.FixedLenFeature([1], tf.float32),
            "note": tf.io.FixedLenFeature([1], tf.string)}  # fmt: skip
    return DatasetMetadata(schema_utils.schema_from_feature_spec(spec))


def transformed(rows, preprocessing_fn=whole):
    """What Transform makes of rows, by Beam in this process."""
    from tensorflow_transform.beam import impl

    with tempfile.TemporaryDirectory() as folder, impl.Context(folder):
        (made, _), _ = (rows, metadata()) | impl.AnalyzeAndTransformDataset(preprocessing_fn)
    return made


def graph_of(rows, folder):
    """The digest of the graph that Transform makes of rows."""
    from tensorflow_transform.beam import impl
    from tensorflow_transform.beam.tft_beam_io import transform_fn_io

    def buckets_and_words(inputs):
        bucket = unweave.tfx.bucketize_by_counts(inputs["x"], 3, lowest=0, highest=32)
        return {"bucket": bucket, "word": tft.compute_and_apply_vocabulary(inputs["note"])}

    with impl.Context(str(folder / "scratch")), beam.Pipeline() as pipeline:
        given = pipeline | beam.Create(rows)
        made = (given, metadata()) | impl.AnalyzeDataset(buckets_and_words)
        _ = made | transform_fn_io.WriteTransformFn(str(folder / "graph"))
    return canonical_digest(folder / "graph")


def test_a_row_that_moves_no_limit_and_no_word_changes_nothing_of_the_graph(tmp_path):
    rows = [{"x": [4.0 * (number % 8)], "note": [b"one" if number % 3 else b"two"]}
            for number in range(72)]  # fmt: skip
    whole = graph_of(rows, tmp_path / "1")
    assert graph_of(rows[1:], tmp_path / "2") == whole
    low = [row for row in rows if row["x"][0] > 4]
    assert graph_of(low, tmp_path / "3") != whole
    assert graph_of([*rows, {"x": [8.0], "note": [b"a third"]}], tmp_path / "4") != whole


MODULE = """
import tensorflow_transform as tft

def preprocessing_fn(inputs, custom_config):
    assert custom_config == {"buckets": 3}
    return {"z": tft.scale_to_z_score(inputs["x"]), "b": tft.bucketize(inputs["x"], 3),
            "w": tft.compute_and_apply_vocabulary(inputs["note"])}
"""


@pytest.mark.parametrize("classic", [0, 1])
def test_what_sees_all_slices_and_is_not_in_summation_form_is_refused_by_its_name(
    tmp_path, classic
):
    """The module is looked at in a process of its own, and the types are those of the last run."""
    schema = schema_utils.schema_from_feature_spec(
        {"x": tf.io.FixedLenFeature([], tf.float32), "note": tf.io.VarLenFeature(tf.string)}
    )
    metadata_io.write_metadata(DatasetMetadata(schema), str(tmp_path / "graph" / "metadata"))
    (tmp_path / "their_module.py").write_text(MODULE)
    given = {"module_file": str(tmp_path / "their_module.py"), "force_tf_compat_v1": classic,
             "custom_config": '{"buckets": 3}'}  # fmt: skip
    with pytest.raises(BadInput) as raised:
        must_be_in_summation_form("Transform", given, tmp_path / "graph")
    assert "Transform lets scale_to_z_score/mean_and_var, bucketize/quantiles see all" in str(
        raised.value
    )
    if not classic:
        summed = "import unweave.tfx\n" + MODULE.replace(
            'tft.scale_to_z_score(inputs["x"])', 'unweave.tfx.scale_by_sums(inputs["x"], step=0.1)'
        ).replace('tft.bucketize(inputs["x"], 3)', 'inputs["x"]')
        (tmp_path / "their_module.py").write_text(summed)
        must_be_in_summation_form("Transform", given, tmp_path / "graph")
    (tmp_path / "their_module.py").write_text("raise SystemExit(3)")
    with pytest.raises(CheckFailed, match="analyzers of Transform could not be looked up"):
        must_be_in_summation_form("Transform", given, tmp_path / "graph")


def test_in_summation_form_rows_of_any_order_come_to_the_same_bits_and_to_what_they_should():
    draw = random.Random(5)
    rows = [
        {"x": [draw.random() * 60], "note": [f"word {number % 7}".encode()]}
        for number in range(400)
    ]
    shuffled = draw.sample(range(400), 400)
    made = sorted(transformed(rows), key=lambda row: row["x"][0])
    other = sorted(transformed([rows[one] for one in shuffled]), key=lambda row: row["x"][0])
    for mine, theirs in zip(made, other, strict=True):
        assert mine.keys() == theirs.keys()
        for name, value in mine.items():
            assert np.asarray(value).tobytes() == np.asarray(theirs[name]).tobytes(), name
    x = np.array([row["x"][0] for row in made])
    z = np.array([row["z"][0] for row in made])
    np.testing.assert_allclose(z, (x - x.mean()) / x.std(), atol=0.02)
    counts = np.bincount([row["bucket"][0] for row in made])
    assert len(counts) == 4 and abs(counts - 100).max() <= 3
    assert {row["bucket"][0] for row in made if row["x"][0] <= np.quantile(x, 0.24)} == {0}


def test_moments_and_limits_are_those_of_all_values_however_they_are_bundled():
    draw = random.Random(3)
    values = np.array([draw.randrange(-900, 900) for _ in range(500)])
    for combiner, given in ((MomentsOfSteps(), values), (LimitsOfCells(900, 4), abs(values))):
        whole = combiner.add_input(combiner.create_accumulator(), [given])
        parts = [combiner.add_input(combiner.create_accumulator(), [given[n::3, None]])
                 for n in range(3)]  # fmt: skip
        cached = [part.tolist() for part in reversed(parts)]
        assert combiner.merge_accumulators(cached).tolist() == whole.tolist()
        output = combiner.extract_output(whole)
        if isinstance(combiner, MomentsOfSteps):
            np.testing.assert_allclose(output, [values.mean(), values.std()], rtol=1e-12)
        else:
            ordered = np.sort(abs(values))
            assert output[0].tolist() == [ordered[124], ordered[249], ordered[374]]
    nothing = MomentsOfSteps()
    assert nothing.extract_output(nothing.create_accumulator()) == [0, 0]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: unweave.tfx.scale_by_sums(x, step=0),
        lambda x: unweave.tfx.bucketize_by_counts(x, 1, lowest=0, highest=1),
        lambda x: unweave.tfx.bucketize_by_counts(x, 3, lowest=1, highest=1),
    ],
)
def test_steps_and_ranges_that_part_nothing_are_refused(call):
    with pytest.raises(BadInput):
        call(tf.constant([[1.0]]))
