"""The page on answering people is true: its commands run, in their order, and say what it says."""

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

PAGE = (Path(__file__).parents[2] / "docs" / "answering-people.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    unweave (.*)$", PAGE, re.M)


def test_every_letter_is_in_its_table():
    table = re.findall(r"^\| [^|]+ \| ([a-z-]+) \|", PAGE, re.M)
    assert sorted(set(table) - {"letter"}) == sorted(KINDS)


def test_every_command_runs_and_every_letter_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # without Chromium: the PDF has a test of its own
    monkeypatch.chdir(tmp_path)
    table = write_people(tmp_path / "people.csv")
    Project("workspace", backend=DirectBackend()).train(table, **OPTIONS)
    (tmp_path / "holidays.txt").write_text("2026-12-25 Christmas Day\n")
    for line in COMMANDS:
        if line == "run-requests":  # without TFX, whose half a minute has tests of its own
            assert not Project("workspace", backend=DirectBackend()).requests.run()["failed"]
            continue
        found = CliRunner().invoke(commands, shlex.split(line))
        assert found.exit_code == 0, (line, found.output, found.exception)
    letters = {folder.name: (folder / "letter.txt").read_text() for folder in
               (tmp_path / "sent").iterdir()}  # fmt: skip
    assert len(letters) == sum("--out" in line for line in COMMANDS)
    assert "Dear Dora Ost" in letters["q1"] and "ausgehändigt" in letters["q1-again"]
    assert all("Acme GmbH" in text for text in letters.values())
    assert not (tmp_path / "sent" / "q1-again" / "receipt.json").exists()


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_letter_has_a_template(language):
    folder = Path(__file__).parents[2] / "unweave" / "letters" / language
    assert {file.stem for file in folder.glob("*.j2")} == {*KINDS, "frame", "proofs"}
