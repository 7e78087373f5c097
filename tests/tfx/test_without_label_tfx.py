"""A family from outside through the TFX pipeline, on a table without a label."""

import random

import pytest

from pipelines.backends.direct import DirectBackend
from tests.toy_family import ColumnSums
from unlearning.families.known_families import register_family, unregister_family
from unweave import Project, verify

pytestmark = pytest.mark.tfx


def test_a_table_without_a_label_is_learnt_and_forgotten_from_by_pipelines(tmp_path, write_csv):
    draw = random.Random(4)
    table = [["person", "size", "weight"]]
    table += [[f"p{n % 9}", f"{draw.gauss(0, 5):.2f}", draw.choice(["", "3"])] for n in range(90)]
    (tmp_path / "key").write_bytes(bytes(range(32)))
    (tmp_path / "key").chmod(0o600)
    options = {"subject": "person", "model_family": "column-sums", "key_file": tmp_path / "key"}
    register_family(ColumnSums())
    try:
        project, direct = (
            Project(tmp_path / "ws", reveal=True),
            Project(tmp_path / "direct", backend=DirectBackend(), reveal=True),
        )
        made = [one.train(write_csv(table), **options) for one in (project, direct)]
        assert made[0]["weights_digest"] == made[1]["weights_digest"]
        done = [one.forget(["p3"], replay=True) for one in (project, direct)]
        assert done[0]["weights_digest_after"] == done[1]["weights_digest_after"]
        assert (done[0]["guarantee"], done[0]["basis"]) == ("exact", "by replay")
        assert verify(done[0]["certificate"], public_key=done[0]["public_key"])["ok"]
        assert project.doctor()["ok"] and project.audit(replay=3)["ok"]
    finally:
        unregister_family("column-sums")
