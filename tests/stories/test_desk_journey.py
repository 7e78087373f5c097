"""The officer's whole way through the desk, by forms alone: from a letter to its answer.

Nothing but the forms that stand in the pages is sent, and no page runs a script.
"""

import io
import time
import zipfile
from dataclasses import replace

import pytest

from fixtures.desk_users import come_in, quick_passwords, sign_in_at_once
from fixtures.small_desk import desk_of
from fixtures.small_table import OPTIONS, write_people
from lineage_store.index import queue, reading_index
from lineage_store.log import events
from lineage_store.requests import Policy
from lineage_store.workspace import open_workspace, who_works
from pipelines.backends.direct import DirectBackend
from unweave import Project

SECONDS = 120


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    here = tmp_path_factory.mktemp("journey")
    project = Project(here / "workspace", backend=DirectBackend())
    project.train(write_people(here / "people.csv"), **OPTIONS)
    project.requests.set_policy(Policy(approve_above=2))
    return here / "workspace"


@pytest.fixture
def desk(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")  # letters without PDF are made quicker
    quick_passwords(monkeypatch)
    return desk_of(trained, tmp_path)


def wait_for_run(desk, browser, request):
    """Read the page again until the run is over, as the page itself says to."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        browser.get(f"/requests/{request}")
        if "Next: Send the answer" in browser.text and who_works(desk.root) is None:
            return
        time.sleep(0.1)
    raise AssertionError(browser.text)


def file_request(browser, ids, **fields):
    browser.get("/requests/new")
    browser.send("/requests/new", ids=ids, **fields)
    return browser.path.partition("?")[0].rpartition("/")[2]


def test_from_a_letter_to_the_answer_that_is_sent_by_forms_alone(desk):
    officer = come_in(desk, "Dora Ost", "officer")
    assert officer.path == "/" and "No request is open." in officer.text

    request = file_request(
        officer, "P3\np4\np5", requester="Pia Three", reason="she moved", verified_how="passport",
        came_by="post",
    )  # fmt: skip
    assert request == "q1" and "The request is filed." in officer.text
    assert "p4" not in officer.answer.text and "Pia" not in officer.answer.text

    # Another spelling has rows: its name is read, with a reason, and then it is said to be meant.
    officer.send("/requests/q1/names", why="meant")
    assert "p3 : 5 rows, differs in case" in officer.text and "Pia Three" in officer.text
    officer.send("/requests/q1/who", ticks={"also": ["1"]})
    assert "It is written down who is meant." in officer.text

    # Four people: somebody else has to agree, and it is not the officer.
    assert "Needs a second person" in officer.get("/").text
    officer.get("/requests/q1")
    assert "/requests/q1/approve" not in officer.actions()
    approver = sign_in_at_once(desk, "Axel Zwo", "approver")
    approver.get("/requests/q1")
    assert approver.actions() >= {"/requests/q1/approve"}
    assert "/requests/q1/refuse" not in approver.actions()
    approver.send("/requests/q1/approve")
    assert "The request is approved." in approver.text

    officer.get("/requests/q1")
    officer.send("/run")
    wait_for_run(desk, officer, "q1")
    assert "Erasure of 4 people:" in officer.text and "in time" in officer.text

    # The answer is written, handed over, and its certificate checked as anybody can.
    officer.send("/requests/q1/pack", to="Pia Three")
    assert "letter.html" in officer.text and "receipt-1.json" in officer.text
    handed = officer.send("/requests/q1/file").content
    archive = zipfile.ZipFile(io.BytesIO(handed))
    pack = {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist()}
    assert b"Pia Three" in pack["letter.txt"]
    check_the_pack(officer, pack)

    officer.get("/requests/q1")
    officer.send("/requests/q1/sent")
    assert "the answer was sent" in officer.text and not (desk.outbox / "q1").exists()
    assert "answer was sent" in officer.get("/?show=over").text
    assert "No request is like that." in officer.get("/?show=send").text

    # The register has it, the log has who did what, and no other page names anybody.
    register = officer.get("/records/requests.csv").text.splitlines()
    assert register[1].startswith("q1,erasure,,done,4,")
    workspace = open_workspace(desk.root)
    with reading_index(workspace) as connection:
        done = [(one.kind, dict(one.body)) for one in events.events(connection)]
        assert queue.find(connection, "q1").outcome == "done"
    kinds = [kind for kind, _ in done]
    assert [body["because"] for kind, body in done if kind == "names shown"] == ["meant", "answer"]
    for kind in ("signed in", "request queued", "request answered", "request approved",
                 "run asked", "request ended", "answer sent"):  # fmt: skip
        assert kind in kinds
    assert "Pia" not in str(done) and "p4" not in str(done)
    deletion = officer.get("/deletions/r1")
    assert (
        "rows forgotten" in deletion.text
        and "'sha256-" in (deletion.headers["content-security-policy"])
    )
    for path in ("/", "/requests/q1", "/models", "/models/m2", "/audit", "/records"):
        answer = officer.get(path)
        assert answer.status_code == 200
        assert not any(name in answer.text for name in ("Pia", "p3", "p4", "passport"))

    # The next command signs what the desk has appended.
    with_all = Project(desk.root, backend=DirectBackend())
    with_all.requests.add(["p9"], only=True)
    assert with_all.audit()["ok"]
    assert "covers all of them" in officer.get("/audit").text


def check_the_pack(officer, pack):
    """Each certificate speaks of one person, who had rows, and of nobody else."""
    spoken_of = set()
    for number in (1, 2, 3):
        certificate, receipt = (pack[f"{one}-{number}.json"] for one in ("certificate", "receipt"))
        for person in ("P3", "p3", "p4", "p5", "p6"):
            officer.get("/verify")
            officer.send(
                "/verify", files={"certificate": certificate, "receipt": receipt}, subject=person
            )
            if "it speaks of this person" in officer.text:
                spoken_of.add(person)
            else:
                assert "No." in officer.text
    assert spoken_of == {"p3", "p4", "p5"}
    changed = pack["certificate-1.json"].replace(b'"payload":"e', b'"payload":"f', 1)
    officer.get("/verify")
    officer.send("/verify", files={"certificate": changed})
    assert "No." in officer.text


# The same, killed as soon as the deletion is recorded.
KILLED = """
import os, signal, sys
from lineage_store.index import deletions
from pipelines.backends.direct import DirectBackend
from unweave import Project
recorded = deletions.record
def record(*given, **named):
    recorded(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
deletions.record = record
Project(sys.argv[2], backend=DirectBackend()).requests.run()
"""


def test_a_run_that_is_killed_while_a_page_watches_is_finished_by_the_next_one(desk):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    file_request(officer, "p3")
    killed = sign_in_at_once(replace(desk, run=("-c", KILLED)), "Dora Zwei", "officer")
    killed.get("/")
    killed.send("/run")
    until = time.monotonic() + SECONDS
    while "was interrupted" not in officer.text:
        assert time.monotonic() < until, officer.text
        time.sleep(0.1)
        officer.get("/deletions/r1")
    assert "The next run finishes it." in officer.text and "q1" in officer.text
    officer.get("/requests/q1")
    assert "Next: Nothing: it runs" in officer.text
    officer.get("/")
    officer.send("/run")
    wait_for_run(desk, officer, "q1")
    assert "Erasure of 1 person:" in officer.text
    assert [one.name for one in (desk.root / "requests").iterdir()] == ["r1"]
    with reading_index(open_workspace(desk.root)) as connection:
        kinds = [one.kind for one in events.events(connection)]
    assert kinds.count("rows deleted") == 1 and kinds.count("run asked") == 2
