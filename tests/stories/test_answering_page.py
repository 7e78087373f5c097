"""The page on answering people is true: its commands run, in their order, and say what it says."""

import json
import re
import shlex
from datetime import datetime, timezone
from pathlib import Path

import pytest
from click.testing import CliRunner

from fixtures import SMALL_MODEL
from fixtures.small_table import OPTIONS, write_people
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.letters.kinds import KINDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "answering-people.md").read_text(encoding="utf-8")
OF_RIGHTS = (DOCS / "rights.md").read_text(encoding="utf-8")


OF_RIGHTS_ALONE = {"restricted", "to-be-lifted", "lifted", "access", "portability", "rectified"}
OF_A_NETWORK = {"approximate"}
NETWORK = {"record": "all", "shards": 1, "slices": 1, "epochs": 1, "module": SMALL_MODEL}
OF_PEOPLE = {"label": "label", "subject": "person"}
TO_COME = datetime(2999, 1, 2, tzinfo=timezone.utc)  # after the day on which a restriction ends


def test_every_letter_is_in_its_table():
    table = re.findall(r"^\| [^|]+ \| ([a-z, -]+) \|", PAGE, re.M)
    named = {one.strip() for cell in table for one in cell.split(",")}
    assert sorted(named - {"letter"}) == sorted(KINDS)


def run_as_written(lines, tmp_path, monkeypatch):
    """Run commands of a page on a small workspace; return its letters, and their kinds."""
    monkeypatch.setenv("PATH", "")  # without Chromium: the PDF has a test of its own
    monkeypatch.chdir(tmp_path)
    table = write_people(tmp_path / "people.csv")
    (tmp_path / "holidays.txt").write_text("2026-12-25 Christmas Day\n")
    kinds = set()
    for line in lines:
        line, _, place = line.partition(" --workspace ")
        project = Project(place or "workspace", backend=DirectBackend())
        if line == "run-requests":  # without TFX, whose half a minute has tests of its own
            assert not project.requests.run()["failed"]
        elif line.startswith("train "):  # likewise
            of_network = {**OF_PEOPLE, **NETWORK} if place else {**OPTIONS, "rectifies": "q3"}
            project.train(table, **of_network)
        else:
            sends = "--out sent/" in line
            asked = [*shlex.split(line), "--workspace", str(project.root), *["--json"] * sends]
            found = CliRunner().invoke(commands, asked)
            assert found.exit_code == 0, (line, found.output, found.exception)
            if sends:
                kinds.add(json.loads(found.stdout)["letter"])
    return letters_in(tmp_path / "sent"), kinds


def letters_in(folder):
    return {sent.name: (sent / "letter.txt").read_text() for sent in folder.iterdir()}


def lines_of(page):
    """The commands of a page that it runs on one workspace, and those that it runs on another."""
    lines = re.findall(r"^ {4,8}unweave (.*)$", page, re.M)
    return [[one for one in lines if (" --workspace " in one) is other] for other in (False, True)]


@pytest.fixture
def trained(tmp_path):
    table = write_people(tmp_path / "people.csv")
    Project(tmp_path / "workspace", backend=DirectBackend()).train(table, **OPTIONS)


def test_every_command_runs_and_every_letter_is_written(trained, tmp_path, monkeypatch):
    lines, _ = lines_of(PAGE)
    letters, kinds = run_as_written(lines, tmp_path, monkeypatch)
    assert len(letters) == sum("--out" in line for line in lines)
    assert kinds == {*KINDS} - OF_RIGHTS_ALONE - OF_A_NETWORK
    assert "Dear Dora Ost" in letters["q1"] and "ausgehändigt" in letters["q1-again"]
    assert all("Acme GmbH" in text for text in letters.values())
    assert not (tmp_path / "sent" / "q1-again" / "receipt.json").exists()


def test_what_is_done_approximately_is_written_as_the_page_says(tmp_path, monkeypatch):
    _, lines = lines_of(PAGE)
    letters, kinds = run_as_written(lines, tmp_path, monkeypatch)
    assert kinds == OF_A_NETWORK and "derived" in letters["networks-q1"]


def test_the_page_on_rights_runs_too(trained, tmp_path, monkeypatch):
    lines, _ = lines_of(OF_RIGHTS)
    at_last = lines.index("request lift q1 --put-back rows.csv --beside people.csv")
    then = lines[at_last : at_last + 2]
    assert then[1] == "request letter q1 --out sent/q1-lifted"
    today = [line for line in lines if line not in then]
    _, kinds = run_as_written(today, tmp_path, monkeypatch)
    # The day of which the person was told is to come: what is done then is done by its clock.
    later = Project("workspace", backend=DirectBackend(), now=lambda: TO_COME).requests
    later.lift("q1", put_back="rows.csv", beside="people.csv")
    kinds.add(later.letter("q1", out="sent/q1-lifted")["letter"])
    letters = letters_in(tmp_path / "sent")
    assert kinds >= OF_RIGHTS_ALONE and len(letters) == sum("--out" in line for line in lines)
    assert "carry what they learnt" in letters["q1-restricted"]
    assert "taken out" not in letters["q1-restricted"] and "verified" in letters["q1-told"]
    assert "you objected" in letters["q2"] and "two years" in letters["q4"]
    assert "corrected" in letters["q3"] and "Artikel 20" in letters["q5"]


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_letter_has_a_template(language):
    folder = Path(__file__).parents[2] / "unweave" / "letters" / language
    assert {file.stem for file in folder.glob("*.j2")} == {
        *KINDS,
        "frame",
        "proofs",
        "asked",
        "recipients",
        "elsewhere",
    }
