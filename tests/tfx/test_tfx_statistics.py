"""A user who wants TFX's own StatisticsGen and ExampleValidator has them, at training and at each
deletion, and nothing of what went stays in what they made."""

import csv
import random
from pathlib import Path

import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2

from lineage_store.index import reading_index
from lineage_store.index.models import models
from lineage_store.workspace import open_workspace
from unweave import Project

pytestmark = pytest.mark.tfx

OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes"}


def folders_of(root, state):
    workspace = open_workspace(root)
    with reading_index(workspace) as connection:
        (record,) = (one for one in models(connection) if one.state == state)
    return {name: workspace.absolute(path) for name, path in record.paths.items()}


def of_training(folders):
    statistics = tfdv.load_stats_binary(
        str(folders["statistics"] / "Split-train" / "FeatureStats.pb")
    )
    (anomalies,) = (folders["anomalies"] / "Split-train").glob("*")
    found = anomalies_pb2.Anomalies.FromString(Path(anomalies).read_bytes())
    return statistics.datasets[0], found


def test_tfx_counts_and_validates_what_is_trained_on_and_what_remains(tmp_path):
    draw = random.Random(3)
    rows = [[f"person-{n:03d}", draw.choice("xyz"), f"{draw.gauss(0, 1):.2f}", str(n % 2)]
            for n in range(120)]  # fmt: skip
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["person", "town", "size", "label"], *rows])
    project = Project(tmp_path / "ws")
    trained = project.train(tmp_path / "t.csv", statistics="tfx", **OPTIONS)
    before = folders_of(project.root, "live")
    statistics, anomalies = of_training(before)
    assert statistics.num_examples == trained["rows_by_split"]["train"]
    assert {one.path.step[0] for one in statistics.features} == {"town", "size", "label"}
    assert not anomalies.anomaly_info
    person = next(
        f"person-{n:03d}"
        for n in range(120)
        if "train" in project.trace_subject(f"person-{n:03d}")["models"][0]["splits"]
    )
    done = project.forget([person])
    verdicts = {one["kind"]: one["verdict"] for one in done["verdicts"]}
    assert verdicts["ExampleAnomalies"] == verdicts["ExampleStatistics"] == "regenerated"
    assert not before["statistics"].exists() and not before["anomalies"].exists()
    assert (
        of_training(folders_of(project.root, "live"))[0].num_examples == statistics.num_examples - 1
    )
    assert project.audit()["findings"] == []
    assert project.doctor()["differences"] == []
