"""Two worlds of a user's own pipeline that differ in one row leave the same once it is forgotten.

What stays below the pipeline's root, where models are pushed, in ML Metadata and in the workspace
of keys and manifest is compared, as `attackers.test_two_worlds` compares a workspace. The user's
source files and module are theirs; the source still holds the row, in one world or the other.

Beam deals rows and makes batches by chance and by how fast the last were, and TensorFlow numbers
functions as it makes them: so TFX's records are compared without their order, its statistics to
twelve digits, its graphs in canonical form.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

import own_run_fns as texts
import unweave.tfx
from attackers.test_two_worlds import NOON, TOP, bare, files_of, tables_of
from fixtures.warm_python import warm_python
from lineage_store.canonical import digest
from lineage_store.clock import time_text
from own_everything import define_everything
from own_pipeline import WRITER as GOING
from own_pipeline import define, run, with_secret, write_people
from unlearning.serving.canonical_graph import canonical_graph

pytestmark = pytest.mark.tfx
ROWS = ("3.25", "note 1"), ("-90017.5", "what nobody else wrote: Müller & Söhne")
METADATA = "metadata/theirs.db"
FLOAT = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")
WORLD = """
import sys
from pathlib import Path
from tests.tfx.test_own_two_worlds import live_through

live_through(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
"""


def defined(here, kind):
    if kind == "everything":
        return define_everything(here, shards=1)
    return define(here, texts.GOOD, shards=1, cache=True)


def live_through(here, number, kind):
    """Let a person with one row or the other be learnt from, and forget them; at one place."""
    world = with_secret(here / "world")
    spans = ["span-1/train", "span-1/eval"] if kind == "everything" else ["."]
    for span in spans:
        write_people(world / "data" / span, without=[GOING], ids=span)
    with (world / "data" / spans[0] / "people.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{GOING},row-z,{','.join(ROWS[number])}\n")
    run(defined(world, kind))
    unweave.tfx.forget(defined(world, kind), [GOING], clock=lambda: time_text(NOON))


def left_of(here, number, kind):
    """What stays of a world, but for the user's own files."""
    arguments = [str(here), str(number), kind]
    subprocess.run(
        [*warm_python(), "-W", "ignore", "-c", WORLD, *arguments],
        env={**os.environ, "PYTHONPATH": f"{TOP}{os.pathsep}{TOP / 'tests'}"},
        check=True,
    )
    root = Path(here / "world").rename(here / f"world-{number}")
    # Nor does what was overwritten stand on a page, or in a file that TFX keeps for itself.
    assert b"total_bytes" not in b"".join(one.read_bytes() for one in root.rglob("*.db*"))
    files = {**files_of(root), **read_files_of(root)}
    theirs = {name for name in files if name.startswith("data/") or name.endswith(".whl")}
    stores = [root / "keys-and-manifest" / "unweave.sqlite", root / METADATA]
    return {
        **tables_of(stores),
        **{name: files[name] for name in files.keys() - theirs - {METADATA}},
    }


def read_files_of(root):
    """What TFX's files say, but for what differs from run to run."""
    return {
        bare(str(file.relative_to(root))): read(file)
        for pattern, read in READ.items()
        for file in root.rglob(pattern)
    }


def records_in(file):
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    return sorted(map(digest, records))


def statistics_in(file):
    read = DatasetFeatureStatisticsList.FromString(file.read_bytes())
    return FLOAT.sub(lambda found: f"{float(found[0]):.12g}", str(read))


READ = {
    "*.tfrecord": records_in,
    "FeatureStats.pb": statistics_in,
    "saved_model.pb": lambda file: digest(canonical_graph(file.read_bytes())),
    "fingerprint.pb": lambda file: "of the graph as it was",
}


@pytest.mark.parametrize("kind", ["statistics", "everything"])
def test_what_stays_of_an_own_pipeline_is_the_same_whatever_was_in_the_row(tmp_path, kind):
    one, other = (left_of(tmp_path, number, kind) for number in range(2))
    assert len(one) > 30
    assert {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)} == set()
