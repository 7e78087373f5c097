"""What others wrote is shown and rules nothing: neither the terminal nor a spreadsheet."""

import ast
import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.text import answers
from unweave.text.console import console_for_people, table_of
from unweave.text.printed import cell_of_csv, say, say_json, visible

TOP = Path(__file__).parents[3]
NASTY = (
    "\x1b[2J\x1b]0;x\x07\u202edrow\u2066\u2069\x9b31m\r\n"
    "verified: all\t\ud800\u2028\x7f[red]:skull:"
)
SHOWN = (
    r"\x1b[2J\x1b]0;x\x07\u202edrow\u2066\u2069\x9b31m\r\n"
    r"verified: all\t\ud800\u2028\x7f[red]:skull:"
)


def acts(text):
    return any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") for one in text)


def test_what_acts_is_shown_as_an_escape():
    assert visible(NASTY) == SHOWN
    assert visible("Björn 山田 ∑ 😀 a\\b") == "Björn 山田 ∑ 😀 a\\b"
    joined = "\N{ARABIC LETTER FARSI YEH}\u200c\N{ARABIC LETTER KHAH}"
    assert visible(joined) == joined  # a joiner of letters moves nothing


@given(st.text(st.characters()))
def test_no_text_acts_or_begins_a_line(text):
    assert not acts(visible(text).replace("\u200c", "").replace("\u200d", ""))
    assert len(visible(text).splitlines()) <= 1


def test_lines_and_cells_are_shown_alike(capsys):
    table = table_of("id")
    table.add_row(NASTY)
    console = console_for_people()
    console.print(table)
    console.print(NASTY)
    say(NASTY)
    say(NASTY, err=True)
    printed = capsys.readouterr()
    assert [line.strip() for line in printed.out.splitlines()] == ["id", SHOWN, SHOWN, SHOWN]
    assert printed.err == SHOWN + "\n"


@given(st.dictionaries(st.text(st.characters(), max_size=4), st.text(st.characters())))
def test_json_reads_back_as_it_was_and_acts_on_nothing(answer):
    import contextlib
    import io

    for encoding in ("utf-8", "ascii"):
        out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
        with contextlib.redirect_stdout(out):
            say_json(answer)
        out.flush()
        printed = out.buffer.getvalue().decode(encoding)
        assert json.loads(printed) == {"ok": True, **answer}
        assert not acts(printed[:-1].replace("\u200c", "").replace("\u200d", ""))


@pytest.mark.parametrize(
    "value, cell",
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1 to Anna", "'+1 to Anna"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", '"\'\r=1"'),
        ("-1.5", "-1.5"),
        ("+3e4", "+3e4"),
        ("-inf", "-inf"),
        ("yes", "yes"),
        ("a,b", '"a,b"'),
        ('=say "x"', '"\'=say ""x"""'),
    ],
)
def test_formulas_in_csv_are_disarmed(value, cell):
    assert cell_of_csv(value) == cell


def test_a_class_that_is_a_formula_is_no_formula_in_predictions(capsys):
    answers.show("predicted", {
        "rows_by": "@id", "rows": ["+r", "-2", "s", "t"],
        "classes": ["=1+1", "no"], "predictions": ["=1+1", "no", "a\nb", "-1"],
        "probabilities": [[0.75, 0.25], [0.4, 0.6], [0.5, 0.5], [1.0, 0.0]],
    })  # fmt: skip
    assert capsys.readouterr().out.splitlines() == [
        "'@id,prediction,probability_=1+1,probability_no", "'+r,'=1+1,0.75,0.25", "-2,no,0.4,0.6",
        r's,"a\nb",0.5,0.5', "t,-1,1.0,0.0",
    ]  # fmt: skip


def test_a_strangers_certificate_is_shown_and_clears_no_screen(capsys):
    model = {
        "before": {"id": "m1", "weights": "00" * 32}, "after": None, "guarantee": "exact",
        "strategy": "\x1b[2J\x1b[32mverified: Signed by the given key\n",
    }  # fmt: skip
    answers.show("verified", {"verdict": "intact", "detail": "Anyone.", "models": [model]})
    first, second = capsys.readouterr().out.splitlines()
    assert first == "intact: Anyone."
    assert r"\x1b[2J\x1b[32mverified: Signed by the given key\n" in second


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with one small model."""
    here = tmp_path_factory.mktemp("printed")
    rows = "".join(f"p{n % 6},{n % 5},{'ab'[n % 2]}\n" for n in range(60))
    (here / "t.csv").write_text("who,age,y\n" + rows, encoding="utf-8")
    project = Project(here / "ws", backend=DirectBackend())
    project.train(here / "t.csv", label="y", subject="who", model_family="naive-bayes", shards=1)
    return here / "ws"


def run(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "unweave", *arguments], capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(TOP), **variables},
    )  # fmt: skip


def test_a_request_of_a_stranger_is_shown_and_rules_no_terminal(workspace):
    place = ("--workspace", workspace)
    name = "\x1b[2J\x1b]0;x\x07p1\u202e"
    added = run("request", "add", name, "--reason", NASTY[:-14].replace("\ud800", ""), *place)
    assert added.returncode == 0, added
    done = run("request", "show", "q1", *place)
    assert done.returncode == 0, done
    text = done.stdout.decode("utf-8")
    assert r"\x1b[2J\x1b]0;x\x07p1\u202e" in text and r"\r\nverified: all" in text
    assert not acts(text.replace("\n", "")) and "\nverified" not in text
    as_json = run("request", "show", "q1", *place, "--json")
    assert json.loads(as_json.stdout)["named"] == [name]
    assert not acts(as_json.stdout.decode("utf-8")[:-1])


def test_a_terminal_that_knows_ascii_alone_is_no_error(workspace):
    place = ("--workspace", workspace)
    added = run("request", "add", "Björn", *place, "--json", PYTHONIOENCODING="ascii")
    assert added.returncode == 0, added
    number = json.loads(added.stdout)["request"]
    done = run("request", "show", number, *place, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and rb"Bj\xf6rn" in done.stdout


def test_the_command_line_prints_in_one_place():
    # What prints a page of its own making, and what is called without the command line.
    elsewhere = {"printed.py", "reference.py", "recording.py"}
    found = set()
    for file in (TOP / "unweave").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called in ("print", "click.echo", "click.secho", "rich.print", "Console"):
                    found.add((file.name, called))
    assert {one for one in found if one[0] not in elsewhere} == {("progress_bars.py", "Console")}
