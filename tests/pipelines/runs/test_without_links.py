"""On a file system without hard links a deletion copies what it keeps, to the same bits, and says
so."""

import os
import shutil

from fixtures.small_table import OPTIONS, write_people
from pipelines.backends.direct import DirectBackend
from unweave.api.project import Project


def test_without_hard_links_the_same_bits_come_out_and_it_is_told(tmp_path, monkeypatch):
    key = tmp_path / "key"
    key.write_bytes(b"a secret of this test alone, and always the same")
    key.chmod(0o600)
    project = Project(tmp_path / "linked", backend=DirectBackend(), reveal=True)
    project.train(write_people(tmp_path / "people.csv"), key_file=key, **OPTIONS)
    without = shutil.copytree(project.root, tmp_path / "copied")
    linked = project.forget(["p3"])

    def refused(*_):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refused)
    copied = Project(without, backend=DirectBackend(), reveal=True).forget(["p3"])
    assert copied["weights_digest_after"] == linked["weights_digest_after"]
    assert linked["warnings"] == []
    (warning,) = copied["warnings"]
    assert "no hard links" in warning
