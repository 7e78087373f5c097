"""What is excessive: a fee that is agreed to first, or a refusal; both with a letter (12(5))."""

import json
import re
from datetime import datetime, timedelta, timezone

import pytest
from click.testing import CliRunner

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput
from lineage_store.index.database import read_index
from lineage_store.log import events
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.cli import commands

NOON = datetime(2026, 5, 20, 12, tzinfo=timezone.utc)


def at(root, *, days=0):
    return Project(root, backend=DirectBackend(), now=lambda: NOON + timedelta(days=days))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # letters without a PDF are made quicker
    at(tmp_path / "workspace").train(write_people(tmp_path / "people.csv"), **OPTIONS)
    return tmp_path / "workspace"


def test_a_fee_is_told_first_and_the_person_decides(root, tmp_path):
    desk = at(root).requests
    desk.add(["p3"], right="access", only=True, requester="Dora Ost")
    for amount, reason in ((" ", "x"), ("20 EUR", "")):
        with pytest.raises(BadInput, match="an amount, and a reason"):
            desk.ask_fee("q1", amount=amount, reason=reason)
    with pytest.raises(BadInput, match="No fee is asked"):
        desk.fee_agreed("q1")
    answer = desk.ask_fee("q1", amount="20 EUR", reason="the fifth this week", by="Otto Officer")
    assert (answer["state"], answer["fee"], answer["late"]) == (
        "waiting for a fee",
        "20 EUR",
        False,
    )
    due = answer["due_by_law"]
    with pytest.raises(BadInput, match="already"):
        desk.ask_fee("q1", amount="30 EUR", reason="again")
    with pytest.raises(BadInput, match="there is a pack when it is to be answered"):
        desk.answer_pack("q1", out=tmp_path / "no")
    for language, words in (
        ("en", "reasonable fee|20 EUR|the fifth this week|take your request back|Articles 77 and"),
        ("de", "angemessenes Entgelt|20 EUR|exzessiv|zurücknehmen|Artikel 77 und"),
    ):
        out = tmp_path / language
        assert desk.letter("q1", out=out, language=language)["letter"] == "fee"
        text = (out / "letter.txt").read_text()
        assert [word for word in words.split("|") if word not in text] == []
        assert not re.search(r"None|{{|{%", text)
    # The law's clock runs on: nothing in Article 12 stops it for a fee.
    assert at(root, days=60).requests.show("q1")["due_by_law"] == due
    assert at(root, days=60).requests.show("q1")["late"]
    assert desk.fee_agreed("q1")["state"] == "to be answered"
    desk.answer_pack("q1", out=tmp_path / "done")
    with read_index(root / "unweave.sqlite") as connection:
        kinds = [one.kind for one in events.about(connection, "q1")]
    assert kinds == ["request queued", "fee asked", "fee agreed", "request ended"]
    for file in (one for one in root.rglob("*") if one.is_file()):
        assert not [word for word in (b"20 EUR", b"fifth this") if word in file.read_bytes()]


def test_nothing_runs_while_a_fee_is_asked_and_it_may_be_taken_back_or_refused(root, tmp_path):
    desk = at(root).requests
    for person in ("p1", "p2"):
        desk.add([person], only=True)
        desk.ask_fee(f"q{person[1]}", amount="20 EUR", reason="repeated")
    assert desk.run()["runs"] == [] and desk.cancel("q1")["state"] == "cancelled"
    desk.refuse("q2", ground="12(5)(b)", reason="it is repeated", out=tmp_path / "refused")
    text = (tmp_path / "refused" / "letter.txt").read_text()
    assert "manifestly unfounded or excessive" in text and "it is repeated" in text


def test_what_is_begun_has_no_price(root):
    desk = at(root).requests
    desk.add(["p3"], right="restriction", ground="18(1)(a)", only=True)
    with pytest.raises(BadInput, match="before anything is done"):
        desk.ask_fee("q1", amount="20 EUR", reason="repeated")
    desk.add(["P 4"], right="restriction", ground="18(1)(a)")  # it waits for an answer
    assert desk.ask_fee("q2", amount="20 EUR", reason="repeated")["restricted_since"] is None
    assert desk.answer("q2", also=["1"])["state"] == "waiting for a fee"
    assert desk.fee_agreed("q2")["state"] == "restricted"


def test_the_command_line_asks_and_goes_on(root):
    def run(*args):
        return CliRunner().invoke(commands, [*args, "--workspace", str(root)])

    run("request", "add", "p3", "--only")
    found = run("request", "ask-fee", "q1", "--amount", "20 EUR", "--reason", "repeated", "--json")
    assert json.loads(found.output)["fee_reason"] == "repeated"
    assert "fee          20 EUR" in run("request", "show", "q1").output
    assert "q1 is waiting" in run("request", "fee-agreed", "q1").output
