"""A model made in another environment: an exact deletion retrains all shards, and says why.

The other environment is real where it can be (threads, oneDNN): a process of its own trains there,
and this one forgets. Of another TensorFlow only its version number is pretended, in that process.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures import SMALL_MODEL
from fixtures.warm_python import warm_python
from pipelines.backends.direct import DirectBackend
from unweave import Project

TOP = Path(__file__).parents[3]
OPTIONS = {
    "label": "label",
    "subject": "person",
    "shards": 2,
    "slices": 2,
    "epochs": 3,
    "batch_size": 32,
    "module": SMALL_MODEL,
}

SCRIPT = """
import json, sys
{setup}
from pipelines.backends.direct import DirectBackend
from unweave import Project
Project(sys.argv[1], backend=DirectBackend()).train(sys.argv[2], **json.loads(sys.argv[3]))
"""

OTHERS = {
    "threads": ("from unlearning.fingerprint import determinism; determinism.THREADS = 2", {}),
    "tensorflow": (
        "from importlib import metadata\n"
        "real = metadata.version\n"
        "metadata.version = lambda name: '2.0.0' if name == 'tensorflow' else real(name)",
        {},
    ),
    "onednn": ("", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
}


# How many threads there are is read when modules are imported, so none may be.
PYTHON = {"threads": lambda: (sys.executable,)}


def table(*, without=None):
    draw = random.Random(6)
    yield ["person", "age", "fare", "label"]
    for number in range(160):
        age = draw.gauss(40, 12)
        person = f"p{number % 20:02d}"
        row = [person, f"{age:.1f}", f"{draw.expovariate(0.1):.2f}", "old" if age > 40 else "young"]
        if person != without:
            yield row


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "secret"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    return path


@pytest.fixture
def train_elsewhere(tmp_path, key_file, write_csv, monkeypatch):
    """Return a function that trains in another environment and opens the workspace here."""
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        monkeypatch.delenv(name)  # one thread is what is set anyway, but not for a process of two

    def run(name):
        setup, variables = OTHERS[name]
        options = {**OPTIONS, "key_file": str(key_file)}
        root = tmp_path / "workspace"
        subprocess.run(
            [*PYTHON.get(name, warm_python)(), "-W", "ignore", "-c", SCRIPT.format(setup=setup),
             root, write_csv(table()), json.dumps(options)],
            env={**os.environ, "PYTHONPATH": str(TOP), **variables},
            cwd=tmp_path,
            check=True,
        )  # fmt: skip
        return Project(root, backend=DirectBackend(), reveal=True)

    return run


@pytest.mark.parametrize("name", ["threads", "tensorflow", pytest.param("onednn")])
def test_a_model_of_another_environment_is_retrained_whole_and_ends_at_the_twin(
    train_elsewhere, tmp_path, key_file, write_csv, name
):
    project = train_elsewhere(name)
    (plan,) = project.plan(["p07"], guarantee="exact")["plans"]
    why = f"the environment differs from the one that trained this model ({name})"
    assert plan["why"] == why and {decision["why"] for decision in plan["shards"]} == {why}
    assert [(d["action"], d["kept_stages"]) for d in plan["shards"]] == [("retrained", 0)] * 2
    assert plan["steps_planned"] == plan["steps_full"] > 0
    done = project.forget(["p07"], guarantee="exact")
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True).train(
        write_csv(table(without="p07")), key_file=key_file, **OPTIONS
    )
    assert done["why"] == why
    assert done["weights_digest_after"] == twin["weights_digest"]
