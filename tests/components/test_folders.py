"""Components reach the files of artifacts in one way, which refuses what is no folder."""

import re
from pathlib import Path

import pytest

from components import Ledger
from components.properties import folder_of, publish
from lineage_store.errors import BadInput

COMPONENTS = Path(__file__).parents[2] / "components"


def test_an_address_of_an_object_store_is_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    artifact = Ledger()
    artifact.uri = str(tmp_path / "ledger")
    assert folder_of(artifact) == tmp_path / "ledger"
    for address in ("gs://bucket/tfx/ledger", "s3://bucket/ledger", "minio://x", "file:///x"):
        artifact.uri = address
        with pytest.raises(BadInput, match="components.Ledger lies in .*://, and components read"):
            publish(artifact, "ledger.json", b"{}")
    assert list(tmp_path.iterdir()) == []


def test_no_component_takes_an_address_for_a_path():
    found = {
        file.name
        for file in COMPONENTS.rglob("*.py")
        if re.search(r"\.uri\b", file.read_text(encoding="utf-8"))
    }
    assert found == {"properties.py"}
