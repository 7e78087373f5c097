"""Training and deletion as DAGs with a task for each component, on a running scheduler.

First of all that a scheduler parses them before there is anything; then as the page tells it.
"""

import contextlib
import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from ml_metadata.proto.metadata_store_pb2 import Execution

from fixtures import SMALL_MODEL
from fixtures.airflow_servers import PROGRAMS, environment_of, running_airflow, until
from fixtures.airflow_story import GONE, placed, write_table
from fixtures.warm_python import warm_python
from lineage_store.mlmd import Metadata
from lineage_store.workspace import open_workspace
from pipelines.backends.tfx_local import TfxBackend
from unweave import Project, verify

TOP = Path(__file__).parents[2]
FOR_A_COMMAND = ('with DAG("churn-train"', 'with DAG("churn-forget"')
MODULE = ["--module", SMALL_MODEL, "--shards", "2", "--slices", "2", "--epochs", "2"]
OPTIONS = {"module": SMALL_MODEL, "shards": 2, "slices": 2, "epochs": 2}
COLUMNS = {"label": "label", "subject": "person"}
COMPLETE, CACHED = Execution.COMPLETE, Execution.CACHED
LAUNCHER = "tfx.orchestration.portable.launcher.Launcher"
KILLS = [
    ("run-requests", "pipelines.runs.forget.log_asked", 1),  # it is planned
    ("GatedExampleGen_m1", f"{LAUNCHER}.launch", 1),
    ("Unlearner_m1", f"{LAUNCHER}._publish_successful_execution", 1),  # it has learnt anew
    ("Eraser", "unlearning.erasure.erase.scan_apart", 2),  # it has erased
    ("Certifier", f"{LAUNCHER}._publish_successful_execution", 1),  # there is a certificate
]
PARSED = """
import sys, time
start = time.process_time()
with open(sys.argv[1]) as file:
    exec(file.read())
ours = {"components", "lineage_store", "pipelines", "unlearning", "unweave"}
brought = [name for name in sys.modules if name.partition(".")[0] in ours]
print(time.process_time() - start, bool(sys.modules.keys() & {"tfx", "tensorflow"}), len(brought))
"""


def definitions_in(root):
    """The page's definitions with the tasks of components, of a model whose bits may differ."""
    first, second = placed("airflow.md", root)
    kept = [part for part in first.split("\n\n") if not part.startswith(FOR_A_COMMAND)]
    assert len(kept) == 3
    family = '"--family", "naive-bayes"'
    assert family in first
    return "\n\n".join([*kept, second]).replace(family, json.dumps(MODULE)[1:-1])


def ran(root, run):
    """The components that MLMD says have ended well in a run, with the states of each."""
    store = Metadata.of(open_workspace(root)).store
    found = {}
    for context in store.get_contexts_by_type("node"):
        pipeline, _, component = context.name.partition(".")
        if pipeline == run:
            executions = store.get_executions_by_context(context.id)
            found[component] = [one.last_known_state for one in executions]
            assert sum(one in (COMPLETE, CACHED) for one in found[component]) == 1, component
    return found


def told(tasks, replaced=()):
    """The components that tasks say have run."""
    return {
        name if place < 0 else f"{name.removeprefix('model.')}_{replaced[place]}"
        for (name, place), one in tasks.items()
        if one["state"] == "success" and name != "gate"
    }


def skipped(tasks):
    return {name.removeprefix("model.") for (name, _), one in tasks.items()
            if one["state"] == "skipped"}  # fmt: skip


def audit_of(airflow, before):
    """The one more audit that there is, once it has ended."""
    (audit,) = until(lambda: airflow.runs("churn-audit")[before:])
    assert audit["run_type"] == "dataset_triggered"
    return airflow.ends("churn-audit", audit["dag_run_id"])


def test_a_scheduler_parses_the_definitions_before_there_is_anything(tmp_path):
    environment = environment_of(tmp_path / "airflow")
    file = tmp_path / "tasks.py"
    file.write_text(definitions_in(tmp_path), encoding="utf-8")
    done = subprocess.run(
        [PROGRAMS / "python", "-W", "ignore", "-c", PARSED, file],
        env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    seconds, heavy, brought = done.stdout.splitlines()[-1].split()
    assert (heavy, int(brought) < 12) == ("False", True)
    assert float(seconds) < 4
    assert not (tmp_path / "churn").exists()
    several = file.read_text().replace('"max_active_tasks": 1, ', "")
    file.write_text(several, encoding="utf-8")
    done = subprocess.run(
        [PROGRAMS / "python", "-W", "ignore", file],
        env=environment, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert "The DAG churn-train may run several tasks at once" in done.stderr


@contextlib.contextmanager
def running_the_page(tmp_path, *, kills=()):
    """A running Airflow with the page's DAGs; the calls of the program are killed at some places.

    What the progress file told when one was killed is a line each in `phases`.
    """
    environment_of(tmp_path)
    dags, root = tmp_path / "dags", tmp_path / "churn"
    dags.mkdir()
    program, places, phases = (tmp_path / name for name in ("unweave", "kills", "phases"))
    python = [*map(str, warm_python()), "-m", "tests.faults.killed_command", str(places)]
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH={TOP}:{TOP}/tests {shlex.join(python)} "$@"\nstatus=$?\n'
        f"[ $status -lt 128 ] || cat {root}/at-work.json >>{phases}\nexit $status\n"
    )
    program.chmod(0o755)
    places.write_text(json.dumps(kills))
    (dags / "tasks.py").write_text(definitions_in(tmp_path), encoding="utf-8")
    names = ("churn-train", "churn-forget", "churn-audit")
    with running_airflow(tmp_path / "airflow", dags, known=names) as airflow:
        yield airflow
    assert json.loads(places.read_text()) == []
    for path in (one for one in (tmp_path / "airflow").rglob("*") if one.is_file()):
        assert not any(name.encode() in path.read_bytes() for name in GONE), path


def must_be_alike(project, other):
    """Hold that all models of two workspaces have the same bits, and what the first says is so."""
    assert project.audit(replay=4)["findings"] == []
    assert project.doctor()["ok"]
    digests = [[one["weights_digest"] for one in each.models()] for each in (project, other)]
    assert digests[0] == digests[1]


@pytest.mark.tfx
def test_the_page_s_dags_have_a_task_for_each_component_and_are_killed_five_times(tmp_path):
    given, root = write_table(tmp_path / "people.csv"), tmp_path / "churn"
    project = Project(root, backend=TfxBackend(), reveal=True)
    with running_the_page(tmp_path, kills=KILLS) as airflow:
        training = airflow.trigger("churn-train")
        assert airflow.ends("churn-train", training) == "success"
        tasks = airflow.mapped_tasks("churn-train", training)
        assert told(tasks) == ran(root, "train-m1").keys()
        assert skipped(tasks) == {"StatisticsGen", "ExampleValidator", "BaseLedger"}
        assert project.audit(replay=4)["findings"] == []

        project.requests.add(GONE[:1])
        run = airflow.trigger("churn-forget", {"requests": ["q1"]})
        assert airflow.ends("churn-forget", run) == "success"
        phases = (tmp_path / "phases").read_text().splitlines()
        assert len({json.loads(one)["what"] for one in phases}) == len(phases) == len(KILLS)
        tasks = airflow.mapped_tasks("churn-forget", run)
        assert sorted(name for (name, _), one in tasks.items() if one["try_number"] == 2) == [
            "Certifier", "Eraser", "gate", "model.GatedExampleGen", "model.Unlearner"
        ]  # fmt: skip
        assert told(tasks, ["m1"]) == ran(root, "forget-r1").keys()
        (certificate,) = root.glob("requests/*/certificate.json")
        assert verify(certificate, public_key=root / "keys/public.pem")["ok"]
        assert audit_of(airflow, 0) == "success"

        # A task of the training, run again: its model has ended.
        again = {"task_ids": ["LineageTrainer"], "dag_run_id": training, "only_failed": False,
                 "include_downstream": True, "reset_dag_runs": True, "dry_run": False}  # fmt: skip
        airflow.ask("dags/churn-train/clearTaskInstances", again)
        assert airflow.ends("churn-train", training) == "failed"
        assert [one["state"] for one in project.models()] == ["deleted", "live"]
    here = Project(tmp_path / "local", backend=TfxBackend(), reveal=True)
    here.train(given, key_file=root / "keys/secret", **COLUMNS, **OPTIONS)
    here.forget(GONE[:1])
    must_be_alike(project, here)


@pytest.mark.tfx
def test_an_event_has_two_models_forget_of_which_one_starts_from_the_other(tmp_path):
    given, root = write_table(tmp_path / "people.csv"), tmp_path / "churn"
    project = Project(root, backend=TfxBackend(), reveal=True)
    project.train(given, **COLUMNS, **OPTIONS)
    project.train(given, base="m1", **COLUMNS, **OPTIONS)
    shutil.copytree(root, tmp_path / "local")
    with running_the_page(tmp_path) as airflow:
        # Where nothing is due, nothing runs, and no asset is updated.
        run = airflow.trigger("churn-forget")
        assert airflow.ends("churn-forget", run) == "success"
        assert told(airflow.mapped_tasks("churn-forget", run)) == set()

        for number, person in enumerate(GONE[:2], start=1):
            project.requests.add([person])
            airflow.ask("datasets/events", {"dataset_uri": "unweave://churn/asked"})
            begun = until(lambda number=number: airflow.runs("churn-forget")[number:])
            assert [one["run_type"] for one in begun] == ["dataset_triggered"]
            run = begun[0]["dag_run_id"]
            assert airflow.ends("churn-forget", run) == "success"
            assert project.requests.show(f"q{number}")["state"] == "done"
            states = ran(root, f"forget-r{number}")
            before = [["m1", "m2"], ["m3", "m4"]][number - 1]
            assert told(airflow.mapped_tasks("churn-forget", run), before) == states.keys()
            # Nothing comes from a cache but the names of what is there.
            cached = {name for name, one in states.items() if one != [COMPLETE]}
            assert {name[:3] for name in cached} == {"Old"}
            assert audit_of(airflow, number - 1) == "success"
        assert len(airflow.runs("churn-audit")) == 2
    here = Project(tmp_path / "local", backend=TfxBackend(), reveal=True)
    for person in GONE[:2]:
        here.forget([person])
    must_be_alike(project, here)
