"""A deletion through TFX killed between every two of its records, and ended by the same command.

Records are those of the workspace (what is asked, the plan, the log), of TFX in MLMD (a component
begins, a component's outputs are published) and of the lineage, which the last component writes in
a process of its own. Real processes and SIGKILL; naive Bayes, since what is trained does not matter
here.
"""

import csv
import json
import os
import random
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from fixtures.warm_python import warm_python
from lineage_store.mlmd import Metadata, pb
from lineage_store.workspace import open_workspace
from tests.faults.ends import FORGOTTEN, state_of
from unweave import Project, verify

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
OPTIONS = {"label": "label", "subject": "person", "model_family": "naive-bayes", "shards": 1}
FORGET = """
import json, os, sys
from tests.faults.fork_server import kill_at
from unweave import Project

root, subject, at, whom = json.loads(sys.stdin.read())
if at:
    import pipelines.definitions.deletion
    if whom:
        pipelines.definitions.training.RECORDING = "tests.faults.killed_recording"
        others = [os.getpid()] if whom == "all" else []
        os.environ["KILLED_AT"] = json.dumps([*at, others])
    else:
        kill_at(*at)
Project(root).forget([subject], guarantee="exact")
"""
LAUNCHER = "tfx.orchestration.portable.launcher.Launcher"
COMPONENTS = (
    "the planner", "ExampleGen", "StatisticsGen", "SchemaGen", "an importer", "another importer",
    "the indexer", "the unlearner", "the checker", "the pusher", "the recorder", "the eraser",
    "the certifier", "the one that records the run",
)  # fmt: skip
RECORDER = "components.run_recorder.RunRecorder"
COMPLETE, FAILED = pb.Execution.COMPLETE, pb.Execution.FAILED
IMPORTERS = 2  # publish what they find themselves
PLACES = {
    "the request is recorded": ("pipelines.runs.forget.save_open", 1),
    "the open file is sealed": ("pipelines.runs.forget.save_plan", 1),
    "the plan is written": ("pipelines.runs.forget.log_asked", 1),
    "the request is logged": ("lineage_store.index.signed_log.sign_log", 1),
    "the head is signed": ("pipelines.runs.forget._changes", 1),
    "the data pass the gate again": ("pipelines.backends.tfx_local.run_locally", 1),
    **{
        f"{number} components have ended": (f"{LAUNCHER}.launch", number + 1)
        for number in range(len(COMPONENTS))
    },
    **{
        f"what component {number} made is to be published": (
            f"{LAUNCHER}._publish_successful_execution",
            number,
        )
        for number in range(1, len(COMPONENTS) - IMPORTERS + 1)
    },
    "the pipeline has ended": ("pipelines.backends.public_record.record_deletion", 1),
    "all is recorded": ("pipelines.runs.forget.forget_open_file", 1),
}
# In the process that records.
RECORDING = {
    "the new model is to be ingested": ("pipelines.backends.public_record.ingest_model", 1),
    "the old model is to be marked": ("pipelines.backends.public_record._mark_deleted", 1),
    "the deletion is to be ingested": ("pipelines.backends.public_record.ingest_deletion", 1),
}


def forget(root, at=None, whom=None, *, subject=FORGOTTEN):
    done = subprocess.run(
        [*warm_python(), "-c", FORGET],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(TOP), str(TOP / "tests")))},
        input=json.dumps([str(root), subject, at, whom]),
        text=True,
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A workspace with one model that a pipeline made; never written to after this."""
    here = tmp_path_factory.mktemp("killed")
    draw = random.Random(4)
    people = [FORGOTTEN, *(f"person-{n:02d}" for n in range(11))]
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "town", "label"])
        for n in range(120):
            out.writerow([people[n % 12], draw.choice(["Ulm", "Hof"]), draw.choice("xy")])
    Project(here / "workspace").train(here / "people.csv", **OPTIONS)
    return here / "workspace"


@pytest.fixture(scope="module")
def undisturbed(original, tmp_path_factory):
    """The weights that the same deletion gives in peace, and what MLMD counts then."""
    root = Path(shutil.copytree(original, tmp_path_factory.mktemp("undisturbed") / "workspace"))
    status, said = forget(root)
    assert status == 0, said
    return state_of(root)[1]["m2"], lineage_of(root)


def lineage_of(root):
    """Count what MLMD has of the lineage, by type and state."""
    store = Metadata.of(open_workspace(root)).store
    kinds = {one.id: one.name for one in store.get_artifact_types()}
    found = [(kinds[one.type_id], one.state) for one in store.get_artifacts() if one.external_id]
    deletions = len(store.get_executions_by_type("lineage.Deletion"))
    assemblies = len(store.get_executions_by_type("lineage.Assembly"))
    return sorted(found), deletions, assemblies


@pytest.mark.parametrize("place", [*PLACES, *RECORDING])
def test_a_deletion_killed_between_two_records_ends_as_if_it_was_not(
    original, undisturbed, tmp_path, place
):
    root = Path(shutil.copytree(original, tmp_path / "workspace"))
    if place in PLACES:
        status, said = forget(root, PLACES[place])
    else:
        status, said = forget(root, RECORDING[place], "all")
    assert status == -signal.SIGKILL, said
    status, said = forget(root)
    assert status == 0, said
    assert_ended(root, undisturbed)


@pytest.mark.parametrize("place", RECORDING)
def test_where_only_what_records_was_killed_the_command_records_itself(
    original, undisturbed, tmp_path, place
):
    root = Path(shutil.copytree(original, tmp_path / "workspace"))
    status, said = forget(root, RECORDING[place], "alone")
    assert status == 0, said
    failed = Metadata.of(open_workspace(root)).store.get_executions_by_type(RECORDER)
    assert [one.last_known_state for one in failed] == [COMPLETE, FAILED]
    assert_ended(root, undisturbed)


def test_what_a_killed_run_made_of_those_who_stay_is_not_in_the_way_of_the_next(original, tmp_path):
    root = Path(shutil.copytree(original, tmp_path / "workspace"))
    status, said = forget(root, PLACES["what component 6 made is to be published"])
    assert status == -signal.SIGKILL, said
    assert forget(root)[0] == 0
    (examples,) = root.glob("tfx/forget-r1/GatedExampleGen_m1/examples/*")
    status, said = forget(root, subject="person-01")
    assert status == 0, said
    assert not examples.exists()
    assert Project(root).audit()["findings"] == []


def assert_ended(root, undisturbed):
    """Say that a deletion has come to its one end."""
    asked, weights, states, events = state_of(root)
    assert (asked, states) == (["done"], ["deleted", "live"])
    assert (weights["m2"], lineage_of(root)) == undisturbed
    assert events == ["model made", "deletion asked", "model made", "rows deleted"]
    (certificate,) = (root / "requests").rglob("certificate.json")
    assert verify(certificate, public_key=root / "keys/public.pem")["ok"]
    files = [path for path in root.rglob("*") if path.is_file()]
    assert not any(FORGOTTEN.encode() in path.read_bytes() for path in files)
    assert not any((root / one).exists() for one in ("data/m1", "requests/r1/open.sealed"))
    assert Project(root).audit()["findings"] == []
