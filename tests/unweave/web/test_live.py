"""A deletion that runs tells live how far it is; one that was killed says what comes next."""

import asyncio
import os
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from fixtures.desk_users import sign_in_at_once
from fixtures.small_desk import SECRETS
from lineage_store.clock import machine_time, time_text
from lineage_store.errors import NothingFound
from lineage_store.index import deletions, writing_index
from lineage_store.workspace import open_workspace, working
from pipelines.backends import direct
from pipelines.backends.direct import DirectBackend
from pipelines.runs import forget as forget_run
from unlearning.erasure import erase as erasing
from unweave import Project
from unweave.web.accounts.sign_ins import IDLE
from unweave.web.live import at_work_now, watched
from unweave.web.live.phases import how_far
from unweave.web.process.headers import policy
from unweave.web.process.matrix import MATRIX
from unweave.web.process.visits import Visit

STOPS = (  # where a run is killed, and the phases that are done by then
    (forget_run, "save_plan", 0),
    (DirectBackend, "_replace", 1),
    (direct, "must_pass", 2),
    (direct, "erase", 3),
    (direct, "certify", 4),
)


def killed_at(place, name, root):
    """Forget somebody, in a process that kills itself where it comes to a place."""
    child = os.fork()
    if not child:
        setattr(place, name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        Project(root, backend=DirectBackend()).forget(["p12"])
        os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def visit_of(browser, desk, deletion="r2"):
    cookie = browser.cookies()["desk"]
    with desk.accounts() as accounts:
        user = accounts.users.of_digest(accounts.sign_ins.user_of(cookie, now=desk.seconds))
    return Visit(user, cookie=cookie, path={"deletion": deletion})


def told(desk, visit, *, at_most=20, found=None):
    """The events that a browser is told, until there are so many or the desk ends them."""
    found = [] if found is None else found

    async def listened():
        events = watched.watch(desk, visit).body_iterator
        async for event in events:
            found.append(event)
            if len(found) == at_most:
                await events.aclose()
                break
        return found

    return asyncio.run(listened())


@pytest.fixture
def quickly(monkeypatch):
    monkeypatch.setattr(watched, "EVERY", 0.02)


@pytest.mark.parametrize(("place", "name", "done"), STOPS)
def test_a_run_that_was_killed_says_where_it_stopped_and_what_comes_next(desk, place, name, done):
    killed_at(place, name, desk.root)
    far = how_far(desk, "r2")
    states = [one.state for one in far.phases]
    assert states == ["done"] * done + ["stopped"] + ["next"] * (5 - done)
    assert (far.state, far.now, far.counted) == ("stopped", "", "")
    if done:
        assert [(one.before, one.after) for one in far.changes] == [("m2", "m3")]
    engineer = sign_in_at_once(desk, "Emil", "engineer")
    answer = engineer.get("/deletions/r2")
    assert "was interrupted. The next run finishes it." in engineer.text
    assert "stopped here" in engineer.text and "http-equiv" not in answer.text
    assert answer.headers["content-security-policy"] == policy(live=True)
    assert engineer.get("/healthz").text == "well\n"
    Project(desk.root, backend=DirectBackend()).forget(["p12"])  # the same, again
    assert how_far(desk, "r2").state == "over"
    engineer.get("/deletions/r2")
    assert "rows forgotten" in engineer.text


def test_who_watches_is_told_each_phase_once_and_nobody_is_named(desk, quickly, monkeypatch):
    seen = []

    def until_told(words, whole):
        def waits(*given, **named):
            until = time.monotonic() + 20
            while words not in "".join(seen) and time.monotonic() < until:
                time.sleep(0.01)
            return whole(*given, **named)

        return waits

    for place, name, words in (
        (direct, "refit", "learning without the rows"),
        (direct, "must_pass", "checking what came of it"),
        (direct, "record_model", "learnt and checked"),
        (erasing, "compact", "erasing the old models"),
        (direct, "certify", "the old one erased"),
    ):
        monkeypatch.setattr(place, name, until_told(words, getattr(place, name)))
    visit = visit_of(sign_in_at_once(desk, "Emil", "engineer"), desk)
    run = threading.Thread(
        target=Project(desk.root, backend=DirectBackend()).forget, args=(["p12"],)
    )
    run.start()
    while "r2" not in _begun(desk):
        assert run.is_alive()
    told(desk, visit, at_most=5_000, found=seen)
    run.join()
    parts = [one for one in seen if one.startswith("event: told")]
    assert seen[-1] == "event: over\ndata: \n\n" and "r2 is done." in parts[-1]
    assert "r2 is running" in parts[0] and "under way" in parts[0]
    assert len(parts) == len({*parts}) > 3
    assert len([one for one in seen if one != ": nothing new\n\n"]) == len(parts) + 1
    text = "".join(seen)
    for words in ("to be learnt", "learnt and checked", "learning without", "erasing the old"):
        assert words in text
    assert not any(name in text for name in (*SECRETS[:2], "p12"))
    assert all(line.startswith(("event: ", "data: ", ": ")) for line in text.splitlines() if line)
    assert desk.watchers.acquire(blocking=False)


def _begun(desk):
    with desk.session.reading() as (_, connection):
        return [one.id for one in deletions.all_requests(connection) if one.state == "running"]


def test_who_is_signed_out_is_told_no_more_and_watching_lengthens_nothing(desk, quickly):
    killed_at(DirectBackend, "_replace", desk.root)
    moment = [machine_time()]
    timed = replace(desk, now=lambda: moment[0])
    browser = sign_in_at_once(timed, "Emil", "engineer")
    visit = visit_of(browser, timed)
    moment[0] += timedelta(seconds=IDLE - 5)
    first, *_ = told(timed, visit, at_most=1)
    assert "was interrupted" in first
    moment[0] += timedelta(seconds=10)
    assert told(timed, visit) == ["event: out\ndata: \n\n"]
    assert told(timed, replace(visit, cookie=None)) == ["event: out\ndata: \n\n"]
    browser.get("/deletions/r2/live")
    assert browser.path == "/sign-in"


def test_of_too_many_each_is_told_to_come_again_later(desk, quickly):
    killed_at(DirectBackend, "_replace", desk.root)
    browser = sign_in_at_once(desk, "Emil", "engineer")
    visit = visit_of(browser, desk)
    few = replace(desk, watchers=threading.BoundedSemaphore(1))
    with few.watchers:
        assert told(few, visit) == ["retry: 30000\n\n"]
    assert "was interrupted" in told(few, visit, at_most=1)[0]
    assert few.watchers.acquire(blocking=False)  # who went gave it back
    head = browser._client.head("/deletions/r2/live")  # which asks for no body, and holds nothing
    assert (head.status_code, head.headers["content-type"].split(";")[0], head.content) == (
        200, "text/event-stream", b""
    )  # fmt: skip


def test_all_who_watch_are_told_what_was_read_once(desk, monkeypatch):
    killed_at(DirectBackend, "_replace", desk.root)
    read = []
    monkeypatch.setattr(watched, "how_far", lambda *given: read.append(1) or how_far(*given))
    assert len({id(watched.glance(desk, "r2")) for _ in range(50)}) == 1 == len(read)


def test_what_was_taken_back_or_never_was_ends_and_what_is_done_says_so(desk, quickly):
    engineer = sign_in_at_once(desk, "Emil", "engineer")
    assert engineer.get("/deletions/r1/live").text.endswith("event: over\ndata: \n\n")
    assert engineer.get("/deletions/r7/live").status_code == 404
    with pytest.raises(NothingFound, match="r7"):
        watched.watch(desk, visit_of(engineer, desk, "r7"))
    killed_at(DirectBackend, "_replace", desk.root)
    answer = watched.watch(desk, visit_of(engineer, desk))
    with writing_index(open_workspace(desk.root)) as connection, connection:
        deletions.retract(connection, "r2")
    desk.counted.clear()

    async def listened():
        return [event async for event in answer.body_iterator]

    parts = asyncio.run(listened())
    assert "r2 was taken back." in parts[0] and parts[1].startswith("event: over")


def test_the_page_works_without_its_script_and_no_other_page_has_one(desk, monkeypatch):
    killed_at(DirectBackend, "_replace", desk.root)
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    monkeypatch.setattr("unweave.web.live.phases.is_started", lambda _: True)
    answer = officer.get("/deletions/r2")
    assert "goes on in a moment" in officer.text and "/deletions/r2" in officer.page.links
    again = '<noscript><meta http-equiv="refresh" content="5; url=/deletions/r2"></noscript>'
    assert again in answer.text
    assert answer.text.count("<script") == 1 and '<script src="/live.js?' in answer.text
    script = officer.get("/live.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert not any(one in script.text for one in ("eval", "innerHTML", "http", "import"))
    places = {"model": "m2", "deletion": "r1", "link": "0", "part": "0", "request": "q3",
              "letter": "en-done", "node": "m2", "other": "q1"}  # fmt: skip
    for rule in MATRIX:
        if rule.method == "GET" and rule.path != "/live.js":
            answer = officer.get(rule.path.format(**places))
            assert "<script" not in answer.text.partition("<svg")[0], rule.path
            assert "script-src" not in answer.headers["content-security-policy"], rule.path


def test_the_desk_lives_on_when_watching_fails_as_nobody_foresaw(desk, quickly, monkeypatch):
    killed_at(DirectBackend, "_replace", desk.root)
    visit = visit_of(sign_in_at_once(desk, "Emil", "engineer"), desk)
    monkeypatch.setattr(watched, "part_of_page", lambda _: 1 / 0)
    assert told(desk, visit) == ["event: lost\ndata: \n\n"]
    assert desk.watchers.acquire(blocking=False) and list(desk.root.glob("unforeseen-*"))


def test_the_queue_reads_itself_again_from_where_a_form_has_led(desk, monkeypatch):
    """To one that differs from its own behind the hash alone a browser goes without reading it."""
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    monkeypatch.setattr("unweave.web.live.at_work_now.is_started", lambda _: True)
    for path, again in (("/?done=run#result", "/?show=open"),
                        ("/?right=objection&after=2026-01-01_3",
                         "/?show=open&amp;right=objection&amp;after=2026-01-01_3")):  # fmt: skip
        assert f'<meta http-equiv="refresh" content="5; url={again}">' in officer.get(path).text


def test_the_queue_is_told_what_runs_until_nothing_does_and_nobody_is_named(desk, quickly):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    assert "<script" not in officer.get("/").text
    seconds = count()
    with working(desk.root, since=time_text(desk.now()), clock=lambda: next(seconds) * 9) as tell:
        tell("unlearning", 1, 4)
        answer = officer.get("/")
        assert answer.text.count("<script") == 1 and 'data-from="/live"' in answer.text
        assert answer.headers["content-security-policy"] == policy(live=True)
        assert "unlearning, 1 of 4" in officer.text and "/run" not in officer.actions()
        desk.counted.clear()
        events = at_work_now.watch_work(desk, visit_of(officer, desk)).body_iterator
        (first,) = asyncio.run(some_of(events, 1))
        assert (
            "unlearning, 1 of 4" in first
            and 'data-said="A command is at work: unlearning"' in first
        )
    desk.counted.clear()
    said = officer.get("/live").text
    assert "Nothing runs any more." in said and said.endswith("event: over\ndata: \n\n")
    assert not any(name in first + said for name in SECRETS)


async def some_of(events, number):
    found = []
    async for event in events:
        found.append(event)
        if len(found) == number:
            await events.aclose()
            break
    return found
