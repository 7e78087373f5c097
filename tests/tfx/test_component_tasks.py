"""Runs that are left open, and their components run one by one, each by a session of its own."""

import json
import shutil
from contextlib import closing, suppress

import pytest

from components import own_process
from fixtures import SMALL_MODEL
from fixtures.small_table import OPTIONS, write_people
from fixtures.warm_python import WarmSys
from lineage_store.errors import (
    BadInput,
    CheckFailed,
    MetadataLost,
    MetadataUnavailable,
    Unfinished,
    WorkspaceBusy,
)
from lineage_store.index.database import read_index
from lineage_store.log import events as eventlog
from lineage_store.mlmd import Metadata
from lineage_store.workspace import open_workspace
from pipelines.backends.direct import DirectBackend
from pipelines.backends.tfx_local import TfxBackend
from pipelines.by_tasks import one_component
from pipelines.by_tasks.launching import launch
from pipelines.by_tasks.program import program
from pipelines.by_tasks.tasks_backend import TasksBackend
from pipelines.definitions import BRANCH, DELETION, TRAINING
from unweave import Project, verify
from unweave.api.one_component import run_one_component
from unweave.session.session import Session

pytestmark = pytest.mark.tfx

KERAS = {"label": "label", "subject": "person", "shards": 2, "slices": 2, "epochs": 2}


@pytest.fixture(autouse=True)
def _warm(monkeypatch):
    monkeypatch.setitem(vars(own_process), "sys", WarmSys())


def run_one(root, component, run):
    return run_one_component(Session(root=root), component, run=run)["outcome"]


def left_open(root, run):
    """What an open run's file says each of its components comes after."""
    kept = json.loads((root / f"tfx/{run}/open-run.json").read_text())
    compiled = json.loads(kept["pipeline"])
    nodes = [one["pipelineNode"] for one in compiled["nodes"]]
    return {one["nodeInfo"]["id"]: set(one.get("upstreamNodes", ())) for one in nodes}


def run_all(root, run):
    """Run the components of an open run in an order that an orchestrator may choose."""
    for component in left_open(root, run):
        assert run_one(root, component, run) == "has run"


def shaped(parts, *, replaced=()):
    """What the shapes say of components that are there, as the compiled pipeline would say it."""
    shapes = {**TRAINING}
    if replaced:
        shapes = {f"{name}_{model}": tuple(f"{one}_{model}" for one in after)
                  for model in replaced for name, after in BRANCH.items()}  # fmt: skip
        shapes |= DELETION
        shapes["Eraser"] = tuple(f"ModelRecorder_{model}" for model in replaced)
    return {name: set(shapes[name]) & parts.keys() for name in parts}


def kinds_of(root):
    with closing(read_index(root / "unweave.sqlite")) as connection:
        return [one.kind for one in eventlog.events(connection)]


def test_components_run_one_by_one_make_what_localdagrunner_makes(tmp_path):
    secret, given = tmp_path / "secret", write_people(tmp_path / "people.csv")
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    root = tmp_path / "ws"
    project = Project(root, backend=TasksBackend(), reveal=True)
    options = {**OPTIONS, "key_file": secret}
    with pytest.raises(BadInput, match="leave out `name`"):
        project.train(given, name="churn", **options)
    assert project.train(given, **options) == {"run": "train-m1", "replaced": []}
    with pytest.raises(WorkspaceBusy, match="Pusher comes after LineageTrainer"):
        run_one(root, "Pusher", "train-m1")
    parts = left_open(root, "train-m1")
    assert parts == shaped(parts)
    assert "metadata.sqlite" not in (root / "tfx/train-m1/open-run.json").read_text()
    assert run_one(root, "StatisticsGen", "train-m1") == "is no part of it"
    run_all(root, "train-m1")
    assert project.audit()["findings"] == []
    assert run_one(root, "RunRecorder", "train-m1") == "its run has ended"

    project.requests.add(["p3"])
    assert project.requests.run() == {"run": "forget-r1", "replaced": ["m1"]}
    parts = left_open(root, "forget-r1")
    assert parts == shaped(parts, replaced=["m1"])
    run_all(root, "forget-r1")
    assert run_one(root, "Eraser", "forget-r1") == "its run has ended"
    assert project.requests.show("q1")["state"] == "done"
    assert project.audit(replay=4)["findings"] == []
    assert project.doctor()["ok"]
    (certificate,) = root.glob("requests/*/certificate.json")
    assert verify(certificate, public_key=root / "keys/public.pem")["ok"]
    kinds = [one for one in kinds_of(root) if not one.startswith("request")]
    assert kinds == ["model made", "deletion asked", "model made", "rows deleted"]
    assert not list(root.rglob("open-run.json"))

    with pytest.raises(CheckFailed, match="The model of train-m1 has ended"):
        run_one(root, "LineageTrainer", "train-m1")
    with pytest.raises(BadInput, match="There is no open run train-m7"):
        run_one(root, "LineageTrainer", "train-m7")
    ran = project.requests.run()
    assert (ran["runs"], ran["left"]) == ([], {})

    here = Project(tmp_path / "local", backend=TfxBackend(), reveal=True)
    here.train(given, **options)
    here.forget(["p3"])
    places, both = (root, tmp_path / "local"), []
    for place in places:
        store = Metadata.of(open_workspace(place)).store
        types = {kind.id: kind.name for kind in store.get_execution_types()}
        both.append(sorted(types[one.type_id] for one in store.get_executions()))
    assert both[0] == both[1]
    digests = [[one["weights_digest"] for one in each.models()] for each in (project, here)]
    assert digests[0] == digests[1]


class Gone(BaseException):
    """The process of a component is gone, as if it was killed."""


def test_each_component_that_is_killed_at_its_end_is_made_anew(tmp_path, monkeypatch):
    from tfx.orchestration.portable.launcher import Launcher

    given, root = write_people(tmp_path / "people.csv"), tmp_path / "ws"
    project = Project(root, backend=TasksBackend())
    publish, killed = Launcher._publish_successful_execution, set()

    def gone_at_first(launcher, *arguments):
        name = launcher._pipeline_node.node_info.id
        if name not in killed:
            killed.add(name)
            raise Gone
        publish(launcher, *arguments)

    monkeypatch.setattr(Launcher, "_publish_successful_execution", gone_at_first)

    def run_all_twice(run):
        killed.clear()
        parts = left_open(root, run)
        for component in parts:
            with suppress(Gone):  # but importers, which are no launcher's work
                run_one(root, component, run)
            assert run_one(root, component, run) in ("has run", "its run has ended")
        assert {one for one in parts if not one.startswith("Old")} == killed
        assert project.audit(replay=4)["findings"] == []

    project.train(given, **OPTIONS)
    run_all_twice("train-m1")
    project.requests.add(["p3"])
    project.requests.run()
    run_all_twice("forget-r1")
    assert project.doctor()["ok"]
    assert len(list(root.glob("requests/*/certificate.json"))) == 1
    assert len(list(root.glob("serving/*/*"))) == 1
    kinds = [one for one in kinds_of(root) if not one.startswith("request")]
    assert kinds == ["model made", "deletion asked", "model made", "rows deleted"]


def test_a_run_with_all_components_has_the_shape_that_is_known_before(tmp_path):
    given = write_people(tmp_path / "people.csv")
    root = tmp_path / "ws"
    by_tasks = Project(root, backend=TasksBackend())
    options = {**KERAS, "module": SMALL_MODEL, "statistics": "tfx"}
    by_tasks.train(given, **options)
    run_all(root, "train-m1")
    by_tasks.train(given, base="m1", **options)
    parts = left_open(root, "train-m2")
    assert parts == shaped(parts)
    assert TRAINING.keys() - parts.keys() == {"GatedStatisticsGen"}
    run_all(root, "train-m2")

    (root / "evaluation.json").write_text("{}")
    by_tasks.requests.add(["p3"])
    assert by_tasks.requests.run()["replaced"] == ["m1", "m2"]
    parts = left_open(root, "forget-r1")
    wanted = shaped(parts, replaced=["m1", "m2"])
    for name in ("Unlearner_m2", "DeletionChecker_m2"):
        wanted[name] |= {"Unlearner_m1"}  # which makes what the other starts from
    wanted["Unlearner_m2"] |= {"ModelRecorder_m1"}
    assert parts == wanted
    missing = {f"{name}_{model}" for name in BRANCH for model in ("m1", "m2")} - parts.keys()
    assert {one.partition("_")[0] for one in missing} == {"BaseLedger", "GatedStatisticsGen"}
    run_all(root, "forget-r1")
    assert by_tasks.audit()["findings"] == []


def test_what_fails_is_taken_back_and_what_others_carry_on_is_done(tmp_path, monkeypatch):
    given = write_people(tmp_path / "people.csv")
    root = tmp_path / "ws"
    by_tasks, here = (Project(root, backend=one) for one in (TasksBackend(), TfxBackend()))

    def fails_at(component):
        def failing(workspace, opened, name):
            if name == component:
                raise CheckFailed("It does not hold.")
            return launch(workspace, opened, name)

        monkeypatch.setattr(one_component, "launch", failing)

    by_tasks.train(given, **OPTIONS)
    fails_at("RowIndexer")
    with pytest.raises(CheckFailed):
        run_all(root, "train-m1")
    assert not [*root.glob("data/*"), *root.glob("tfx/*")]
    with pytest.raises(BadInput, match="There is no open run train-m1"):
        run_one(root, "LineageTrainer", "train-m1")

    by_tasks.train(given, **OPTIONS)
    fails_at(None)
    assert run_one(root, "GatedExampleGen", "train-m1") == "has run"
    here.train(given, **OPTIONS)  # another command clears away what is not registered
    with pytest.raises(BadInput, match="There is no open run train-m1"):
        run_one(root, "LineageTrainer", "train-m1")
    assert [one["state"] for one in here.models()] == ["live"]

    here.requests.add(["p3"])
    by_tasks.requests.run()
    fails_at("DeletionChecker_m1")
    with pytest.raises(CheckFailed):
        run_all(root, "forget-r1")
    assert here.requests.show("q1")["state"] == "waiting"
    assert kinds_of(root)[-1] == "deletion taken back"
    assert not list(root.glob("tfx/forget*"))

    fails_at(None)
    by_tasks.requests.run()
    run_one(root, "DeletionPlanner_m1", "forget-r1")
    here.requests.run()  # another command finishes it
    assert run_one(root, "Unlearner_m1", "forget-r1") == "its run has ended"
    assert here.requests.show("q1")["state"] == "done"
    assert len(list(root.glob("requests/*/certificate.json"))) == 1
    assert here.audit()["findings"] == []


def test_workers_are_refused_before_anything_is_begun(tmp_path):
    given, root = write_people(tmp_path / "people.csv"), tmp_path / "ws"
    by_tasks = Project(root, backend=TasksBackend(), workers=2)
    with pytest.raises(BadInput, match="leave out `workers`"):
        by_tasks.train(given, **OPTIONS)
    assert not root.exists()
    Project(root, backend=DirectBackend()).train(given, **OPTIONS)
    before = kinds_of(root)
    by_tasks.requests.add(["p3"])
    with pytest.raises(BadInput, match="leave out `workers`"):
        by_tasks.requests.run()
    assert kinds_of(root) == [*before, "request queued"]


def test_a_run_is_a_name_and_no_path_to_what_says_which_code_runs(tmp_path):
    root, elsewhere = tmp_path / "ws", tmp_path / "elsewhere"
    Project(root, backend=TasksBackend()).train(write_people(tmp_path / "people.csv"), **OPTIONS)
    shutil.copytree(root / "tfx/train-m1", elsewhere)
    for run in ("../../elsewhere", str(elsewhere), "train-m1/.", "train-m1\n", "\0", "m" * 300, ""):
        with pytest.raises(BadInput, match="There is no open run"):
            run_one(root, "GatedExampleGen", run)
    assert [one.name for one in (root / "tfx/train-m1").iterdir()] == ["open-run.json"]


def test_a_copy_of_a_workspace_does_nothing_in_the_original(tmp_path):
    root, copy = tmp_path / "ws", tmp_path / "copy"
    project = Project(root, backend=TasksBackend())
    project.train(write_people(tmp_path / "people.csv"), **OPTIONS)
    shutil.copytree(root, copy)
    (tmp_path / "linked").symlink_to(root)
    with pytest.raises(Unfinished, match="was moved or copied since train-m1 was left open"):
        run_one(copy, "GatedExampleGen", "train-m1")
    assert [one.name for one in (root / "tfx/train-m1").iterdir()] == ["open-run.json"]
    assert run_one(tmp_path / "linked", "GatedExampleGen", "train-m1") == "has run"
    moved = root.rename(tmp_path / "moved")
    with pytest.raises(Unfinished, match="begin the run anew"):
        run_one(moved, "GatedStatisticsGen", "train-m1")
    assert not root.exists()


def test_another_program_carries_on_nothing(tmp_path, monkeypatch):
    given, root = write_people(tmp_path / "people.csv"), tmp_path / "ws"
    project = Project(root, backend=TasksBackend())
    project.train(given, **OPTIONS)
    assert run_one(root, "GatedExampleGen", "train-m1") == "has run"
    program.cache_clear()
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "1")
    with pytest.raises(Unfinished, match="changed since train-m1 was left open"):
        run_one(root, "GatedStatisticsGen", "train-m1")
    project.train(given, **OPTIONS)
    assert run_one(root, "GatedExampleGen", "train-m1") == "has run"
    program.cache_clear()


@pytest.mark.parametrize("damage", [None, b"x" * 5000])
def test_a_deletion_whose_ml_metadata_is_lost_gives_way_to_the_doctor(tmp_path, damage):
    """Else each waits for the other: neither by tasks nor otherwise would it ever be finished."""
    root = tmp_path / "ws"
    here = Project(root, backend=TfxBackend())
    here.train(write_people(tmp_path / "people.csv"), **OPTIONS)
    here.requests.add(["p3"])
    Project(root, backend=TasksBackend()).requests.run()
    (root / "metadata.sqlite").unlink()
    if damage:
        (root / "metadata.sqlite").write_bytes(damage)
    with pytest.raises(Unfinished):
        here.doctor(rebuild=True)
    with pytest.raises(MetadataLost, match="What was interrupted is taken back"):
        here.requests.run()
    assert here.requests.show("q1")["state"] == "waiting"
    assert here.doctor(rebuild=True)["ok"] and here.audit()["findings"] == []


def test_where_ml_metadata_does_not_answer_a_run_waits_and_damage_is_said(tmp_path, monkeypatch):
    root = tmp_path / "ws"
    project = Project(root, backend=TasksBackend())
    project.train(write_people(tmp_path / "people.csv"), **OPTIONS)

    def away(workspace, opened, component):
        raise MetadataUnavailable("It does not answer.")

    monkeypatch.setattr(one_component, "launch", away)
    with pytest.raises(MetadataUnavailable):
        run_one(root, "GatedExampleGen", "train-m1")
    monkeypatch.undo()
    assert run_one(root, "GatedExampleGen", "train-m1") == "has run"
    (root / "metadata.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(MetadataLost, match="is damaged"):
        run_one(root, "GatedStatisticsGen", "train-m1")
    assert not [*root.glob("tfx/*")]
