"""The questions of reviewers and auditors: the same answers by Python and by the command line."""

import csv
import json
import random
import shutil
import sqlite3
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures import SMALL_MODEL
from lineage_store.errors import BadInput, CheckFailed, NothingFound, NotReproducible
from lineage_store.index import deletions
from lineage_store.index.database import open_index, read_index
from lineage_store.index.failures import failures, record_failure
from lineage_store.ledger import open_ledger, published_data
from lineage_store.questions.as_of import time_of
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands

ANN, BOB, CYD = "ann@example.org", "bob@example.org", "cyd@example.com"
OPTIONS = {
    "label": "label",
    "subject": "person",
    "row_id": "row",
    "shards": 3,
    "slices": 2,
    "epochs": 2,
    "batch_size": 32,
    "seed": 5,
    "module": SMALL_MODEL,
}
START = datetime(2031, 1, 1, 12, tzinfo=timezone.utc)
UNSEEDED = """
import keras
import numpy as np


def build_model(spec):
    numbers = keras.Input((len(spec.numbers),), name="numbers")
    output = keras.layers.Dense(spec.outputs, activation=spec.activation)(numbers)
    model = keras.Model({"numbers": numbers}, output)
    model.compile(optimizer="adam", loss=spec.loss)
    model.weights[1].assign(np.random.default_rng().normal(size=spec.outputs))
    return model
"""


def lines(people, rows=240):
    draw = random.Random(3)
    for number in range(rows):
        age = draw.gauss(40, 12)
        yield [str(number), people[number % len(people)], f"{age:.1f}",
               draw.choice(["Ulm", "Hof"]), "old" if age > 40 else "young"]  # fmt: skip


def write(path, people):
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["row", "person", "age", "city", "label"], *lines(people)])
    return path


def on_day(root, day):
    moment = START + timedelta(days=day)
    return Project(root, backend=DirectBackend(), now=lambda: moment)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A workspace with a history of ten days; never written to after this.

    Day 0: m1 of everyone. Day 2: a training fails. Day 4: Ann is forgotten exactly (m1 -> m2).
    Day 6: m3 of others, with updates. Day 8: Bob is forgotten approximately where he is (m3 -> m4).
    """
    folder = tmp_path_factory.mktemp("story")
    root = folder / "workspace"
    everyone = [ANN, CYD, *(f"p{n}" for n in range(10))]
    others = [BOB, *(f"q{n}" for n in range(11))]
    on_day(root, 0).train(write(folder / "one.csv", everyone), **OPTIONS)
    (folder / "unseeded.py").write_text(UNSEEDED)
    with pytest.raises(NotReproducible):
        on_day(root, 2).train(folder / "one.csv", **{**OPTIONS, "module": folder / "unseeded.py"})
    on_day(root, 4).forget([ANN])
    on_day(root, 6).train(write(folder / "two.csv", others), record="all", **OPTIONS)
    on_day(root, 8).forget([BOB], strategy="amnesiac")
    return root


@pytest.fixture
def project(story):
    return on_day(story, 10)


def run(story, *arguments):
    done = CliRunner().invoke(commands, [*arguments, "--workspace", str(story)])
    return done.exit_code, done.output


def test_what_a_model_was_made_of_is_known_after_it_has_ended(project, story):
    for model in ("m1", "m2", "m3", "m4"):
        data = project.ask.data(model)
        assert data["numbers"] == ["age"] and data["strings"] == ["city"]
        assert sum(data["rows"].values()) == {"m1": 240, "m2": 220, "m3": 240, "m4": 220}[model]
        asked = project.ask.hyperparameters(model)
        assert (asked["seed"], asked["batch_size"], asked["shards"]) == (5, 32, 3)
        assert asked["record"] == ("none" if model in ("m1", "m2") else "all")
        assert asked["optimizer"]["class"] == "Adam"
        assert asked["optimizer"]["config"]["learning_rate"] > 0
        made = project.ask.libraries(model)["environment"]
        assert made["packages"]["keras"] and made["packages"]["tensorflow"] and made["python"]
    digests = {model: project.ask.data(model)["data_digest"] for model in ("m1", "m2", "m3")}
    assert len(set(digests.values())) == 3
    ledger = open_ledger(story / "tfx" / "forget-r1" / "m1" / "ledger")
    live = ledger.header
    assert live.optimizer == project.ask.hyperparameters("m2")["optimizer"]
    assert published_data(ledger) == digests["m2"] != live.data["data_digest"]


def test_which_pipeline_made_a_model_and_which_version_was_served_last(project):
    assert project.ask.pipeline("m1")["pipeline"] == "train-m1"
    assert project.ask.pipeline("m2")["pipeline"] == "forget-r1"
    served = project.ask.deployed("m1")
    assert (served["family"], served["served"], served["last"]) == ("m1", "m2", "m2")
    assert [(v["model"], v["version"]) for v in served["versions"]] == [("m1", 1), ("m2", 2)]
    then = project.ask.deployed("m1", as_of="2031-01-04")
    assert (then["served"], len(then["versions"])) == ("m1", 1)
    assert project.ask.deployed("m1", as_of="2030-12-31")["last"] is None


def test_why_a_run_failed_is_kept_without_what_it_said_of_people(project, story):
    (failure,) = project.ask.failures()["failures"]
    assert failure["run"] == "train-m2"
    assert failure["time"].startswith("2031-01-03")
    assert (
        failure["error"] == "NotReproducible"
        and "cannot be trained reproducibly" in failure["message"]
    )
    status, text = run(story, "query", "failures")
    assert status == 0 and failure["message"] in text
    # The run of that name that succeeded later was another one.
    assert project.ask.failures("m4")["failures"] == []


def test_a_failed_training_leaves_no_key_of_new_people_and_no_module(story, tmp_path):
    root = shutil.copytree(story, tmp_path / "workspace")
    (tmp_path / "unseeded.py").write_text(UNSEEDED)
    table = write(tmp_path / "new.csv", ["new-1", "new-2", CYD])

    def left():
        with closing(sqlite3.connect(root / "keys" / "pseudonyms.sqlite")) as connection:
            keys = set(connection.execute("SELECT lookup, key FROM keys"))
        return keys, sorted(path.name for path in (root / "modules").iterdir())

    before = left()
    with pytest.raises(NotReproducible):
        on_day(root, 20).train(table, **{**OPTIONS, "module": tmp_path / "unseeded.py"})
    assert left() == before
    assert on_day(root, 21).trace_subject(CYD)["models"]


def test_what_others_said_in_an_error_is_not_kept(tmp_path):
    index = tmp_path / "unweave.sqlite"
    try:
        try:
            raise RuntimeError("the value 4711 of someone")
        except RuntimeError as cause:
            raise CheckFailed("It says: the value 4711 of someone.") from cause
    except CheckFailed as error:
        record_failure(index, run="train-m7", error=error, time="2031-01-01")
    record_failure(index, run="train-m7", error=KeyError("4711"), time="2031-01-02")
    with closing(read_index(index)) as connection:
        kept = failures(connection, run="train-m7")
    assert [(one["error"], one["message"]) for one in kept] == [
        ("KeyError", None), ("CheckFailed (RuntimeError)", None),
    ]  # fmt: skip
    assert b"4711" not in index.read_bytes()


def test_whose_rows_a_model_holds_is_told_by_pseudonym(project):
    held = project.ask.subjects("m2")
    assert held["subjects"] == 11 and set(held["rows_by_subject"].values()) == {20}
    pseudonym = project.trace_subject(CYD)["pseudonym"]
    assert held["rows_by_subject"][pseudonym] == 20


def test_a_person_is_found_in_models_that_were_and_at_times_that_were(project):
    now = project.ask.models_of(CYD)
    assert [(m["model"], m["state"], m["rows"]) for m in now["models"]] == [
        ("m1", "deleted", 20), ("m2", "live", 20),
    ]  # fmt: skip
    assert now["forgotten"] is None
    then = project.ask.models_of(CYD, as_of="2031-01-03")
    assert [(m["model"], m["state"]) for m in then["models"]] == [("m1", "live")]
    with pytest.raises(NothingFound, match="was at 2030"):
        project.ask.models_of(CYD, as_of="2030-06-01")
    with pytest.raises(NothingFound, match="in any model"):
        project.ask.models_of("nobody")


def test_a_forgotten_person_s_history_survives_without_the_data(project):
    gone = project.ask.models_of(ANN)
    assert gone["forgotten"].startswith("2031-01-05") and gone["request"] == "r1"
    assert [(m["model"], m["state"], m["rows"]) for m in gone["models"]] == [
        ("m1", "deleted", None)
    ]
    before = project.ask.models_of(ANN, as_of="2031-01-02T08:00:00Z")
    assert before["forgotten"] is None
    assert [(m["model"], m["state"]) for m in before["models"]] == [("m1", "live")]
    assert [m["model"] for m in project.ask.models_of(BOB)["models"]] == ["m3"]


def test_only_what_never_learnt_from_deleted_rows_is_called_free_of_them(project):
    assert project.ask.free("m2")["free"] is True
    assert project.ask.free("m4")["free"] is False
    assert any("subtracted" in reason for reason in project.ask.free("m4")["reasons"])
    assert project.ask.free("m1")["free"] is None


def test_models_as_of_a_time_are_those_that_there_were(project):
    states = [(m["model_id"], m["state"]) for m in project.models(as_of="2031-01-05")]
    assert states == [("m1", "deleted"), ("m2", "live")]
    states = [(m["model_id"], m["state"]) for m in project.models(as_of="2031-01-05T11:00:00Z")]
    assert states == [("m1", "live")]
    with pytest.raises(BadInput, match="is no time"):
        project.models(as_of="yesterday")


def test_a_deletion_that_waits_to_be_finished_leaves_no_model_free(story, tmp_path):
    root = shutil.copytree(story, tmp_path / "workspace")
    with closing(open_index(root / "unweave.sqlite")) as connection:
        deletions.record(connection, commitments=[], options={}, time="2031-01-20")
    answer = on_day(root, 30).ask.free("m2")
    assert answer["free"] is False and "r3 has not ended" in answer["reasons"][0]


def test_a_batch_an_update_and_a_checkpoint_tell_of_one_another(project, story):
    touched = project.trace_subject(CYD)["models"][-1]
    row, slice_, batch, update, checkpoint, model, pushed = touched["why"]
    key = row.removeprefix("row ")
    assert key in touched["row_keys"] and slice_.startswith("slice s")
    of_batch = project.trace_batch(f"m2:{batch.removeprefix('batch ')}")
    assert key in of_batch["row_keys"]
    assert of_batch["step"]["rows"] == len(of_batch["row_keys"])
    assert f"update {of_batch['update']}" == update
    assert project.trace_update(f"m2:{of_batch['update']}") == of_batch
    assert f"checkpoint {of_batch['next_checkpoint']}" == checkpoint
    made = project.trace_checkpoint(f"m2:{of_batch['next_checkpoint']}")
    first, end = made["positions"]
    assert first <= of_batch["step"]["position"] < end
    assert made["serves"] and made["next_checkpoint"] is None
    assert made["from_checkpoint"] == f"{made['checkpoint'][:2]}.r0"
    before = project.trace_checkpoint(f"m2:{made['from_checkpoint']}")
    assert before["next_checkpoint"] == made["checkpoint"] and not before["serves"]
    assert before["from_checkpoint"] is None
    assert (model, pushed) == ("model m2", f"pushed {touched['pushed']}")
    for item in touched["checkpoints"]:
        assert item["why"][-1] == f"checkpoint s{item['shard']}.r{item['stage']}"
    for kind, name in [("batch", of_batch["batch"]), ("update", of_batch["update"]),
                       ("checkpoint", made["checkpoint"])]:  # fmt: skip
        status, output = run(story, "trace", kind, f"m2:{name}", "--json")
        asked = getattr(project, f"trace_{kind}")
        expected = {"ok": True, **asked(f"m2:{name}")}
        assert status == 0 and json.loads(output) == json.loads(json.dumps(expected))
        assert run(story, "trace", kind, f"m2:{name}")[0] == 0


@pytest.mark.parametrize(
    ("kind", "name", "error", "message"),
    [
        ("update", "s0.r1", BadInput, "Update names are like s0.p42"),
        ("update", "s0.p-1", BadInput, "Update names are like"),
        ("checkpoint", "r1.s0", BadInput, "Checkpoint names are like s0.r1"),
        ("batch", "s0.r0.e0", BadInput, "Batch names are like"),
        ("batch", "s9.r0.e0.b0", NothingFound, "no shard 9"),
        ("batch", "s0.r9.e0.b0", NothingFound, "no such batch"),
        ("update", "m2:s0.p9999", NothingFound, "no such update in model m2"),
        ("checkpoint", "m2:s0.r7", NothingFound, "no such checkpoint in model m2"),
        ("checkpoint", "m1:s0.r0", NothingFound, "m1 is deleted"),
        ("update", "m9:s0.p0", NothingFound, "no such model"),
    ],
)
def test_a_place_that_there_is_not_is_named(project, kind, name, error, message):
    with pytest.raises(error, match=message):
        getattr(project, f"trace_{kind}")(name)


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["data", "m1"], lambda ask: ask.data("m1")),
        (["hyperparameters", "m2"], lambda ask: ask.hyperparameters("m2")),
        (["libraries"], lambda ask: ask.libraries()),
        (["pipeline", "m2"], lambda ask: ask.pipeline("m2")),
        (["deployed", "m1"], lambda ask: ask.deployed("m1")),
        (["deployed", "m1", "--as-of", "2031-01-02"],
         lambda ask: ask.deployed("m1", as_of="2031-01-02")),
        (["failures"], lambda ask: ask.failures()),
        (["subjects", "m2"], lambda ask: ask.subjects("m2")),
        (["free", "m2"], lambda ask: ask.free("m2")),
        (["free", "m4"], lambda ask: ask.free("m4")),
        (["models-of", ANN], lambda ask: ask.models_of(ANN)),
    ],
)  # fmt: skip
def test_the_command_line_gives_the_answers_of_the_python_api(project, story, arguments, asked):
    status, output = run(story, "query", *arguments, "--json")
    expected = asked(project.ask)
    ok = expected.get("free") is not False
    assert json.loads(output) == json.loads(json.dumps({"ok": ok, **expected}))
    assert status == (0 if ok else 1)
    status_of_text, text = run(story, "query", *arguments)
    assert status_of_text == status and text.strip()
    assert "{" not in text and ANN not in text


def test_the_command_line_says_what_does_not_go_together(story):
    status, output = run(story, "query", "models-of")
    assert status == 2 and "Name the subject" in output
    status, output = run(story, "query", "data", "m1", "--as-of", "2031-01-01")
    assert status == 2 and "--as-of goes with" in output


def test_a_date_means_its_end_and_a_time_without_zone_is_in_utc():
    assert time_of("2031-01-05") > time_of("2031-01-05T23:59:59+00:00")
    assert time_of("2031-01-05") < time_of("2031-01-06T00:00:00")
    assert time_of("2031-01-05T12:00:00") == time_of("2031-01-05T12:00:00Z")
    if sys.version_info >= (3, 11):  # before, Python reads no such date, and it is refused
        assert time_of("20310105") == time_of("2031-W01-7") == time_of("2031-01-05")
        assert time_of("20310105T12") == time_of("2031-01-05T12:00")
    assert time_of("2031-01-05T12:00:00+02:00") == time_of("2031-01-05T10:00:00Z")
