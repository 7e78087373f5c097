"""OpenLineage events: sent by the official client to an endpoint that runs here, and read back."""

import gzip
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import pytest
from jsonschema import Draft202012Validator

from fixtures.lived import counted

SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[2] / "schemas/openlineage-2-0-2.schema.json").read_text())
)


@pytest.fixture(scope="module")
def text(lived, tmp_path_factory):
    out = tmp_path_factory.mktemp("openlineage") / "events.jsonl"
    lived.export("openlineage", out=out)
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def events(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def endpoint():
    """An endpoint that keeps what it is sent, until the test ends: its address, and that."""
    kept = []

    class Keeping(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            kept.append((self.path, json.loads(body)))
            self.send_response(201)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *said):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeping)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", kept
    server.shutdown()
    thread.join()
    server.server_close()


def edges(events):
    """Count the edges that events tell."""
    found = Counter()
    for event in events:
        if event["eventType"] == "START":
            found["used"] += len(event["inputs"])
        for one in event["outputs"]:
            change = one["facets"]["lifecycleStateChange"]["lifecycleStateChange"]
            found["made" if change == "CREATE" else "ended"] += 1
            found["from"] += len(one["facets"].get("lineage", {}).get("inputs", ()))
    return dict(found)


def test_each_run_starts_once_and_ends_once_and_all_is_as_the_log_counts(events, lived):
    expected = counted(lived.root)
    states = Counter((one["run"]["runId"], one["eventType"]) for one in events)
    runs = {run for run, _ in states}
    assert len(runs) == expected["runs"] == 5
    assert states == {(run, state): 1 for run in runs for state in ("START", "COMPLETE")}
    assert {UUID(run).version for run in runs} == {5}
    names = Counter(one["job"]["name"] for one in events if one["eventType"] == "START")
    assert names == {"training": 2, "deletion": expected["deletions"], "retirement": 1}
    kinds = Counter(
        tag["value"]
        for event in events for one in event["outputs"]
        for tag in one["facets"].get("tags", {}).get("tags", ()) if tag["key"] == "kind"
    )  # fmt: skip
    assert kinds["model"] == kinds["rows"] == expected["models"]
    assert kinds["certificate"] == expected["deletions"]
    assert edges(events) == {
        **{one: expected[one] for one in ("used", "made", "ended")},
        "from": expected["derived"] + expected["revised"],
    }


def test_what_went_is_dropped_by_the_run_that_ended_it(events):
    gone = {
        one["name"]: (event["job"]["name"], event["eventType"])
        for event in events for one in event["outputs"]
        if one["facets"]["lifecycleStateChange"]["lifecycleStateChange"] == "DROP"
    }  # fmt: skip
    assert gone == {
        **{
            f"{one}{what}": ("deletion", "COMPLETE")
            for one in ("m1", "m2")
            for what in ("", ".data")
        },
        **{f"m3{what}": ("retirement", "COMPLETE") for what in ("", ".data")},
    }


def test_the_official_client_reads_it_sends_it_and_it_arrives_as_it_is(events, endpoint):
    pytest.importorskip("openlineage.client", reason="its HTTP client wants Python 3.11")
    from openlineage.client import OpenLineageClient, event_v2
    from openlineage.client.facet_v2 import (
        dataset_version_dataset,
        job_type_job,
        lifecycle_state_change_dataset,
        lineage,
        tags_dataset,
    )
    from openlineage.client.transport.http import HttpConfig, HttpTransport

    facets = {
        "datasetVersion": dataset_version_dataset.DatasetVersionDatasetFacet,
        "jobType": job_type_job.JobTypeJobFacet,
        "lifecycleStateChange": lambda *, lifecycleStateChange, **more: (
            lifecycle_state_change_dataset.LifecycleStateChangeDatasetFacet(
                lifecycle_state_change_dataset.LifecycleStateChange[lifecycleStateChange], **more
            )
        ),
        "lineage": lineage.LineageDatasetFacet,
        "tags": tags_dataset.TagsDatasetFacet,
    }
    address, kept = endpoint
    client = OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict({"url": address})))

    def read(kind, value):
        value = {
            **value,
            "facets": {name: of_facet(name, one) for name, one in value["facets"].items()},
        }
        return kind(**value)

    def of_facet(name, value):
        values = {key: one for key, one in value.items() if key != "_schemaURL"}
        made = facets[name](producer=values.pop("_producer"), **values)
        assert made._schemaURL == value["_schemaURL"]
        return made

    for event in events:
        given = {"facets": {}, **event}
        client.emit(
            event_v2.RunEvent(
                eventType=event_v2.RunState[given["eventType"]],
                eventTime=given["eventTime"],
                producer=given["producer"],
                run=read(event_v2.Run, event["run"]),
                job=read(event_v2.Job, event["job"]),
                inputs=[event_v2.InputDataset(**one) for one in event["inputs"]],
                outputs=[read(event_v2.OutputDataset, one) for one in event["outputs"]],
            )
        )
    assert {path for path, _ in kept} == {"/api/v1/lineage"}
    for _, arrived in kept:
        del arrived["run"]["facets"]["tags"]  # the client says which version of it sent this
    assert [without_empty(one) for _, one in kept] == [without_empty(one) for one in events]


def without_empty(value):
    """What is told, less what the client fills in with nothing."""
    if isinstance(value, dict):
        values = {name: without_empty(one) for name, one in value.items()}
        return {name: one for name, one in values.items() if one not in (None, {}, [])}
    return [without_empty(one) for one in value] if isinstance(value, list) else value


REQUIRED = (
    "eventTime", "producer", "schemaURL", "run", "job", "run.runId", "job.namespace", "job.name",
    "inputs.0.namespace", "inputs.0.name", "outputs.0.namespace", "outputs.0.name",
    "outputs.0.facets.lineage._producer", "outputs.0.facets.lineage._schemaURL",
    "outputs.1.facets.lineage.inputs.0.type", "outputs.1.facets.lineage.inputs.0.name",
    "outputs.1.facets.datasetVersion.datasetVersion", "outputs.0.facets.tags.tags.0.key",
    "outputs.0.facets.lifecycleStateChange.lifecycleStateChange",
    "job.facets.jobType.processingType", "job.facets.jobType.integration",
)  # fmt: skip


def test_the_schema_takes_each_and_refuses_one_without_any_required_field(events):
    for event in events:
        SCHEMA.validate(event)
    deletions = [one for one in events if one["job"]["name"] == "deletion" and one["outputs"]]
    for path in REQUIRED:
        copy = json.loads(json.dumps(deletions[0]))
        *steps, name = path.split(".")
        at = copy
        for step in steps:
            at = at[int(step) if step.isdigit() else step]
        del at[name]
        assert not SCHEMA.is_valid(copy), path
