"""Statistics of Examples: what TFDV counts of the same, but for what the module says."""

import random

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv

from fixtures.going import Going
from lineage_store.cells import read_snapshot, write_without
from lineage_store.data import TRAIN
from lineage_store.placement import Partition
from unlearning.encoding import cell_groups, gated_examples, write_examples, write_summaries

CUT = Partition(shards=2, slices=3, epochs=1, batch_size=8, seed=0)
HEADER = ["person", "whole", "broken", "nothing", "text", "many", "some", "label"]


@pytest.fixture(scope="module")
def both(gated, new_folder):
    """Our statistics and TFDV's of one file of Examples."""
    draw = random.Random(3)
    lines = [
        [
            f"p{n}", draw.choice(["", "0", str(draw.randint(-3, 9))]), f"{draw.gauss(0, 1):.3f}",
            "", draw.choice(["x", "yy", "é"]), f"u{n % 1200}", draw.choice(["", "some"]),
            draw.choice("01"),
        ]
        for n in range(2500)
    ]  # fmt: skip
    snapshot = gated([HEADER, *lines], subjects=("person",))
    write_examples(snapshot, examples := new_folder())
    options = tfdv.StatsOptions(feature_allowlist=HEADER[1:])
    files = str(examples / "Split-train" / "*.gz")
    theirs = tfdv.generate_statistics_from_tfrecord(files, stats_options=options)
    return write_summaries(snapshot, new_folder())[TRAIN], theirs


def features(statistics):
    (dataset,) = statistics.datasets
    return {one.path.step[0]: one for one in dataset.features}, dataset.num_examples


def test_counts_and_exact_figures_are_those_of_tfdv(both):
    (mine, rows), (theirs, other_rows) = map(features, both)
    assert rows == other_rows > 0
    assert mine.keys() == theirs.keys()
    for name, other in theirs.items():
        one = mine[name]
        kind = other.WhichOneof("stats")
        assert (one.type, one.WhichOneof("stats")) == (other.type, kind), name
        a, b = getattr(one, kind), getattr(other, kind)
        for field in ("num_non_missing", "num_missing", "min_num_values", "max_num_values",
                      "avg_num_values", "tot_num_values"):  # fmt: skip
            assert getattr(a.common_stats, field) == getattr(b.common_stats, field), (name, field)
        exact = {
            "num_stats": ("num_zeros", "min", "max"),
            "string_stats": ("unique", "top_values", "avg_length", "rank_histogram"),
        }
        for field in exact[kind]:
            assert getattr(a, field) == getattr(b, field), (name, field)


def test_means_and_quantiles_are_those_of_tfdv_as_near_as_it_says(both):
    (mine, _), (theirs, _) = map(features, both)
    for name in ("whole", "broken"):
        a, b = mine[name].num_stats, theirs[name].num_stats
        assert a.mean == pytest.approx(b.mean, rel=1e-9)
        assert a.std_dev == pytest.approx(b.std_dev, rel=1e-9)
        assert a.median == pytest.approx(b.median, abs=0.05)
        assert [one.type for one in a.histograms] == [one.type for one in b.histograms]
        for own, other in zip(a.histograms, b.histograms, strict=True):
            assert len(own.buckets) == len(other.buckets)
            assert sum(one.sample_count for one in own.buckets) == pytest.approx(
                a.common_stats.tot_num_values
            )


def test_tfdv_reads_validates_and_shows_them_and_tells_the_same_schema(both):
    mine, theirs = both
    schema = tfdv.infer_schema(theirs)
    assert tfdv.infer_schema(mine) == schema
    assert not tfdv.validate_statistics(mine, schema).anomaly_info
    from tensorflow_data_validation.utils.display_util import get_statistics_html

    assert "facets-overview" in get_statistics_html(mine)


def test_a_deletion_makes_those_of_the_cells_that_lose_rows_and_no_bit_differs(
    gated, new_folder, monkeypatch
):
    """Examples, summaries, merges and statistics, made from the old ones and made anew."""
    monkeypatch.setattr(cell_groups, "GROUPED", 2)
    draw = random.Random(4)
    lines = [
        [f"p{n}", draw.choice("123"), f"{draw.gauss(0, 1):.3f}", "", draw.choice("xyz"), f"u{n}",
         draw.choice(["", "some"]), draw.choice("01")]
        for n in range(600)
    ]  # fmt: skip
    before = gated([HEADER, *lines], subjects=("person",), partition=CUT)
    rows = list(read_snapshot(before, TRAIN))[:2]
    going = Going(
        np.frombuffer(b"".join(row.row_key for row in rows), np.uint8).reshape(-1, 16),
        np.frombuffer(b"".join(row.place for row in rows), ">u8").astype(np.uint64),
        (TRAIN, TRAIN),
    )
    after = write_without(before, going, folder=new_folder() / "new", partition=CUT)
    old = {write: new_folder() for write in (write_examples, write_summaries)}
    for write, folder in old.items():
        write(before, folder)
    made = []
    parse = gated_examples.parse_block
    monkeypatch.setattr(gated_examples, "parse_block", lambda *a: made.append(1) or parse(*a))
    for write, folder in old.items():
        made.clear()
        statistics = write(after, fast := new_folder(), old=folder, before=before)
        assert len(made) <= 2 < len(after.cells)
        assert statistics == write(after, anew := new_folder())
        assert contents(fast) == contents(anew)
    taken = [
        path.relative_to(fast).parts[1]
        for path in (fast / "merged").rglob("s*.json")
        if path.stat().st_nlink > 1
    ]
    every = [path.relative_to(fast).parts[1] for path in (fast / "merged").rglob("s*.json")]
    assert {level: every.count(level) - taken.count(level) for level in set(every)} == {
        level: 1 for level in set(every)
    }, "at each level one group is merged anew"


def contents(folder):
    """The files of a folder, but for what is known of them; Examples are maps, without an order."""
    return {
        path.relative_to(folder): examples_of(path) if path.suffix == ".gz" else path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("cells.json", "nonces")
    }


def examples_of(path):
    records = tf.data.TFRecordDataset([str(path)], compression_type="GZIP")
    return [tf.train.Example.FromString(one) for one in records.as_numpy_iterator()]
