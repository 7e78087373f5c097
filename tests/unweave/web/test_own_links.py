"""The requester's own link: one request, one browser, 90 days, and nothing about anybody else."""

import io
import os
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.run_here import run_here
from fixtures.script_free import ScriptFree
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.api.project import Project
from unweave.web.accounts.desk_file import FILE, desk_file
from unweave.web.accounts.own_links import DAYS, OwnLinks, last_day
from unweave.web.accounts.sealed_for_one import (
    LENGTH_BYTES,
    PIECE,
    open_with,
    public_of,
    seal_for,
)
from unweave.web.application import application
from unweave.web.process.outbox import packed

TODAY = "2031-05-20"


@pytest.fixture
def officer(desk, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    return sign_in_at_once(desk, "Dora Ost", "officer")


def link_of(officer, request):
    officer.get(f"/requests/{request}")
    officer.send(f"/requests/{request}/link")
    return officer.text.partition("/own/")[2][:64]


def stranger(desk):
    return ScriptFree(application(desk), desk.binding.home)


def opened(desk, link):
    browser = stranger(desk)
    browser.get(f"/own/{link}")
    browser.send(None)
    return browser


def kinds(desk):
    with reading_index(desk.session.workspace()) as connection:
        return [one.kind for one in events.events(connection)]


def test_from_the_link_to_the_pack_that_one_person_alone_opens(desk, officer):
    link = link_of(officer, "q2")
    person = stranger(desk)
    for _ in range(2):  # whatever looks at links in letters uses none up
        assert person.get(f"/own/{link}").status_code == 200
    person.send(None)
    assert person.path == "/own" and "the answer is being written to you" in person.text
    assert "nothing" not in person.text.lower()  # how it came out is told by the answer
    late = stranger(desk)
    assert late.get(f"/own/{link}").status_code == 422 and "was used" in late.text
    assert person.get("/own-file").status_code == 404
    officer.send("/requests/q2/pack", to="R")
    pack = packed(desk, "q2")
    officer.send("/requests/q2/sent")
    assert list(desk.outbox.iterdir()) == []
    person.get("/own")
    assert "Erasure: it is answered." in person.text
    fetched = person.get("/own-file")
    assert fetched.content == pack and fetched.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(fetched.content)) as archive:
        letter = archive.read("q2/letter.txt")
    assert kinds(desk).count("own link made") == kinds(desk).count("answer fetched") == 1
    # Who has all of the workspace and the desk's file has neither of them, nor what opens the pack.
    kept = (desk.root / FILE).read_bytes()
    cookie = person.cookies()["own"]
    for text in (link.encode(), bytes.fromhex(link), cookie.encode(), bytes.fromhex(cookie),
                 letter, pack, pack[:40]):  # fmt: skip
        assert text not in kept


def test_it_shows_one_request_and_nothing_of_anybody_else(desk, officer):
    one, other = (opened(desk, link_of(officer, request)) for request in ("q3", "q9"))
    assert "Erasure: it is being worked on." in one.text and "Your request q3" in one.text
    assert "it waits for you" in other.text and "Your request q9" in other.text
    for browser in (one, other):
        for secret in ("Quinn", "moved away", "p2", "Eleven", "two of that name", "Dora", "model"):
            assert secret not in browser.text, secret
        assert {link for link in browser.page.links if link.startswith("/")} == {
            "/sign-in", "/accessibility", "/verify"
        }  # fmt: skip
        for path in ("/", "/requests/q3", "/models", "/people", "/audit", "/settings"):
            browser.get(path)
            assert browser.path == "/sign-in", path
        assert browser.get("/api/v1/requests/q3").status_code == 401
    # A cookie of the one under the other's name, or of the staff, is none.
    for cookie in ("", "0" * 64, "x", officer.cookies()["desk"], link_of(officer, "q5")):
        browser = stranger(desk)
        browser._client.cookies.set("own", cookie, domain="127.0.0.1")
        assert browser.get("/own").status_code == 422 and "Your request q" not in browser.text
        assert browser.get("/own-file").status_code == 422
    assert officer.get("/own").status_code == 422


def test_a_new_link_voids_the_one_before_with_its_cookie(desk, officer):
    first = link_of(officer, "q3")
    person = opened(desk, first)
    assert person.path == "/own"
    unused = link_of(officer, "q3")
    assert person.get("/own").status_code == 422
    second = link_of(officer, "q3")
    assert stranger(desk).get(f"/own/{unused}").status_code == 422
    assert opened(desk, second).path == "/own"


def test_what_is_answered_or_taken_back_or_nobody_asked_for_has_no_new_link(desk, officer):
    officer.get("/requests/q1")
    officer.send("/requests/q1/sent")
    assert "/requests/q1/link" not in officer.actions()
    program = Caller(desk, "officer")
    assert "no new link" in program.send("makeOwnLink", request="q1").json()["detail"]
    person = opened(desk, link_of(officer, "q3"))
    Project(desk.root).requests.cancel("q3")  # by the command line, which knows of no link
    person.get("/own")
    assert "Erasure: it was taken back." in person.text
    assert program.send("makeOwnLink", request="q3").status_code == 422
    later = replace(desk, now=lambda: desk.now() + timedelta(days=DAYS + 1))
    gone = ScriptFree(application(later), desk.binding.home)
    gone.take_cookies(person)
    assert gone.get("/own").status_code == 422


def test_it_ends_ninety_days_after_the_answer(desk, officer):
    person = opened(desk, link_of(officer, "q2"))
    officer.get("/requests/q2")
    officer.send("/requests/q2/pack", to="R")
    officer.send("/requests/q2/sent")
    for days, status in ((DAYS - 1, 200), (DAYS + 1, 422)):
        later = replace(desk, now=lambda days=days: desk.now() + timedelta(days=days))
        browser = ScriptFree(application(later), desk.binding.home)
        browser.take_cookies(person)
        assert browser.get("/own").status_code == status
        assert browser.get("/own-file").status_code == status
    with desk_file(desk.root) as connection:
        OwnLinks(connection).end_over(today=last_day((desk.now() + timedelta(days=2)).isoformat()))
        assert connection.execute("SELECT count(*) FROM own_links").fetchone()[0] == 0


def test_programs_and_the_command_make_links_too_each_told_once(desk):
    program = Caller(desk, "officer")
    told = program.do("makeOwnLink", request="q3")
    assert opened(desk, told["link"].removeprefix("/own/")).path == "/own"
    key = "01234567-89ab-cdef-0123-456789abcdef"
    first = program.send("makeOwnLink", request="q5", key=key).json()
    assert program.send("makeOwnLink", request="q5", key=key).json() == first | {"link": None}
    where = ("--workspace", str(desk.root), "--desk", "https://desk.example/")
    status, said, why = run_here("request", "link", "q3", *where, folder=desk.root.parent)
    assert status == 0, why
    link = said.split()[-1]
    assert link.startswith("https://desk.example/own/")
    assert opened(desk, link.rpartition("/")[2]).path == "/own"


def test_a_link_is_exchanged_once_by_two_at_the_same_time(tmp_path):
    with desk_file(tmp_path) as connection:
        links = OwnLinks(connection)
        link = links.make("q1", random_bytes=os.urandom)
        came = []

        def meanwhile(size):
            if not came:
                came.append(None)
                came[0] = links.exchange(link, today=TODAY, random_bytes=os.urandom)
            return os.urandom(size)

        assert links.exchange(link, today=TODAY, random_bytes=meanwhile) is None
        assert links.of_cookie(came[0], today=TODAY) == "q1"


def test_a_pack_is_kept_of_the_last_answer_and_gone_with_the_link(tmp_path):
    with desk_file(tmp_path) as connection:
        links = OwnLinks(connection)
        cookie = links.exchange(links.make("q1", random_bytes=os.urandom), today=TODAY,
                                random_bytes=os.urandom)  # fmt: skip
        assert links.pack_of(cookie, today=TODAY) is None
        links.answered("q1", b"a pack", until="2031-06-01", random_bytes=os.urandom)
        links.answered("q1", None, until="2031-06-01", random_bytes=os.urandom)
        links.answered("q2", b"of nobody", until="2031-06-01", random_bytes=os.urandom)
        assert links.pack_of(cookie, today="2031-06-01") == b"a pack"
        assert links.pack_of(cookie, today="2031-06-02") is None
        links.end("q1")
        assert links.pack_of(cookie, today=TODAY) is None and not links.has_pack("q1")


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=64), st.integers(0, 200))
def test_what_is_sealed_for_one_is_opened_by_no_other_and_not_changed(private, data, at):
    sealed = seal_for(public_of(private), data, belongs_to="q1", random_bytes=os.urandom)
    assert open_with(private, sealed, belongs_to="q1") == data
    changed = bytearray(sealed)
    changed[at % len(sealed)] ^= 4
    other = bytes(byte ^ 64 for byte in private)
    for key, what, whose in (
        (private, bytes(changed), "q1"), (other, sealed, "q1"), (private, sealed, "q2"),
    ):  # fmt: skip
        with pytest.raises(InvalidTag):
            open_with(key, what, belongs_to=whose)


@given(st.integers(0, 3 * PIECE), st.integers(0, 3 * PIECE))
def test_how_much_is_sealed_says_nothing_but_how_many_pieces_it_fills(one, other):
    """How long a letter is follows from the name in it, and outlives whoever was forgotten."""
    private = bytes(range(32))
    sealed = [
        seal_for(public_of(private), bytes(size), belongs_to="q1", random_bytes=os.urandom)
        for size in (one, other)
    ]
    assert [len(open_with(private, it, belongs_to="q1")) for it in sealed] == [one, other]
    pieces = [(size + LENGTH_BYTES - 1) // PIECE for size in (one, other)]
    assert (len(sealed[0]) == len(sealed[1])) is (pieces[0] == pieces[1])


def test_a_day_of_the_end_is_ninety_days_on():
    assert last_day("2031-01-01T10:00:00+00:00") == "2031-04-01"
    assert datetime.fromisoformat("2031-04-01") - datetime.fromisoformat("2031-01-01") == (
        timedelta(days=DAYS)
    )
    with pytest.raises(ValueError, match="isoformat"):
        last_day("q1")
