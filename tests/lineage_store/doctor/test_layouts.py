"""What a run left is found wherever an orchestrator put it, also without the index."""

import os
import shutil

import pytest

from fixtures.small_table import OPTIONS, write_people
from lineage_store.index import reading_index
from lineage_store.index.from_log import LoggedModel
from lineage_store.index.models import find_model
from lineage_store.ledger import open_ledger, published_ledger
from lineage_store.mlmd.stand_ins import certificate_uris
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from unlearning.registry.rebuilt_records import on_disk
from unweave import Project

MADE = {
    "examples": ("GatedExampleGen", "examples"),
    "statistics": ("GatedStatisticsGen", "statistics"),
    "schema": ("SchemaGen", "schema"),
    "rows": ("RowIndexer", "rows"),
    "ledger": ("LineageTrainer", "ledger"),
    "model": ("LineageTrainer", "model"),
    "pushed_artifact": ("Pusher", "pushed_model"),
}
LAYOUTS = {  # by component, output, and which of two tries it was
    "LocalDagRunner": "tfx/train-m1/{0}/{1}/{2}",
    "Kubeflow": "tfx/train-m1/4711/train-m1-1/{0}_{2}/{1}",
}


@pytest.fixture
def trained(tmp_path):
    """A workspace whose model was made without TFX, and its record."""
    Project(tmp_path / "ws", backend=DirectBackend()).train(
        write_people(tmp_path / "people.csv"), **OPTIONS
    )
    workspace = open_workspace(tmp_path / "ws")
    with reading_index(workspace) as connection:
        return workspace, find_model(connection, "m1")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_folders_of_a_model_are_found_by_its_ledger(trained, layout):
    workspace, record = trained
    ledger = published_ledger(open_ledger(workspace.absolute(record.paths["ledger"])))
    logged = LoggedModel(
        "m1", "m1", 1, "live", record.created, record.guarantee, None, record.weights, ledger
    )
    assert on_disk(workspace, logged, record).missing == ()
    wanted = {}
    for name, (component, output) in MADE.items():
        if name not in ("ledger", "model"):  # of another try
            (workspace.root / LAYOUTS[layout].format(component, output, 9)).mkdir(parents=True)
        there = workspace.root / LAYOUTS[layout].format(component, output, 10)
        there.parent.mkdir(parents=True, exist_ok=True)
        if name in record.paths:
            shutil.move(workspace.absolute(record.paths[name]), there)
            os.utime(there)
        else:
            there.mkdir()
        wanted[name] = there
    found = on_disk(workspace, logged, None)
    assert found.missing == ()
    assert {name: found.paths[name] for name in wanted} == wanted


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_a_run_put_out_is_found(trained, layout):
    workspace, _ = trained
    certificate = workspace.root / LAYOUTS[layout].format("Certifier", "certificate", 3)
    certificate = workspace.root / str(certificate).replace("train-m1", "forget-r1")
    certificate.mkdir(parents=True)
    assert certificate_uris(workspace, ["r1", "r2"]) == {}  # it was not written yet
    (certificate / "certificate.json").touch()
    assert certificate_uris(workspace, ["r1", "r2"]) == {"r1": str(certificate)}
    assert workspace.outputs("forget-r1", "plan", "certificate.json") == []
