"""A workspace of pipelines that was moved or copied: MLMD has the URIs of where it lay before."""

import csv
import random
import shutil

import pytest

from lineage_store.mlmd import Metadata
from lineage_store.workspace import open_workspace
from unweave import Project

pytestmark = pytest.mark.tfx

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 1}


def in_order(root):
    """Ask all that compares MLMD with the workspace, and repair what need not be repaired."""
    project = Project(root)
    assert project.audit()["findings"] == []
    assert project.doctor()["differences"] == []
    assert project.doctor(repair=True)["differences"] == []
    assert project.audit()["ok"]
    return project


def uris(root):
    metadata = Metadata(open_workspace(root).metadata, create=False)
    return {artifact.uri for artifact in metadata.store.get_artifacts() if artifact.uri}


def test_a_workspace_that_is_moved_again_and_again_answers_repairs_and_forgets(tmp_path):
    draw = random.Random(4)
    with (tmp_path / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "town", "label"])
        for number in range(120):
            town = draw.choice(["Ulm", "Trier"])
            out.writerow([f"p{number % 20}", town, "yes" if town == "Ulm" else "no"])
    Project(tmp_path / "first").train(tmp_path / "people.csv", **OPTIONS)

    (tmp_path / "first").rename(tmp_path / "second")  # before any deletion
    read = Project(tmp_path / "second")
    assert read.audit()["findings"] == [] and read.doctor()["ok"]
    assert all(uri.startswith(f"{tmp_path}/first/") for uri in uris(tmp_path / "second"))
    planned = read.plan(["p3"])
    assert read.forget(["p3"])["guarantee"] == planned["guarantee"] == "exact"
    assert all(uri.startswith(f"{tmp_path}/second/") for uri in uris(tmp_path / "second"))
    in_order(tmp_path / "second")

    (tmp_path / "below" / "tfx").mkdir(parents=True)
    third = (tmp_path / "second").rename(tmp_path / "below" / "tfx" / "third")  # after one
    project = in_order(third)
    (model,) = [one["model_id"] for one in project.models() if one["state"] == "live"]
    pushed = next(one for one in uris(third) if "/Pusher/" in one)
    assert project.trace_artifact(pushed)["uri"].startswith(str(third))
    copy = shutil.copytree(third, tmp_path / "copy")  # and of a copy both go on, each for itself
    before = uris(third)
    assert Project(copy).forget(["p5"])["model_before"] == model
    in_order(copy)
    assert uris(third) == before
    assert Project(third).forget(["p7"])["model_before"] == model
    in_order(third)
    assert not any(uri.startswith(str(tmp_path / "copy")) for uri in uris(third))
