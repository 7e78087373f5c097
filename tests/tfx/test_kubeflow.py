"""Pipelines compiled for Kubeflow, and run from the compiled file alone (`fixtures.compiled_ir`).

First a small Keras model, whose bits depend on the process that trains it.
"""

import json
import os
import re
import shlex
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fixtures import SMALL_MODEL, compiled_ir
from fixtures.compiled_ir import Image, NotRun, local_paths, run_compiled
from fixtures.small_table import write_people
from fixtures.warm_python import warm_executable
from fixtures.warm_server import settings
from lineage_store.canonical import read_json
from lineage_store.index.database import read_index
from lineage_store.log import events as eventlog
from lineage_store.mlmd import Metadata
from lineage_store.workspace import open_workspace
from pipelines.backends.kubeflow import KubeflowBackend
from pipelines.backends.tfx_local import TfxBackend
from unlearning.planning import ModelPlan
from unlearning.planning.past_plan import past_plan
from unweave import Project, recording, verify

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
TRAINED = {"label": "label", "subject": "person", "shards": 2, "slices": 2, "epochs": 2}


class Gone(BaseException):
    """The command that waited for a pipeline is gone, as if it was killed."""


class Cluster:
    """Runs what is compiled, and keeps it; the secret is in the volume for containers alone."""

    def __init__(self, root):
        self.root, self.files, self.ran, self.refused = root, [], [], []
        self.ends_with = NotRun
        python = Path(warm_executable()).parent
        # With others than those of the forks of `warm_python`, each container is a real Python.
        self.variables = {
            **settings(os.environ),
            "PATH": f"{python}{os.pathsep}{os.defpath}",
            "PYTHONPATH": str(TOP),
        }

    def run(self, file):
        compiled = json.loads(file.read_text(encoding="utf-8"))
        self.files.append(compiled)
        inside, outside = self.root / "keys/secret", self.root.with_name("mounted-secret")
        inside.rename(outside)
        image = Image(self.variables, outside, inside)
        try:
            if wrong := self.refused:
                file.write_text(json.dumps(renamed(compiled, wrong.pop())))
            self.ran.append(run_compiled(file, image).ran)
        except NotRun as error:
            raise self.ends_with(error) from error
        finally:
            outside.rename(inside)


def executors(compiled):
    return compiled["pipelineSpec"]["deploymentSpec"]["executors"]


def renamed(compiled, component):
    """A compiled pipeline in which the class of one component's executor has another name."""
    other = json.loads(json.dumps(compiled))
    arguments = executors(other)[f"{component}_executor"]["container"]["args"]
    arguments[arguments.index("--executor_class_path") + 1] += "Renamed"
    return other


def digests(project):
    return [one["weights_digest"] for one in project.models()]


def metadata_of(root):
    return Metadata.of(open_workspace(root)).store


def all_of(root):
    """Everything that MLMD holds."""
    store = metadata_of(root)
    executions = store.get_executions()
    nodes = [*store.get_artifacts(), *executions]
    nodes += store.get_events_by_execution_ids([one.id for one in executions])
    return sorted(one.SerializeToString(deterministic=True) for one in nodes)


def test_a_model_is_trained_and_forgets_by_compiled_files_as_by_localdagrunner(tmp_path):
    secret, given = tmp_path / "secret", write_people(tmp_path / "people.csv")
    secret.write_bytes(bytes(range(32)))
    secret.chmod(0o600)
    root = tmp_path / "volume"
    cluster = Cluster(root)
    backend = KubeflowBackend(image="example.org/unweave:1", run=cluster.run)
    on_kubeflow = Project(root, backend=backend, reveal=True)
    options = {**TRAINED, "module": SMALL_MODEL, "key_file": secret}

    cluster.refused.append("GatedExampleGen")
    with pytest.raises(NotRun, match="(?s)GatedExampleGen ended with status 1: .*Renamed"):
        on_kubeflow.train(given, **options)
    on_kubeflow.train(given, **options)
    assert on_kubeflow.audit()["findings"] == []
    assert on_kubeflow.doctor()["ok"]

    # Somebody is forgotten, and all is killed where the model has learnt anew.
    cluster.refused.append("Pusher_m1")
    cluster.ends_with = Gone
    with pytest.raises(Gone, match="Pusher_m1 ended with status 1"):
        on_kubeflow.forget(["p3"])
    assert len(list(root.glob("tfx/*/*/*/*/ledger"))) == 2
    cluster.ends_with = NotRun
    done = on_kubeflow.forget(["p3"])
    assert done["guarantee"] == "exact"
    assert on_kubeflow.audit(replay=4)["findings"] == []
    assert on_kubeflow.doctor()["ok"]
    (certificate,) = root.glob("requests/*/certificate.json")
    assert verify(certificate, public_key=root / "keys/public.pem")["ok"]
    with closing(read_index(root / "unweave.sqlite")) as connection:
        kinds = [one.kind for one in eventlog.events(connection)]
    assert kinds == ["model made", "deletion asked", "model made", "rows deleted"]
    for compiled, ran in zip([cluster.files[1], cluster.files[3]], cluster.ran, strict=True):
        assert sorted(ran) == sorted(executors(compiled))
    assert {"Eraser_executor", "Certifier_executor", "RunRecorder_executor"} <= {*cluster.ran[1]}
    for compiled in cluster.files:
        assert local_paths(compiled, volume=root) == []

    # What stays of the run lies where Kubeflow put it, and is what outlives a deletion.
    (plan,) = root.glob("tfx/forget-r1/*/*/*/plan/plan.json")
    value = read_json(plan)
    assert past_plan(ModelPlan.from_json(value)).to_json() == value
    assert len(list(root.glob("tfx/*/*/*/*/ledger"))) == 1

    before = all_of(root)
    recording.record(root, ahead=0, awaited=False, stand_ins=True)
    assert all_of(root) == before

    here = Project(tmp_path / "local", backend=TfxBackend(), reveal=True)
    here.train(given, **options)
    here.forget(["p3"])
    assert digests(on_kubeflow) == digests(here)
    places = (root, tmp_path / "local")
    types = [{kind.name for kind in metadata_of(one).get_artifact_types()} for one in places]
    assert types[0] < types[1]  # of what TFX would have written only what models are made of
    for kind in ("lineage.Step", "lineage.Stage", "lineage.Assembly", "lineage.Deletion"):
        mine, theirs = (len(metadata_of(one).get_executions_by_type(kind)) for one in places)
        assert mine == theirs > 0, kind


def test_the_page_on_kubeflow_trains_and_forgets(tmp_path):
    """Its definitions are executed; what stands for a cluster is a process of its own."""
    (block,) = re.findall(
        r"```python\n(.*?)```", (TOP / "docs/kubeflow.md").read_text(), flags=re.DOTALL
    )
    write_people(tmp_path / "people.csv")
    program = tmp_path / "run-on-cluster"
    variables = json.dumps(Cluster(tmp_path).variables)
    harness = shlex.join([sys.executable, "-I", compiled_ir.__file__])
    program.write_text(f'#!/bin/sh\nexec {harness} "$1" {shlex.quote(variables)}\n')
    program.chmod(0o755)
    for said, here in (("/srv/unweave", tmp_path), ("/opt/unweave/run-on-cluster", program)):
        block = block.replace(said, str(here))
    before, last = block.rsplit("\n", 2)[:2]
    assert last == "churn.requests.run()"
    page = {}
    exec(before, page)
    churn = page["churn"]
    churn.requests.add(["p3"])
    exec(last, page)
    assert churn.requests.show("q1")["state"] == "done"
    assert [one["state"] for one in churn.models()] == ["deleted", "live"]
    assert churn.audit()["findings"] == []
    assert churn.doctor()["ok"]
