"""The same thing twice at the same time: two tabs, a double click, a thief beside the owner."""

import os

import pytest

from lineage_store.errors import BadInput
from lineage_store.keys import Keys
from lineage_store.keys.secret import derive
from unweave.web.accounts import users as accounts
from unweave.web.accounts.desk_file import desk_file
from unweave.web.accounts.one_time_codes import STEP, code_at
from unweave.web.accounts.users import Users

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
