"""A family from outside that learns without a label: no file of the house knows of it.

Twins are learnt from files that never held the rows, in another order.
"""

import json
import random
import shutil

import pytest

from lineage_store.canonical import digest_file, read_json
from lineage_store.cells.snapshot import load_snapshot
from lineage_store.errors import BadInput, NothingFound
from lineage_store.ledger import TrainOptions, open_ledger
from pipelines.backends.direct import DirectBackend
from tests.toy_family import ColumnSums
from unlearning.families import family_of
from unlearning.families.known_families import register_family, unregister_family
from unweave import Project, verify
from unweave.text.answers import trained


@pytest.fixture(scope="module", autouse=True)
def toy():
    register_family(ColumnSums())
    yield "column-sums"
    unregister_family("column-sums")


def lines(without=(), *, seed=0):
    draw = random.Random(3)
    table = [[f"p{n % 20}", f"{draw.gauss(0, 50):.2f}", draw.choice(["", "NA", "1e3", "7"])]
             for n in range(240)]  # fmt: skip
    if seed:
        random.Random(seed).shuffle(table)
    return [["person", "size", "weight"], *(row for row in table if row[0] not in without)]


OPTIONS = {"subject": "person", "model_family": "column-sums", "shards": 2}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, write_csv):
    """Return a function that trains on lines, under one secret, and returns project and answer."""
    base = tmp_path_factory.mktemp("toy")
    (base / "key").write_bytes(bytes(range(32)))
    (base / "key").chmod(0o600)

    def learn(name, table):
        project = Project(base / name, backend=DirectBackend(), reveal=True)
        return project, project.train(write_csv(table), key_file=base / "key", **OPTIONS)

    return learn


@pytest.fixture(scope="module")
def original(learnt):
    return learnt("original", lines())


@pytest.fixture
def project(original, tmp_path):
    return Project(
        shutil.copytree(original[0].root, tmp_path / "ws"), backend=DirectBackend(), reveal=True
    )


def states_of(project):
    (folder,) = project.root.glob("tfx/**/ledger")
    parts = open_ledger(folder).shards()
    return [digest_file(part.checkpoint_file(0)) for part in parts if part.stages()]


def test_a_model_is_learnt_without_a_label(original):
    project, answer = original
    assert (answer["task"], answer["metrics"], answer["steps"]) == (None, {"rows": 0}, 0)
    assert trained(answer)[0].startswith("Trained m1 (without a label) on ")
    assert set(answer["rows_by_split"]) == {"train", "eval", "unlabelled"}
    assert answer["rows_by_split"]["unlabelled"] == 0 and answer["rows"] == 240
    data = project.ask.data("m1")
    assert (data["task"], data["numbers"], data["strings"]) == (None, ["size", "weight"], [])
    gated = read_json(project.root / "data" / "m1" / "gate.json")["inference"]
    assert gated == {"features": [["size", "number"], ["weight", "number"]], "rules": 3}


def test_it_forgets_to_the_bit_with_certificate_and_audit(original, project, learnt, tmp_path):
    assert project.plan(["p3"])["strategy"] == "subtract-sums"
    (project.root / "evaluation.json").write_text("{}")  # nothing is right or wrong of it
    done = project.forget(["p3", "p7"], replay=True)
    assert done["evaluation"]["outcome"] == "uninformative"
    assert (done["guarantee"], done["basis"]) == ("exact", "by replay")
    assert (done["claim"], done["steps_recomputed"]) == ({"level": "bits"}, 0)
    assert {check["outcome"] for check in done["checks"]} <= {"passed", "uninformative"}
    twin, made = learnt("twin", lines({"p3", "p7"}, seed=1))
    assert done["weights_digest_after"] == made["weights_digest"] != original[1]["weights_digest"]
    assert states_of(project) == states_of(twin) != states_of(original[0])
    means = [json.loads(file.read_bytes()) for one in (project, twin)
             for file in one.root.glob("serving/*/*/means.json")]  # fmt: skip
    assert len(means) == 2 and means[0] == means[1]
    assert verify(done["certificate"], public_key=done["public_key"])["verdict"] == "verified"
    audit = project.audit(replay=9)
    assert audit["ok"] and audit["replay"]["replayed"] == 2
    assert project.doctor()["ok"]
    with pytest.raises(NothingFound, match="was forgotten on"):
        project.trace_subject("p3")
    page = project.report(done["request_id"], out=tmp_path / "report.html")
    assert page["outcome"] == "exact"
    project.requests.export("p5", tmp_path / "held.json")
    (held,) = read_json(tmp_path / "held.json")["models"]
    assert {*held["held"][0]["values"]} == {"size", "weight"}


def test_a_damaged_sum_is_found(project):
    (folder,) = project.root.glob("tfx/**/ledger")
    shard = open_ledger(folder).shard(0)
    file = shard.checkpoint_file(0)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert not project.audit(replay=9)["ok"]


def test_without_a_row_the_model_is_withdrawn(project):
    done = project.forget([f"p{number}" for number in range(20)])
    assert done["model_after"] is None
    assert verify(done["certificate"], public_key=done["public_key"])["ok"]


def test_a_family_is_refused_by_all_reasons_at_once_and_what_each_can_come_to(tmp_path, write_csv):
    project = Project(tmp_path / "ws", backend=DirectBackend(), reveal=True)
    table = [["person", "size", "town"], ["a", "1", "Ulm"], ["b", "2", "Ulm"]] * 3
    with pytest.raises(BadInput) as caught:
        project.train(write_csv(table[:3]), **{**OPTIONS, "label": "size"})
    assert str(caught.value) == (
        "Change this: Sums tell no size: leave `label` out. Never: town has texts, and no sum."
    )


@pytest.mark.parametrize("family", ["keras", "naive-bayes"])
def test_a_family_that_needs_a_label_says_so_and_the_gate_does_not(
    family, gated, tmp_path, write_csv
):
    table = lines()
    snapshot = gated(table, label=None, subjects=("person",))
    assert load_snapshot(snapshot.folder).schema.labels == ()
    (reason,) = family_of(family).unfit(snapshot.schema, TrainOptions(model_family=family))
    assert reason.when == "change this"
    project = Project(tmp_path / "ws", backend=DirectBackend(), reveal=True)
    with pytest.raises(BadInput, match=f"^Change this: The family {family} learns to tell a label"):
        project.train(write_csv(table), subject="person", model_family=family)
    assert not list((tmp_path / "ws" / "data").glob("m*"))


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(BadInput, match="There is a family 'column-sums' already"):
        register_family(ColumnSums())
