"""What a browser is not believed: forms of others, names of others, cookies of yesterday."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from fixtures.desk_users import come_in, sign_in_at_once
from fixtures.script_free import ScriptFree
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.session.session import Session
from unweave.web.accounts.sign_ins import IDLE, LONGEST
from unweave.web.accounts.too_often import Limit
from unweave.web.application import application
from unweave.web.desk_users import DeskUsers
from unweave.web.process.bindings import bind
from unweave.web.process.headers import LARGEST

NOON = datetime(2031, 5, 20, 12, tzinfo=timezone.utc)


def test_a_form_is_taken_from_this_desk_alone_and_with_its_own_token(desk):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    officer.get("/requests/q8")
    sent = dict(next(f for f in officer.page.forms if f["action"].endswith("/release"))["fields"])
    home = desk.binding.home.rstrip("/")
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": home.replace("8484", "8485")},
        {"origin": home, "sec-fetch-site": "cross-site"},
        {"origin": home, "sec-fetch-site": "same-site"},
    ):
        answer = officer.post("/requests/q8/release", sent, **headers)
        assert answer.status_code == 403 and "was not sent by the desk itself" in officer.text
    other = sign_in_at_once(desk, "Olga Zwei", "officer")
    other.get("/requests/q8")
    theirs = dict(next(f for f in other.page.forms if f["action"].endswith("/release"))["fields"])
    for token in ("", "0" * 64, "ü", theirs["token"]):
        assert officer.post("/requests/q8/release", {**sent, "token": token}).status_code == 403
    assert sent["token"] != theirs["token"]
    with reading_index(desk.session.workspace()) as connection:
        assert "request released" not in {one.kind for one in events.events(connection)}


def test_every_answer_forbids_scripts_frames_and_keeping(desk):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    pages = ("/", "/requests/q3", "/nowhere", "/requests/q999", "/models/m1", "/audit/key",
             "/deletions/r1", "/style.css")  # fmt: skip
    for path in pages:
        answer = officer.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "script-src" not in policy and "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "no-store" in answer.headers["cache-control"] or path == "/style.css"
        for style in re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL):
            known = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
            assert f"'sha256-{known}'" in policy, f"a browser takes no style of {path}"
        html = answer.text.partition("<svg")[0]
        assert "<script" not in html and " style=" not in html and "javascript:" not in html


def test_it_answers_to_its_own_name_and_takes_no_more_than_it_said(desk):
    nobody = ScriptFree(application(desk), desk.binding.home)
    for host in ("evil.example", "127.0.0.1", "127.0.0.1:8485", "localhost.evil.example:8484"):
        assert nobody.get("/sign-in", host=host).status_code == 421
    assert nobody.get("/sign-in", host="localhost:8484").status_code == 200
    large = {"certificate": b"x" * (LARGEST + 1)}
    nobody.get("/verify")
    assert nobody.send("/verify", files=large).status_code == 413
    assert nobody._client.request("DELETE", "/sign-in").status_code == 405
    few = replace(desk, pages=Limit(3, 60.0, lambda: 0.0))
    hasty = ScriptFree(application(few), few.binding.home)
    assert [hasty.get("/verify").status_code for _ in range(4)] == [200, 200, 200, 429]


def test_a_sign_in_ends_when_nothing_is_read_and_at_the_latest_when_its_time_is_over(desk):
    class Clock:
        moment = NOON

        def __call__(self):
            return self.moment

    clock = Clock()
    timed = replace(desk, now=clock)
    browser = sign_in_at_once(timed, "Dora Ost", "officer")

    def after(seconds):
        clock.moment = NOON + timedelta(seconds=seconds)
        browser.get("/audit")
        return browser.path

    assert after(IDLE - 1) == "/audit"
    read = IDLE - 1
    while read + IDLE - 1 < LONGEST:
        read += IDLE - 1
        assert after(read) == "/audit"
    assert after(LONGEST + 1) == "/sign-in"
    idle = sign_in_at_once(timed, "Ida Le", "officer")
    clock.moment += timedelta(seconds=IDLE + 1)
    idle.get("/audit")
    assert idle.path == "/sign-in"


def test_a_cookie_is_for_this_desk_alone_and_signing_out_ends_it(desk):
    officer = come_in(desk, "Dora Ost", "officer")
    given = officer.answer.history[-1].headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={LONGEST}"):
        assert part in given
    assert "Secure" not in given and given.startswith("desk=")
    stolen = ScriptFree(application(desk), desk.binding.home)
    stolen.take_cookies(officer)
    assert stolen.get("/audit").status_code == 200 and stolen.path == "/audit"
    officer.get("/audit")
    officer.send("/sign-out")
    assert officer.path == "/sign-in"
    stolen.get("/audit")
    assert stolen.path == "/sign-in"
    # By TLS the cookie is one that this very host alone can set, and the answer says so.
    secure = bind("0.0.0.0:8484", names=("desk.example",), proxy=True)
    assert secure.cookie == "__Host-desk" and secure.home == "https://desk.example/"


def test_who_was_ended_or_invited_again_is_out_at_once(desk):
    users = DeskUsers(Session(root=desk.root))
    for role, out in (("officer", users.end), ("engineer", users.invite)):
        browser = sign_in_at_once(desk, f"The {role}", role)
        assert browser.get("/models").status_code == 200 and browser.path == "/models"
        out(f"the {role.upper()}")
        browser.get("/models")
        assert browser.path == "/sign-in"


def test_whoever_tries_too_often_is_turned_away_and_the_log_says_so_once(desk):
    DeskUsers(Session(root=desk.root)).add("Dora Ost", "officer")
    nobody = ScriptFree(application(desk), desk.binding.home)
    for name in ("Dora Ost", "Nobody Known"):
        nobody.get("/sign-in")
        found = [
            nobody.send("/sign-in", name=name, password="wrong, though long", code="000000")
            for _ in range(8)
        ]
        assert [one.status_code for one in found] == [403] * 6 + [429] * 2
        assert len({one.text.partition("value=")[0] for one in found[:6]}) == 1
    with reading_index(desk.session.workspace()) as connection:
        refused = [one for one in events.events(connection) if one.kind == "sign-in refused"]
    assert len(refused) == 1


@pytest.mark.parametrize(
    "said, why",
    [
        (("0.0.0.0:8484",), "can be reached from other machines"),
        (("192.168.1.5:8484",), "can be reached from other machines"),
        (("desk.example:443",), "can be reached from other machines"),
        (("8484",), "ADDRESS:PORT"),
        (("127.0.0.1:0",), "ADDRESS:PORT"),
        (("127.0.0.1:x",), "ADDRESS:PORT"),
    ],
)
def test_it_listens_to_this_machine_alone_unless_tls_is_spoken(said, why):
    with pytest.raises(BadInput, match=why):
        bind(*said)


def test_with_a_proxy_a_name_is_said_and_answered_to():
    with pytest.raises(BadInput, match="by which name"):
        bind("0.0.0.0:8484", proxy=True)
    assert bind("[::1]:8484").hosts == {"[::1]:8484", "localhost:8484"}
    found = bind("0.0.0.0:8484", names=("Desk.Example",), proxy=True)
    assert found.hosts == {"desk.example", "desk.example:8484"} and found.secure
