"""The request queue with TFX: a shared run and an exact phase without rows are events of MLMD."""

import csv
import json
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from components import own_process
from fixtures import SMALL_MODEL
from fixtures.warm_python import WarmSys
from lineage_store.mlmd.metadata_store import Metadata
from lineage_store.workspace.folder import open_workspace
from lineage_store.workspace.metadata_address import sqlite_file
from pipelines.backends.direct import DirectBackend
from pipelines.backends.tfx_local import quiet_and_inside, run_locally
from pipelines.definitions.scheduled import detection_pipeline, request_pipeline
from unweave import Project, verify

pytestmark = pytest.mark.tfx

NOON = datetime(2031, 5, 17, 12, tzinfo=timezone.utc)
OPTIONS = {
    "label": "label", "subject": "person", "row_id": "row", "shards": 2, "slices": 1, "epochs": 6,
    "batch_size": 32, "module": SMALL_MODEL,
}  # fmt: skip


def lines(without=()):
    draw = random.Random(4)
    yield ["row", "person", "age", "label"]
    for number in range(160):
        age, person = draw.gauss(40, 12), f"person-{number % 20:02d}"
        if person not in without:
            yield [str(number), person, f"{age:.1f}", "old" if age > 40 else "young"]


def write(path, table):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)
    return path


def test_requests_run_as_one_pipeline_and_their_exact_phase_as_another(tmp_path, monkeypatch):
    monkeypatch.setitem(vars(own_process), "sys", WarmSys())
    gone = ["person-03", "person-11"]
    (tmp_path / "secret").write_bytes(bytes(range(32)))
    (tmp_path / "secret").chmod(0o600)
    root, days = tmp_path / "workspace", [0]
    project = Project(root, now=lambda: NOON + timedelta(days=days[0]), reveal=True)
    given = write(tmp_path / "people.csv", lines())
    project.train(given, key_file=tmp_path / "secret", **OPTIONS)
    for person in gone:
        project.requests.add([person], guarantee="approximate", exact_by="2031-06-10")
    (first,) = project.requests.run()["runs"]
    assert first["requests"] == ["q1", "q2"] and first["guarantee"] == "approximate"
    days[0] = 20
    (second,) = project.requests.run()["runs"]
    assert second["requests"] == ["q3"] and second["guarantee"] == "exact"
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True).train(
        write(tmp_path / "without.csv", lines(gone)), key_file=tmp_path / "secret", **OPTIONS
    )
    assert second["weights_digest_after"] == twin["weights_digest"]
    for done in (first, second):
        assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    project.requests.add(["person-05"])
    with quiet_and_inside(open_workspace(root)):
        run_locally(request_pipeline(open_workspace(root)))
    (report,) = root.glob("tfx/run-requests/RequestRunner/report/*/requests.json")
    (third,) = json.loads(report.read_bytes())["runs"]
    assert third["requests"] == ["q4"] and third["guarantee"] == "exact"
    assert b"person" not in report.read_bytes() + (root / "schedule.sqlite").read_bytes()
    asked = {"csv": [str(given)], "row_id_column": "row", "share": 0.02}
    (root / "detect.json").write_text(json.dumps(asked))
    project.requests.set_policy(replace(project.requests.policy, detectors_run=True))
    with quiet_and_inside(open_workspace(root)):
        run_locally(detection_pipeline(open_workspace(root)))
    (found,) = root.glob("tfx/detect-poison/PoisonDetector/report/*/detection.json")
    detected = json.loads(found.read_bytes())
    assert detected["request"] == "q5" and detected["proposed"] > 0
    (report,) = root.glob("tfx/detect-poison/RequestRunner/report/*/requests.json")
    (fourth,) = json.loads(report.read_bytes())["runs"]
    assert fourth["requests"] == ["q5"] and fourth["rows_found"] == detected["proposed"]
    metadata = Metadata(sqlite_file(root / "metadata.sqlite"), create=False)
    assert len(metadata.store.get_executions_by_type("lineage.Deletion")) == 4
    assert project.doctor()["ok"]
