"""URIs of MLMD where a workspace was moved: read as they are here, then written so."""

from pathlib import Path

import pytest

from lineage_store.mlmd import Metadata, pb, settle
from lineage_store.mlmd.places import Places, places
from lineage_store.workspace import writing

HERE = Places("/new/ws", ("/old/tfx/ws", "/older/ws"))


@pytest.mark.parametrize(
    "uri, here",
    [
        ("/new/ws/tfx/train-m1/x", "/new/ws/tfx/train-m1/x"),
        ("/old/tfx/ws/tfx/train-m1/x", "/new/ws/tfx/train-m1/x"),
        ("/older/ws/tfx/a/tfx.txt", "/new/ws/tfx/a/tfx.txt"),
        ("/older/ws2/tfx/a", "/older/ws2/tfx/a"),
        ("urn:sha256:00", "urn:sha256:00"),
        ("", ""),
    ],
)
def test_a_uri_is_read_as_it_is_here(uri, here):
    assert HERE.here(uri) == here
    assert here == uri or uri in HERE.spellings(here)


def test_where_it_lay_is_told_by_what_is_in_it_and_nothing_else():
    uris = ["/a/tfx/b/tfx/train-m1/l", "/here/tfx/train-m2/l", "urn:x", ""]
    assert places(Path("/here"), uris) == Places("/here", ("/a/tfx/b",))
    assert Places("/a/b", ("/a",)).here("/a/b/tfx/x") == "/a/b/tfx/x"  # moved into itself
    assert Places("/a", ("/a/b",)).here("/a/b/tfx/x") == "/a/tfx/x"


def put(metadata, kind, uri):
    node = pb.Artifact(type_id=metadata.artifact_type(kind), uri=uri)
    return metadata.store.put_artifacts([node])[0]


def test_what_reads_finds_what_was_written_elsewhere_and_what_writes_says_where_it_is(tmp_path):
    with writing(tmp_path / "ws", create=True) as workspace:
        metadata = Metadata.of(workspace, create=True)
        old, here = "/mnt/before/tfx/train-m1", workspace.pipeline_root / "train-m1"
        ledger = put(metadata, "components.Ledger", f"{old}/ledger/1")
        model = put(metadata, "Model", f"{old}/model/1")
        other = put(metadata, "Model", "urn:sha256:00")

        read = Metadata.of(workspace)
        assert read.by_uri(f"{here}/model/1").id == model
        assert read.by_uri(f"{old}/model/1").id == model  # as it was asked for
        assert read.node(read.by_uri(f"{here}/ledger/1")).uri == f"{here}/ledger/1"
        assert {one.uri for one in read.artifacts([model])} == {f"{old}/model/1"}

        settle(workspace, read)
        again = Metadata.of(workspace)
        assert again.places.formerly == ()
        uris = {one.id: one.uri for one in again.artifacts([ledger, model, other])}
        assert uris == {
            ledger: f"{here}/ledger/1", model: f"{here}/model/1", other: "urn:sha256:00"
        }  # fmt: skip


def test_one_that_was_killed_as_it_told_mlmd_is_told_again(tmp_path):
    with writing(tmp_path / "ws", create=True) as workspace:
        metadata = Metadata.of(workspace, create=True)
        put(metadata, "components.Ledger", "/mnt/before/tfx/train-m1/ledger/1")
        put(metadata, "Model", f"{workspace.pipeline_root}/train-m1/model/1")  # done already
        settle(workspace, Metadata.of(workspace))
        uris = [one.uri for one in Metadata.of(workspace).store.get_artifacts()]
        assert all(uri.startswith(str(workspace.root)) for uri in uris) and len(uris) == 2
