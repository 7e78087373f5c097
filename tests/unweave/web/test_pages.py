"""What the pages of the desk say, and what their forms do: each as its command does."""

import json
from datetime import date, timedelta

import pytest

from fixtures.desk_users import sign_in_at_once
from lineage_store.index import queue, reading_index
from lineage_store.log import events
from lineage_store.workspace import open_workspace


@pytest.fixture
def officer(desk):
    return sign_in_at_once(desk, "Dora Ost", "officer")


def state(desk, request):
    with reading_index(open_workspace(desk.root)) as connection:
        return queue.find(connection, request).state(desk.today)


def logged(desk):
    with reading_index(open_workspace(desk.root)) as connection:
        return [(one.kind, dict(one.body)) for one in events.events(connection)]


def test_the_queue_is_by_the_day_due_and_filtered_by_state_and_right(officer):
    officer.get("/")
    text = officer.text
    assert "7 requests are open ; 1 is late" in text
    found = [one for one in officer.page.links if one.startswith("/requests/q")]
    assert found[0] == "/requests/q3" and "Say who is meant" in text
    officer.send("/", state="held")
    assert "q8" in officer.text and "q3" not in officer.text and "held until" in officer.text
    officer.get("/?right=access")
    assert "q7" in officer.text and "q8" not in officer.text
    officer.get("/?show=send")
    assert "q1" in officer.text and "q2" in officer.text and "Send the answer" in officer.text
    assert officer.get("/?after=nonsense&before=-1&state=odd&show=none").status_code == 200


def test_somebody_is_looked_up_by_id_with_a_reason_and_nowhere_named(officer, desk):
    officer.get("/people")
    officer.send("/people", id="p12", why="")
    assert officer.answer.status_code == 422 and "Say why you look them up." in officer.text
    officer.send("/people", id="p12", why="asks")
    assert "p12 has rows in 1 model in use." in officer.text and "churn" in officer.text
    officer.send("/people", id="P12", why="asks")
    assert "has no row in a model in use, as it is spelled" in officer.text.replace(" ,", ",")
    assert "p12 5 rows, differs in case" in officer.text
    told = [body for kind, body in logged(desk) if kind == "person looked up"]
    assert [one["because"] for one in told] == ["asks", "asks"]
    assert "p12" not in json.dumps(told).lower()
    officer.send("/requests/new")  # the draft that the page offers, with the id in its field
    form = next(one for one in officer.page.forms if one["action"] == "/requests/new")
    assert form["fields"]["ids"].strip() == "P12" and officer.path == "/requests/new"


def test_each_form_of_a_request_does_what_its_command_does(officer, desk):
    officer.get("/requests/q8")
    officer.send("/requests/q8/release")
    assert state(desk, "q8") == "waiting" and "The hold has ended." in officer.text
    officer.send("/requests/q8/hold", reason="a claim", until=str(date.today()))
    assert state(desk, "q8") == "held"
    officer.send("/requests/q8/release")
    officer.send("/requests/q8/extend", because="complexity")
    assert "extended because of complexity" in officer.text
    officer.send("/requests/q8/unidentified")
    assert state(desk, "q8") == "cannot identify"
    officer.send("/requests/q8/more-came", on=str(date.today()))
    assert state(desk, "q8") == "waiting"
    officer.send("/requests/q8/ask-more", doubt="another address")
    assert state(desk, "q8") == "more is needed" and "another address" not in officer.text
    officer.get("/requests/q4")
    officer.send("/requests/q4/who", ticks={"only": ["1"]})
    assert state(desk, "q4") == "waiting"
    officer.send("/requests/q4/cancel", ticks={"sure": ["1"]})
    assert state(desk, "q4") == "cancelled" and "Nothing is to be done." in officer.text
    by = {body.get("by") for kind, body in logged(desk) if kind == "request released"}
    assert len(by) == 1 and None not in by


def test_a_refusal_and_a_letter_are_written_handed_over_and_erased(officer, desk, monkeypatch):
    monkeypatch.setenv("PATH", "")
    officer.get("/requests/q9")
    officer.send("/requests/q9/pack", language="de")
    assert state(desk, "q9") == "more is needed" and "letter.txt" in officer.text
    officer.send("/requests/q9/refuse", ground="17(3)(e)", reason="a claim is open")
    assert state(desk, "q9") == "refused" and "a claim is open" not in officer.text
    assert officer.send("/requests/q9/file").content.startswith(b"PK")
    assert "a claim is open" in (desk.outbox / "q9" / "letter.txt").read_text()
    officer.get("/requests/q9")
    officer.send("/requests/q9/sent")
    assert not (desk.outbox / "q9").exists() and "The answer was sent on" in officer.text
    assert desk.outbox.stat().st_mode & 0o777 == 0o700


def test_a_restriction_is_told_to_end_and_ends_and_an_objection_is_upheld(
    officer, desk, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    assert state(desk, "q6") == "restricted"
    tomorrow = str(date.today() + timedelta(days=1))
    officer.get("/requests/q6")
    assert "No training takes the rows in" in officer.text
    officer.send("/requests/q6/keep-rows")
    assert "The next run takes them out" in officer.text
    officer.send("/requests/q6/announce-lift", because="verified", on=str(date.today()))
    assert (
        officer.answer.status_code == 422 and "told before a restriction is lifted" in officer.text
    )
    officer.send("/requests/q6/announce-lift", because="verified", on=tomorrow)
    assert state(desk, "q6") == "to be lifted" and "letter.txt" in officer.text
    officer.send("/requests/q6/lift")
    assert officer.answer.status_code == 422 and "lift it then" in officer.text
    officer.get("/requests/new")
    officer.send("/requests/new", ids="p14", right="objection")
    request = officer.path.partition("?")[0]
    assert "to be weighed" in officer.text
    officer.send(f"{request}/uphold")
    assert state(desk, request.rpartition("/")[2]) == "waiting"


def test_the_data_of_a_person_are_written_once_and_end_their_request(officer, desk, monkeypatch):
    monkeypatch.setenv("PATH", "")
    officer.get("/requests/q7")
    officer.send("/requests/q7/pack", to="Nine")
    assert state(desk, "q7") == "done" and "letter.txt" in officer.text
    assert (desk.outbox / "q7" / "your-data.html").exists()


@pytest.mark.parametrize(
    "action, fields, why, at",
    [
        ("hold", {"reason": "x", "until": "2020-01-01"}, "a last day that has not passed", "until"),
        ("hold", {"reason": " ", "until": "2031-01-01"}, "Say why.", "reason"),
        ("ask-more", {"doubt": ""}, "Say what is doubted", "doubt"),
        ("cancel", {}, "Tick that the person has taken it back.", "sure"),
        ("refuse", {"reason": ""}, "A refusal has a ground and a reason", "refuse-reason"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_form_is_said_at_its_field_and_changes_nothing(
    officer, desk, action, fields, why, at
):
    officer.get("/requests/q3")
    before = logged(desk)
    officer.send(f"/requests/q3/{action}", **fields)
    assert officer.answer.status_code == 422 and why in officer.text
    assert f"#{at}" in officer.page.links and at in officer.page.ids
    assert logged(desk) == before


@pytest.mark.parametrize(
    "fields, why, at",
    [
        ({"ids": " \n "}, "Say who it is about", "ids"),
        ({"ids": "p1", "right": "restriction"}, "names its ground", "ground"),
        ({"ids": "p1", "received": "1999-01-01"}, "more than a year", "received"),
        ({"ids": "p1", "received": "tomorrow"}, "no date", "received"),
    ],
)
def test_what_is_wrong_in_a_new_request_is_said_and_what_was_typed_stays(officer, fields, why, at):
    officer.get("/requests/new")
    officer.send("/requests/new", **fields, requester="Somebody")
    assert officer.answer.status_code == 422 and why in officer.text
    form = next(one for one in officer.page.forms if one["action"] == "/requests/new")
    assert form["fields"]["requester"] == "Somebody" and f"#{at}" in officer.page.links


def test_control_characters_of_a_letter_are_shown_and_rule_no_page(officer, desk):
    officer.get("/requests/new")
    officer.send("/requests/new", ids="p13", requester="Eve\x1b[31m <b>red</b>", reason="a\x07b")
    request = officer.path.partition("?")[0]
    officer.send(f"{request}/names", why="answer")
    assert "Eve\\x1b[31m <b>red</b>" in officer.text and "a\\x07b" in officer.text
    assert "<b>red" not in officer.answer.text


def test_two_browsers_at_once_one_holds_while_the_other_approves(desk):
    officer = sign_in_at_once(desk, "Dora Ost", "officer")
    approver = sign_in_at_once(desk, "Axel Vier", "approver")
    for browser in (officer, approver):
        browser.get("/requests/q5")
    until = str(date.today() + timedelta(days=5))
    officer.send("/requests/q5/hold", reason="a claim", until=until)
    approver.send("/requests/q5/approve")  # from the page of before
    assert "The request is approved." in approver.text and state(desk, "q5") == "held"
    approver.get("/requests/q5")
    assert "/requests/q5/approve" not in approver.actions()
