"""Operators and the page on Airflow, run in an environment of its own: `make test-airflow`."""

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.airflow_servers import ENDED, PROGRAMS, environment_of, running_airflow, until
from fixtures.airflow_story import GONE, placed, write_table
from fixtures.scheduled_machine import NOBODY, machine_in
from fixtures.warm_python import warm_python
from lineage_store.mlmd import Metadata
from lineage_store.workspace import writing
from lineage_store.workspace.metadata_address import sqlite_file
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

TOP = Path(__file__).parents[2]
OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes"}
LAUNCHER = "tfx.orchestration.portable.launcher.Launcher"
KILLS = [
    ("run-requests", "pipelines.runs.forget.log_asked", 1),  # it is planned
    ("run-requests", f"{LAUNCHER}.launch", 3),  # the data have passed the gate
    ("run-requests", f"{LAUNCHER}._publish_successful_execution", 6),  # the model has learnt anew
    ("run-requests", "unlearning.erasure.erase.scan_apart", 2),  # it erases
    (
        "run-requests",
        f"{LAUNCHER}.launch",
        3,
    ),  # it has erased, and is to be certified
]
OPERATORS = """
import fcntl, json, socket, sys
from types import SimpleNamespace

from airflow.exceptions import AirflowException
from unweave.airflow import AuditOperator, RunRequestsOperator, TrainOperator

heavy = {"components", "lineage_store", "numpy", "pipelines", "tensorflow", "unlearning", "unweave"}
brought = sorted(name for name in sys.modules if name.partition(".")[0] in heavy)
given = json.load(sys.stdin)
here = {"workspace": given["workspace"], "command": given["command"], "host": socket.gethostname()}


def told(operator, conf=None, *, runs=1, extra=None):
    context = {
        "dag": SimpleNamespace(dag_id="d", max_active_runs=runs),
        "dag_run": SimpleNamespace(conf=conf),
        "triggering_dataset_events": {"asked": [SimpleNamespace(extra=extra)]},
    }
    try:
        done = operator.poke(context)
    except AirflowException as error:
        return [type(error).__name__, str(error)]
    return done if isinstance(done, bool) else done.xcom_value


forget = RunRequestsOperator(task_id="forget", **here)
found = {"brought": brought, "templates": list(forget.template_fields)}
with open(given["workspace"] + "/lock", "a") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    found["busy"] = told(forget)
found["ran"] = told(forget, {"requests": ["q1"]}, extra={"from_rest_api": True})
found["ran again"] = told(forget, {"requests": ["q1"]})
found["unknown"] = told(forget, {"requests": ["q99"]})
found["named"] = [
    told(forget, conf, extra=extra)
    for conf, extra in (
        ({"subject": given["name"]}, None),
        ({"requests": [given["name"]]}, None),
        ({"requests": given["name"]}, None),
        ({}, {"from_rest_api": True, "note": given["name"]}),
        ({}, {"requests": ["q1 " + given["name"]]}),
    )
]
found["several"] = told(forget, runs=16)
found["elsewhere"] = told(RunRequestsOperator(task_id="f", **{**here, "host": "ml-01"}))
found["audited"] = told(AuditOperator(task_id="audit", **here))
train = {**here, "workspace": given["workspace"] + "-2", "command": given["cold"]}
asked = ["--csv", given["csv"], "--label-column", "label"]
found["key"] = told(TrainOperator(task_id="t", arguments=asked, key_conn_id="unweave_key", **train))
none = TrainOperator(task_id="n", arguments=asked, key_conn_id="no_key", **train)
found["no key"] = told(none)
print(json.dumps(found))
"""


def test_operators_run_commands_and_refuse_names_other_machines_and_runs_side_by_side(tmp_path):
    environment = environment_of(tmp_path / "airflow")
    machine = machine_in(tmp_path)
    cold = tmp_path / "unweave"
    cold.write_text(f'#!/bin/sh\nPYTHONPATH={TOP} exec {sys.executable} -m unweave "$@"\n')
    cold.chmod(0o755)
    asked = {
        "workspace": str(machine.workspace),
        "command": machine.placed("/opt/unweave/.venv/bin/unweave"),
        "cold": str(cold),
        "csv": str(tmp_path / "people.csv"),
        "name": NOBODY,
    }
    connections = {
        "AIRFLOW_CONN_UNWEAVE_KEY": json.dumps({"conn_type": "generic", "password": "four"}),
        "AIRFLOW_CONN_NO_KEY": json.dumps({"conn_type": "generic"}),
    }
    done = subprocess.run(
        [PROGRAMS / "python", "-W", "ignore", "-c", OPERATORS],
        env={**environment, **connections}, input=json.dumps(asked), text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["brought"] == [
        "lineage_store", "lineage_store.without_numbers", "unweave", "unweave.airflow"
    ]  # fmt: skip
    assert found["templates"] == []
    assert found["busy"] is False
    assert found["ran"] == {"runs": [], "settled": ["q1"], "left": {}}
    assert found["ran again"] == {"runs": [], "settled": [], "left": {}}
    assert found["unknown"][0] == "AirflowFailException"
    assert "ended with status 3: There is no such request" in found["unknown"][1]
    assert {kind for kind, _ in found["named"]} == {"AirflowFailException"}
    assert {NOBODY in said for _, said in found["named"]} == {False}
    assert "delete this run" in found["named"][0][1]
    assert "give it max_active_runs=1" in found["several"][1]
    assert (
        f"This worker is {socket.gethostname()}, and the workspace lies on ml-01"
        in (found["elsewhere"][1])
    )
    assert found["audited"] == [  # that machine's request was filed by a clock that is ahead
        "AirflowFailException",
        "unweave audit ended with status 1: it found 1, which `unweave audit` tells there",
    ]
    assert found["key"][0] == "AirflowFailException"
    assert re.search(r"secret file /proc/self/fd/\d+ holds 4 bytes", found["key"][1])
    assert "no_key has no password" in found["no key"][1]
    assert NOBODY not in done.stderr


def audits_after(airflow, run):
    """The audits that came of a run that forgot, once they have ended and nobody reads any more."""
    ended = airflow.task("churn-forget", run, "forget")["end_date"]
    audits = airflow.runs("churn-audit")
    if any(one["state"] not in ENDED for one in audits):
        return []
    return [one for one in audits if one["start_date"] > ended]


@pytest.mark.tfx
def test_the_page_on_airflow_trains_forgets_and_audits_on_a_running_scheduler(tmp_path):
    environment_of(tmp_path)
    dags, workspace = tmp_path / "dags", tmp_path / "churn"
    dags.mkdir()
    program, kills = tmp_path / "unweave", tmp_path / "kills"
    killed = shlex.join([*map(str, warm_python()), "-m", "tests.faults.killed_command", str(kills)])
    program.write_text(f'#!/bin/sh\nPYTHONPATH={TOP}:{TOP}/tests exec {killed} "$@"\n')
    program.chmod(0o755)
    kills.write_text(json.dumps(KILLS))
    table = write_table(tmp_path / "people.csv")
    for page in ("airflow", "requests"):
        definitions, *_ = placed(f"{page}.md", tmp_path)
        (dags / f"{page}.py").write_text(definitions, encoding="utf-8")
    names = ("churn-train", "churn-forget", "churn-audit", "run-requests")
    project = Project(workspace, backend=DirectBackend(), reveal=True)
    with running_airflow(tmp_path / "airflow", dags, known=names) as airflow:
        run = airflow.trigger("churn-train")
        assert airflow.ends("churn-train", run) == "success"
        assert "m1" in airflow.passed_on("churn-train", run, "train")

        # By REST, and killed in every phase: tried again, it ends what was begun.
        project.requests.add(GONE[:1])
        run = airflow.trigger("churn-forget", {"requests": ["q1"]})
        assert airflow.ends("churn-forget", run) == "success"
        assert json.loads(kills.read_text()) == []
        assert airflow.task("churn-forget", run, "forget")["try_number"] == len(KILLS) + 1
        (certificate,) = workspace.glob("requests/*/certificate.json")
        assert verify(certificate, public_key=workspace / "keys/public.pem")["ok"]

        # Its end is an event, which has the workspace audited.
        (audit,) = until(lambda: audits_after(airflow, run))
        assert (audit["run_type"], audit["state"]) == ("dataset_triggered", "success")

        # A workspace in use is waited for, and that is no other try.
        with writing(workspace, create=False):
            run = airflow.trigger("churn-forget")
            waits = "up_for_reschedule"
            until(lambda: airflow.task("churn-forget", run, "forget")["state"] == waits)
        assert airflow.ends("churn-forget", run) == "success"
        assert airflow.task("churn-forget", run, "forget")["try_number"] == 1
        until(lambda: audits_after(airflow, run))

        # By an event, with nothing in it.
        project.requests.add(GONE[1:2])
        before = len(airflow.runs("churn-forget"))
        airflow.ask("datasets/events", {"dataset_uri": "unweave://churn/asked"})
        *_, last = until(lambda: (now := airflow.runs("churn-forget"))[before:] and now)
        assert last["run_type"] == "dataset_triggered"
        assert airflow.ends("churn-forget", last["dag_run_id"]) == "success"
        assert project.requests.show("q2")["state"] == "done"
        until(lambda: audits_after(airflow, last["dag_run_id"]))

        # As a TFX pipeline: a task for each component.
        project.requests.add(GONE[2:])
        run = airflow.trigger("run-requests")
        assert airflow.ends("run-requests", run) == "success"
        assert airflow.tasks("run-requests", run) == {"RequestRunner": "success"}
        assert project.requests.show("q3")["state"] == "done"
        store = Metadata(sqlite_file(workspace / "schedule.sqlite"), create=False).store
        (ran,) = store.get_executions()
        assert ran.properties["component_id"].string_value == "RequestRunner"

        run = airflow.trigger("churn-forget", {"subject": "person-03"})
        assert airflow.ends("churn-forget", run) == "failed"
        assert airflow.task("churn-forget", run, "forget")["try_number"] == 1
    assert project.audit()["findings"] == []
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True)
    given = write_table(tmp_path / "without.csv", without=GONE)
    made = twin.train(given, key_file=workspace / "keys/secret", **OPTIONS)
    assert project.models()[-1]["weights_digest"] == made["weights_digest"]
    logs = [path for path in (tmp_path / "airflow").rglob("*") if path.is_file()]
    assert logs and table.exists()
    for path in logs:
        assert not any(name.encode() in path.read_bytes() for name in (*GONE, "person-03")), path
