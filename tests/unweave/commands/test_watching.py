"""Who is at work is watched until they are done, and nobody who was killed is waited for."""

import json
from threading import Event, Thread
from time import monotonic

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.workspace import working
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.commands import watching


@pytest.mark.parametrize("as_json", [False, True])
def test_status_tells_how_far_somebody_is_until_they_are_done(tmp_path, monkeypatch, as_json):
    root = tmp_path / "workspace"
    Project(root, backend=DirectBackend()).train(write_people(tmp_path / "p.csv"), **OPTIONS)
    monkeypatch.setattr(watching, "SECONDS", 0.01)
    told, said = Event(), watching.say
    lines = []

    def work():
        with working(root, since="2026-05-20T12:00:00", clock=monotonic) as tell:
            tell("steps", 3, 10)
            started.set()
            told.wait(10)

    def say(line, *, err):
        lines.append(line)
        told.set()
        said(line, err=err)

    started = Event()
    monkeypatch.setattr(watching, "say", say)
    worker = Thread(target=work)
    worker.start()
    assert started.wait(10)
    if as_json:
        told.set()  # nothing but the object stands on standard output
    asked = ["status", "--watch", "--workspace", str(root), *(["--json"] if as_json else [])]
    found = CliRunner().invoke(commands, asked)
    worker.join()
    assert found.exit_code == 0
    if as_json:
        assert json.loads(found.stdout)["at_work"] is None
    else:
        assert "steps 3 of 10" in lines[0] and "event log" in found.stdout
