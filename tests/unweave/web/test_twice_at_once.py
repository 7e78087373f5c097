"""The same thing twice at the same time: two tabs, a double click, a thief beside the owner."""

import os
import time
from dataclasses import replace

import pytest

from fixtures.desk_users import PASSWORD as SIGNS_IN
from fixtures.desk_users import come_in, sign_in_at_once
from fixtures.script_free import ScriptFree
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.keys import Keys
from lineage_store.keys.secret import derive
from lineage_store.log import events
from unweave.web.accounts import users as accounts
from unweave.web.accounts.desk_file import desk_file
from unweave.web.accounts.one_time_codes import STEP, code_at
from unweave.web.accounts.users import Users
from unweave.web.application import application
from unweave.web.process.clerk import is_started

KEYS: Keys = derive(bytes(range(32)))
NOW = 1_900_000_000
PASSWORD = "a long enough one"


def in_between(monkeypatch, name, what):
    """Have something done while a password is compared or kept, which takes its time."""
    real, done = getattr(accounts, name), []

    def slow(*given, **named):
        if not done:
            done.append(True)
            what()
        return real(*given, **named)

    monkeypatch.setattr(accounts, name, slow)


def of_file(root, what):
    """Do something to the users in a transaction of its own."""
    with desk_file(root) as connection:
        return what(Users(connection, KEYS))


@pytest.fixture
def invited(tmp_path):
    """A folder with a user who has a link, the link, and the second factor that it shows."""
    link = of_file(
        tmp_path, lambda users: users.add("Dora", "officer", now=NOW, random_bytes=os.urandom)
    )
    factor = of_file(
        tmp_path, lambda users: users.pending_factor(users.find("Dora"), random_bytes=os.urandom)
    )
    return tmp_path, link, factor


def set_up(root, link, factor, password=PASSWORD):
    said = {"password": password, "code": code_at(factor, NOW // STEP), "now": NOW}
    return of_file(root, lambda users: users.set_up(link, **said))


def comes_in(root, factor, password=PASSWORD):
    said = {"password": password, "code": code_at(factor, NOW // STEP + 1), "now": NOW}
    return of_file(root, lambda users: users.signed_in("Dora", **said))


def test_a_code_is_taken_once_by_two_at_the_same_time(invited, monkeypatch):
    root, link, factor = invited
    set_up(root, link, factor)
    came = []
    in_between(monkeypatch, "is_password", lambda: came.append(comes_in(root, factor)))
    assert comes_in(root, factor) is None and came[0].name == "Dora"


def test_a_link_is_spent_once_by_two_at_the_same_time(invited, monkeypatch):
    root, link, factor = invited
    in_between(monkeypatch, "kept", lambda: set_up(root, link, factor))
    with pytest.raises(BadInput, match="was used"):
        set_up(root, link, factor, "that of the other")
    assert comes_in(root, factor).name == "Dora"


def test_who_is_invited_again_meanwhile_neither_comes_in_nor_sets_anything(invited, monkeypatch):
    root, link, factor = invited

    def again():
        of_file(root, lambda users: users.invite("Dora", now=NOW, random_bytes=os.urandom))

    with monkeypatch.context() as patch:
        in_between(patch, "kept", again)
        with pytest.raises(BadInput, match="was used"):
            set_up(root, link, factor)
    link = of_file(root, lambda u: u.invite("Dora", now=NOW, random_bytes=os.urandom))
    factor = of_file(root, lambda u: u.pending_factor(u.find("Dora"), random_bytes=os.urandom))
    set_up(root, link, factor)
    in_between(monkeypatch, "is_password", again)
    assert comes_in(root, factor) is None


# A run that has begun, and holds nothing yet: the first seconds of every run.
BEGINS = "import sys; open(sys.argv[2] + '/go').close(); print('{}')"


def test_a_run_is_started_once_and_told_from_its_beginning(desk):
    os.mkfifo(desk.root / "go")
    begins = replace(desk, run=("-c", BEGINS))
    officer = sign_in_at_once(begins, "Dora Ost", "officer")
    tab = sign_in_at_once(begins, "Olga Zwei", "officer")
    for browser in (officer, tab):
        browser.get("/")
    officer.send("/run")
    assert "A run begins." in officer.text and "/run" not in officer.actions()
    assert tab.send("/run").status_code == 503 and "is at work" in tab.text
    with (desk.root / "go").open("w"):
        pass
    while is_started(begins):
        time.sleep(0.01)
    officer.get("/")
    assert "/run" in officer.actions()
    with reading_index(desk.session.workspace()) as connection:
        assert [one.kind for one in events.events(connection)].count("run asked") == 1


def test_who_signs_in_again_leaves_no_sign_in_behind(desk, monkeypatch):
    browser = come_in(desk, "Dora Ost", "officer")
    thief = ScriptFree(application(desk), desk.binding.home)
    thief.take_cookies(browser)
    assert thief.get("/audit").status_code == 200 and thief.path == "/audit"
    monkeypatch.setattr(accounts, "step_of", lambda *_, last, **__: last + 1)  # the next code
    browser.post("/sign-in", {"name": "Dora Ost", "password": SIGNS_IN, "code": "0"})
    assert browser.path == "/"
    thief.get("/audit")
    assert thief.path == "/sign-in"
