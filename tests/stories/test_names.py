"""Models have names: the next training supersedes, a rollback serves again, a deletion goes on."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, NothingFound, OnHold
from lineage_store.index.database import read_index
from lineage_store.log import LineServed, ModelRetired, of_kind
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.text.answers import status as status_lines

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)
SAID = {"purpose": "who stays", "owner": "Dora Ost", "legal_basis": "17(1)(b)"}


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    here = tmp_path_factory.mktemp("names")
    table = write_people(here / "people.csv")
    at(here / "workspace").train(table, **OPTIONS, name="churn", **SAID)
    at(here / "workspace").train(table, **OPTIONS, name="churn", retention="two years", seed=1)
    return here / "workspace"


@pytest.fixture
def root(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # letters without a PDF are made quicker
    return shutil.copytree(trained, tmp_path / "workspace", symlinks=True)


def served(root):
    """The model that a server of the name would load, and the only one."""
    (link,) = (root / "named" / "churn").iterdir()
    assert link.is_symlink() and link.is_dir() and any(link.rglob("*"))
    assert not os.path.isabs(os.readlink(link))  # so that a workspace can be moved
    return f"m{link.name}"


def test_the_next_training_of_a_name_supersedes_the_last_which_is_forgotten_from_all_the_same(root):
    assert served(root) == "m2"
    listed = {one["model"]: (one["name"], one["served"]) for one in at(root).models()}
    assert listed == {"m1": ("churn", False), "m2": ("churn", True)}
    (name,) = at(root).names.list()["names"]
    assert name["model"] == "m2" and name["owner"] == "Dora Ost" and name["missing"] == []
    done = at(root).forget(["p3"])
    assert sorted(one["model_before"] for one in done["models"]) == ["m1", "m2"]
    after = {one["model_before"]: one["model_after"] for one in done["models"]}
    assert served(root) == after["m2"]
    assert at(root).audit()["ok"]


def test_a_rollback_serves_what_deletions_left_and_never_what_one_ended(root):
    after = {one["model_before"]: one["model_after"] for one in at(root).forget(["p3"])["models"]}
    assert at(root).names.rollback("churn")["model"] == after["m1"] == served(root)
    with pytest.raises(BadInput, match="no such earlier version"):
        at(root).names.rollback("churn")
    assert at(root).names.rollback("churn", to="m2")["model"] == after["m2"] == served(root)
    with pytest.raises(NothingFound):
        at(root).names.rollback("loans")
    everybody = [f"p{number}" for number in range(16) if number != 3]
    at(root).forget(everybody)
    assert not list((root / "named" / "churn").iterdir())
    with pytest.raises(BadInput, match="left nothing of"):
        at(root).names.rollback("churn")


def test_what_is_said_of_a_name_is_sealed_and_the_log_has_ids_alone(root):
    for file in root.rglob("*"):
        data = b"" if file.is_symlink() or not file.is_file() else file.read_bytes()
        assert b"Dora Ost" not in data and b"who stays" not in data, file
    with read_index(root / "unweave.sqlite") as connection:
        logged = [one for _, one in of_kind(connection, LineServed)]
    assert [(one.line, one.instead) for one in logged] == [("m1", None), ("m2", "m1")]


def test_a_name_stands_for_its_model_and_is_well_formed(root, tmp_path):
    table = write_people(tmp_path / "people.csv")
    assert at(root).predict(table, model_id="churn")["model_id"] == "m2"
    assert at(root).trace_model("churn")["model_id"] == "m2"
    at(root).names.name("old", model="m1")
    assert at(root).predict(table, model_id="old")["model_id"] == "m1"
    for wrong in ("m7", "Churn", "../keys", "", "a" * 64):
        with pytest.raises(BadInput, match="small letters"):
            at(root).names.name(wrong, model="m1")
    with pytest.raises(BadInput, match="give it one"):
        at(root).train(table, **OPTIONS, purpose="who stays")


def test_a_retired_model_is_erased_and_nobody_is_kept_out(root, tmp_path):
    table = write_people(tmp_path / "people.csv")
    few = tmp_path / "few.csv"
    lines = table.read_text().splitlines()
    only = [f"only-there-{n},A,{n},{'xy'[n % 2]}" for n in range(40)]
    few.write_text("\n".join([lines[0], *only]))
    at(root).train(few, **OPTIONS)
    paths = [one["model_path"] for one in at(root).models()]
    assert at(root).names.retire("churn", superseded=True)["retired"] == ["m1"]
    assert at(root).names.retire("m3")["retired"] == ["m3"]
    assert [os.path.exists(path) for path in paths] == [False, True, False]
    assert not (root / "data" / "m1").exists() and not (root / "data" / "m3").exists()
    assert [one["state"] for one in at(root).models()] == ["withdrawn", "live", "withdrawn"]
    with pytest.raises(NothingFound):
        at(root).trace_subject("only-there-1")
    assert at(root).spellings_alike(["Only There 1"]) == {}  # nor is it known how they are spelled
    assert at(root).trace_subject("p3")["models"][0]["model"] == "m2"
    assert at(root).audit()["ok"] and at(root).doctor()["ok"]
    at(root).train(few, **OPTIONS)
    assert at(root).trace_subject("only-there-1")["models"][0]["rows"] == 1
    with pytest.raises(BadInput, match="ended already"):
        at(root).names.retire("m1")
    assert at(root).forget(["p3"])["models"][0]["model_before"] == "m2"
    at(root).names.retire("churn")
    assert not list((root / "named" / "churn").iterdir())


def test_restricted_rows_are_not_retired_and_an_end_that_was_killed_is_finished(root, tmp_path):
    at(root).requests.add(["p3"], right="restriction", ground="18(1)(a)", only=True)
    with pytest.raises(OnHold, match="take them out"):
        at(root).names.retire("m1")
    desk = at(root).requests
    desk.announce_lift("q1", because="taken back", on="2026-05-21", out=tmp_path / "told")
    at(root, days=1).requests.lift("q1")
    kept = root / "data" / "m1"
    shutil.copytree(kept, root.parent / "kept")
    at(root).names.retire("m1")
    shutil.copytree(root.parent / "kept", kept)  # as it is where the power went in between
    at(root).names.name("churn", purpose="still")
    assert kept.exists()
    at(root).requests.run()
    assert not kept.exists()


def test_a_place_that_serves_is_asked_to_confirm_and_until_then_the_answer_says_so(root, tmp_path):
    desk = at(root).requests
    desk.serving.add("https://models.example/churn", model="churn", since="2026-01-01")
    gone = desk.serving.add("the old shop", since="2026-01-01")
    desk.serving.end(gone["number"], on="2026-03-01")
    desk.recipients.add("Ads Ltd", since="2026-01-01")
    desk.add(["p3"], only=True)
    (run,) = desk.run()["runs"]
    assert [one["name"] for one in run["to_confirm"]] == ["https://models.example/churn"]
    answer = desk.answer_pack("q1", out=tmp_path / "q1")
    assert any("serving confirm 1 r1" in one for one in answer["before_sending"])
    said = "Not confirmed yet is that the new ones are served at: https://models.example/churn."
    assert said in (tmp_path / "q1" / "letter.txt").read_text()
    assert [one["name"] for one in desk.serving.list()["to_tell"]] == [run["to_confirm"][0]["name"]]
    with pytest.raises(BadInput, match="another list"):
        desk.serving.confirmed(3, "r1")
    desk.serving.confirmed(1, "r1")
    assert desk.show("q1")["to_confirm"][0]["told"] == "2026-05-20"
    desk.answer_pack("q1", out=tmp_path / "again", language="de")
    assert "models.example" not in (tmp_path / "again" / "letter.txt").read_text()
    assert [one["name"] for one in desk.recipients.list()["recipients"]] == ["Ads Ltd"]


def test_the_command_line_shows_names_and_what_is_missing(root):
    def run(*args):
        found = CliRunner().invoke(commands, [*args, "--workspace", str(root)])
        assert found.exit_code == 0, found.output
        return found.output

    lines = run("models").splitlines()
    assert lines[1].split()[:3] == ["churn", "m2", "live"]
    assert lines[2].split()[:3] == ["churn", "m1", "superseded"] and max(map(len, lines)) < 80
    assert "m2 is served" in run("name")
    at(root).names.name("loans", model="m1")
    assert "missing" in run("name", "loans")
    assert json.loads(run("rollback", "churn", "--json"))["model"] == "m1"
    at(root).forget(["p3"])
    assert "have ended: --all" in run("models") and "deleted" in run("models", "--all")


def test_what_another_name_serves_is_not_superseded(root):
    at(root).names.name("old", model="m1")
    with pytest.raises(NothingFound, match="no live model of churn to retire"):
        at(root).names.retire("churn", superseded=True)
    assert [one["state"] for one in at(root).models()] == ["live", "live"]


def test_a_name_is_retired_from_its_newest_on_and_as_a_whole_or_not_at_all(root):
    with closing(sqlite3.connect(root / "unweave.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE models SET config = json_set(config, '$.base', 'm1') WHERE id = 'm2'"
        )
    with pytest.raises(BadInput, match="m2 was trained from m1"):
        at(root).names.retire("churn", superseded=True)
    at(root).names.name("old", model="m1")
    assert at(root).names.retire("churn")["retired"] == ["m2", "m1"]


@pytest.mark.parametrize(
    ("said", "until"),
    [
        ("two years", "2028-05-20"),
        ("24 months", "2028-05-20"),
        ("90 Days", "2026-08-18"),
        ("one  month", "2026-06-20"),
        ("zero days", None),
        ("as long as the contract runs", None),
    ],
)
def test_a_length_of_time_is_a_clock_and_other_text_is_none(root, said, until):
    answer = at(root).names.name("churn", retention=said)
    assert [one["kept_until"] for one in answer["versions"]] == [until, until]


def test_a_superseded_version_ends_with_its_time_and_a_served_one_is_told_of(root):
    at(root).names.name("churn", retention="30 days")
    assert at(root, days=30).status()["retention_over"] == []
    over = at(root, days=31).status()["retention_over"]
    assert [(one["model"], one["served"]) for one in over] == [("m1", False), ("m2", True)]
    there = ["--workspace", str(root)]
    assert (
        "m2           is kept until 2026-06-19"
        in CliRunner().invoke(commands, ["name", "churn", *there]).output
    )
    text = "\n".join(map(str, status_lines(at(root, days=31).status())))
    assert "churn (m1) was to be kept until 2026-06-19: the next run ends it" in text
    assert "churn (m2) was to be kept until 2026-06-19: train it anew, or retire it" in text
    at(root, days=31).requests.run()
    assert [one["state"] for one in at(root).models()] == ["withdrawn", "live"]
    assert served(root) == "m2" and not (root / "models" / "m1").exists()
    with read_index(root / "unweave.sqlite") as connection:
        (retired,) = (one for _, one in of_kind(connection, ModelRetired))
    assert (retired.model, retired.by, retired.until) == ("m1", None, "2026-06-19")
    assert at(root, days=31).audit()["ok"]
    assert at(root, days=32).doctor()["ok"]


def test_what_is_restricted_outlives_its_time_until_it_is_taken_out(root):
    at(root).names.name("churn", retention="30 days")
    at(root).requests.add(["p3"], right="restriction", ground="18(1)(a)", only=True)
    at(root, days=31).requests.run()
    assert [one["state"] for one in at(root).models()] == ["live", "live"]
    at(root, days=31).requests.keep_rows("q1")
    at(root, days=31).requests.run()
    at(root, days=32).requests.run()
    assert [one["state"] for one in at(root).models()][-2:] == ["withdrawn", "live"]
