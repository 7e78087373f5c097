"""What the fuzzer changes: small files that commands read, and what own pipelines read and keep."""

import bz2
import lzma
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import click
import numpy as np
import pytest
import zstandard
from sklearn.tree import DecisionTreeClassifier

from lineage_store.errors import BadInput, CheckFailed, UnweaveError
from lineage_store.examples import ExampleCut, ExampleGateway, IdFeatures, read_folded
from lineage_store.keys.exclusions import Exclusions
from lineage_store.processing.named_recipients import load_recipients, save_recipients
from lineage_store.requests import Controller, load_controller, save_controller
from lineage_store.workspace import open_workspace
from lineage_store.workspace.metadata_address import parse_connection
from pipelines.backends.direct import DirectBackend
from tests.faults.parsers import Parser
from tests.lineage_store.workspace.test_metadata_file import damaged, ended, small_store
from tests.tf_records import example, record
from unlearning.erasure import ended_digests
from unlearning.estimators.known_formats import FORMATS
from unlearning.fingerprint.environment import environment
from unlearning.serving.export import served_columns
from unlearning.whole_shards import WholeShard, open_whole_ledger, train_whole_shards
from unweave import Project
from unweave.options.ids_file import with_ids

TODAY = "2031-05-17"


def refused_or_read(read):
    """Read something: any of unweave's own sentences will do."""
    with suppress(UnweaveError):
        read()


def small_files(workspace, here):
    """Files of a workspace that are read by every command, or by those that ask for them."""
    save_controller(workspace, Controller(name="A Company"))
    save_recipients(workspace, ())

    def of(path, read):
        whole = path.read_bytes()

        def check(data):
            path.write_bytes(data)
            try:
                refused_or_read(read)
            finally:
                path.write_bytes(whole)

        return Parser(whole, check, as_json=path.suffix == ".json")

    root = workspace.root
    return {
        "format": of(root / "format.json", lambda: open_workspace(root).keys()),
        "kept receipt": of(root / "keys/receipts/r1.json", lambda: _all_of_receipts(workspace)),
        "erased digests": of(workspace.request("r1").ended, lambda: ended_digests(workspace)),
        "controller": of(root / "controller.json", lambda: load_controller(workspace)),
        "recipients": of(root / "recipients.json", lambda: load_recipients(workspace)),
        "served columns": of(
            next(root.glob("serving/*/*/assets/columns.json")),
            lambda: served_columns(next(root.glob("serving/*/*"))),
        ),
    }


def data_of_a_model(workspace):
    """What the gate and a training left beside their rows, and the tables of names and rows.

    They are read by a plan, which asks for all of them, and changes nothing.
    """
    project = Project(workspace.root, backend=DirectBackend())

    def planned():
        project.plan(["p2"])
        project.trace_subject("p2")

    def of(path):
        whole = path.read_bytes()

        def check(data):
            path.write_bytes(data)
            try:
                refused_or_read(planned)
            finally:
                path.write_bytes(whole)

        return Parser(whole, check, as_json=path.suffix == ".json", costly=True)

    files = ("data/*/gate.json", "data/*/cells.json", "data/*/nonces", "tfx/*/*/rows/rows.json",
             "tfx/*/*/rows/cells.json", "tfx/*/*/ledger/timings.json", "keys/pseudonyms.sqlite",
             "unweave.sqlite")  # fmt: skip
    found = {name: next(workspace.root.glob(name)) for name in files}
    return {f"data of a model, {name}": of(path) for name, path in found.items()}


def _all_of_receipts(workspace):
    receipts = workspace.receipts()
    for ask in (receipts.read, receipts.kept):
        with suppress(BadInput, CheckFailed):
            ask("r1", today=TODAY)
    receipts.sweep(today="2026-01-01")


def options(here):
    """What is given to a command."""
    command = click.Command("forget", params=[click.Argument(["subjects"], nargs=-1)])

    def ids(data):
        (here / "ids.txt").write_bytes(data)
        with suppress(click.UsageError):
            found = with_ids(command, str(here / "ids.txt"), SimpleNamespace(into="subjects"), [])
            assert found[0] == "--" and all(one.strip() for one in found[1:])

    def address(data):
        with suppress(BadInput):
            connection = parse_connection(data.decode("utf-8", "replace"))
            assert parse_connection(connection.address) == connection

    return {
        "ids file": Parser("p1\nAnna Müller\r\n--all\n\n".encode(), ids),
        "address": Parser(b"postgresql://lineage%40x@db.example:5432/ml_metadata", address),
    }


class _OneShard:
    """Trains nothing much, so that there is a ledger of whole shards."""

    def shards(self):
        return [WholeShard(0, 1, {"train": "00"})]

    def train(self, shard, *, hash_seed, into):
        (into / "model").mkdir()
        (into / "model" / "weights").write_text("1")


def settings_of_keras(here):
    """The file that Keras is set by, which is the user's, and of every program's."""

    def told(data):
        (here / "keras.json").write_bytes(data)
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("KERAS_HOME", str(here))
            patched.delenv("KERAS_BACKEND", raising=False)
            with suppress(BadInput):
                environment()

    whole = b'{"floatx": "float64", "epsilon": 0.01, "backend": "jax", "more": [1]}'
    return {"settings of Keras": Parser(whole, told, as_json=True)}


def own_pipelines(workspace, here):
    """What the gate of an own pipeline reads, which anybody's ExampleGen wrote, and its ledger."""
    ledger = here / "ledger"
    train_whole_shards(_OneShard(), earlier=(), into=ledger)
    file = next(one for one in ledger.iterdir() if one.suffix == ".json")
    whole = file.read_bytes()

    def through_the_gate(records, folder):
        (here / "given").write_bytes(b"".join(map(record, records)))
        gateway = ExampleGateway(
            IdFeatures("person", "row"), ExampleCut(2), workspace.keys(), Exclusions()
        )
        with suppress(BadInput):
            gateway.pass_through([("train", here / "given")], folder)

    def gated(data):
        with TemporaryDirectory(dir=here) as folder:
            through_the_gate([data, good], Path(folder) / "gated")
            refused_or_read(lambda: read_folded(Path(folder) / "gated"))

    def kept(data):
        file.write_bytes(data)
        try:
            refused_or_read(lambda: open_whole_ledger(ledger).models())
        finally:
            file.write_bytes(whole)

    good = example({"person": ["p1"], "row": ["r0"], "x": [1]})
    return {
        "gated Example": Parser(
            example({"person": ["p2"], "row": ["r1"], "x": [1], "y": [0.5, 2.0]}), gated
        ),
        "ledger of shards": Parser(whole, kept, as_json=True),
    }


def estimators():
    """The file of an estimator of scikit-learn; files of others are asked only as pushed."""
    rows = np.random.default_rng(0).normal(size=(30, 2))
    fitted = DecisionTreeClassifier(random_state=0).fit(rows, (rows[:, 0] > 0).astype(int))
    data = FORMATS.of(fitted).stored(fitted)
    return {
        "estimator": Parser(
            data,
            lambda changed: refused_or_read(
                lambda: FORMATS.read("skops", changed, "classification")
            ),
        )
    }


def packed(text):
    """Packings beside those that are archives."""
    return {
        "bzip2": bz2.compress(text),
        "xz": lzma.compress(text),
        "zstandard": zstandard.compress(text),
    }


def metadata_file(here):
    """The file of ML Metadata: over what MLMD cannot read it ends the process, here a fork."""
    file = here / "metadata.sqlite"
    whole = small_store(file)

    def read(data):
        file.write_bytes(data)
        assert damaged(file) or ended(file) == 0

    return {"file of ML Metadata": Parser(whole, read)}


def all_kept(workspace, here):
    """Return all parsers by their names."""
    return {
        **small_files(workspace, here), **data_of_a_model(workspace), **options(here),
        **settings_of_keras(here), **metadata_file(here), **own_pipelines(workspace, here),
        **estimators(),
    }  # fmt: skip
