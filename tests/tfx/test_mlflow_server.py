"""Exports to a real MLflow server, which runs in an environment of its own (`make test-mlflow`)."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from fixtures.database_servers import free_port
from fixtures.lived import at
from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput

PROGRAM = Path(__file__).parents[2] / ".venv-mlflow" / "bin" / "mlflow"
WAIT = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a server with nothing in it."""
    if not PROGRAM.exists():
        pytest.skip("there is no MLflow server here: make test-mlflow installs one")
    here, address = tmp_path_factory.mktemp("mlflow"), f"http://127.0.0.1:{free_port()}"
    store = ("--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", str(here))
    host, port = address.removeprefix("http://").split(":")
    with (here / "said").open("w") as said:
        process = subprocess.Popen(
            [PROGRAM, "server", *store, "--host", host, "--port", port, "--workers", "1"],
            cwd=here, stdout=said, stderr=said, start_new_session=True,
            env={name: one for name, one in os.environ.items() if name != "PYTHONPATH"},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + WAIT
        while not answers(f"{address}/health"):
            assert process.poll() is None, (here / "said").read_text()[-2000:]
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(address):
    try:
        with urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def ask(server, what, **query):
    with urlopen(f"{server}/api/2.0/mlflow/{what}?{urlencode(query)}", timeout=60) as answer:
        return json.load(answer)


def registered(server, name):
    """The version that `live` is on, and the tags of all versions by their models."""
    model = ask(server, "registered-models/get", name=name)["registered_model"]
    found = ask(server, "model-versions/search", filter=f"name='{name}'")["model_versions"]
    tags = [{one["key"]: one["value"] for one in version["tags"]} for version in found]
    numbers = {one["unweave.model"]: version["version"]
               for one, version in zip(tags, found, strict=True)}  # fmt: skip
    live = {one["alias"]: one["version"] for one in model.get("aliases", ())}.get("live")
    by_number = {number: model for model, number in numbers.items()}
    return by_number.get(live), {one["unweave.model"]: one for one in tags}


def test_a_deletion_moves_the_alias_of_a_real_server(server, tmp_path):
    project = at(tmp_path / "workspace")
    project.train(write_people(tmp_path / "people.csv"), name="churn", **OPTIONS)
    first = project.export_to_mlflow(server)
    assert (first["versions_made"], first["aliases_moved"]) == (1, 1)
    live, versions = registered(server, "churn")
    assert live == "m1" and "unweave.commitment.data" in versions["m1"]

    done = project.forget(["p3"], guarantee="exact")
    second = project.export_to_mlflow(server)
    assert (second["versions_made"], second["aliases_moved"]) == (1, 1)
    live, versions = registered(server, "churn")
    assert live == "m2" and versions["m2"]["unweave.takes_the_place_of"] == "m1"
    assert versions["m1"]["unweave.ended_by"] == done["request_id"] == "r1"
    assert versions["m1"]["unweave.state"] == "ended"
    assert "unweave.commitment.data" not in versions["m1"], "it went with the rows"
    assert len(versions["m2"]["unweave.certificate"]) == 64

    again = project.export_to_mlflow(server)
    assert (again["versions_made"], again["aliases_moved"]) == (0, 0)
    assert registered(server, "churn") == (live, versions)

    project.names.retire("churn", by="Dora Ost")
    project.export_to_mlflow(server)
    assert registered(server, "churn")[0] is None, "nothing is live"

    ours = ask(server, "registered-models/get", name="churn")["registered_model"]["tags"]
    foreign = {"name": "churn", "key": ours[0]["key"], "value": "unweave:of another"}
    request = Request(f"{server}/api/2.0/mlflow/registered-models/set-tag",
                      data=json.dumps(foreign).encode(),
                      headers={"Content-Type": "application/json"}, method="POST")  # fmt: skip
    urlopen(request, timeout=60).close()
    with pytest.raises(BadInput, match="is not of this workspace"):
        project.export_to_mlflow(server)
