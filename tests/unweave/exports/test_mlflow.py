"""What a registry of MLflow is to hold, counted against the log; `tfx` asks a real server."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from fixtures.database_servers import free_port
from fixtures.lived import counted
from fixtures.run_here import run_here
from lineage_store.errors import BadInput
from unweave.exports.mlflow_server import mlflow_server


@pytest.fixture(scope="module")
def registry(lived, tmp_path_factory):
    out = tmp_path_factory.mktemp("mlflow") / "registry.json"
    lived.export("mlflow", out=out)
    return json.loads(out.read_text(encoding="utf-8"))


def test_versions_deletions_and_edges_are_those_of_the_log(registry, lived):
    expected = counted(lived.root)
    tags = [one["tags"] for model in registry["registered_models"] for one in model["versions"]]
    by = {one["unweave.ended_by"] for one in tags if "unweave.ended_by" in one} - {"retirement"}
    assert len(tags) == expected["models"] and len(by) == expected["deletions"]
    replaced = {one["unweave.model"]: one["unweave.takes_the_place_of"] for one in tags
                if "unweave.takes_the_place_of" in one}  # fmt: skip
    assert replaced == {"m2": "m1", "m4": "m2"} and 2 * len(replaced) == expected["revised"]
    assert 2 * sum("unweave.ended" in one for one in tags) == expected["ended"]
    assert [one["unweave.model"] for one in tags if "unweave.commitment.data" in one] == ["m4"]
    proven = {one["unweave.model"]: one.get("unweave.certificate") for one in tags}
    ended = {one["unweave.model"]: one.get("unweave.ended_certificate") for one in tags}
    assert proven["m2"] == ended["m1"] and proven["m4"] == ended["m2"] and ended["m3"] is None


def test_a_name_is_a_registered_model_of_which_the_served_version_is_live(registry):
    named = {one["name"]: one for one in registry["registered_models"]}
    assert named["churn"]["aliases"] == {"live": "m4"}
    assert [one["model"] for one in named["churn"]["versions"]] == ["m1", "m2", "m4"]
    ((other, spare),) = ((name, one) for name, one in named.items() if name != "churn")
    assert spare["aliases"] == {} and [one["model"] for one in spare["versions"]] == ["m3"]
    assert ":" not in other and "/" not in other, "MLflow takes neither in a name"


@pytest.mark.parametrize(
    "address", ["file:///etc", "127.0.0.1:5000", "http://", "http://me:secret@127.0.0.1"]
)
def test_what_is_no_address_of_a_server_is_refused_and_not_repeated(address):
    with pytest.raises(BadInput, match="http://HOST:PORT") as refused:
        mlflow_server(address, {})
    assert "secret" not in str(refused.value)


def test_credentials_are_those_of_mlflows_client():
    where = "https://mlflow.example/"
    token, user = {"MLFLOW_TRACKING_TOKEN": "t"}, {"MLFLOW_TRACKING_USERNAME": "u"}
    assert mlflow_server(where, token).authorization == "Bearer t"
    assert mlflow_server(where, {**user, "MLFLOW_TRACKING_PASSWORD": "p"}).authorization == (
        "Basic dTpw"
    )
    assert mlflow_server(where, {}).authorization is None
    assert mlflow_server(where, {}).address == "https://mlflow.example"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (["mlflow", "--server", "http://127.0.0.1:{port}"], "No MLflow server answers"),
        (["prov", "--server", "http://127.0.0.1:{port}"], "--server goes with the export mlflow"),
        (["mlflow"], "Say where to write it, with --out"),
    ],
)
def test_what_cannot_be_sent_is_one_sentence(lived, tmp_path, asked, why):
    asked = [one.format(port=free_port()) for one in asked]
    status, _, errors = run_here("export", *asked, "--workspace", str(lived.root), folder=tmp_path)
    assert status == 2 and why in errors and "Traceback" not in errors


@pytest.mark.parametrize(
    "said", [b"[]", b"{}", b"<html>sign in</html>", b'{"registered_model": 1}']
)
def test_what_answers_and_is_no_server_of_mlflow_is_told_so(registry, said):
    class Otherwise(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *words):
            pass

    with HTTPServer(("127.0.0.1", 0), Otherwise) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with pytest.raises(BadInput, match="MLflow server"):
                mlflow_server(f"http://127.0.0.1:{server.server_port}", {}).bring_to(registry)
        finally:
            server.shutdown()
            thread.join()
