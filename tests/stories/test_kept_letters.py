"""Letters and files of requests lie sealed, and go: with the end, a deletion, or after 30 days."""

import json
import shutil
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, NothingFound
from lineage_store.index.database import read_index
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    here = tmp_path_factory.mktemp("letters")
    at(here / "workspace").train(write_people(here / "people.csv"), **OPTIONS)
    return here / "workspace"


@pytest.fixture
def root(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    return shutil.copytree(trained, tmp_path / "workspace")


def kept(root, request="q1", days=0):
    letters = at(root, days=days).requests.letters(request)["letters"]
    return [(one["letter"], one["sent"], one["until"]) for one in letters]


def nowhere(root, *words):
    for file in (one for one in root.rglob("*") if one.is_file()):
        assert not [word for word in words if word.encode() in file.read_bytes()], file


def test_a_draft_goes_when_its_request_ends_and_what_was_sent_30_days_later(root, tmp_path):
    desk = at(root).requests
    desk.add(["nobody"], only=True, requester="Dora Ost")
    (tmp_path / "her letter.txt").write_text("Please forget Dora Ost of Ulm")
    desk.attach("q1", tmp_path / "her letter.txt")
    desk.letter("q1", out=tmp_path / "received")
    assert desk.letter("q1", out=tmp_path / "again")["number"] == 3
    assert kept(root) == [("file", None, None), ("received", None, None), ("received", None, None)]
    at(root, days=1).requests.sent("q1", letter=2)
    assert kept(root)[1] == ("received", "2026-05-21", "2026-06-20")
    written = tmp_path / "written"
    desk.letters("q1", out=written)
    assert (written / "1-her letter.txt").read_text() == "Please forget Dora Ost of Ulm"
    assert (written / "2-received.txt").read_text() == (tmp_path / "again/letter.txt").read_text()
    assert b"Dora Ost" in (written / "2-received.html").read_bytes()
    nowhere(root, "Dora Ost", "Ulm", "her letter")
    at(root, days=2).requests.run()  # nothing is found: the request ends
    assert kept(root) == [("received", "2026-05-21", "2026-06-20")]
    with pytest.raises(BadInput, match="has ended"):
        desk.attach("q1", tmp_path / "her letter.txt")
    at(root, days=3).requests.answer_pack("q1", out=tmp_path / "pack")  # written after the end
    assert kept(root)[1:] == [("nothing-found", None, "2026-06-22")]
    at(root, days=31).requests.run()
    assert len(kept(root, days=31)) == 2
    at(root, days=32).requests.run()
    assert [one for one, _, _ in kept(root)] == ["nothing-found"]
    at(root, days=34).requests.run()
    assert kept(root) == []


def test_what_was_sent_was_written_before_and_not_tomorrow(root, tmp_path):
    desk = at(root, days=2).requests
    desk.add(["p3"], only=True)
    with pytest.raises(NothingFound, match="No such letter"):
        desk.sent("q1")
    desk.letter("q1", out=tmp_path / "one")
    for day in ("2026-05-21", "2026-05-23"):
        with pytest.raises(BadInput, match="name the day on which"):
            desk.sent("q1", on=day)
    with pytest.raises(NothingFound):
        desk.sent("q1", letter=2)
    with pytest.raises(NothingFound):
        desk.letters("q9")
    large = tmp_path / "large"
    large.write_bytes(bytes((4 << 20) + 1))
    with pytest.raises(BadInput, match="4 MiB at most"):
        desk.attach("q1", large)
    with pytest.raises(BadInput, match="cannot be read"):
        desk.attach("q1", tmp_path / "none")


def test_no_letter_outlives_a_deletion_of_whom_it_is_about_and_its_answer_names_nobody(
    root, tmp_path
):
    """Law 9: whoever has all of the workspace, its secret too, is told by no letter who went."""
    desk = at(root).requests
    desk.add(["p3"], right="access", only=True, requester="Dora Ost")
    desk.answer_pack("q1", out=tmp_path / "access")
    desk.sent("q1")
    desk.add(["p3", "p4"], only=True, requester="Dora Ost")
    desk.ask_more("q2", doubt="two Dora Osts")
    desk.letter("q2", out=tmp_path / "more")
    desk.sent("q2")
    desk.more_came("q2")
    desk.add(["p5"], only=True)
    desk.letter("q3", out=tmp_path / "other")
    desk.hold("q3", reason="x", until="2026-06-01")
    assert len(kept(root, "q1")) == len(kept(root, "q2")) == len(kept(root, "q3")) == 1
    at(root, days=1).requests.run()
    assert kept(root, "q1") == kept(root, "q2") == [] and len(kept(root, "q3")) == 1
    at(root, days=1).requests.answer_pack("q2", out=tmp_path / "done", to="Dora Ost")
    assert "Dear Dora Ost" in (tmp_path / "done" / "letter.txt").read_text()
    at(root, days=1).requests.letters("q2", out=tmp_path / "kept")
    (text,) = (tmp_path / "kept").glob("*.txt")
    assert "Dear Sir or Madam" in text.read_text() and "Dora" not in text.read_text()
    at(root, days=1).forget(["p9"])
    assert at(root, days=1).audit()["ok"]


def test_a_request_that_is_taken_back_or_refused_leaves_what_the_law_wants_said(root, tmp_path):
    desk = at(root).requests
    for number, person in enumerate(("p1", "p2"), start=1):
        desk.add([person], only=True)
        desk.letter(f"q{number}", out=tmp_path / person)
    desk.cancel("q1")
    assert kept(root, "q1") == []
    desk.refuse("q2", ground="17(3)(e)", reason="a claim before court", out=tmp_path / "no")
    assert kept(root, "q2") == [("refused", None, "2026-06-19")]
    desk.letters("q2", out=tmp_path / "again")
    assert "a claim before court" in (tmp_path / "again" / "1-refused.txt").read_text()
    nowhere(root, "before court")


def test_the_command_line_lists_sends_and_attaches(root, tmp_path):
    def run(*args):
        return CliRunner().invoke(commands, ["request", *args, "--workspace", str(root)])

    at(root).requests.add(["p3"], only=True)
    assert "Nothing is kept of q1." in run("letters", "q1").output
    (tmp_path / "scan.pdf").write_bytes(b"%PDF-")
    assert "  1  file" in run("attach", "q1", str(tmp_path / "scan.pdf")).output
    run("letter", "q1", "--out", str(tmp_path / "out"))
    found = json.loads(run("sent", "q1", "--json").output)["letters"]
    assert found[1]["sent"] and found[1]["until"] > found[1]["sent"]
    assert "kept until" in run("letters", "q1", "--out", str(tmp_path / "kept")).output
    with read_index(root / "unweave.sqlite") as connection:
        sealed = [row[0] for row in connection.execute("SELECT sealed FROM letters")]
    assert all(set(one) <= set("0123456789abcdef") for one in sealed)
