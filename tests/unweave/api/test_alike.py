"""Nobody is answered "nothing found" because of a spelling: others that have rows are told of.

How they are spelled is shown on a terminal and stands nowhere else.
"""

import csv
import json
import os
import pty
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from lineage_store.errors import AlreadyForgotten, BadInput, NothingFound, SpelledOtherwise
from lineage_store.keys.pseudonyms import Pseudonyms
from lineage_store.keys.spellings import digest_of
from lineage_store.requests.policy import Policy, Sender
from lineage_store.workspace.folder import open_workspace
from pipelines.backends.direct import DirectBackend
from unweave import Project

PEOPLE = [
    "Anna Müller", "anna muller", "MUELLER, ANNA", "Bob", "Bob ", "Zoë", "person-7", "person-07",
    *(f"somebody-{n}" for n in range(12)),
]  # fmt: skip
ROWS = {"Anna Müller": 8, "anna muller": 4, "MUELLER, ANNA": 6}


def project_in(root):
    return Project(root, backend=DirectBackend())


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alike")
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["person", "age", "label"])
        for place, person in enumerate(PEOPLE):
            for n in range(ROWS.get(person, 5)):
                out.writerow([person, (7 * n + place) % 37, "ab"[n % 2]])
    options = {"label": "label", "subject": "person", "model_family": "naive-bayes"}
    project_in(folder / "workspace").train(folder / "t.csv", shards=2, **options)
    return folder


@pytest.fixture
def root(trained, tmp_path):
    return shutil.copytree(trained / "workspace", tmp_path / "workspace")


@pytest.fixture
def project(root):
    return project_in(root)


def spellings_in(root):
    """All spellings that the workspace keeps, opened with its secret."""
    workspace = open_workspace(root)
    store = Pseudonyms(workspace.pseudonym_file, workspace.keys(), to_read=True)
    with closing(store):
        return {one for person in PEOPLE for one in store.spelled_like(person)}


def test_a_trace_tells_at_once_how_many_other_spellings_have_rows(project):
    traced = project.trace_subject("anna muller")
    assert [one["rows"] for one in traced["models"]] == [4]
    assert [(one["number"], one["rows"]) for one in traced["alike"]] == [(1, 8), (2, 6)]
    assert traced["alike"][0]["why"] == "case, accents"
    assert "not_compared" not in traced
    assert project.trace_subject("somebody-3")["alike"] == []


@pytest.mark.parametrize("asked", ["Muller Anna", "anna mueller", "ANNA MÜLLER"])
@pytest.mark.parametrize("how", ["trace_subject", "forget", "plan"])
def test_nothing_found_is_never_said_of_a_spelling_alone(project, how, asked):
    ask = getattr(project, how)
    with pytest.raises(SpelledOtherwise, match=r"3 other spellings have rows \(18\)") as raised:
        ask(asked if how == "trace_subject" else [asked])
    assert [one["rows"] for one in raised.value.fields["alike"]] == [8, 6, 4]
    said = f"{raised.value} {json.dumps(dict(raised.value.fields))}".casefold()
    assert "muller" not in said and "müller" not in said and "anna" not in said


def test_a_stranger_is_found_nowhere(project):
    for ask in (project.trace_subject, lambda name: project.forget([name])):
        with pytest.raises(NothingFound) as raised:
            ask("Anna Miller")
        assert not isinstance(raised.value, SpelledOtherwise)


def test_a_deletion_tells_of_the_spellings_that_stay(project, root):
    done = project.forget(["anna muller"])
    assert done["rows_found"] == 4
    assert [one["rows"] for one in done["alike"]] == [8, 6]
    assert "anna muller" not in spellings_in(root)
    assert {"Anna Müller", "MUELLER, ANNA"} <= spellings_in(root)
    both = project.forget(["Anna Müller", "MUELLER, ANNA"])
    assert both["alike"] == []
    assert not {one for one in spellings_in(root) if "nna" in one.casefold()}


def test_a_spelling_and_what_it_folds_to_go_with_the_rows(project, root):
    """Of the one who is forgotten nothing is left in any file; of others both stay."""
    workspace = open_workspace(root)
    folded = {one: digest_of(workspace.keys(), one) for one in ("somebody-3", "somebody-4")}
    with closing(sqlite3.connect(workspace.pseudonym_file)) as connection:
        sealed = {
            one: connection.execute("SELECT sealed FROM spellings WHERE folded = ?", (told,))
            .fetchone()[0]
            for one, told in folded.items()
        }  # fmt: skip

    def left():
        files = [file.read_bytes() for file in root.rglob("*") if file.is_file()]
        return {
            (one, what)
            for one in folded
            for what, told in (("folded", folded[one]), ("sealed", sealed[one]))
            if any(told in data or told.hex().encode() in data for data in files)
        }

    assert left() == {(one, what) for one in folded for what in ("folded", "sealed")}
    project.forget(["somebody-3"])
    assert left() == {("somebody-4", "folded"), ("somebody-4", "sealed")}


def test_a_canonical_spelling_is_no_question(project):
    traced = project.trace_subject("Bob")
    assert [one["rows"] for one in traced["models"]] == [10]
    assert traced["alike"] == []


# --- the queue


def test_a_request_waits_until_it_is_said_who_is_meant(project):
    asked = project.requests.add(["Anna Müller"])
    assert asked["state"] == "waiting for an answer"
    assert [(one["number"], one["rows"]) for one in asked["alike"]] == [(1, 6), (2, 4)]
    assert asked["near"] == []
    assert project.requests.run()["runs"] == []
    answered = project.requests.answer(asked["request"], also=["1"])
    assert (answered["state"], answered["ids"], answered["alike"]) == ("waiting", 2, [])
    (run,) = project.requests.run()["runs"]
    assert run["rows_found"] == 14
    assert [one["rows"] for one in project.trace_subject("anna muller")["models"]] == [4]


def test_what_is_said_beforehand_is_an_answer(project):
    alone = project.requests.add(["Anna Müller"], only=True)
    assert (alone["state"], alone["ids"], alone["alike"]) == ("waiting", 1, [])
    more = project.requests.add(["anna muller"], also=["2", "Bob"], not_offered=True)
    assert (more["state"], more["ids"]) == ("waiting", 3)
    assert more["named"] == ["anna muller", "MUELLER, ANNA", "Bob"]


def test_an_answer_that_comes_with_the_same_request_is_taken(project):
    first = project.requests.add(["Zoe"])
    assert first["state"] == "waiting for an answer"
    again = project.requests.add(["Zoe"], only=True)
    assert (again["request"], again["duplicate"], again["state"]) == (
        first["request"], True, "waiting",
    )  # fmt: skip


@pytest.mark.parametrize("number", ["0", "3", "17"])
def test_the_number_of_none_is_refused(project, number):
    asked = project.requests.add(["Anna Müller"])
    for answer in (
        lambda: project.requests.answer(asked["request"], also=[number]),
        lambda: project.requests.add(["Anna Müller"], also=[number]),
    ):
        with pytest.raises(BadInput, match=rf"None of the 2 ids .* the number {number}"):
            answer()


def test_a_request_from_the_inbox_waits_as_well(project, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "one.json").write_text(json.dumps({"subjects": ["Zoe"]}))
    (inbox / "one.json").chmod(0o600)
    project.requests.set_policy(Policy(senders=(Sender(uid=os.getuid()),)))
    ((added,),) = (file["requests"] for file in project.requests.inbox(inbox)["accepted"])
    waiting = project.requests.show(added["request"])
    assert (waiting["state"], waiting["alike"]) == (
        "waiting for an answer", [{"number": 1, "rows": 5, "why": "accents"}],
    )  # fmt: skip


def test_who_came_in_under_another_spelling_since_is_not_answered_nothing_found(project, tmp_path):
    asked = project.requests.add(["Cara Díaz"])["request"]
    unknown = project.requests.add(["Dan"])["request"]
    source = tmp_path / "later.csv"
    rows = [f"{who},{n % 37},{'ab'[n % 2]}" for who in ("cara diaz", "Eve") for n in range(40)]
    source.write_text("\n".join(["person,age,label", *rows]), encoding="utf-8")
    project.train(source, label="label", subject="person", model_family="naive-bayes")
    ran = project.requests.run()
    assert [(one["request"], one["outcome"]) for one in ran["settled"]] == [
        (unknown, "nothing found"),
    ]  # fmt: skip
    assert ran["left"] == {"waiting for an answer": 1}
    answer = project.requests.show(asked)
    assert answer["alike"] == [{"number": 1, "rows": 40, "why": "case, accents"}]
    project.requests.answer(asked, only=True)
    (settled,) = project.requests.run()["settled"]
    assert (settled["request"], settled["outcome"]) == (asked, "nothing found")


def test_the_spelling_lies_sealed_and_no_answer_has_it(project, root):
    asked = project.requests.add(["anna muller"])
    text = json.dumps([asked, project.requests.show(asked["request"]), project.requests.list()])
    assert "MUELLER" not in text and "Müller" not in text and "\\u00fc" not in text
    for path in root.rglob("*"):
        if path.is_file() and path.is_relative_to(root / "data") is False:
            assert b"MUELLER, ANNA" not in path.read_bytes(), path


def test_killed_trainings_leave_no_spelling(root, trained, tmp_path):
    class Failing(DirectBackend):
        def train(self, job):
            raise BadInput("Before anything was made.")

    source = tmp_path / "u.csv"
    text = (trained / "t.csv").read_text(encoding="utf-8").replace("Zoë", "ANNA MULLER")
    source.write_text(text, encoding="utf-8")
    before = spellings_in(root)
    with pytest.raises(BadInput, match="Before"):
        Project(root, backend=Failing()).train(
            source, label="label", subject="person", model_family="naive-bayes"
        )
    assert spellings_in(root) == before


# --- an earlier unweave's


@pytest.fixture
def older(root):
    """The workspace as an earlier unweave left it: pseudonyms' keys, and no spellings."""
    import sqlite3

    with closing(sqlite3.connect(root / "keys/pseudonyms.sqlite")) as connection, connection:
        for table in ("spellings", "unspelled"):
            connection.execute(f"DROP TABLE {table}")
    return root


def test_an_older_workspace_works_and_says_that_it_cannot_know(older):
    project = project_in(older)
    traced = project.trace_subject("anna muller")
    known = len({one.strip() for one in PEOPLE})  # white space makes no other person
    assert (traced["alike"], traced["not_compared"]) == ([], known)
    with pytest.raises(
        SpelledOtherwise, match=f"Of {known} subjects no spelling is known"
    ) as raised:
        project.trace_subject("ANNA MULLER")
    assert dict(raised.value.fields) == {"alike": [], "not_compared": known}
    assert project.requests.add(["ANNA MULLER"])["not_compared"] == known
    done = project.forget(["Bob"])
    assert (done["rows_found"], done["not_compared"]) == (10, known - 1)
    with pytest.raises(AlreadyForgotten):
        project.forget(["Bob"])


def test_the_next_training_on_the_file_tells_the_older_ones_apart(older, trained):
    project = project_in(older)
    project.train(trained / "t.csv", label="label", subject="person", model_family="naive-bayes")
    traced = project.trace_subject("anna muller")
    assert [one["rows"] for one in traced["alike"]] == [8, 6]
    assert "not_compared" not in traced


# --- on a terminal


def on_a_terminal(*arguments):
    """Run the command line on a terminal; return what it shows there."""
    shown, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "unweave", *arguments],
        stdout=end, stderr=end, stdin=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "160"},
    )  # fmt: skip
    os.close(end)
    text = b""
    while True:
        try:
            piece = os.read(shown, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        text += piece
    process.wait()
    os.close(shown)
    return text.decode("utf-8")


def test_the_spelling_is_shown_on_a_terminal_alone(root):
    arguments = ["trace", "subject", "anna muller", "--workspace", str(root)]
    assert "Anna Müller" in on_a_terminal(*arguments)
    piped = subprocess.run(
        [sys.executable, "-m", "unweave", *arguments], capture_output=True, check=True, text=True
    ).stdout
    assert "Müller" not in piped and "(shown on a terminal)" in piped
    missing = on_a_terminal("trace", "subject", "ANNA MULLER", "--workspace", str(root))
    assert "3 other spellings have rows" in missing and "MUELLER, ANNA" in missing
