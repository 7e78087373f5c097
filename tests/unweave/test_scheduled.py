"""What an orchestrator keeps of a run as an artifact holds no measure of a model that ends."""

import io
import json
import sys

from fixtures.small_table import OPTIONS, write_people
from pipelines.backends.direct import DirectBackend
from unweave import Project, scheduled
from unweave.scheduled import lasting_runs


def floats(value):
    """All numbers in a value that are no whole ones."""
    if isinstance(value, dict):
        return [one for inner in value.values() for one in floats(inner)]
    if isinstance(value, list):
        return [one for inner in value for one in floats(inner)]
    return [value] if isinstance(value, float) else []


def test_the_artifact_of_a_run_has_no_number_of_a_model(tmp_path, monkeypatch, capsys):
    project = Project(tmp_path / "workspace", backend=DirectBackend())
    project.train(write_people(tmp_path / "people.csv"), **OPTIONS)
    project.requests.add(["p3"])
    whole = project.requests.run()
    assert floats(whole["runs"])
    kept = lasting_runs(whole)
    assert floats(kept["runs"]) == []
    (run,) = kept["runs"]
    assert (run["requests"], run["request_id"], run["guarantee"]) == (["q1"], "r1", "exact")
    assert run["models"] == [{**run["models"][0], "model_before": "m1", "model_after": "m2"}]
    asked = {"job": "run requests", "workspace": str(project.root), "due": ""}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asked)))
    try:
        scheduled.main()
    except SystemExit as ended:
        assert ended.code == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []


def test_of_a_check_that_failed_the_words_stay():
    failed = [
        {"requests": ["q1"], "error": "no nearer: 1.02 of 1.5", "exit_status": 1},
        {"requests": ["q2"], "error": "line 17 is too long", "exit_status": 2},
    ]
    kept = lasting_runs({"runs": [], "failed": failed})["failed"]
    assert [one["error"] for one in kept] == ["no nearer: … of …", "line 17 is too long"]
