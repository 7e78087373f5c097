"""Ids need not stand in a command line: every command that takes one takes it from a file, too."""

import json

import click
import pytest
from click.testing import CliRunner

from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands
from unweave.options.ids_file import IdsFile

# What takes an id of a person or a row; all other parameters name models, files, requests, ...
TAKES_IDS = {"SUBJECT...", "[MODEL|SUBJECT]"}
OF_A_PERSON = {("trace", "name"), ("graph", "subject"), ("verify", "subject"), ("answer", "also")}


def all_commands(group=commands):
    for one in group.commands.values():
        if isinstance(one, click.Group):
            yield from all_commands(one)
        else:
            yield one


def test_every_command_that_takes_an_id_takes_it_from_a_file():
    found = {
        (command.name, parameter.into)
        for command in all_commands()
        for parameter in command.params
        if isinstance(parameter, IdsFile)
    }
    wanted = {
        (command.name, parameter.name)
        for command in all_commands()
        for parameter in command.params
        if parameter.metavar in TAKES_IDS or (command.name, parameter.name) in OF_A_PERSON
    }
    named = {  # whatever is called a subject is one of them
        (command.name, parameter.name)
        for command in all_commands()
        for parameter in command.params
        if parameter.name in {"subject", "subjects"}
    }
    assert named - {("train", "subject")} <= wanted  # that one names a column
    assert found == wanted and len(wanted) == 8


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A workspace in which nobody was forgotten; only asked here."""
    here = tmp_path_factory.mktemp("ids")
    people = ["--rows", "p 1", "p2", "Zoë"]
    rows = "".join(f"{people[n % 4]},{n % 5},{'ab'[n % 2]}\n" for n in range(40))
    (here / "t.csv").write_text("who,age,y\n" + rows, encoding="utf-8")
    project = Project(here / "ws", backend=DirectBackend())
    project.train(here / "t.csv", label="y", subject="who", model_family="naive-bayes", shards=1)
    return here / "ws"


def run(root, *arguments, given=None):
    return CliRunner().invoke(
        commands, [*arguments, "--workspace", str(root)], input=given, standalone_mode=False
    )


def test_every_line_is_an_id_whatever_it_begins_with(root, tmp_path):
    file = tmp_path / "ids"
    file.write_bytes("\ufeff--rows\r\n\n  \np 1\nZoë".encode())
    added = run(root, "request", "add", "--json", "p2", "--ids", str(file))
    assert json.loads(added.stdout)["ids"] == 4
    one = run(root, "trace", "subject", "--ids", "-", "--json", given=b"--rows\n")
    (model,) = json.loads(one.stdout)["models"]
    assert model["rows"] == 10
    asked = run(root, "query", "models-of", "--ids", "-", "--json", given="Zoë\n".encode())
    assert "m1" in asked.stdout
    drawn = run(root, "graph", "--ids", "-", "--out", str(tmp_path / "g.svg"), given=b"p2\n")
    assert "no metadata" in str(drawn.exception)  # it was asked for the graph of somebody


@pytest.mark.parametrize(
    "given, arguments",
    [
        (b"p2\np 1\n", ["trace", "subject"]),
        (b"\n\n", ["forget", "--dry-run"]),
        (b"p\xff2\n", ["forget", "--dry-run"]),
        (None, ["forget", "--dry-run"]),
    ],
)
def test_what_is_wrong_with_the_file_is_said_without_an_id(root, tmp_path, given, arguments):
    file = tmp_path / "ids"
    if given is not None:
        file.write_bytes(given)
    error = run(root, *arguments, "--ids", str(file)).exception
    assert isinstance(error, click.UsageError)
    assert "--ids" in error.message and "p2" not in error.message
