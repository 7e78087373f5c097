"""A whole-TFX deletion killed with SIGKILL, and ended by the same command."""

import csv
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fixtures.warm_python import warm_python
from lineage_store.index import deletions
from lineage_store.index.database import read_index
from lineage_store.log import events as eventlog
from pipelines.backends.direct import DirectBackend
from unweave import Project, verify

pytestmark = pytest.mark.tfx

TOP = Path(__file__).parents[2]
SECRET = bytes(range(10, 42))
FORGOTTEN = "margarete.steinbrecher@example.org"
OPTIONS = {"shards": 2, "slices": 2, "epochs": 2, "batch_size": 32}
COLUMNS = {"label": "label", "subject": "person", "row_id": "row"}
PATIENCE = 120

CLIENT = """
import collections, json, sys
from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb

config = pb.ConnectionConfig()
config.sqlite.filename_uri = sys.argv[1]
config.sqlite.connection_mode = 1  # READONLY
store = metadata_store.MetadataStore(config)
print(json.dumps({
    "deletions": len(store.get_executions_by_type("lineage.Deletion")),
    "assemblies": len(store.get_executions_by_type("lineage.Assembly")),
    "states": [
        [a.uri, pb.Artifact.State.Name(a.state)] for a in store.get_artifacts_by_type("Model")
    ],
}))
"""


def lines():
    draw = random.Random(3)
    people = [FORGOTTEN, *(f"person-{n:02d}" for n in range(19))]
    yield ["row", "person", "age", "city", "label"]
    for number in range(240):
        age = draw.gauss(40, 12)
        yield [
            str(number),
            people[number % len(people)],
            f"{age:.1f}",
            draw.choice(["Ulm", "Bonn", "Hof"]),
            "old" if age > 40 else "young",
        ]


def start(*arguments):
    """Start a process with this source tree; what it says goes nowhere that could fill up."""
    return subprocess.Popen(
        [*warm_python(), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(TOP)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def printed(process):
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, output
    return json.loads(output.splitlines()[-1])


def kill_when(process, root, pattern):
    """Kill a process as soon as a file or folder of the workspace appears."""
    end = time.monotonic() + PATIENCE
    while not any(root.glob(pattern)):
        assert process.poll() is None, f"it ended before {pattern} appeared"
        assert time.monotonic() < end, f"{pattern} never appeared"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL


def states_in(root):
    """The states of models and requests, and the kinds of the log's events."""
    connection = read_index(root / "unweave.sqlite")
    try:
        return (
            [model["state"] for model in Project(root, reveal=True).models()],
            [request.state for request in deletions.all_requests(connection)],
            [event.kind for event in eventlog.events(connection)],
        )
    finally:
        connection.close()


@pytest.fixture(scope="module")
def killed_twice(tmp_path_factory):
    """A deletion killed in its Unlearner, killed again once it has erased, and run to its end."""
    here = tmp_path_factory.mktemp("kill")
    given, root, key_file = here / "people.csv", here / "workspace", here / "secret"
    with given.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(lines())
    key_file.write_bytes(SECRET)
    key_file.chmod(0o600)
    at = ("-m", "unweave")
    trained = printed(
        start(
            *(
                *at,
                "train",
                "--workspace",
                root,
                "--csv",
                given,
                "--key-file",
                key_file,
                "--reveal",
                "--json",
            ),
            *("--label-column", "label", "--subject-column", "person", "--row-id-column", "row"),
            *(f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()),
        )
    )
    forget = (
        *at,
        "forget",
        FORGOTTEN,
        "--workspace",
        root,
        "--guarantee",
        "exact",
        "--reveal",
        "--json",
    )
    kill_when(start(*forget), root, "tfx/forget-r1/Unlearner*/ledger/*")
    in_unlearner = states_in(root)
    kill_when(start(*forget), root, "requests/r1/erasure.json")
    after_erasure = states_in(root)
    left_open = (root / "requests/r1/open.sealed").exists()
    done = printed(start(*forget))
    return root, trained, in_unlearner, after_erasure, left_open, done


def test_a_deletion_killed_while_it_unlearns_has_taken_nothing_away(killed_twice):
    _, _, in_unlearner, *_ = killed_twice
    models, asked, events = in_unlearner
    assert (models, asked) == (["live"], ["running"])
    assert "rows deleted" not in events


def test_a_deletion_killed_after_it_erased_is_still_open(killed_twice):
    _, _, _, after_erasure, left_open, _ = killed_twice
    assert after_erasure[0] == ["deleted", "live"]
    assert left_open


def test_a_killed_deletion_ends_with_the_weights_of_the_twin(killed_twice, tmp_path):
    _, trained, *_, done = killed_twice
    with (tmp_path / "without.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(line for line in lines() if line[1] != FORGOTTEN)
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "secret").chmod(0o600)
    twin = Project(tmp_path / "twin", backend=DirectBackend(), reveal=True).train(
        tmp_path / "without.csv", key_file=tmp_path / "secret", **COLUMNS, **OPTIONS
    )
    assert done["weights_digest_after"] == twin["weights_digest"] != trained["weights_digest"]
    assert done["request_id"] == "r1"


def test_a_killed_deletion_is_certified_and_logged_once(killed_twice):
    root, *_, done = killed_twice
    certificates = {path.read_bytes() for path in root.rglob("certificate.json")}
    assert len(certificates) == 1
    assert len(list((root / "requests").rglob("certificate.json"))) == 1
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]
    models, asked, events = states_in(root)
    assert (models, asked) == (["deleted", "live"], ["done"])
    assert events.count("rows deleted") == 1
    assert events.count("model made") == 2
    assert list(root.rglob("open.sealed")) == []


def test_a_killed_deletion_is_one_event_of_the_lineage(killed_twice):
    root, *_ = killed_twice
    found = printed(start("-c", CLIENT, root / "metadata.sqlite"))
    assert found["deletions"] == 1
    assert found["assemblies"] == 2
    live = [uri for uri, state in found["states"] if state == "LIVE" and Path(uri).exists()]
    assert len(live) == 1 and "/forget-r1/" in live[0]
    gone = [state for uri, state in found["states"] if "/train-m1/" in uri]
    assert gone == ["DELETED"]


def test_the_audit_finds_nothing_in_what_it_leaves(killed_twice):
    root, *_ = killed_twice
    answer = Project(root, reveal=True).audit(replay=1000, seed=0)
    assert answer["findings"] == []
    assert answer["replay"]["replayed"] == answer["replay"]["segments"] >= 4
