"""What no browser sends, and whoever wants the desk to stand still or fall does."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace

import pytest

from fixtures.desk_users import sign_in_at_once
from fixtures.script_free import ScriptFree
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.web import guard
from unweave.web.accounts.passwords import AT_ONCE, turn
from unweave.web.accounts.too_often import Limit
from unweave.web.application import application
from unweave.web.guard import FIELDS, LARGEST_FORM
from unweave.web.process.bindings import bind
from unweave.web.process.visits import Form

URLENCODED = "application/x-www-form-urlencoded"
PART = b'--X\r\nContent-Disposition: form-data; name="%s"\r\n\r\na-\\ud800\r\n--X--\r\n'


@pytest.fixture
def post(desk):
    """What sends bytes to the desk, of a kind."""
    client = ScriptFree(application(desk), desk.binding.home)._client

    def send(path, content, kind):
        return client.post(path, content=content, headers={"content-type": kind})

    return send


@pytest.mark.parametrize("path, field", [("/sign-in", b"name"), ("/verify", b"subject")])
@pytest.mark.parametrize("code", ["unicode_escape", "punycode", "undefined", "utf-16", "utf-8"])
def test_a_form_that_says_its_own_code_is_taken_by_nobody(desk, post, path, field, code):
    answer = post(path, PART % field, f"multipart/form-data; boundary=X; charset={code}")
    assert answer.status_code == 415
    # As `charset*`, which is the same (RFC 2231).
    answer = post(path, PART % field, f"multipart/form-data; boundary=X; charset*=utf-8''{code}")
    assert answer.status_code == 415
    assert not list(desk.root.glob("unforeseen-*"))


def test_files_are_sent_where_a_page_asks_for_them_and_nowhere_else(post):
    kind = "multipart/form-data; boundary=X"
    assert post("/verify", PART % b"subject", kind).status_code == 422
    for path in ("/sign-in", "/welcome/0", "/requests/new", "/people"):
        assert post(path, PART % b"name", kind).status_code == 415


def test_a_form_without_files_is_small_and_counted_before_it_is_read(post):
    assert post("/sign-in", b"name=a&password=b&code=1", URLENCODED).status_code == 403
    assert post("/sign-in", b"a=" + b"x" * LARGEST_FORM, URLENCODED).status_code == 413
    assert post("/sign-in", b"&" * LARGEST_FORM, URLENCODED).status_code == 400
    assert post("/sign-in", b"a&" * FIELDS, URLENCODED).status_code == 400
    assert post("/sign-in", b"name=%ff%ed%a0%80&password=%00", URLENCODED).status_code == 403


def test_a_crowd_that_signs_in_takes_no_more_than_its_share(post):
    said = b"name=Nobody+Known&password=a+long+enough+one&code=1"
    with ExitStack() as crowd:
        for _ in range(AT_ONCE):
            crowd.enter_context(turn())
        # More often than a name may be tried: who is sent away at once has not tried.
        assert {post("/sign-in", said, URLENCODED).status_code for _ in range(8)} == {503}
    assert post("/sign-in", said, URLENCODED).status_code == 403


def test_who_is_tried_too_often_under_another_spelling_is_logged_all_the_same(desk, post):
    sign_in_at_once(desk, "Dora Ost", "officer")
    for name in (b"Dora++OST", b"+DORA%09ost") * 4:
        post("/sign-in", b"password=a+long+enough+one&code=1&name=" + name, URLENCODED)
    with reading_index(desk.session.workspace()) as connection:
        kinds = [one.kind for one in events.events(connection)]
    assert kinds.count("sign-in refused") == 1


def test_behind_a_proxy_one_who_asks_too_much_keeps_nobody_else_out(desk):
    few = Limit(2, 60.0, lambda: 0.0)
    behind = replace(
        desk, pages=few, binding=bind("10.0.0.5:8484", names=("desk.org",), proxy=True)
    )
    nobody = ScriptFree(application(behind), "https://desk.org")

    def asked(*addresses):
        return nobody.get("/verify", **{"x-forwarded-for": ", ".join(addresses)}).status_code

    # What stands before the last address may be the asker's own invention.
    assert [asked(f"1.1.1.{n}", "6.6.6.6") for n in range(3)] == [200, 200, 429]
    assert asked("7.7.7.7") == 200
    alone = replace(desk, pages=Limit(2, 60.0, lambda: 0.0))
    nobody = ScriptFree(application(alone), alone.binding.home)
    assert [asked(f"1.1.1.{n}") for n in range(3)] == [200, 200, 429]


def test_no_address_leads_to_another(desk):
    nobody = ScriptFree(application(desk), desk.binding.home)
    for path in ("/models/", "//evil.example/models/", "/verify//", "/verify/..//"):
        assert nobody.get(path).status_code == 404 and not nobody.answer.history


def test_an_id_is_a_line_and_never_two_peoples():
    for apart in ("\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"):
        form = Form({"ids": (f"Ida{apart}Berg\r\n p2 \n\r\np3",)})
        assert form.lines("ids") == (f"Ida{apart}Berg", "p2", "p3")


@pytest.mark.parametrize("kind", [URLENCODED, "multipart/form-data; boundary=X"])
@pytest.mark.parametrize("goes_away", [True, False])
def test_who_goes_away_or_never_ends_a_form_is_let_go(desk, monkeypatch, kind, goes_away):
    monkeypatch.setattr(guard, "SLOWEST", 60.0 if goes_away else 0.05)
    told, pieces = [], [{"type": "http.request", "body": b"--X", "more_body": True}]
    headers = {"host": "127.0.0.1:8484", "content-type": kind, "content-length": "1000"}
    scope = {
        "type": "http", "method": "POST", "path": "/verify", "query_string": b"", "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip

    async def receive():
        if pieces:
            return pieces.pop()
        if goes_away:
            return {"type": "http.disconnect"}
        return await asyncio.Event().wait()

    async def send(message):
        told.append(message)

    asyncio.run(application(desk)(scope, receive, send))
    assert told[0]["status"] == 408
