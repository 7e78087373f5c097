"""The page on answering people is true: its commands run, in their order, and say what it says."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.letters.kinds import KINDS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "answering-people.md").read_text(encoding="utf-8")
OF_RIGHTS = (DOCS / "rights.md").read_text(encoding="utf-8")


# Naive Bayes forgets exactly, and a restriction is lifted on a day that is to come: these two have
# tests of their own (test_answer_packs.py, test_rights.py).
ALL_KINDS = {*KINDS} - {"approximate", "lifted"}
OF_THE_OTHER_PAGE = {"restricted", "to-be-lifted", "access", "portability", "rectified"}


def test_every_letter_is_in_its_table():
    table = re.findall(r"^\| [^|]+ \| ([a-z, -]+) \|", PAGE, re.M)
    named = {one.strip() for cell in table for one in cell.split(",")}
    assert sorted(named - {"letter"}) == sorted(KINDS)


def run_as_written(page, tmp_path, monkeypatch):
    """Run the commands of a page on a small workspace; return its letters, and their kinds."""
    monkeypatch.setenv("PATH", "")  # without Chromium: the PDF has a test of its own
    monkeypatch.chdir(tmp_path)
    table = write_people(tmp_path / "people.csv")
    Project("workspace", backend=DirectBackend()).train(table, **OPTIONS)
    (tmp_path / "holidays.txt").write_text("2026-12-25 Christmas Day\n")
    lines, kinds = re.findall(r"^ {4,8}unweave (.*)$", page, re.M), set()
    for line in lines:
        if line == "run-requests":  # without TFX, whose half a minute has tests of its own
            assert not Project("workspace", backend=DirectBackend()).requests.run()["failed"]
            continue
        if line.startswith("train "):  # likewise
            Project("workspace", backend=DirectBackend()).train(table, **OPTIONS, rectifies="q3")
            continue
        sends = "--out sent/" in line
        found = CliRunner().invoke(commands, [*shlex.split(line), *["--json"] * sends])
        assert found.exit_code == 0, (line, found.output, found.exception)
        if sends:
            kinds.add(json.loads(found.stdout)["letter"])
    letters = {folder.name: (folder / "letter.txt").read_text() for folder in
               (tmp_path / "sent").iterdir()}  # fmt: skip
    assert len(letters) == sum("--out" in line for line in lines)
    return letters, kinds


def test_every_command_runs_and_every_letter_is_written(tmp_path, monkeypatch):
    letters, kinds = run_as_written(PAGE, tmp_path, monkeypatch)
    assert kinds == ALL_KINDS - OF_THE_OTHER_PAGE
    assert "Dear Dora Ost" in letters["q1"] and "ausgehändigt" in letters["q1-again"]
    assert all("Acme GmbH" in text for text in letters.values())
    assert not (tmp_path / "sent" / "q1-again" / "receipt.json").exists()


def test_the_page_on_rights_runs_too(tmp_path, monkeypatch):
    letters, kinds = run_as_written(OF_RIGHTS, tmp_path, monkeypatch)
    assert kinds >= OF_THE_OTHER_PAGE
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
    }
