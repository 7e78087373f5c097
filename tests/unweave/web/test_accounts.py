"""Users of the desk: one link, one password, codes that are taken once."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.small_table import OPTIONS, write_people
from lineage_store.errors import BadInput, NothingFound
from lineage_store.keys import Keys
from lineage_store.keys.secret import derive
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.session.session import Session
from unweave.web.accounts.desk_file import FILE, desk_file
from unweave.web.accounts.one_time_codes import STEP, code_at, shown, step_of
from unweave.web.accounts.passwords import is_password, kept
from unweave.web.accounts.sign_ins import form_token, is_form_token
from unweave.web.accounts.too_often import Limit
from unweave.web.accounts.users import LINK_SECONDS, Users
from unweave.web.desk_users import DeskUsers

KEYS: Keys = derive(bytes(range(32)))
NOW = 1_900_000_000
PASSWORD = "a long enough one"


# RFC 6238, appendix B, of SHA-1: the last six of the eight digits that stand there.
@pytest.mark.parametrize(
    "seconds, code",
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
     (2000000000, "279037"), (20000000000, "353130")],
)  # fmt: skip
def test_codes_are_those_of_the_standard(seconds, code):
    secret = b"12345678901234567890"
    assert code_at(secret, seconds // STEP) == code
    assert step_of(code, secret, seconds=seconds, last=0) == seconds // STEP
    assert step_of(code, secret, seconds=seconds, last=seconds // STEP) is None
    assert step_of(code, secret, seconds=seconds + STEP, last=0) == seconds // STEP
    assert step_of(code, secret, seconds=seconds + 3 * STEP, last=0) is None
    assert len(shown(secret).replace(" ", "")) == 32


@given(st.text(max_size=12))
def test_whatever_is_sent_as_a_code_is_wrong_and_no_error(text):
    assert step_of(text, b"k" * 20, seconds=NOW, last=10**9) is None


def random_bytes(size, _count=[0]):  # noqa: B006
    _count[0] += 1
    return _count[0].to_bytes(4, "big") * (size // 4)


@pytest.fixture
def users(tmp_path):
    with desk_file(tmp_path) as connection:
        yield Users(connection, KEYS)


def come_in(users, name="Dora Ost", role="officer"):
    link = users.add(name, role, now=NOW, random_bytes=random_bytes)
    user = users.of_link(link, now=NOW)
    factor = users.pending_factor(user, random_bytes=random_bytes)
    code = code_at(factor, NOW // STEP)
    users.set_up(link, password=PASSWORD, code=code, now=NOW)
    return link, factor


def test_a_link_is_good_once_and_for_three_days(users):
    link = users.add("Dora Ost", "officer", now=NOW, random_bytes=random_bytes)
    assert users.of_link(link, now=NOW + LINK_SECONDS - 1).name == "Dora Ost"
    assert users.of_link(link, now=NOW + LINK_SECONDS) is None
    assert users.of_link("0" * 64, now=NOW) is None
    user = users.of_link(link, now=NOW)
    factor = users.pending_factor(user, random_bytes=random_bytes)
    assert factor == users.pending_factor(user, random_bytes=random_bytes)  # until it is set
    code = code_at(factor, NOW // STEP)
    for password, sent, why in (
        ("short", code, "12 characters"),
        ("dora ost ", code, "12 characters"),
        (PASSWORD, "000000", "not the one that the app shows"),
    ):
        with pytest.raises(BadInput, match=why):
            users.set_up(link, password=password, code=sent, now=NOW)
    users.set_up(link, password=PASSWORD, code=code, now=NOW)
    with pytest.raises(BadInput, match="was used, or its time is over"):
        users.set_up(link, password=PASSWORD, code=code, now=NOW)


def test_somebody_comes_in_by_all_three_and_by_each_code_once(users):
    _, factor = come_in(users)
    following = code_at(factor, NOW // STEP + 1)
    said = {"password": PASSWORD, "code": following, "now": NOW}
    spent = code_at(factor, NOW // STEP)
    for wrong in (
        {"password": PASSWORD + "!"},
        {"code": spent},
        {"code": ""},
    ):
        assert users.signed_in("Dora Ost", **{**said, **wrong}) is None
    assert users.signed_in("Nobody", **said) is None
    assert users.signed_in(" dora  OST ", **said).role == "officer"
    assert users.signed_in("Dora Ost", **said) is None  # the same code again


def test_a_new_link_voids_what_was_set_and_an_end_lets_in_no_more(users):
    _, factor = come_in(users)
    again = users.invite("dora ost", now=NOW, random_bytes=random_bytes)
    said = {"password": PASSWORD, "code": code_at(factor, NOW // STEP + 1), "now": NOW}
    assert users.signed_in("Dora Ost", **said) is None
    assert users.pending_factor(users.of_link(again, now=NOW), random_bytes=random_bytes) != factor
    users.end("Dora Ost", now=NOW)
    assert users.of_link(again, now=NOW) is None and users.every() == []
    with pytest.raises(NothingFound):
        users.find("Dora Ost")
    users.add("DORA OST", "auditor", now=NOW, random_bytes=random_bytes)  # she comes back
    assert [one.role for one in users.every()] == ["auditor"]
    with pytest.raises(BadInput, match="There is a user of that name"):
        users.add("Dora  Ost", "officer", now=NOW, random_bytes=random_bytes)


@pytest.mark.parametrize("name", ["", "  ", "a\x1b[31m", "x" * 201])
def test_a_name_is_one_line_of_letters(users, name):
    with pytest.raises(BadInput):
        users.add(name, "officer", now=NOW, random_bytes=random_bytes)


def test_nothing_in_the_file_says_who_uses_the_desk_or_by_what(tmp_path):
    with desk_file(tmp_path) as connection:
        link, factor = come_in(Users(connection, KEYS))
    data = (tmp_path / FILE).read_bytes()
    for one in (b"Dora", b"dora", PASSWORD.encode(), factor, factor.hex().encode(),
                link.encode(), bytes.fromhex(link)):  # fmt: skip
        assert one not in data
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    with desk_file(tmp_path) as connection:
        assert Users(connection, KEYS).find("dora ost").name == "Dora Ost"


def test_a_password_is_kept_by_argon2_and_nobodys_is_none(monkeypatch):
    quick = kept(PASSWORD, name="Dora Ost")
    monkeypatch.undo()
    told = kept(PASSWORD, name="Dora Ost")
    # RFC 9106, section 4, the second recommended option: 64 MiB, three passes, four lanes.
    assert told.startswith("$argon2id$v=19$m=65536,t=3,p=4$") and is_password(PASSWORD, quick)
    assert is_password(PASSWORD, told)
    assert not is_password("nobody has this one", None)
    assert not is_password(PASSWORD, "$argon2id$broken") and not is_password("", told)
    with pytest.raises(BadInput):
        kept("dora ost the officer", name="Dora Ost the Officer")


@given(st.text())
def test_a_form_token_is_of_one_cookie(text):
    assert is_form_token(form_token("cookie"), "cookie")
    assert not is_form_token(text, "cookie") and form_token("cookie") != form_token("cooky")


def test_so_many_times_within_so_many_seconds():
    moment = [0.0]
    limit = Limit(2, 10.0, lambda: moment[0])
    assert [limit.allows("a") for _ in range(3)] == [True, True, False] and limit.allows("b")
    moment[0] = 10.0
    assert limit.allows("a")
    limit.forget("b")
    assert limit.allows("b") and limit.allows("b") and not limit.allows("b")


def test_the_command_adds_and_ends_users_and_makes_the_keys_of_the_desk(tmp_path):
    root = tmp_path / "workspace"
    Project(root, backend=DirectBackend()).train(write_people(tmp_path / "p.csv"), **OPTIONS)
    for name in ("desk-lookup", "desk-requests"):
        os.unlink(root / "keys" / name)
    users = DeskUsers(Session(root=root))
    told = users.add("Dora Ost", "officer")
    assert told["path"].startswith("/welcome/") and len(told["path"]) == len("/welcome/") + 64
    for name in ("desk-lookup", "desk-requests"):
        assert (root / "keys" / name).stat().st_mode & 0o777 == 0o600
    dora = {"name": "Dora Ost", "role": "officer", "set_up": False, "program": False}
    assert users.list() == {"users": [dora]}
    assert users.invite("Dora Ost")["path"] != told["path"]
    users.end("Dora Ost")
    assert users.list() == {"users": []}
