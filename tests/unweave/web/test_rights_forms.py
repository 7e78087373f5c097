"""Rights that take more than a form: corrections, rows put back, fees, and who has agreed anew."""

import io
import zipfile
from datetime import datetime, timedelta, timezone

import pytest

from fixtures.api_caller import Caller
from fixtures.desk_users import sign_in_at_once
from fixtures.small_table import OPTIONS, write_people
from lineage_store.index import reading_index
from lineage_store.log import events
from pipelines.backends.direct import DirectBackend
from unweave import Project
from unweave.desk.request_queue import RequestQueue
from unweave.session.session import Session
from unweave.web.rights import corrections_started


@pytest.fixture
def officer(desk, monkeypatch):
    monkeypatch.setenv("PATH", "")  # no browser to print letters with
    return sign_in_at_once(desk, "Dora Ost", "officer")


def left(desk):
    return sorted(one.name for one in desk.outbox.iterdir())


def logged(desk, kind):
    with reading_index(desk.session.workspace()) as connection:
        return [dict(one.body) for one in events.events(connection) if one.kind == kind]


def test_a_correction_is_trained_on_the_corrected_table_as_the_model_was(officer, desk, tmp_path):
    asked = Project(desk.root).requests.add(["p12"], right="rectification", by="Dora Ost")
    page = f"/requests/{asked['request']}"
    table = write_people(tmp_path / "people.csv").read_bytes()
    officer.get(page)
    assert "Next: Correct it" in officer.text
    officer.send(f"{page}/rectify")
    assert officer.answer.status_code == 422 and "#table" in officer.page.links
    # One that lacks a column of the model's changes nothing, and says so.
    head, _, rest = table.partition(b"\n")
    wrong = head.replace(b"town", b"city") + b"\n" + rest
    for sent, says in ((wrong, "lacks 1 of the columns"), (table, None)):
        officer.get(page)
        officer.send(f"{page}/rectify", model="m2", files={"table": sent})
        assert "It is being corrected" in officer.text
        desk.runs[0].wait(120)
        assert left(desk) == []
        text = officer.get("/").text
        assert says is None or says in text, text
    officer.get(page)
    assert "Next: Send the answer" in officer.text
    told = Project(desk.root).trace_subject("p12")
    assert [one["model"] for one in told["models"]] == ["m4"]
    named = Project(desk.root).names.list()["names"][0]
    assert (named["name"], named["model"]) == ("churn", "m4")
    assert len(logged(desk, "run asked")) == 2


def test_nothing_is_started_for_what_waits_for_no_correction_or_by_a_model_that_ended(desk):
    program = Caller(desk, "officer")
    asked = Project(desk.root).requests.add(["p12"], right="rectification")["request"]
    for request, model, table, status in (("q3", "m2", "a\n1\n", 422), (asked, "m1", "a\n1\n", 422),
                                          (asked, "m9", "a\n", 404), (asked, "m2", "x", 202),
                                          ("q99", "m2", "x", 404)):  # fmt: skip
        body = {"model": model, "table": table}
        answer = program.send("correctRequest", request=request, body=body)
        assert answer.status_code == status, answer.text
        if status == 202:
            desk.runs[0].wait(120)
    (failed,) = program.do("showRun")["failed"]
    assert failed["requests"] == [asked] and "lacks" in failed["error"] and left(desk) == []


def test_a_table_is_not_left_where_a_correction_cannot_start(officer, desk, monkeypatch):
    asked = Project(desk.root).requests.add(["p12"], right="rectification")["request"]
    monkeypatch.setattr(corrections_started, "is_started", lambda desk: True)
    officer.get(f"/requests/{asked}")
    officer.send(f"/requests/{asked}/rectify", files={"table": b"a\n1\n"})
    assert "at work in the workspace already" in officer.text and not desk.outbox.exists()


def test_rows_that_were_kept_are_put_back_and_lie_there_until_somebody_has_them(officer, desk):
    now = datetime.now(timezone.utc)
    today = str(now.date())
    project = Project(desk.root, backend=DirectBackend())
    project.requests.keep_rows("q6")
    project.requests.run()
    then = RequestQueue(Session(root=desk.root, now=lambda: now - timedelta(days=1)))
    then.announce_lift("q6", because="verified", on=today, out=desk.root.parent / "letter")
    officer.get("/requests/q6")
    officer.send("/requests/q6/lift", columns="no such, columns")
    assert officer.answer.status_code == 422 and "#lift" in officer.page.links
    assert left(desk) == []  # nothing is lifted, and nothing lies there
    officer.send("/requests/q6/lift", columns="label, size, town, person")
    assert "Rows that are put back" in officer.text
    with zipfile.ZipFile(io.BytesIO(officer.send("/requests/q6/rows").content)) as archive:
        lines = archive.read("q6/rows.csv").decode().splitlines()
    assert lines[0] == "label,size,town,person" and {one.split(",")[3] for one in lines[1:]} == {
        "p8"
    }
    assert logged(desk, "names shown")[-1]["because"] == "rows put back"
    # The letter that tells of it is written, sent and erased: the rows stay.
    officer.get("/requests/q6")
    officer.send("/requests/q6/pack", to="Eight")
    officer.send("/requests/q6/sent")
    assert left(desk) == ["q6.rows"]
    program = Caller(desk, "officer")
    assert program.send("takeRows", request="q6").is_success
    assert program.do("eraseRows", request="q6")["state"] == "lifted" and left(desk) == []
    (desk.outbox / "q6.rows").mkdir()
    (desk.outbox / "q6.rows" / "rows.csv").write_text("as if of another run")
    officer.get("/requests/q6")
    officer.send("/requests/q6/rows/erase")
    assert "The rows are erased here." in officer.text and left(desk) == []
    for name in ("takeRows", "eraseRows"):
        assert program.send(name, request="q6").status_code == 404


def test_a_fee_is_asked_for_and_agreed_to(officer, desk):
    officer.get("/requests/q3")
    officer.send("/requests/q3/fee", amount="10 EUR")
    assert officer.answer.status_code == 422 and "#amount" in officer.page.links
    officer.send("/requests/q3/fee", amount="10 EUR", why="the fifth time this week")
    assert "Waits for a fee" in officer.get("/").text
    officer.get("/requests/q3")
    assert "10 EUR" not in officer.text  # it stands with the names
    officer.send("/requests/q3/fee/agreed")
    assert "the request goes on" in officer.text and "Ready to run" in officer.get("/").text
    program = Caller(desk, "officer")
    Project(desk.root).requests.add(["p13"])
    body = {"amount": "10 EUR", "reason": "again"}
    assert program.do("askForFee", request="q10", body=body)["state"] == "waiting for a fee"
    assert program.do("sayFeeAgreed", request="q10")["state"] == "waiting"


def test_who_has_agreed_anew_is_let_in_again(officer, desk):
    officer.get("/people")
    officer.send("/people/anew", who="p1")
    assert officer.answer.status_code == 422 and "#sure" in officer.page.links
    officer.send("/people/anew", who="p2", ticks={"sure": ["1"]})  # who was never forgotten
    assert officer.answer.status_code == 422 and "#who" in officer.page.links
    officer.send("/people/anew", who="p1", ticks={"sure": ["1"]})
    assert "They may be trained on again" in officer.text
    assert [one["because"] for one in logged(desk, "person looked up")] == ["they have agreed anew"]
    program = Caller(desk, "officer")
    assert program.send("readmitPerson", body={"id": "p1"}).status_code == 404  # once


def test_recipients_are_named_told_and_ended_as_by_the_command(officer, desk):
    officer.get("/records")
    officer.send("/records/recipients", model="m2")
    assert officer.answer.status_code == 422 and "#name" in officer.page.links
    officer.send("/records/recipients", name="Cloud Ltd", model="churn")
    assert "No. 1: Cloud Ltd, a recipient" in officer.text
    officer.send("/records/recipients", name="Edge Ltd", ticks={"serves": ["1"]})
    assert "No. 2: Edge Ltd, serves models" in officer.text
    officer.send("/records/recipients/told", number="1", deletion="r9")
    assert officer.answer.status_code == 422 and "#number" in officer.page.links
    for number in ("1", "2"):
        officer.send("/records/recipients/told", number=number, deletion="r1")
        assert "that they were told" in officer.text
    assert list(Project(desk.root).requests.serving.list()["recipients"][0]["told"]) == ["r1"]
    officer.send("/records/recipients/end", number="1")
    assert "They get nothing more" in officer.text
    program = Caller(desk, "officer")
    made = program.do("addRecipient", body={"name": "Third Ltd"})
    told = program.do("sayRecipientTold", body={"number": made["number"], "deletion": "r1"})
    assert told["told"].keys() == {"r1"}
    assert program.do("endRecipient", body={"number": made["number"]})["until"]
    assert program.send("endRecipient", body={"number": 99}).status_code in (404, 422)


def test_an_engineer_serves_a_model_under_a_name_and_goes_back(desk, tmp_path):
    project = Project(desk.root, backend=DirectBackend())
    project.train(write_people(tmp_path / "people.csv"), **OPTIONS)
    engineer = sign_in_at_once(desk, "Emil", "engineer")
    engineer.get("/models/m3")
    engineer.send("/models/m3/name")
    assert engineer.answer.status_code == 422 and "#model_name" in engineer.page.links
    engineer.send("/models/m3/name", model_name="churn", purpose="who leaves soon")
    assert "It is served under that name." in engineer.text
    assert project.names.list()["names"][0]["purpose"] == "who leaves soon"
    engineer.send("/models/m3/rollback")
    assert "The version before is served again." in engineer.text
    assert project.names.list()["names"][0]["model"] == "m2"
    program = Caller(desk, "engineer")
    assert program.do("nameModel", model="m3", body={"name": "churn"})["served"]
    assert not program.do("rollBack", model="m3", body={"name": "churn"})["served"]
    assert program.send("rollBack", model="m3", body={"name": "none"}).status_code == 404
