"""What is written to be sent names the person: it goes when nobody needs it, and not before."""

import json
import time
from threading import Thread

import pytest

from fixtures.desk_users import sign_in_at_once
from lineage_store.errors import BadInput
from lineage_store.index import reading_index
from lineage_store.log import events
from unweave.api.project import Project
from unweave.web.process.clerk import is_started
from unweave.web.process.desk import Desk
from unweave.web.process.outbox import files_of, new_place


@pytest.fixture
def officer(desk, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    return sign_in_at_once(desk, "Dora Ost", "officer")


def left(desk):
    return sorted(one.name for one in desk.outbox.iterdir())


def test_a_letter_goes_with_the_request_that_is_taken_back(officer, desk):
    officer.get("/requests/q3")
    officer.send("/requests/q3/pack")
    assert "Quinn Two" in (desk.outbox / "q3" / "letter.txt").read_text()
    officer.send("/requests/q3/cancel", ticks={"sure": ["1"]})
    assert "is taken back" in officer.text and left(desk) == []


def test_a_letter_is_erased_when_it_was_sent_whatever_became_of_its_request(officer, desk):
    for request, command in (("q3", None), ("q8", "cancel")):
        officer.get(f"/requests/{request}")
        officer.send(f"/requests/{request}/pack")
        if command:
            Project(desk.root).requests.cancel(request)  # by the command line, which has no outbox
        officer.get(f"/requests/{request}")
        officer.send(f"/requests/{request}/sent")
        assert "What was written is erased here." in officer.text and left(desk) == []
    with reading_index(desk.session.workspace()) as connection:
        assert "answer sent" not in {one.kind for one in events.events(connection)}


def test_nothing_is_left_of_what_a_killed_command_or_desk_wrote(officer, desk):
    officer.get("/requests/q2")
    officer.send("/requests/q2/pack", to="R")
    for ending in (".before", ".partial"):
        (desk.outbox / f"q2{ending}").mkdir()
        (desk.outbox / f"q2{ending}" / "letter.txt").write_text("Dear R")
    officer.send("/requests/q2/sent")
    assert left(desk) == []


def test_what_a_killed_command_wrote_is_taken_up_and_its_receipt_kept(officer, desk):
    partial = desk.outbox / "q2.partial"
    partial.mkdir(parents=True)
    (partial / "letter.txt").write_text("half")
    officer.get("/requests/q2")
    assert "letter.txt" in officer.text and files_of(desk, "q2") == ("letter.txt",)
    officer.send("/requests/q2/pack", to="R")  # it is no hindrance to write it anew
    assert "Dear R" in (desk.outbox / "q2" / "letter.txt").read_text() and left(desk) == ["q2"]
    partial.mkdir()
    (partial / "receipt.json").write_text("{}")
    with pytest.raises(BadInput, match="there is no second one"), new_place(desk, "q2"):
        raise AssertionError
    assert files_of(desk, "q2") == ("receipt.json",) and left(desk) == ["q2"]


def test_sent_twice_at_the_same_time_is_one_event(officer, desk, monkeypatch):
    other = sign_in_at_once(desk, "The other tab", "officer")
    for tab in (officer, other):
        tab.get("/requests/q2")
    click = Thread(target=other.send, args=("/requests/q2/sent",))
    real = Desk.log_of

    def log_of(desk, names, what):
        if not click.ident:
            click.start()
            click.join(0.3)  # it ends by then, unless it waits for this one
        real(desk, names, what)

    monkeypatch.setattr(Desk, "log_of", log_of)
    officer.send("/requests/q2/sent")
    click.join()
    with reading_index(desk.session.workspace()) as connection:
        kinds = [one.kind for one in events.events(connection)]
    assert kinds.count("answer sent") == 1 and "The answer was sent on" in officer.text


def test_of_a_run_stays_what_failed_and_no_letter_of_those_who_went(officer, desk):
    """Neither what it says of the model that ended, nor a letter that names who asked (law 9)."""
    for request in ("q3", "q9"):
        officer.get(f"/requests/{request}")
        officer.send(f"/requests/{request}/pack")
    assert "Quinn Two" in (desk.outbox / "q3" / "letter.txt").read_text()
    officer.get("/")
    officer.send("/run")
    while is_started(desk):
        time.sleep(0.01)
    officer.get("/requests/q3")
    assert "Next: Send the answer" in officer.text
    assert left(desk) == ["q9"]  # it waits for the person
    assert json.loads(desk.last_run.read_bytes()) == {"failed": []}
