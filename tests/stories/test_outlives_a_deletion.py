"""What a finished deletion leaves tells counts by kind and shard, and no place within a shard.

Each kind of trail is looked for on what a real run left, the copies of a pipeline included.
"""

import csv
import json
import random
import re
import sqlite3
from base64 import b64decode
from contextlib import closing

import pytest

from lineage_store.canonical import read_json
from lineage_store.index.models import past_metrics, past_timings
from pipelines.backends.direct import DirectBackend
from unlearning.strategies.past_decision import without_places
from unweave import Project, verify

OPTIONS = {
    "label": "label", "subject": "person", "shards": 2, "slices": 3, "epochs": 3, "batch_size": 8,
}  # fmt: skip
# The small model with a variance in it, which a correction must not take below zero.
MODULE = """
import keras

def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    scaled = keras.layers.BatchNormalization()(numbers)
    model = keras.Model(numbers, keras.layers.Dense(spec.outputs, spec.activation)(scaled))
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=spec.loss)
    return model

def adapt(model, numbers, missing, categories):
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([kernel / (1 + abs(numbers).max(initial=0)), bias])
"""
NAMED = re.compile(r"\b(stage|slice|step|batch|update|epoch)s? \d")
STRATEGIES = ("retrain-shards", "amnesiac", "amnesiac-marginal")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace in which a person was forgotten by each strategy, one after the other."""
    here = tmp_path_factory.mktemp("outlives")
    draw = random.Random(5)
    with (here / "people.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "fare", "label"])
        for number in range(150):
            age = draw.gauss(0, 1)
            label = "old" if age > 0 else "young"
            out.writerow([f"p{number % 40}", f"{age:.3f}", f"{draw.gauss(0, 1):.3f}", label])
    (here / "module.py").write_text(MODULE, encoding="utf-8")
    project = Project(here / "workspace", backend=DirectBackend(), reveal=False)
    trained = project.train(here / "people.csv", record="all", module=here / "module.py", **OPTIONS)
    answers = [project.forget(["p0"], strategy=STRATEGIES[0])]
    # Each of the others in a shard of its own, since they do not mix in one.
    names = [f"p{number}" for number in range(12, 40)]
    shards = {name: project.trace_subject(name)["models"][0]["shards"] for name in names}
    for shard, strategy in enumerate(STRATEGIES[1:]):
        person = next(name for name in names if shards[name] == [shard])
        answers.append(project.forget([person], strategy=strategy))
    return project, trained, answers


def texts_of(folder):
    """Every JSON file of a finished request, and what its certificate holds."""
    for file in sorted(folder.glob("*.json")):
        value = read_json(file)
        if file.name == "certificate.json":
            value = json.loads(b64decode(value["payload"]))
        yield file.name, value


def strings(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("number", range(len(STRATEGIES)))
def test_no_file_of_a_request_names_a_place_within_a_shard(workspace, number):
    project, _, answers = workspace
    folder = project.root / "requests" / answers[number]["request_id"]
    found = dict(texts_of(folder))
    assert {"plan.json", "certificate.json", "checks-m1.json"} <= {
        name.replace(answers[number]["model_before"], "m1") for name in found
    }
    assert {
        name: [text for text in strings(value) if NAMED.search(text)]
        for name, value in found.items()
    } == {name: [] for name in found}


@pytest.mark.parametrize("number", range(len(STRATEGIES)))
def test_a_plan_that_is_past_has_what_was_done_with_which_shard(workspace, number):
    project, _, answers = workspace
    (plan,) = read_json(project.root / "requests" / answers[number]["request_id"] / "plan.json")
    assert [one["shard"] for one in plan["shards"]] == [0, 1]
    assert {one["kept_stages"] for one in plan["shards"]} == {0}
    assert not {"positions", "resume"} & {name for one in plan["shards"] for name in one["past"]}
    changed = [one["shard"] for one in plan["shards"] if one["past"]["changes"]]
    assert changed == answers[number]["affected_shards"] != []


def test_before_it_is_carried_out_a_plan_says_where_the_rows_are(workspace):
    project, _, _ = workspace
    (plan,) = project.plan(["p9"], strategy="retrain-shards")["plans"]
    assert any(NAMED.search(one["why"]) for one in plan["shards"])


def test_a_certificate_that_names_no_places_is_verified_and_reported(workspace):
    project, _, answers = workspace
    for answer in answers:
        assert verify(answer["certificate"], public_key=answer["public_key"])["ok"]
        page = project.root.parent / "report.html"
        project.report(answer["request_id"], out=page)
        assert not NAMED.search(re.sub(r"<style.*?</style>", "", page.read_text(), flags=re.S))


def test_what_ended_models_reached_stays_in_whole_per_cents(workspace):
    project, trained, answers = workspace
    assert trained["metrics"].keys() > {"accuracy", "log_loss", "auc", "baseline", "rows"}
    *ended, live = project.models()
    assert {one["state"] for one in ended} == {"deleted"} and live["state"] == "live"
    for one in ended:
        assert one["metrics"].keys() == {"accuracy", "rows"}
        assert one["metrics"]["accuracy"] == round(one["metrics"]["accuracy"], 2)
    assert ended[0]["metrics"]["accuracy"] == round(trained["metrics"]["accuracy"], 2)
    assert answers[0]["metrics_before"] == ended[0]["metrics"]
    exact = f"{trained['metrics']['log_loss']:.6f}"
    with closing(sqlite3.connect(project.root / "unweave.sqlite")) as connection:
        assert exact not in "\n".join(connection.iterdump())


def test_what_an_earlier_unweave_kept_of_ended_models_goes_with_the_next_deletion(workspace):
    project, _, _ = workspace
    with closing(sqlite3.connect(project.root / "unweave.sqlite")) as connection, connection:
        report = json.loads(
            connection.execute("SELECT report FROM models WHERE id = 'm1'").fetchone()[0]
        )
        report["metrics"] = {"accuracy": 0.123456, "log_loss": 0.654321, "rows": 9}
        connection.execute("UPDATE models SET report = ? WHERE id = 'm1'", (json.dumps(report),))
    project.forget(["p11"], guarantee="exact")
    assert project.models()[0]["metrics"] == {"accuracy": 0.12, "rows": 9}


@pytest.mark.parametrize(
    ("metrics", "past"),
    [
        ({"accuracy": 0.987654, "log_loss": 0.1, "rows": 7}, {"accuracy": 0.99, "rows": 7}),
        ({"rmse": 3.25, "rows": 7}, {"rows": 7}),
        ({}, {}),
    ],
)
def test_metrics_that_outlive_a_model(metrics, past):
    assert past_metrics(metrics) == past


@pytest.mark.parametrize(
    ("written", "past"), [(48947, 2**20), (2**20 + 1, 2**21), (2**30, 2**30), (0, 0)]
)
def test_bytes_that_outlive_a_model(written, past):
    assert past_timings({"written": written, "build": 1.5}) == {"written": past, "build": 1.5}


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("stage 2 of shard 1 saw other rows", "a stage of shard 1 saw other rows"),
        ("slice 0 loses rows; stages before it", "a slice loses rows; stages before it"),
        ("the update of step 1,042", "the update of a step"),
        ("updates 3, 4 and 17 were taken back", "updates were taken back"),
        ("3 of 3 steps were taken again", "3 of 3 steps were taken again"),
    ],
)
def test_a_text_without_places(text, without):
    assert without_places(text) == without
