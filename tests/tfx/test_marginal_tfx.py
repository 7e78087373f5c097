"""A correction under TFX: the same weights as without it, and MLMD says what is left."""

import random
from itertools import chain
from types import SimpleNamespace

import pytest

from fixtures import SMALL_MODEL
from lineage_store.index.database import read_index
from lineage_store.index.models import find_model
from lineage_store.ledger.shards import open_ledger
from lineage_store.mlmd.metadata_store import Metadata, pb
from lineage_store.mlmd.pages import artifact_pages
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from pipelines.backends.tfx_local import TfxBackend
from unweave import Project

pytestmark = pytest.mark.tfx

OPTIONS = {"label": "label", "subject": "person", "shards": 2, "slices": 1, "epochs": 8,
           "batch_size": 16, "record": "all", "module": SMALL_MODEL}  # fmt: skip


def deleted_from(folder, backend, given):
    (folder / "key").write_bytes(bytes(range(32)))
    (folder / "key").chmod(0o600)
    project = Project(folder / "workspace", backend=backend, reveal=True)
    project.train(given, key_file=folder / "key", **OPTIONS)
    done = project.forget(["person-3"], strategy="amnesiac-marginal", repair=1)
    connection = read_index(project.root / "unweave.sqlite")
    try:
        ledger = open_ledger(project.root / find_model(connection).paths["ledger"])
    finally:
        connection.close()
    return SimpleNamespace(project=project, done=done, ledger=ledger)


@pytest.fixture(scope="module")
def given(write_csv):
    draw = random.Random(5)
    lines = [["person", "a", "b", "label"]]
    for number in range(320):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        lines.append([f"person-{number % 32}", f"{a:.4f}", f"{b:.4f}", "yes" if a > b else "no"])
    return write_csv(lines)


@pytest.fixture(scope="module")
def story(given, tmp_path_factory):
    return deleted_from(tmp_path_factory.mktemp("tfx"), TfxBackend(), given)


def test_under_tfx_a_correction_gives_the_weights_that_it_gives_without(story, given, tmp_path):
    direct = deleted_from(tmp_path, DirectBackend(), given)
    assert story.done["guarantee"] == "approximate" and story.done["updates_corrected"] > 0
    assert story.done["weights_digest_after"] == direct.done["weights_digest_after"]
    assert story.done["weights_digest_after"] != story.done["weights_digest_before"]


def test_nothing_that_learnt_from_the_rows_is_live_in_the_metadata(story):
    (number,) = story.done["affected_shards"]
    metadata = Metadata(open_workspace(story.project.root).metadata, create=False)
    seen = set()
    for artifact in chain.from_iterable(artifact_pages(metadata)):
        node = metadata.node(artifact)
        if node.kind not in ("lineage.Update", "lineage.Batch", "lineage.Checkpoint"):
            continue
        live = artifact.state != pb.Artifact.DELETED
        if node.shard != number:
            assert live
        elif node.kind == "lineage.Update":
            assert live == (node.model == "m2")  # those of the repair
        elif node.kind == "lineage.Batch":
            assert live  # which of them held a row is not said
        else:
            assert live == (node.model == "m2")
        seen.add((node.kind, live))
    assert ("lineage.Update", False) in seen and ("lineage.Checkpoint", True) in seen


def test_whatever_belongs_to_the_result_says_in_the_metadata_that_it_is_approximate(
    story, tmp_path
):
    project = story.project
    metadata = Metadata(open_workspace(project.root).metadata, create=False)
    called = {}
    for artifact in chain.from_iterable(artifact_pages(metadata)):
        if "guarantee" in artifact.custom_properties:
            kind = metadata.type_name(artifact.type_id)
            value = artifact.custom_properties["guarantee"].string_value
            called.setdefault(kind, []).append(value)
    twice = ["trained", "approximate"]  # before and after
    assert called == {
        "components.Ledger": twice,
        "Model": twice,
        "components.ModelRecord": twice,
        "components.Plan": ["approximate"],
        "components.CheckReport": ["approximate"],
    }
    (deletion,) = metadata.store.get_executions_by_type("lineage.Deletion")
    assert deletion.custom_properties["guarantee_m1"].string_value == "approximate"
    drawn = project.graph(out=tmp_path / "model.svg", model="m2", steps=True)
    picture = (tmp_path / "model.svg").read_text(encoding="utf-8")
    assert drawn["nodes"] and "m2 · approximate" in picture and "exact" not in picture


def test_the_doctor_finds_nothing_to_mend_and_makes_a_lost_store_again(story):
    assert story.project.doctor()["differences"] == []
    (story.project.root / "metadata.sqlite").unlink()
    assert story.project.doctor(repair=True)["ok"]
    assert story.project.doctor()["differences"] == []
