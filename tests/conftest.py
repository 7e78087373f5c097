"""Parts that several tests need, all of them real: keys, CSV files, gated snapshots.

Every call makes new files, so the fixtures last for a whole session and suit hypothesis.
"""

import csv
import gc
import shutil
import tempfile
from pathlib import Path

from fixtures.as_by_default import compute_as_by_default

compute_as_by_default()

import numpy as np
import pytest
from hypothesis import settings

from chosen_slow import read_slow
from fixtures.drawn_secrets import draw_secrets
from fixtures.in_memory import write_to_memory
from fixtures.pinned_tensorflow import pin_tensorflow_when_imported
from fixtures.small_probe import probe_small_once
from fixtures.warm_python import share_warm_python, start_warm_python
from fixtures.warm_scan import warm_scan
from lineage_store.canonical import canonical_json, read_json, write_atomic
from lineage_store.cells.gate import let_through
from lineage_store.data.columns import Columns, open_table, read_header
from lineage_store.data.keyed_blocks import read_blocks_of
from lineage_store.data.record import in_blocks, records_in
from lineage_store.keys.exclusions import Exclusions
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.secret import derive
from lineage_store.placement import UNCUT
from lineage_store.tensors import save_state
from unweave.report.charts import Curve, Evaluation, Histogram

pytest_plugins = ["golden.workspaces"]
COLLECTED = pytest.StashKey[dict[str, bool]]()

# No test asserts a time, and a busy machine is no failure. `make test-all` tries as many examples
# as hypothesis does on its own.
settings.register_profile("whole", deadline=None)
settings.register_profile("unweave", deadline=None, max_examples=30)
settings.load_profile("unweave")
write_to_memory()
pin_tensorflow_when_imported()
draw_secrets()
warm_scan()
probe_small_once()


def pytest_addoption(parser):
    """How long the slow tests of `faults/test_fuzz.py` try changes of each format."""
    parser.addoption("--fuzz-seconds", type=float, default=60)


def pytest_configure(config):
    """Take as many examples as there is time for; workers share what stands for Python.

    A whole run wants it soon, and it takes long to start.
    """
    if not hasattr(config, "workerinput"):
        share_warm_python()
        if config.args_source is config.ArgsSource.TESTPATHS and not config.option.collectonly:
            start_warm_python()
    if not config.option.markexpr:
        settings.load_profile("whole")


def pytest_collection():
    """Let nobody look through what is imported while it is: that takes a fourth of the time."""
    gc.disable()


def pytest_collection_finish():
    """Look only through what tests make, from now on, and seldom: modules stay."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Mark what `slow.txt` lists, keep what was collected, and begin with files that run TFX.

    These take longest, so that none of them is what everybody waits for in the end.
    """
    listed = {one.test for one in read_slow()}
    for item in items:
        if item.nodeid in listed:
            item.add_marker("slow")
    slow = {item.nodeid: item.get_closest_marker("slow") is not None for item in items}
    config.stash[COLLECTED] = slow
    long = {item.path for item in items if item.get_closest_marker("tfx")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def collected(pytestconfig):
    """The ids of all tests that were collected, those that are left out too; and which are slow."""
    return pytestconfig.stash[COLLECTED]


@pytest.fixture(scope="session")
def keys():
    """The keys of a fixed secret."""
    return derive(bytes(range(32)))


@pytest.fixture(scope="session")
def new_folder(tmp_path_factory):
    """Return a function that makes an empty folder."""
    base = tmp_path_factory.mktemp("folders")
    return lambda: Path(tempfile.mkdtemp(dir=base))


@pytest.fixture(scope="session")
def write_csv(new_folder):
    """Return a function that writes lines of fields, the header first, and returns the path."""

    def write(lines):
        path = new_folder() / "given.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(lines)
        return path

    return write


@pytest.fixture(scope="session")
def pseudonyms(keys):
    """One store of pseudonyms, in memory."""
    return Pseudonyms(Path(":memory:"), keys)


@pytest.fixture(scope="session")
def read_csv(keys, new_folder, pseudonyms):
    """Return a function that gives a header and the records of a CSV file, read to the end.

    Everything but the path is by keyword; what is no option of `read_blocks_of` is of `Columns`.
    """

    def read(path, *, exclusions=None, store=None, keys=keys, **columns):
        asked = Columns(**{"label": "label", **columns})
        (source,) = open_table(path, asked)
        header = read_header(source, asked)
        blocks = read_blocks_of(
            [source],
            columns=asked,
            header=header,
            keys=keys,
            pseudonyms=store or pseudonyms,
            exclusions=exclusions or Exclusions(),
            temporary=new_folder(),
        )
        return header, list(records_in(blocks))

    return read


@pytest.fixture(scope="session")
def gated(read_csv, write_csv, new_folder):
    """Return a function that passes lines (or a CSV file) through the gate to a snapshot."""

    def gate(source, *, label="label", partition=UNCUT, **options):
        path = source if isinstance(source, Path) else write_csv(source)
        header, records = read_csv(path, label=label, **options)
        folder = new_folder() / "snapshot"
        blocks = in_blocks(records, len(header.roles.all))
        return let_through(blocks, header.roles, folder=folder, partition=partition)

    return gate


@pytest.fixture(scope="session")
def as_format_1():
    """Return a function that turns a row store into one of an earlier unweave (safetensors)."""

    def keys_of(records):
        return np.array([key.tobytes() for key in records["row_key"]], dtype=object)

    def write(store):
        parts = sorted(store.folder.glob("eval/*.npy"))
        evaluation = np.concatenate([np.load(part) for part in parts])
        np.save(store.folder / "eval.npy", evaluation[np.argsort(keys_of(evaluation))])
        shutil.rmtree(store.folder / "eval")
        for one in store.folder.glob("train/*.npy"):
            one.rename(one.with_stem(one.stem.partition("-b")[0]))  # a file a slice
        for file in [*store.folder.glob("train/*.npy"), store.folder / "eval.npy"]:
            records = np.load(file)
            names = {"row_keys": "row_key", "numbers": "numbers", "categories": "categories"}
            state = {name: records[field] for name, field in names.items()}
            save_state(file.with_suffix(".safetensors"), state | {"labels": records["label"]})
            file.unlink()
        header = dict(read_json(store.folder / "rows.json"))
        del header["evaluation_counts"]
        counts = [[*map(sum, shard)] for shard in header["counts"]]
        header |= {"format": 1, "counts": counts}
        write_atomic(store.folder / "rows.json", canonical_json(header))

    return write


@pytest.fixture(scope="session")
def losses_of_attack():
    """For three models: a name, the losses of what it was trained on, and those of other examples.

    An untouched model's lie apart, a retrained one's do not, and an unlearned one's hardly.
    """
    draw = np.random.default_rng(0)
    return [
        (name, draw.exponential(0.5, 400), draw.exponential(0.5, 400) + gap)
        for name, gap in (("untouched", 0.6), ("unlearned", 0.05), ("retrained", 0.0))
    ]


@pytest.fixture(scope="session")
def evaluation(losses_of_attack):
    """ROC curves of the attack that calls what has a low loss a member, and the losses' spread."""
    edges = tuple(np.linspace(0, 4, 21).tolist())
    curves, histograms = [], []
    for name, members, others in losses_of_attack:
        limits = np.concatenate([[-np.inf], np.sort(np.concatenate([members, others]))])
        points = ((float((others <= at).mean()), float((members <= at).mean())) for at in limits)
        curves.append(Curve(name, tuple(points)))
        histograms.append(Histogram(name, edges, tuple(np.histogram(members, edges)[0].tolist())))
    return Evaluation(tuple(curves), tuple(histograms))
