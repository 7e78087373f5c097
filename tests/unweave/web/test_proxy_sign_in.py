"""A proxy signs people in: whom it names comes in, and nobody else by any header or cookie."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from fixtures.desk_users import come_in
from fixtures.script_free import ScriptFree
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.session.session import Session
from unweave.web.application import application
from unweave.web.desk_users import DeskUsers
from unweave.web.process.bindings import SECRET_HEADER, ProxySignIn, bind

SECRET = "0123456789abcdef" * 2
USER = "X-Forwarded-User"


@pytest.fixture
def secret_file(tmp_path):
    file = tmp_path / "proxy-secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def behind(desk, secret_file):
    """The desk behind a proxy that signs people in."""
    return replace(
        desk,
        binding=bind(
            "10.0.0.5:8484",
            names=("desk.example",),
            proxy=True,
            user_header=USER,
            proxy_secret=secret_file,
        ),
    )


def browser_of(desk, name, *, secret=SECRET):
    """A browser whose requests a proxy passes on, with whom it has signed in."""
    browser = ScriptFree(application(desk), desk.binding.home)
    says(browser, name, secret=secret)
    return browser


def says(browser, name, *, secret=SECRET):
    headers = browser._client.headers
    for header in (USER, SECRET_HEADER):
        headers.pop(header, None)
    if name is not None:
        headers.update({USER: name.encode(), SECRET_HEADER: secret})


def add(desk, name, role):
    DeskUsers(Session(root=desk.root)).add(name, role)


def test_whom_the_proxy_names_comes_in_without_a_password_and_may_what_their_role_may(behind):
    add(behind, "Änne Ost", "officer")
    browser = browser_of(behind, "änne  OST")
    browser.get("/")
    assert browser.path == "/" and "Änne Ost" in browser.text
    browser.get("/requests/new")
    assert "/requests/new" in browser.actions()
    browser.get("/settings")
    assert browser.answer.status_code == 403
    assert browser.cookies().keys() == {"__Host-desk"}
    with reading_index(behind.session.workspace()) as connection:
        kinds = [one.kind for one in events.events(connection)]
    assert kinds.count("signed in") == 1


@pytest.mark.parametrize(
    "name, other", [("Weiß", "Weiss"), ("Kim", "\u212aim"), ("Ines", "Ine\u017f")]
)
def test_a_name_that_folds_to_the_same_is_somebody_else(behind, name, other):
    add(behind, name, "owner")
    browser = browser_of(behind, other)
    browser.get("/")
    assert browser.answer.status_code == 403 and not browser.cookies()
    browser = browser_of(behind, name.lower())
    browser.get("/settings")
    browser.get("/")
    assert browser.answer.status_code == 200 and name in browser.text


@pytest.mark.parametrize(
    "name, secret",
    [
        ("The owner", "wrong" * 8),
        ("The owner", ""),
        ("Somebody else", SECRET),
        ("", SECRET),
        ("CRM", SECRET),
        (None, SECRET),
    ],
)
def test_nobody_else_comes_in(behind, name, secret):
    add(behind, "The owner", "owner")
    DeskUsers(Session(root=behind.root)).make_token("CRM", "officer", until=behind.today)
    browser = browser_of(behind, name, secret=secret)
    browser.get("/")
    assert browser.path == "/sign-in" and browser.answer.status_code == 403
    assert "named nobody who may use it" in browser.text and not browser.cookies()


def test_a_cookie_alone_is_worth_nothing_nor_with_another_name(behind):
    add(behind, "The officer", "officer")
    add(behind, "The auditor", "auditor")
    browser = browser_of(behind, "The officer")
    browser.get("/")
    assert browser.answer.status_code == 200
    says(browser, None)
    browser.get("/")
    assert browser.answer.status_code == 403
    says(browser, "The auditor")
    browser.get("/requests/new")
    assert browser.path != "/requests/new" and "The officer" not in browser.text
    browser.get("/")
    assert "The auditor" in browser.text


def test_whom_another_site_leads_here_is_not_sent_round_and_begins_nothing_by_it(behind):
    """As from where the proxy has people sign in: SameSite=Strict keeps the cookie back then."""
    add(behind, "The officer", "officer")
    browser = browser_of(behind, "The officer")
    browser.get("/", **{"sec-fetch-site": "cross-site"})
    assert browser.path == "/sign-in" and browser.answer.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/sign-in">' in browser.answer.text
    assert not browser.cookies()
    with reading_index(behind.session.workspace()) as connection:
        assert "signed in" not in [one.kind for one in events.events(connection)]
    browser.get("/sign-in", **{"sec-fetch-site": "same-origin"})
    assert browser.path == "/" and "The officer" in browser.text


def test_who_is_let_in_no_more_is_out_at_once(behind):
    add(behind, "The officer", "officer")
    browser = browser_of(behind, "The officer")
    browser.get("/")
    DeskUsers(Session(root=behind.root)).end("The officer")
    browser.get("/")
    assert browser.answer.status_code == 403


def test_nobody_signs_in_by_a_password_there_and_who_signs_out_asks_to_come_in_again(desk, behind):
    come_in(desk, "The officer", "officer")
    browser = browser_of(behind, "The officer")
    browser.get("/")
    answer = browser.post(
        "/sign-in",
        {"name": "The officer", "password": "x", "code": "000000"},
        origin="https://desk.example",
    )
    assert answer.status_code == 422 and "Nobody signs in here" in browser.text
    browser.get("/")
    browser.send("/sign-out")
    assert browser.path == "/sign-in?out=1" and "Signed out" in browser.text
    assert not browser.cookies()
    browser.get("/sign-in")
    assert browser.path == "/"


def test_a_link_of_one_use_sets_no_password_that_nobody_asks_for(behind):
    link = DeskUsers(Session(root=behind.root)).add("The officer", "officer")["path"]
    browser = browser_of(behind, None)
    browser.get(link)
    assert browser.answer.status_code == 422 and "Nobody signs in here" in browser.text
    browser.post(link, {"password": "x"}, origin="https://desk.example")
    assert browser.answer.status_code == 422 and "Nobody signs in here" in browser.text


def test_a_form_is_of_the_sign_in_that_it_was_shown_to(behind):
    add(behind, "The officer", "officer")
    browser = browser_of(behind, "The officer")
    browser.get("/requests/new")
    browser.post("/requests/new", {"ids": "p1"}, origin="https://desk.example")
    assert browser.answer.status_code == 403 and "of another sign-in" in browser.text


def test_pages_for_everybody_need_no_name(behind):
    browser = browser_of(behind, None)
    browser.get("/verify")
    assert browser.answer.status_code == 200


def test_of_what_is_said_twice_nothing_is_believed():
    sign_in = ProxySignIn(USER, SECRET)
    one = [(b"x-forwarded-user", b"Dora"), (b"x-desk-secret", SECRET.encode())]
    assert sign_in.named(Headers(raw=one)) == "Dora"
    for twice in one:
        assert sign_in.named(Headers(raw=[*one, twice])) is None
    assert sign_in.named(Headers(raw=one[:1])) is None
    assert sign_in.named(Headers(raw=one[1:])) is None


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_whatever_is_sent_as_a_secret_is_none(secret, name):
    given = [(b"x-forwarded-user", name), (b"x-desk-secret", secret)]
    assert secret == SECRET.encode() or ProxySignIn(USER, SECRET).named(Headers(raw=given)) is None


def test_what_does_not_go_together_is_refused(secret_file, tmp_path):
    def refused(match, **said):
        with pytest.raises(BadInput, match=match):
            bind("127.0.0.1:8484", names=("desk.example",), **said)

    refused("is said by three", user_header=USER, proxy=True)
    refused("is said by three", proxy_secret=secret_file, proxy=True)
    refused("is said by three", user_header=USER, proxy_secret=secret_file)
    refused("name of a header", user_header="X Y", proxy_secret=secret_file, proxy=True)
    secret_file.chmod(0o644)
    refused("run chmod 600", user_header=USER, proxy_secret=secret_file, proxy=True)
    short = tmp_path / "short"
    short.write_text("0123")
    short.chmod(0o600)
    refused("holds the secret", user_header="x-desk-SECRET", proxy_secret=short, proxy=True)
    refused("fewer than 32", user_header=USER, proxy_secret=short, proxy=True)
    for text in (f" {SECRET}", f"{SECRET} ", f"{SECRET}\n{SECRET}", f"{SECRET}ü"):
        short.write_text(text)
        refused("does not pass in a header", user_header=USER, proxy_secret=short, proxy=True)
