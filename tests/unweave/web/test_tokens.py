"""Tokens of programs: printed once, kept as digests, ended by a day, an owner, or their program."""

import hashlib
import os
from datetime import date, timedelta

import pytest

from fixtures.desk_users import sign_in_at_once
from fixtures.run_here import run_here
from lineage_store.errors import BadInput, NothingFound
from lineage_store.index import reading_index
from lineage_store.keys import Keys
from lineage_store.keys.secret import derive
from lineage_store.log import events
from unweave.web.accounts.desk_file import FILE, desk_file
from unweave.web.accounts.tokens import BEGINS, LONGEST_DAYS, Tokens
from unweave.web.accounts.users import Users

KEYS: Keys = derive(bytes(range(32)))
TODAY, NOW = "2031-05-20", 1_900_000_000


@pytest.fixture
def tokens(tmp_path):
    with desk_file(tmp_path) as connection:
        yield Tokens(connection, Users(connection, KEYS))


def make(tokens, name="CRM", role="officer", until="2031-06-01"):
    return tokens.make(name, role, until=until, today=TODAY, random_bytes=os.urandom)


def test_a_token_is_of_a_program_until_the_end_of_its_day(tokens):
    made, text = make(tokens)
    assert made.number == "t1" and text.startswith(BEGINS) and len(text) == len(BEGINS) + 64
    user = tokens.user_of(text, today=TODAY)
    assert (user.name, user.role, user.is_program, user.is_set) == ("CRM", "officer", True, False)
    assert tokens.user_of(text, today="2031-06-01") == user
    assert tokens.user_of(text, today="2031-06-02") is None
    for other in (
        "",
        text[:-1],
        text + "0",
        text.upper(),
        hashlib.sha256(text.encode()).hexdigest(),
    ):
        assert tokens.user_of(other, today=TODAY) is None
    _, other = make(tokens, name="crm")  # the same program: both are taken until one ends
    assert [one.number for one in tokens.every(today=TODAY)] == ["t1", "t2"]
    assert tokens.end("t1", today=TODAY).user == user
    assert tokens.user_of(text, today=TODAY) is None and tokens.user_of(other, today=TODAY) == user
    for number in ("t1", "t9", "1", "2", "t2 ", ""):
        with pytest.raises(NothingFound, match="no such token"):
            tokens.end(number, today=TODAY)
    tokens.end("t2", today=TODAY)
    assert make(tokens)[0].number == "t3"  # no number is given twice


@pytest.mark.parametrize(
    "until, why",
    [
        ("2031-05-19", "today or later"),
        (str(date(2031, 5, 20) + timedelta(days=LONGEST_DAYS + 1)), "a year ahead at most"),
        ("tomorrow", "is no date"),
        ("p3", "is no date"),
    ],
)
def test_a_day_that_will_not_do_is_refused_and_nothing_is_kept(tokens, until, why):
    with pytest.raises(BadInput, match=why):
        make(tokens, until=until)
    assert tokens.users.every() == []


def test_a_program_is_no_person_and_ends_with_all_its_tokens(tokens):
    users = tokens.users
    users.add("Dora Ost", "officer", now=NOW, random_bytes=os.urandom)
    with pytest.raises(BadInput, match="a person of that name"):
        make(tokens, name="dora  OST")
    _, text = make(tokens)
    with pytest.raises(BadInput, match="as officer: end it first"):
        make(tokens, role="approver")
    with pytest.raises(BadInput, match="There is a user of that name"):
        users.add("CRM", "officer", now=NOW, random_bytes=os.urandom)
    with pytest.raises(BadInput, match="comes in by tokens"):
        users.invite("CRM", now=NOW, random_bytes=os.urandom)
    assert users.signed_in("CRM", password="", code="", now=NOW) is None
    users.end("CRM", now=NOW)
    assert tokens.user_of(text, today=TODAY) is None
    make(tokens, role="auditor")  # under the same name: what it had before does not come back
    assert tokens.user_of(text, today=TODAY) is None


def test_the_command_prints_a_token_once_and_the_file_has_neither_it_nor_its_name(desk):
    where, until = ("--workspace", str(desk.root)), str(date.today() + timedelta(days=90))

    def told(*arguments):
        status, said, why = run_here("user", *arguments, *where, folder=desk.root.parent)
        assert status == 0, why
        return said

    said = told("token", "CRM import", "--role", "officer", "--until", until)
    text = said.split()[-1]
    assert "by the token t1" in said
    assert told("tokens") == f"t1: CRM import, officer, until {until}\n"
    assert "CRM import: officer, a program" in told("list")
    kept = (desk.root / FILE).read_bytes()
    assert text.encode() not in kept and text[len(BEGINS) :].encode() not in kept
    assert bytes.fromhex(text[len(BEGINS) :]) not in kept and b"CRM" not in kept
    with desk.accounts() as accounts:
        assert accounts.tokens.user_of(text, today=desk.today).name == "CRM import"
    assert "t1 of CRM import is taken no more" in told("end-token", "t1")
    assert told("tokens").startswith("There is no token")
    with reading_index(desk.session.workspace()) as connection:
        logged = [one for one in events.events(connection) if "token" in one.kind]
    assert [one.kind for one in logged] == ["token made", "token ended"]
    assert logged[0].body["until"] == until and "CRM" not in str(logged)


def test_a_token_that_the_log_does_not_know_is_not_kept(desk, monkeypatch):
    from unweave.web.operations.tokens_made import make_token, tokens_there

    with desk.accounts() as accounts:
        owner = accounts.users.program("An owner", "owner", random_bytes=os.urandom)

    def full(*_, **__):
        raise OSError("full")

    with monkeypatch.context() as patch:
        patch.setattr(events, "append", full)
        with pytest.raises(OSError, match="full"):
            make_token(desk, owner, "CRM", "officer", until=desk.today)
    assert tokens_there(desk) == {"tokens": []}
    told = make_token(desk, owner, "CRM", "officer", until=desk.today)
    assert told["token"] == "t1" and tokens_there(desk)["tokens"][0]["name"] == "CRM"


def test_an_owner_makes_and_ends_tokens_by_forms_and_nobody_else_sees_them(desk):
    owner = sign_in_at_once(desk, "Olga Zwei", "owner")
    owner.get("/settings")
    assert "There is no token." in owner.text
    for said, at in (
        ({"name": "", "until": desk.today}, "name"),
        ({"name": "CRM", "until": ""}, "until"),
        ({"name": "CRM", "until": "2020-01-01"}, "until"),
        ({"name": "olga zwei", "until": desk.today}, "name"),
    ):
        owner.send("/settings/tokens", **said)
        assert owner.answer.status_code == 422 and f"#{at}" in owner.page.links
        assert at in owner.page.ids
    owner.send("/settings/tokens", name="CRM", role="auditor", until=desk.today)
    text = owner.text.partition(BEGINS)[2][:64]
    client = owner._client
    bearer = {"authorization": f"Bearer {BEGINS}{text}"}
    assert client.get("/api/v1/requests", headers=bearer).status_code == 200
    assert text not in owner.get("/settings").text and "t1" in owner.text
    owner.send("/settings/tokens/t1/end")
    assert "The token is taken no more." in owner.text and "There is no token." in owner.text
    assert client.get("/api/v1/requests", headers=bearer).status_code == 401
    assert owner.post("/settings/tokens/t9/end", {"token": _token(owner)}).status_code == 404
    with reading_index(desk.session.workspace()) as connection:
        assert [one.kind for one in events.events(connection) if "token" in one.kind] == [
            "token made", "token ended"
        ]  # fmt: skip


def _token(browser):
    browser.get("/settings")
    return browser.page.forms[0]["fields"]["token"]
