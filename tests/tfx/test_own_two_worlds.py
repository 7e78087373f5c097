"""Two worlds of a user's own pipeline that differ in one row leave the same once it is forgotten.

What stays below the pipeline's root, where models are pushed, in ML Metadata and in the workspace
of keys and manifest is compared, as `attackers.test_two_worlds` compares a workspace. The user's
source files and module are theirs; the source still holds the row, in one world or the other.

Beam deals what it reshuffles at random, and makes batches as large as they were fast, and TFX's
sums follow: both are the same here in either world, so that a difference is of the row. In which
order Beam writes records is its own; they are compared without.
"""

import os
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf

import own_run_fns as texts
import unweave.tfx
from attackers.test_two_worlds import NOON, TOP, bare, files_of, tables_of
from fixtures.warm_python import warm_python
from lineage_store.canonical import digest
from lineage_store.clock import time_text
from own_everything import define_everything
from own_pipeline import WRITER as GOING
from own_pipeline import define, run, with_secret, write_people

pytestmark = pytest.mark.tfx
ROWS = ("3.25", "note 1"), ("-90017.5", "what nobody else wrote: Müller & Söhne")
METADATA = "metadata/theirs.db"
WORLD = """
import random, sys
from pathlib import Path
from apache_beam import BatchElements
from tests.tfx.test_own_two_worlds import live_through

random.seed(1)
BatchElements.__init__.__kwdefaults__["clock"] = int  # zero, at any time
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
    told = [str(here), str(number), kind]
    subprocess.run(
        [*warm_python(), "-W", "ignore", "-c", WORLD, *told],
        env={**os.environ, "PYTHONPATH": f"{TOP}{os.pathsep}{TOP / 'tests'}"},
        check=True,
    )
    root = Path(here / "world").rename(here / f"world-{number}")
    # Nor does what was overwritten stand on a page, or in a file that TFX keeps for itself.
    assert b"total_bytes" not in b"".join(one.read_bytes() for one in root.rglob("*.db*"))
    files = {**files_of(root), **records_of(root)}
    theirs = {name for name in files if name.startswith("data/") or name.endswith(".whl")}
    stores = [root / "keys-and-manifest" / "unweave.sqlite", root / METADATA]
    return {
        **tables_of(stores),
        **{name: files[name] for name in files.keys() - theirs - {METADATA}},
    }


def records_of(root):
    """The records of each TFRecord, in an order that says nothing."""
    return {
        bare(str(file.relative_to(root))): sorted(
            digest(one) for one in tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
        )
        for file in root.rglob("*.tfrecord")
    }


@pytest.mark.parametrize("kind", ["statistics", "everything"])
def test_what_stays_of_an_own_pipeline_is_the_same_whatever_was_in_the_row(tmp_path, kind):
    one, other = (left_of(tmp_path, number, kind) for number in range(2))
    assert len(one) > 30
    assert {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)} == set()
