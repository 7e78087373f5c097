"""Flags in messages: Python's name of an option becomes its flag, and nothing else does."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_store.errors import BadInput
from unweave.cli import commands
from unweave.options.shared import asked_for, flags_for
from unweave.text.flags import answer_in_flags, in_flags

TOP = Path(__file__).parents[3]
FLAGS = flags_for(commands, commands)


def raised_in(file):
    """The texts of a file that may reach a user: all strings but docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def test_every_name_in_a_message_is_that_of_an_option():
    """One that is none would stay in backticks for who works at the command line."""
    named = {
        (str(file.relative_to(TOP)), name)
        for folder in (
            "lineage_store",
            "unlearning",
            "components",
            "pipelines",
            "unweave/api",
            "unweave/graphs",
            "unweave/web/process",
        )
        for file in (TOP / folder).rglob("*.py")
        for text in raised_in(file)
        for name in re.findall(r"`([a-z_]+)`", text)
    }
    assert len(named) > 30
    assert {(file, name) for file, name in named if name not in FLAGS} == set()


def test_no_two_commands_call_an_option_otherwise_but_where_each_says_it_itself():
    ways = {}
    for name in [*commands.commands, "request add"]:
        command = asked_for(name.split(), commands)
        for one, flag in flags_for(command, command).items():
            ways.setdefault(one, set()).add(flag)
    assert {name for name, flags in ways.items() if len(flags) > 1} == {
        "label",
        "since",
        "source",
        "subject",
    }


def test_an_option_is_called_as_its_command_calls_it():
    for words, flag in (("train", "--label-column"), ("evaluate", "--label"), ("log head", None)):
        command = asked_for([*words.split(), "--json"], commands)
        assert command.name == words.split()[-1]
        told = in_flags("name it with `label`", flags_for(command, commands))
        assert told == f"name it with {flag or '--label-column'}"
    assert asked_for(["--version"], commands) is asked_for([], commands) is commands


def test_names_that_are_no_option_stay_as_they_are():
    told = in_flags("see `unweave models` or `units`, or leave `base` out of `train`", FLAGS)
    assert told == "see `unweave models` or `units`, or leave --from out of `train`"


def test_what_people_wrote_stays_as_it_is():
    answer = {"reason": "`base`", "failed": [{"error": "`base`", "requests": ["`base`"]}],
              "warnings": ["`base`"], "why": [{"id": "`base`"}, {"why": "`base`"}]}  # fmt: skip
    assert answer_in_flags(answer, FLAGS) == {
        "reason": "`base`", "failed": [{"error": "--from", "requests": ["`base`"]}],
        "warnings": ["--from"], "why": [{"id": "`base`"}, {"why": "--from"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["train", "--csv", "x", "--label-column", "y", "--epochs", "0"],
         "unweave: --epochs is 0: it goes from 1 to 100000.\n"),
        (["forget", "ann", "--within", "0"], "unweave: --within is 0.0: it must be more than 0.\n"),
        (["detect", "--csv", "x", "--row-id-column", "id", "--method", "provenance"],
         "unweave: The method provenance needs --trusted and --source-column.\n"),
        (["request", "add", "ann", "--source", "x"],
         "unweave: --source and --column go together, and are of subjects, not of rows.\n"),
    ],
)  # fmt: skip
def test_who_works_at_the_command_line_reads_flags(arguments, sentence, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "unweave", *arguments, "--workspace", str(tmp_path / "ws")],
        capture_output=True, text=True, check=False, cwd=TOP,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, sentence)


def test_who_works_in_python_reads_names():
    from unweave import Project

    with pytest.raises(BadInput, match="The method provenance needs `trusted` and `source`"):
        Project("nowhere").detect("x", row_id="id", method="provenance")
